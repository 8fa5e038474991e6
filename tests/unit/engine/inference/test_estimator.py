from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import ModelMismatchError, ModelMissingError
from engine.inference import estimator
from engine.inference.estimator import (
    EstimatorOptions,
    TrackingEstimator,
    create_estimator,
    resolve_thread_count,
)
from engine.models import card as model_card
from tests.support.people import SHAPE, ScriptedPoseModel, make_frameset

ANNA, BEN, FAR = (200.0, 240.0, 120.0), (450.0, 240.0, 120.0), (320.0, 240.0, 60.0)
NOBODY, ONE, TWO, CROSSED, EDGE, SMALL, MOVED = range(1, 8)
SCENES = {
    ONE: [ANNA],
    TWO: [ANNA, BEN],
    CROSSED: [(320.0, 240.0, 120.0)],
    EDGE: [(5.0, 240.0, 120.0)],
    SMALL: [FAR],
    MOVED: [(260.0, 240.0, 120.0)],
}


def make(views=1, **options):
    network = ScriptedPoseModel(SCENES)
    return TrackingEstimator(network, views, "hash", EstimatorOptions(**options)), network


def people(poses, view=0):
    return [pose.track_id for pose in poses.poses_by_view[view]]


def test_everybody_in_every_view_is_found_and_keeps_the_number_of_the_view():
    estimate, _ = make(views=2)
    for index in range(20):
        poses = estimate(make_frameset(index, TWO, ONE))
        assert people(poses, 0) == [0, 1]
        assert people(poses, 1) == [0]
    assert (poses.index, poses.timestamp_ns) == (19, 19 * 33_000_000)
    assert poses.view_time_ns == (19 * 33_000_000, 19 * 33_000_000 + 1)
    np.testing.assert_allclose(poses.poses_by_view[0][1].xy, SHAPE * 120 + BEN[:2])
    assert poses.poses_by_view[0][0].score == pytest.approx(0.95)


def test_a_missing_image_gives_no_pose_and_the_person_goes_on_afterwards():
    estimate, _ = make(views=2)
    estimate(make_frameset(0, ONE, ONE))
    poses = estimate(make_frameset(1, None, ONE))
    assert poses.poses_by_view[0] == ()
    assert poses.view_time_ns[0] is None
    assert people(estimate(make_frameset(2, ONE, ONE))) == [0]


def test_nobody_is_an_empty_view():
    estimate, _ = make()
    assert estimate(make_frameset(0, NOBODY)).poses_by_view == ((),)


def test_a_person_who_leaves_and_returns_near_by_within_two_seconds_keeps_the_number():
    estimate, _ = make()
    estimate(make_frameset(0, ONE))
    assert people(estimate(make_frameset(1, NOBODY))) == []
    assert people(estimate(make_frameset(50, MOVED))) == [0]


def test_a_person_who_returns_later_or_elsewhere_is_a_new_one():
    estimate, _ = make()
    estimate(make_frameset(0, ONE))
    estimate(make_frameset(1, NOBODY))
    assert people(estimate(make_frameset(90, ONE))) == [1]
    estimate(make_frameset(91, NOBODY))
    assert people(estimate(make_frameset(92, EDGE))) == [2]


def test_a_person_who_joins_is_found_at_the_next_search_and_not_before():
    estimate, _ = make(search_every=5)
    for index in range(3):
        estimate(make_frameset(index, ONE))
    found = [len(people(estimate(make_frameset(index, TWO)))) for index in range(3, 9)]
    assert found == [1, 1, 2, 2, 2, 2]


def test_no_more_people_than_allowed_are_followed():
    estimate, network = make(max_people=1)
    for index in range(40):
        assert people(estimate(make_frameset(index, TWO))) == [0]
    assert network.window_count == 1  # with no room left the detector rests


def test_views_take_turns_at_the_detector():
    estimate, network = make(views=3, search_every=6)
    estimate(make_frameset(0, ONE, ONE, ONE))
    before, looked = network.window_count, []
    for index in range(1, 7):
        estimate(make_frameset(index, ONE, ONE, ONE))
        looked.append(network.window_count - before)
        before = network.window_count
    assert sorted(looked) == [0, 0, 0, 1, 1, 1]


def test_two_tracks_that_fall_on_one_person_become_the_older_one():
    estimate, _ = make()
    estimate(make_frameset(0, TWO))
    assert people(estimate(make_frameset(1, CROSSED))) == [0]


def test_a_person_too_small_for_the_whole_image_is_found_in_a_part_of_it():
    estimate, _ = make()
    assert people(estimate(make_frameset(0, SMALL))) == [0]


def test_an_image_of_another_size_starts_the_view_anew():
    estimate, _ = make()
    estimate(make_frameset(0, ONE))
    poses = estimate(make_frameset(1, ONE, size_wh=(1280, 960)))
    assert people(poses) == [1]


def test_a_joint_outside_the_image_is_missing():
    estimate, _ = make()
    (pose,) = estimate(make_frameset(0, EDGE)).poses_by_view[0]
    outside = (SHAPE * 120 + (5, 240))[:, 0] < -0.01 * 640
    assert outside.any()
    np.testing.assert_array_equal(np.isnan(pose.xy[:, 0]), outside)
    np.testing.assert_array_equal(pose.confidence == 0, outside)


