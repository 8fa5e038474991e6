"""Samples of a session: crops of its videos, with the labels at each image's own time.

Its 400 lines are one pass over the videos of a session, step after step.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from calibration.geometry.arrays import F64, I64, U8, Mask
from calibration.rig import Camera, Rig
from calibration.skeleton import load_skeleton
from engine.inference.preprocess import BLACK, Region, cut
from engine.session.seek_video import SeekableVideo
from engine.session.session import RIG, Session
from training.data.crops import camera_from_world, square_around_joints, square_around_root
from training.data.samples import MARGIN, ROOT, STORED_PX, Samples, join
from training.data.topology import JointMap, map_joints
from training.errors import TrainingError
from training.labels.calibration import read_calibration
from training.labels.files import LabelSet

Progress = Callable[[str, float], None]

MAX_OFFSET_PERIODS = 0.6
"""Of a video's period: a more distant image is not the instant's (`engine.capture.synchronize`)."""

NEAR_NS = 4_000_000
"""Within this time a joint without a neighbour in time counts as standing still: 8 mm at 2 m/s."""

CHUNK_SIZE = 128
"""Crops in memory at once."""

MAX_STEP_NS = 150_000_000
"""Instants further apart than this say nothing of what was between them."""


@dataclass(frozen=True, slots=True)
class SessionSamplesConfig:
    """Which crops are cut out of a session.

    Parameters
    ----------
    max_samples
        Of all views; whole instants are left out, evenly over time.
    min_samples
        With fewer there is nothing to train on.
    stored_px
        Side of the stored crops.
    skeleton
        Name.
    person
        Name; empty takes the session's.
    min_confidence
        Below, a joint counts as not found.
    min_joints
        A person with fewer joints found inside the image is hardly in the view.
    """

    max_samples: int = 2400
    min_samples: int = 30
    stored_px: int = STORED_PX
    skeleton: str = "mpii_16"
    person: str = ""
    min_confidence: float = 0.3
    min_joints: int = 8


@dataclass(frozen=True, slots=True, eq=False)
class _ViewData:
    """What is known of T instants in one view.

    Parameters
    ----------
    camera
    number : (T,)
        Of the instant's image in the video; -1 where there is none.
    time_ns : (T,)
        Of that image, in the labels' time.
    xyz : (T, J, 3), m, camera
    weight : (T, J)
    xy : (T, J, 2), px
    confidence : (T, J)
    region : (T, 3), px
        NaN where the person is hardly in the view.
    """

    camera: Camera
    number: I64
    time_ns: I64
    xyz: F64
    weight: F64
    xy: F64
    confidence: F64
    region: F64

    @property
    def usable(self) -> Mask:
        """Whether a crop can be cut and something is known of it, (T,)."""
        known = np.isfinite(self.xy).all(-1).any(-1) | np.isfinite(self.xyz).all(-1).any(-1)
        return (self.number >= 0) & np.isfinite(self.region).all(-1) & known


def samples_from_session(
    session: Session,
    labels: LabelSet,
    config: SessionSamplesConfig | None = None,
    progress: Progress = lambda _step, _share: None,
    rig_file: Path | None = None,
) -> Samples:
    """Cut the crops of a labelled session.

    Parameters
    ----------
    session
        With its videos.
    labels
        Of the same session.
    config
        None takes the usual one.
    progress
        Called with the step in words and the share done; may raise to cancel.
    rig_file
        That the labels are based on; None takes the session's own.

    Returns
    -------
    samples
        View after view, rising in time. A joint is labelled where all joints are accepted that it
        is made of; those without a label keep what was found in the image.

    Raises
    ------
    TrainingError
        If the rig is not the labels', or too few crops can be cut.
    CalibrationError, CameraError, SessionError
        If the rig, a video or a ledger cannot be read.
    """
    portions = list(cut_session(session, labels, config, progress, rig_file))
    return replace(
        join(portions), frameset=np.concatenate([portion.frameset for portion in portions])
    )


def cut_session(
    session: Session,
    labels: LabelSet,
    config: SessionSamplesConfig | None = None,
    progress: Progress = lambda _step, _share: None,
    rig_file: Path | None = None,
) -> Iterator[Samples]:
    """Cut the crops of a labelled session in parts: four cameras' minute is half a gigabyte.

    Parameters
    ----------
    session, labels, config, progress, rig_file
        As in `samples_from_session`.

    Yields
    ------
    samples
        View after view, rising in time; of one instant all have the same frameset. Ends with a
        TrainingError, as `samples_from_session`, where too few came.
    """
    config = config or SessionSamplesConfig()
    rig = _load_rig(session, labels, rig_file)
    joint_map = map_joints(load_skeleton(labels.skeleton), load_skeleton(config.skeleton))
    with ExitStack() as held:
        videos = _open_videos(session, labels.view_names, held)
        views = []
        for v, video in enumerate(videos):
            progress("Finding the images of the labels", 0.1 * v / len(videos))
            number, time_ns = _find_nearest_images(
                video, labels, rig.time_offset_ns.get(labels.view_names[v], 0)
            )
            views.append(_build_view(labels, v, (rig[v], number, time_ns), joint_map, config))
        of, at = _choose_samples(views, config)
        cut = 0
        if len(of) < config.min_samples:
            raise TrainingError(_format_too_few(session, len(of), config))
        for start in range(0, len(of), CHUNK_SIZE):
            progress(
                f"Cutting crops of '{views[of[start]].camera.name}'", 0.1 + 0.9 * start / len(of)
            )
            chosen = of[start : start + CHUNK_SIZE], at[start : start + CHUNK_SIZE]
            image, whole = _cut_crops(videos, views, chosen, config.stored_px)
            cut += int(whole.sum())
            if whole.any():
                rows = chosen[0][whole], chosen[1][whole]
                yield _assemble(image[whole], views, rows, labels, _get_names(session, config))
    if cut < config.min_samples:
        raise TrainingError(_format_too_few(session, cut, config))
    progress("Cutting crops", 1.0)


def _load_rig(session: Session, labels: LabelSet, rig_file: Path | None) -> Rig:
    """Read the rig of the labels, in the order of their views."""
    path = rig_file or session.path / RIG
    if not path.is_file():
        raise TrainingError(
            f"The session '{session.path.name}' has no calibration; give the rig of its labels."
        )
    rig, calibration = read_calibration(path)
    if calibration.id != labels.calibration.id:
        raise TrainingError(
            f"The labels '{labels.path.name}' use calibration {labels.calibration.id}, but "
            f"'{path}' is {calibration.id}. Label the session again, or give the rig that it was "
            "labelled with."
        )
    return Rig(tuple(rig[view] for view in labels.view_names), rig.time_offset_ns, rig.metadata)


def _open_videos(
    session: Session, names: Sequence[str], held: ExitStack
) -> list[SeekableVideo | None]:
    """Open the videos of the views; None where one is missing, as the session's remarks say."""
    by_name = {camera.name: camera for camera in session.cameras}
    videos: list[SeekableVideo | None] = []
    for name in names:
        camera = by_name.get(name)
        if camera is None or not (session.path / camera.video).is_file():
            videos.append(None)
        else:
            video = SeekableVideo(session.path / camera.video, name, session.frame_times(camera))
            videos.append(held.enter_context(closing(video)))
    if not any(videos):
        raise TrainingError(
            f"The videos of the session '{session.path.name}' are missing, so no crop can be cut."
        )
    return videos


