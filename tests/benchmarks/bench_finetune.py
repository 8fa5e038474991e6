"""The proof of the one click: a new person, a minute of four cameras, and the share of the gain.

``EPIPOLE_BENCH_MINUTES=15 pytest -m benchmark -s tests/benchmarks/bench_finetune.py``. The person
is a studio seed that nothing was trained on (``EPIPOLE_BENCH_SEED``); the session comes from
`epipole demo`, the training from `epipole finetune`, as a person would type them. The start is the
model that is shipped, or ``EPIPOLE_BENCH_START`` (a ``.pt``). All stages are kept under
``EPIPOLE_BENCH_DATA``, and an interrupted bench continues there.

Errors are to exact detector-style truth, root-relative at the root's true depth, on (i) what the
run held out, and (ii) the same person in the same room doing something else. The yardstick is the
same run on the same crops with the truth in place of the labels.
"""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from calibration.rig import load_rig  # noqa: E402
from engine.models.library import ModelLibrary  # noqa: E402
from engine.session.session import RIG  # noqa: E402
from tests.benchmarks.finetune_data import (  # noqa: E402
    DATA,
    NETWORKS,
    SEED,
    keep_two_seconds,
    make_other_session,
    make_session,
    make_studio,
    relabel,
    replace_with_truth,
    run_epipole,
    swap_labels,
    turn_camera,
)
from training.data.samples import Samples, open_samples, write_samples  # noqa: E402
from training.evaluation.estimate_samples import estimate_samples  # noqa: E402
from training.evaluation.evaluated_model import open_model  # noqa: E402
from training.evaluation.intervals import Interval, bootstrap_interval  # noqa: E402
from training.finetuning.prediction_errors import Predictions, measure_label_errors  # noqa: E402
from training.finetuning.process import start_process  # noqa: E402
from training.finetuning.request import load_request, save_request  # noqa: E402
from training.finetuning.run import (  # noqa: E402
    INTERRUPTED,
    Phase,
    RunState,
    list_runs,
    read_state,
    write_state,
)
from training.finetuning.verdict import number_time_blocks  # noqa: E402

pytestmark = pytest.mark.benchmark
MINUTES = os.environ.get("EPIPOLE_BENCH_MINUTES", "15")
SPOILED_MINUTES = os.environ.get("EPIPOLE_BENCH_SPOILED_MINUTES", "4")
START = os.environ.get("EPIPOLE_BENCH_START", "")
PERSON = f"studio {SEED}"
FINAL_PHASES = (Phase.KEPT, Phase.ROLLED_BACK)
STEPS_BEFORE_TRAINING = ("label", "parent", "collect", "divide")
MIN_GAIN, MIN_SHARE = 0.20, 0.60


def test_one_click_on_a_new_person():
    """At least a fifth better on clips held out, and 60 % of the gain with exact truth."""
    run = run_one_click("person", make_session(), MINUTES)
    yardstick = run_by_truth(run)
    finetuned, best = read_state(run), read_state(yardstick)
    print(f"\n{finetuned.phase}: {finetuned.message}")
    print(f"by the truth: {best.phase}: {best.message}")
    print_course("one click", finetuned)
    print_course("the truth", best)
    shares = {}
    for name, samples in (
        ("held-out clips", load_held_out(run)),
        ("another session", load_other_session()),
    ):
        before = measure_errors_mm(finetuned.results["parent"]["rival_checkpoint"], samples)
        ours, truths = (
            measure_errors_mm(state.results["export"]["card"], samples)
            for state in (finetuned, best)
        )
        blocks = number_time_blocks(samples.time_ns, samples.clip)
        print(f"{name}, {len(samples)} pictures, mm (95 %)")
        for label, errors in (("before", before), ("one click", ours), ("the truth", truths)):
            print(f"  {label:10s} {format_interval(bootstrap_interval(errors, blocks, seed=0))}")
        gain = bootstrap_interval(before - ours, blocks, seed=0)
        mean = np.nanmean(before)
        shares[name] = gain.mean / mean, gain.mean / np.nanmean(before - truths)
        print(
            f"  gain {format_interval(gain)}: {100 * shares[name][0]:.0f} %; "
            f"{100 * shares[name][1]:.0f} % of the truth's gain"
        )
    assert finetuned.phase is Phase.KEPT
    assert finetuned.seconds_used < 60 * float(MINUTES) * 1.1
    assert shares["held-out clips"][0] >= MIN_GAIN
    assert shares["held-out clips"][1] >= MIN_SHARE


@pytest.mark.parametrize(
    "spoil", [turn_camera, swap_labels, keep_two_seconds], ids=lambda spoil: spoil.__name__
)
def test_a_spoiled_session_changes_nothing(spoil):
    """All three are refused, and the same model serves as before, to the byte."""
    before = hash_serving_model()
    name = f"spoiled {spoil.__name__}"
    run = next(iter(list_runs(DATA / "runs" / name)), None)
    run = run_one_click(
        name, spoil() if run is None else load_request(run).sessions[0], SPOILED_MINUTES
    )
    state = read_state(run)
    print(f"\n{name}: {state.phase} at '{state.step}': {state.message}")
    assert state.phase is Phase.FAILED
    assert hash_serving_model() == before


