"""A monocular guess takes over and gives back while a person walks: the display does not jump."""

import numpy as np
import pytest

from calibration.synthetic.synthetic import NoiseConfig, RigPlan, make_rig
from engine.monocular.reconstruct import MonocularReconstructor
from engine.reconstruction.crossfade import GuessCrossfade
from engine.reconstruction.reconstruct import Reconstruct
from engine.reconstruction.smooth import Smooth
from tests.support.monocular import (
    LIMB,
    SKELETON,
    STATURE_M,
    Oracle,
    film_walk,
    keep_views,
    make_empty_set,
)
from tests.support.pose_recordings import make_pose_sets

FPS, ALONE = 30, slice(45, 90)
NETWORK_ERRS_M = (0.02, 0.05)  # across and along the line of sight, beside the size


class Steady(Oracle):
    """A network that errs alike from frame to frame, as networks do."""

    def __call__(self, view, seen):
        self.random = np.random.default_rng(5)
        return super().__call__(view, seen)


def shown(rig, seen, handover):
    """Play a walk with one view in its middle; limbs shown and true, (T, 12, 3), m."""
    oracle, reconstruct, smooth = (
        Steady(rig, seen.xyz, NETWORK_ERRS_M),
        Reconstruct(SKELETON),
        Smooth(),
    )
    lift = MonocularReconstructor(SKELETON, STATURE_M)
    on_screen, made = [], []
    for t, poses in enumerate(make_pose_sets(seen.observations)):
        oracle.t = t
        alone = ALONE.start <= t < ALONE.stop
        poses = keep_views(poses, 1) if alone else poses
        room = lift(oracle, poses, make_empty_set(poses) if alone else reconstruct(poses, rig), rig)
        made.append(room.people[0].xyz[LIMB])
        on_screen.append(smooth(handover(room)).people[0].xyz[LIMB])
    return np.array(on_screen), np.array(made)


@pytest.mark.parametrize("motion", ["stand", "room"])
def test_nobody_jumps_on_the_screen_when_triangulation_ends_and_when_it_returns(motion: str):
    rig = make_rig(RigPlan(cameras=4), seed=4)
    seen = film_walk(rig, 3.6, NoiseConfig(), fps=FPS, motion=motion)
    on_screen, made = shown(rig, seen, GuessCrossfade())
    walked = np.diff(seen.xyz[:, LIMB], axis=0)
    changes = [t - 1 for t in (ALONE.start, ALONE.stop)]
    raw, seen_step = (
        np.linalg.norm(np.diff(xyz, axis=0) - walked, axis=-1) for xyz in (made, on_screen)
    )
    assert raw[changes].max() > 0.08  # m; there is something to hide
    for change in changes:
        assert seen_step[change : change + 12].max() < 0.045  # m in an image
    after = np.linalg.norm(
        on_screen[ALONE.stop + 15 :] - seen.xyz[ALONE.stop + 15 :, LIMB], axis=-1
    )
    assert (
        after.max() < 0.06
    )  # m; half a second later all is measured, and hands lag a little in the filter
