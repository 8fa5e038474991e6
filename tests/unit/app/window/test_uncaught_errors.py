"""A fault while the window is open is told, and logged once."""

import logging
import sys

from app.errors import describe_internal_error
from app.window.uncaught_errors import report_uncaught_errors


def fail():
    raise ValueError("a fault")


def happen():
    try:
        fail()
    except ValueError:
        sys.excepthook(*sys.exc_info())


def test_a_fault_is_told_and_the_log_has_it_once(caplog):
    told = []
    with report_uncaught_errors(told.append), caplog.at_level(logging.ERROR):
        for _ in range(3):
            happen()
    assert told == [describe_internal_error()]
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info


def test_afterwards_faults_are_again_what_they_were():
    before = sys.excepthook
    with report_uncaught_errors(lambda _sentence: None):
        assert sys.excepthook is not before
    assert sys.excepthook is before
