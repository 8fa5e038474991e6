"""Label sets in their session: ``labels/<id>.npz`` with all arrays, ``labels/<id>.json`` in words.

The id is made of the calibration and of everything else that decides the labels, so that another
rig makes another set beside the first one, and nothing is ever overwritten. A set names its
calibration, or it is not read.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from engine.disk import atomic_binary_file, atomic_file
from training.errors import TrainingError
from training.labels.calibration import CalibrationState
from training.labels.pseudo_labels import LabelConfig, PseudoLabels
from training.labels.report import summarise_labels

FOLDER = "labels"
SCHEMA = 1
RECIPE_ID_LENGTH = 6
_VIEW_FIELDS = ("xy", "confidence", "sigma_px", "carries", "residual_px", "depth_m", "margin_px")
_HALF_PRECISION_FIELDS = ("confidence", "margin_px", "residual_px")


@dataclass(frozen=True, slots=True, eq=False)
class LabelSet:
    """A set of labels as it was stored.

    Parameters
    ----------
    path
    calibration
    skeleton
        Its name.
    joints, view_names
        Names, in the order of the arrays.
    detector
        Name and hash of the network that saw the joints.
    arrays
        By name: ``time_ns`` (T,), ``index`` (T,), ``xyz`` (T, J, 3), ``covariance`` (T, J, 3, 3),
        ``sigma_m``, ``status``, ``reasons``, ``weight`` (T, J), ``action`` (T,), ``swapped``,
        ``contested`` (T, V), ``view_*`` (V, T, J, ...) and ``joint_*`` (T, J, ...) of the evidence.
    """

    path: Path
    calibration: CalibrationState
    skeleton: str
    joints: tuple[str, ...]
    view_names: tuple[str, ...]
    detector: dict[str, str]
    arrays: dict[str, np.ndarray]

    @property
    def accepted(self) -> np.ndarray:
        """Which joints are labels, (T, J)."""
        return self.arrays["reasons"] == 0


def save_labels(
    session: Path,
    labels: PseudoLabels,
    index: np.ndarray,
    detector: dict[str, str],
    config: LabelConfig,
) -> Path:
    """Store a set of labels in its session, unless the very same set is there.

    Parameters
    ----------
    session
        Its folder.
    labels
    index : (T,)
        Of the framesets.
    detector
        Name and hash of the network that saw the joints.
    config

    Returns
    -------
    path
        Of the arrays; the summary is beside it.

    Raises
    ------
    OSError
        If the disk refuses; then nothing is left behind.
    """
    name = make_label_id(labels, detector, config)
    path = session / FOLDER / f"{name}.npz"
    if path.is_file() and path.with_suffix(".json").is_file():
        return path
    facts = {
        "schema": SCHEMA,
        "calibration": dataclasses.asdict(labels.calibration),
        "skeleton": labels.skeleton.name,
        "joints": labels.skeleton.joints,
        "views": labels.view_names,
        "detector": detector,
        "config": config.to_table(labels.skeleton),
    }
    arrays = {
        **_to_arrays(labels),
        "index": np.asarray(index, np.int64),
        "facts": np.array(json.dumps(facts)),
    }
    with atomic_binary_file(path) as file:
        np.savez_compressed(file, **arrays)
    with atomic_file(path.with_suffix(".json")) as file:
        json.dump({"id": name, **facts, "summary": summarise_labels(labels)}, file, indent=1)
    return path


def load_labels(path: Path) -> LabelSet:
    """Read a set of labels.

    Parameters
    ----------
    path
        Of the arrays.

    Raises
    ------
    TrainingError
        If it cannot be read, is of a newer program, or does not name its calibration.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        facts = json.loads(str(arrays.pop("facts")))
        if facts["schema"] > SCHEMA:
            raise TrainingError(
                f"The labels '{path}' were written by a newer Epipole. Update Epipole."
            )
        state: dict[str, Any] = {
            key: tuple(v) if isinstance(v, list) else v for key, v in facts["calibration"].items()
        }
        calibration = CalibrationState(**state)
        names = tuple(facts["joints"]), tuple(facts["views"])
        return LabelSet(
            Path(path), calibration, facts["skeleton"], *names, facts["detector"], arrays
        )
    except FileNotFoundError as error:
        raise TrainingError(f"There are no labels '{path}'. Label the session first.") from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise TrainingError(
            f"The labels '{path}' are damaged or no labels. Label the session again."
        ) from error


