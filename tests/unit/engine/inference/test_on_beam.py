"""BlazePose on four real videos, against MediaPipe's own tracks of them."""

import av
import numpy as np
import pytest

from engine.errors import ModelMissingError
from engine.frames import Frame, FrameSet
from engine.inference.estimator import create_estimator
from engine.inference.parity import check_precision
from engine.models.shelf import load_model

pytestmark = [pytest.mark.data, pytest.mark.model]
FRAMES = 30  # of 100: half a second; the rest is in the benchmark
BODY = slice(11, 33)


@pytest.fixture(scope="module")
def videos(data_folder):
    found = []
    for number in range(1, 5):
        with av.open(str(data_folder / "beam" / f"cam0{number}.mp4")) as file:
            frames = (frame.to_ndarray(format="bgr24") for frame in file.decode(video=0))
            found.append([image for image, _ in zip(frames, range(FRAMES))])
    return found


@pytest.fixture(scope="module")
def model():
    try:
        return load_model("blazepose")
    except ModelMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def poses(videos, model):
    """Poses of all four views, one list entry for each frameset."""
    estimate = create_estimator("blazepose", 4)
    found = [
        estimate(frameset(index, [video[index] for video in videos])) for index in range(FRAMES)
    ]
    yield found
    estimate.close()


def frameset(index, images):
    time_ns = index * 16_666_667
    return FrameSet(
        index,
        time_ns,
        tuple(
            None if im is None else Frame(f"cam_{v}", index, time_ns, im)
            for v, im in enumerate(images)
        ),
    )


def test_every_view_has_one_person_with_one_number(poses):
    assert {
        tuple(tuple(pose.track_id for pose in view) for view in found.poses_by_view)
        for found in poses
    } == {((0,),) * 4}


def test_joints_lie_within_three_pixels_of_mediapipe_where_both_agree_on_the_sides(
    poses, data_folder
):
    reference = np.load(data_folder / "beam" / "keypoints_mediapipe.npz")["kp"][:FRAMES, ..., :2]
    xy = np.array([[view[0].xy for view in found.poses_by_view] for found in poses])
    apart = np.linalg.norm(xy - reference, axis=-1)
    agreed = np.nanmedian(apart[..., BODY], axis=-1) < 40  # a swapped body is off by its width
    assert agreed.mean() > 0.9
    medians = [float(np.nanmedian(apart[:, view][agreed[:, view]])) for view in range(4)]
    assert max(medians) < 3.0, medians


def test_sure_joints_are_sure_and_scores_high(poses):
    assert min(view[0].score for found in poses for view in found.poses_by_view) > 0.8
    assert np.median([view[0].confidence for found in poses for view in found.poses_by_view]) > 0.9


def test_the_own_pose_is_about_the_hips_and_looks_as_the_joints_in_the_image_do(poses):
    hips, limbs = slice(23, 25), slice(11, 29)
    for view in range(4):
        own = np.array([found.poses_by_view[view][0].own_xyz for found in poses])
        xy = np.array([found.poses_by_view[view][0].xy for found in poses])
        np.testing.assert_allclose(own[:, hips].mean(1), 0, atol=0.03)
        image = (xy - xy[:, hips].mean(1, keepdims=True))[:, limbs]
        seen = np.isfinite(image).all(-1)
        likeness = np.corrcoef(own[:, limbs, :2][seen].ravel(), image[seen].ravel())[0, 1]
        assert likeness > 0.95, (view, likeness)


def test_two_people_side_by_side_are_two_and_one_who_leaves_is_gone(videos, model):
    estimate = create_estimator("blazepose", 1)
    grey = np.full_like(videos[3][0], 90)
    counts = []
    for index in range(0, 30, 3):
        right = videos[3][index] if index < 15 else grey
        image = np.ascontiguousarray(np.hstack([videos[2][index], right]))
        counts.append(
            [pose.track_id for pose in estimate(frameset(index, [image])).poses_by_view[0]]
        )
    estimate.close()
    assert counts == [[0, 1]] * 5 + [[0]] * 5


def test_bf16_is_refused_for_blazepose(videos, model, tmp_path, monkeypatch):
    monkeypatch.setenv("EPIPOLE_MODELS", str(tmp_path))
    images = [video[index] for video in videos for index in (0, 15)]
    answer = check_precision(model, "openvino", "bf16", images)
    assert not answer.accepted
