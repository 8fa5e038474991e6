"""The real steps of a fine-tune on a made-up session: what is held out, trained on, and adopted."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[train]'")

from calibration.rig import Camera  # noqa: E402
from calibration.skeleton import load_skeleton  # noqa: E402
from engine.models.library import ModelChoice  # noqa: E402
from training.data.samples import Samples, open_samples, write_samples  # noqa: E402
from training.errors import DivergedError, TrainingError  # noqa: E402
from training.finetuning import evaluate_and_adopt as finetune_keeping  # noqa: E402
from training.finetuning import prepare_data as finetune_material  # noqa: E402
from training.finetuning import train_and_export as finetune_teaching  # noqa: E402
from training.finetuning.budget import RESERVED_S, compute_training_minutes  # noqa: E402
from training.finetuning.finetune import CancelledRunError, ProgressReporter, StepContext  # noqa: E402
from training.finetuning.fit import demand_fit, measure_misfit  # noqa: E402
from training.finetuning.request import FinetuneRequest, load_request, save_request  # noqa: E402
from training.finetuning.run import RunState, clear_requests, request_cancel  # noqa: E402
from training.finetuning.steps import STEPS  # noqa: E402
from training.finetuning.strangers import FIRST_SEED, PEOPLE, StrangersConfig, draw_strangers  # noqa: E402
from training.loop.checkpoint import Checkpoint, load_checkpoint, save_checkpoint  # noqa: E402
from training.loop.config import TrainConfig  # noqa: E402
from training.loop.runs import TrainingProgress  # noqa: E402
from training.networks.compact import CompactConfig, CompactNetwork  # noqa: E402
from training.studio.seeds import HELD_OUT_SEEDS  # noqa: E402

TINY = CompactConfig(size_px=128, volume_depth=4, widths=(4, 4, 8, 8))
SKELETON = load_skeleton("mpii_16")
SECONDS, RATE, VIEWS = 40, 4, 4


def session_samples(views=VIEWS):
    """A person whose joints move slowly, in all views at once; the crops are noise."""
    rng = np.random.default_rng(1)
    cameras = tuple(
        Camera(f"cam_{v}", (640, 480), np.array([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]]))
        for v in range(views)
    )
    instants = SECONDS * RATE
    pose = rng.uniform(-0.4, 0.4, (16, 3)) + 0.1 * np.sin(np.arange(instants) / 9)[:, None, None]
    xyz = np.tile(pose + np.array([0, 0, 4.0]), (views, 1, 1))
    count = len(xyz)
    at = np.tile(np.arange(instants), views)
    xy = xyz[..., :2] / xyz[..., 2:] * 600 + [320, 240]
    ones = np.ones((count, 16), np.float32)
    zero = np.zeros(count, np.int32)
    return Samples(
        rng.integers(0, 255, (count, 192, 192, 3), np.uint8), np.tile([320.0, 240.0, 260.0],
        (count, 1)),
        np.repeat(np.arange(views, dtype=np.int32), instants), cameras, xyz.astype(np.float32),
        ones,
        xy.astype(np.float32), ones, at, at * (10**9 // RATE), zero, zero,
        (at % 2).astype(np.int32),
        ("Anna",), ("walk",), ("walking", "low"), SKELETON,
    )  # fmt: skip


PARENT = {
    "name": "first",
    "rival": "first",
    "skeleton": "mpii_16",
    "size_px": 128,
    "licence": "Apache-2.0",
    "remarks": [],
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The crops and a first network, made once."""
    folder = tmp_path_factory.mktemp("run")
    write_samples(folder / "samples", session_samples())
    torch.manual_seed(0)
    save_checkpoint(
        folder / "first.pt", Checkpoint(TINY, "mpii_16", CompactNetwork(TINY).state_dict())
    )
    return folder


