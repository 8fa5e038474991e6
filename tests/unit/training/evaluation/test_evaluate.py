"""Evaluation: exact poses have no error, each way uses what it was given, unknowns do not count."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from calibration.rig import Camera
from calibration.skeleton import load_skeleton
from engine.errors import EngineError
from engine.inference.preprocess import BLACK, Region, cut
from training.data.crops import Crop, network_input, patch_from_camera, square_around_joints
from training.data.recrop import recrop, region_from_square
from training.data.samples import MARGIN, Samples, Teacher
from training.errors import TrainingError
from training.evaluation.estimate_samples import (
    estimate_samples,
    find_detector_squares,
    find_true_squares,
    get_reference_poses,
)
from training.evaluation.evaluate import EvaluateConfig, evaluate_model, evaluate_poses
from training.evaluation.evaluated_model import open_model
from training.evaluation.evaluation import EvaluationProtocol, compare_models
from training.evaluation.pictures import choose_rows
from training.evaluation.report import write_evaluation

SKELETON = load_skeleton("mpii_16")
PELVIS, WRIST = SKELETON.index("pelvis"), SKELETON.index("left_wrist")
STANDING = np.array([
    [-0.10, 0.86, 0.0], [-0.10, 0.44, 0.0], [-0.10, 0.0, 0.0], [0.10, 0.0, 0.0],
    [0.10, 0.44, 0.0], [0.10, 0.86, 0.0],
    [0, 0, 0], [0, -0.50, 0], [0, -0.62, 0], [0, -0.83, 0], [-0.25, 0.05, -0.1],
    [-0.22, -0.22, 0], [-0.2, -0.5, 0],
    [0.2, -0.5, 0], [0.22, -0.22, 0], [0.25, 0.05, -0.1],
])  # fmt: skip


def made(count: int = 24, clips: int = 6, seed: int = 0) -> Samples:
    """People of one stature, anywhere before two cameras; a crop's grey is its number."""
    rng = np.random.default_rng(seed)
    K = np.array([[800.0, 0, 640], [0, 800, 360], [0, 0, 1]])
    cameras = tuple(
        Camera(name, (1280, 720), K, np.array([-0.1, 0, 0, 0, 0])) for name in ("left", "right")
    )
    xyz, xy, region = np.empty((count, 16, 3)), np.empty((count, 16, 2)), np.empty((count, 3))
    for row in range(count):
        turn = rng.uniform(0, 2 * np.pi)
        R = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
        xyz[row] = STANDING @ R.T + [rng.uniform(-0.5, 0.5), 0.1, rng.uniform(3, 5)]
        whole = Crop(Region((640.0, 360.0), (1280.0, 1280.0)), 1280, cameras[row % 2])
        xy[row] = (patch_from_camera(xyz[row], whole, 1.0)[:, :2] + 0.5) * 1280 + [0, -280]
        square = square_around_joints(xy[row])
        region[row] = *square.center_xy, square.size_wh[0]
    grey = (np.arange(count) * 10 % 256).astype(np.uint8)
    image = np.broadcast_to(grey[:, None, None, None], (count, 48, 48, 3)).copy()
    number = np.arange(count)
    return Samples(
        image, region, (number % 2).astype(np.int32), cameras, xyz.astype(np.float32),
        np.ones((count, 16), np.float32),
        xy.astype(np.float32), np.ones((count, 16), np.float32), number, number * 10**9,
        np.zeros(count, np.int32), (number % clips).astype(np.int32), (number % 3).astype(np.int32),
        ("anna",), tuple(f"take {c}" for c in range(clips)), ("walk", "squat", "reach"), SKELETON,
    )  # fmt: skip


def seen(samples: Samples, regions: np.ndarray) -> np.ndarray:
    """What a network without error gives."""
    truth = get_reference_poses(samples)
    uvw = np.full(truth.shape, np.nan)
    for row in np.flatnonzero(np.isfinite(regions).all(-1)):
        (x, y, side), camera = regions[row], samples.cameras[samples.camera[row]]
        crop = Crop(Region((x, y), (side, side)), 1, camera)
        uvw[row] = patch_from_camera(
            samples.xyz[row].astype(float), crop, float(samples.xyz[row, PELVIS, 2])
        )
    return uvw


def perfect(samples: Samples):
    """A network without error: it gets the detector's squares first, then the true ones."""
    squares = iter((find_detector_squares(samples), find_true_squares(samples)))

    def estimate(image):
        regions = next(squares)
        return seen(samples, regions)[np.isfinite(regions).all(-1)]

    return estimate


