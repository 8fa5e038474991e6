"""From a command line to an exit code and a message."""

import errno
from pathlib import Path

import pytest

from app.cli import arguments, arguments_bench
from app.cli import main as cli
from calibration.errors import DegenerateError
from engine.errors import CameraNotFoundError


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch):
    """Put a function in place of `epipole doctor` and run it."""

    def run(function) -> int:
        monkeypatch.setattr(cli, "load_attribute", lambda name: function)
        return cli.main(["doctor"])

    return run


def raising(error: BaseException):
    """Return a command that fails."""

    def fail(options) -> int:
        raise error

    return fail


def test_a_command_hands_its_exit_code_on(command):
    assert command(lambda options: 3) == 3


@pytest.mark.parametrize(
    "error",
    [CameraNotFoundError("left", "There is no 'left.mp4'."), DegenerateError("Two rigs fit.")],
)
def test_an_expected_failure_is_one_sentence_and_code_1(command, capsys, error):
    assert command(raising(error)) == 1
    assert capsys.readouterr().err == f"epipole: {error}\n"


def test_a_full_disk_is_named_with_what_to_do(command, capsys):
    assert command(raising(OSError(errno.ENOSPC, "No space left on device", "/takes/a.csv"))) == 1
    said = capsys.readouterr().err
    assert "full" in said
    assert "/takes/a.csv" in said
    assert "Free some space" in said


def test_a_read_only_folder_is_named_with_what_to_do(command, capsys):
    assert command(raising(OSError(errno.EROFS, "Read-only file system", "/takes"))) == 1
    assert "--out" in capsys.readouterr().err


def test_a_refusal_without_a_file_says_what_failed(command, capsys):
    assert command(raising(OSError(errno.EIO, "Input/output error"))) == 1
    assert "Input/output error" in capsys.readouterr().err


def test_ctrl_c_is_code_130(command, capsys):
    assert command(raising(KeyboardInterrupt())) == 130
    assert "Stopped" in capsys.readouterr().err


def test_a_fault_of_the_program_goes_to_the_log_and_not_to_the_screen(
    command, capsys, own_log: Path
):
    assert command(raising(ZeroDivisionError("7f3a"))) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert str(own_log) in said
    assert "ZeroDivisionError: 7f3a" in own_log.read_text()


def test_torch_that_is_not_installed_is_told_with_how_to_install_it(command, capsys):
    assert command(raising(ModuleNotFoundError("No module named 'torch'", name="torch"))) == 1
    assert "pip install 'epipole[train]'" in capsys.readouterr().err


def test_another_module_that_is_missing_is_a_fault_of_the_program(command, capsys):
    assert command(raising(ModuleNotFoundError("No module named 'json'", name="json"))) == 1
    assert "Internal error. Details: " in capsys.readouterr().err


def test_a_usage_mistake_is_code_2(capsys):
    assert cli.main(["demo", "--camera", "3"]) == 2
    assert "--cameras" in capsys.readouterr().err


def test_passwords_never_reach_the_screen(command, capsys):
    command(
        raising(CameraNotFoundError("hall", "rtsp://anna:secret@10.0.0.7/live does not answer."))
    )
    assert "secret" not in capsys.readouterr().err


def test_help_is_code_0(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["--help"])
    assert left.value.code == 0
    assert "first steps" in capsys.readouterr().out


@pytest.mark.parametrize("table", [arguments.COMMANDS, arguments_bench.BENCHES])
def test_every_entry_of_the_tables_can_be_loaded(table):
    assert all(callable(cli.load_attribute(name)) for name in table.values())


def test_no_password_of_the_command_line_reaches_the_log(own_log: Path):
    addresses = [
        "http://anna:7f3a@10.0.0.7/v",
        "rtsp://anna:7f 3a@10.0.0.7/v",
        "http://10.0.0.7/v?user=anna&pwd=7f3a",
    ]
    cli.main(["record", *addresses, "--out", "/proc/nowhere/x"])
    written = own_log.read_text()
    assert "10.0.0.7" in written
    assert "3a" not in written.partition("\n")[0]
