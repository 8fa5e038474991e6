"""The ledger: one line for every frame, readable while it is written and after it was cut off."""

import pytest

from engine.errors import SessionError
from engine.ledger import LedgerRow, LedgerWriter, build_frame_times, read_ledger

ROWS = (
    LedgerRow(0, 1_000_000_007, (64, 48)),
    LedgerRow(1, None, (64, 48), kept=False, why="never came from the camera"),
    LedgerRow(2, 1_066_666_673, (64, 48), kept=False, why="the disk was too slow, again"),
    LedgerRow(3, 1_100_000_007, (64, 48)),
)


@pytest.fixture
def ledger(tmp_path):
    with LedgerWriter(tmp_path / "a.frames.csv") as writer:
        for row in ROWS:
            writer.put(row)
    return tmp_path / "a.frames.csv"


def test_rows_come_back_as_they_were_put(ledger):
    assert read_ledger(ledger) == ROWS


def test_the_columns_are_those_of_the_contract(ledger):
    assert ledger.read_text().splitlines()[:2] == [
        "sequence,time_ns,width,height,kept,why",
        "0,1000000007,64,48,1,",
    ]


def test_every_line_is_there_before_the_file_is_closed(tmp_path):
    writer = LedgerWriter(tmp_path / "open.csv")
    writer.put(ROWS[0])
    assert read_ledger(tmp_path / "open.csv") == ROWS[:1]
    writer.close()


def test_lines_gather_until_they_are_written_or_some_wait(tmp_path):
    path = tmp_path / "gathered.csv"
    with LedgerWriter(path) as writer:
        writer.put(ROWS[0], now=False)
        assert read_ledger(path) == ()
        writer.put(ROWS[1])
        assert read_ledger(path) == ROWS[:2]
        writer.put(ROWS[2], now=False)
        writer.flush()
        writer.flush()
        assert read_ledger(path) == ROWS[:3]
        for _ in range(30):
            writer.put(ROWS[3], now=False)
        assert 3 < len(read_ledger(path)) < 33


def test_lines_that_the_disk_refused_leave_the_ledger_as_it_was(tmp_path, monkeypatch):
    def full(file, data, length):
        raise OSError(28, "No space left on device")

    path = tmp_path / "full.csv"
    with LedgerWriter(path) as writer:
        writer.put(ROWS[0])
        monkeypatch.setattr("engine.ledger.append_atomic", full)
        with pytest.raises(OSError, match="No space left"):
            writer.put(ROWS[1])
        monkeypatch.undo()
        writer.put(ROWS[2])
    assert read_ledger(path) == (ROWS[0], ROWS[2])


def test_a_line_that_was_cut_off_is_left_out(ledger):
    ledger.write_bytes(ledger.read_bytes()[:-4])
    assert read_ledger(ledger) == ROWS[:3]


def test_only_kept_frames_have_a_time_in_the_video(ledger):
    times = build_frame_times(read_ledger(ledger), start_ns=5, rate_fps=30.0)
    assert times.sequence.tolist() == [0, 3]
    assert times.time_ns.tolist() == [1_000_000_007, 1_100_000_007]
    assert times.start_ns == 5


@pytest.mark.parametrize(
    "content", ["", "a,b\n1,2\n", "sequence,time_ns,width,height,kept,why\n1,x,3,4,1,\n"]
)
def test_what_is_no_ledger_is_refused(tmp_path, content):
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(SessionError, match=r"x\.csv"):
        read_ledger(tmp_path / "x.csv")
