"""The exit codes of the `epipole` command; they are stable."""

DONE = 0
FAILED = 1
USAGE = 2
REFUSED = 3
"""The calibration cannot be trusted, or the fine-tuned model is not better: nothing changed."""

INTERRUPTED = 130
"""Ctrl-C was pressed."""
