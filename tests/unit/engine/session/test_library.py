"""The library: an index that is cheap and can be rebuilt from the folders at any time."""

import math
import os
import shutil
import sqlite3
import threading
import time

import cv2
import numpy as np
import pytest

from engine.ledger import COLUMNS
from engine.session import library as library_module
from engine.session.library import Library
from engine.session.session import MANIFEST, SessionFacts
from engine.session.summary import THUMBNAIL_WIDTH_PX, display_name, encode_thumbnail, summarize
from tests.support.sessions import CREATED, record_session


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """A whole session, to be copied."""
    path = tmp_path_factory.mktemp("walk") / "walk"
    record_session(path, 20, lost=(4, 5))
    return path


@pytest.fixture
def takes(tmp_path, walk):
    """A folder with two sessions in it, one of them a demo's."""
    shutil.copytree(walk, tmp_path / "takes" / "walk")
    shutil.copytree(walk, tmp_path / "takes" / "demo" / "session")
    return tmp_path / "takes"


@pytest.fixture
def looked_at(monkeypatch):
    """Count the sessions that are looked at."""
    names = []
    real = library_module.summarize
    monkeypatch.setattr(
        library_module, "summarize", lambda path: names.append(path.name) or real(path)
    )
    return names


def names(summaries):
    return {summary.name for summary in summaries}


