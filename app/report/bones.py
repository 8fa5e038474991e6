"""The section of the report page about the person's bones."""

from app.presenters.calibration import format_with_unit
from app.report.charts import MeasuredBone, draw_bones
from app.report.html import render_section, render_table
from calibration.judge.report import BoneReport, CalibrationReport

# Highlighted: larger differences between sides or over time.
_MAX_BONE_PERCENT = 8.0
_WORDS = {
    "hip-knee": "thigh",
    "knee-ankle": "shank",
    "shoulder-elbow": "upper arm",
    "elbow-wrist": "forearm",
    "shoulder-hip": "trunk",
    "heel-foot_index": "foot",
    "left_shoulder-right_shoulder": "shoulders",
    "left_hip-right_hip": "hips",
}


def render_bones(report: CalibrationReport) -> str:
    """Render bone lengths: against what people have, left against right, variation over time.

    Parameters
    ----------
    report
    """
    pairs = pair_bones(report.bones)
    if not pairs:
        return ""
    expected = report.details.get("expected_bones_m", {})
    chart = [
        MeasuredBone(
            name_bone(bones[0].name),
            tuple((bone.length_m, bone.variation_percent) for bone in bones),
            tuple(expected[bones[0].name]) if bones[0].name in expected else None,
        )
        for bones in pairs
    ]
    people = (
        f" Grey: 95 % of people of {report.stature_m:.2f} m; metres come from the stature, so it "
        "is the proportions that are compared."
        if expected
        else ""
    )
    note = (
        "Bones have constant length. Large variation, or a large difference between the sides, "
        "indicates a poor rig or loose clothing. Bars: measured, left above right (solved as one "
        f"length for both sides); lines: variation over time.{people} Orange: outside of it."
    )
    head = ("Bone", "Left", "Right", "Difference", "Variation over time", "People")
    rows = [_list_cells(bones, expected.get(bones[0].name)) for bones in pairs]
    body = f'<div class="bars">{draw_bones(chart)}</div>{render_table(head, rows)}'
    return render_section("Bone lengths", note, body)


def pair_bones(bones: tuple[BoneReport, ...]) -> list[tuple[BoneReport, ...]]:
    """Pair left and right; a bone across the body stands alone.

    Parameters
    ----------
    bones
    """
    by_name = {bone.name: bone for bone in bones}
    pairs: list[tuple[BoneReport, ...]] = []
    for name, bone in by_name.items():
        twin = by_name.get(name.replace("left_", "right_"))
        is_right = "left_" not in name and name.replace("right_", "left_") in by_name
        if not (name.startswith("right_") and is_right):
            pairs.append((bone,) if twin is None or twin is bone else (bone, twin))
    return pairs


def name_bone(bone: str) -> str:
    """Name a bone, or a pair of them, for a person.

    Parameters
    ----------
    bone
        As in `BoneReport`.

    Examples
    --------
    >>> name_bone("left_hip-left_knee"), name_bone("left_wrist-left_thumb")
    ('thigh', 'wrist to thumb')
    """
    sides = bone.replace("left_", "")
    plain = bone if "right_" in bone else sides
    return _WORDS.get(plain, plain.replace("_", " ").replace("-", " to "))


def _list_cells(
    bones: tuple[BoneReport, ...], expected: list[float] | None
) -> list[tuple[str, bool]]:
    """List the cells of a bone or a pair, and which are highlighted."""
    lengths = [bone.length_m for bone in bones]
    variation = max(bone.variation_percent for bone in bones)
    percent = 200 * abs(lengths[0] - lengths[-1]) / (lengths[0] + lengths[-1])
    people = (
        f"{100 * (expected[0] - 2 * expected[1]):.0f} to "
        f"{100 * (expected[0] + 2 * expected[1]):.0f} cm"
        if expected
        else "–"
    )
    is_outside = expected is not None and any(
        abs(length - expected[0]) > 2 * expected[1] for length in lengths
    )
    return [
        (name_bone(bones[0].name), False),
        (_format_cm(lengths[0]), False),
        (_format_cm(lengths[1]) if len(lengths) > 1 else "", False),
        (
            format_with_unit(percent, "%", 1) if len(lengths) > 1 else "",
            len(lengths) > 1 and percent > _MAX_BONE_PERCENT,
        ),
        (format_with_unit(variation, "%", 1), variation > _MAX_BONE_PERCENT),
        (people, is_outside),
    ]


def _format_cm(length_m: float) -> str:
    """Format a length in centimetres."""
    return format_with_unit(100 * length_m, "cm", 1)
