"""The precision gate: a cheaper number format must agree with f32 on real crops."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration.geometry.arrays import U8
from engine.errors import BackendUnavailableError
from engine.inference.backends import BackendOptions
from engine.inference.networks import load_pose_model
from engine.inference.pose_model import PoseModel
from engine.inference.preprocess import Region, whole_image
from engine.models.shelf import Model, models_folder

# Of the region's side: a pixel of a 256 px crop, less than the model's noise.
MAX_DEVIATION = 1 / 256
# bf16 in BlazePose: 1.2 px at the 95th, 14 px at the 99th, and 30 % more variation of bone lengths.
PERCENTILE = 99.0
MIN_JOINTS = 200  # fewer confident joints are no evidence
MIN_CONFIDENCE = 0.5  # confidence from which a joint counts


@dataclass(frozen=True, slots=True)
class Parity:
    """How well a precision agrees with f32.

    Parameters
    ----------
    precision
        The candidate.
    deviation
        99th percentile of joint distances, in sides of the region; NaN if it could not run.
    joints
        Number of joints compared.
    """

    precision: str
    deviation: float
    joints: int

    @property
    def accepted(self) -> bool:
        """Whether the candidate may replace f32."""
        return self.joints >= MIN_JOINTS and self.deviation <= MAX_DEVIATION


def compare(
    reference: PoseModel, candidate: PoseModel, images_bgr: Sequence[U8], precision: str
) -> Parity:
    """Compare two precisions of one model on the people in some images.

    Parameters
    ----------
    reference, candidate
        The same model, in f32 and in the candidate's precision.
    images_bgr : of (H, W, 3)
        With ten people in total, or more.
    precision
        The candidate's.

    Returns
    -------
    parity
        Over the joints with enough confidence in the reference.
    """
    places = _find_people(reference, images_bgr)
    images = [images_bgr[i] for i, _ in places]
    regions = [region for _, region in places]
    pairs = zip(reference.locate(images, regions), candidate.locate(images, regions), regions)
    apart = [
        np.linalg.norm(other.xy - one.xy, axis=1)[one.confidence >= MIN_CONFIDENCE]
        / max(region.size_wh)
        for one, other, region in pairs
    ]
    distances = np.concatenate(apart) if apart else np.empty(0)
    deviation = float(np.percentile(distances, PERCENTILE)) if len(distances) else float("nan")
    return Parity(precision, deviation, len(distances))


def check_precision(model: Model, backend: str, precision: str, images_bgr: Sequence[U8]) -> Parity:
    """Compare a precision with f32 on images of people; store the result for model and runtime.

    Parameters
    ----------
    model
        On this machine, verified.
    backend
        Name of the runtime.
    precision
        The candidate, for instance ``bf16``.
    images_bgr : of (H, W, 3)
        With people in them.

    Returns
    -------
    parity
        Not accepted where this processor does not support the precision.
    """
    reference = load_pose_model(model, backend, BackendOptions())
    try:
        candidate = load_pose_model(model, backend, BackendOptions(precision=precision))
    except BackendUnavailableError:
        parity = Parity(precision, float("nan"), 0)
        runtime = reference.name
    else:
        parity = compare(reference, candidate, images_bgr, precision)
        runtime = reference.name
        candidate.close()
    reference.close()
    _write_result(model, runtime, parity)
    return parity


def read_results(model: Model, runtime: str) -> tuple[Parity, ...]:
    """Return the stored results for a model in a runtime on this machine; empty without any.

    Parameters
    ----------
    model
        Identified by its hash, not its name.
    runtime
        Name of the model in f32, with the runtime's version: a new version is compared again.
    """
    path = _results_path(model)
    if not path.is_file():
        return ()
    entries = json.loads(path.read_text(encoding="utf-8"))
    return tuple(Parity(**entry["parity"]) for entry in entries if entry["runtime"] == runtime)


def _write_result(model: Model, runtime: str, parity: Parity) -> None:
    """Store a result, replacing an older one of the same precision."""
    kept = [known for known in read_results(model, runtime) if known.precision != parity.precision]
    entries = [
        {"runtime": runtime, "parity": {name: getattr(known, name) for name in Parity.__slots__}}
        for known in (*kept, parity)
    ]
    path = _results_path(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries, indent=1), encoding="utf-8")


def _find_people(pose_model: PoseModel, images_bgr: Sequence[U8]) -> list[tuple[int, Region]]:
    """Return the image and region of each person that the detector finds."""
    found = pose_model.find(
        images_bgr, [whole_image((image.shape[1], image.shape[0])) for image in images_bgr]
    )
    return [
        (i, pose_model.region(finding.points))
        for i, people in enumerate(found)
        for finding in people
    ]


def _results_path(model: Model) -> Path:
    """Return the path of a model's results."""
    return models_folder() / "parity" / f"{model.sha256}.json"
