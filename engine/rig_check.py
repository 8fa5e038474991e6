"""Is a rig still true? What the cameras see now is compared with what it says, before anybody trusts it."""

from collections import deque
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from calibration.geometry.arrays import F64
from calibration.observations import Observations
from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.associate import Associate
from engine.poses import PoseSet2D
from engine.rig_fit import Fit, best_order, fit_of, in_order, refine_clocks, search_clocks, without

LEAST_FRAMESETS = 60  # with a person in two views or more
LEAST_OF_VIEW = 20  # a view that saw the person less often is not judged
MOST_FRAMESETS = 160
SPACING_NS = 62_000_000  # framesets nearer in time than this say the same; the most that is kept is 10 s
CLOCK_CHANGED_NS, BETTER = 15_000_000, 0.97  # clocks have shifted if that lowers the cost to this share
# Of the framesets that show anybody, a view must show the person whom a true rig follows in so many.
KEPT_SHARE, CROWDED_SHARE = 0.6, 0.1
CALIBRATE = "Calibrate again."
CROWDED = (
    "Several people are in view, and the rig fits none of them in all views. Let one person walk alone for a moment."
)


class RigVerdict(StrEnum):
    """What became of a rig."""

    NOT_ENOUGH = "not enough seen"
    FITS = "fits"
    CLOCKS_CHANGED = "clocks changed"  # true, with other time offsets
    EXCHANGED = "cameras exchanged"
    MIRRORED = "camera mirrored"
    MOVED = "camera moved"
    DOES_NOT_FIT = "does not fit"


@dataclass(frozen=True, slots=True, eq=False)
class RigFinding:
    """What is known of a rig after comparing it with what the cameras see.

    Parameters
    ----------
    verdict
    sentence
        What it means and what to do.
    sigmas, px : (V,)
        Median distance of the joints of each view from where the rig as given has them, in expected errors and
        in px; NaN where a view is not judged.
    rig
        That can be used from now on: as given, or with its cameras in the right order, or with the right clocks;
        None where there is none.
    cameras
        Names of those that were moved, exchanged or mirrored.
    order : V of them
        View v is from the rig's camera ``order[v]``.
    offsets_ns
        The time offsets as the body's motion has them, by camera; None where ``rig`` does not fit as it was given.
    """

    verdict: RigVerdict
    sentence: str
    sigmas: F64
    px: F64
    rig: Rig | None = None
    cameras: tuple[str, ...] = ()
    order: tuple[int, ...] = ()
    offsets_ns: dict[str, int] | None = None


