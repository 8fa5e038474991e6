"""Whether a rig's labels fit the person: they must be where the detector saw the joints.

A camera that was moved since it was calibrated, or labels of which many have left and right
swapped, give wrong training data that the rig itself would confirm. The image shows it before
training. In a healthy session labels and detector differ by 0.5 % of the person's square in the
median, and by more than 1.2 % in 3 % of the pictures. A camera turned by 8 degrees is 25 % off;
swapped sides are 5 to 20 % off wherever the person is not seen from the side.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.projection import project
from training.data.samples import Samples
from training.errors import TrainingError

MIN_JOINTS = 6
"""Of a picture, with a label and seen; fewer say little."""

MAX_MISFIT = 0.04
"""Of the square around a person; 8 cm of 2 m."""

MAX_MISFIT_SHARE = 0.15
"""Share of a camera's pictures. Swaps in 40 % of the instants show in 24 to 44 % (measured)."""

MAX_UNSEEN_SHARE = 0.5
"""Share of a camera's labelled pictures in which the detector did not find the person at all.

A rig without a camera that was turned still labels its pictures, by where it assumes it to be: then
all of them are such pictures.
"""

MIN_PICTURES = 12


def measure_misfit(samples: Samples) -> F64:
    """Measure how far labels and detector are apart.

    Parameters
    ----------
    samples
        Of sessions.

    Returns
    -------
    off : (N,), sides of the person's square
        Mean over the joints of a picture; NaN where too few are both labelled and seen.
    """
    off = np.full(samples.weight.shape, np.nan)
    for index, camera in enumerate(samples.cameras):
        rows = np.flatnonzero(samples.camera == index)
        here = replace(camera, cam_from_world=np.eye(4))
        for row in rows:
            apart = project(samples.xyz[row].astype(float), here) - samples.xy[row]
            off[row] = np.linalg.norm(apart, axis=-1) / samples.region[row, 2]
    off[~(samples.weight > 0)] = np.nan
    known = np.isfinite(off)
    count = known.sum(1)
    mean = np.where(known, off, 0.0).sum(1) / np.maximum(count, 1)
    return np.where(count >= MIN_JOINTS, mean, np.nan)


def demand_fit(samples: Samples, off: F64) -> None:
    """Refuse sessions whose labels do not fit the person.

    Parameters
    ----------
    samples
    off : (N,)
        Of `measure_misfit`.

    Raises
    ------
    TrainingError
        With the camera, if it is one; the message says what to do.
    """
    spoiled: dict[str, float] = {}
    labelled = (samples.weight > 0).sum(1) >= MIN_JOINTS
    for name in dict.fromkeys(camera.name for camera in samples.cameras):
        of = np.isin(
            samples.camera, [i for i, camera in enumerate(samples.cameras) if camera.name == name]
        )
        beside, blind = _compute_shares(off[of & labelled])
        if beside > MAX_MISFIT_SHARE or blind > MAX_UNSEEN_SHARE:
            spoiled[name] = max(beside, blind)
    if spoiled:
        raise TrainingError(_describe_misfit(spoiled, [camera.name for camera in samples.cameras]))


def _compute_shares(off: F64) -> tuple[float, float]:
    """Return the shares of a camera's labelled pictures that do not fit, and without detection."""
    known = off[np.isfinite(off)]
    beside = float((known > MAX_MISFIT).mean()) if len(known) >= MIN_PICTURES else 0.0
    return beside, 1.0 - len(known) / len(off) if len(off) >= MIN_PICTURES else 0.0


def _describe_misfit(spoiled: dict[str, float], names: Sequence[str]) -> str:
    """Describe which cameras do not fit."""
    worst = max(spoiled, key=lambda name: spoiled[name])
    share = f"{100 * spoiled[worst]:.0f} %"
    if len(spoiled) == 1 and len(set(names)) > 1:
        return (
            f"Camera '{worst}' is not where its calibration says: in {share} of its pictures the "
            "rig's joints are beside the person. Nothing is trained on it. Calibrate again, then "
            "record and fine-tune again."
        )
    return (
        f"The rig's joints are beside the person, or on the wrong side, in {share} of the pictures "
        f"of '{worst}'{' and in other cameras too' if len(spoiled) > 1 else ''}. Nothing is "
        "trained on that. Calibrate again and track the session again; if that does not help, "
        "record it again with one person in view."
    )
