"""The compiled kernels of one instant say what the functions over whole takes say, on any scene."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.evidence.evidence import select_calibration_joints
from calibration.evidence.noise import compute_gate_px, estimate_sigma_px
from calibration.evidence.observations import Observations
from calibration.geometry.fast_arrays import pack_cameras, pack_likeness, pack_noise
from calibration.geometry.fast_instant import (
    compare_people,
    find_best_pair,
    project_compiled,
    solve_person,
    triangulate_compiled,
    triangulate_robust_compiled,
)
from calibration.geometry.projection import project
from calibration.geometry.triangulation import triangulate, triangulate_robust
from calibration.skeleton import load_skeleton
from calibration.synthetic.synthetic import RigPlan, make_rig
from engine.reconstruction.reconstruct import poses_from_triangulation, triangulate_observations

SKELETON = load_skeleton("blazepose_33")
LIMBS = SKELETON.indices(select_calibration_joints(SKELETON))
LIKENESS = pack_likeness(SKELETON, min_confidence=0.3, sigma_of_height=0.012, min_joints=4)
J = len(SKELETON.joints)

cameras = st.integers(2, 8)
seeds = st.integers(0, 100_000)


def scene(count, seed):
    """Make images of random joints with noise, liars, swaps, gaps and points behind cameras."""
    random = np.random.default_rng(seed)
    rig = make_rig(RigPlan(cameras=count, k1=(-0.2, 0.1)), seed % 50)
    xyz = random.uniform([-0.7, -0.7, 0], [0.7, 0.7, 1.8], (J, 3))
    xyz[random.random(J) < 0.1] *= 8  # outside, behind cameras
    xy = np.stack([project(xyz, camera) for camera in rig]) + random.normal(0, 2, (count, J, 2))
    xy += random.uniform(-300, 300, xy.shape) * (
        random.random((count, J, 1)) < random.choice([0.0, 0.1, 0.4])
    )
    for v in range(count):
        if random.random() < 0.2:
            xy[v] = xy[v, SKELETON.mirror]
        if random.random() < 0.1:
            xy[v] = np.nan
    xy[random.random((count, J)) < 0.15] = np.nan
    xy[np.abs(xy).max(-1) > 1e4] = np.nan  # a torso of 1e9 px has a weight that drowns in rounding
    confidence = np.where(np.isfinite(xy).all(-1), random.random((count, J)), 0.0)
    confidence[random.random((count, J)) < 0.03] = 0.0
    return rig, xyz, xy, confidence


def instant(rig, xy, confidence):
    """The same as observations of a take of one frameset."""
    times = np.zeros(1, np.int64)
    sizes = tuple(camera.size_wh for camera in rig)
    own = np.zeros((1, len(rig)), np.int64)
    return Observations(SKELETON, rig.names, sizes, times, xy[None], confidence[None], own)


@given(cameras, seeds)
@settings(max_examples=150, deadline=None)
def test_a_person_is_put_into_the_room_as_a_take_of_one_frameset_is(count, seed):
    rig, _, xy, confidence = scene(count, seed)
    common = instant(rig, xy, confidence)
    fast = solve_person(xy, confidence, pack_cameras(rig.cameras), pack_noise(SKELETON, 0.3))
    sigma = estimate_sigma_px(common, 0.3)[0]
    solved = triangulate_robust(xy, sigma, rig.cameras, gate_px=compute_gate_px(sigma))
    np.testing.assert_array_equal(fast.used.T, solved.used)
    np.testing.assert_allclose(fast.xyz, solved.xyz, atol=1e-6)
    np.testing.assert_allclose(fast.covariance, solved.covariance, rtol=1e-6, atol=1e-12)
    person = poses_from_triangulation(common, triangulate_observations(common, rig), (0,))[0].people
    if person:
        np.testing.assert_allclose(fast.confidence, person[0].confidence, atol=1e-9)


@given(cameras, seeds)
@settings(max_examples=60, deadline=None)
def test_points_are_triangulated_robustly_alike(count, seed):
    rig, _, xy, confidence = scene(count, seed)
    random = np.random.default_rng(seed)
    sigma = np.where(confidence > 0.2, random.uniform(0.5, 9, confidence.shape), np.inf)
    gate = random.uniform(2, 40, J)
    slow = triangulate_robust(xy, sigma, rig.cameras, gate_px=gate)
    fast = triangulate_robust_compiled(xy, sigma, pack_cameras(rig.cameras), gate)
    np.testing.assert_array_equal(fast.used, slow.used)
    np.testing.assert_allclose(fast.xyz, slow.xyz, atol=1e-6)
    kept = slow.used  # where nothing was found, the error is that of nowhere
    np.testing.assert_allclose(fast.error_px[kept], slow.error_px[kept], atol=1e-6)


@given(cameras, seeds)
@settings(max_examples=60, deadline=None)
def test_points_are_triangulated_and_projected_alike(count, seed):
    rig, xyz, xy, confidence = scene(count, seed)
    packed = pack_cameras(rig.cameras)
    image = np.stack([project(xyz, camera) for camera in rig])
    np.testing.assert_allclose(project_compiled(xyz, packed), image, atol=1e-7)
    whole = np.where(
        np.abs(image).max(-1, keepdims=True) < 2000, image, np.nan
    )  # a lens folds over far outside
    slow = triangulate(whole, confidence, rig.cameras)
    np.testing.assert_allclose(triangulate_compiled(whole, confidence, packed), slow, atol=1e-6)
    del xy


def median_sigmas(xy, confidence, image):
    """The distance of two poses, in numpy."""
    good = (confidence >= 0.3) & np.isfinite(xy).all(-1)
    error = np.linalg.norm(xy - image, axis=-1)[good]
    error = error[np.isfinite(error)]
    return (
        np.median(error) / max(0.012 * (np.ptp(xy[good, 1]) + 1), 1.0)
        if len(error) >= 4
        else np.inf
    )


@given(cameras, seeds)
@settings(max_examples=60, deadline=None)
def test_people_are_compared_by_the_median_of_their_limbs(count, seed):
    rig, xyz, xy, confidence = scene(count, seed)
    image = np.stack([project(xyz[LIMBS], camera) for camera in rig])
    far = compare_people(xy, confidence, np.arange(count), image, LIKENESS)
    for v in range(count):
        for side, order in enumerate((LIMBS, SKELETON.mirror[LIMBS])):
            assert np.isclose(
                far[v, side], median_sigmas(xy[v, order], confidence[v, order], image[v])
            )


@given(cameras, seeds)
@settings(max_examples=20, deadline=None)
def test_the_person_whom_all_views_see_is_found_among_two(count, seed):
    random = np.random.default_rng(seed)
    rig = make_rig(RigPlan(cameras=count), seed % 50)
    xyz = random.uniform([-0.4, -0.4, 0.1], [0.4, 0.4, 1.8], (2, J, 3))
    half = max(2, (count + 1) // 2)  # half of the views see the other person too
    xy = np.stack(
        [project(xyz[0], camera) for camera in rig] + [project(xyz[1], rig[v]) for v in range(half)]
    )
    view = np.array([*range(count), *range(half)])
    order = np.lexsort((random.random(len(view)), view))
    people = (xy[order], np.ones((len(view), J)), view[order])
    limbs = find_best_pair(people, pack_cameras(rig.cameras), LIKENESS, 6.0)
    assert limbs is not None
    misses = [np.nanmedian(np.linalg.norm(limbs - person[LIMBS], axis=-1)) for person in xyz]
    assert min(misses) < 1e-3
    if count > half:
        assert misses[0] < 1e-3
