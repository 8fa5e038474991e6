"""`epipole track`: videos and a rig to a session with the person's joints in the room."""

import shlex
from argparse import Namespace

from app.cli.step_progress import StepLines
from app.errors import UsageError
from app.report.calibration_output import print_messages
from engine.live.coach import ONE_CAMERA_GUESSED
from engine.offline.repair_sessions import repair_sessions
from engine.offline.single_view import count_monocular
from engine.offline.track import Tracked, TrackOptions, TrackOptionsError, track


def run(options: Namespace) -> int:
    """Find the person in every video, and reconstruct the joints.

    Parameters
    ----------
    options
        `inputs`, `rig`, `out`, `model`, `stature`, `lift`.

    Returns
    -------
    code
        0.

    Raises
    ------
    UsageError
        If there are several cameras and no rig, or one and no model for it.
    EngineError
        If a model is missing, no person is in view, or the disk refuses.
    """
    print_messages(repair_sessions(options.inputs))
    chosen = TrackOptions(options.model, options.rig, options.stature, options.lift)
    try:
        with StepLines() as progress:
            tracked = track(options.inputs, options.out, chosen, progress)
    except TrackOptionsError as error:
        raise UsageError(f"{error} Rig files are given with --rig, models with --lift.") from error
    _print_summary(tracked)
    return 0


def _print_summary(tracked: Tracked) -> None:
    """Print what was found, and what comes next."""
    print(
        f"\nThe person was reconstructed in {tracked.found_count} of {tracked.frameset_count} "
        "framesets."
    )
    guessed_count = count_monocular(tracked.reconstruction.poses_3d)
    if len(tracked.rig) == 1:
        print_messages([ONE_CAMERA_GUESSED])
    elif guessed_count:
        print(
            f"In {guessed_count} of them, some joints were seen by one camera only; their depth "
            "is a guess ('views' is 1)."
        )
    print_messages(tracked.remarks)
    print(f"Session  {tracked.path}")
    session, table = (shlex.quote(str(path)) for path in (tracked.path, f"{tracked.path.name}.csv"))
    print(f"Next     epipole export {session} --format csv --out {table}")
