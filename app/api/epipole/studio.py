"""Studio: simulated cameras that film a person, with the truth about both."""

import numpy as np
import numpy.typing as npt

from calibration.geometry.arrays import F64
from calibration.geometry.projection import project
from calibration.rig import Rig
from engine.studio.address import parse_address
from engine.studio.scene import Studio as Scene

from .poses import Observations2D

NS_PER_S = 1e9


class Studio:
    """The simulated studio; give it to `calibrate` or `track` in place of videos.

    Parameters
    ----------
    motion
        What the person does, for instance ``walk``.
    cameras
        1 to 8.
    seed
        Decides the person, the room, the cameras and the motion.
    seconds
        Length of the recording.
    stature : m
        Of the person; not given: drawn from the seed.

    Attributes
    ----------
    address
        The studio as an input: ``studio:walk?cameras=4&seed=1&seconds=10``.
    rig
        The true cameras, with the true time offsets.
    stature : m
        Of the person.
    joints
        Names of the joints of `truth`.

    Raises
    ------
    EngineError
        If a value is not possible; the message says which, and what would be.
    """

    def __init__(
        self,
        motion: str = "programme",
        *,
        cameras: int = 4,
        seed: int = 0,
        seconds: float = 30.0,
        stature: float | None = None,
    ) -> None:
        address = f"studio:{motion}?cameras={cameras}&seed={seed}&seconds={seconds:g}"
        self.address: str = address if stature is None else f"{address}&stature={stature:g}"
        self._scene = Scene(parse_address(self.address))
        self.rig: Rig = self._scene.rig
        self.stature: float = self._scene.stature_m
        self.joints: tuple[str, ...] = self._scene.skeleton.joints

    def __repr__(self) -> str:
        return f"Studio('{self.address}')"

    @property
    def time_s(self) -> F64:
        """Time of every frameset, (frame,), s."""
        config = self._scene.config
        return self._scene.own_time_ns(np.arange(config.frame_count)) / NS_PER_S

    def truth(self, time_s: npt.ArrayLike | None = None) -> F64:
        """Return where the joints are.

        Parameters
        ----------
        time_s : (frame,), s
            Not given: `time_s` of the studio.

        Returns
        -------
        xyz : (frame, joint, 3), m, world
        """
        return self._scene.truth(_to_ns(self.time_s if time_s is None else time_s))

    def image(self, camera: int, frame: int) -> npt.NDArray[np.uint8] | None:
        """Return what a camera sees.

        Parameters
        ----------
        camera
            Position in the rig.
        frame
            0-based.

        Returns
        -------
        image : (height, width, 3), BGR, read-only
            None where the camera dropped the frame.

        Raises
        ------
        IndexError
            If there is no such camera or frame.
        """
        frame_taken = self._scene.render(camera, frame)
        return None if frame_taken is None else frame_taken.image_bgr

    def observations(self) -> Observations2D:
        """Return what a pose model without error would find in every view.

        Returns
        -------
        observations
            Also for joints outside the image; of one person, without dropped frames.
        """
        own_ns = _to_ns(self.time_s)
        xy = []
        for camera in self.rig:
            seen_ns = own_ns + self.rig.time_offset_ns[camera.name]
            xy.append(project(self._scene.truth_as_detected(seen_ns), camera))
        stacked = np.stack(xy, 1)[:, :, None]
        found = np.isfinite(stacked).all(-1)
        return Observations2D(
            stacked,
            found.astype(float),
            self.time_s,
            self.rig.names,
            tuple(camera.size_wh for camera in self.rig),
            self._scene.skeleton.name,
        )


def _to_ns(time_s: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Turn seconds into whole nanoseconds."""
    return np.rint(np.asarray(time_s, float) * NS_PER_S).astype(np.int64)
