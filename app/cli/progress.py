"""Progress on stderr: amount done, rate and time left.

On a terminal it is one line that is redrawn; elsewhere (a log file, a build server) a plain line
every few seconds.
"""

import shutil
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

from app.duration import format_duration

_REDRAW_S = 0.1
_PLAIN_LINE_S = 5.0
_RATE_WINDOW_S = 8.0
_BAR_CELLS = 24


class Progress:
    """Progress of one piece of work; a context manager and a callback in one.

    Parameters
    ----------
    label
        What is being done, for instance "Finding joints".
    total
        How much there is to do; None where unknown.
    unit
        What is counted; ``bytes`` are shown as megabytes, ``percent`` is not shown beside the
        percentage.
    stream
        Where to write; standard error if not given.
    clock
        Seconds that only rise; for tests.

    Examples
    --------
    ::

        with Progress("Finding joints", 900, "framesets") as progress:
            for index, frames in enumerate(framesets):
                ...
                progress(index + 1)
    """

    def __init__(
        self,
        label: str,
        total: int | None = None,
        unit: str = "framesets",
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label = label
        self._total = total
        self._unit = unit
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._is_terminal = self._stream.isatty()
        self._done = 0
        self._started_s = clock()
        self._shown_s = self._started_s - (_REDRAW_S if self._is_terminal else 0)
        self._samples: deque[tuple[float, int]] = deque([(self._started_s, 0)])

    def __enter__(self) -> "Progress":
        """Show that the work starts."""
        self._show()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Leave one line that says how it ended."""
        self._finish(completed=kind is None)

    def __call__(self, done: int, total: int | None = None) -> None:
        """Report how much is done.

        Parameters
        ----------
        done
            So far, from 0.
        total
            Replaces the total, once it is known.
        """
        now_s = self._clock()
        self._done = done
        self._total = self._total if total is None else total
        self._samples.append((now_s, done))
        while len(self._samples) > 2 and now_s - self._samples[0][0] > _RATE_WINDOW_S:
            self._samples.popleft()
        if now_s - self._shown_s >= (_REDRAW_S if self._is_terminal else _PLAIN_LINE_S):
            self._show()

    def _show(self) -> None:
        """Write the present state."""
        self._shown_s = self._clock()
        if not self._is_terminal:
            if self._done:
                self._write(f"{self._label}: {self._format_state()}\n")
            return
        width = shutil.get_terminal_size((80, 24)).columns - 1
        line = f"{self._label}  {self._format_bar()}{self._format_state()}"
        if len(line) > width:
            line = f"{self._label}  {self._format_state()}"
        self._write(f"\r\x1b[K{line[:width]}")

    def _finish(self, *, completed: bool) -> None:
        """Leave one plain line behind."""
        took_s = self._clock() - self._started_s
        start = "\r\x1b[K" if self._is_terminal else ""
        if completed and (self._unit == "percent" or not self._done):
            self._write(f"{start}{self._label}: done in {format_duration(took_s)}.\n")
            return
        if not completed:
            self._write(
                f"{start}{self._label}: stopped after {self._format_done()}.\n"
                if self._done
                else start
            )
            return
        self._write(f"{start}{self._label}: {self._format_done()} in {format_duration(took_s)}.\n")

    def _format_state(self) -> str:
        """Format the amount done, the rate and the time left."""
        parts = []
        if self._total:
            parts.append(f"{min(100, round(100 * self._done / self._total)):3d} %")
        rate = self._measure_rate()
        if self._unit != "percent":
            parts.append(self._format_done())
        if rate > 0:
            if self._unit != "percent":
                parts.append(f"{_format_amount(rate, self._unit)}/s")
            if self._total and self._total > self._done:
                parts.append(f"{format_duration((self._total - self._done) / rate)} left")
        return "  ".join(parts)

    def _format_done(self) -> str:
        """Format the amount done with its unit."""
        unit = "MB" if self._unit == "bytes" else self._unit
        done = _format_amount(self._done, self._unit)
        of_total = (
            f" of {_format_amount(self._total, self._unit)}"
            if self._total and self._done < self._total
            else ""
        )
        return f"{done}{of_total} {unit}"

    def _measure_rate(self) -> float:
        """Measure units per second over the last seconds."""
        (first_s, first), (last_s, last) = self._samples[0], self._samples[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0

    def _format_bar(self) -> str:
        """Draw the bar; nothing where the total is unknown."""
        if not self._total:
            return ""
        full = min(_BAR_CELLS, _BAR_CELLS * self._done // self._total)
        encoding = (getattr(self._stream, "encoding", None) or "").lower()
        solid, empty = ("█", "░") if encoding.startswith("utf") else ("#", ".")
        return f"{solid * full}{empty * (_BAR_CELLS - full)} "

    def _write(self, text: str) -> None:
        """Write and flush."""
        self._stream.write(text)
        self._stream.flush()


def _format_amount(amount: float, unit: str) -> str:
    """Write an amount in its unit."""
    if unit == "bytes":
        return f"{amount / 1e6:.1f}"
    return f"{amount:.0f}" if amount >= 100 or amount == int(amount) else f"{amount:.1f}"
