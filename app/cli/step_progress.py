"""Progress of a use case in the terminal: one line for each step that counts something."""

from app.cli.progress import Progress
from engine.offline.progress import StepProgress


class StepLines:
    """Shows the steps of a use case, as a context manager and a callback in one.

    Examples
    --------
    ::

        with StepLines() as progress:
            track(inputs, out, options, progress)
    """

    def __init__(self) -> None:
        self._step = ""
        self._line: Progress | None = None

    def __enter__(self) -> "StepLines":
        """Show nothing yet."""
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """End the line of the last step."""
        self._end_line(kind)

    def __call__(self, progress: StepProgress) -> None:
        """Show how far the work is."""
        if progress.step != self._step:
            self._end_line(None)
            self._step = progress.step
            if progress.unit:
                self._line = Progress(progress.step, progress.total, progress.unit)
                self._line.__enter__()
        if self._line is not None and progress.done:
            self._line(progress.done)

    def _end_line(self, kind: object) -> None:
        """End the line of a step; say whether it was completed."""
        line, self._line = self._line, None
        if line is not None:
            line.__exit__(kind)
