"""What the sessions' pages ask for: they never wait, and every failure is a sentence."""

import threading
from types import SimpleNamespace

import pytest

from app import requests
from app.control import sessions as session_control
from app.control.controller import dispatch
from app.control.sessions import JOB_RUNNING, SessionControl
from app.presenters.severity import Severity
from engine.errors import SessionError
from engine.offline.progress import StepProgress
from engine.session.library import Library
from tests.support.controls import PATIENT_SESSIONS
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.sessions import record_session


@pytest.fixture
def told():
    return []


@pytest.fixture
def control(tmp_path, told):
    library = Library(tmp_path / "index.sqlite", [tmp_path / "takes"])
    made = SessionControl(
        library,
        ("blazepose",),
        lambda message, severity=Severity.WARNING: told.append((message, severity)),
        PATIENT_SESSIONS,
    )
    yield made
    made.close()
    ours = ("player", "worker")
    assert wait_until(
        lambda: not [one.name for one in threading.enumerate() if one.name.startswith(ours)]
    )


def newest(control, count):
    """Wait for a list of so many sessions."""
    found = []

    def there():
        state = control.take_sessions()
        if state is not None:
            found[:] = [state]
        return bool(found) and len(found[0].cards) == count

    assert wait_until(there)
    return found[0]


def is_done(control):
    return control.job_card is None


def test_sessions_are_listed_when_somebody_looks(control, tmp_path):
    record_session(tmp_path / "takes" / "one", 5)
    dispatch(control.handlers, requests.ScanSessions())
    assert newest(control, 1).cards[0].path == tmp_path / "takes" / "one"
    assert control.take_sessions() is None  # told once


def test_a_session_that_comes_while_the_folders_are_looked_at_is_listed_too(
    control, tmp_path, monkeypatch
):
    looking, go, refresh = threading.Event(), threading.Event(), Library.refresh

    def slow(self, progress=lambda *_: None):
        found = refresh(self, progress)
        looking.set()
        assert go.wait(PATIENCE_S)
        return found

    monkeypatch.setattr(Library, "refresh", slow)
    control.scan_sessions()
    assert looking.wait(PATIENCE_S)
    record_session(tmp_path / "takes" / "late", 5)
    control.scan_sessions()
    go.set()
    newest(control, 1)


def test_a_library_that_cannot_be_read_is_told_and_looked_at_again_when_asked(
    control, told, tmp_path, monkeypatch
):
    def broken(self, progress=None):
        raise SessionError("The folder of the sessions cannot be read.")

    with monkeypatch.context() as patched:
        patched.setattr(Library, "refresh", broken)
        control.scan_sessions()
        assert wait_until(lambda: bool(told))
    record_session(tmp_path / "takes" / "one", 5)
    control.scan_sessions()
    newest(control, 1)


def test_a_session_is_opened_scrubbed_and_let_go(control, tmp_path):
    record_session(tmp_path / "one", 10)
    control.open_player(tmp_path / "one")

    def shown(instant):
        control.seek(instant)
        return (now := control.take_player()) is not None and now.instant == instant

    assert wait_until(lambda: shown(7))
    control.close_player()
    assert not control.is_playing
    assert control.take_player() is None


def test_one_long_work_at_a_time(control, told, monkeypatch, tmp_path):
    begun, go = threading.Event(), threading.Event()

    def slow(path, options, progress):
        begun.set()
        progress(StepProgress("Finding the joints", 0.5))
        assert go.wait(PATIENCE_S)
        return SimpleNamespace(path=tmp_path / "one-2")

    monkeypatch.setattr(session_control, "track_again", slow)
    dispatch(control.handlers, requests.TrackAgain(tmp_path / "one", "blazepose", None))
    assert begun.wait(PATIENCE_S)
    assert wait_until(lambda: control.job_card.progress == 0.5)
    assert control.job_card.text == "Tracking 'one' again: finding the joints"
    dispatch(
        control.handlers, requests.ExportSession(tmp_path / "one", "csv", tmp_path / "out.csv")
    )
    assert told == [(JOB_RUNNING, Severity.WARNING)]
    go.set()
    assert wait_until(lambda: is_done(control))
    assert told[-1] == ("'one' was tracked again: the result is 'one-2'.", Severity.GOOD)


def test_work_that_is_cancelled_ends_without_a_word(control, told, monkeypatch, tmp_path):
    begun = threading.Event()

    def endless(path, options, progress):
        begun.set()
        while True:
            progress(StepProgress("Finding the joints", 0.1))

    monkeypatch.setattr(session_control, "track_again", endless)
    dispatch(control.handlers, requests.TrackAgain(tmp_path / "one", "blazepose", None))
    assert begun.wait(PATIENCE_S)
    dispatch(control.handlers, requests.CancelJob())
    assert wait_until(lambda: is_done(control))
    assert not told


def test_work_that_fails_is_told_once(control, told, tmp_path):
    dispatch(
        control.handlers, requests.ExportSession(tmp_path / "nowhere", "csv", tmp_path / "out.csv")
    )
    assert wait_until(lambda: is_done(control))
    assert wait_until(lambda: bool(told))
    assert len(told) == 1
    assert "nowhere" in told[0][0]


def test_closing_ends_what_is_under_way(control, monkeypatch, tmp_path):
    record_session(tmp_path / "one", 10)
    control.open_player(tmp_path / "one")
    control.scan_sessions()
    control.close()  # the fixture sees that every thread is gone


def test_cancelling_does_nothing_where_nothing_is_under_way(control, told):
    dispatch(control.handlers, requests.CancelJob())
    assert not told


def test_an_empty_list_is_called_empty_only_after_the_folders_were_looked_at(control, monkeypatch):
    go, refresh = threading.Event(), Library.refresh

    def slow(self, progress=lambda *_: None):
        assert go.wait(PATIENCE_S)
        return refresh(self, progress)

    monkeypatch.setattr(Library, "refresh", slow)
    dispatch(control.handlers, requests.ScanSessions())
    assert newest(control, 0).headline == "Looking for sessions"
    assert not control.has_scanned
    go.set()
    assert wait_until(lambda: control.has_scanned)
    assert wait_until(
        lambda: (
            (state := control.take_sessions()) is not None and state.headline == "No sessions yet"
        )
    )
