"""BVH: known angles give known places, in any order of channels, unit and axes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.errors import DatasetError
from training.motion.bvh import read_bvh
from training.motion.motion import JOINTS
from training.motion.read import read_motions

KNEE_UP = {"LeftUpLeg": {"X": -90.0}, "LeftLeg": {"X": 90.0}}
UNITS = {"cm": 1.0, "m": 0.01, "mm": 10.0, "inch": 1 / 2.54, "cmu": 0.45 / 2.54}
FROM_Y_UP = {
    "y": np.eye(3),
    "z": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "-y": np.diag([1, -1, -1]),
}


def read(path, **options):
    (motion,) = read_motions(path, **options)
    return motion


def place(motion, joint, frame=0):
    return motion.xyz[frame, motion.joints.index(joint)]


def test_a_raised_knee_is_where_its_angles_put_it(bvh, tmp_path):
    bvh.frames = [{}, KNEE_UP]
    motion = read(bvh.write(tmp_path / "step.bvh"))
    assert (motion.name, motion.rate_fps, motion.joints) == ("step", 30.0, JOINTS)
    assert motion.xyz.dtype == np.float32
    np.testing.assert_allclose(place(motion, "left_knee", 0), (0.10, 0.0, 0.48), atol=1e-6)
    np.testing.assert_allclose(place(motion, "left_knee", 1), (0.10, -0.42, 0.90), atol=1e-6)
    np.testing.assert_allclose(place(motion, "left_ankle", 1), (0.10, -0.42, 0.50), atol=1e-6)
    np.testing.assert_allclose(place(motion, "left_toe", 1), (0.10, -0.55, 0.45), atol=1e-6)
    np.testing.assert_allclose(place(motion, "right_knee", 1), (-0.10, 0.0, 0.48), atol=1e-6)
    np.testing.assert_allclose(place(motion, "left_shoulder", 1), (0.18, 0.0, 1.40), atol=1e-6)
    np.testing.assert_allclose(place(motion, "head", 1), (0.0, 0.0, 1.50), atol=1e-6)
    assert motion.remarks == ()


@pytest.mark.parametrize(
    ("order", "elbow"),
    [
        ("ZXY", (0.18, 0.0, 1.68)),  # z by 90: the arm points up, whatever x does before
        ("XZY", (0.18, -0.28, 1.40)),  # then x by 90: from up to the front
        ("YZX", (0.18, 0.0, 1.68)),
        ("YXZ", (0.18, -0.28, 1.40)),
    ],
)
def test_the_channels_turn_in_the_order_of_their_names(bvh, tmp_path, order, elbow):
    bvh.order, bvh.frames = order, [{"LeftArm": {"X": 90.0, "Z": 90.0}}]
    motion = read(bvh.write(tmp_path / "arm.bvh"))
    np.testing.assert_allclose(place(motion, "left_elbow"), elbow, atol=1e-6)


@pytest.mark.parametrize("up", FROM_Y_UP)
@pytest.mark.parametrize("unit", UNITS)
def test_unit_and_upward_axis_are_found(bvh, tmp_path, unit, up):
    bvh.scale, bvh.turn = UNITS[unit], FROM_Y_UP[up]
    motion = read(bvh.write(tmp_path / "stand.bvh"))
    np.testing.assert_allclose(place(motion, "left_wrist"), (0.71, 0.0, 1.40), atol=1e-6)
    np.testing.assert_allclose(place(motion, "right_toe"), (-0.10, -0.13, 0.03), atol=1e-6)
    assert len(motion.remarks) == (unit == "cmu")  # only that one is worth a remark


def test_a_small_child_is_not_taken_for_a_tall_person_in_another_unit(bvh, tmp_path):
    bvh.scale = 42 / 82
    with pytest.raises(DatasetError, match="42 long together, which is a child's in cm and a tall"):
        read(bvh.write(tmp_path / "small.bvh"))
    motion = read(tmp_path / "small.bvh", unit="cm")
    np.testing.assert_allclose(place(motion, "left_hip")[2], 0.90 * 42 / 82, atol=1e-6)


def test_who_lies_all_the_time_is_refused_until_the_axis_is_given(bvh, tmp_path):
    bvh.frames = [{"Hips": {"X": -90.0}}] * 3
    with pytest.raises(DatasetError, match="follows -z, and y in the skeleton's rest pose"):
        read(bvh.write(tmp_path / "lie.bvh"))
    motion = read(tmp_path / "lie.bvh", up="y")
    np.testing.assert_allclose(place(motion, "head"), (0.0, 0.60, 0.90), atol=1e-6)
    bvh.frames = [{"Hips": {"X": -45.0}}]
    with pytest.raises(DatasetError, match="follows no axis"):
        read(bvh.write(tmp_path / "lean.bvh"))
    bvh.frames = [{"Hips": {"Z": 90.0}}]
    with pytest.raises(DatasetError, match="probably lying"):
        read(bvh.write(tmp_path / "side.bvh"))


def test_a_rest_pose_with_all_bones_along_one_axis_says_nothing_about_up(bvh, tmp_path):
    plain = read(bvh.write(tmp_path / "plain.bvh"))
    # Hips turned by 90 about z make the trunk's x upward; thighs by 180 more make theirs downward.
    for name, (parent, (x, y, z)) in bvh.bones.items():
        below_thigh = parent.endswith(("UpLeg", "Leg", "Foot"))
        bvh.bones[name] = (parent, (-y, x, z) if below_thigh else (y, -x, z))
    bvh.frames = [{"Hips": {"Z": 90}, "LeftUpLeg": {"Z": 180}, "RightUpLeg": {"Z": 180}}]
    points = read_bvh(bvh.write(tmp_path / "along.bvh"), "")
    assert points.rest is not None
    knee, hip = points.names.index("LeftLeg"), points.names.index("LeftUpLeg")
    assert points.rest[knee][0] - points.rest[hip][0] == 42
    np.testing.assert_allclose(read(tmp_path / "along.bvh").xyz, plain.xyz, atol=1e-6)


def test_exchanged_sides_are_remarked(bvh, tmp_path):
    bvh.frames = [{"LeftUpLeg": {"X": -60.0}, "LeftLeg": {"X": 90.0}}] * 12
    assert read(bvh.write(tmp_path / "right.bvh")).remarks == ()
    bvh.turn = np.diag([-1, 1, 1])
    (remark,) = read(bvh.write(tmp_path / "wrong.bvh")).remarks
    assert "left and right are probably exchanged" in remark


def test_positions_of_a_bone_replace_its_offset_or_come_on_top(bvh, tmp_path):
    plain = read_bvh(bvh.write(tmp_path / "plain.bvh"), "")
    bvh.with_positions = set(bvh.bones)
    whole = read_bvh(bvh.write(tmp_path / "whole.bvh"), "")
    np.testing.assert_allclose(whole.xyz, plain.xyz, atol=1e-6)
    head = bvh.text().split("Frame Time")[0]
    zeros = " ".join(["0 90 0", "0 0 0", *["0 0 0"] * (2 * len(bvh.bones) - 2)])
    (tmp_path / "top.bvh").write_text(f"{head}Frame Time: 0.0333333\n{zeros}\n")
    np.testing.assert_allclose(read_bvh(tmp_path / "top.bvh", "").xyz, plain.xyz, atol=1e-6)


@pytest.mark.parametrize(
    ("frame_time", "rate_fps"),
    [("0.008333", 120.0), ("0.0416667", 24.0), ("0.0333667", 29.97), ("0.02", 50.0)],
)
def test_frame_times_of_few_digits_are_whole_rates(bvh, tmp_path, frame_time, rate_fps):
    bvh.frame_time = frame_time
    assert read_bvh(bvh.write(tmp_path / "a.bvh"), "").rate_fps == pytest.approx(rate_fps, abs=1e-4)


angle = st.floats(-180, 180, allow_nan=False).map(lambda value: round(value, 6))
length = st.floats(-30, 30, allow_nan=False).map(lambda value: round(value, 6))
bone = st.tuples(
    st.integers(0, 100),
    st.permutations("XYZ"),
    st.tuples(length, length, length),
    st.lists(st.tuples(angle, angle, angle), min_size=2, max_size=2),
)


def turn(axis, degrees):
    """The textbook's rotation about one axis."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    if axis == "X":
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    if axis == "Y":
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