def _find_nearest_images(
    video: SeekableVideo | None, labels: LabelSet, offset_ns: int
) -> tuple[I64, I64]:
    """Find each label's image in a view, (T,), -1 for none, and its time as labels count, (T,)."""
    target_ns = np.asarray(labels.arrays["time_ns"], np.int64)
    if video is None or not len(video):
        return np.full(len(target_ns), -1, np.int64), target_ns
    own = video.time_ns + offset_ns
    after = np.clip(np.searchsorted(own, target_ns), 0, len(own) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(target_ns - own[before] <= own[after] - target_ns, before, after)
    near = np.abs(own[nearest] - target_ns) <= MAX_OFFSET_PERIODS * 1e9 / video.rate_fps
    first = np.concatenate([[True], nearest[1:] != nearest[:-1]])  # no image of a slow view twice
    return np.where(near & first, nearest, -1), np.where(near, own[nearest], target_ns)


def _build_view(
    labels: LabelSet,
    v: int,
    seen: tuple[Camera, I64, I64],
    joint_map: JointMap,
    config: SessionSamplesConfig,
) -> _ViewData:
    """Convert labels and a view's detections to its images' times and to the network's joints."""
    camera, number, time_ns = seen
    arrays = {name: labels.arrays[name] for name in ("xyz", "weight", "view_xy", "view_confidence")}
    is_label = labels.accepted & (arrays["weight"] > 0)
    accepted = np.where(is_label[..., None], arrays["xyz"], np.nan).astype(float)
    confidence = np.nan_to_num(arrays["view_confidence"][v].astype(float))
    xyz = joint_map.points(_interpolate_at(accepted, labels.arrays["time_ns"], time_ns))
    xy = joint_map.points(
        _interpolate_at(arrays["view_xy"][v].astype(float), labels.arrays["time_ns"], time_ns)
    )
    weight = np.where(
        np.isfinite(xyz).all(-1), joint_map.confidence(arrays["weight"] * is_label), 0.0
    )
    confidence = joint_map.confidence(confidence)
    with np.errstate(invalid="ignore"):
        inside = ((xy >= 0) & (xy <= np.array(camera.size_wh) - 1)).all(-1)
    found = inside & (confidence >= config.min_confidence)
    xy = np.where(found[..., None], xy, np.nan)
    confidence = np.where(found, confidence, 0.0)
    xyz = camera_from_world(xyz, camera)
    roots = xyz[:, joint_map.target.index(ROOT)]
    region = np.array(
        [_find_square(joints, root, camera, config.min_joints) for joints, root in zip(xy, roots)]
    )
    region[labels.arrays["contested"][:, v].astype(bool)] = np.nan
    return _ViewData(camera, number, time_ns, xyz, weight, xy, confidence, region.reshape(-1, 3))


def _find_square(xy: F64, root_xyz: F64, camera: Camera, min_joints: int) -> F64:
    """Return the square around a person, (3,): by the joints seen, else by the root; else NaN."""
    if np.isfinite(xy).all(-1).sum() >= min_joints:
        region = square_around_joints(xy)
    elif root_xyz[2] > 0:
        region = square_around_root(root_xyz, camera)
        x, y = region.center_xy
        if not (0 <= x < camera.size_wh[0] and 0 <= y < camera.size_wh[1]):
            return np.full(3, np.nan)
    else:
        return np.full(3, np.nan)
    return np.array([*region.center_xy, region.size_wh[0]])


def _interpolate_at(values: F64, known_ns: I64, target_ns: I64) -> F64:
    """Interpolate joints, (T, J, C), from the labels' times to those of a view's images.

    Between two labels a joint moves evenly. One without a neighbour stays where it is if the image
    is very near in time; else it is missing.
    """
    step = np.where(target_ns >= known_ns, 1, -1)
    rows = np.arange(len(known_ns))
    next_row = np.clip(rows + step, 0, len(rows) - 1)
    span = (known_ns[next_row] - known_ns).astype(float)
    share = np.where(span != 0, (target_ns - known_ns) / np.where(span != 0, span, 1.0), 0.0)
    moved = values + share[:, None, None] * (values[next_row] - values)
    between = (np.abs(span) <= MAX_STEP_NS) & (span != 0)
    moved[~between] = np.nan
    near = np.abs(target_ns - known_ns) <= NEAR_NS
    stays = np.isnan(moved) & near[:, None, None]
    return np.where(stays, values, moved)


def _choose_samples(views: Sequence[_ViewData], config: SessionSamplesConfig) -> tuple[I64, I64]:
    """Choose views and instants of the crops, whole instants evenly over time."""
    usable = np.stack([view.usable for view in views])
    instants = np.flatnonzero(usable.any(0))
    per_instant = usable.sum() / max(len(instants), 1)
    count = min(len(instants), int(config.max_samples / max(per_instant, 1)))
    kept = np.zeros(usable.shape[1], bool)
    kept[instants[np.linspace(0, len(instants) - 1, count).round().astype(int)]] = True
    of, at = np.nonzero(usable & kept)
    # the count is an estimate: instants that more views saw may be a few too many
    return of[: config.max_samples], at[: config.max_samples]


def _cut_crops(
    videos: Sequence[SeekableVideo | None],
    views: Sequence[_ViewData],
    chosen: tuple[I64, I64],
    stored_px: int,
) -> tuple[U8, Mask]:
    """Cut crops, each video read forwards; also return which images were complete."""
    image = np.zeros((len(chosen[0]), stored_px, stored_px, 3), np.uint8)
    whole = np.zeros(len(image), bool)
    for row, (v, t) in enumerate(zip(*chosen)):
        view, video = views[v], videos[v]
        picture = video.image(int(view.number[t])) if video is not None else None
        if picture is not None:
            x, y, side = view.region[t].tolist()
            wide = Region((x, y), (side * MARGIN, side * MARGIN))
            image[row] = cut(picture, wide, (stored_px, stored_px), BLACK)
            whole[row] = True
    return image, whole


def _get_names(session: Session, config: SessionSamplesConfig) -> tuple[str, str, str]:
    """Return the names of the person, the clip and the skeleton."""
    return config.person or session.path.name, session.path.name, config.skeleton


def _assemble(
    image: U8,
    views: Sequence[_ViewData],
    chosen: tuple[I64, I64],
    labels: LabelSet,
    names: tuple[str, str, str],
) -> Samples:
    """Build the samples of the chosen crops."""
    of, at = chosen
    person, clip, skeleton = names
    known = {
        name: np.stack([getattr(view, name) for view in views])[of, at]
        for name in ("region", "xyz", "weight", "xy", "confidence", "time_ns")
    }
    actions, action = np.unique(labels.arrays["action"].astype(str), return_inverse=True)
    same = np.zeros(len(of), np.int32)
    return Samples(
        image=image,
        region=known["region"],
        camera=of.astype(np.int32),
        cameras=tuple(view.camera for view in views),
        xyz=known["xyz"].astype(np.float32),
        weight=known["weight"].astype(np.float32),
        xy=known["xy"].astype(np.float32),
        confidence=known["confidence"].astype(np.float32),
        frameset=at.astype(np.int64),
        time_ns=known["time_ns"],
        person=same,
        clip=same,
        action=action.reshape(-1)[at].astype(np.int32),
        persons=(person,),
        clips=(clip,),
        actions=tuple(str(name) for name in actions),
        skeleton=load_skeleton(skeleton),
        teacher="labels",
    )


def _format_too_few(session: Session, count: int, config: SessionSamplesConfig) -> str:
    """Return the message that a session gives too few samples."""
    return (
        f"Only {count} crops of a person could be cut out of the session '{session.path.name}' "
        f"({config.min_samples} are needed). Record longer, with the whole body in view of the "
        "cameras."
    )
