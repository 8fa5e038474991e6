"""Partners: which other views of the same person at the same instant can judge a sample."""

import math
from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64, I64
from training.data.samples import Samples

MIN_ANGLE_RAD = math.radians(40.0)
MAX_ANGLE_RAD = math.radians(140.0)
"""Between these angles another view says most about the depth that one view does not see.

Nearer ones see the same; opposite ones see it mirrored. They are used where there is no other.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Partners:
    """The other views of each of N samples.

    Parameters
    ----------
    start : (N + 1,)
        Where each sample's partners begin in `partner`.
    partner : (M,)
        Positions of samples.
    """

    start: I64
    partner: I64

    def draw(self, rows: I64, share: float, rng: np.random.Generator) -> I64:
        """Draw a partner for a share of some samples.

        Parameters
        ----------
        rows : (B,)
            Positions of samples.
        share
            Of those that have partners.
        rng

        Returns
        -------
        partner : (B,)
            -1 for none.
        """
        count = self.start[rows + 1] - self.start[rows]
        chosen = self.start[rows] + (rng.random(len(rows)) * count).astype(np.int64)
        drawn = (rng.random(len(rows)) < share) & (count > 0)
        found = np.full(len(rows), -1, np.int64)
        found[drawn] = self.partner[chosen[drawn]]
        return found


def find_partners(samples: Samples, rows: I64) -> Partners:
    """Find the other views of samples.

    Parameters
    ----------
    samples
    rows : (M,)
        Positions of the samples that may be used at all: what is held out is no partner.

    Returns
    -------
    partners
        Of all samples; those that may not be used have none.
    """
    key = np.stack([samples.frameset[rows], samples.person[rows]], 1)
    _, group = np.unique(key, axis=0, return_inverse=True)
    order = np.argsort(group, kind="stable")
    rows = np.asarray(rows, np.int64)[order]
    group = group.reshape(-1)[order]
    one, other = _find_pairs(group)
    one, other = rows[one], rows[other]
    different = samples.camera[one] != samples.camera[other]
    one, other = one[different], other[different]

    towards = _compute_directions(samples)
    cosine = (towards[one] * towards[other]).sum(1)
    good = (cosine <= math.cos(MIN_ANGLE_RAD)) & (cosine >= math.cos(MAX_ANGLE_RAD))
    has_good = np.zeros(len(samples), bool)
    has_good[one[good]] = True
    kept = good | ~has_good[one]
    one, other = one[kept], other[kept]
    by_sample = np.lexsort((other, one))
    start = np.concatenate([[0], np.cumsum(np.bincount(one, minlength=len(samples)))])
    return Partners(start.astype(np.int64), other[by_sample])


def _find_pairs(group: I64) -> tuple[I64, I64]:
    """Return all ordered pairs of positions of one group, where groups lie in one piece."""
    ones = [np.empty(0, np.int64)]
    others = [np.empty(0, np.int64)]
    step = 1
    while step < len(group):
        one = np.flatnonzero(group[:-step] == group[step:])
        if not len(one):
            break
        ones += [one, one + step]
        others += [one + step, one]
        step += 1
    return np.concatenate(ones), np.concatenate(others)


def _compute_directions(samples: Samples) -> F64:
    """Return the direction in the room in which each sample's camera sees the person, (N, 3)."""
    matrix = np.array([camera.matrix for camera in samples.cameras]).reshape(-1, 3, 3)[
        samples.camera
    ]
    R = np.array([camera.R for camera in samples.cameras]).reshape(-1, 3, 3)[samples.camera]
    rays = np.ones((len(samples), 3))
    rays[:, :2] = np.linalg.solve(
        matrix[:, :2, :2], (samples.region[:, :2] - matrix[:, :2, 2])[..., None]
    )[..., 0]
    room = np.einsum("nji,nj->ni", R, rays)
    return room / np.linalg.norm(room, axis=1, keepdims=True)
