"""Does a saved rig still fit? Compare it with what the cameras see before it is used."""

from collections import deque
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from calibration.evidence.observations import Observations
from calibration.geometry.arrays import F64
from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.live.rig_fit import (
    Fit,
    drop_views,
    find_best_order,
    measure_fit,
    refine_clocks,
    reorder_cameras,
    search_clocks,
)
from engine.poses import PoseSet2D
from engine.reconstruction.associate import Associate

MIN_FRAMESETS = 60  # with a person in two views or more
MIN_VIEW_FRAMESETS = 20  # a view with fewer is not judged
MAX_FRAMESETS = 160
SPACING_NS = 62_000_000  # nearer framesets are not independent; those stored span up to 10 s
# Clocks have shifted if moving them by more than this lowers the cost to this share.
MAX_CLOCK_CHANGE_NS, MAX_COST_RATIO = 15_000_000, 0.97
# Share of the framesets with people in which a view must show the person followed by a correct rig.
MIN_FOLLOWED_SHARE, MAX_CROWDED_SHARE = 0.6, 0.1
CALIBRATE_AGAIN = "Calibrate again."
CROWDED = (
    "Several people are in view, and the rig fits none of them in all views. Let one "
    "person walk alone for a moment."
)


class RigVerdict(StrEnum):
    """The result of a check."""

    NOT_ENOUGH = "not enough seen"
    FITS = "fits"
    CLOCKS_CHANGED = "clocks changed"  # fits, with other time offsets
    EXCHANGED = "cameras exchanged"
    MIRRORED = "camera mirrored"
    MOVED = "camera moved"
    DOES_NOT_FIT = "does not fit"


