"""The last steps of a fine-tuning: the comparison, the report, and the new network's way into use."""

import shlex
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration.geometry.arrays import F64
from engine.inference.model_card import ModelCard, Teaching, read_card, write_card
from engine.inference.network_files import REPORT
from engine.inference.network_library import NetworkLibrary
from engine.inference.serving_journal import adopted
from training.data.samples import Samples, open_samples
from training.errors import TrainingError
from training.finetune import Watch, Work
from training.finetuning.exam import Answers, against_labels, against_sight, draw_before_after, mark, typical
from training.finetuning.material import SAMPLES, library_of, parts_of, strangers_of
from training.finetuning.report import JPEG_QUALITY, Lesson, write_finetune_report
from training.finetuning.verdict import FORGETS_AT_MOST, FORGETS_AT_MOST_FOR_ONE, Verdict, judge, verdict_from_table
from training.judging.estimate_samples import estimate_samples
from training.judging.judged_network import demand_same_joints, open_network

ANSWERS, PAGE, PICTURES = "answers.npz", "report.html", "pictures"
MOST_PICTURES = 4
BY = "fine-tuning"


def compare(work: Work, watch: Watch) -> dict[str, Any]:
    """Let both networks answer the exam, and judge."""
    samples, strangers = _exam(work), strangers_of(work)
    before = [_answers(work.results["parent"]["rival_checkpoint"], seen) for seen in (samples, strangers)]
    watch(0.5)
    after = [_answers(work.results["export"]["card"], seen) for seen in (samples, strangers)]
    np.savez(work.folder / ANSWERS, before=before[0], after=after[0])
    given = _given(work, samples, before[0], after[0])
    others = against_labels(_given(work, strangers, before[1], after[1]))
    limit = FORGETS_AT_MOST_FOR_ONE if work.request.person else FORGETS_AT_MOST
    exam = replace(mark(given), strangers_before_m=others[0], strangers_after_m=others[1], forgets_at_most=limit)
    verdict = judge(exam, seed=work.request.seed)
    table = {"verdict": asdict(verdict), "sight": asdict(against_sight(given))}
    return {"better": verdict.better, "sentence": verdict.sentence, **table}


def report(work: Work, watch: Watch) -> dict[str, Any]:
    """Draw the typical pictures, and write the page."""
    samples, verdict = _exam(work), verdict_from_table(work.results["compare"]["verdict"])
    with np.load(work.folder / ANSWERS) as file:
        given = _given(work, samples, file["before"], file["after"])
    marked = mark(given)
    drawn = [(str(marked.action[row]), draw_before_after(given, row)) for row in typical(marked)[:MOST_PICTURES]]
    (work.folder / PICTURES).mkdir(exist_ok=True)
    names = []
    for number, (action, image) in enumerate(drawn):
        name = f"{PICTURES}/{number}.jpg"
        if not cv2.imwrite(str(work.folder / name), image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
            raise TrainingError(
                f"The picture '{work.folder / name}' could not be written. Free some space, and resume."
            )
        names.append([action, name])
    write_finetune_report(work.folder / PAGE, verdict, _lesson(work, tuple(drawn), watch.state.seconds_used / 60))
    return {"page": PAGE, "pictures": names}


def add(work: Work, _watch: Watch) -> dict[str, Any]:
    """Put the new network with its figures and its report into the library."""
    card_path = Path(work.results["export"]["card"])
    card, verdict = read_card(card_path), verdict_from_table(work.results["compare"]["verdict"])
    figures = _figures(verdict) | {name: round(mm, 1) for name, mm in work.results["compare"]["sight"].items()}
    trained = replace(card.trained or Teaching(), metrics=figures)
    write_card(replace(card, trained=trained), card_path)
    shutil.copy2(work.folder / PAGE, card_path.parent / REPORT)
    library = library_of(work)
    name = _name_there(library, read_card(card_path))
    return {"name": name or library.add(card_path.parent, work.results["export"]["name"]).name}


def adopt(work: Work, _watch: Watch) -> dict[str, Any]:
    """Let the new network serve the person from now on, if what it was compared with still does."""
    name, person, library = work.results["add"]["name"], work.request.person, library_of(work)
    if adopted(library.history(), person, "")[-1:] == [name]:
        return {"name": name}  # the run was killed between the choice and the word on it: it is not chosen twice
    serving = library.serving(person)
    if serving is not None and serving.name != work.results["parent"]["rival"]:
        whose = f" --person {shlex.quote(person)}" if person else ""
        raise TrainingError(
            f"While '{name}' was taught, '{serving.name}' came into use, with which it was not compared; that one "
            f"stays. Compare the two with 'epipole evaluate', or choose with: epipole models use {name}{whose}."
        )
    library.adopt(name, person, reason=work.results["compare"]["sentence"], by=BY)
    return {"name": name}


def _name_there(library: NetworkLibrary, card: ModelCard) -> str:
    """Find the network where a run that was killed left it in the library; '' where it is not there yet."""
    for entry in library.networks():
        if entry.card.files[0].sha256 == card.files[0].sha256 and entry.card.trained == card.trained:
            return entry.name
    return ""


def _exam(work: Work) -> Samples:
    """Return the samples that judge."""
    return open_samples(work.folder / SAMPLES).taken(parts_of(work)["exam"])


def _answers(network: str, samples: Samples) -> F64:
    """Let a network find the joints, (N, J, 3), in the squares of the samples."""
    with open_network(network) as opened:
        demand_same_joints(opened, samples)
        return estimate_samples(opened.estimate, samples, opened.size_px)


def _given(work: Work, samples: Samples, before: F64, after: F64) -> Answers:
    """Put the answers together."""
    return Answers(samples, work.results["parent"]["size_px"], before, after)


def _figures(verdict: Verdict) -> dict[str, float]:
    """Return what the card tells of how good it is."""
    return {
        "mpjpe_mm": round(verdict.after_mm, 1),
        "before_mm": round(verdict.before_mm, 1),
        "gain_low_mm": round(verdict.gain_mm.low, 1),
        "pictures": float(verdict.pictures),
    }


def _lesson(work: Work, pictures: tuple, minutes: float) -> Lesson:
    """Gather what the report tells."""
    results, taught = work.results, work.results["train"]
    agreed = max(results["check"]["deviation"].values())
    remarks = (
        *results["label"]["remarks"],
        *results["parent"]["remarks"],
        f"{results['divide']['counts']['train']} pictures taught for {taught['minutes']:.1f} minutes.",
        f"The exported network differs from the taught one by {agreed:.0e} at most.",
    )
    names = tuple(path.name for path in work.request.sessions)
    return Lesson(
        work.request.person,
        names,
        results["parent"]["rival"],
        results["divide"]["set_aside"],
        pictures,
        minutes,
        remarks,
    )
