from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from calibration.evidence.evidence import gather_evidence
from calibration.evidence.noise import estimate_sigma_px
from calibration.geometry.transforms import (
    rotation_angle_rad,
    rotation_between,
    rotation_from_rotvec,
)
from calibration.solve.own_poses import guess_pairs
from calibration.solve.pairs import PinholeViews
from calibration.synthetic.body import SKELETON
from calibration.synthetic.synthetic import (
    NoiseConfig,
    RigPlan,
    find_room_middle,
    make_rig,
    observe,
)
from calibration.synthetic.walker import Walker, walk_room

HIPS = SKELETON.indices(("left_hip", "right_hip"))
TIME_NS = np.arange(60, dtype=np.int64) * 200_000_000


def see(bias_rad=0.0):
    """See a walker through three cameras that guess the pose in depth, turned by a bias."""
    rig = make_rig(RigPlan(cameras=3, k1=(0.0, 0.0)), 3)
    seen = observe(
        rig, partial(walk_room, Walker(1.75, find_room_middle(rig))), TIME_NS, NoiseConfig(), seed=3
    )
    own = np.empty((len(TIME_NS), 3, 33, 3))
    for v, camera in enumerate(rig):
        in_camera = (seen.xyz - seen.xyz.mean(1, keepdims=True)) @ camera.R.T
        turn = rotation_from_rotvec(np.array([0.0, bias_rad * (-1) ** v, 0.0]))
        for t in range(len(TIME_NS)):
            along = camera.R @ (seen.xyz[t, HIPS].mean(0) - camera.centre)
            look = rotation_between(np.array([0.0, 0.0, 1.0]), along / np.linalg.norm(along))
            own[t, v] = in_camera[t] @ look @ turn.T
    observations = replace(seen.observations, own_xyz=own)
    principal = np.array([camera.principal_px for camera in rig])
    evidence = gather_evidence(
        observations, estimate_sigma_px(observations, 0.5), principal, np.arange(len(TIME_NS))
    )
    focal = np.array([camera.focal_px for camera in rig])
    views = PinholeViews(
        evidence.xy.reshape(3, -1, 2), evidence.sigma.reshape(3, -1), focal, principal
    )
    hips = evidence.index("left_hip"), evidence.index("right_hip")
    return rig, views, evidence.own_xyz, hips


@pytest.mark.parametrize(("bias_deg", "limit_deg"), [(0.0, 2.0), (4.0, 10.0)])
def test_bodies_guessed_in_depth_say_how_cameras_stand(bias_deg, limit_deg):
    rig, views, own, hips = see(np.radians(bias_deg))
    pairs = guess_pairs(views, own, hips)
    assert {(pair.first, pair.second) for pair in pairs} == {(0, 1), (0, 2), (1, 2)}
    for pair in pairs:
        one, other = rig[pair.first], rig[pair.second]
        turned = other.R @ one.R.T
        assert np.degrees(rotation_angle_rad(pair.rotation @ turned.T)) < limit_deg
        along = other.t - turned @ one.t
        cosine = pair.translation @ along / np.linalg.norm(along)
        assert cosine > np.cos(np.radians(2 * limit_deg + 3))
    assert [pair.strength for pair in pairs] == sorted((p.strength for p in pairs), reverse=True)


def test_views_without_guesses_make_no_pair():
    _, views, own, hips = see()
    own[1] = np.nan
    assert {(pair.first, pair.second) for pair in guess_pairs(views, own, hips)} == {(0, 2)}


def test_sides_turn_with_the_guess():
    rig = make_rig(RigPlan(cameras=2), 0)
    seen = observe(rig, partial(walk_room, Walker()), TIME_NS, NoiseConfig(), seed=0).observations
    own = np.random.default_rng(0).normal(size=(len(TIME_NS), 2, 33, 3))
    guessed = replace(seen, own_xyz=own)
    mirrored = guessed.flip_views((1,))
    np.testing.assert_allclose(mirrored.own_xyz[:, 0], own[:, 0])
    np.testing.assert_allclose(
        mirrored.own_xyz[:, 1], own[:, 1][:, SKELETON.mirror] * np.array([-1.0, 1.0, 1.0])
    )
    np.testing.assert_allclose(mirrored.flip_views((1,)).own_xyz, own)
    with pytest.raises(ValueError, match="own_xyz"):
        replace(seen, own_xyz=own[:, :1])