@dataclass(frozen=True, slots=True, eq=False)
class RigFinding:
    """The result of comparing a rig with what the cameras see.

    Parameters
    ----------
    verdict
    message
        What it means and what to do.
    sigmas, px : (V,)
        Median reprojection error of each view with the rig as given, in expected errors and in px;
        NaN where a view is not judged.
    rig
        Usable from now on: as given, with its cameras reordered, or with corrected clocks; None
        where none is.
    cameras
        Names of cameras that were moved, exchanged or mirrored.
    order : V of them
        View v is from the rig's camera ``order[v]``.
    offsets_ns
        Time offsets from the body's motion, by camera; None where ``rig`` does not fit as given.
    """

    verdict: RigVerdict
    message: str
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
    Takes raw 2D poses, all people in every view. A rig fits if it explains the person that each
    view follows on its own, or one present in every view in nearly all framesets with people. What
    happened to a rig that does not fit is searched with people followed without it, because a wrong
    rig would select only what fits; with several people in view this is not attempted. `put` is
    cheap; `evaluate` takes 0.5 s where the rig fits and some seconds where it does not: call it in
    the background.
    """

    def __init__(self, rig: Rig, skeleton: Skeleton) -> None:
        self._rig, self._skeleton = rig, skeleton
        self._kept: deque[PoseSet2D] = deque(maxlen=MAX_FRAMESETS)

    @property
    def progress(self) -> float:
        """Share of the required framesets seen, 0 to 1."""
        return min(len(self._kept) / MIN_FRAMESETS, 1.0)

    @property
    def span_s(self) -> float:
        """Time span of the stored framesets, s; clocks need 10."""
        return (
            (self._kept[-1].timestamp_ns - self._kept[0].timestamp_ns) * 1e-9 if self._kept else 0.0
        )

    def put(self, poses: PoseSet2D) -> None:
        """Add a frameset.

        Parameters
        ----------
        poses
            Raw, views in the order of the rig's cameras.

        Raises
        ------
        ValueError
            If there are more or fewer views than cameras.
        """
        if len(poses.poses_by_view) != len(self._rig):
            raise ValueError(
                f"The rig has {len(self._rig)} cameras, but there are "
                f"{len(poses.poses_by_view)} views."
            )
        if self._kept and 0 <= poses.timestamp_ns - self._kept[-1].timestamp_ns < SPACING_NS:
            return
        if self._kept and poses.timestamp_ns < self._kept[-1].timestamp_ns:
            self._kept.clear()  # another clock
        if sum(bool(view) for view in poses.poses_by_view) >= 2:
            self._kept.append(poses)

    def evaluate(self) -> RigFinding:
        """Judge whether the rig fits, and if not, what happened."""
        names = self._rig.names
        nothing = np.full(len(self._rig), np.nan)
        if len(self._kept) < MIN_FRAMESETS:
            message = (
                "Walk where two cameras or more see you, so that the rig can be compared "
                "with what they see."
            )
            return RigFinding(RigVerdict.NOT_ENOUGH, message, nothing, nothing)
        seen = self._follow_person(None)
        unseen = tuple(
            int(v) for v in np.flatnonzero(seen.seen.any(-1).sum(0) < MIN_VIEW_FRAMESETS)
        )
        judged = tuple(v for v in range(len(names)) if v not in unseen)
        if len(judged) < 2:
            message = (
                f"Only '{names[judged[0]]}' sees you often."
                if judged
                else "No camera sees you often."
            )
            return RigFinding(
                RigVerdict.NOT_ENOUGH,
                f"{message} Walk where two cameras see you.",
                nothing,
                nothing,
            )
        subset = drop_views(seen, self._rig, unseen)
        found = (
            _check_fit(*subset) or self._check_followed(seen, unseen) or _explain_misfit(*subset)
        )
        if found.rig is None and self._is_crowded():
            found = RigFinding(RigVerdict.NOT_ENOUGH, CROWDED, found.sigmas, found.px)
        return self._expand_to_all_views(found, judged, unseen)

    def _check_followed(self, seen: Observations, unseen: tuple[int, ...]) -> RigFinding | None:
        """Check the rig with a person nearly always in every view, even among others."""
        chosen = self._follow_person(self._rig)
        there, kept = (each.seen.any(-1).sum(0) for each in (seen, chosen))
        if any(
            kept[v] < MIN_FOLLOWED_SHARE * there[v] for v in range(len(there)) if v not in unseen
        ):
            return None
        return _check_fit(*drop_views(chosen, self._rig, unseen))

    def _is_crowded(self) -> bool:
        """Whether several people were often in view."""
        views = [len(view) for poses in self._kept for view in poses.poses_by_view if view]
        return sum(count > 1 for count in views) > MAX_CROWDED_SHARE * len(views)

    def _follow_person(self, rig: Rig | None) -> Observations:
        """Follow one person through the stored framesets, with or without a rig."""
        associate = Associate(self._skeleton)
        T = len(self._kept)
        V = len(self._rig)
        J = len(self._skeleton.joints)
        xy = np.full((T, V, J, 2), np.nan)
        confidence = np.zeros((T, V, J))
        time_ns = np.array([poses.timestamp_ns for poses in self._kept], np.int64)
        own_ns = np.repeat(time_ns[:, None], V, 1)
        for t, poses in enumerate(self._kept):
            for v, (view, own) in enumerate(
                zip(associate(poses, rig).poses_by_view, poses.view_time_ns)
            ):
                if view and own is not None:
                    xy[t, v], confidence[t, v], own_ns[t, v] = view[0].xy, view[0].confidence, own
        sizes = tuple(camera.size_wh for camera in self._rig)
        return Observations(self._skeleton, self._rig.names, sizes, time_ns, xy, confidence, own_ns)

    def _expand_to_all_views(
        self, found: RigFinding, judged: tuple[int, ...], unseen: tuple[int, ...]
    ) -> RigFinding:
        """Extend a finding on the views that saw the person to all cameras."""
        if not unseen:
            return found
        V, names = len(self._rig), self._rig.names
        sigmas = np.full(V, np.nan)
        px = np.full(V, np.nan)
        order = list(range(V))
        sigmas[list(judged)], px[list(judged)] = found.sigmas, found.px
        for v, c in zip(judged, found.order):
            order[v] = judged[c]
        rig, offsets_ns = None, None
        if found.rig is not None:
            rig = reorder_cameras(self._rig, tuple(order))
            rig = Rig(rig.cameras, {**rig.time_offset_ns, **found.rig.time_offset_ns}, rig.metadata)
        if found.offsets_ns is not None:
            offsets_ns = {**self._rig.time_offset_ns, **found.offsets_ns}
        silent = ", ".join(f"'{names[v]}'" for v in unseen)
        message = f"{found.message} Nothing can be said of {silent} yet: no person was seen there."
        return RigFinding(
            found.verdict, message, sigmas, px, rig, found.cameras, tuple(order), offsets_ns
        )


def _explain_misfit(seen: Observations, rig: Rig) -> RigFinding:
    """Judge a misfit: the first change that explains what the cameras saw is the reason."""
    fit = measure_fit(seen, rig)
    return (
        _check_exchanged(seen, rig, fit)
        or _check_clocks(seen, rig, fit, search_clocks(seen, rig))
        or _check_mirrored(seen, rig, fit)
        or _check_moved(seen, rig, fit)
        or _build_finding(
            RigVerdict.DOES_NOT_FIT,
            f"The rig does not fit these cameras where they are now. {CALIBRATE_AGAIN}",
            fit,
        )
    )


def _check_fit(seen: Observations, rig: Rig) -> RigFinding | None:
    """Check whether the rig fits as it is, or with slightly different clocks."""
    fit = measure_fit(seen, rig)
    if not fit.fits:
        return None
    refined = refine_clocks(seen, rig)
    found = _build_finding(
        RigVerdict.FITS, "The cameras have not moved: the rig can be used.", fit, rig=rig
    )
    return _check_clocks(seen, rig, fit, refined) or replace(
        found, offsets_ns=dict(refined.time_offset_ns)
    )


def _check_exchanged(seen: Observations, rig: Rig, fit: Fit) -> RigFinding | None:
    """Check whether cameras have changed places."""
    order, better = find_best_order(seen, rig)
    wrong = tuple(name for v, name in enumerate(rig.names) if order[v] != v)
    if not better.fits or not wrong:
        return None
    listed = ", ".join(f"'{name}'" for name in wrong[:-1]) + f" and '{wrong[-1]}'"
    message = (
        f"Cameras {listed} have changed places. The rig fits with their names exchanged; or plug "
        "them back."
    )
    return _build_finding(
        RigVerdict.EXCHANGED,
        message,
        fit,
        rig=reorder_cameras(rig, order),
        cameras=wrong,
        order=order,
    )


def _check_clocks(seen: Observations, rig: Rig, fit: Fit, shifted: Rig) -> RigFinding | None:
    """Check whether only the clocks have changed."""
    changes = {
        name: shifted.time_offset_ns[name] - rig.time_offset_ns.get(name, 0) for name in rig.names
    }
    better = measure_fit(seen, shifted)
    if (
        not better.fits
        or better.cost > fit.cost * MAX_COST_RATIO
        or max(map(abs, changes.values())) <= MAX_CLOCK_CHANGE_NS
    ):
        return None
    shifts = ", ".join(
        f"'{name}' by {ns / 1e6:+.0f} ms"
        for name, ns in changes.items()
        if abs(ns) > MAX_CLOCK_CHANGE_NS
    )
    message = (
        f"The cameras have not moved, but their clocks have shifted: {shifts}. This is corrected."
    )
    return _build_finding(RigVerdict.CLOCKS_CHANGED, message, fit, rig=shifted)


def _check_mirrored(seen: Observations, rig: Rig, fit: Fit) -> RigFinding | None:
    """Check whether a camera's image is mirrored."""
    for v, name in enumerate(rig.names):
        if measure_fit(seen.flip_views((v,)), rig).fits:
            message = (
                f"The image of camera '{name}' is mirrored. Switch mirroring off in its settings."
            )
            return _build_finding(RigVerdict.MIRRORED, message, fit, cameras=(name,))
    return None