@pytest.fixture
def work(stored, tmp_path, monkeypatch):
    """A run whose crops are cut and parts divided; it trains for 256 samples."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "samples").symlink_to(stored / "samples")
    monkeypatch.setattr(
        finetune_teaching,
        "_build_config",
        lambda work: TrainConfig(samples=256, judgements=2, warmup_steps=1, threads=1),
    )
    monkeypatch.setattr(finetune_teaching, "MIN_STEPS", 8)
    strangers = session_samples(1).select(np.arange(24))
    monkeypatch.setattr(finetune_keeping, "load_strangers", lambda work: strangers)
    first = str(stored / "first.pt")
    parent = {**PARENT, "checkpoint": first, "rival_checkpoint": first}
    results = {"parent": parent, "label": {"sets": [], "calibrations": ["c1"], "remarks": []}}
    work = StepContext(
        folder,
        FinetuneRequest((Path("walk"),), "Anna", library=str(tmp_path / "networks")),
        results,
    )
    return done(work, "divide")


def watch(work):
    return ProgressReporter(work.folder, RunState())


def done(work, name):
    """Do a step and remember what came of it."""
    return replace(work, results={**work.results, name: getattr(STEPS, name)(work, watch(work))})


def test_nothing_that_judges_is_taught_and_one_camera_teaches_nothing(work):
    samples, parts = open_samples(work.folder / "samples"), finetune_material.load_parts(work)
    assert not set(parts["train"]) & (set(parts["stop"]) | set(parts["exam"]))
    assert not set(parts["stop"]) & set(parts["exam"])
    camera = work.results["divide"]["camera"]
    name = np.array([c.name for c in samples.cameras])[samples.camera]
    assert set(name[parts["exam"]]) == {camera}
    assert camera not in set(name[parts["train"]])
    apart = np.abs(samples.time_ns[parts["train"]][:, None] - samples.time_ns[parts["exam"]])
    assert apart.min() >= 10**9


def looking_down(camera, deg):
    """The camera, tilted in the room."""
    sine, cosine = np.sin(np.radians(deg)), np.cos(np.radians(deg))
    across, up = np.array([1.0, 0.0, 0.0]), np.array([0.0, -cosine, -sine])
    cam_from_world = np.eye(4)
    cam_from_world[:3, :3] = np.stack([across, np.cross(up, across), up], axis=1)
    return replace(camera, cam_from_world=cam_from_world)


@pytest.mark.parametrize(
    ("tilts_deg", "spared"),
    [
        ((6, 18, 19, 22), {"cam_1", "cam_2"}),
        ((20, 3, 18, 19), {"cam_2", "cam_3"}),
        ((5, 12, 30), {"cam_1"}),
    ],
)
def test_the_camera_that_only_judges_looks_down_neither_most_nor_least(tmp_path, tilts_deg, spared):
    samples = session_samples(len(tilts_deg))
    tilted = tuple(
        looking_down(camera, deg) for camera, deg in zip(samples.cameras, tilts_deg, strict=True)
    )
    write_samples(tmp_path / "samples", replace(samples, cameras=tilted))
    work = StepContext(tmp_path, FinetuneRequest((Path("walk"),)), {})
    assert finetune_material.divide(work, watch(work))["camera"] in spared


def test_with_two_cameras_both_teach(tmp_path):
    write_samples(tmp_path / "samples", session_samples(2))
    work = StepContext(tmp_path, FinetuneRequest((Path("walk"),)), {})
    found = finetune_material.divide(work, watch(work))
    assert found["camera"] == ""
    assert found["counts"]["exam"] > 0


def test_a_session_without_labels_is_refused(tmp_path):
    samples = session_samples(2)
    write_samples(tmp_path / "samples", replace(samples, weight=np.zeros_like(samples.weight)))
    work = StepContext(tmp_path, FinetuneRequest((Path("walk"),)), {})
    with pytest.raises(TrainingError, match="Too few pictures"):
        finetune_material.divide(work, watch(work))


def test_what_the_other_steps_take_is_taken_off_the_teaching(work):
    used_s = work.results["divide"]["used_s"]
    assert finetune_teaching._compute_minutes(work) == pytest.approx(
        10 - (used_s + RESERVED_S) / 60
    )
    more = replace(work, request=replace(work.request, minutes=30.0))
    assert finetune_teaching._compute_minutes(more) - finetune_teaching._compute_minutes(
        work
    ) == pytest.approx(20)


def test_minutes_that_are_gone_before_the_teaching_are_refused_with_how_many_would_do():
    with pytest.raises(TrainingError, match="Give it 4 minutes"):
        compute_training_minutes(2.0, used_s=90.0)
    with pytest.raises(TrainingError, match="Give it 3 minutes"):
        compute_training_minutes(2.0, used_s=46.0)


def test_a_session_of_a_few_seconds_is_refused_before_it_is_taught(tmp_path):
    samples = session_samples(2)
    few = samples.select(samples.time_ns < 10 * 10**9)
    write_samples(tmp_path / "samples", few)
    work = StepContext(tmp_path, FinetuneRequest((Path("walk"),)), {})
    with pytest.raises(TrainingError, match="Record for"):
        finetune_material.divide(work, watch(work))


def turned(samples, deg, camera=1):
    """The samples as a rig gives them, one of whose cameras was turned after the calibration."""
    angle = np.radians(deg)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    xyz = samples.xyz.copy()
    mine = samples.camera == camera
    xyz[mine] = xyz[mine] @ turn.T
    return replace(samples, xyz=xyz)


def test_a_camera_that_was_turned_is_found_and_named():
    spoiled = turned(session_samples(), 8)
    with pytest.raises(TrainingError, match="Camera 'cam_1' is not where"):
        demand_fit(spoiled, measure_misfit(spoiled))


def test_a_camera_whose_labelled_pictures_show_nobody_is_found():
    samples = session_samples()
    xy = samples.xy.copy()
    xy[samples.camera == 2] = np.nan
    spoiled = replace(samples, xy=xy)
    with pytest.raises(TrainingError, match="Camera 'cam_2' is not where"):
        demand_fit(spoiled, measure_misfit(spoiled))


def test_labels_of_the_other_side_in_a_third_of_the_pictures_are_found():
    samples, rng = session_samples(), np.random.default_rng(2)
    swapped = np.flatnonzero(rng.random(SECONDS * RATE) < 0.35)
    other = [SKELETON.index(mirrored(joint)) for joint in SKELETON.joints]
    xyz = samples.xyz.copy()
    mine = np.isin(samples.frameset, swapped)
    xyz[mine] = xyz[mine][:, other]
    spoiled = replace(samples, xyz=xyz)
    with pytest.raises(TrainingError, match="on the wrong side"):
        demand_fit(spoiled, measure_misfit(spoiled))


def mirrored(joint):
    """The same joint of the other side."""
    side, _, part = joint.partition("_")
    return f"right_{part}" if side == "left" else f"left_{part}" if side == "right" else joint


def test_a_healthy_session_fits_and_a_picture_with_few_labels_says_nothing():
    samples = session_samples()
    off = measure_misfit(samples)
    assert np.nanmax(off) < 1e-5
    demand_fit(samples, off)
    weight = samples.weight.copy()
    weight[0, 3:] = 0
    assert np.isnan(measure_misfit(replace(samples, weight=weight))[0])


def test_the_few_pictures_that_do_not_fit_neither_teach_nor_judge(tmp_path):
    samples = session_samples(2)
    xyz = samples.xyz.copy()
    xyz[::20, :, 0] += 0.5
    write_samples(tmp_path / "samples", replace(samples, xyz=xyz))
    work = StepContext(tmp_path, FinetuneRequest((Path("walk"),)), {})
    finetune_material.divide(work, watch(work))
    assert not any(
        set(rows) & set(range(0, len(samples), 20))
        for rows in finetune_material.load_parts(work).values()
    )


def test_strangers_are_people_nobody_is_taught_from_and_are_drawn_once(tmp_path):
    config = StrangersConfig("mpii_16", 48, people=2, pictures=2)
    drawn = draw_strangers(tmp_path / "strangers", tmp_path / "run", config)
    assert [int(name.split()[1]) for name in drawn.persons] == [FIRST_SEED, FIRST_SEED + 1]
    assert all(seed in HELD_OUT_SEEDS for seed in range(FIRST_SEED, FIRST_SEED + PEOPLE))
    assert len(np.unique(drawn.frameset)) == 4
    made = (tmp_path / "strangers" / "samples.npz").stat().st_mtime_ns
    draw_strangers(tmp_path / "strangers", tmp_path / "run", config)
    assert (tmp_path / "strangers" / "samples.npz").stat().st_mtime_ns == made


def test_a_cancelled_training_goes_on_and_the_comparison_follows(work):
    request_cancel(work.folder)
    with pytest.raises(CancelledRunError):
        STEPS.train(work, watch(work))
    assert load_checkpoint(work.folder / "training" / "last.pt").step < 8
    clear_requests(work.folder)
    work = done(work, "train")
    assert work.results["train"]["samples"] == 256
    exported = {"card": work.results["train"]["checkpoint"], "name": "anna"}
    checked = {"deviation": {"onnx": 1e-6}}
    work = done(
        replace(work, results={**work.results, "export": exported, "check": checked}), "compare"
    )
    assert work.results["compare"]["verdict"]["strangers_after_mm"] > 0
    assert work.results["compare"]["sight"]["along_mm"] > 0
    work = done(work, "report")
    assert (work.folder / work.results["report"]["page"]).is_file()
    pictures = work.results["report"]["pictures"]
    assert [action for action, _ in pictures] == ["low", "walking"]
    for _, name in pictures:
        assert (work.folder / name).is_file()


def test_a_network_is_never_better_than_itself(work, stored):
    exported = {"card": str(stored / "first.pt"), "name": "anna"}
    found = finetune_keeping.compare(
        replace(work, results={**work.results, "export": exported}), watch(work)
    )
    assert not found["better"]


def test_a_damaged_checkpoint_is_one_sentence(work, tmp_path):
    (tmp_path / "bad.pt").write_bytes(b"no checkpoint")
    request = replace(work.request, start=str(tmp_path / "bad.pt"))
    with pytest.raises(TrainingError, match="damaged"):
        STEPS.parent(replace(work, request=request), watch(work))


def test_without_any_network_the_way_to_one_is_told(work, monkeypatch):
    monkeypatch.setattr(
        finetune_material.ModelLibrary, "choose_model", lambda *_, **__: ModelChoice(None)
    )
    with pytest.raises(TrainingError, match="no model to start from"):
        STEPS.parent(work, watch(work))


def test_minutes_that_allow_too_few_steps_are_refused_with_how_many_would_do(work):
    slow = TrainingProgress(5, 4, 0.2, 500.0, 1.0, 0.1, float("nan"))
    with pytest.raises(
        TrainingError, match="Give it 20 minutes"
    ):  # twice as many, and what the others took
        finetune_teaching._report_progress(slow, work, watch(work))
    finetune_teaching._report_progress(
        replace(slow, step=1), work, watch(work)
    )  # the first step is slow everywhere


def test_sessions_whose_pictures_are_too_few_to_divide_are_told_without_shares_and_gaps(tmp_path):
    samples = session_samples(2)
    write_samples(tmp_path / "samples", samples.select(samples.time_ns < 2 * 10**9))
    work = StepContext(tmp_path, FinetuneRequest((Path("walk"),)), {})
    with pytest.raises(TrainingError, match=r"Too few pictures.*Record for a minute"):
        finetune_material.divide(work, watch(work))


def test_an_error_that_is_no_number_twice_is_told_to_who_has_no_learning_rate(work, monkeypatch):
    def diverge(*_):
        raise DivergedError("The loss of step 3 is no number, a second time.")

    monkeypatch.setattr(finetune_teaching, "train", diverge)
    with pytest.raises(DivergedError, match=r"model in use is untouched\. Start again"):
        STEPS.train(work, watch(work))


def test_a_file_to_start_from_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_request(tmp_path, FinetuneRequest((Path("walk"),), start="mine.pt"))
    assert load_request(tmp_path).start == str(tmp_path / "mine.pt")


def test_of_several_sessions_the_one_that_cannot_teach_is_named(tmp_path, monkeypatch):
    def nobody(*_, **__):
        raise TrainingError("Nobody was found in any view.")

    monkeypatch.setattr(finetune_material.Session, "open", lambda path: path)
    monkeypatch.setattr(finetune_material, "label_session", nobody)
    work = StepContext(tmp_path, FinetuneRequest((Path("walk"), Path("squats"))), {})
    with pytest.raises(
        TrainingError, match=r"'walk' cannot be trained on, so leave it out\. Nobody was found"
    ):
        finetune_material.label(work, watch(work))


def test_sessions_too_short_to_be_judged_by_are_refused_before_anything_is_cut(
    tmp_path, monkeypatch
):
    def labelled(lasting_s):
        labels = SimpleNamespace(
            time_ns=np.array([0, round(lasting_s * 1e9)]), calibration=SimpleNamespace(id="a")
        )
        return SimpleNamespace(path=tmp_path, labels=labels, summary={})

    lengths = iter([1.7, 4.0, 7.0])
    monkeypatch.setattr(finetune_material.Session, "open", lambda path: path)
    monkeypatch.setattr(
        finetune_material, "label_session", lambda *_, **__: labelled(next(lengths))
    )
    monkeypatch.setattr(finetune_material, "format_summary", lambda _summary: [])
    alone = StepContext(tmp_path, FinetuneRequest((Path("beam"),)), {})
    with pytest.raises(TrainingError, match="The session lasts 2 s, which is too short"):
        finetune_material.label(alone, watch(alone))
    together = StepContext(tmp_path, FinetuneRequest((Path("walk"), Path("squats"))), {})
    assert len(finetune_material.label(together, watch(together))["sets"]) == 2
