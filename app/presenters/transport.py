"""Transport: position, speed and state of the player; the clock is passed in."""

from dataclasses import dataclass, replace

SPEEDS = (0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Transport:
    """The position of the player in a session.

    Parameters
    ----------
    count
        How many instants there are.
    rate_fps
        Instants per second of real time; pauses in the recording are passed over.
    instant
        Current position, 0-based.
    playing
    speed
        1 is real time.
    anchor_instant, anchor_s
        Position and time of the last start or change of speed; unused while paused.
    """

    count: int = 0
    rate_fps: float = 30.0
    instant: int = 0
    playing: bool = False
    speed: float = 1.0
    anchor_instant: int = 0
    anchor_s: float = 0.0

    def at(self, now_s: float) -> "Transport":
        """Return the transport at a time; it pauses at the end.

        Parameters
        ----------
        now_s
            Of a monotonic clock, s.
        """
        if not self.playing:
            return self
        passed = int((now_s - self.anchor_s) * self.rate_fps * self.speed + 1e-6)
        instant = self._clamp(self.anchor_instant + passed)
        return replace(self, instant=instant, playing=instant < self.count - 1)

    def toggle(self, now_s: float) -> "Transport":
        """Play or pause; at the end, play from the start."""
        if self.playing:
            return replace(self.at(now_s), playing=False)
        instant = 0 if self.instant >= self.count - 1 else self.instant
        return replace(
            self, instant=instant, playing=self.count > 1, anchor_instant=instant, anchor_s=now_s
        )

    def seek(self, instant: int, now_s: float) -> "Transport":
        """Go to an instant; if playing, continue from there."""
        instant = self._clamp(instant)
        return replace(self, instant=instant, anchor_instant=instant, anchor_s=now_s)

    def step(self, instants: int) -> "Transport":
        """Pause, and move by so many instants."""
        return replace(self, instant=self._clamp(self.instant + instants), playing=False)

    def with_speed(self, speed: float, now_s: float) -> "Transport":
        """Change the speed from here on."""
        here = self.at(now_s)
        return replace(here, speed=speed, anchor_instant=here.instant, anchor_s=now_s)

    def count_instants(self, seconds: float) -> int:
        """Return how many instants fit in a time, at least 1."""
        return max(1, round(seconds * self.rate_fps))

    def _clamp(self, instant: int) -> int:
        """Clamp an instant to the session."""
        return min(max(instant, 0), max(self.count - 1, 0))
