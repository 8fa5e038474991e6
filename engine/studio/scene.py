"""Studio: a room, people and cameras of one seed, with the truth about all of them.

Everything is drawn from the seed in streams of its own, so that switching one thing off leaves the
others as they are, and every frame depends on nothing but its camera and its number.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from calibration.geometry.arrays import F64, I64
from calibration.geometry.transforms import transform_points
from engine.clock import NS_PER_S
from engine.frames import Frame
from engine.studio.address import StudioConfig
from engine.studio.body.landmarks import SKELETON
from engine.studio.cast import STATURE_RANGE_M, Cast
from engine.studio.light import Light, LitInstant
from engine.studio.raster import BonePose
from engine.studio.ring import draw_ring, world_from_room
from engine.studio.room import Room
from engine.studio.view import Optics, View

SHORT_SHARE = 0.6
"""Share of the recording that a camera that ends early delivers."""
_CHUNK = 32
"""Framesets that are posed at once: one call costs about as much as for a single one."""
_CACHED_CHUNKS, _CACHED_FRAMESETS = 4, 8

T = TypeVar("T")


class Studio:
    """The virtual studio.

    Attributes
    ----------
    config
    skeleton
        Whose joints the truth has: ``blazepose_33``.
    stature_m
        Of the person whose motion it is.
    rig
        The true cameras in the world frame of rig.toml: z up, floor at 0, origin under the centroid
        of the cameras, x towards the first one; with the true time offsets.
    dropped : (V, T), bool
        Which frames get lost.

    Notes
    -----
    May be used from several threads; what the views of a frameset share is computed once.
    """

    def __init__(self, config: StudioConfig) -> None:
        self.config, self.skeleton = config, SKELETON
        self.stature_m = config.stature_m or float(self._make_rng(1).uniform(*STATURE_RANGE_M))
        ring = draw_ring(
            config.cameras, config.size_wh, self.stature_m, config.distortion, self._make_rng(2)
        )
        self._offset_ns = self._draw_offsets()
        self._world_from_room = world_from_room(ring)
        self.rig = replace(
            ring.with_world(self._world_from_room),
            time_offset_ns=dict(zip(ring.names, map(int, self._offset_ns))),
        )
        self.dropped = self._draw_drops()
        self._cast = Cast(config, self.stature_m, ring)
        room = Room(self._make_rng(4))
        optics = Optics(config.blur_px, config.noise)
        self._views = [View(camera, room, self._cast.figure, optics) for camera in ring]
        lamp_rad = float(self._make_rng(5).uniform(0, 2 * np.pi))
        self._poses: _Cache[BonePose] = _Cache(self._pose_chunk, _CACHED_CHUNKS)
        self._lit: _Cache[LitInstant] | None = None
        if self._cast.figure is not None:
            self._lit = _Cache(
                partial(self._light_frameset, Light(self._cast.figure, lamp_rad)), _CACHED_FRAMESETS
            )

    @property
    def time_offset_ns(self) -> dict[str, int]:
        """What to add to each camera's own times to get the rig's time, by name."""
        return dict(self.rig.time_offset_ns)

    def frame_count(self, camera_index: int) -> int:
        """Return how many frames a camera has, dropped ones included."""
        count = self.config.frame_count
        return (
            max(1, round(count * SHORT_SHARE))
            if camera_index == self.config.short_camera
            else count
        )

    def own_time_ns(self, frame_index: int | I64) -> I64:
        """Return what a camera's own clock says at its frames, ns: frame over rate."""
        return np.rint(np.asarray(frame_index) * (NS_PER_S / self.config.rate_fps)).astype(np.int64)

    def truth(self, time_ns: npt.ArrayLike) -> F64:
        """Return where the joints really are.

        Parameters
        ----------
        time_ns : (...), int
            Of the rig.

        Returns
        -------
        xyz : (..., 33, 3), m, world
            Joint centres and points of the surface, in the order of `skeleton`; NaN in an empty
            room.
        """
        return self._place_landmarks(time_ns, self._cast.landmarks.locate_anatomical)

    def truth_as_detected(self, time_ns: npt.ArrayLike) -> F64:
        """Return where a BlazePose without error would put the joints.

        Parameters
        ----------
        time_ns : (...), int
            Of the rig.

        Returns
        -------
        xyz : (..., 33, 3), m, world
            See `engine.studio.body.landmarks`.
        """
        return self._place_landmarks(time_ns, self._cast.landmarks.locate_as_detected)

    def render(self, camera_index: int, frame_index: int) -> Frame | None:
        """Render one picture.

        Parameters
        ----------
        camera_index
            In the order of the rig.
        frame_index
            0-based, below `frame_count`.

        Returns
        -------
        frame
            Its image is read-only; None where the camera dropped it.

        Raises
        ------
        IndexError
            If the camera has no such frame.
        """
        if not 0 <= frame_index < self.frame_count(camera_index):
            raise IndexError(
                f"Camera {camera_index} takes {self.frame_count(camera_index)} frames, not "
                f"{frame_index}."
            )
        if self.dropped[camera_index, frame_index]:
            return None
        chunk, row = divmod(frame_index, _CHUNK)
        pose = self._poses.get(chunk)
        lit = self._lit.get(frame_index) if self._lit is not None else None
        noise = self._make_rng(6, camera_index, frame_index)
        instant = BonePose(pose.rotation[row, camera_index], pose.translation[row, camera_index])
        image = self._views[camera_index].render(instant, lit, noise)
        if camera_index == self.config.mirrored_camera:
            image = np.ascontiguousarray(image[:, ::-1])
        image.flags.writeable = False
        name = self.rig.names[camera_index]
        return Frame(name, frame_index, int(self.own_time_ns(frame_index)), image)

    def _place_landmarks(self, time_ns: npt.ArrayLike, landmarks: Callable) -> F64:
        """Place landmarks in the world."""
        time = np.asarray(time_ns, np.int64)
        if not self.config.people:
            return np.full((*time.shape, len(SKELETON.joints), 3), np.nan)
        in_room = landmarks(self._cast.leading_bones(time.ravel() / NS_PER_S))
        return transform_points(self._world_from_room, in_room).reshape(
            *time.shape, *in_room.shape[1:]
        )

    def _pose_chunk(self, chunk: int) -> BonePose:
        """Pose a chunk of framesets: (T, V + 1, B, ...), each camera's instants, the rig's last."""
        frames = np.arange(chunk * _CHUNK, (chunk + 1) * _CHUNK)
        instants = self.own_time_ns(frames)[:, None] + np.append(self._offset_ns, 0)
        pose = self._cast.pose(instants.ravel() / NS_PER_S)
        return BonePose(*(array.reshape(*instants.shape, *array.shape[1:]) for array in pose))

    def _light_frameset(self, light: Light, frame_index: int) -> LitInstant:
        """Light the cast once for all views; offsets of some ms do not show in the light."""
        chunk, row = divmod(frame_index, _CHUNK)
        pose = self._poses.get(chunk)
        return light.light_instant(BonePose(pose.rotation[row, -1], pose.translation[row, -1]))

    def _draw_offsets(self) -> I64:
        """Draw the cameras' clocks, ns; the first one is the rig's."""
        largest = self.config.time_offset_ms * 1e6
        offsets = np.rint(self._make_rng(3).uniform(-1, 1, self.config.cameras) * largest).astype(
            np.int64
        )
        offsets[0] = 0
        return offsets

    def _draw_drops(self) -> npt.NDArray[np.bool_]:
        """Draw which frames get lost, (V, T); never the first, which aligns the files."""
        shape = (self.config.cameras, self.config.frame_count)
        dropped = self._make_rng(7).random(shape) < self.config.drop_share
        dropped[:, 0] = False
        return dropped

    def _make_rng(self, *stream: int) -> np.random.Generator:
        """Return the random numbers of one purpose."""
        return np.random.default_rng([self.config.seed, *stream])


class _Cache(Generic[T]):
    """Results by number, each made once; the oldest are forgotten.

    Parameters
    ----------
    make
    size
        How many are kept.
    """

    def __init__(self, make: Callable[[int], T], size: int) -> None:
        self._make, self._size = make, size
        self._lock = threading.Lock()
        self._results: OrderedDict[int, T] = OrderedDict()

    def get(self, number: int) -> T:
        """Return a result, made now if need be; other threads wait for it."""
        with self._lock:
            if number not in self._results:
                self._results[number] = self._make(number)
                while len(self._results) > self._size:
                    self._results.popitem(last=False)
            return self._results[number]