def find_labels(session: Path, name: str | None = None, *, calibration_id: str = "") -> Path:
    """Find labels of a session.

    Parameters
    ----------
    session
        Its folder.
    name
        Their id; None takes the newest.
    calibration_id
        That the newest must be based on; empty for any.

    Returns
    -------
    path
        For `load_labels`.

    Raises
    ------
    TrainingError
        If there are none, or none of that name.
    """
    folder = session / FOLDER
    if name is not None:
        return _find_by_name(session, name)
    files = sorted(folder.glob(f"{calibration_id}*.npz"), key=lambda file: file.stat().st_mtime_ns)
    if files:
        return files[-1]
    of = f" based on the calibration {calibration_id}" if calibration_id else ""
    rig = " --rig FILE" if calibration_id else ""
    raise TrainingError(
        f"The session '{session.name}' has no labels{of}. Run 'epipole label {session}{rig}' first."
    )


def _find_by_name(session: Path, name: str) -> Path:
    """Return where the labels of a name are; raises TrainingError where there are none."""
    path = session / FOLDER / f"{name}.npz"
    if path.is_file():
        return path
    known = ", ".join(sorted(file.stem for file in (session / FOLDER).glob("*.npz")))
    what = f"It has {known}." if known else f"Run 'epipole label {session}' first."
    raise TrainingError(f"The session '{session.name}' has no labels '{name}'. {what}")


def make_label_id(labels: PseudoLabels, detector: dict[str, str], config: LabelConfig) -> str:
    """Make the id of a set of labels from everything that decides it.

    Returns
    -------
    id
        That of the calibration, and six hexadecimal digits of a hash of detector, configuration and
        the joints that the views saw.
    """
    decided = [SCHEMA, detector, config.to_table(labels.skeleton)]
    recipe = hashlib.sha256(json.dumps(decided, sort_keys=True).encode())
    recipe.update(np.ascontiguousarray(labels.person.common.xy).tobytes())
    return f"{labels.calibration.id}-{recipe.hexdigest()[:RECIPE_ID_LENGTH]}"


def _to_arrays(labels: PseudoLabels) -> dict[str, Any]:
    """Lay out everything that is known, as small as it can be without loss that matters."""
    views, joints = labels.evidence.views, labels.evidence.joints
    arrays: dict[str, Any] = {
        "time_ns": labels.time_ns,
        "xyz": labels.xyz.astype(np.float32),
        "covariance": labels.covariance.astype(np.float32),
        "sigma_m": labels.sigma_m.astype(np.float32),
        "status": labels.status,
        "reasons": labels.reasons,
        "weight": labels.weight.astype(np.float32),
        "action": labels.action.astype(str),
        "swapped": labels.person.swapped,
        "contested": labels.person.contested,
        "views": _to_bitmask(views.carries),
    }
    for name in _VIEW_FIELDS:
        arrays[f"view_{name}"] = _downcast(
            getattr(views, name), np.float16 if name in _HALF_PRECISION_FIELDS else np.float32
        )
    for item in dataclasses.fields(joints):
        arrays[f"joint_{item.name}"] = _downcast(getattr(joints, item.name), np.float32)
    return arrays


def _downcast(values: np.ndarray, kind: type) -> np.ndarray:
    """Store reals in fewer bytes, and leave the rest."""
    if values.dtype.kind != "f":
        return values
    limit = float(np.finfo(kind).max)
    return np.where(np.isinf(values), values, np.clip(values, -limit, limit)).astype(kind)


def _to_bitmask(carries: np.ndarray) -> np.ndarray:
    """Encode the views that carry each joint as bits, (T, J), the first view lowest."""
    bits = np.uint32(1) << np.arange(len(carries), dtype=np.uint32)
    return (carries * bits[:, None, None]).sum(0).astype(np.uint32)