@settings(max_examples=15)
@given(st.lists(bone, min_size=2, max_size=7))
def test_any_skeleton_is_where_direct_kinematics_puts_it(tmp_path_factory, bones):
    parents = [-1, *(drawn[0] % index for index, drawn in enumerate(bones[1:], 1))]
    rows: list[list[str]] = [[], []]
    order: list[int] = []

    def write(index):
        order.append(index)
        _, axes, offset, angles = bones[index]
        for row, frame in zip(rows, angles):
            row.extend(f"{value:.6f}" for value in frame)
        below = [write(child) for child, parent in enumerate(parents) if parent == index]
        return (
            f"{'JOINT' if index else 'ROOT'} b{index} {{ OFFSET {' '.join(map(str, offset))}\n"
            f"CHANNELS 3 {' '.join(f'{axis}rotation' for axis in axes)}\n{' '.join(below)} }}\n"
        )

    text = f"HIERARCHY\n{write(0)}MOTION\nFrames: 2\nFrame Time: 0.01\n"
    path = tmp_path_factory.getbasetemp() / "drawn.bvh"
    path.write_text(text + "\n".join(" ".join(row) for row in rows))
    points = read_bvh(path, "")
    assert points.names == tuple(f"b{index}" for index in order)
    for frame in range(2):
        world, at = {-1: np.eye(3)}, {-1: np.zeros(3)}
        for index, (_, axes, offset, angles) in enumerate(bones):
            above = parents[index]
            at[index] = at[above] + world[above] @ np.array(offset)
            world[index] = world[above]
            for axis, degrees in zip(axes, angles[frame]):
                world[index] = world[index] @ turn(axis, degrees)
        truth = np.array([at[index] for index in order])
        np.testing.assert_allclose(points.xyz[frame], truth, atol=1e-9)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("MOTION", "MOTI", "MOTION, Frames and Frame Time are not as they must be"),
        ("Frames: 1", "Frames: 2", "states 2 frames of 60 values and holds 1"),
        ("Frames: 1", "Frames: 0", "states 0 frames"),
        ("Frame Time: 0.0333333", "Frame Time: 0", "0 s apart"),
        ("0 90 0", "0 nan 0", "not finite"),
        ("0 90 0", "0 up 0", "could not convert"),
        ("OFFSET 0 20 0", "", "'Spine' has no OFFSET"),
        ("CHANNELS 3 Zrotation", "CHANNELS 4 Zrotation", "'Spine' states 4 channels and names 3"),
        ("Zrotation Xrotation Yrotation", "Zrotation Xrotation Zrotation", "turns twice"),
        ("JOINT Spine\n\t{", "JOINT Spine\n\t", "second root or a brace too many"),
        ("HIERARCHY\nROOT", "HIERARCHY\nBONE", "hierarchy breaks off in line 1"),
    ],
)
def test_a_damaged_file_is_refused_with_the_reason(bvh, tmp_path, old, new, message):
    text = bvh.text()
    assert old in text
    (tmp_path / "bad.bvh").write_text(text.replace(old, new, 1))
    with pytest.raises(DatasetError, match=message) as caught:
        read(tmp_path / "bad.bvh")
    assert "bad.bvh' is damaged or no BVH" in str(caught.value)


def test_a_file_cut_anywhere_is_refused(bvh, tmp_path):
    text = bvh.text().rstrip()
    for length in range(0, len(text) - 1, 61):
        (tmp_path / "cut.bvh").write_text(text[:length])
        with pytest.raises(DatasetError, match=r"cut\.bvh' is (damaged|empty)"):
            list(read_motions(tmp_path / "cut.bvh"))
