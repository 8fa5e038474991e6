"""`epipole record`: live cameras into a session, without a window and without a model."""

import time
from argparse import Namespace
from collections.abc import Sequence

from app.cli.progress import Progress
from app.commands.live import describe_losses, wait_for_images
from app.exit_codes import DONE, FAILED
from app.report.calibration_output import print_messages
from engine.capture.state import CameraPhase
from engine.live.cameras import make_camera_sources
from engine.live.feed import CameraFeed, close_feeds
from engine.session.live_recorder import LiveRecording, RecordedCamera
from engine.session.session import SessionFacts, require_new_folder
from engine.session.state import RecordingState

POLL_INTERVAL_S = 0.2


def run(options: Namespace) -> int:
    """Record until the time is over, the cameras end, or Ctrl-C.

    Parameters
    ----------
    options
        `sources`, `out`, `person`, `seconds` (None: until Ctrl-C).

    Returns
    -------
    code
        0; 1 where the disk ended the recording or lost images.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C ended it; the session is finished and its summary printed before.
    """
    require_new_folder(options.out)
    sources = make_camera_sources(options.sources)
    feeds = [CameraFeed(source.source, source.address) for source in sources]
    try:
        for feed in feeds:
            feed.start()
        states = wait_for_images(lambda: tuple(feed.state() for feed in feeds))
        cameras = [
            RecordedCamera(one.name, one.address, one.size_wh, one.rate_fps) for one in states
        ]
        addresses = tuple(source.address for source in sources)
        facts = SessionFacts(addresses, {"live": True}, person=options.person)
        recording = LiveRecording(options.out, facts, cameras)
        interrupted, state = _record(feeds, recording, options.seconds)
    finally:
        close_feeds(feeds)
    _print_summary(feeds, state)
    if interrupted:
        raise KeyboardInterrupt
    return FAILED if state.message else DONE


def _record(
    feeds: Sequence[CameraFeed], recording: LiveRecording, seconds: float | None
) -> tuple[bool, RecordingState]:
    """Record to the end; return whether Ctrl-C ended it, and the state of the recording."""
    interrupted = False
    try:
        for feed in feeds:
            feed.tap(recording.tap(feed.name))
        _watch(feeds, recording, seconds)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        for feed in feeds:
            feed.tap(None)
        state = recording.close()
    return interrupted, state


def _watch(feeds: Sequence[CameraFeed], recording: LiveRecording, seconds: float | None) -> None:
    """Show the progress until the recording is over; print each camera's event once."""
    start_s = time.monotonic()
    reported: dict[str, str] = {}
    with Progress("Recording", round(seconds) if seconds else None, "seconds") as progress:
        while (seconds is None or time.monotonic() - start_s < seconds) and not recording.ended:
            states = [feed.state() for feed in feeds]
            for state in states:
                if state.message and reported.get(state.name) != state.phase:
                    print(f"\n  {state.message}")
                reported[state.name] = state.phase
            if all(state.phase is CameraPhase.ENDED for state in states):
                return
            progress(int(time.monotonic() - start_s))
            time.sleep(POLL_INTERVAL_S)


def _print_summary(feeds: Sequence[CameraFeed], state: RecordingState) -> None:
    """Print what was recorded, what was lost, and where it is."""
    cameras = f"{len(feeds)} camera{'s' if len(feeds) != 1 else ''}"
    print(f"\nRecorded {state.seconds:.1f} s of {cameras}, {state.frames} images.")
    print_messages(describe_losses([feed.state() for feed in feeds], state.lost))
    print_messages(state.silence_messages)
    if state.message:
        print_messages([state.message])
    print(f"Session  {state.path}", flush=True)
