"""Epipole in Python: calibrate cameras, track people, and read the results as numpy arrays.

One function per command, with the same words as its options. Lengths are metres, times are
seconds, angles are degrees, and the world has z up with the floor at z = 0. Nothing is loaded
before it is used: importing this package imports neither numpy nor Qt nor torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calibration.errors import CalibrationError
    from calibration.judge.report import CalibrationReport
    from calibration.rig import Camera, Rig, load_rig, save_rig
    from calibration.skeleton import Skeleton, load_skeleton
    from engine.errors import EngineError
    from engine.offline.calibration_result import CalibrationRefusedError
    from training.errors import TrainingError

    from .learning import Evaluated, FinetuneResult, Labelled, evaluate, finetune, label
    from .poses import Observations2D, Poses
    from .session import Session, open_session
    from .studio import Studio
    from .use_cases import CalibrationResult, calibrate, export, reconstruct, track

__all__ = [
    "CalibrationError",
    "CalibrationRefusedError",
    "CalibrationReport",
    "CalibrationResult",
    "Camera",
    "EngineError",
    "Evaluated",
    "FinetuneResult",
    "Labelled",
    "Observations2D",
    "Poses",
    "Rig",
    "Session",
    "Skeleton",
    "Studio",
    "TrainingError",
    "calibrate",
    "evaluate",
    "export",
    "finetune",
    "label",
    "load_rig",
    "load_skeleton",
    "open_session",
    "reconstruct",
    "save_rig",
    "track",
]

# Where each name is defined. The package's own modules are named relative to it.
_MODULES = {
    "CalibrationError": "calibration.errors",
    "CalibrationRefusedError": "engine.offline.calibration_result",
    "CalibrationReport": "calibration.judge.report",
    "CalibrationResult": ".use_cases",
    "Camera": "calibration.rig",
    "EngineError": "engine.errors",
    "Evaluated": ".learning",
    "FinetuneResult": ".learning",
    "Labelled": ".learning",
    "Observations2D": ".poses",
    "Poses": ".poses",
    "Rig": "calibration.rig",
    "Session": ".session",
    "Skeleton": "calibration.skeleton",
    "Studio": ".studio",
    "TrainingError": "training.errors",
    "calibrate": ".use_cases",
    "evaluate": ".learning",
    "export": ".use_cases",
    "finetune": ".learning",
    "label": ".learning",
    "load_rig": "calibration.rig",
    "load_skeleton": "calibration.skeleton",
    "open_session": ".session",
    "reconstruct": ".use_cases",
    "save_rig": "calibration.rig",
    "track": ".use_cases",
}
_FLOORS = ("app", "training", "engine", "calibration")


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module 'epipole' has no attribute '{name}'")
    try:
        value = getattr(import_module(_MODULES[name], __name__), name)
    except ModuleNotFoundError as error:
        floor = (error.name or "").partition(".")[0]
        if floor not in _FLOORS:
            raise
        raise ImportError(
            f"A folder or module named '{floor}' hides the package '{floor}' that Epipole needs "
            f"for '{name}'. Rename it, or start Python in another folder."
        ) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
