"""Steps of a use case in the terminal: one line for each step that counts, and how it ended."""

import pytest

from app.cli.step_progress import StepLines
from engine.offline.progress import StepProgress


def test_steps_that_count_get_a_line_and_others_none(capsys):
    with StepLines() as progress:
        progress(StepProgress("Copying the videos", 0.0))
        progress(StepProgress("Finding joints", 0.1, "framesets", 0, 2))
        progress(StepProgress("Finding joints", 0.9, "framesets", 2, 2))
        progress(StepProgress("Reconstructing", 0.95))
    said = capsys.readouterr().err
    assert "Finding joints: 2 framesets in" in said
    assert "Copying" not in said
    assert "Reconstructing" not in said


def test_a_step_that_fails_says_how_far_it_came(capsys):
    def fail() -> None:
        with StepLines() as progress:
            progress(StepProgress("Finding joints", 0.1, "framesets", 1, 2))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert "Finding joints: stopped after 1 of 2 framesets." in capsys.readouterr().err
