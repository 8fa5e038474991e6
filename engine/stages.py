"""Run the stages of a pipeline in threads; `pipeline.py` stays the specification."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import Generic, TypeVar

from engine.clock import host_ns
from engine.mailbox import Bounded, ClosedError, EmptyError, Latest
from engine.pipeline import STAGES, Instant, Pipeline, Stage
from engine.stats import StageTimes

Item = TypeVar("Item")
Value = TypeVar("Value")
logger = logging.getLogger(__name__)

# One thread looks at images, the other works in the room.
IMAGE_STAGES, ROOM_STAGES = STAGES[:1], STAGES[1:]
# Framesets between the 2D model and the room: one that waits and one to spare. More would only make
# the screen later.
QUEUE_CAPACITY = 2
CLOSE_S = 1.8


class ThreadedPipeline:
    """A pipeline that estimates the next frameset while the last one is reconstructed.

    The same stages in the same order as `Pipeline.run`, and the same results: one thread estimates,
    another one associates, reconstructs, smooths and fills the sinks.

    Parameters
    ----------
    pipeline
        Its framesets carry times of the host's clock, or the times ``gather`` and ``in all`` mean
        nothing.
    times
        Gets how long each stage took.
    end
        Makes the framesets end, for instance `engine.live.framesets.LiveFramesets.close`; called on
        `stop`, and when a stage fails.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        times: StageTimes | None = None,
        end: Callable[[], None] | None = None,
    ) -> None:
        self.times = times if times is not None else StageTimes()
        self._pipeline, self._end = pipeline, end
        self._queue: Bounded[Instant] = Bounded(QUEUE_CAPACITY)
        self._stopping = threading.Event()
        self._error: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._estimate, name="estimate", daemon=True),
            threading.Thread(target=self._finish, name="reconstruct", daemon=True),
        ]

    @property
    def running(self) -> bool:
        """Whether a stage is still running."""
        return any(thread.is_alive() for thread in self._threads)

    @property
    def error(self) -> BaseException | None:
        """What a stage died of; None while all is well."""
        return self._error

    def run(self) -> None:
        """Carry every frameset from the cameras to the sinks, until the cameras end.

        Raises
        ------
        BaseException
            What a stage died of.
        """
        self.start()
        try:
            for thread in self._threads:
                thread.join()
        finally:
            self.stop()
        if self._error is not None:
            raise self._error

    def start(self) -> None:
        """Start; it runs until the framesets end, a stage fails, or `stop`. Once only."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask the stages to end after their current frameset; does not wait."""
        self._stopping.set()
        self._queue.discard()
        if self._end is not None:
            self._end()

    def join(self, timeout_s: float = CLOSE_S) -> BaseException | None:
        """Wait until the stages have ended.

        Parameters
        ----------
        timeout_s
            For both together. A stage that has not ended by then is abandoned, with a warning in
            the log.

        Returns
        -------
        error
            What a stage died of; None if all went well.
        """
        deadline_s = monotonic() + timeout_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline_s - monotonic()))
                if thread.is_alive():
                    logger.warning(
                        "The stage '%s' did not end within %.1f s and is abandoned.",
                        thread.name,
                        timeout_s,
                    )
        return self._error

    def _estimate(self) -> None:
        """Find the people in every frameset. Runs in its own thread."""
        try:
            for frames in self._pipeline.framesets:
                if self._stopping.is_set():
                    return
                self.times.put("gather", host_ns() - frames.timestamp_ns)
                instant = self._apply_timed(IMAGE_STAGES, self._pipeline.begin(frames))
                if not self._queue.put(instant):
                    return  # stopped
            self._queue.close()
        except BaseException as error:  # raised by the other thread, after the framesets before
            self._queue.poison(error)

    def _finish(self) -> None:
        """Put the people into the room, and hand them to the sinks. Runs in its own thread."""
        try:
            while not self._stopping.is_set():
                self._finish_one(self._queue.take())
        except ClosedError:
            return
        except BaseException as error:  # raised by `run` or returned by `join`
            self._error = error
            self.stop()

    def _finish_one(self, instant: Instant) -> None:
        """Do what comes after the 2D model; no image is held while the next one is awaited."""
        instant = self._apply_timed(ROOM_STAGES, instant)
        self.times.put("in all", host_ns() - instant["frames"].timestamp_ns)
        self._pipeline.deliver(instant)

    def _apply_timed(self, stages: Sequence[Stage], instant: Instant) -> Instant:
        """Run stages in their order, and note how long each took."""
        for stage in stages:
            start_ns = host_ns()
            instant = self._pipeline.apply(stage, instant)
            self.times.put(stage.name, host_ns() - start_ns)
        return instant


class BackgroundTask(Generic[Value]):
    """Slow work in a thread, one piece at a time, for a stage that must not wait for it.

    Parameters
    ----------
    name
        Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._result: Latest[Value] = Latest()

    @property
    def is_busy(self) -> bool:
        """Whether a task is running, or its result was not taken yet."""
        return len(self._result) > 0 or (self._thread is not None and self._thread.is_alive())

    def start(self, work: Callable[[], Value]) -> None:
        """Start a task, unless one is running.

        Parameters
        ----------
        work
            Its result can be taken; its errors are logged.
        """
        if self.is_busy:
            return

        def run() -> None:
            """Do it."""
            try:
                self._result.put(work())
            except Exception:  # no caller waits for it, and the stage goes on without
                logger.exception("'%s' failed.", self._name)

        self._thread = threading.Thread(target=run, name=self._name, daemon=True)
        self._thread.start()

    def take(self) -> Value | None:
        """Return the result, once; None where there is none."""
        try:
            return self._result.take(0)
        except (EmptyError, ClosedError):
            return None

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Wait for the task to end; its result is dropped."""
        self._result.discard()
        if self._thread is not None:
            self._thread.join(timeout_s)


def prefetch(items: Iterable[Item], capacity: int = 4) -> Iterator[Item]:
    """Make items in another thread while the reader works on earlier ones.

    Parameters
    ----------
    items
        Made one after the other; nothing is lost.
    capacity
        How many may wait.

    Yields
    ------
    item
        In their order; an error of the maker is raised here.
    """
    waiting: Bounded[Item] = Bounded(capacity)

    def make() -> None:
        """Fill the mailbox until the items or the reader end."""
        try:
            for item in items:
                if not waiting.put(item):
                    return  # the reader left
            waiting.close()
        except BaseException as error:  # carried to the reader, who raises it
            waiting.poison(error)

    maker = threading.Thread(target=make, name="frames ahead", daemon=True)
    maker.start()
    try:
        while True:
            try:
                yield waiting.take()
            except ClosedError:
                return
    finally:
        waiting.discard()
        maker.join(timeout=10)
