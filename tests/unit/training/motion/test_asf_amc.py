"""ASF and AMC: a person with CMU's bones, known angles and places counted by hand."""

import numpy as np
import pytest

from training.errors import DatasetError
from training.motion.asf_amc import find_asf, read_amc
from training.motion.motion import JOINTS
from training.motion.read import read_motions

CM = 0.45 / 2.54  # file units per cm
BONES = {  # parent, direction, length in cm, axis, dof
    "lhipjoint": ("root", (1, 0, 0), 10, (0, 0, 0), ""),
    "lfemur": ("lhipjoint", (0, -1, 0), 42, (0, 0, 20), "rx ry rz"),
    "ltibia": ("lfemur", (0, -1, 0), 40, (0, 0, 0), "rx"),
    "lfoot": ("ltibia", (0, 0, 1), 13, (0, 0, 0), "rx rz"),
    "ltoes": ("lfoot", (0, 0, 1), 5, (0, 0, 0), "rx"),
    "rhipjoint": ("root", (-1, 0, 0), 10, (0, 0, 0), ""),
    "rfemur": ("rhipjoint", (0, -1, 0), 42, (0, 0, -20), "rx ry rz"),
    "rtibia": ("rfemur", (0, -1, 0), 40, (0, 0, 0), "rx"),
    "rfoot": ("rtibia", (0, 0, 1), 13, (0, 0, 0), "rx rz"),
    "rtoes": ("rfoot", (0, 0, 1), 5, (0, 0, 0), "rx"),
    "thorax": ("root", (0, 1, 0), 50, (0, 0, 0), "rx ry rz"),
    "upperneck": ("thorax", (0, 1, 0), 10, (0, 0, 0), "rx ry rz"),
    "head": ("upperneck", (0, 1, 0), 15, (0, 0, 0), "rx ry rz"),
    "lclavicle": ("thorax", (1, 0, 0), 18, (0, 0, 0), "ry rz"),
    "lhumerus": ("lclavicle", (1, 0, 0), 28, (90, 0, 0), "rx ry rz"),
    "lradius": ("lhumerus", (1, 0, 0), 25, (0, 0, 0), "rx"),
    "lwrist": ("lradius", (1, 0, 0), 8, (0, 0, 0), "ry"),
    "rclavicle": ("thorax", (-1, 0, 0), 18, (0, 0, 0), "ry rz"),
    "rhumerus": ("rclavicle", (-1, 0, 0), 28, (0, 0, 0), "rx ry rz"),
    "rradius": ("rhumerus", (-1, 0, 0), 25, (0, 0, 0), "rx"),
    "rwrist": ("rradius", (-1, 0, 0), 8, (0, 0, 0), "ry"),
}


def write_asf(path, *, angle="deg", scale=CM, length="0.45"):
    """Write the skeleton as CMU does."""
    per_degree = 1.0 if angle == "deg" else np.pi / 180
    text = (
        f"# a remark\n:version 1.10\n:name test\n:units\n  mass 1.0\n  length {length}\n"
        f"  angle {angle}\n:documentation\n   made by a test\n:root\n  order TX TY TZ RX RY RZ\n"
        "  axis XYZ\n  position 0 0 0\n  orientation 0 0 0\n:bonedata\n"
    )
    for number, (name, (_, direction, size, axis, dof)) in enumerate(BONES.items(), 1):
        text += (
            f"  begin\n    id {number}\n    name {name}\n"
            f"    direction {' '.join(map(str, direction))}\n    length {size * scale}\n"
            f"    axis {' '.join(str(a * per_degree) for a in axis)}  XYZ\n"
        )
        if dof:
            limits = "\n           ".join(["(-160.0 20.0)"] * len(dof.split()))
            text += f"    dof {dof}\n    limits {limits}\n"
        text += "  end\n"
    text += ":hierarchy\n  begin\n"
    for parent in ("root", *BONES):
        below = [name for name, (above, *_) in BONES.items() if above == parent]
        if below:
            text += f"    {parent} {' '.join(below)}\n"
    path.write_text(text + "  end\n")


def write_amc(path, frames, *, head=":FULLY-SPECIFIED\n:DEGREES\n", scale=CM, per_degree=1.0):
    """Write frames of bone to degrees; the root 90 cm high."""
    text = f"#!OML:ASF test\n{head}"
    for number, frame in enumerate(frames, 1):
        turn = " ".join(str(x * per_degree) for x in frame.get("root", (0, 0, 0)))
        text += f"{number}\nroot 0 {90 * scale} 0 {turn}\n"
        for name, (*_, dof) in BONES.items():
            if dof:
                values = frame.get(name, (0,) * len(dof.split()))
                text += f"{name} {' '.join(str(x * per_degree) for x in values)}\n"
    path.write_text(text)
    return path


def read(path, **options):
    (motion,) = read_motions(path, **options)
    return motion


def place(motion, joint, frame=0):
    return motion.xyz[frame, motion.joints.index(joint)]


