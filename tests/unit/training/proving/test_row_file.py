import pytest

from training.errors import DatasetError
from training.proving.row_file import KEYS, RowFile

ROW = {
    "cell": "a",
    "seed": 1000,
    "verdict": "usable",
    "rotation_error_deg": 0.25,
    "reasons": 'Walk, "far"\nand near.',
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rows" / "table.csv"


def test_a_row_is_on_the_disk_at_once_and_found_by_the_next_run(path):
    file = RowFile(path)
    assert file.find("a", 1000) is None
    file.add(ROW)
    again = RowFile(path).find("a", 1000)
    assert again is not None
    assert {key: again[key] for key in ROW} == ROW
    assert again["focal_error_percent"] is None
    assert RowFile(path).find("a", 1001) is None
    assert RowFile(path).find("b", 1000) is None


def test_a_line_cut_off_by_a_loss_of_power_is_measured_again(path):
    file = RowFile(path)
    file.add(ROW)
    file.add(ROW | {"seed": 1001})
    path.write_bytes(path.read_bytes()[:-20])
    cut = RowFile(path)
    assert cut.find("a", 1000) is not None
    assert cut.find("a", 1001) is None
    cut.add(ROW | {"seed": 1002})
    assert RowFile(path).find("a", 1002) is not None


def test_a_file_of_something_else_is_refused_and_left_alone(path):
    path.parent.mkdir()
    path.write_text("table,clip\nrigs,sit\n")
    with pytest.raises(DatasetError, match="other columns"):
        RowFile(path)
    assert path.read_text() == "table,clip\nrigs,sit\n"


def test_without_a_path_rows_stay_in_memory():
    file = RowFile(None)
    file.add(ROW)
    assert file.find("a", 1000) == ROW


def test_the_keys_are_those_of_a_row():
    assert KEYS[:3] == ("cell", "seed", "verdict")
    assert len(set(KEYS)) == len(KEYS)
