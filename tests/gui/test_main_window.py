"""The whole window: at every size, in every state."""

import os
import signal
from argparse import Namespace
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QRect, QSize, Qt, QTimer
from PyQt6.QtGui import QFontMetricsF, QImage
from PyQt6.QtWidgets import QLabel, QMenu, QScrollArea, QWidget

from app.presenters.calibration import present_calibration
from app.presenters.cameras import present_cameras
from app.presenters.room import present_room
from app.presenters.severity import Severity
from app.presenters.window import Controls, Notice, StatusItem, WindowState
from app.settings import Settings, load_settings
from app.views.live.calibration_panel import CalibrationPanel
from app.views.main_window import MainWindow, choose_geometry
from app.views.theme import (
    PALETTE,
    build_stylesheet,
    choose_scale,
    colour_from_confidence,
    make_font,
)
from app.window import application
from app.window.snapshot import draw_window, show_until_closed
from tests.support import scenes
from tests.support.pixels import grab_pixels, measure_colour_share


def state(verdict: str = "accepted") -> WindowState:
    rig = scenes.make_square_rig()
    return WindowState(
        "Demo studio",
        present_cameras(rig.names, scenes.make_frames(rig, 9), scenes.make_poses_2d(rig, 9), {}),
        present_room(
            rig, scenes.load_walker_skeleton(), [scenes.make_poses_3d(index) for index in range(10)]
        ),
        present_calibration(scenes.make_report(rig, verdict)),
        (
            StatusItem("Poses", "14.8 per second"),
            StatusItem("Dropped", "4 of 900", Severity.WARNING),
        ),
    )


def empty() -> WindowState:
    return WindowState(
        "", (), present_room(None, scenes.load_walker_skeleton(), []), present_calibration(None)
    )


@pytest.mark.parametrize("size_wh", [(1280, 720), (3840, 2160)])
def test_the_picture_has_its_size_and_is_alive(qapp, tmp_path: Path, size_wh: tuple[int, int]):
    draw_window(state(), tmp_path / "window.png", size_wh)
    image = QImage(str(tmp_path / "window.png"))
    assert (image.width(), image.height()) == size_wh


def test_a_picture_that_cannot_be_written_says_which(qapp, tmp_path: Path):
    with pytest.raises(OSError, match="not written") as caught:
        draw_window(state(), tmp_path / "nowhere" / "window.png")
    assert caught.value.filename.endswith("window.png")


def test_the_window_shows_each_verdict_in_its_tone(qtbot):
    window = MainWindow(state("accepted"))
    qtbot.addWidget(window)
    good = measure_colour_share(grab_pixels(window), PALETTE.good, 12)
    window.show_state(state("refused"))
    refused = grab_pixels(window)
    assert measure_colour_share(refused, PALETTE.bad, 12) > 1e-4
    assert measure_colour_share(refused, PALETTE.good, 12) < good


def test_an_empty_window_says_what_to_do_first(qtbot):
    window = MainWindow(empty())
    qtbot.addWidget(window)
    words = " ".join(label.text() for label in window.findChildren(QLabel))
    assert "Walk through the whole room" in words


def test_a_new_state_adds_no_widgets(qtbot, qapp):
    window = MainWindow(state())
    qtbot.addWidget(window)
    window.show_state(state())
    qapp.sendPostedEvents(None, 52)
    before = len(window.findChildren(QLabel))
    for _ in range(5):
        window.show_state(state())
        qapp.sendPostedEvents(None, 52)
    assert len(window.findChildren(QLabel)) == before


def test_no_words_are_cut_off_at_the_smallest_size(qtbot, qapp):
    window = MainWindow(state())
    qtbot.addWidget(window)
    window.resize(1280, 720)
    window.show()
    qapp.processEvents()
    for label in window.findChildren(QLabel):
        if label.isVisible() and not label.wordWrap():
            assert label.width() + 1 >= QFontMetricsF(label.font()).horizontalAdvance(
                label.text()
            ), label.text()
    window.close()


def test_no_words_of_the_calibration_are_cut_off_beside_plots_in_the_smallest_window(qtbot, qapp):
    window = MainWindow(replace(state("usable"), controls=Controls()))
    qtbot.addWidget(window)
    window.show()
    window.toggle_plots()
    window.resize(960, 540)
    qapp.processEvents()
    labels = window.findChild(CalibrationPanel).findChildren(QLabel)
    shown = [label for label in labels if label.isVisible()]
    assert shown
    for label in shown:
        needed_px = label.heightForWidth(label.width()) if label.wordWrap() else 0
        line_px = QFontMetricsF(label.font()).height()
        assert label.height() + 1 >= max(needed_px, line_px), label.text()


def test_type_grows_with_the_window():
    assert choose_scale(QSize(1280, 720)) == 1
    assert 2.2 < choose_scale(QSize(3840, 2160)) < 3
    assert make_font(2.5, 12).pixelSize() == 30


