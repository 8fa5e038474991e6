"""The lifter in service, on the pictures that judge a new model: a rival that sees only joints."""

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.projection import rays_from_pixels, undistort
from engine.models.card import LIFTER_CODEC, ModelCard
from engine.monocular.joint_window import BONES, HIPS, NOW, OFFSETS_S, JointWindows
from engine.monocular.lifter import Lifter
from engine.reconstruction.body_size import LIMBS
from training.data.samples import ROOT, Samples


def measure_serving_lifter(card: ModelCard, samples: Samples) -> F64:
    """Measure the lifter in service against the labels of some pictures.

    Parameters
    ----------
    card
        Of the model in service; another kind of model than a lifter is not measured here.
    samples
        With what the 2D model found in each picture. Each is lifted alone, without the moments
        before and after, which are not at hand: live, a lifter is a little better.

    Returns
    -------
    errors : (N, J), m
        Root-relative, at the size that the labels give the person; NaN for joints that a lifter
        does not give. Empty where the model is no lifter.
    """
    if card.codec != LIFTER_CODEC or not set(LIMBS) <= set(samples.skeleton.joints):
        return np.empty((0, 0))
    limbs = samples.skeleton.indices(LIMBS)
    lifter = Lifter(card)
    lifted = lifter.lift(_build_windows(samples, limbs), _find_up(samples))
    lifter.close()
    labels = np.where(samples.weight[..., None] > 0, samples.xyz, np.nan).astype(float)
    unit_m = _measure_unit_m(labels[:, limbs])
    root = labels[:, samples.skeleton.index(ROOT)]
    about = lifted.xyz - lifted.xyz[:, list(HIPS)].mean(1, keepdims=True)
    errors = np.full(labels.shape[:2], np.nan)
    errors[:, limbs] = np.linalg.norm(unit_m * about - (labels[:, limbs] - root[:, None]), axis=-1)
    return errors


def _measure_unit_m(limbs: F64) -> float:
    """Measure the person's mean bone length, from whatever bones are labelled; NaN without any."""
    ends = np.array(BONES)
    lengths = np.linalg.norm(limbs[:, ends[:, 0]] - limbs[:, ends[:, 1]], axis=-1).T
    medians = [np.median(bone[np.isfinite(bone)]) for bone in lengths if np.isfinite(bone).any()]
    return float(np.mean(medians)) if medians else float("nan")


def _build_windows(samples: Samples, limbs: np.ndarray) -> JointWindows:
    """Build windows of one moment each."""
    count, moments = len(samples), len(OFFSETS_S)
    rays = np.full((count, len(limbs), 2), np.nan)
    for number, camera in enumerate(samples.cameras):
        rows = np.flatnonzero(samples.camera == number)
        if len(rows):
            pixels = samples.xy[rows][:, limbs].astype(float).reshape(-1, 2)
            straight = undistort(rays_from_pixels(pixels, camera.matrix), camera.distortion)
            rays[rows] = straight.reshape(len(rows), -1, 2)
    confidence = np.nan_to_num(samples.confidence[:, limbs].astype(float))
    present = np.zeros((count, moments), bool)
    present[:, NOW] = True
    return JointWindows(
        np.repeat(rays[:, None], moments, 1), np.repeat(confidence[:, None], moments, 1), present
    )


def _find_up(samples: Samples) -> F64:
    """Return where up is before the camera of each sample, (N, 3)."""
    return np.stack([samples.cameras[number].R[:, 2] for number in samples.camera])
