"""The instants of a session, from the times of its frames alone, and the poses at each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import I64
from engine.capture.synchronize import Framesets
from engine.clock import NS_PER_S
from engine.frames import Frame
from engine.session.pose_files import PoseReader
from engine.session.seek_video import SeekableVideo

NO_IMAGE = -1
# Frame periods for which a pose is shown around its own instant. Live tracking may skip every third
# instant; playback would otherwise flicker.
MAX_POSE_AGE_PERIODS = 2.1
_BLANK = np.zeros((1, 1, 3), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Instants:
    """The framesets of a session without their images.

    Parameters
    ----------
    time_ns : (T,)
        Increasing.
    number : (T, V)
        Of each view's frame in its video; `NO_IMAGE` where it has none.
    rate_fps
    remarks
        Messages on lengths, rates and sizes that differ.
    """

    time_ns: I64
    number: I64
    rate_fps: float
    remarks: tuple[str, ...]


class ListedVideo:
    """A source of a video's frame times and numbers (as their sequence), without images."""

    live = False
    remarks: tuple[str, ...] = ()

    def __init__(self, video: SeekableVideo) -> None:
        self.name = video.name
        self.rate_fps = video.rate_fps
        self.size_wh = video.facts.size_wh
        self.frame_count: int | None = len(video)
        self._frames = iter(
            [Frame(video.name, number, int(ns), _BLANK) for number, ns in enumerate(video.time_ns)]
        )

    def open(self) -> None:
        """Do nothing: there is nothing to open."""

    def read(self, timeout_ms: int = 0) -> Frame | None:  # noqa: ARG002 - it never waits
        """Return the next frame, or None at the end."""
        return next(self._frames, None)

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


def find_instants(listed: Sequence[tuple[int, ListedVideo, int]], view_count: int) -> Instants:
    """Group frames into instants with `Framesets`, by the same rule as when they are read.

    Parameters
    ----------
    listed
        View number, its frames, and the offset from their times to the session's time.
    view_count
        Of all views, also those without frames.
    """
    framesets = Framesets(
        [source for _, source, _ in listed], [offset_ns for _, _, offset_ns in listed]
    )
    time_ns: list[int] = []
    numbers: list[list[int]] = []
    for frames in framesets:
        time_ns.append(frames.timestamp_ns)
        numbers.append([NO_IMAGE if frame is None else frame.sequence for frame in frames.frames])
    number = np.full((len(time_ns), view_count), NO_IMAGE, np.int64)
    number[:, [view for view, _, _ in listed]] = np.array(numbers, np.int64).reshape(
        len(time_ns), len(listed)
    )
    return Instants(np.array(time_ns, np.int64), number, framesets.rate_fps, framesets.remarks)


def find_pose_rows(poses: PoseReader | None, time_ns: I64, rate_fps: float) -> I64:
    """Find where each instant's poses begin in their file.

    Parameters
    ----------
    poses
    time_ns : (T,)
        Of the instants.
    rate_fps
        Of the instants.

    Returns
    -------
    rows : (T,)
        -1 where there are none near the instant.

    Notes
    -----
    Matched by time, not by number: live tracking numbers only the framesets that it processed, a
    player numbers all of them.
    """
    rows = np.full(len(time_ns), -1, np.int64)
    if poses is None or not len(poses.records):
        return rows
    starts = poses.starts
    known_ns = poses.records["time_ns"][starts].astype(np.int64)
    order = np.argsort(known_ns, kind="stable")
    starts, known_ns = starts[order], known_ns[order]
    after = np.clip(np.searchsorted(known_ns, time_ns), 0, len(known_ns) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.where(
        np.abs(known_ns[before] - time_ns) < np.abs(known_ns[after] - time_ns), before, after
    )
    near = np.abs(known_ns[nearer] - time_ns) <= MAX_POSE_AGE_PERIODS * NS_PER_S / rate_fps
    rows[near] = starts[nearer[near]]
    return rows
