"""The window, ready to be drawn again and again with other images; for measuring what that costs."""

from collections.abc import Callable, Sequence
from itertools import cycle

from app.presenters.calibration import present_calibration
from app.presenters.cameras import present_cameras
from app.presenters.room import present_room
from app.presenters.window import WindowState
from app.snapshot import SIZE_WH, offscreen_application
from app.views.main_window import MainWindow
from calibration.skeleton import load_skeleton
from engine.frames import FrameSet


def prepare(framesets: Sequence[FrameSet]) -> Callable[[], None]:
    """Open the window offscreen.

    Parameters
    ----------
    framesets
        Images to show in turn.

    Returns
    -------
    redraw
        Shows the next images and draws everything.
    """
    application = offscreen_application()
    names = tuple(frame.camera for frame in framesets[0].frames if frame is not None)
    room, card = present_room(None, load_skeleton("blazepose_33"), []), present_calibration(None)
    states = [WindowState("Bench", present_cameras(names, frames, None, {}), room, card) for frames in framesets]
    window = MainWindow(states[0])
    window.resize(*SIZE_WH)
    window.show()
    turn = cycle(states)

    def redraw() -> None:
        window.show_state(next(turn))
        window.repaint()
        application.processEvents()

    return redraw