def test_the_style_sheet_has_no_unknown_colour_and_no_unit_left():
    sheet = build_stylesheet(2.0)
    assert "font-size: 26px" in sheet
    rules = sheet.split("*/", maxsplit=1)[1]
    for colour in ("text", "ground", "good_soft", "surface"):
        assert f"{{{colour}}}" not in rules


def test_confidence_goes_from_red_to_green():
    low, middle, high = (
        np.array(colour_from_confidence(value).getRgb()) for value in (0.1, 0.5, 0.95)
    )
    assert low[0] > low[1]
    assert high[1] > high[0]
    assert middle[0] > 200
    assert middle[1] > 150


def test_the_window_on_the_screen_ends_when_it_is_closed(qapp):
    seen = []

    def look_and_close() -> None:
        window = next(widget for widget in qapp.topLevelWidgets() if isinstance(widget, MainWindow))
        seen.append(window.isVisible())
        window.close()

    QTimer.singleShot(50, look_and_close)
    show_until_closed(MainWindow(state()))
    assert seen == [True]


def test_ctrl_c_in_the_terminal_ends_the_window(qapp):
    QTimer.singleShot(50, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        show_until_closed(MainWindow(state()))


def test_ctrl_c_in_the_live_window_closes_everything_before_it_ends_the_program(
    qapp, tmp_path, monkeypatch
):
    store = tmp_path / "settings.toml"
    monkeypatch.setattr(application, "settings_file", lambda: store)
    monkeypatch.setattr(application, "library_file", lambda: tmp_path / "index.sqlite")
    monkeypatch.setattr(
        application.gc, "freeze", lambda: None
    )  # what tests leave behind shall still be found
    options = Namespace(
        sources=(),
        rig=None,
        stature=1.62,
        person="",
        model="blazepose",
        lift="",
        record=None,
        seconds=None,
    )
    QTimer.singleShot(50, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        application.show_live(options, Settings(sessions=str(tmp_path / "takes")), "")
    assert len(load_settings(store)[0].window) == 4  # remembered as it is closed


def test_rows_of_the_calibration_table_never_overlap_and_scroll_instead(qtbot, qapp):
    one = present_calibration(scenes.make_report(scenes.make_square_rig(8)))
    notice = Notice("Camera 'left' was disconnected. Plug it in again. " * 6)
    window = MainWindow(replace(state(), calibration=one, notice=notice, controls=Controls()))
    qtbot.addWidget(window)
    window.resize(960, 540)
    window.show()
    qapp.processEvents()
    panel = window.findChild(CalibrationPanel)
    cells = [cell for cell in panel.findChildren(QLabel, "cell") if cell.isVisibleTo(window)]
    rows = sorted({(cell.y(), cell.y() + cell.height()) for cell in cells})
    assert len(rows) == 8
    assert all(bottom <= top for (_, bottom), (top, _) in pairwise(rows))
    assert all(cell.height() >= QFontMetricsF(cell.font()).height() - 1 for cell in cells)
    table = panel.findChild(QScrollArea)
    assert table.verticalScrollBar().maximum() > 0
    assert table.height() >= 2 * cells[0].height()
    parts = [
        part
        for part in panel.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
        if part.isVisibleTo(panel) and not isinstance(part, QMenu) and part.width() > 200
    ]
    edges = sorted((part.y(), part.y() + part.height()) for part in parts)
    assert all(bottom <= top for (_, bottom), (top, _) in pairwise(edges))
    assert all(part.height() >= part.minimumSizeHint().height() for part in parts)


def test_rows_of_the_calibration_table_are_all_seen_where_there_is_room(qtbot, qapp):
    window = MainWindow(state())
    qtbot.addWidget(window)
    window.show()
    qapp.processEvents()
    table = window.findChild(CalibrationPanel).findChild(QScrollArea)
    assert table.verticalScrollBar().maximum() == 0


@pytest.mark.parametrize(
    ("screen_wh", "remembered", "expected", "maximised"),
    [
        ((1280, 720), (), (0, 0, 1280, 720), True),
        ((1366, 768), (10, 10, 960, 540), (0, 0, 1366, 768), True),
        ((1920, 1080), (), (320, 180, 1280, 720), False),
        ((1920, 1080), (100, 50, 1500, 900), (100, 50, 1500, 900), False),
        ((1920, 1080), (5000, 50, 1500, 900), (320, 180, 1280, 720), False),
        ((800, 800), (), None, False),
    ],
)
def test_the_window_opens_as_before_or_as_large_as_useful(
    screen_wh, remembered, expected, maximised
):
    found = choose_geometry(remembered, [QRect(0, 0, *screen_wh)])
    assert found == (QRect(*expected) if expected else None, maximised)


def test_the_window_opens_without_any_screen():
    assert choose_geometry((0, 0, 1280, 720), []) == (None, False)


def test_a_window_on_a_small_screen_fills_it(qtbot):
    window = MainWindow(empty())
    qtbot.addWidget(window)
    window.place((), [QRect(0, 0, 1280, 720)])
    assert window.isMaximized()
    assert window.size() == QSize(1280, 720)
