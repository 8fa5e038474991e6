"""Small sessions on disk: two cameras whose images carry their number, a walker's poses, a rig."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from calibration.rig import Rig
from engine.frames import Frame
from engine.session.session import Session, SessionFacts
from engine.session.writer import SessionWriter
from tests.support import scenes
from tests.support.videos import draw_picture

PERIOD_NS = 33_333_333
START_NS = 86_400_000_000_123  # a day after the machine was started
CREATED = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def frame_time_ns(number: int) -> int:
    """When frame `number` was taken; it trembles by a few nanoseconds."""
    return START_NS + number * PERIOD_NS + number % 3


def record_session(
    path: Path,
    count: int = 20,
    *,
    lost: Sequence[int] = (),
    posed: bool = True,
    facts: SessionFacts | None = None,
) -> Session:
    """Record two cameras and a walker's poses; the second camera lacks the frames `lost`."""
    rig = make_named_rig()
    with SessionWriter(
        path, facts or SessionFacts(model={"name": "blazepose"}, created=CREATED)
    ) as writer:
        for view, camera in enumerate(rig):
            recorder = writer.record_camera(
                camera.name, source=f"usb:{view}", size_wh=(64, 48), rate_fps=30.0
            )
            for number in range(count):
                if view == 0 or number not in lost:
                    recorder.put(
                        Frame(camera.name, number, frame_time_ns(number), draw_picture(number))
                    )
        if posed:
            writer.write_rig(rig)
            poses = writer.open_pose_files(scenes.load_walker_skeleton(), rig.names)
            for number in range(count):
                flat = scenes.make_poses_2d(rig, number)
                poses.matched_2d.put(
                    replace(
                        flat,
                        timestamp_ns=frame_time_ns(number),
                        view_time_ns=(frame_time_ns(number),) * 2,
                    )
                )
                poses.room_3d.put(
                    replace(scenes.make_poses_3d(number), timestamp_ns=frame_time_ns(number))
                )
    return Session.open(path)


def make_named_rig() -> Rig:
    """Two cameras, judged as accepted."""
    rig = scenes.make_square_rig(2)
    return Rig(rig.cameras, rig.time_offset_ns, {"verdict": "accepted"})