def test_exact_poses_have_no_error_in_any_way():
    samples = made()
    evaluation = evaluate_model(perfect(samples), samples, 128)
    assert [m.protocol for m in evaluation.results] == [
        EvaluationProtocol("found", "bones"), EvaluationProtocol("found", "true"),
        EvaluationProtocol("true", "bones"), EvaluationProtocol("true", "true"),
    ]  # fmt: skip
    for measured in evaluation.results:
        assert measured.overall["mpjpe"].mean < 0.1
        assert measured.overall["p_mpjpe"].mean < 0.1
        assert measured.overall["pck"].mean == 100
        assert measured.overall["pckh"].mean == 100
        assert measured.counted_percent == 100


def test_a_wrong_stature_spoils_the_depth_and_nothing_that_forgives_scale():
    samples = made()
    usual = evaluate_poses(seen(samples, samples.region), samples).stature_m["anna"]
    config = EvaluateConfig(stature_m={"anna": 1.1 * usual})
    by_bones, by_truth = evaluate_poses(seen(samples, samples.region), samples, config).results
    reach = np.linalg.norm(samples.xyz - samples.xyz[:, PELVIS : PELVIS + 1], axis=-1).mean()
    assert by_bones.overall["mpjpe"].mean == pytest.approx(100 * reach, rel=1e-3)
    assert by_bones.overall["n_mpjpe"].mean < 0.1
    assert by_truth.overall["mpjpe"].mean < 0.1


def test_stature_is_the_chain_from_shoulders_to_ankles_over_its_share():
    assert evaluate_poses(seen(made(), made().region), made()).stature_m["anna"] == pytest.approx(
        (0.5 + 0.44 + 0.42) / 0.755, rel=0.01
    )


def test_one_wrong_joint_shows_in_its_row_and_nowhere_else():
    samples = made()
    uvw = seen(samples, samples.region)
    uvw[:, WRIST, 0] += 0.1
    measured = evaluate_poses(uvw, samples).results[1]
    depth = samples.xyz[:, PELVIS, 2]
    assert measured.by_group["joint"]["left_wrist"]["mpjpe"] > 100
    assert measured.by_group["joint"]["right_wrist"]["mpjpe"] < 0.1
    assert depth.min() > 0
    assert (
        measured.by_group["joint"]["left_wrist"]["pck"]
        < 100
        == measured.by_group["joint"]["right_wrist"]["pck"]
    )


def test_views_and_actions_have_rows_of_their_own():
    samples = made()
    uvw = seen(samples, samples.region)
    uvw[samples.camera == 1, WRIST, 2] += 0.2
    by = evaluate_poses(uvw, samples).results[1].by_group
    assert by["view"]["left"]["mpjpe"] < 0.1 < by["view"]["right"]["mpjpe"]
    assert sorted(by["action"]) == ["reach", "squat", "walk"]


def test_rejected_labels_are_not_counted_and_the_share_is_told():
    samples = made()
    weight = samples.weight.copy()
    weight[:, WRIST] = 0
    spoiled = samples.xyz.copy()
    spoiled[:, WRIST] += 1.0
    judged = replace(samples, weight=weight, xyz=spoiled)
    measured = evaluate_poses(seen(samples, samples.region), judged).results[1]
    assert measured.overall["mpjpe"].mean < 0.1
    assert measured.counted_percent == pytest.approx(100 * 15 / 16)


def test_a_sample_whose_pelvis_is_unknown_is_left_out():
    samples = made()
    weight = samples.weight.copy()
    weight[0, PELVIS] = 0
    judged = replace(samples, weight=weight)
    assert np.isnan(find_true_squares(judged)[0]).all()
    evaluation = evaluate_model(perfect(judged), judged, 128)
    assert all(np.isnan(measured.errors["mpjpe"][0]).all() for measured in evaluation.results)
    assert evaluation.primary.overall["mpjpe"].mean < 0.1


def test_people_whose_joints_are_known_in_the_image_alone_have_a_pckh():
    samples = made()
    flat = replace(samples, xyz=np.full_like(samples.xyz, np.nan))
    evaluation = evaluate_poses(seen(samples, samples.region), flat)
    assert evaluation.primary.overall["pckh"].mean == 100
    assert np.isnan(evaluation.primary.overall["mpjpe"].mean)
    assert json.loads(evaluation.to_json())["ways"][0]["overall_low_mean_high"]["mpjpe"] == [
        None,
        None,
        None,
    ]


