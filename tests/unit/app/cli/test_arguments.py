"""The command line: what it accepts, and what it says to what it does not."""

from pathlib import Path

import pytest

from app.cli import arguments, arguments_bench
from app.errors import UsageError


def refusal(*words: str) -> str:
    """Parse a line that must be refused; return the message."""
    with pytest.raises(UsageError) as caught:
        arguments.parse(words)
    return str(caught.value)


def test_a_contract_line_of_calibrate_is_understood():
    options = arguments.parse(
        [
            "calibrate",
            "a.mp4",
            "b.mp4",
            "--out",
            "rig.toml",
            "--stature",
            "1.78",
            "--shared-intrinsics",
        ]
    )
    assert options.inputs == ["a.mp4", "b.mp4"]
    assert options.out == Path("rig.toml")
    assert options.stature == 1.78
    assert options.shared_intrinsics


def test_every_command_of_the_table_has_a_parser_with_help():
    _, commands = arguments.build_parser()
    assert set(commands) == set(arguments.COMMANDS)
    assert all("\nexample" in parser.format_help() for parser in commands.values())


def test_demo_has_the_defaults_of_the_contract():
    options = arguments.parse(["demo"])
    assert (options.cameras, options.seconds, options.headless, options.out) == (
        4,
        None,
        False,
        None,
    )  # None: 30 s, and in a window until it is closed


def test_an_unknown_command_is_answered_with_the_nearest():
    assert "Did you mean 'calibrate'?" in refusal("calibrat")


def test_an_unknown_option_is_answered_with_the_nearest():
    assert "Did you mean '--stature'?" in refusal("calibrate", "a", "--out", "x", "--statur=1.8")


def test_a_stature_in_centimetres_is_refused_with_the_metres_that_were_meant():
    message = refusal("calibrate", "a", "--out", "x", "--stature", "178")
    assert "178" in message
    assert "Did you mean 1.78?" in message


@pytest.mark.parametrize("stature", ["17", "0.49", "2.51", "-1.8", "nan", "tall"])
def test_a_stature_that_is_nobodys_is_refused(stature: str):
    assert stature in refusal("calibrate", "a", "--out", "x", f"--stature={stature}")


@pytest.mark.parametrize("stature", ["0.5", "2.5"])
def test_the_limits_of_stature_are_people(stature: str):
    assert arguments.parse(["calibrate", "a", "--out", "x", "--stature", stature]).stature == float(
        stature
    )


@pytest.mark.parametrize(
    "words", [("--cameras", "1"), ("--cameras", "9"), ("--seconds", "0"), ("--seed", "-1")]
)
def test_a_demo_that_cannot_be_made_is_refused(words: tuple[str, str]):
    assert words[1] in refusal("demo", *words)


def test_a_missing_option_is_named():
    assert "--rig" in refusal("track", "a.mp4", "b.mp4", "--out", "x")


def test_two_options_of_which_one_is_needed_are_both_named():
    assert "'epipole evaluate' needs one of --data, --session." in refusal("evaluate", "anna")


def test_help_without_an_example_is_not_said_to_show_one():
    assert "example" in refusal("track")
    assert "example" not in refusal("models", "pull")


def test_a_single_camera_is_refused_with_the_reason_and_many_without():
    assert "cannot measure depth" in refusal("demo", "--cameras", "1")
    assert "cannot measure depth" not in refusal("demo", "--cameras", "9")


def test_nothing_at_all_is_answered_with_what_to_try():
    assert "epipole demo" in refusal()


def test_a_bench_that_does_not_exist_is_answered_with_those_that_do():
    assert "inference" in refusal("bench", "inferenc")


def test_abbreviated_options_are_not_guessed():
    refusal("calibrate", "a", "--out", "x", "--shared")


def test_a_bench_has_options_of_its_own():
    options = arguments.parse(["bench", "live", "--seconds", "10"])
    assert (options.command, options.subject, options.seconds) == ("bench", "live", 10.0)
    assert arguments.parse(["bench", "inference", "--model", "x"]).model == "x"
    assert "Did you mean '--runs'?" in refusal("bench", "start", "--run", "3")
    assert "'epipole bench start'" in refusal("bench", "start", "--seconds", "3")


def test_every_bench_of_the_table_has_a_parser_and_help(capsys):
    needed = {"world": ["--data", "clips"]}
    for subject in arguments_bench.BENCHES:
        words = ["bench", subject, *needed.get(subject, [])]
        assert arguments.parse(words).subject == subject
        with pytest.raises(SystemExit):
            arguments.parse(["bench", subject, "--help"])
        assert "Measures" in capsys.readouterr().out


def test_the_bench_of_the_world_needs_a_folder_and_takes_names():
    assert "--data" in refusal("bench", "world")
    options = arguments.parse(["bench", "world", "--only", "walk", "sit", "--data", "d", "--quick"])
    assert (options.only, options.data, options.quick) == (["walk", "sit"], Path("d"), True)


def test_a_bench_without_a_subject_is_refused_with_an_example():
    assert "'epipole bench --help'" in refusal("bench")


def test_a_word_too_many_is_named():
    assert "Unexpected argument 'more'" in refusal("doctor", "more")
