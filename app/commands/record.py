"""`epipole record`: live cameras into a session, without a window and without a network."""

import time
from argparse import Namespace
from collections.abc import Sequence

from app.commands.live import FIRST_IMAGE_S, no_images
from app.outcome import tell
from app.progress import Progress
from engine.capture.camera import CameraFeed, close_feeds
from engine.capture.cameras import camera_sources
from engine.live_state import CameraPhase
from engine.record_live import LiveRecording, RecordedCamera
from engine.session import SessionFacts

DONE, FAILED = 0, 1
LOOK_EVERY_S = 0.2


def run(options: Namespace) -> int:
    """Record until the time is over, the cameras end, or Ctrl-C.

    Parameters
    ----------
    options
        `sources`, `out`, `seconds` (None: until Ctrl-C).

    Returns
    -------
    code
        0; 1 where the disk ended the take or lost images.
    """
    sources = camera_sources(options.sources)
    feeds = [CameraFeed(source.source, source.address) for source in sources]
    try:
        for feed in feeds:
            feed.start()
        _wait_for_images(feeds)
        cameras = [
            RecordedCamera(state.name, state.address, state.size_wh, state.rate_fps)
            for state in (feed.state() for feed in feeds)
        ]
        addresses = tuple(source.address for source in sources)
        recording = LiveRecording(options.out, SessionFacts(addresses, {"live": True}), cameras)
        try:
            for feed in feeds:
                feed.tap(recording.tap(feed.name))
            _watch(feeds, recording, options.seconds)
        finally:
            for feed in feeds:
                feed.tap(None)
            state = recording.close()
    finally:
        close_feeds(feeds)
    print(f"\nRecorded {state.seconds:.1f} s of {len(feeds)} cameras, {state.frames} images.")
    tell(_remarks(feeds, state.lost))
    if state.sentence:
        tell([state.sentence])
    print(f"Session  {options.out}")
    return FAILED if state.sentence else DONE


def _wait_for_images(feeds: Sequence[CameraFeed], within_s: float = FIRST_IMAGE_S) -> None:
    """Wait until every camera has sent an image, or has had its time.

    Raises
    ------
    CameraError
        If none of them sends anything.
    """
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        states = [feed.state() for feed in feeds]
        if all(state.frames or state.phase is CameraPhase.ENDED for state in states):
            break
        time.sleep(LOOK_EVERY_S / 4)
    states = [feed.state() for feed in feeds]
    if not any(state.frames for state in states):
        raise no_images(states)


def _watch(feeds: Sequence[CameraFeed], recording: LiveRecording, seconds: float | None) -> None:
    """Show how the recording goes until it is over; what happens to a camera is said once."""
    begun_s = time.monotonic()
    told: dict[str, str] = {}
    with Progress("Recording", round(seconds) if seconds else None, "seconds") as progress:
        while (seconds is None or time.monotonic() - begun_s < seconds) and not recording.ended:
            states = [feed.state() for feed in feeds]
            for state in states:
                if state.sentence and told.get(state.name) != state.phase:
                    print(f"\n  {state.sentence}")
                told[state.name] = state.phase
            if all(state.phase is CameraPhase.ENDED for state in states):
                return
            progress(int(time.monotonic() - begun_s))
            time.sleep(LOOK_EVERY_S)


def _remarks(feeds: Sequence[CameraFeed], lost: int) -> list[str]:
    """Say what the cameras and the disk lost."""
    states = [feed.state() for feed in feeds]
    remarks = [f"Camera '{state.name}': {state.dropped} images never came." for state in states if state.dropped]
    remarks += [f"Camera '{s.name}' was gone {s.reconnected} times and came back." for s in states if s.reconnected]
    remarks += [f"Camera '{s.name}' sent nothing: its part of the session is empty." for s in states if not s.frames]
    if lost:
        remarks.append(f"The disk was too slow for {lost} images; the session says which.")
    return remarks
