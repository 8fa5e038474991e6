"""Work in the background reports, can be ended, and fails in one sentence."""

import threading

from app.control.jobs import JobPhase, Worker
from app.errors import describe_internal_error
from engine.errors import EngineError
from tests.support.patience import PATIENCE_S, wait_until


def test_a_job_tells_how_far_it_is_and_hands_its_result_on():
    halfway, go_on, results = threading.Event(), threading.Event(), []

    def work(progress):
        progress("first half", 0.5)
        halfway.set()
        go_on.wait(PATIENCE_S)
        return 7

    worker = Worker()
    job = worker.start("Counting", work, results.append)
    assert halfway.wait(PATIENCE_S)
    assert (job.state().phase, job.state().step, job.state().share) == (
        JobPhase.RUNNING,
        "first half",
        0.5,
    )
    go_on.set()
    assert wait_until(lambda: job.state().phase is not JobPhase.RUNNING)
    assert worker.close(PATIENCE_S)
    assert job.state().phase == JobPhase.DONE
    assert results == [7]


def test_a_cancelled_job_ends_at_its_next_report():
    started, go_on = threading.Event(), threading.Event()

    def work(progress):
        started.set()
        go_on.wait(PATIENCE_S)
        progress("never", 0.9)

    worker = Worker()
    job = worker.start("Counting", work)
    assert started.wait(PATIENCE_S)
    job.cancel()
    go_on.set()
    assert wait_until(lambda: job.state().phase is not JobPhase.RUNNING)
    assert worker.close(PATIENCE_S)
    assert job.state().phase == JobPhase.CANCELLED


def test_a_job_that_fails_says_why():
    def work(progress):
        raise EngineError("The lamp is out. Change it.")

    messages = []
    worker = Worker(messages.append)
    job = worker.start("Looking", work)
    assert wait_until(lambda: job.state().phase is not JobPhase.RUNNING)
    assert worker.close(PATIENCE_S)
    assert (job.state().phase, job.state().message) == (
        JobPhase.FAILED,
        "The lamp is out. Change it.",
    )
    assert messages == ["The lamp is out. Change it."]


def test_a_worker_goes_on_after_a_piece_that_failed():
    messages, done = [], threading.Event()
    worker = Worker(messages.append)

    def fails():
        raise ZeroDivisionError

    assert worker.submit(fails)
    assert worker.submit(done.set)
    assert done.wait(PATIENCE_S)
    assert messages == [describe_internal_error()]
    assert worker.close(PATIENCE_S)
    assert not worker.submit(done.set)


def test_closing_a_worker_cancels_the_present_piece_and_drops_what_waits():
    started, dropped = threading.Event(), []

    def endless(progress):
        started.set()
        while True:
            progress("counting", 0.1)

    worker = Worker(dropped.append)
    job = worker.start("Counting", endless)
    waiting = worker.start("Never", lambda _progress: dropped.append("done"))
    assert started.wait(PATIENCE_S)
    assert worker.close(PATIENCE_S)
    assert job.state().phase is JobPhase.CANCELLED
    assert waiting is not None
    assert dropped == []
