"""True joints of the twelve limbs: the clip's own, or those that the true cameras triangulate."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64
from calibration.rig import Rig
from engine.errors import NobodyInViewError
from engine.offline import recording as offline
from training.world.observe import ObservedClip, select_views

LIMBS = tuple(
    f"{side}_{joint}"
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
)
"""The joints that all sets and models have."""

GIVEN, HELD_OUT, ALL_VIEWS = "joints", "other views", "all views"
MIN_VIEWS = 2


@dataclass(frozen=True, slots=True, eq=False)
class TrueLimbs:
    """Where the limbs are.

    Parameters
    ----------
    xyz : (T, 12, 3), m, world
        Of each frameset, in the order of `LIMBS`; NaN where not known.
    source
        `GIVEN`: the clip's joints. `HELD_OUT`: triangulated by the true cameras from views other
        than those that are judged. `ALL_VIEWS`: from all views, for there are no others; what the
        model finds wrongly is then in both, and only the cameras are judged.
    """

    xyz: F64
    source: str


def find_true_limbs(observed: ObservedClip, judged: Sequence[int]) -> TrueLimbs | None:
    """Find the true limbs to judge some views by.

    Parameters
    ----------
    observed
    judged
        Positions of the views that a method uses.

    Returns
    -------
    limbs
        None where the clip has neither joints nor two true cameras that see a person.
    """
    clip = observed.clip
    given = clip.select_joints(LIMBS)
    if given is not None:
        return TrueLimbs(_pick_images(given, observed, judged), GIVEN)
    others = [view for view in range(len(clip.views)) if view not in judged]
    held_out = len(others) >= MIN_VIEWS
    views = others if held_out else list(range(len(clip.views)))
    if clip.rig is None or len(views) < MIN_VIEWS:
        return None
    try:
        xyz = triangulate_limbs(
            select_views(observed.recording, views), select_cameras(clip.rig, views)
        )
    except NobodyInViewError:
        return None
    return TrueLimbs(xyz, HELD_OUT if held_out else ALL_VIEWS)


def select_cameras(rig: Rig, views: Sequence[int]) -> Rig:
    """Keep some cameras of a rig, with their times.

    Parameters
    ----------
    rig
    views
        Positions, in the order wanted.
    """
    cameras = tuple(rig[view] for view in views)
    offsets = {camera.name: rig.time_offset_ns.get(camera.name, 0) for camera in cameras}
    return Rig(cameras, offsets)


def triangulate_limbs(recording: offline.PoseRecording, rig: Rig) -> F64:
    """Reconstruct a recording by a rig.

    Parameters
    ----------
    recording
    rig
        Its cameras in the order of the views.

    Returns
    -------
    xyz : (T, 12, 3), m, world of the rig
        In the order of `LIMBS`; NaN where missing.

    Raises
    ------
    NobodyInViewError
        If no view, or only one, shows a person.
    """
    chosen = recording.skeleton.indices(LIMBS)
    xyz = np.full((len(recording.pose_sets), len(LIMBS), 3), np.nan)
    for row, poses in zip(xyz, offline.reconstruct_recording(recording, rig).poses_3d):
        if poses.people:
            row[:] = poses.people[0].xyz[chosen]
    return xyz


def _pick_images(xyz: F64, observed: ObservedClip, views: Sequence[int]) -> F64:
    """Return the joints of each frameset: those of the first of these views with an image."""
    index = np.asarray(observed.image_index)[:, list(views)]
    first = np.argmax(index >= 0, axis=1)
    image = index[np.arange(len(index)), first]
    known = (image >= 0) & (image < len(xyz))
    return np.where(known[:, None, None], xyz[np.where(known, image, 0)], np.nan)
