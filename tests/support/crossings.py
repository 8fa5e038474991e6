"""Two people who cross closely, as single-view trackers see them: hidden, lost, renumbered."""

import numpy as np

from calibration.evidence.observations import Observations
from calibration.geometry.projection import project
from calibration.rig import Rig
from engine.poses import Pose2D, PoseSet2D

HIDDEN_SHARE = 0.5  # of a person's width apart: the farther one cannot be seen


def make_crossing_sets(
    people: tuple[Observations, Observations],
    truth: tuple[np.ndarray, np.ndarray],
    rig: Rig,
    *,
    seed: int,
) -> list[PoseSet2D]:
    """Hide the farther person where two overlap in a view; on return give any free number."""
    random = np.random.default_rng(seed)
    numbers = [{0: 0, 1: 1} for _ in rig]
    following = [2] * len(rig)
    sets = []
    for t, time_ns in enumerate(people[0].time_ns):
        views = []
        for v, camera in enumerate(rig):
            hidden = _find_hidden(truth[0][t], truth[1][t], camera)
            view = []
            for index, person in enumerate(people):
                if index == hidden or not person.seen[t, v].any():
                    numbers[v].pop(index, None)
                    continue
                if index not in numbers[v]:
                    numbers[v][index], following[v] = following[v], following[v] + 1
                view.append(Pose2D(numbers[v][index], person.xy[t, v], person.confidence[t, v]))
            if (
                hidden is not None and len(view) == 1 and random.random() < 0.05
            ):  # the tracker takes one for the other
                numbers[v] = {1 - hidden: following[v]}
                following[v] += 1
            random.shuffle(view)
            views.append(tuple(view))
        own = tuple(int(ns) for ns in people[0].view_time_ns[t])
        sets.append(PoseSet2D(t, int(time_ns), tuple(views), own))
    return sets


def _find_hidden(one, other, camera):
    """Say who of two is hidden behind the other, if anybody."""
    images = [project(xyz, camera) for xyz in (one, other)]
    middle = [np.nanmean(image[:, 0]) for image in images]
    height = max(np.nanmax(image[:, 1]) - np.nanmin(image[:, 1]) for image in images)
    if not abs(middle[0] - middle[1]) < HIDDEN_SHARE * 0.25 * height:
        return None
    depth = [np.linalg.norm(xyz.mean(0) - camera.centre) for xyz in (one, other)]
    return int(np.argmax(depth))