def run_one_click(name: str, path: Path, minutes: str) -> Path:
    """Teach as a person would, or go on where it was killed; return the run."""
    runs = DATA / "runs" / name
    runs.mkdir(parents=True, exist_ok=True)
    share_drawn_people(runs)
    found = next(iter(list_runs(runs)), None)
    if found is None:
        start = ("--start", START) if START else ()
        done = run_epipole(
            "finetune", path, "--minutes", minutes, "--person", PERSON, "--out", runs, *start
        )
    elif is_over(read_state(found)):
        return found
    else:
        done = run_epipole("finetune", "--resume", found.name, "--out", runs)
    found = next(iter(list_runs(runs)), None)
    assert found is not None, done.stdout[-2000:]
    kept = read_state(found).phase is Phase.KEPT
    assert (done.returncode == 0) == kept, done.stdout[-2000:]
    return found


def is_over(state: RunState) -> bool:
    """Whether a run came to its end, or was refused; a killed or cancelled one continues."""
    return state.phase in FINAL_PHASES or (
        state.phase is Phase.FAILED and state.message != INTERRUPTED
    )


def run_by_truth(run: Path) -> Path:
    """The same run on the same crops, trained and judged by the exact truth; its own library."""
    folder = DATA / "runs" / "truth" / run.name
    if not folder.exists():
        request, state = load_request(run), read_state(run)
        making = folder.with_name(f"{run.name}.part")
        relabel(
            run / "samples",
            making / "samples",
            replace_by_truth(run, open_samples(run / "samples")),
        )
        (making / "parts.npz").write_bytes((run / "parts.npz").read_bytes())
        save_request(making, replace(request, library=str(DATA / "networks of the truth")))
        results = {name: state.results[name] for name in STEPS_BEFORE_TRAINING}
        used_s = float(results["divide"]["used_s"])
        write_state(
            making, RunState(Phase.CANCELLED, "train", results=results, seconds_used=used_s)
        )
        making.rename(folder)
    share_drawn_people(folder.parent)
    if read_state(folder).phase not in FINAL_PHASES:
        start_process(folder).wait()
    assert read_state(folder).phase in FINAL_PHASES, read_state(folder).message
    return folder


def share_drawn_people(runs: Path) -> None:
    """Let the runs of all rows share the drawn people, as those of one person do."""
    for drawn in sorted((DATA / "runs").glob("*/replay-*")) + sorted(
        (DATA / "runs").glob("*/strangers-*")
    ):
        runs.mkdir(parents=True, exist_ok=True)
        if not (runs / drawn.name).exists():
            (runs / drawn.name).symlink_to(drawn)


def load_held_out(run: Path) -> Samples:
    """What a run held out, with the exact truth."""
    with np.load(run / "parts.npz") as parts:
        return replace_by_truth(run, open_samples(run / "samples").select(parts["exam"]))


def replace_by_truth(run: Path, samples: Samples) -> Samples:
    """Samples of a run with the exact truth."""
    return replace_with_truth(samples, make_studio(), load_rig(load_request(run).sessions[0] / RIG))


def load_other_session() -> Samples:
    """Samples of the person's other session, made once."""
    folder = DATA / f"elsewhere-{SEED}"
    if not (folder / "samples.npz").exists():
        write_samples(folder, make_other_session())
    return open_samples(folder)


def measure_errors_mm(model: str, samples: Samples) -> np.ndarray:
    """Errors of a network in samples whose truth is known, (N, J), mm."""
    with open_model(model) as opened:
        uvw = estimate_samples(opened.estimate, samples, opened.size_px)
        return 1e3 * measure_label_errors(Predictions(samples, opened.size_px, uvw, uvw))[0]


def hash_serving_model() -> str:
    """Hash of what serves the person: the model's own file, and the journal of the choices."""
    entry = ModelLibrary(NETWORKS).find_serving_model(PERSON)
    files = [entry.folder / file.name for file in entry.card.files] if entry else []
    journal = NETWORKS / "serving.jsonl"
    read = [path.read_bytes() for path in (*files, journal) if path.exists()]
    return hashlib.sha256(b"\0".join(read)).hexdigest()


def print_course(name: str, state: RunState) -> None:
    """Print what was trained on, in which time, and the errors on other people."""
    counts, trained, verdict = (
        state.results["divide"]["counts"],
        state.results["train"],
        state.results["compare"],
    )
    table = verdict["verdict"]
    print(
        f"{name}: {counts['train']} pictures, {trained['samples']} shown in "
        f"{trained['minutes']:.1f} min of training, "
        f"{state.seconds_used / 60:.1f} min in all; others {table['strangers_before_mm']:.1f} → "
        f"{table['strangers_after_mm']:.1f} mm; by the rig {table['before_mm']:.1f} → "
        f"{table['after_mm']:.1f} mm"
    )


def format_interval(interval: Interval) -> str:
    """Write an interval."""
    return f"{interval.mean:6.1f} ({interval.low:.1f} – {interval.high:.1f})"