def _check_moved(seen: Observations, rig: Rig, fit: Fit) -> RigFinding | None:
    """Check whether one camera was moved: all others agree without it."""
    if len(rig) == 2:
        names = " or ".join(f"'{name}'" for name in rig.names)
        message = f"Camera {names} was moved or turned since the calibration. {CALIBRATE_AGAIN}"
        return _build_finding(RigVerdict.DOES_NOT_FIT, message, fit)
    fits = [measure_fit(*drop_views(seen, rig, (v,))) for v in range(len(rig))]
    best = int(np.argmin([each.cost for each in fits]))
    if not fits[best].fits:
        return None
    name = rig.names[best]
    message = (
        f"Camera '{name}' was moved or turned since the calibration; the others agree. "
        f"{CALIBRATE_AGAIN}"
    )
    return _build_finding(RigVerdict.MOVED, message, fit, cameras=(name,))


def _build_finding(
    verdict: RigVerdict,
    message: str,
    fit: Fit,
    *,
    rig: Rig | None = None,
    cameras: tuple[str, ...] = (),
    order: tuple[int, ...] = (),
) -> RigFinding:
    """Build a finding."""
    return RigFinding(
        verdict, message, fit.sigmas, fit.px, rig, cameras, order or tuple(range(len(fit.sigmas)))
    )
