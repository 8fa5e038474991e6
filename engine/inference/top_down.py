"""TopDownModel: any model for one person in an upright box, such as RTMPose, ViTPose or HRNet."""

from collections.abc import Sequence

import numpy as np

from calibration.geometry.arrays import F32, F64, U8
from calibration.skeleton import load_skeleton
from engine.errors import ModelMismatchError
from engine.inference.backend import Backend
from engine.inference.blazepose import BlazePoseDetector
from engine.inference.decode import CODECS, CropJoints
from engine.inference.pose_model import Detection, Sighting, upper_half_mean
from engine.inference.preprocess import BLACK, Region, crop_to_image, cut, region_from_box, to_batch
from engine.models.card import ModelCard

MIN_CONFIDENCE = 0.3  # confidence from which a joint counts for the next box
# Of the last region: a few joints close together must not shrink the next one to nothing.
MIN_BOX_SHARE = 0.2
BODY_WIDTH = 0.5  # of the detector's reach: half the width of a person with the arms slightly out


class TopDownModel:
    """A model for joints in a box, and the detector of the boxes.

    Parameters
    ----------
    card
        Of the joint model.
    joints
        The loaded model.
    detector
        Finds the boxes; None if one person fills the image.
    """

    def __init__(
        self, card: ModelCard, joints: Backend, detector: BlazePoseDetector | None
    ) -> None:
        self.name = f"{card.name} ({joints.name})"
        self.skeleton_name = card.skeleton
        self._card = card
        self._joints = joints
        self._detector = detector
        self._decode = CODECS[card.codec]
        self._input = _find_input(card, joints)
        self._check()

    def find(self, images_bgr: Sequence[U8], windows: Sequence[Region]) -> list[list[Detection]]:
        """Find the people in a square of each image; see `PoseModel.find`."""
        if self._detector is None:
            return [
                [Detection(np.array([[0.0, 0.0], [im.shape[1], im.shape[0]]]), 1.0)]
                for im in images_bgr
            ]
        found = self._detector.find(images_bgr, windows)
        return [
            [Detection(_box_from_reach(finding.points), finding.score) for finding in people]
            for people in found
        ]

    def region(self, points: F64) -> Region:
        """Return the region of a box given by two corners."""
        return region_from_box(points.ravel(), self._card.box_scale, self._card.input.size_wh)

    def locate(self, images_bgr: Sequence[U8], regions: Sequence[Region]) -> list[Sighting]:
        """Find one person's joints in each region; see `PoseModel.locate`."""
        if not images_bgr:
            return []
        crop_wh = self._card.input.size_wh
        crops = [cut(image, region, crop_wh, BLACK) for image, region in zip(images_bgr, regions)]
        seen = self._run_model(to_batch(crops, self._card.input))
        return [
            _build_sighting(crop_to_image(xy, region, crop_wh), confidence, region)
            for xy, confidence, region in zip(seen.xy, seen.confidence, regions)
        ]

    def _run_model(self, batch: F32) -> CropJoints:
        """Run the model and decode its joints."""
        outputs = self._joints.infer({self._input: batch})
        return self._decode(
            [outputs[name] for name in self._joints.outputs], self._card.input.size_wh
        )

    def _check(self) -> None:
        """Run the model once on an empty crop and compare its joints with the card's skeleton."""
        width, height = self._card.input.size_wh
        empty = to_batch([np.zeros((height, width, 3), np.uint8)], self._card.input)
        try:
            found = self._run_model(empty).xy.shape[1]
        except ValueError as error:
            raise ModelMismatchError(
                f"Model '{self._card.name}': {error} Correct size_wh or layout in its card."
            ) from error
        named = len(load_skeleton(self.skeleton_name).joints)
        if found != named:
            raise ModelMismatchError(
                f"Model '{self._card.name}' finds {found} joints, its skeleton "
                f"'{self.skeleton_name}' has {named}. Correct the skeleton in its card."
            )

    def close(self) -> None:
        """Release the runtime; may be called twice."""
        self._joints.close()
        if self._detector is not None:
            self._detector.close()


def _find_input(card: ModelCard, joints: Backend) -> str:
    """Return the name of the model's only input."""
    if len(joints.inputs) != 1:
        raise ModelMismatchError(
            f"Model '{card.name}' has the inputs {', '.join(joints.inputs)}; a model for "
            "joints has one, the crop."
        )
    return next(iter(joints.inputs))


def _build_sighting(xy: F64, confidence: F64, region: Region) -> Sighting:
    """Add a score and the box for the next image to the joints."""
    sure = xy[confidence >= MIN_CONFIDENCE]
    if not len(sure):
        sure = xy
    middle = (sure.min(axis=0) + sure.max(axis=0)) / 2
    half = np.ptp(sure, axis=0) / 2
    half = np.maximum(half, MIN_BOX_SHARE * np.array(region.size_wh) / 2)
    return Sighting(
        xy, confidence, upper_half_mean(confidence), np.stack([middle - half, middle + half])
    )


def _box_from_reach(points: F64) -> F64:
    """Convert the detector's hips and reach to the corners of a box around the body."""
    reach = np.abs(points[1] - points[0])
    half = np.maximum(reach, BODY_WIDTH * reach[::-1])
    return np.stack([points[0] - half, points[0] + half])
