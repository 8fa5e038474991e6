"""The player page: keys and clicks request instants, states are drawn, nothing is decoded."""

from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QLabel, QPushButton

from app.control.player import load_moment
from app.presenters.player import (
    describe_playback,
    present_moment,
    present_opening,
    present_problem,
)
from app.requests import ExportSession, ShowFolder, TrackAgain
from app.views.sessions.dialogs import make_export_dialog
from app.views.sessions.player_page import PlayerPage
from app.views.theme import PALETTE
from app.window.player import InteractivePlayerWindow, PlayerWindow, draw_player
from engine.session.playback import Playback
from tests.support.patience import PATIENCE_MS, wait_until
from tests.support.pixels import grab_pixels, measure_colour_share
from tests.support.sessions import record_session


class Clock:
    """A clock that is set by the test."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "walk"
    record_session(path, 90, lost=(7,))
    return path


@pytest.fixture(scope="module")
def playback(walk):
    with Playback.open(walk) as playback:
        yield playback


@pytest.fixture(scope="module")
def take(playback):
    return describe_playback(playback, ("blazepose", "other"))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def window(qtbot, qapp, playback, take, clock):
    """A window with the page on a session's first instant."""
    window = PlayerWindow()
    window.page = PlayerPage(clock, standalone=True)
    window.setCentralWidget(window.page)
    qtbot.addWidget(window)
    window.resize(1280, 720)
    window.show()
    window.page.show_moment(present_moment(take, load_moment(playback, 0)))
    window.page.setFocus()
    qapp.processEvents()
    yield window
    window.page.pause()
    window.close()


@pytest.fixture
def wanted(window):
    """The instants that the page requested."""
    instants = []
    window.page.seek_requested.connect(instants.append)
    return instants


