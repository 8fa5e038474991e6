"""Random poses of 33 joints, with people, views and joints missing here and there."""

import numpy as np

from engine.poses import Pose2D, Pose3D, PoseSet2D, PoseSet3D, all_measured

JOINTS = 33
PERIOD_NS = 33_333_333


def make_pose_sets_2d(count: int, *, view_count: int = 3, seed: int = 0) -> list[PoseSet2D]:
    """Make 2D framesets of up to two people."""
    rng = np.random.default_rng(seed)
    return [
        PoseSet2D(
            index,
            index * PERIOD_NS,
            tuple(_make_people_2d(rng) if rng.random() < 0.9 else () for _ in range(view_count)),
            tuple(
                index * PERIOD_NS + int(rng.integers(9)) if rng.random() < 0.9 else None
                for _ in range(view_count)
            ),
        )
        for index in range(count)
    ]


def make_pose_sets_3d(count: int, *, seed: int = 0) -> list[PoseSet3D]:
    """Make 3D framesets of nobody, one person or two."""
    rng = np.random.default_rng(seed)
    return [
        PoseSet3D(
            index, index * PERIOD_NS, tuple(_make_person_3d(rng, n) for n in range(rng.integers(3)))
        )
        for index in range(count)
    ]


def is_same_2d(one: PoseSet2D, other: PoseSet2D) -> bool:
    """Compare all there is, to the precision of float32."""
    people = [
        (a, b)
        for p, q in zip(one.poses_by_view, other.poses_by_view, strict=True)
        for a, b in zip(p, q, strict=True)
    ]
    return (one.index, one.timestamp_ns, one.view_time_ns) == (
        other.index,
        other.timestamp_ns,
        other.view_time_ns,
    ) and all(
        a.track_id == b.track_id
        and np.isclose(a.score, b.score)
        and np.allclose(a.xy, b.xy, rtol=1e-6, equal_nan=True)
        and np.allclose(a.confidence, b.confidence, rtol=1e-6)
        for a, b in people
    )


def is_same_3d(one: PoseSet3D, other: PoseSet3D) -> bool:
    """Compare all there is, to the precision of float32."""
    return (one.index, one.timestamp_ns) == (other.index, other.timestamp_ns) and all(
        a.track_id == b.track_id
        and np.array_equal(a.view_count, b.view_count)
        and np.array_equal(a.source, b.source)
        and np.allclose(a.xyz, b.xyz, rtol=1e-6, equal_nan=True)
        and np.allclose(a.covariance, b.covariance, rtol=1e-6, equal_nan=True)
        and np.allclose(a.confidence, b.confidence, rtol=1e-6)
        for a, b in zip(one.people, other.people, strict=True)
    )


def _make_people_2d(rng: np.random.Generator) -> tuple[Pose2D, ...]:
    """Make one person or two in a view."""
    people = []
    for track_id in range(rng.integers(1, 3)):
        xy, confidence = rng.uniform(0, 1920, (JOINTS, 2)), rng.random(JOINTS)
        missing = rng.random(JOINTS) < 0.2
        xy[missing], confidence[missing] = np.nan, 0
        people.append(Pose2D(track_id, xy, confidence, float(rng.random())))
    return tuple(people)


def _make_person_3d(rng: np.random.Generator, track_id: int) -> Pose3D:
    """Make one person in the room."""
    xyz, confidence = rng.uniform(-3, 3, (JOINTS, 3)), rng.random(JOINTS)
    root = rng.normal(0, 0.01, (JOINTS, 3, 3))
    covariance, view_count = root @ np.swapaxes(root, 1, 2), rng.integers(2, 5, JOINTS)
    missing = rng.random(JOINTS) < 0.2
    xyz[missing], covariance[missing], confidence[missing], view_count[missing] = (
        np.nan,
        np.nan,
        0,
        0,
    )
    return Pose3D(track_id, xyz, confidence, covariance, view_count, all_measured(JOINTS))
