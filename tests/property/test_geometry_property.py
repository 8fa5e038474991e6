"""What must hold for any rig, any points, any lens."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calibration.geometry.alignment import align_similarity
from calibration.geometry.projection import distort, project, undistort
from calibration.geometry.transforms import (
    invert_transform,
    rigid_transform,
    rotation_between,
    rotation_from_rotvec,
    rotvec_from_rotation,
    transform_points,
)
from calibration.geometry.triangulation import triangulate, triangulate_robust
from calibration.rig import Rig, load_rig, save_rig
from calibration.synthetic.synthetic import RigPlan, make_rig

rotvecs = arrays(np.float64, 3, elements=st.floats(-3.1, 3.1))
shifts = arrays(np.float64, 3, elements=st.floats(-10, 10))
seeds = st.integers(0, 10_000)
counts = st.integers(2, 8)
plain = st.one_of(
    st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), st.text(max_size=20)
)


def points_of(seed):
    return np.random.default_rng(seed).uniform([-0.6, -0.6, 0.1], [0.6, 0.6, 1.7], (10, 3))


def where_rays_cross(points, rig):
    """Tell which points lie well off the lines between cameras; near them rounding grows."""
    away = points[None] - np.array([camera.centre for camera in rig])[:, None]
    away /= np.linalg.norm(away, axis=-1, keepdims=True)
    sines = np.linalg.norm(np.cross(away[:, None], away[None]), axis=-1)
    return sines.max((0, 1)) > 0.1


@given(counts, seeds)
@settings(max_examples=30, deadline=None)
def test_triangulation_turns_projection_round(cameras, seed):
    rig, points = make_rig(RigPlan(cameras=cameras), seed), points_of(seed)
    xy = np.stack([project(points, camera) for camera in rig])
    np.testing.assert_allclose(
        triangulate(xy, np.ones(xy.shape[:2]), rig.cameras), points, atol=1e-6
    )


@given(counts, seeds, rotvecs, shifts, st.floats(0.1, 10))
@settings(max_examples=25, deadline=None)
def test_points_move_with_the_world_they_are_described_in(cameras, seed, rotvec, shift, scale):
    rig, points = make_rig(RigPlan(cameras=cameras), seed), points_of(seed)
    random = np.random.default_rng(seed)
    xy = np.stack([project(points, camera) for camera in rig]) + random.normal(
        0, 2, (cameras, 10, 2)
    )
    weight = random.uniform(0.3, 1, xy.shape[:2])
    new_from_old = rigid_transform(rotation_from_rotvec(rotvec), shift)
    old = triangulate(xy, weight, rig.cameras)
    new = triangulate(xy, weight, rig.with_world(new_from_old, scale).cameras)
    sure = where_rays_cross(points, rig)
    np.testing.assert_allclose(
        new[sure], transform_points(new_from_old, scale * old)[sure], atol=1e-6
    )


@given(counts, seeds, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_order_of_the_cameras_does_not_matter(cameras, seed, random):
    rig, points = make_rig(RigPlan(cameras=cameras), seed), points_of(seed)
    noise = np.random.default_rng(seed).normal(0, 2, (cameras, 10, 2))
    xy = np.stack([project(points, camera) for camera in rig]) + noise
    order = list(range(cameras))
    random.shuffle(order)
    straight = triangulate_robust(xy, np.ones(xy.shape[:2]), rig.cameras, gate_px=25)
    shuffled = triangulate_robust(
        xy[order], np.ones(xy.shape[:2]), [rig[v] for v in order], gate_px=25
    )
    np.testing.assert_allclose(shuffled.xyz, straight.xyz, atol=1e-7)
    np.testing.assert_array_equal(shuffled.used, straight.used[order])


@given(rotvecs, shifts)
def test_a_transform_turned_round_twice_is_itself(rotvec, shift):
    transform = rigid_transform(rotation_from_rotvec(rotvec), shift)
    np.testing.assert_allclose(invert_transform(invert_transform(transform)), transform, atol=1e-12)


@given(rotvecs)
def test_a_rotation_survives_its_vector(rotvec):
    rotation = rotation_from_rotvec(rotvec)
    np.testing.assert_allclose(
        rotation_from_rotvec(rotvec_from_rotation(rotation)), rotation, atol=1e-9
    )
    assert np.linalg.norm(rotvec_from_rotation(rotation)) <= np.pi + 1e-12


@given(rotvecs, rotvecs)
def test_any_direction_can_be_carried_onto_any_other(one, other):
    source, target = rotation_from_rotvec(one)[0], rotation_from_rotvec(other)[0]
    np.testing.assert_allclose(rotation_between(source, target) @ source, target, atol=1e-7)


@given(st.floats(-0.25, 0.3), st.floats(-0.05, 0.1), st.floats(-0.7, 0.7), st.floats(-0.5, 0.5))
def test_a_ray_within_the_image_survives_its_lens(k1, k2, x, y):
    lens = np.array([k1, k2, 0.001, -0.001, 0.0])
    ray = np.array([[x, y]])
    np.testing.assert_allclose(undistort(distort(ray, lens), lens), ray, atol=1e-6)


@given(seeds, rotvecs, shifts, st.floats(0.05, 20))
def test_a_similarity_is_recovered(seed, rotvec, shift, scale):
    source = np.random.default_rng(seed).normal(size=(8, 3))
    found, rotation, translation = align_similarity(
        source, scale * source @ rotation_from_rotvec(rotvec).T + shift
    )
    np.testing.assert_allclose(found, scale, rtol=1e-9)
    np.testing.assert_allclose(rotation, rotation_from_rotvec(rotvec), atol=1e-8)
    np.testing.assert_allclose(translation, shift, atol=1e-7)


@given(
    counts,
    seeds,
    st.dictionaries(st.text(min_size=1, max_size=12), plain, max_size=4),
    st.text(max_size=12),
)
@settings(max_examples=40, deadline=None)
def test_any_rig_survives_its_file(cameras, seed, metadata, name):
    drawn = make_rig(RigPlan(cameras=cameras, offset_ms=30), seed)
    named = (replace(drawn[0], name=name), *drawn.cameras[1:])
    metadata.pop("time_offset_ns", None)
    rig = Rig(named, {camera.name: seed for camera in named}, metadata)
    with tempfile.TemporaryDirectory() as folder:
        save_rig(rig, Path(folder) / "rig.toml")
        back = load_rig(Path(folder) / "rig.toml")
    assert back.names == rig.names
    assert dict(back.time_offset_ns) == dict(rig.time_offset_ns)
    assert {key: back.metadata[key] for key in metadata} == metadata
    for a, b in zip(back, rig):
        np.testing.assert_array_equal(a.matrix, b.matrix)
        np.testing.assert_allclose(a.cam_from_world, b.cam_from_world, atol=1e-11)
