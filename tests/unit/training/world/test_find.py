"""Clips are found in their own layout, in published ones and in folders of such."""

import numpy as np
import pytest
from scipy.io import savemat

from calibration.geometry.projection import project
from calibration.skeleton import load_skeleton
from tests.unit.training.public.test_human36m import FIRST, NAMES, SECOND, cdf, metadata, room_mm
from tests.unit.training.public.test_mpi_inf_3dhp import CALIBRATION, cell, joints_mm
from tests.unit.training.world.conftest import draw_grey, write_video
from training.errors import DatasetError
from training.public.human36m import JOINTS as H36M_JOINTS
from training.public.mpi_inf_3dhp import JOINTS as MPI_JOINTS
from training.world.clip import FoundClip
from training.world.find import find_clips, select_clips
from training.world.folder import write_clip
from training.world.upright import find_upright

H36M = load_skeleton("h36m_17").joints


@pytest.fixture
def human36m(tmp_path):
    """A set of one person and one recording by two cameras."""
    root = tmp_path / "h36m"
    poses = root / "S1" / "MyPoseFeatures" / "D3_Positions"
    poses.mkdir(parents=True)
    (poses / "Walking 1.cdf").write_bytes(cdf(room_mm().reshape(1, len(room_mm()), 96)))
    (root / "metadata.xml").write_text(metadata([FIRST, SECOND, FIRST, FIRST]))
    for name in NAMES[:2]:
        video = root / "S1" / "Videos" / f"Walking 1.{name}.mp4"
        write_video(video, draw_grey(len(room_mm()), (100, 96)), 50)
    return root


@pytest.fixture
def mpi_inf_3dhp(tmp_path):
    """A set of one sequence by two cameras."""
    sequence = tmp_path / "3dhp" / "S1" / "Seq1"
    for name in ("video_0", "video_1"):
        write_video(sequence / "imageSequence" / f"{name}.avi", draw_grey(5, (96, 96)), 25)
    (sequence / "camera.calibration").write_text(CALIBRATION)
    flat = joints_mm(28).reshape(5, -1)
    savemat(sequence / "annot.mat", {"annot3": cell([flat] * 2), "annot2": cell([flat] * 2)})
    return tmp_path / "3dhp"


def test_a_folder_of_clips_and_sets_has_the_clips_of_all(clip, human36m, mpi_inf_3dhp, tmp_path):
    write_clip(clip, tmp_path / "own" / "walk")
    (tmp_path / "nothing" / "deeper").mkdir(parents=True)
    assert [found.name for found in find_clips(tmp_path)] == ["S1 Seq1", "S1 Walking 1", "walk"]
    assert [found.name for found in find_clips(tmp_path / "own" / "walk")] == ["walk"]


def test_clips_of_one_name_are_told_apart(clip, tmp_path):
    for place in ("june", "july"):
        write_clip(clip, tmp_path / place / "walk")
    assert [found.name for found in find_clips(tmp_path)] == ["july/walk", "june/walk"]


def test_all_cameras_of_a_human36m_recording_are_one_clip(human36m):
    clip = find_clips(human36m)[0].load()
    assert clip.view_names == NAMES[:2]
    assert clip.joints == H36M
    wanted = room_mm()[3, H36M_JOINTS["left_wrist"]] / 1000
    np.testing.assert_allclose(clip.select_joints(("left_wrist",))[3, 0], wanted, atol=1e-6)
    np.testing.assert_allclose(clip.rig[0].centre, [0, -4, 1], atol=1e-6)  # m


def test_a_human36m_recording_without_videos_is_one_sentence(human36m):
    for video in human36m.rglob("*.mp4"):
        video.unlink()
    with pytest.raises(DatasetError, match="no video of 'S1 Walking 1'"):
        find_clips(human36m)[0].load()


def test_an_mpi_inf_3dhp_sequence_is_turned_until_the_head_is_up(mpi_inf_3dhp):
    clip = find_clips(mpi_inf_3dhp)[0].load()
    assert clip.view_names == ("video_0", "video_1")
    head, foot = np.moveaxis(clip.select_joints(("head_top", "left_ankle")), 1, 0)
    assert (head[:, 2] > foot[:, 2]).all()
    seen = joints_mm(28)[2, MPI_JOINTS["left_wrist"]] / 1000
    wrist = clip.select_joints(("left_wrist",))[2, 0]
    camera = clip.rig[0]
    np.testing.assert_allclose(camera.R @ wrist + camera.t, seen, atol=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_whatever_axis_is_up_the_turn_is_a_rotation_that_puts_the_head_above(axis, sign):
    xyz = np.zeros((2, 2, 3))
    xyz[:, 0, axis] = sign * 1.6
    turn = find_upright(xyz, ("nose", "left_ankle"))
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose((xyz @ turn.T)[0, 0], [0, 0, 1.6])


def test_a_folder_without_clips_is_one_sentence(tmp_path):
    with pytest.raises(DatasetError, match="holds no clip"):
        find_clips(tmp_path)
    with pytest.raises(DatasetError, match="There is no folder"):
        find_clips(tmp_path / "none")


def test_clips_are_selected_by_name_and_a_wrong_name_lists_the_right_ones(tmp_path):
    clips = [FoundClip(name, tmp_path, lambda: None) for name in ("sit", "walk 1", "walk 2")]
    assert [clip.name for clip in select_clips(clips, ["walk*"])] == ["walk 1", "walk 2"]
    assert len(select_clips(clips, [])) == 3
    with pytest.raises(DatasetError, match=r"no clip 'run'\. There are: sit, walk 1"):
        select_clips(clips, ["run"])


@pytest.mark.data
def test_the_shared_data_has_beam_and_zas_and_nothing_else(data_folder):
    folders = [found.folder.name for found in find_clips(data_folder)]
    assert sorted(folders) == ["beam", *["zas"] * 7]


@pytest.mark.data
def test_the_beam_has_four_cameras_and_no_joints(data_folder):
    clip = find_clips(data_folder / "beam")[0].load()
    assert clip.view_names == ("cam01", "cam02", "cam03", "cam04")
    assert clip.xyz is None
    assert clip.rate_fps == 60


@pytest.mark.data
def test_the_joints_of_zas_stand_upright_and_lie_in_the_image(data_folder):
    for found in find_clips(data_folder / "zas"):
        clip = found.load()
        xy = project(clip.xyz, clip.rig[0])
        inside = ((xy >= 0) & (xy < clip.rig[0].size_wh)).all(-1)
        assert inside.mean() > 0.98
        neck, ankle = np.moveaxis(clip.select_joints(("neck", "left_ankle")), 1, 0)
        assert 1.1 < np.nanmean(neck - ankle, 0)[2] < 1.6  # m
