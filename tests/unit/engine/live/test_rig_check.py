"""Whether a rig is still true: what was done to the cameras is named."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from calibration.geometry.transforms import rigid_transform, rotation_from_rotvec
from calibration.rig import Rig
from calibration.skeleton import load_skeleton
from calibration.synthetic.synthetic import (
    NETWORK_NOISE,
    RigPlan,
    find_room_middle,
    list_frameset_times,
    make_rig,
    observe,
)
from calibration.synthetic.walker import MOTIONS, Walker
from engine.live.rig_check import MAX_FRAMESETS, MIN_FRAMESETS, RigCheck, RigVerdict
from engine.live.rig_fit import reorder_cameras
from tests.support.pose_recordings import make_pose_sets

SKELETON = load_skeleton("blazepose_33")


def watched(rig, cameras_now=None, *, seconds=8.0, noise=NETWORK_NOISE, change=lambda poses: poses):
    """Let a check of `rig` watch a person who walks in front of the cameras as they stand now."""
    now = cameras_now or rig
    walker = Walker(1.75, find_room_middle(rig), 1.1, 0.4)
    seen = observe(
        now, partial(MOTIONS["room"], walker), list_frameset_times(seconds, 15), noise, seed=5
    )
    check = RigCheck(rig, SKELETON)
    for poses in make_pose_sets(seen.observations):
        check.put(change(poses))
    return check


@pytest.fixture(scope="module", params=[3, 4])
def rig(request):
    return make_rig(RigPlan(cameras=request.param, identical_lenses=True), 2)


def turned(rig, v, degrees):
    """Turn one camera on its stand."""
    camera = rig[v]
    turn = rigid_transform(rotation_from_rotvec(np.radians([0.0, degrees, 0.0])), np.zeros(3))
    cameras = list(rig.cameras)
    cameras[v] = replace(camera, cam_from_world=turn @ camera.cam_from_world)
    return replace(rig, cameras=tuple(cameras))


def late(rig, v, ms):
    """Let a camera's clock lag."""
    offsets = dict(rig.time_offset_ns)
    offsets[rig[v].name] = offsets.get(rig[v].name, 0) + round(ms * 1e6)
    return replace(rig, time_offset_ns=offsets)


def test_a_true_rig_fits(rig):
    found = watched(rig).evaluate()
    assert found.verdict is RigVerdict.FITS
    assert found.rig is not None
    assert (found.sigmas < 2).all()
    assert (found.px > 0).all()


def test_a_camera_that_was_turned_by_three_degrees_is_named(rig):
    found = watched(rig, turned(rig, 1, 3.0)).evaluate()
    assert found.verdict is RigVerdict.MOVED, found.message
    assert found.cameras == (rig[1].name,)
    assert found.rig is None
    assert f"'{rig[1].name}' was moved" in found.message


def test_two_cameras_that_changed_places_are_named_and_put_right(rig):
    order = (2, 1, 0, *range(3, len(rig)))
    found = watched(rig, reorder_cameras(rig, order)).evaluate()
    assert found.verdict is RigVerdict.EXCHANGED, found.message
    assert found.order == order
    assert f"'{rig[0].name}' and '{rig[2].name}' have changed places" in found.message
    assert found.rig is not None
    np.testing.assert_allclose(found.rig[0].cam_from_world, rig[2].cam_from_world)
    assert found.rig.names == rig.names


def test_an_offset_of_eighty_milliseconds_is_found_within_five(rig):
    found = watched(rig, late(rig, 1, 80), seconds=10).evaluate()
    assert found.verdict is RigVerdict.CLOCKS_CHANGED, found.message
    offsets = found.rig.time_offset_ns
    assert offsets[rig[1].name] / 1e6 == pytest.approx(80, abs=5)
    assert all(abs(offsets[camera.name]) < 5e6 for v, camera in enumerate(rig) if v != 1)
    assert f"'{rig[1].name}' by +" in found.message


