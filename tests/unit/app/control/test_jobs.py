"""Work in the background reports, can be ended, and fails in one sentence."""

import threading

from app.control.jobs import INTERNAL_ERROR, Job, JobPhase, Worker
from engine.errors import EngineError
from tests.support.patience import PATIENCE_S


def test_a_job_tells_how_far_it_is_and_hands_its_result_on():
    halfway, go_on, results = threading.Event(), threading.Event(), []

    def work(progress):
        progress("first half", 0.5)
        halfway.set()
        go_on.wait(PATIENCE_S)
        return 7

    job = Job("Counting", work, results.append)
    assert halfway.wait(PATIENCE_S)
    assert (job.state().phase, job.state().step, job.state().share) == (
        JobPhase.RUNNING,
        "first half",
        0.5,
    )
    go_on.set()
    assert job.join(PATIENCE_S)
    assert job.state().phase == JobPhase.DONE
    assert results == [7]


def test_a_cancelled_job_ends_at_its_next_report():
    started, go_on = threading.Event(), threading.Event()

    def work(progress):
        started.set()
        go_on.wait(PATIENCE_S)
        progress("never", 0.9)

    job = Job("Counting", work)
    assert started.wait(PATIENCE_S)
    job.cancel()
    go_on.set()
    assert job.join(PATIENCE_S)
    assert job.state().phase == JobPhase.CANCELLED


def test_a_job_that_fails_says_why():
    def work(progress):
        raise EngineError("The lamp is out. Change it.")

    job = Job("Looking", work)
    assert job.join(PATIENCE_S)
    assert (job.state().phase, job.state().message) == (
        JobPhase.FAILED,
        "The lamp is out. Change it.",
    )


def test_a_worker_goes_on_after_a_piece_that_failed():
    sentences, done = [], threading.Event()
    worker = Worker(sentences.append)

    def fails():
        raise ZeroDivisionError

    assert worker.submit(fails)
    assert worker.submit(done.set)
    assert done.wait(PATIENCE_S)
    assert sentences == [INTERNAL_ERROR]
    assert worker.close(PATIENCE_S)
    assert not worker.submit(done.set)
