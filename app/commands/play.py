"""`epipole play`: a recorded session, frame by frame."""

from argparse import Namespace
from datetime import datetime
from pathlib import Path

import numpy as np

from app.cli.display import is_headless
from app.control.player import repair_and_open
from app.paths import choose_new_folder, require_writable
from app.presenters.player import find_best_instant, format_clock
from app.report.calibration_output import print_messages
from engine.models.shelf import list_models
from engine.session.playback import Playback


def run(options: Namespace) -> int:
    """Show the session in a window, or draw its best moment where there is no screen.

    Parameters
    ----------
    options
        `session`, `headless`, `out`.

    Returns
    -------
    code
        0.
    """
    if is_headless(requested=options.headless):
        return _draw(options.session, options.out or choose_new_folder(Path.cwd(), datetime.now()))
    from app.window import player as player_window  # only the window needs Qt

    # opened here once, so that an error is reported before there is a window
    with repair_and_open(options.session) as playback:
        _print_facts(playback)
    print("Close the window to end.", flush=True)
    models = tuple(
        state.card.name for state in list_models() if state.present and state.card.task == "pose2d"
    )
    player_window.show_player(options.session, models)
    return 0


def _draw(session: Path, folder: Path) -> int:
    """Draw the window at the best moment as a picture."""
    picture = folder / "window.png"
    with repair_and_open(session) as playback:
        require_writable(picture)
        _print_facts(playback)
        instant = find_best_instant(playback) if len(playback) else 0
        from app.window import player as player_window

        player_window.draw_player(playback, instant, picture)
        if len(playback):
            clock = format_clock((playback.time_ns[instant] - playback.start_ns) / 1e9)
            print(f"Moment    {clock}, frame {instant + 1}")
    print(f"Window    {picture}")
    return 0


def _print_facts(playback: Playback) -> None:
    """Print a few facts about the session."""
    images = playback.has_image
    print(f"Session   {playback.session.path}")
    print(f"Cameras   {len(playback.view_names)}: {', '.join(playback.view_names)}")
    print(
        f"Length    {playback.seconds:.1f} s, {len(playback)} framesets at "
        f"{playback.rate_fps:.4g} fps"
    )
    print(f"Images    {int(images.sum())} of {images.size}")
    known = np.isfinite(playback.joints_found)
    found = (
        f"{100 * float(playback.joints_found[known].mean()):.0f} % found"
        if known.any()
        else "not tracked yet"
    )
    print(f"Joints    {found}")
    print_messages(playback.remarks)
