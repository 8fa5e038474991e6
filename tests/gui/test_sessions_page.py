"""The Sessions page: cards, search, and requests."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QLabel, QLineEdit, QListView, QMainWindow, QPushButton

from app.presenters.sessions import present_sessions
from app.requests import OpenSession, ScanSessions, ShowFolder, TrackAgain
from app.views.sessions.page import SessionsPage
from app.views.theme import PALETTE
from engine.session.summary import SessionSummary, encode_thumbnail
from tests.support.pixels import grab_pixels, measure_colour_share

PICTURE = encode_thumbnail(np.full((480, 640, 3), (40, 160, 220), np.uint8))
WALK = SessionSummary(
    Path("/takes/walk"), datetime(2026, 11, 21, tzinfo=UTC), 62.0, ("left", "right"), 3720,
    joints_found=0.97,
    model="blazepose", has_rig=True, verdict="accepted", thumbnail=PICTURE,
)  # fmt: skip
JUMP = replace(
    WALK,
    path=Path("/takes/jump"),
    remarks=("The session 'jump' was not finished.",),
    finished=False,
)
BROKEN = replace(
    WALK,
    path=Path("/takes/broken"),
    problem="The session was written by a newer Epipole.",
    thumbnail=b"",
)


@pytest.fixture
def page(qtbot, qapp):
    """The page in a window, with three sessions."""
    window = QMainWindow()
    page = SessionsPage()
    window.setCentralWidget(page)
    window.setMinimumSize(960, 540)
    qtbot.addWidget(window)
    window.resize(1280, 720)
    window.show()
    page.show_sessions(present_sessions([WALK, JUMP, BROKEN], models=("blazepose",)))
    qapp.processEvents()
    yield page
    window.close()


@pytest.fixture
def asked(page):
    requests = []
    page.requested.connect(requests.append)
    return requests


def button(widget, text):
    return next(button for button in widget.findChildren(QPushButton) if text in button.text())


def words(page):
    return " ".join(label.text() for label in page.findChildren(QLabel) if label.isVisible())


def test_cards_show_their_picture(page):
    assert measure_colour_share(grab_pixels(page), "#dca028", 12) > 0.05


def test_what_is_chosen_has_a_border_and_its_remarks_below(page):
    before = measure_colour_share(grab_pixels(page.findChild(QListView)), PALETTE.accent, 10)
    page.choose(JUMP.path)
    assert measure_colour_share(grab_pixels(page.findChild(QListView)), PALETTE.accent, 10) > before
    assert "was not finished" in words(page)


def test_a_double_click_opens(page, asked, qapp):
    cards = page.findChild(QListView)
    spot = cards.visualRect(cards.model().index(1, 0)).center()
    QTest.mouseClick(cards.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    QTest.mouseDClick(cards.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert asked == [OpenSession(JUMP.path)]


def test_enter_opens_what_is_chosen(page, asked):
    page.choose(WALK.path)
    QTest.keyClick(page.findChild(QListView), Qt.Key.Key_Return)
    assert asked == [OpenSession(WALK.path)]


def test_what_cannot_be_opened_is_not_opened_but_its_folder_can_be_shown(page, asked):
    page.choose(BROKEN.path)
    assert not button(page, "Open").isEnabled()
    page.open_chosen()
    button(page, "Show folder").click()
    assert asked == [ShowFolder(BROKEN.path)]
    assert "newer Epipole" in words(page)


def test_tracking_again_is_asked_for(page, asked):
    page.choose(WALK.path)
    panel = page.track_again()
    button(panel, "Track again").click()
    assert asked == [TrackAgain(WALK.path, "blazepose", None)]


def test_search_shows_what_fits_and_says_when_nothing_does(page):
    field, cards = page.findChild(QLineEdit), page.findChild(QListView)
    field.setText("jum")
    assert cards.model().rowCount() == 1
    field.setText("nonsense")
    assert "No session matches 'nonsense'" in words(page)
    field.clear()
    assert cards.model().rowCount() == 3


def test_a_new_list_keeps_what_is_chosen_and_searched_for(page):
    page.choose(JUMP.path)
    page.show_sessions(present_sessions([BROKEN, JUMP, WALK], models=("blazepose",)))
    assert page.chosen_card().path == JUMP.path


def test_an_empty_list_says_what_to_do_first(page):
    page.show_sessions(present_sessions(()))
    assert "No sessions yet" in words(page)
    assert "Record one" in words(page)


def test_the_folders_are_looked_at_again_on_f5(page, asked):
    page.setFocus()
    QTest.keyClick(page, Qt.Key.Key_F5)
    assert asked == [ScanSessions()]


def test_a_thousand_sessions_make_no_widgets(page, qapp):
    before = len(page.findChildren(QLabel))
    many = [replace(WALK, path=Path(f"/takes/{number}")) for number in range(1000)]
    page.show_sessions(present_sessions(many))
    qapp.processEvents()
    assert len(page.findChildren(QLabel)) == before
    assert "1000" in words(page)


def test_cards_fit_the_width_at_4k(page, qapp):
    page.window().resize(3840, 2160)
    qapp.processEvents()
    cards = page.findChild(QListView)
    rights = [cards.visualRect(cards.model().index(row, 0)).right() for row in range(3)]
    assert max(rights) <= cards.viewport().width()
    assert rights[0] > 400
