"""Lifter: a model that turns joints in the image into a pose in depth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from calibration.geometry.arrays import F32, F64
from engine.inference.backends import BackendOptions, create_backend
from engine.models.card import LIFTER_CODEC, ModelCard, ModelCardError, require_monocular
from engine.models.shelf import verify_files
from engine.monocular.joint_window import OFFSETS_S, JointWindows, build_inputs
from engine.reconstruction.body_size import LIMBS

INPUT, JOINTS, LOG_SIGMA, UP = "window", "joints", "log_sigma", "up"
MAX_BATCH = 256

SINGLE_THREAD = BackendOptions(threads=1)
"""A pose takes a tenth of a millisecond of one core; threads would cost more than they bring."""


@dataclass(frozen=True, slots=True, eq=False)
class LiftedPoses:
    """N poses in depth, in units of the mean length of eight bones (`measure_unit`).

    Parameters
    ----------
    xyz : (N, 12, 3), camera
        The limb joints about the middle of the hips.
    sigma : (N, 12, 3), look
        Standard deviation of each joint per axis of a camera that looks at the person.
    camera_from_look : (N, 3, 3)
    up : (N, 3), camera
        Where the model thinks that up is, as unit vectors.
    """

    xyz: F64
    sigma: F64
    camera_from_look: F64
    up: F64


@runtime_checkable
class JointLifter(Protocol):
    """Anything that turns joints in the image into a pose in depth.

    Attributes
    ----------
    name
        For messages.
    """

    name: str

    @property
    def metrics(self) -> Mapping[str, float]:
        """Errors on held-out data, by name with the unit; empty where not measured."""
        ...

    def lift(
        self, windows: JointWindows, up: F64 | None = None, own_xyz: F64 | None = None
    ) -> LiftedPoses:
        """Lift a person at N instants; see `Lifter.lift`."""
        ...

    def close(self) -> None:
        """Release the runtime; may be called twice."""
        ...


class Lifter:
    """A lifter in a runtime.

    Parameters
    ----------
    card
        Of task ``pose3d`` and codec ``lifter``.
    backend
        Name of the runtime.

    Raises
    ------
    ModelCardError
        If the card is of another kind of model, or does not match the file.
    ModelMissingError, ModelMismatchError
        If the file is not on this machine, or is not the one of the card.
    BackendUnavailableError
        If the runtime is not installed or cannot read the file.
    """

    def __init__(self, card: ModelCard, backend: str = "openvino") -> None:
        require_monocular(card, LIFTER_CODEC)
        self.card = card
        path = verify_files(card).paths[card.files[0].name]
        self._backend = create_backend(backend, path, SINGLE_THREAD)
        self.name = f"{card.name} ({self._backend.name})"
        try:
            self._check_shapes()
        except ModelCardError:
            self._backend.close()
            raise

    @property
    def metrics(self) -> Mapping[str, float]:
        """Errors on held-out data from the card; empty where it has none."""
        return self.card.trained.metrics if self.card.trained is not None else {}

    def lift(
        self, windows: JointWindows, up: F64 | None = None, own_xyz: F64 | None = None
    ) -> LiftedPoses:
        """Lift a person at N instants.

        Parameters
        ----------
        windows, up, own_xyz
            As `engine.monocular.joint_window.build_inputs` takes them.

        Returns
        -------
        poses
            NaN where the model's output is not finite.
        """
        inputs, camera_from_look = build_inputs(windows, up, own_xyz)
        parts = [
            self._infer(inputs[start : start + MAX_BATCH])
            for start in range(0, len(inputs), MAX_BATCH)
        ]
        joints, log_sigma, own_up = (np.concatenate(column) for column in zip(*parts))
        joints = np.where(np.isfinite(joints).all((1, 2), keepdims=True), joints, np.nan)
        own_up = own_up / np.linalg.norm(own_up, axis=-1, keepdims=True)
        return LiftedPoses(
            np.einsum("nij,nkj->nki", camera_from_look, joints),
            np.exp(log_sigma),
            camera_from_look,
            np.einsum("nij,nj->ni", camera_from_look, own_up),
        )

    def warm_up(self, batch_size: int = 1) -> None:
        """Run once on zeros, so that the first real call is not slow."""
        self._backend.warm_up(batch_size)

    def close(self) -> None:
        """Release the runtime; may be called twice."""
        self._backend.close()

    def _infer(self, inputs: F32) -> tuple[F64, F64, F64]:
        """Run the model on at most `MAX_BATCH` inputs."""
        outputs = self._backend.infer({INPUT: np.ascontiguousarray(inputs)})
        count = len(inputs)
        joints, log_sigma = (
            outputs[name].astype(np.float64).reshape(count, len(LIMBS), 3)
            for name in (JOINTS, LOG_SIGMA)
        )
        return joints, log_sigma, outputs[UP].astype(np.float64)

    def _check_shapes(self) -> None:
        """Compare the model's inputs and outputs with what this program gives and takes."""
        width = build_inputs(_blank_window())[0].shape[1]
        fits = dict(self._backend.inputs) == {INPUT: (None, width)}
        if not fits or set(self._backend.outputs) != {JOINTS, LOG_SIGMA, UP}:
            raise ModelCardError(
                f"Model '{self.card.name}' is a lifter of another version of Epipole: it takes "
                f"{dict(self._backend.inputs)}, not '{INPUT}' of any×{width}. Train it again."
            )


def _blank_window() -> JointWindows:
    """Make a window in which nothing is seen."""
    shape = (1, len(OFFSETS_S), len(LIMBS))
    return JointWindows(np.zeros((*shape, 2)), np.zeros(shape), np.ones(shape[:2], bool))