def test_a_standing_person_and_a_raised_knee_are_where_counted(tmp_path):
    write_asf(tmp_path / "07.asf")
    # The femur's own axes are turned by 20 degrees: its x and y turn it, but z as the room's.
    knee_up = {"rtibia": (90,), "lhumerus": (0, 0, 90), "lfemur": (0, 0, 90)}
    motion = read(write_amc(tmp_path / "07_01.amc", [{}, knee_up]))
    assert (motion.name, motion.rate_fps, motion.joints) == ("07_01", 120.0, JOINTS)
    assert motion.remarks == ("The file states no rate: taken as 120 frames per second.",)
    expected = {
        "left_hip": (0.10, 0.0, 0.90),
        "left_knee": (0.10, 0.0, 0.48),
        "right_ankle": (-0.10, 0.0, 0.08),
        "left_toe": (0.10, -0.13, 0.08),
        "left_shoulder": (0.18, 0.0, 1.40),
        "left_wrist": (0.71, 0.0, 1.40),
        "head": (0.0, 0.0, 1.50),
    }
    for joint, xyz in expected.items():
        np.testing.assert_allclose(place(motion, joint), xyz, atol=1e-6, err_msg=joint)
    # z by 90 takes the left leg to the left: (0, -1, 0) becomes (1, 0, 0).
    np.testing.assert_allclose(place(motion, "left_knee", 1), (0.52, 0.0, 0.90), atol=1e-6)
    np.testing.assert_allclose(place(motion, "left_ankle", 1), (0.92, 0.0, 0.90), atol=1e-6)
    # x by 90 takes the right shank from down to the back, away from the toes.
    np.testing.assert_allclose(place(motion, "right_ankle", 1), (-0.10, 0.40, 0.48), atol=1e-6)
    # The humerus' axes are turned by 90 about x: its z is the room's -y, and 90 about that
    # takes (1, 0, 0) to (0, 0, 1), the front.
    np.testing.assert_allclose(place(motion, "left_elbow", 1), (0.18, -0.28, 1.40), atol=1e-6)


def test_values_turn_about_fixed_axes_x_first(tmp_path):
    write_asf(tmp_path / "a.asf")
    # x by 90: the arm (-1, 0, 0) stays; y by 90: it points to (0, 0, 1); z by 90: it stays.
    motion = read(write_amc(tmp_path / "a.amc", [{"rhumerus": (90, 90, 90)}]))
    np.testing.assert_allclose(place(motion, "right_elbow"), (-0.18, -0.28, 1.40), atol=1e-6)


def test_radians_inches_and_a_rate_are_read_as_stated(tmp_path):
    frames = [{"lfemur": (-30, 10, 20), "root": (5, 170, 3)}]
    write_asf(tmp_path / "a.asf")
    plain = read(write_amc(tmp_path / "a.amc", frames))
    other = tmp_path / "other"
    other.mkdir()
    write_asf(other / "a.asf", angle="rad", scale=1 / 2.54, length="1.0")
    path = write_amc(
        other / "a.amc",
        frames,
        head=":FULLY-SPECIFIED\n:SAMPLES-PER-SECOND 60\n",
        scale=1 / 2.54,
        per_degree=np.pi / 180,
    )
    motion = read(path)
    np.testing.assert_allclose(motion.xyz, plain.xyz, atol=1e-6)
    assert (motion.rate_fps, motion.remarks) == (60.0, ())


def test_a_stated_unit_that_makes_no_person_is_replaced_with_a_remark(tmp_path):
    write_asf(tmp_path / "a.asf", length="1.0", scale=0.01)  # metres, stated as inches
    motion = read(write_amc(tmp_path / "a.amc", [{}], scale=0.01))
    np.testing.assert_allclose(place(motion, "left_hip"), (0.10, 0.0, 0.90), atol=1e-6)
    assert "taken as m" in " ".join(motion.remarks)


def test_the_skeleton_is_the_one_of_the_longest_common_name(tmp_path):
    for name in ("1.asf", "10.asf", "20.asf"):
        (tmp_path / name).touch()
    assert find_asf(tmp_path / "10_02.amc").name == "10.asf"
    assert find_asf(tmp_path / "1_02.amc").name == "1.asf"
    with pytest.raises(DatasetError, match=r"there are 3 of other names beside it\. Put '11\.asf'"):
        find_asf(tmp_path / "11_02.amc")


def test_a_skeleton_alone_or_a_motion_alone_is_refused(tmp_path):
    write_asf(tmp_path / "a.asf")
    with pytest.raises(DatasetError, match=r"is a skeleton without motion\. Give its AMC files"):
        read(tmp_path / "a.asf")
    (tmp_path / "b").mkdir()
    with pytest.raises(DatasetError, match=r"and there is none beside it. Put 'a\.asf'"):
        read(write_amc(tmp_path / "b" / "a_1.amc", [{}]))


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("a.amc", "lfemur", "lfemurs", "no bone with values named 'lfemurs'"),
        ("a.amc", "ltibia 0.0\n", "", "'ltibia' should have 1 values in each of 2 frames"),
        ("a.amc", "ltibia 0.0\n", "ltibia 0 0\n", "'ltibia' should have 1 values"),
        ("a.amc", "ltibia 0.0\n", "ltibia x\n", "could not convert"),
        ("a.asf", "direction 0 1 0", "direction 0 1", "of 'thorax' are not those"),
        ("a.asf", "dof rx ry rz", "dof tx ry rz", "of 'lfemur' are not those"),
        ("a.asf", "root lhipjoint", "root ljoint", "names 'ljoint' under 'root' wrongly"),
        ("a.asf", "order TX TY TZ", "order TX TY", "the order of its root"),
        ("a.asf", "length 0.45", "length 0", "unit of length is 0"),
        ("a.asf", "    name lfemur\n", "", "a bone has no name"),
        ("a.asf", ":hierarchy", ":hier", "no bones or no hierarchy"),
    ],
)
def test_a_damaged_file_is_refused_with_the_reason(tmp_path, file, old, new, message):
    write_asf(tmp_path / "a.asf")
    write_amc(tmp_path / "a.amc", [{}, {}])
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1))
    with pytest.raises(DatasetError, match=message) as caught:
        read_amc(tmp_path / "a.amc", "")
    assert f"{file}' is damaged" in str(caught.value)
