"""MPI-INF-3DHP in its published layout: training and test sequences, damaged files."""

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from calibration.skeleton import load_skeleton
from training.data.samples import join
from training.errors import DatasetError
from training.public.clips import ImageSelection
from training.public.mpi_inf_3dhp import (
    JOINTS,
    TEST_JOINTS,
    fit_lens,
    read_calibration,
    read_mpi_inf_3dhp,
)

SIZE_WH = (96, 96)
FRAMES = 5
CHOICE = ImageSelection(every=2, stored_px=48)
MATRIX = np.array([[100.0, 0, 47.0], [0, 101.0, 49.0], [0, 0, 1]])
CALIBRATION = """Skeletool Camera Calibration File V1.0
name          0
  sensor      10 10
  size        96 96
  animated    0
  intrinsic   100 0 47 0 0 101 49 0 0 0 1 0 0 0 0 1
  extrinsic   1 0 0 500 0 1 0 0 0 0 1 3000 0 0 0 1
  radial      0
name          1
  sensor      10 10
  size        96 96
  animated    0
  intrinsic   100 0 47 0 0 101 49 0 0 0 1 0 0 0 0 1
  extrinsic   0 0 1 0 0 1 0 0 -1 0 0 3000 0 0 0 1
  radial      0
"""


def joints_mm(places):
    """Stand joints 3 m before a camera, each a little to the right of the one before and lower."""
    place = np.arange(places)[:, None] * [10.0, 15.0, 5.0] + [-100.0, -200.0, 3000.0]
    return np.stack([place + np.array([4.0 * frame, 0.0, 0.0]) for frame in range(FRAMES)])


def pixels(xyz):
    """Project points of the camera's space."""
    return xyz[..., :2] / xyz[..., 2:] * MATRIX[[0, 1], [0, 1]] + MATRIX[:2, 2]


def cell(arrays):
    """Make a column of MATLAB cells."""
    cells = np.empty((len(arrays), 1), object)
    for index, array in enumerate(arrays):
        cells[index, 0] = array
    return cells


@pytest.fixture
def folder(tmp_path):
    """One sequence of one person by two cameras, of which one has a video."""
    sequence = tmp_path / "S1" / "Seq1"
    (sequence / "imageSequence").mkdir(parents=True)
    (sequence / "camera.calibration").write_text(CALIBRATION)
    xyz = joints_mm(28)
    flat = [points.reshape(FRAMES, -1) for points in (xyz, pixels(xyz))]
    savemat(sequence / "annot.mat", {"annot3": cell([flat[0]] * 2), "annot2": cell([flat[1]] * 2)})
    writer = cv2.VideoWriter(
        str(sequence / "imageSequence" / "video_0.avi"),
        cv2.VideoWriter.fourcc(*"MJPG"),
        25,
        SIZE_WH,
    )
    for frame in range(FRAMES):
        writer.write(np.full((96, 96, 3), 50 + 30 * frame, np.uint8))
    writer.release()
    return tmp_path


@pytest.fixture
def tests_folder(tmp_path):
    """One test sequence, of which the second image is not valid."""
    sequence = tmp_path / "mpi_inf_3dhp_test_set" / "TS1"
    (sequence / "imageSequence").mkdir(parents=True)
    xyz = joints_mm(17)
    arrays = {
        "annot3": xyz.transpose(2, 1, 0)[:, :, None],
        "annot2": pixels(xyz).transpose(2, 1, 0)[:, :, None],
    }
    savemat(
        sequence / "annot_data.mat",
        {**arrays, "valid_frame": np.array([[1, 0, 1, 1, 1]], np.uint8).T},
    )
    for frame in range(FRAMES):
        image = np.full((96, 96, 3), 50 + 30 * frame, np.uint8)
        cv2.imwrite(str(sequence / "imageSequence" / f"img_{frame + 1:06d}.jpg"), image)
    return tmp_path


def test_every_joint_is_the_one_that_its_name_says_in_metres(folder):
    samples = join(list(read_mpi_inf_3dhp(folder, CHOICE)))
    for place, joint in enumerate(load_skeleton("h36m_17").joints):
        wanted = joints_mm(28)[0, JOINTS[joint]] / 1000
        np.testing.assert_allclose(samples.xyz[0, place], wanted, atol=1e-6, err_msg=joint)
    picked = {
        joint: JOINTS[joint]
        for joint in ("pelvis", "right_hip", "left_hip", "left_wrist", "right_wrist")
    }
    assert picked == {
        "pelvis": 4,
        "right_hip": 23,
        "left_hip": 18,
        "left_wrist": 11,
        "right_wrist": 16,
    }