def test_small_offsets_are_refined_where_the_rig_fits(rig):
    found = watched(rig, late(rig, 1, 12), seconds=10).evaluate()
    assert found.verdict is RigVerdict.FITS, found.message
    offsets = found.offsets_ns
    assert offsets is not None
    assert offsets[rig[1].name] / 1e6 == pytest.approx(12, abs=3)


def test_a_mirrored_camera_is_named(rig):
    found = watched(rig, noise=replace(NETWORK_NOISE, mirrored=(1,))).evaluate()
    assert found.verdict is RigVerdict.MIRRORED, found.message
    assert found.cameras == (rig[1].name,)


def test_another_room_does_not_fit():
    found = watched(make_rig(RigPlan(cameras=3), 2), make_rig(RigPlan(cameras=3), 9)).evaluate()
    assert found.verdict is RigVerdict.DOES_NOT_FIT, found.message
    assert "Calibrate again" in found.message


def test_of_two_cameras_both_are_named():
    rig = make_rig(RigPlan(cameras=2, arc_deg=120), 2)
    found = watched(rig, turned(rig, 1, 6.0)).evaluate()
    assert found.verdict is RigVerdict.DOES_NOT_FIT, found.message


def test_little_says_nothing(rig):
    check = watched(rig, seconds=3.0)
    assert 0.5 < check.progress < 1
    found = check.evaluate()
    assert found.verdict is RigVerdict.NOT_ENOUGH
    assert np.isnan(found.sigmas).all()
    assert found.offsets_ns is None


def test_a_camera_that_saw_nobody_is_said_and_the_others_judged(rig):
    found = watched(
        rig, change=lambda poses: replace(poses, poses_by_view=(*poses.poses_by_view[:-1], ()))
    ).evaluate()
    assert found.verdict is RigVerdict.FITS
    assert np.isnan(found.sigmas[-1])
    assert found.offsets_ns is not None
    assert set(found.offsets_ns) >= set(rig.names[:-1])
    assert found.rig is not None
    assert found.rig.names == rig.names
    assert f"Nothing can be said of '{rig.names[-1]}' yet" in found.message


def crowded(rig, now):
    """Let a check watch two people, numbered differently in every view."""
    check = RigCheck(rig, SKELETON)
    both = [
        observe(
            now, partial(MOTIONS[motion], walker), list_frameset_times(6, 15), NETWORK_NOISE, seed=5
        ).observations
        for motion, walker in (
            ("room", Walker(1.75, find_room_middle(rig), 1.1, 0.4)),
            ("in_place", Walker(1.6, (0.9, 0.6))),
        )
    ]
    for poses in make_pose_sets(*both):
        check.put(
            replace(
                poses,
                poses_by_view=tuple(
                    view[:: 1 if v % 2 else -1] for v, view in enumerate(poses.poses_by_view)
                ),
            )
        )
    return check


def test_a_true_rig_fits_even_with_others_in_the_room(rig):
    assert crowded(rig, rig).evaluate().verdict is RigVerdict.FITS


def test_among_several_people_a_rig_is_not_called_wrong(rig):
    found = crowded(rig, turned(rig, 1, 5.0)).evaluate()
    assert found.verdict is RigVerdict.NOT_ENOUGH
    assert "Let one person walk alone" in found.message


def test_what_is_kept_is_bounded(rig):
    check = watched(rig, seconds=1.0)
    first = check._kept[0]
    for index in range(3 * MAX_FRAMESETS):
        check.put(replace(first, timestamp_ns=10**10 + index * 50_000_000))
    assert MIN_FRAMESETS < len(check._kept) == MAX_FRAMESETS


def test_views_must_be_those_of_the_rig(rig):
    check = RigCheck(Rig(rig.cameras[:2]), SKELETON)
    seen = observe(
        rig, partial(MOTIONS["room"], Walker()), list_frameset_times(0.2, 15), NETWORK_NOISE, seed=1
    )
    poses = make_pose_sets(seen.observations)
    with pytest.raises(ValueError, match="The rig has 2 cameras, but there are"):
        check.put(poses[0])
