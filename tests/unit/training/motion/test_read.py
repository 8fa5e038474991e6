"""Files and folders of motion: what is found in them, what joints are called, what is refused."""

import numpy as np
import pytest

from engine.studio.body.anatomy import build_anatomy
from engine.studio.body.retarget import DRIVING_JOINTS, retarget
from training.errors import DatasetError
from training.motion.motion import JOINTS, Motion
from training.motion.names import find_joints
from training.motion.npz import BEGINS_AT_END_OF
from training.motion.read import read_motions

LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")
CONVENTIONS = {
    "mixamo": "mixamorig:{}Arm ForeArm Hand UpLeg Leg Foot ToeBase; mixamorig:{}Shoulder",
    "character": "Character1_{}Arm ForeArm Hand UpLeg Leg Foot ToeBase; Character1_{}Shoulder",
    "rokoko": "{}Arm ForeArm Hand Thigh Shin Foot Toe; {}Shoulder",
    "xsens": "{}UpperArm ForeArm Hand UpperLeg LowerLeg Foot Toe; {}Shoulder",
    "iclone": "CC_Base_{:.1}_Upperarm Forearm Hand Thigh Calf Foot ToeBase; CC_Base_{:.1}_Clavicle",
    "biped": "Bip01 {:.1} UpperArm Forearm Hand Thigh Calf Foot Toe0; Bip01 {:.1} Clavicle",
    "kinect": "{}Shoulder Elbow Wrist Hip Knee Ankle Foot; {}Hand",
    "smpl": "{:.1}_Shoulder Elbow Wrist Hip Knee Ankle Foot; {:.1}_Collar",
    "vicon": "{}Shoulder Elbow Hand Hip Knee Foot Toe; {}Collar",
}


def spell(convention):
    """Spell out the names of a convention, and what each is called here."""
    limbs, other = CONVENTIONS[convention].split("; ")
    first, *rest = limbs.rsplit(" ", 6)
    stem = first[: first.index("}") + 1]
    stem += first[len(stem)] if first[len(stem)] in "_ " else ""
    names, ours = ["Hips"], [None]
    for side in ("Left", "Right"):
        names += [other.format(side), first.format(side)]
        names += [(stem + part).format(side) for part in rest]
        ours += [None, *(f"{side.lower()}_{limb}" for limb in LIMBS)]
    return names, ours


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_joints_are_found_under_common_names(convention):
    names, ours = spell(convention)
    places = find_joints(names)
    assert {joint: names[index] for joint, index in places.items()} == {
        joint: name for joint, name in zip(ours, names) if joint
    }


def test_joints_are_found_under_names_without_a_rule():
    def side(*names):
        return [f"{letter}{name}" for letter in "lr" for name in names]

    daz = side("Collar", "Shldr", "ForeArm", "Hand", "Buttock", "Thigh", "Shin", "Foot", "Foot_end")
    unreal = [
        f"{part}_{letter}"
        for letter in "lr"
        for part in ("clavicle", "upperarm", "lowerarm", "hand", "thigh", "calf", "foot", "ball")
    ]
    rigify = [
        f"{part}.{letter}"
        for letter in "LR"
        for part in ("shoulder", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")
    ]
    for names in (daz, unreal, rigify, list(JOINTS)):
        assert set(find_joints([*names, "head"])) == set(JOINTS)
    assert daz[find_joints(daz)["left_hip"]] == "lThigh"


def test_a_clavicle_called_shoulder_is_never_the_shoulder():
    names = ["LeftShoulder", "LeftForeArm", "LeftHand", "LeftHip", "LeftLeg", "LeftFoot"]
    assert set(find_joints(names)) == {"left_elbow", "left_wrist", "left_knee", "left_ankle"}


def write_npz(path, **changes):
    """Write a person of CMU's bone ends, 90 cm hips, for two clips."""
    ends = {"clavicle": (180, 1400), "humerus": (460, 1400), "radius": (710, 1400)}
    ends |= {"hipjoint": (100, 900), "femur": (100, 480), "tibia": (100, 80), "foot": (100, 50)}
    names = [side + bone for side in "lr" for bone in ends] + ["upperneck", "head", "ltoes"]
    xyz = [[sign * x, y, 0] for sign in (1, -1) for x, y in ends.values()]
    xyz += [[0, 1500, 0], [0, 1700, 0], [100, 50, 60]]
    content = {
        "names": np.array(names),
        "clips": np.array(["01_01", "01_02"]),
        "start": np.array([0, 2, 5]),
        "xyz_mm": np.array([xyz] * 5, np.int16),
        "fps": 30,
    } | changes
    np.savez(path, **{key: value for key, value in content.items() if value is not None})
    return path


def test_names_of_asf_in_an_npz_are_ends_of_bones(tmp_path):
    first, second = read_motions(write_npz(tmp_path / "cmu.npz"))
    assert (first.name, second.name) == ("cmu/01_01", "cmu/01_02")
    assert (len(first), len(second), first.rate_fps, first.joints) == (2, 3, 30.0, JOINTS)
    by_name = dict(zip(first.joints, first.xyz[0]))
    np.testing.assert_allclose(by_name["left_knee"], (0.10, 0.0, 0.48), atol=1e-6)
    np.testing.assert_allclose(by_name["right_wrist"], (-0.71, 0.0, 1.40), atol=1e-6)
    np.testing.assert_allclose(by_name["left_toe"], (0.10, 0.0, 0.05), atol=1e-6)
    np.testing.assert_allclose(by_name["head"], (0.0, 0.0, 1.50), atol=1e-6)
    assert set(BEGINS_AT_END_OF) == {"clavicle", "humerus", "radius", "hipjoint", "femur"} | {
        "tibia",
        "foot",
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": np.array([0, 2, 6])}, "do not belong together"),
        ({"start": np.array([0, 0, 5])}, "do not belong together"),
        ({"clips": np.array(["01_01"])}, "do not belong together: 17 names, 1 clips and 3 starts"),
        ({"fps": None}, "has no fps, so it is no file of motion"),
        ({"fps": 0}, "has a rate of 0.0 frames per second"),
        ({"names": np.array([f"p{n}" for n in range(17)])}, "no joint known as left_shoulder"),
        ({"names": np.array([None] * 17)}, "is damaged or no npz"),
    ],
)
def test_an_npz_of_another_layout_is_refused(tmp_path, changes, message):
    with pytest.raises(DatasetError, match=message):
        list(read_motions(write_npz(tmp_path / "bad.npz", **changes)))


