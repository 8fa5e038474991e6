"""Load the pose model of a card: which files go into which runtime."""

from dataclasses import replace

from engine.inference.backends import BackendOptions, create_backend
from engine.inference.blazepose import LANDMARK_OUTPUTS, BlazePoseDetector, BlazePoseModel
from engine.inference.decode import CODECS
from engine.inference.pose_model import PoseModel
from engine.inference.top_down import TopDownModel
from engine.models.card import ModelCardError
from engine.models.shelf import Model, load_model

BLAZEPOSE = "blazepose"


def load_pose_model(model: Model, backend: str, run: BackendOptions) -> PoseModel:
    """Load a model, and its detector, into a runtime.

    Parameters
    ----------
    model
        On this machine, verified.
    backend
        Name of the runtime of the joints. Detectors are .tflite, which only OpenVINO reads; they
        run there, in f32.
    run
        How to run them.

    Raises
    ------
    ModelCardError
        If the card names a codec or a detector that does not exist.
    ModelMissingError, ModelMismatchError
        If the detector is not on this machine, or is not what its card says.
    BackendUnavailableError
        If the runtime is not installed or cannot read a file.
    """
    card = model.card
    if card.codec == BLAZEPOSE:
        landmarks = create_backend(
            backend, model.paths[card.files[1].name], replace(run, outputs=LANDMARK_OUTPUTS)
        )
        return BlazePoseModel(_load_detector(model, run), landmarks)
    if card.codec not in CODECS or card.detector not in ("", BLAZEPOSE):
        raise ModelCardError(
            f"The card of '{card.name}' has codec '{card.codec}' and detector '{card.detector}'. "
            f"Codecs: {', '.join((BLAZEPOSE, *CODECS))}. Detectors: {BLAZEPOSE}, or none."
        )
    joints = create_backend(backend, model.paths[card.files[0].name], run)
    return TopDownModel(
        card, joints, _load_detector(load_model(card.detector), run) if card.detector else None
    )


def _load_detector(model: Model, run: BackendOptions) -> BlazePoseDetector:
    """Load the detector of BlazePose."""
    path = model.paths[model.card.files[0].name]
    return BlazePoseDetector(create_backend("openvino", path, replace(run, precision="f32")))
