"""The verdict: better only with certainty, never against the images; and its report."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from calibration.rig import Camera
from calibration.skeleton import load_skeleton
from engine.inference.preprocess import Region
from training.data.crops import Crop, camera_from_patch
from training.data.samples import Samples
from training.finetuning.prediction_errors import (
    Predictions,
    choose_typical,
    draw_before_after,
    find_judgeable,
    measure_errors,
    measure_line_of_sight_errors,
)
from training.finetuning.report import FinetuneSummary, describe_verdict, write_finetune_report
from training.finetuning.verdict import (
    MAX_FORGETTING_PERSONAL,
    Comparison,
    judge_comparison,
    number_time_blocks,
    verdict_from_table,
)

N, J = 60, 16
SKELETON = load_skeleton("mpii_16")
CAMERA = Camera(
    "left",
    (640, 480),
    np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]]),
    np.zeros(5),
    np.eye(4),
)


def exam(gain_m, *, image=0.0, noise_m=0.004, blocks=12, seed=0):
    """An exam in which the new network is nearer by so much, give or take something per block."""
    rng = np.random.default_rng(seed)
    block = np.arange(N) % blocks
    before = 0.06 + 0.01 * rng.random((N, J))
    after = before - gain_m + noise_m * rng.standard_normal(blocks)[block][:, None]
    uv = np.full((N, J), 0.03)
    return Comparison(
        before, after, uv, uv + image, block, np.array(["walking", "low", "low"])[np.arange(N) % 3]
    )


def test_a_clear_gain_is_kept():
    verdict = judge_comparison(exam(0.015))
    assert verdict.better
    assert verdict.gain_mm.low > 0
    assert verdict.before_mm - verdict.after_mm == pytest.approx(verdict.gain_mm.mean, abs=1e-6)
    assert "65 →" in verdict.message


def test_a_loss_is_rolled_back():
    verdict = judge_comparison(exam(-0.015))
    assert not verdict.better
    assert "stays" in verdict.message


def test_a_gain_that_may_be_chance_is_rolled_back():
    assert not judge_comparison(exam(0.001, noise_m=0.02)).better


def test_two_equal_networks_are_never_called_better():
    assert not any(judge_comparison(exam(0.0, seed=seed, noise_m=0.0)).better for seed in range(5))


def test_too_few_clips_say_nothing():
    verdict = judge_comparison(exam(0.02, blocks=3))
    assert not verdict.better
    assert "record for longer" in verdict.message


def test_a_network_that_agrees_with_a_wrong_rig_but_not_with_the_images_is_rolled_back():
    verdict = judge_comparison(exam(0.02, image=0.05))
    assert not verdict.better
    assert "calibrate again" in verdict.message


def test_a_network_that_forgot_other_people_is_rolled_back():
    others = np.full((20, J), 0.06)
    forgot = replace(exam(0.02), strangers_before_m=others, strangers_after_m=1.2 * others)
    assert not judge_comparison(forgot).better
    assert "forgotten other people: 60 → 72 mm" in judge_comparison(forgot).message
    assert judge_comparison(replace(forgot, strangers_after_m=1.04 * others)).better
    assert judge_comparison(replace(forgot, max_forgetting=MAX_FORGETTING_PERSONAL)).better


def test_only_what_both_can_be_judged_by_counts():
    whole = exam(0.02)
    after = whole.after_m.copy()
    after[:, 0] = np.nan
    before = whole.before_m.copy()
    before[:, 0] = 9.0
    assert judge_comparison(replace(whole, before_m=before, after_m=after)).before_mm < 100


def test_nothing_to_judge_changes_nothing():
    nothing = np.full((N, J), np.nan)
    verdict = judge_comparison(replace(exam(0.02), before_m=nothing, after_m=nothing))
    assert not verdict.better
    assert verdict.message.startswith("Nothing changes")


def test_a_verdict_survives_being_stored():
    verdict = judge_comparison(exam(0.015))
    assert verdict_from_table(asdict(verdict)) == verdict


def test_blocks_are_of_time_and_of_clip():
    seconds = np.array([0.1, 1.9, 2.1, 0.2])
    block = number_time_blocks((seconds * 1e9).astype(np.int64), np.array([0, 0, 0, 1]))
    assert block[0] == block[1]
    assert len(set(block.tolist())) == 3


def answers(count=6, off=0.02):
    """Pictures whose labels are known, a network that is `off`, and one that is not."""
    rng = np.random.default_rng(3)
    uvw = rng.uniform(-0.3, 0.3, (count, J, 3))
    uvw[:, SKELETON.index("pelvis"), 2] = 0
    region = np.tile([320.0, 240.0, 200.0], (count, 1))
    square = Crop(_square(region[0]), 128, CAMERA)
    depth = 3.0
    xyz = np.stack([camera_from_patch(pose, square, depth) for pose in uvw])
    xy = 320 + (uvw[..., :2]) * 200 - [0, 80]
    zeros, ones = np.zeros(count, np.int32), np.ones((count, J), np.float32)
    samples = Samples(
        np.zeros((count, 192, 192, 3), np.uint8), region, zeros, (CAMERA,),
        xyz.astype(np.float32), ones,
        xy.astype(np.float32), ones, np.arange(count), np.arange(count) * 10**9, zeros, zeros,
        np.arange(count, dtype=np.int32) % 2, ("anna",), ("walk",), ("walking", "low"), SKELETON,
    )  # fmt: skip
    wrong = uvw.copy()
    wrong[..., 0] += off
    wrong[:, SKELETON.index("pelvis")] = uvw[:, SKELETON.index("pelvis")]
    return Predictions(samples, 128, wrong, uvw)


def _square(region):
    return Region((region[0], region[1]), (region[2], region[2]))


def test_errors_are_those_of_the_geometry():
    marked = measure_errors(answers(off=0.02))
    joints = [j for j in range(J) if j != SKELETON.index("pelvis")]
    assert np.nanmax(marked.after_m) < 1e-4
    assert np.isnan(marked.after_m[:, SKELETON.index("pelvis")]).all()
    # 0.02 of a crop that is 200 px wide at f = 500 px and some metres of depth
    assert 0.015 < np.nanmedian(marked.before_m[:, joints]) < 0.035
    assert marked.before_uv[:, joints] == pytest.approx(0.02, abs=3e-3)
    assert np.nanmax(marked.after_uv) < 3e-3


def test_errors_are_told_across_and_along_the_line_of_sight():
    given = answers(off=0.0)
    sight = measure_line_of_sight_errors(given)
    assert max(sight.across_mm, sight.along_mm) < 0.1
    deep = given.after.copy()
    deep[..., 2] += 0.02
    deep[:, SKELETON.index("pelvis")] = given.after[:, SKELETON.index("pelvis")]
    sight = measure_line_of_sight_errors(replace(given, after=deep))
    assert sight.along_mm == pytest.approx(20 * 200 / 500 * 3, rel=0.1)  # 0.02 of a crop of 1.2 m
    assert sight.across_mm < 0.3 * sight.along_mm


def test_joints_that_were_rejected_do_not_judge():
    given = answers()
    weight = given.samples.weight.copy()
    weight[:, 3] = 0
    assert np.isnan(
        measure_errors(replace(given, samples=replace(given.samples, weight=weight))).before_m[:, 3]
    ).all()


def test_pictures_without_a_root_or_with_few_labels_are_not_judged():
    samples = answers().samples
    xyz, weight = samples.xyz.copy(), samples.weight.copy()
    xyz[0] = np.nan
    weight[1, 4:] = 0
    assert find_judgeable(replace(samples, xyz=xyz, weight=weight)).tolist() == [2, 3, 4, 5]


def test_a_typical_picture_of_each_action_is_drawn(tmp_path: Path):
    given = answers()
    marked = measure_errors(given)
    rows = choose_typical(marked)
    assert sorted(marked.action[list(rows)]) == ["low", "walking"]
    drawn = draw_before_after(given, rows[0])
    assert drawn.shape[1] == 4 * drawn.shape[0]
    before, now = np.split(drawn, 2, axis=1)
    assert (before != now).any()


def test_the_report_holds_verdict_actions_and_pictures_and_escapes_names(tmp_path: Path):
    given = answers()
    verdict = judge_comparison(exam(0.015))
    pictures = (("walking", draw_before_after(given, 0)),)
    batch = FinetuneSummary(
        "A<b>", ("walk",), "compact", "the last 12 s", pictures, 9.6, ("All is well.",)
    )
    write_finetune_report(tmp_path / "report.html", verdict, batch)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Better: it serves from now on" in page
    assert "A&lt;b&gt;" in page
    assert "A<b>" not in page
    assert page.count("data:image/jpeg") == 1
    assert "$" not in page
    assert describe_verdict(verdict)[1].startswith("low: 65 →")


def test_the_report_of_nothing_judged_has_dashes_not_nan(tmp_path: Path):
    nothing = np.full((N, J), np.nan)
    verdict = judge_comparison(replace(exam(0.02), before_m=nothing, after_m=nothing))
    write_finetune_report(
        tmp_path / "report.html",
        verdict,
        FinetuneSummary("", ("walk",), "compact", "nothing", (), 1.0),
    )
    assert "nan" not in (tmp_path / "report.html").read_text(encoding="utf-8").split("</style>")[1]


def test_a_lifter_that_is_nearer_still_goes_on_serving():
    found = exam(0.015)
    limbs_only = np.full((N, J), np.nan)
    limbs_only[:, :6] = found.after_m[:, :6] - 0.005
    verdict = judge_comparison(replace(found, serving_m=limbs_only))
    assert not verdict.better
    assert "the lifter that serves now is nearer still" in verdict.message
    limbs_only[:, :6] = found.after_m[:, :6] + 0.005
    assert judge_comparison(replace(found, serving_m=limbs_only)).better
    assert judge_comparison(replace(found, serving_m=np.empty((0, 0)))).better