def test_reset_begins_the_numbers_anew():
    estimate, _ = make()
    estimate(make_frameset(0, NOBODY))
    estimate(make_frameset(1, ONE))
    estimate.reset()
    assert people(estimate(make_frameset(0, TWO))) == [0, 1]


def test_a_frameset_of_another_number_of_views_is_a_mistake_of_the_caller():
    estimate, _ = make(views=2)
    with pytest.raises(ValueError, match="made for 2 views; the frameset has 1"):
        estimate(make_frameset(0, ONE))


def test_the_number_of_threads_comes_from_the_caller_then_the_environment_then_the_machine(
    monkeypatch,
):
    monkeypatch.setenv(estimator.THREADS_VARIABLE, "3")
    assert resolve_thread_count(2) == 2
    assert resolve_thread_count() == 3
    monkeypatch.delenv(estimator.THREADS_VARIABLE)
    assert resolve_thread_count() >= 1


def write_simcc(folder, joints=17, size_wh=(192, 256)):
    """Write an ONNX model with RTMPose's outputs: brightest column and row, for every joint."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    float32 = onnx.TensorProto.FLOAT
    w, h = size_wh
    ints = {
        "first": [0],
        "second": [1],
        "channels": [1],
        "shape_x": [-1, 1, w],
        "shape_y": [-1, 1, h],
        "tile": [1, joints, 1],
        "rows": [2],
        "columns": [3],
    }
    nodes = [
        helper.make_node("Slice", ["input", "first", "second", "channels"], ["red"]),
        helper.make_node("ReduceMax", ["red"], ["cols"], axes=[1, 2], keepdims=0),
        helper.make_node("ReduceMax", ["red"], ["lines"], axes=[1, 3], keepdims=0),
        helper.make_node("Reshape", ["cols", "shape_x"], ["x1"]),
        helper.make_node("Reshape", ["lines", "shape_y"], ["y1"]),
        helper.make_node("Tile", ["x1", "tile"], ["xj"]),
        helper.make_node("Tile", ["y1", "tile"], ["yj"]),
        helper.make_node("Resize", ["xj", "", "twice"], ["simcc_x"], mode="nearest"),
        helper.make_node("Resize", ["yj", "", "twice"], ["simcc_y"], mode="nearest"),
    ]
    constants = [
        helper.make_tensor(n, onnx.TensorProto.INT64, [len(v)], v) for n, v in ints.items()
    ]
    constants.append(helper.make_tensor("twice", float32, [3], [1.0, 1.0, 2.0]))
    graph = helper.make_graph(
        nodes,
        "simcc",
        [helper.make_tensor_value_info("input", float32, ["n", 3, h, w])],
        [
            helper.make_tensor_value_info(n, float32, ["n", joints, 2 * s])
            for n, s in (("simcc_x", w), ("simcc_y", h))
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, folder / "net.onnx")
    (folder / "net.toml").write_text(
        'name = "net"\ntask = "pose2d"\nlicence = "MIT"\ncodec = "simcc"\nskeleton = '
        '"coco_17"\nbox_scale = 1.0\n'
        '[source]\npath = "."\n[input]\nsize_wh = [192, 256]\n[[files]]\nname = "net.onnx"\n'
    )
    return str(folder / "net.toml")


@pytest.fixture
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("EPIPOLE_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(model_card, "cards_folder", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize("backend", ["openvino", "onnx"])
def test_a_network_of_the_user_finds_joints_with_nothing_but_a_card(own_folders, backend):
    card = write_simcc(own_folders)
    with closing(
        create_estimator(card, 1, EstimatorOptions(backend=backend, threads=1))
    ) as estimate:
        frames = make_frameset(0, NOBODY, size_wh=(480, 640))
        image = frames.frames[0].image_bgr.copy()
        image[398:403, 298:303, 2] = 255  # a red dot at (300, 400)
        frames = replace(frames, frames=(replace(frames.frames[0], payload=image),))
        (pose,) = estimate(frames).poses_by_view[0]
    np.testing.assert_allclose(pose.xy, np.tile((300, 400), (17, 1)), atol=2.5)  # bins of 1.25 px
    assert estimate.skeleton.name == "coco_17"
    assert len(estimate.model_hash) == 64


def test_a_network_with_other_joints_than_its_skeleton_is_refused(own_folders):
    card = write_simcc(own_folders, joints=12)
    with pytest.raises(ModelMismatchError, match="finds 12 joints, its skeleton 'coco_17' has 17"):
        create_estimator(card, 1)


def test_a_network_of_another_size_than_its_card_is_refused(own_folders):
    card = write_simcc(own_folders, size_wh=(128, 256))
    with pytest.raises(ModelMismatchError, match="Correct size_wh or layout in its card"):
        create_estimator(card, 1)


def test_a_detector_that_is_not_on_this_machine_is_named(own_folders):
    card = write_simcc(own_folders)
    text = (own_folders / "net.toml").read_text()
    (own_folders / "net.toml").write_text(
        text.replace("box_scale", 'detector = "blazepose"\nbox_scale')
    )
    with pytest.raises(ModelMissingError, match="epipole models pull blazepose"):
        create_estimator(card, 1)
