"""PictureModel: from crops of single views to 3D poses, each in the patch of its crop.

`engine.inference.patch` defines the patch and converts it to metres.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from calibration.geometry.arrays import F32, F64, U8
from calibration.skeleton import load_skeleton
from engine.inference.backends import BackendOptions, create_backend
from engine.inference.preprocess import BLACK, Region, cut, to_batch
from engine.models.card import PICTURE_CODEC, ModelCard, ModelCardError, require_monocular
from engine.models.shelf import verify_files

INPUT, UVW, SPREAD = "image", "uvw", "spread"

SINGLE_THREAD = BackendOptions(threads=1)
"""A crop takes 2 to 3 ms of one core (compact model); the 2D model needs the other cores."""


class PictureModel:
    """A model that estimates the 3D pose of one person in one crop.

    Parameters
    ----------
    card
        Of task ``pose3d`` and codec ``soft-argmax-3d``.
    backend
        Name of the runtime.
    run
        How to run it; anything but f32 has to pass a gate first (`training.export.precision`).

    Raises
    ------
    ModelCardError
        If the card is of another kind of model, or does not match the file.
    ModelMissingError, ModelMismatchError
        If the file is not on this machine, or is not the one of the card.
    BackendUnavailableError
        If the runtime is not installed or cannot read the file.
    """

    def __init__(
        self, card: ModelCard, backend: str = "openvino", run: BackendOptions = SINGLE_THREAD
    ) -> None:
        require_monocular(card, PICTURE_CODEC)
        self.card, self.skeleton_name = card, card.skeleton
        self._backend = create_backend(backend, verify_files(card).paths[card.files[0].name], run)
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

    @property
    def size_px(self) -> int:
        """Side of the square that the model sees."""
        return self.card.input.size_wh[0]

    def estimate(self, images: Sequence[tuple[U8, Region]]) -> tuple[F64, F64]:
        """Estimate the person in each region, all in one batch.

        Parameters
        ----------
        images : N of ((H, W, 3), region)
            BGR, and the square around the person. One image may occur several times.

        Returns
        -------
        uvw : (N, J, 3), widths of the crop
            Each in the patch of its region; NaN where the region is not finite or empty.
        spread : (N, J, 3), widths of the crop
            Standard deviation of the heat maps; NaN likewise.
        """
        shape = (len(images), len(load_skeleton(self.skeleton_name).joints), 3)
        uvw, spread = np.full(shape, np.nan), np.full(shape, np.nan)
        usable = [index for index, (_, region) in enumerate(images) if _has_extent(region)]
        if usable:
            crops = [cut(*images[index], self.card.input.size_wh, BLACK) for index in usable]
            uvw[usable], spread[usable] = self.infer(to_batch(crops, self.card.input))
        return uvw, spread

    def infer(self, batch: F32) -> tuple[F32, F32]:
        """Run the model on prepared crops.

        Parameters
        ----------
        batch : (N, 3, S, S)
            RGB, normalised as the card says.

        Returns
        -------
        uvw, spread : (N, J, 3), widths of the crop
            NaN where the output is not finite.
        """
        outputs = self._backend.infer({INPUT: np.ascontiguousarray(batch, np.float32)})
        uvw, spread = outputs[UVW], outputs[SPREAD]
        sound = np.isfinite(uvw).all(-1, keepdims=True)
        return np.where(sound, uvw, np.float32("nan")), np.where(sound, spread, np.float32("nan"))

    def warm_up(self, batch_size: int = 1) -> None:
        """Run once on black crops, so that the first real call is not slow."""
        self._backend.warm_up(batch_size)

    def close(self) -> None:
        """Release the runtime; may be called twice."""
        self._backend.close()

    def _check_shapes(self) -> None:
        """Run the model once and compare its inputs and outputs with the card."""
        name, size = self.card.name, self.size_px
        joints = len(load_skeleton(self.skeleton_name).joints)
        expected = {INPUT: (None, 3, size, size)}
        if dict(self._backend.inputs) != expected or set(self._backend.outputs) != {UVW, SPREAD}:
            raise ModelCardError(
                f"Model '{name}' takes {_describe_inputs(self._backend.inputs)} and gives "
                f"{', '.join(self._backend.outputs)}; its card promises '{INPUT}' of "
                f"any×3×{size}×{size}, "
                f"'{UVW}' and '{SPREAD}'. Correct size_wh, or export the model again."
            )
        found = self.infer(np.zeros((1, 3, size, size), np.float32))[0].shape
        if found != (1, joints, 3):
            raise ModelCardError(
                f"Model '{name}' finds {found[1]} joints, its skeleton '{self.skeleton_name}' "
                f"has {joints}. Correct the skeleton in its card."
            )


def _has_extent(region: Region) -> bool:
    """Return whether a region is finite and not empty."""
    return bool(
        np.isfinite((*region.center_xy, *region.size_wh, region.angle_rad)).all()
        and min(region.size_wh) > 0
    )


def _describe_inputs(inputs: Mapping[str, tuple[int | None, ...]]) -> str:
    """Name inputs with their shapes."""
    return ", ".join(
        f"'{name}' of {'×'.join('any' if n is None else str(n) for n in s)}"
        for name, s in inputs.items()
    )