def test_a_summary_says_what_is_in_a_session(walk):
    summary = summarize(walk)
    assert (summary.name, summary.created, summary.cameras) == ("walk", CREATED, ("cam_0", "cam_1"))
    assert summary.seconds == pytest.approx(20 / 30, abs=1e-3)
    assert (summary.frames, summary.missing, summary.lost) == (38, 2, 0)
    assert summary.joints_found == 1.0
    assert (summary.model, summary.has_rig, summary.verdict, summary.finished) == (
        "blazepose",
        True,
        "accepted",
        True,
    )
    assert (summary.problem, summary.remarks) == ("", ())
    picture = cv2.imdecode(np.frombuffer(summary.thumbnail, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (48, 64, 3)


def test_a_thumbnail_is_small():
    image = np.zeros((1920, 1080, 3), np.uint8)
    assert (
        max(cv2.imdecode(np.frombuffer(encode_thumbnail(image), np.uint8), 1).shape)
        == THUMBNAIL_WIDTH_PX
    )


def test_a_session_without_poses_has_no_share_of_joints(tmp_path):
    record_session(tmp_path / "s", 6, posed=False)
    summary = summarize(tmp_path / "s")
    assert math.isnan(summary.joints_found)
    assert (summary.has_rig, summary.verdict, summary.model) == (False, "", "")


def test_images_that_found_no_room_are_counted_apart_from_those_that_never_came(takes):
    ledger = takes / "walk" / "cameras" / "cam_0.frames.csv"
    rows = ledger.read_text().splitlines()
    fields = rows[3].split(",")
    fields[COLUMNS.index("kept")], fields[COLUMNS.index("why")] = "0", "the disk was too slow"
    ledger.write_text("\n".join([*rows[:3], ",".join(fields), *rows[4:], ""]))
    summary = summarize(takes / "walk")
    assert (summary.lost, summary.missing, summary.frames) == (1, 2, 37)


def test_sessions_are_found_in_folders_and_in_the_folders_in_them(tmp_path, takes):
    library = Library(tmp_path / "index" / "sessions.sqlite", [takes, tmp_path / "nowhere"])
    assert library.list_sessions() == ()
    assert names(library.refresh()) == {"walk", "demo / session"}
    again = Library(tmp_path / "index" / "sessions.sqlite", [takes])
    one, other = again.list_sessions()[0], library.list_sessions()[0]
    assert [
        getattr(one, name)
        for name in ("path", "created", "cameras", "thumbnail", "stamp_ns", "remarks")
    ] == [
        getattr(other, name)
        for name in ("path", "created", "cameras", "thumbnail", "stamp_ns", "remarks")
    ]


def test_what_has_not_changed_is_not_looked_at_again(tmp_path, takes, looked_at):
    library = Library(tmp_path / "sessions.sqlite", [takes])
    library.refresh()
    library.refresh()
    assert sorted(looked_at) == ["session", "walk"]
    later = time.time() + 5
    os.utime(takes / "walk" / MANIFEST, (later, later))
    library.refresh()
    assert looked_at[2:] == ["walk"]


def test_a_video_that_went_away_is_noticed(tmp_path, takes, looked_at):
    library = Library(tmp_path / "sessions.sqlite", [takes])
    library.refresh()
    (takes / "walk" / "cameras" / "cam_1.mkv").unlink()
    walk = next(summary for summary in library.refresh() if summary.name == "walk")
    assert "cam_1" in walk.remarks[0]


def test_a_session_that_is_gone_is_forgotten(tmp_path, takes):
    library = Library(tmp_path / "sessions.sqlite", [takes])
    library.refresh()
    shutil.rmtree(takes / "walk")
    assert names(library.refresh()) == {"demo / session"}


def test_a_session_that_cannot_be_read_is_listed_with_its_sentence(tmp_path, takes):
    manifest = takes / "walk" / MANIFEST
    manifest.write_text(manifest.read_text().replace("schema = 1", "schema = 9"))
    (takes / "broken").mkdir()
    (takes / "broken" / MANIFEST).write_text("not toml [")
    by_name = {
        summary.name: summary
        for summary in Library(tmp_path / "sessions.sqlite", [takes]).refresh()
    }
    assert "newer Epipole" in by_name["walk"].problem
    assert "damaged" in by_name["broken"].problem
    assert by_name["demo / session"].problem == ""


def test_a_damaged_index_is_moved_aside_and_made_anew(tmp_path, takes):
    index = tmp_path / "sessions.sqlite"
    index.write_bytes(b"this was never a database" * 100)
    library = Library(index, [takes])
    assert names(library.refresh()) == {"walk", "demo / session"}
    assert "rebuilt" in library.remarks[0]
    assert (tmp_path / "sessions.sqlite.damaged").read_bytes().startswith(b"this was never")
    assert names(Library(index, [takes]).list_sessions()) == {"walk", "demo / session"}


def test_an_index_with_a_damaged_page_is_made_anew(tmp_path, takes):
    index = tmp_path / "sessions.sqlite"
    Library(index, [takes]).refresh()
    data = bytearray(index.read_bytes())
    data[4096:8192] = b"\xff" * 4096
    index.write_bytes(bytes(data))
    library = Library(index, [takes])
    assert names(library.refresh()) == {"walk", "demo / session"}
    assert library.remarks


def test_an_index_of_another_version_is_made_anew_without_a_word(tmp_path, takes):
    index = tmp_path / "sessions.sqlite"
    with sqlite3.connect(index) as connection:
        connection.execute("CREATE TABLE session (path, other)")
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    library = Library(index, [takes])
    assert len(library.refresh()) == 2
    assert library.remarks == ()


def test_where_no_index_can_be_kept_the_list_is_there_all_the_same(tmp_path, takes):
    (tmp_path / "file").write_text("in the way")
    library = Library(tmp_path / "file" / "sessions.sqlite", [takes])
    assert names(library.refresh()) == {"walk", "demo / session"}
    assert names(library.list_sessions()) == {"walk", "demo / session"}
    assert "cannot be written" in library.remarks[0]


def test_two_windows_at_once_wait_for_each_other(tmp_path, takes):
    index, failures = tmp_path / "sessions.sqlite", []

    def look():
        try:
            for _ in range(5):
                library, other = Library(index, [takes]), Library(index, [])
                library.refresh()
                other.refresh()  # forgets everything
                failures.extend([*library.remarks, *other.remarks])
        except Exception as error:  # a thread's error is a failure of the test
            failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(Library(index, [takes]).refresh()) == 2


def test_a_refresh_that_is_broken_off_keeps_what_it_found(tmp_path, takes):
    class EnoughError(Exception):
        pass

    def progress(name, share):
        if share > 0:
            raise EnoughError

    library = Library(tmp_path / "sessions.sqlite", [takes])
    with pytest.raises(EnoughError):
        library.refresh(progress)
    assert len(library.list_sessions()) == 1


def test_newest_sessions_come_first(tmp_path):
    for day in (3, 21, 9):
        facts = SessionFacts(created=CREATED.replace(day=day))
        record_session(tmp_path / "takes" / f"day-{day}", 3, posed=False, facts=facts)
    library = Library(tmp_path / "sessions.sqlite", [tmp_path / "takes"])
    assert [summary.name for summary in library.refresh()] == ["day-21", "day-9", "day-3"]


def test_a_name_is_the_folder_unless_all_are_called_session(tmp_path):
    assert display_name(tmp_path / "walk") == "walk"
    assert display_name(tmp_path / "out" / "session") == "out / session"
