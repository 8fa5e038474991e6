"""`epipole play`: a recorded session, instant by instant."""

from argparse import Namespace
from datetime import datetime
from pathlib import Path

import numpy as np

from app.display import is_headless
from app.outcome import tell
from app.paths import demand_writable, fresh_folder
from app.player import open_repaired
from app.presenters.player import best_instant, clock_in_words
from engine.inference.models import list_models
from engine.playback import Playback


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
    if is_headless(asked=options.headless):
        return _draw(options.session, options.out or fresh_folder(Path.cwd(), datetime.now()))
    from app import player_window  # Qt is loaded by those who draw, when they draw

    with open_repaired(options.session) as playback:  # what cannot be opened is said here, before a window is there
        _tell(playback)
    print("The window shows the session; close it to end.", flush=True)
    models = tuple(state.card.name for state in list_models() if state.present and state.card.task == "pose2d")
    player_window.show_player(options.session, models)
    return 0


def _draw(session: Path, folder: Path) -> int:
    """Write the window at the best moment as a picture."""
    picture = folder / "window.png"
    with open_repaired(session) as playback:
        demand_writable(picture)
        _tell(playback)
        instant = best_instant(playback) if len(playback) else 0
        from app import player_window

        player_window.draw_player(playback, instant, picture)
        if len(playback):
            clock = clock_in_words((playback.time_ns[instant] - playback.start_ns) / 1e9)
            print(f"Moment    {clock}, frame {instant + 1}")
    print(f"Window    {picture}")
    return 0


def _tell(playback: Playback) -> None:
    """Print a few facts of the session."""
    images = playback.images
    print(f"Session   {playback.session.path}")
    print(f"Cameras   {len(playback.views)}: {', '.join(playback.views)}")
    print(f"Length    {playback.seconds:.1f} s, {len(playback)} instants at {playback.rate_fps:.4g} per second")
    print(f"Images    {int(images.sum())} of {images.size}")
    known = np.isfinite(playback.joints_found)
    found = f"{100 * float(playback.joints_found[known].mean()):.0f} % found" if known.any() else "not tracked yet"
    print(f"Joints    {found}")
    tell(playback.remarks)