def test_samples_of_which_nothing_is_known_are_refused():
    samples = made()
    empty = replace(
        samples, xyz=np.full_like(samples.xyz, np.nan), xy=np.full_like(samples.xy, np.nan)
    )
    with pytest.raises(TrainingError, match="None of the 24 samples can be judged"):
        evaluate_poses(seen(samples, samples.region), empty)


def test_a_square_cut_out_of_the_stored_crop_shows_what_the_image_shows():
    rng = np.random.default_rng(1)
    image = cv2.GaussianBlur(rng.integers(0, 255, (720, 1280, 3), dtype=np.uint8), (0, 0), 8)
    stored = cut(image, Region((640.0, 360.0), (MARGIN * 300, MARGIN * 300)), (450, 450), BLACK)
    wanted = Region((610.0, 400.0), (250.0, 250.0))
    direct = cut(image, wanted, (125, 125), BLACK)
    again = recrop(stored, np.array([640.0, 360.0, 300.0]), wanted, 125)
    assert np.abs(again.astype(int) - direct).mean() < 1.0


def test_beyond_the_stored_crop_there_is_black():
    samples = made(2, 1)
    crop = recrop(
        samples.image[1], samples.region[1], region_from_square(samples.region[1] * [1, 1, 4]), 64
    )
    assert crop[0].max() == 0
    assert crop[32, 32, 0] == 10


def test_a_sample_without_a_square_is_never_shown_to_the_network():
    samples = made()
    regions = samples.region.copy()
    regions[3] = np.nan
    shown = []

    def estimate(image):
        shown.append(len(image))
        return np.zeros((len(image), 16, 3), np.float32)

    uvw = estimate_samples(estimate, samples, 128, 5, regions=regions)
    assert shown == [5, 5, 5, 5, 3]
    assert np.isnan(uvw[3]).all()
    assert (np.delete(uvw, 3, 0) == 0).all()


def test_the_network_sees_crops_in_the_order_of_the_samples_normalised():
    samples = made()
    network = network_input(128)
    given = []
    estimate_samples(
        lambda image: given.append(image) or np.zeros((len(image), 16, 3)), samples, 128
    )
    assert given[0].shape == (24, 3, 128, 128)
    red = given[0][:, 0, 64, 64] * network.std[0] + network.mean[0]
    np.testing.assert_allclose(red, samples.image[:, 0, 0, 2], atol=0.01)


def test_intervals_draw_clips_and_blocks_of_time_where_there_are_few():
    many, one = made(clips=6), made(clips=1)
    assert evaluate_poses(seen(many, many.region), many).cluster_description == "6 resampled clips"
    blocks = evaluate_poses(seen(one, one.region), one, EvaluateConfig(block_s=6.0))
    assert blocks.cluster_description == "4 resampled blocks of 6 s"
    assert np.isfinite(blocks.primary.overall["mpjpe"].high)
    assert blocks.cluster[7] == "take 0, 6–12 s"


def test_intervals_of_few_clips_are_called_too_narrow():
    few, many = made(clips=6), made(clips=8)
    said = [
        any("narrower" in r for r in evaluate_poses(seen(s, s.region), s).remarks)
        for s in (few, many)
    ]
    assert said == [True, False]


def test_the_worst_clip_is_named_first():
    samples = made(clips=6)
    uvw = seen(samples, samples.region)
    uvw[samples.clip == 4] *= 0.7
    assert evaluate_poses(uvw, samples).results[1].worst_clips[0][0] == "take 4"


@pytest.mark.parametrize(
    ("teacher", "judge"),
    [("labels", "the labels of a rig"), ("annotation", "what people marked in the images")],
)
def test_a_judge_that_is_no_truth_is_said(teacher: Teacher, judge: str):
    samples = made()
    uvw = seen(samples, samples.region)
    assert not any("Judged by" in remark for remark in evaluate_poses(uvw, samples).remarks)
    other = evaluate_poses(uvw, replace(samples, teacher=teacher))
    assert any(f"{judge}, not by a truth" in remark for remark in other.remarks)
    assert judge in other.to_text()
    assert other.to_table()["teacher"] == teacher


def test_a_judge_that_is_named_is_called_so():
    samples = replace(made(), teacher="labels")
    assert (
        "Annas rig"
        in evaluate_poses(
            seen(samples, samples.region), samples, EvaluateConfig(judge="Annas rig")
        ).to_text()
    )


