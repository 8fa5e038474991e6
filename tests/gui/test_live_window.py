"""The live window by its pixels, in every state, with long names and many cameras."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtGui import QFontMetricsF
from PyQt6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from app.presenters.cameras import CameraTile
from app.presenters.coaching import CoachingCard, CoverageGrid
from app.presenters.live import present_live
from app.presenters.plots import PlotHistory, present_plots
from app.presenters.room import RoomScene
from app.presenters.severity import Severity
from app.presenters.window import JobCard, Notice, WindowState
from app.views.help_overlay import HelpOverlay
from app.views.live.add_camera import AddCameraPanel
from app.views.live.calibration_panel import CalibrationPanel
from app.views.live.camera_grid import CameraGrid
from app.views.live.camera_settings import CameraSettingsPanel
from app.views.main_window import MainWindow
from app.views.room.room_3d import Room3D
from app.views.theme import PALETTE
from engine.capture.state import CameraPhase
from engine.live.state import LiveState
from tests.support import live_scenes, scenes
from tests.support.patience import PATIENCE_MS
from tests.support.pixels import grab_pixels, measure_colour_share

SIZES = [(1280, 720), (3840, 2160)]
RECORDING_RED = "#d93a3a"


def live(calibrated: bool = True, **changes: object) -> WindowState:
    rig = scenes.make_square_rig()
    calibration = (
        live_scenes.make_calibrated(rig) if calibrated else live_scenes.make_watching_calibration()
    )
    result = live_scenes.make_result(rig if calibrated else None)
    return present_live(
        live_scenes.make_live_state(calibration, **changes), result, live_scenes.make_window_state()
    )


def eight() -> WindowState:
    """Show eight cameras whose names do not want to end."""
    names = [f"living room ceiling north-east corner camera {index}" for index in range(8)]
    state = live_scenes.make_live_state(
        live_scenes.make_watching_calibration(8),
        cameras=tuple(live_scenes.make_camera_state(name) for name in names),
    )
    return present_live(
        state,
        None,
        live_scenes.make_window_state(title="x" * 300, notice=Notice("A long sentence. " * 20)),
    )


def broken() -> WindowState:
    """Show one camera in every phase, a lossy recording and work in the background."""
    cameras = tuple(
        live_scenes.make_camera_state(f"cam_{index}", phase)
        for index, phase in enumerate(CameraPhase)
    )
    state = live_scenes.make_live_state(
        cameras=cameras, recording=live_scenes.make_recording_state(12)
    )
    return present_live(
        state,
        live_scenes.make_result(None),
        live_scenes.make_window_state(job=JobCard("Finding the poses again", 0.4)),
    )


def empty() -> WindowState:
    return present_live(LiveState(), None, live_scenes.make_window_state(running=False))


STATES = {
    "calibrated": live,
    "watching": lambda: live(False),
    "eight": eight,
    "broken": broken,
    "empty": empty,
}


@pytest.fixture
def shown(qtbot):
    """Open windows, and close them at the end."""
    opened = []

    def show(state: WindowState, size_wh: tuple[int, int] = (1280, 720)) -> MainWindow:
        window = MainWindow(state)
        window.resize(*size_wh)
        window.show()
        QApplication.processEvents()
        opened.append(window)
        return window

    yield show
    for window in opened:
        window.close()
        window.deleteLater()


@pytest.mark.parametrize("size_wh", SIZES)
@pytest.mark.parametrize("name", STATES)
def test_no_words_are_cut_off_and_nothing_leaves_the_window(
    shown, name: str, size_wh: tuple[int, int]
):
    window = shown(STATES[name](), size_wh)
    assert (window.width(), window.height()) == size_wh
    for label in window.findChildren(QLabel):
        if label.isVisible() and label.text() and not label.wordWrap():
            assert label.width() + 1 >= QFontMetricsF(label.font()).horizontalAdvance(
                label.text()
            ), label.text()
    for part in window.findChildren(QPushButton):
        if part.isVisible():
            corner = part.mapTo(window, part.rect().bottomRight())
            assert window.rect().contains(corner), part.text()


@pytest.mark.parametrize("size_wh", [(960, 540), *SIZES])
@pytest.mark.parametrize("panel", [AddCameraPanel, CameraSettingsPanel, HelpOverlay])
def test_a_panel_shows_all_its_words_inside_the_window(
    shown, panel: type, size_wh: tuple[int, int]
):
    window = shown(live(), size_wh)
    look = live_scenes.make_window_state(
        devices=live_scenes.make_device_list(), settings=(live_scenes.make_camera_settings(),)
    )
    state = present_live(live_scenes.make_live_state(), None, look)
    window.show_state(state)
    {
        AddCameraPanel: window.open_add_camera,
        CameraSettingsPanel: lambda: window.open_settings("cam_0"),
        HelpOverlay: window.open_help,
    }[panel]()
    window.show_state(state)
    QApplication.processEvents()
    card = window.findChild(panel).findChild(QWidget, "card")
    assert card.isVisible()
    for label in card.findChildren(QLabel):
        if label.isVisible() and label.text() and not label.wordWrap():
            metrics = QFontMetricsF(label.font())
            assert label.width() + 1 >= metrics.horizontalAdvance(label.text()), label.text()
            assert size_wh[1] < 720 or label.height() + 1 >= metrics.height() * 0.9, label.text()
        assert window.rect().contains(card.mapTo(window, card.rect().bottomRight()))


def test_a_stalled_camera_keeps_its_last_image_dimmed(qtbot):
    grid = CameraGrid(scenes.load_walker_skeleton())
    qtbot.addWidget(grid)
    grid.resize(640, 480)
    image = np.full((480, 640, 3), 200, np.uint8)
    grid.show_cameras((CameraTile("a", image, keeps_image=True),))
    assert grab_pixels(grid)[20, 20].tolist() == [200, 200, 200]
    grid.show_cameras(
        (CameraTile("a", None, keeps_image=True, can_retry=True, message="It is gone."),)
    )
    dimmed = grab_pixels(grid)[20, 20]
    assert 40 < dimmed[0] < 110


def test_a_camera_that_is_removed_leaves_no_image_for_its_successor(qtbot):
    grid = CameraGrid(scenes.load_walker_skeleton())
    qtbot.addWidget(grid)
    grid.resize(640, 480)
    grid.show_cameras((CameraTile("a", np.full((480, 640, 3), 200, np.uint8), keeps_image=True),))
    grid.show_cameras(())
    grid.show_cameras((CameraTile("a", None, keeps_image=True),))
    assert grab_pixels(grid)[20, 20].max() < 60


def test_an_enlarged_camera_takes_most_of_the_grid(qtbot):
    grid = CameraGrid(scenes.load_walker_skeleton())
    qtbot.addWidget(grid)
    grid.resize(800, 600)
    colours = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
    tiles = tuple(
        CameraTile(str(i), np.full((480, 640, 3), c, np.uint8)) for i, c in enumerate(colours)
    )
    grid.show_cameras(tiles)
    grid.enlarge("1")
    pixels = grab_pixels(grid)
    assert measure_colour_share(pixels, "#00ff00") > 3 * measure_colour_share(pixels, "#ff0000")


def test_the_coaching_fills_up_as_the_cameras_see_more(qtbot):
    room = Room3D(RoomScene(None, scenes.load_walker_skeleton()))
    qtbot.addWidget(room)
    room.resize(752, 624)

    def green(value: float) -> float:
        """Measure how much of the picture is green when every cell holds this value."""
        grids = tuple(CoverageGrid(name, ((value,) * 4,) * 3) for name in "abcd")
        card = CoachingCard("Calibrating", "Turn round once", value, Severity.WARNING, grids=grids)
        room.show_room(RoomScene(None, scenes.load_walker_skeleton(), coaching=card))
        return measure_colour_share(grab_pixels(room), PALETTE.good, 12)

    assert green(0.0) < 1e-3
    assert green(1.0) > 0.05


def test_the_instruction_is_large_enough_for_the_other_end_of_the_room(qtbot):
    room = Room3D(live(False).room)
    qtbot.addWidget(room)
    room.resize(752, 624)
    rows = (grab_pixels(room) > 220).all(-1).any(1)  # rows that hold bright letters
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], rows.astype(int), [0]]))))[::2]
    assert runs.max() >= 34


def test_only_what_moved_in_the_room_is_drawn_again_and_it_looks_the_same(qtbot):
    rig, skeleton = scenes.make_square_rig(), scenes.load_walker_skeleton()
    room = Room3D(RoomScene(rig, skeleton, scenes.make_poses_3d(0).people))
    qtbot.addWidget(room)
    room.resize(800, 600)
    grab_pixels(room)
    room.show_room(RoomScene(rig, skeleton, scenes.make_poses_3d(30).people))
    fresh = Room3D(RoomScene(rig, skeleton, scenes.make_poses_3d(30).people))
    qtbot.addWidget(fresh)
    fresh.resize(800, 600)
    np.testing.assert_array_equal(grab_pixels(room), grab_pixels(fresh))


def test_a_joint_in_doubt_has_a_halo(qtbot):
    rig, skeleton = scenes.make_square_rig(), scenes.load_walker_skeleton()
    person = scenes.make_poses_3d(0).people[0]
    unsure = replace(person, covariance=person.covariance * 400)
    pictures = []
    for who in (person, unsure):
        room = Room3D(RoomScene(rig, skeleton, (who,)))
        qtbot.addWidget(room)
        room.resize(800, 600)
        pictures.append(grab_pixels(room).astype(int))
    brighter = (pictures[1] - pictures[0])[..., 0] > 12
    assert brighter.mean() > 0.005


def test_a_recording_frames_the_window_in_red_and_a_countdown_covers_no_click(shown):
    window = shown(live())
    assert measure_colour_share(grab_pixels(window)[:2], RECORDING_RED, 6) == 0
    window.show_state(live(recording=live_scenes.make_recording_state()))
    pixels = grab_pixels(window)
    for edge in (pixels[:2], pixels[-2:], pixels[:, :2], pixels[:, -2:]):
        assert measure_colour_share(edge, RECORDING_RED, 6) > 0.98
    look = live_scenes.make_window_state(countdown_s=2.4)
    window.show_state(present_live(live_scenes.make_live_state(), None, look))
    pixels = grab_pixels(window)
    assert measure_colour_share(pixels[:2], RECORDING_RED, 6) == 0
    middle = pixels[260:460, 560:720]
    assert measure_colour_share(middle, PALETTE.bad, 12) > 0.1


def test_a_new_live_state_adds_no_widgets(shown):
    window = shown(live())
    for state in (broken(), empty(), eight(), live()):
        window.show_state(state)
    before = len(window.findChildren(QWidget))
    for state in (broken(), empty(), eight(), live()):
        window.show_state(state)
        QApplication.processEvents()
    assert len(window.findChildren(QWidget)) == before


def test_the_table_follows_the_number_of_cameras(shown):
    window = shown(live())
    panel = window.findChild(CalibrationPanel)

    def names() -> list[str]:
        """List what stands in the table's visible cells, first column."""
        return [
            cell.text()
            for cell in panel.findChildren(QLabel, "cell")
            if cell.isVisible() and "cam" in cell.text()
        ]

    assert names() == ["cam_0", "cam_1", "cam_2", "cam_3"]
    small = scenes.make_square_rig(2)
    window.show_state(
        present_live(
            live_scenes.make_live_state(live_scenes.make_calibrated(small)),
            None,
            live_scenes.make_window_state(),
        )
    )
    assert names() == ["cam_0", "cam_1"]