def test_a_folder_is_read_by_content_in_the_order_of_names(bvh, tmp_path):
    (tmp_path / "b").mkdir()
    bvh.write(tmp_path / "b" / "walk.txt")
    bvh.write(tmp_path / "run.BVH")
    write_npz(tmp_path / "a.npz")
    (tmp_path / "README.txt").write_text("Two people walk.")
    (tmp_path / "._run.BVH").write_bytes(b"\0\5\x16\7")
    np.savez(tmp_path / "other.npz", values=np.zeros(3))
    names = [motion.name for motion in read_motions(tmp_path)]
    assert names == ["a/01_01", "a/01_02", "b/walk", "run"]


def test_what_holds_no_motion_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="holds no motion among 0 files"):
        read_motions(tmp_path)
    with pytest.raises(DatasetError, match="There is no '"):
        read_motions(tmp_path / "walk.bvh")
    np.save(tmp_path / "e.npy", np.zeros(3))
    array = (tmp_path / "e.npy").read_bytes()
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(DatasetError, match="no file of motion that is known here"):
        read_motions(tmp_path / "notes.txt")
    bad = {"a.bvh": b"", "b.amc": b" \n", "c.npz": b"", "d.npz": b"PK\3\4", "e.npz": array}
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / "b.asf").write_text(":version 1.10")
        with pytest.raises(DatasetError, match=r"(is empty|is damaged)"):
            list(read_motions(tmp_path / name))
        (tmp_path / name).unlink()


def test_units_and_axes_that_do_not_exist_are_refused_at_once(tmp_path):
    with pytest.raises(DatasetError, match=r"'ft' is no unit of motion\. Give one of m, cm, mm"):
        read_motions(tmp_path, unit="ft")
    with pytest.raises(DatasetError, match="'up' is no axis"):
        read_motions(tmp_path, up="up")


def test_a_missing_joint_is_named_with_the_names_in_the_file(bvh, tmp_path):
    bvh.names = {"LeftForeArm": "Unterarm"}
    with pytest.raises(DatasetError, match=r"no joint known as left_elbow, .* Unterarm, LeftHand"):
        list(read_motions(bvh.write(tmp_path / "a.bvh")))


def make_motion(**changes):
    """A motion of 3 frames at 10 per second, all joints moving 0.3 m a second along x."""
    xyz = np.zeros((3, 12, 3), np.float32)
    xyz[..., 0] = np.arange(3)[:, None] * 0.03
    content = {"name": "m", "rate_fps": 10.0, "joints": DRIVING_JOINTS, "xyz": xyz} | changes
    return Motion(**content)


@pytest.mark.parametrize(("rate_fps", "frames"), [(10, 3), (30, 7), (25, 6), (5, 2), (4, 1)])
def test_another_rate_keeps_the_speed(rate_fps, frames):
    motion = make_motion().resample(rate_fps)
    assert (len(motion), motion.rate_fps, motion.xyz.dtype) == (frames, rate_fps, np.float32)
    np.testing.assert_allclose(motion.xyz[:, 3, 0], 0.3 * np.arange(frames) / rate_fps, atol=1e-6)


def test_a_motion_is_whole_and_finite():
    xyz = make_motion().xyz
    with pytest.raises(DatasetError, match="no joint known as right_ankle"):
        make_motion(joints=DRIVING_JOINTS[:-1], xyz=xyz[:, :-1])
    with pytest.raises(DatasetError, match="'m' has no frame"):
        make_motion(xyz=xyz[:0])
    gap = xyz.copy()
    gap[1, 2] = np.nan
    with pytest.raises(DatasetError, match="Frame 1 of 'm' has joints without a position"):
        make_motion(xyz=gap)


def test_a_motion_drives_a_body_of_the_studio(bvh, tmp_path):
    bvh.frames = [{}, {"LeftUpLeg": {"X": -60.0}, "LeftLeg": {"X": 90.0}}]
    (motion,) = read_motions(bvh.write(tmp_path / "step.bvh"))
    bones = retarget(motion.positions(), build_anatomy(1.75))
    assert np.isfinite(bones.xyz).all()


@pytest.mark.data
def test_the_motion_of_real_people_is_read(data_folder):
    motions = list(read_motions(data_folder / "mocap"))
    assert len(motions) == 28 + 43 + 57
    assert sum(len(motion) for motion in motions) == 55_135
    for motion in motions:
        joints = motion.positions()
        assert motion.rate_fps == 30.0
        assert motion.joints[:12] == DRIVING_JOINTS
        assert {"left_toe", "right_toe", "head"} <= set(motion.joints)
        assert motion.remarks == ()
        thigh = np.linalg.norm(joints["left_knee"] - joints["left_hip"], axis=1)
        assert 0.35 < np.median(thigh) < 0.5
        trunk = joints["left_shoulder"] + joints["right_shoulder"] - joints["left_hip"]
        trunk = trunk - joints["right_hip"]
        upright = trunk[:, 2] / np.linalg.norm(trunk, axis=1)
        assert np.median(upright) > 0.8