def press(page, key, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(page, key, modifier)


def named(widget, text):
    return next(button for button in widget.findChildren(QPushButton) if text in button.text())


def test_the_arrow_keys_step_and_do_not_leave_the_take(window, wanted):
    for key in (
        Qt.Key.Key_Right,
        Qt.Key.Key_Right,
        Qt.Key.Key_Left,
        Qt.Key.Key_Left,
        Qt.Key.Key_Left,
    ):
        press(window.page, key)
    assert wanted == [1, 2, 1, 0]


def test_shift_steps_a_second_and_home_and_end_go_there(window, wanted):
    press(window.page, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    press(window.page, Qt.Key.Key_End)
    press(window.page, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    press(window.page, Qt.Key.Key_Home)
    assert wanted == [30, 89, 59, 0]


def test_space_plays_in_real_time_and_pauses(window, wanted, clock, qtbot):
    press(window.page, Qt.Key.Key_Space)
    clock.now_s += 1.0
    qtbot.waitUntil(lambda: wanted[-1:] == [30], timeout=PATIENCE_MS)
    press(window.page, Qt.Key.Key_Space)
    clock.now_s += 1.0
    QTest.qWait(40)
    assert wanted[-1] == 30
    assert not window.page.transport().playing


def test_it_stops_at_the_end(window, wanted, clock, qtbot):
    window.page.toggle()
    clock.now_s += 50
    qtbot.waitUntil(lambda: wanted[-1:] == [89], timeout=PATIENCE_MS)
    assert not window.page.transport().playing


def test_double_speed_is_twice_as_fast(window, wanted, clock, qtbot):
    named(window.page, "2×").click()
    window.page.toggle()
    clock.now_s += 1.0
    qtbot.waitUntil(lambda: wanted[-1:] == [60], timeout=PATIENCE_MS)


def test_the_time_line_is_clicked_and_dragged(window, wanted, qapp):
    timeline = window.page._controls.timeline
    middle = QPoint(timeline.width() // 2, timeline.height() // 3)
    QTest.mousePress(timeline, Qt.MouseButton.LeftButton, pos=middle)
    assert wanted[-1] in (44, 45)
    QTest.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=QPoint(timeline.width() - 1, 5))
    window.page.go_to(89)
    assert wanted[-1] == 89


def test_a_missing_image_is_marked_on_the_time_line(window, take):
    assert take.missing[7] > 0
    assert measure_colour_share(grab_pixels(window.page._controls.timeline), PALETTE.care, 6) > 0


def test_where_joints_were_found_the_time_line_is_green(window):
    timeline = grab_pixels(window.page._controls.timeline)
    strip = timeline[12]
    assert (strip[:, 1].astype(int) > strip[:, 0].astype(int) + 40).mean() > 0.9


def test_time_and_frame_are_said(window, playback, take):
    window.page.show_moment(present_moment(take, load_moment(playback, 30)))
    words = {label.text() for label in window.page.findChildren(QLabel)}
    assert {"0:01.000", "Frame 31 of 90", "walk"} <= words


def test_images_and_skeletons_change_with_the_instant(window, playback, take):
    before = grab_pixels(window.page)
    window.page.show_moment(present_moment(take, load_moment(playback, 20)))
    assert (grab_pixels(window.page) != before).mean() > 0.01


def test_new_instants_add_no_widgets(window, playback, take):
    before = len(window.page.findChildren(QLabel))
    for instant in range(5):
        window.page.show_moment(present_moment(take, load_moment(playback, instant)))
    assert len(window.page.findChildren(QLabel)) == before


def test_another_session_takes_the_place_of_the_first(window, wanted, tmp_path, qapp):
    record_session(tmp_path / "short", 6)
    with Playback.open(tmp_path / "short") as other:
        window.page.show_moment(present_moment(describe_playback(other), load_moment(other, 0)))
    qapp.processEvents()
    press(window.page, Qt.Key.Key_End)
    assert wanted[-1] == 5


def test_before_it_is_open_and_where_it_cannot_be_opened_the_page_says_so(window, take):
    window.page.show_moment(present_opening(Path("/takes/walk")))
    assert "Opening 'walk'" in " ".join(label.text() for label in window.page.findChildren(QLabel))
    window.page.show_moment(present_problem("'walk' is no session."))
    assert "is no session" in " ".join(label.text() for label in window.page.findChildren(QLabel))
    assert not window.page._controls.isEnabled()


def test_tracking_again_asks_for_model_and_rig(window, walk, tmp_path):
    asked = []
    window.page.requested.connect(asked.append)
    panel = window.page.track_again()
    panel._model.setCurrentText("other")
    named(panel, "Track again").click()
    panel = window.page.track_again()
    panel.set_rig(tmp_path / "rig.toml")
    named(panel, "Track again").click()
    assert asked == [
        TrackAgain(walk, "other", None),
        TrackAgain(walk, "blazepose", tmp_path / "rig.toml"),
    ]


def test_keys_are_for_the_panel_as_long_as_it_is_open(window, wanted):
    panel = window.page.track_again()
    press(panel, Qt.Key.Key_Right)
    assert wanted == []
    press(panel, Qt.Key.Key_Escape)
    press(window.page, Qt.Key.Key_Right)
    assert wanted == [1]


def test_an_export_asks_for_a_file_and_a_format(window, walk, tmp_path):
    asked = []
    files = make_export_dialog(window.page, walk, asked.append)
    files.selectNameFilter(files.nameFilters()[1])
    files.fileSelected.emit(str(tmp_path / "out"))
    files.deleteLater()
    assert asked == [ExportSession(walk, "csv2d", tmp_path / "out.csv")]


def test_the_folder_is_asked_for(window, walk):
    asked = []
    window.page.requested.connect(asked.append)
    named(window.page, "Show folder").click()
    assert asked == [ShowFolder(walk)]


@pytest.mark.parametrize("size_wh", [(1280, 720), (3840, 2160)])
def test_the_picture_of_a_session_is_alive(qapp, playback, tmp_path, size_wh):
    draw_player(playback, 50, tmp_path / "window.png", size_wh)
    import cv2

    image = cv2.imread(str(tmp_path / "window.png"))
    assert image.shape[:2] == size_wh[::-1]
    assert len(np.unique(image.reshape(-1, 3)[::97], axis=0)) > 50


def test_the_window_at_work_shows_what_its_page_wants(qtbot, qapp, walk):
    window = InteractivePlayerWindow(walk, ("blazepose",))
    qtbot.addWidget(window)
    window.show()
    frame = next(
        label for label in window.findChildren(QLabel) if label.objectName() == "frame_number"
    )
    qtbot.waitUntil(lambda: frame.text() == "Frame 1 of 90", timeout=PATIENCE_MS)
    window.page.go_to(44)
    qtbot.waitUntil(lambda: frame.text() == "Frame 45 of 90", timeout=PATIENCE_MS)
    window.close()
    assert wait_until(lambda: not window._player._thread.is_alive())