class RigCheck:
    """Compare a rig with what the cameras see.

    Parameters
    ----------
    rig
        Its cameras in the order of the views.
    skeleton

    Notes
    -----
    It wants raw 2D poses, everybody in every view. A rig is true if it fits the person whom each view follows alone,
    or one who is there in every view nearly whenever somebody is. What else happened to it is looked for in people
    followed without it, since a wrong rig would choose only what fits; with several people in view that is not told.
    `put` costs next to nothing; `finding` takes 0.5 s where the rig fits and some seconds where it does not: call it in
    a job.
    """

    def __init__(self, rig: Rig, skeleton: Skeleton) -> None:
        self._rig, self._skeleton = rig, skeleton
        self._kept: deque[PoseSet2D] = deque(maxlen=MOST_FRAMESETS)

    @property
    def progress(self) -> float:
        """How much of what is needed was seen, 0 to 1."""
        return min(len(self._kept) / LEAST_FRAMESETS, 1.0)

    @property
    def seen_s(self) -> float:
        """Over how long what is kept was seen, s; clocks need 10."""
        return (self._kept[-1].timestamp_ns - self._kept[0].timestamp_ns) * 1e-9 if self._kept else 0.0

    def put(self, poses: PoseSet2D) -> None:
        """Look at a frameset.

        Parameters
        ----------
        poses
            Raw, views in the order of the rig's cameras.

        Raises
        ------
        ValueError
            If there are more or fewer views than cameras.
        """
        if len(poses.views) != len(self._rig):
            raise ValueError(f"The rig has {len(self._rig)} cameras, but there are {len(poses.views)} views.")
        if self._kept and 0 <= poses.timestamp_ns - self._kept[-1].timestamp_ns < SPACING_NS:
            return
        if self._kept and poses.timestamp_ns < self._kept[-1].timestamp_ns:
            self._kept.clear()  # time began anew
        if sum(bool(view) for view in poses.views) >= 2:
            self._kept.append(poses)

    def finding(self) -> RigFinding:
        """Say whether the rig is true, and if not, what happened."""
        names, nothing = self._rig.names, np.full(len(self._rig), np.nan)
        if len(self._kept) < LEAST_FRAMESETS:
            sentence = "Walk where two cameras or more see you, so that the rig can be compared with what they see."
            return RigFinding(RigVerdict.NOT_ENOUGH, sentence, nothing, nothing)
        seen = self._seen(None)
        unseen = tuple(int(v) for v in np.flatnonzero(seen.seen.any(-1).sum(0) < LEAST_OF_VIEW))
        judged = tuple(v for v in range(len(names)) if v not in unseen)
        if len(judged) < 2:
            sentence = f"Only '{names[judged[0]]}' sees you often." if judged else "No camera sees you often."
            return RigFinding(RigVerdict.NOT_ENOUGH, f"{sentence} Walk where two cameras see you.", nothing, nothing)
        alone = without(seen, self._rig, unseen)
        found = _true(*alone) or self._true(seen, unseen) or _judged(*alone)
        if found.rig is None and self._is_crowded():
            found = RigFinding(RigVerdict.NOT_ENOUGH, CROWDED, found.sigmas, found.px)
        return self._whole(found, judged, unseen)

    def _true(self, seen: Observations, unseen: tuple[int, ...]) -> RigFinding | None:
        """Whether the rig is true of somebody whom every view shows nearly always, whoever else is there."""
        chosen = self._seen(self._rig)
        there, kept = (each.seen.any(-1).sum(0) for each in (seen, chosen))
        if any(kept[v] < KEPT_SHARE * there[v] for v in range(len(there)) if v not in unseen):
            return None
        return _true(*without(chosen, self._rig, unseen))

    def _is_crowded(self) -> bool:
        """Whether several people were in view often."""
        views = [len(view) for poses in self._kept for view in poses.views if view]
        return sum(count > 1 for count in views) > CROWDED_SHARE * len(views)

    def _seen(self, rig: Rig | None) -> Observations:
        """Follow one person through what was kept, with a rig's help or none, as arrays."""
        associate = Associate(self._skeleton)
        T, V, J = len(self._kept), len(self._rig), len(self._skeleton.joints)
        xy, confidence = np.full((T, V, J, 2), np.nan), np.zeros((T, V, J))
        time_ns = np.array([poses.timestamp_ns for poses in self._kept], np.int64)
        own_ns = np.repeat(time_ns[:, None], V, 1)
        for t, poses in enumerate(self._kept):
            for v, (view, own) in enumerate(zip(associate(poses, rig).views, poses.view_time_ns)):
                if view and own is not None:
                    xy[t, v], confidence[t, v], own_ns[t, v] = view[0].xy, view[0].confidence, own
        sizes = tuple(camera.size_wh for camera in self._rig)
        return Observations(self._skeleton, self._rig.names, sizes, time_ns, xy, confidence, own_ns)

    def _whole(self, found: RigFinding, judged: tuple[int, ...], unseen: tuple[int, ...]) -> RigFinding:
        """Say of all cameras what was found of those that saw the person."""
        if not unseen:
            return found
        V, names = len(self._rig), self._rig.names
        sigmas, px, order = np.full(V, np.nan), np.full(V, np.nan), list(range(V))
        sigmas[list(judged)], px[list(judged)] = found.sigmas, found.px
        for v, c in zip(judged, found.order):
            order[v] = judged[c]
        rig, offsets_ns = None, None
        if found.rig is not None:
            rig = in_order(self._rig, tuple(order))
            rig = Rig(rig.cameras, {**rig.time_offset_ns, **found.rig.time_offset_ns}, rig.metadata)
        if found.offsets_ns is not None:
            offsets_ns = {**self._rig.time_offset_ns, **found.offsets_ns}
        silent = ", ".join(f"'{names[v]}'" for v in unseen)
        sentence = f"{found.sentence} Nothing can be said of {silent} yet: no person was seen there."
        return RigFinding(found.verdict, sentence, sigmas, px, rig, found.cameras, tuple(order), offsets_ns)