def test_the_curves_are_drawn_once_the_drawer_is_open(shown, qtbot):
    window = shown(live())
    history = PlotHistory()
    for index in range(100):
        history.put(index * 300_000_000, live_scenes.make_live_state(), None)
    assert not window.is_showing_plots()
    window.show_plots(present_plots(history))
    window.toggle_plots()
    assert window.is_showing_plots()

    def drawn() -> bool:
        """Tell whether there are curves; one chart is made after the other."""
        return measure_colour_share(grab_pixels(window)[480:680], "#5cc8ff", 30) > 1e-4

    qtbot.waitUntil(drawn, timeout=PATIENCE_MS)
    window.toggle_plots()
    assert not window.is_showing_plots()


def test_the_window_opens_without_pyqtgraph():
    script = "import sys; import app.views.main_window; print('pyqtgraph' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"


def test_the_room_alone_and_back(shown):
    window = shown(live())
    room = window.room()
    narrow = room.width()
    window.toggle_room()
    QApplication.processEvents()
    assert room.width() > 1.5 * narrow
    window.close_topmost()
    QApplication.processEvents()
    assert room.width() == narrow


def test_help_opens_and_closes_in_place(shown):
    window = shown(live())
    window.open_help()
    assert window.findChild(HelpOverlay).isVisible()
    window.close_topmost()
    assert not window.findChild(HelpOverlay).isVisible()


def test_a_long_notice_is_shown_whole(shown):
    window = shown(live())
    window.show_state(eight())
    QApplication.processEvents()
    label = window.findChild(QLabel, "notice_words")
    assert label.height() >= label.heightForWidth(label.width())


def test_a_long_verdict_does_not_push_the_buttons_out_of_the_window(shown):
    state = live(False)
    card = replace(
        state.calibration,
        headline="The cameras see two different people, and nobody can tell who is who",
    )
    window = shown(replace(state, calibration=card), (960, 540))
    chip = window.findChild(QLabel, "chip")
    assert chip.mapTo(window, chip.rect().bottomRight()).x() < 960
    assert chip.toolTip() == card.headline