def test_joints_in_the_image_are_where_the_camera_projects_them(folder):
    samples = join(list(read_mpi_inf_3dhp(folder, CHOICE)))
    np.testing.assert_allclose(samples.xy, pixels(samples.xyz), atol=1e-3)
    assert (samples.weight == 1).all()
    assert len(samples) == 3


def test_images_are_those_of_the_joints_and_times_those_of_the_video(folder):
    samples = join(list(read_mpi_inf_3dhp(folder, CHOICE)))
    assert np.abs(samples.image[:, 24, 24, 0].astype(int) - [50, 110, 170]).max() < 8
    assert list(samples.time_ns) == [0, 80_000_000, 160_000_000]


def test_cameras_stand_where_the_calibration_says_in_metres(folder):
    cameras = read_calibration(folder / "S1" / "Seq1" / "camera.calibration")
    np.testing.assert_allclose(cameras[0].centre, [-0.5, 0, -3])
    np.testing.assert_allclose(cameras[1].centre, [3, 0, 0])
    assert cameras[1].name == "video_1"


def test_test_sequences_are_read_by_name_only_and_without_invalid_images(tests_folder):
    with pytest.raises(DatasetError, match="no sequence"):
        list(read_mpi_inf_3dhp(tests_folder, CHOICE))
    samples = next(
        read_mpi_inf_3dhp(tests_folder, ImageSelection(every=1, people=("TS1",), stored_px=48))
    )
    assert list(samples.frameset) == [0, 2, 3, 4]
    for place, joint in enumerate(load_skeleton("h36m_17").joints):
        wanted = joints_mm(17)[2, TEST_JOINTS.index(joint)] / 1000
        np.testing.assert_allclose(samples.xyz[1, place], wanted, atol=1e-6, err_msg=joint)
    assert np.abs(samples.image[:, 24, 24, 0].astype(int) - [50, 110, 140, 170]).max() < 8


def test_the_lens_of_a_test_sequence_is_found_from_its_joints():
    xyz = joints_mm(28).reshape(-1, 3)
    np.testing.assert_allclose(fit_lens(xyz, pixels(xyz)), MATRIX, atol=1e-6)


def test_joints_in_the_image_of_another_camera_are_refused():
    xyz = joints_mm(28).reshape(-1, 3)
    with pytest.raises(DatasetError, match="not those in the camera's space"):
        fit_lens(xyz, pixels(xyz) + np.random.default_rng(1).normal(0, 30, (len(xyz), 2)))


def test_version_73_is_named_with_what_to_do(folder):
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (folder / "S1" / "Seq1" / "annot.mat").write_bytes(header + bytes(100))
    with pytest.raises(DatasetError, match=r"version 7\.3.*save\('-v7'\)"):
        list(read_mpi_inf_3dhp(folder, CHOICE))


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("annot.mat", "no file"),
        ("camera.calibration", "no readable"),
        ("imageSequence/video_0.avi", "holds no video"),
    ],
)
def test_a_missing_file_is_one_sentence(folder, file, said):
    (folder / "S1" / "Seq1" / file).unlink()
    with pytest.raises(DatasetError, match=said):
        list(read_mpi_inf_3dhp(folder, CHOICE))


@pytest.mark.parametrize("file", ["annot.mat", "camera.calibration", "imageSequence/video_0.avi"])
@pytest.mark.parametrize("keep", [0, 60, 300])
def test_a_damaged_file_is_one_sentence(folder, file, keep):
    path = folder / "S1" / "Seq1" / file
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DatasetError, match=path.stem):
        list(read_mpi_inf_3dhp(folder, CHOICE))


def test_images_of_another_size_than_the_calibrations_are_refused(folder):
    path = folder / "S1" / "Seq1" / "camera.calibration"
    path.write_text(CALIBRATION.replace("size        96 96", "size        2048 2048"))
    with pytest.raises(DatasetError, match="are 96x96, but its calibration is for 2048x2048"):
        list(read_mpi_inf_3dhp(folder, CHOICE))


def test_a_lens_that_the_published_files_do_not_have_is_refused(folder):
    path = folder / "S1" / "Seq1" / "camera.calibration"
    path.write_text(CALIBRATION.replace("radial      0", "radial      0.1"))
    with pytest.raises(DatasetError, match="radial distortion"):
        read_calibration(path)