def _judged(seen: Observations, rig: Rig) -> RigFinding:
    """Judge a rig that does not fit: the first change that explains what the cameras saw is the reason."""
    fit = fit_of(seen, rig)
    return (
        _exchanged(seen, rig, fit)
        or _clocks(seen, rig, fit, search_clocks(seen, rig))
        or _mirrored(seen, rig, fit)
        or _moved(seen, rig, fit)
        or _found(RigVerdict.DOES_NOT_FIT, f"The rig is not that of these cameras as they stand now. {CALIBRATE}", fit)
    )


def _true(seen: Observations, rig: Rig) -> RigFinding | None:
    """Whether the rig fits as it is, or with clocks a little off."""
    fit = fit_of(seen, rig)
    if not fit.fits:
        return None
    refined = refine_clocks(seen, rig)
    found = _found(RigVerdict.FITS, "The cameras stand where they stood: the rig can be used.", fit, rig=rig)
    return _clocks(seen, rig, fit, refined) or replace(found, offsets_ns=dict(refined.time_offset_ns))


def _exchanged(seen: Observations, rig: Rig, fit: Fit) -> RigFinding | None:
    """Whether cameras have changed places."""
    order, better = best_order(seen, rig)
    wrong = tuple(name for v, name in enumerate(rig.names) if order[v] != v)
    if not better.fits or not wrong:
        return None
    listed = ", ".join(f"'{name}'" for name in wrong[:-1]) + f" and '{wrong[-1]}'"
    sentence = f"Cameras {listed} have changed places. The rig is true with their names exchanged; or plug them back."
    return _found(RigVerdict.EXCHANGED, sentence, fit, rig=in_order(rig, order), cameras=wrong, order=order)


def _clocks(seen: Observations, rig: Rig, fit: Fit, shifted: Rig) -> RigFinding | None:
    """Whether only the clocks have changed."""
    changes = {name: shifted.time_offset_ns[name] - rig.time_offset_ns.get(name, 0) for name in rig.names}
    better = fit_of(seen, shifted)
    if not better.fits or better.cost > fit.cost * BETTER or max(map(abs, changes.values())) <= CLOCK_CHANGED_NS:
        return None
    told = ", ".join(f"'{name}' by {ns / 1e6:+.0f} ms" for name, ns in changes.items() if abs(ns) > CLOCK_CHANGED_NS)
    sentence = f"The cameras stand where they stood, but their clocks have shifted: {told}. This is put right."
    return _found(RigVerdict.CLOCKS_CHANGED, sentence, fit, rig=shifted)


def _mirrored(seen: Observations, rig: Rig, fit: Fit) -> RigFinding | None:
    """Whether a camera's image is mirrored."""
    for v, name in enumerate(rig.names):
        if fit_of(seen.in_mirror((v,)), rig).fits:
            sentence = f"The image of camera '{name}' is mirrored. Switch mirroring off in its settings."
            return _found(RigVerdict.MIRRORED, sentence, fit, cameras=(name,))
    return None


def _moved(seen: Observations, rig: Rig, fit: Fit) -> RigFinding | None:
    """Whether one camera was moved: all others agree without it."""
    if len(rig) == 2:
        names = " or ".join(f"'{name}'" for name in rig.names)
        sentence = f"Camera {names} was moved or turned since the calibration. {CALIBRATE}"
        return _found(RigVerdict.DOES_NOT_FIT, sentence, fit)
    fits = [fit_of(*without(seen, rig, (v,))) for v in range(len(rig))]
    best = int(np.argmin([each.cost for each in fits]))
    if not fits[best].fits:
        return None
    name = rig.names[best]
    sentence = f"Camera '{name}' was moved or turned since the calibration; the others agree. {CALIBRATE}"
    return _found(RigVerdict.MOVED, sentence, fit, cameras=(name,))


def _found(
    verdict: RigVerdict,
    sentence: str,
    fit: Fit,
    *,
    rig: Rig | None = None,
    cameras: tuple[str, ...] = (),
    order: tuple[int, ...] = (),
) -> RigFinding:
    """Put a finding together."""
    return RigFinding(verdict, sentence, fit.sigmas, fit.px, rig, cameras, order or tuple(range(len(fit.sigmas))))