def test_the_whole_interval_says_that_a_better_network_is_better_and_not_that_a_like_one_is():
    samples = made()
    rng = np.random.default_rng(0)
    exact = seen(samples, samples.region)
    noisy = exact + rng.normal(size=exact.shape) * 0.03
    other = exact + rng.normal(size=exact.shape) * 0.03
    actions = np.array(samples.actions)[samples.action]
    worse, better, like = (evaluate_poses(uvw, samples) for uvw in (noisy, exact, other))
    assert all(each.difference_mm.high < 0 for each in compare_models(worse, better, actions))
    assert not any(each.difference_mm.high < 0 for each in compare_models(worse, like, actions))
    gain = compare_models(worse, better, actions)[1]
    assert gain.difference_mm.mean == pytest.approx(gain.after_mm - gain.before_mm)
    assert sorted(gain.by_action) == ["reach", "squat", "walk"]


def test_networks_judged_on_other_samples_are_not_compared():
    one, other = made(), made(count=12)
    first, second = (evaluate_poses(seen(s, s.region), s) for s in (one, other))
    with pytest.raises(ValueError, match="same samples"):
        compare_models(first, second, np.zeros(12))


def test_pictures_show_the_worst_first_and_every_cluster_once():
    samples = made(clips=6)
    uvw = seen(samples, samples.region)
    uvw[[4, 10, 5], WRIST] += 0.3
    evaluation = evaluate_poses(uvw, samples)
    rows = choose_rows(evaluation.results[1], evaluation.cluster)
    assert set(rows["worst"][:2]) < {4, 10, 5}
    assert len(set(samples.clip[rows["worst"]])) == 4
    assert not set(rows["best"]) & {4, 10, 5}


def test_the_report_needs_no_other_file_and_escapes_names(tmp_path: Path):
    samples = replace(made(), persons=("<anna>",))
    uvw = seen(samples, samples.region)
    uvw[0, WRIST] = np.nan
    page = write_evaluation(
        tmp_path / "new", evaluate_poses(uvw, samples, EvaluateConfig("<net>")), samples
    )
    text = page.read_text()
    assert "&lt;net&gt;" in text
    assert "<net>" not in text
    assert text.count("data:image/png;base64,") == 3
    assert sorted(p.name for p in page.parent.iterdir()) == [
        "best.png", "evaluation.json", "evaluation.txt", "report.html", "typical.png", "worst.png",
    ]  # fmt: skip
    assert cv2.imread(str(page.parent / "worst.png")).shape == (4 * (256 + 22), 3 * 256, 3)


def test_torch_gives_what_the_network_gives_and_lets_it_go_on_learning():
    torch = pytest.importorskip("torch")
    from training.evaluation.estimate_torch import make_torch_estimate
    from training.networks.build import build_network
    from training.networks.compact import CompactConfig

    network = build_network(CompactConfig(widths=(4, 4, 8, 8), volume_depth=4))
    network.train()
    image = np.random.default_rng(0).normal(size=(3, 3, 128, 128)).astype(np.float32)
    found = make_torch_estimate(network)(image)
    assert network.training
    with torch.no_grad():
        np.testing.assert_allclose(
            found, network.eval()(torch.from_numpy(image)).numpy(), atol=1e-5
        )


def test_a_checkpoint_is_judged_with_its_averaged_weights(tmp_path: Path):
    torch = pytest.importorskip("torch")
    from training.loop.checkpoint import Checkpoint, save_checkpoint
    from training.networks.build import build_network
    from training.networks.compact import CompactConfig

    config = CompactConfig(widths=(4, 4, 8, 8), volume_depth=4)
    weights, averaged = (build_network(config).state_dict() for _ in range(2))
    save_checkpoint(tmp_path / "best.pt", Checkpoint(config, "mpii_16", weights, averaged))
    network = build_network(config)
    network.load_state_dict(averaged)
    image = np.random.default_rng(0).normal(size=(2, 3, 128, 128)).astype(np.float32)
    with open_model(str(tmp_path / "best.pt")) as judged, torch.no_grad():
        assert (judged.skeleton, judged.size_px) == ("mpii_16", 128)
        np.testing.assert_allclose(
            judged.estimate(image), network.eval()(torch.from_numpy(image)).numpy(), atol=1e-5
        )


def test_a_name_that_no_network_has_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EPIPOLE_NETWORKS", str(tmp_path))
    with pytest.raises(EngineError, match="no model 'nobody'"), open_model("nobody"):
        pass
