"""Transport: where the player is, whether it plays and how fast; pure, so that time can be invented in tests."""

from dataclasses import dataclass, replace

SPEEDS = (0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Transport:
    """The player's place in a take.

    Parameters
    ----------
    count
        How many instants there are.
    rate_fps
        Instants per second of real time; pauses in the recording are passed over.
    instant
        Where it is, 0-based.
    playing
    speed
        1 is real time.
    anchor_instant, anchor_s
        Where and when playing began or its speed was changed; meaningless while it stands.
    """

    count: int = 0
    rate_fps: float = 30.0
    instant: int = 0
    playing: bool = False
    speed: float = 1.0
    anchor_instant: int = 0
    anchor_s: float = 0.0

    def at(self, now_s: float) -> "Transport":
        """Return where it is now; at the end it stands.

        Parameters
        ----------
        now_s
            Any clock that only rises, s.
        """
        if not self.playing:
            return self
        passed = int((now_s - self.anchor_s) * self.rate_fps * self.speed + 1e-6)
        instant = self._clamp(self.anchor_instant + passed)
        return replace(self, instant=instant, playing=instant < self.count - 1)

    def toggle(self, now_s: float) -> "Transport":
        """Play or stand; at the end it plays from the beginning."""
        if self.playing:
            return replace(self.at(now_s), playing=False)
        instant = 0 if self.instant >= self.count - 1 else self.instant
        return replace(
            self, instant=instant, playing=self.count > 1, anchor_instant=instant, anchor_s=now_s
        )

    def seek(self, instant: int, now_s: float) -> "Transport":
        """Go to an instant; it goes on playing from there if it played."""
        instant = self._clamp(instant)
        return replace(self, instant=instant, anchor_instant=instant, anchor_s=now_s)

    def step(self, instants: int) -> "Transport":
        """Stand, so many instants on (or back)."""
        return replace(self, instant=self._clamp(self.instant + instants), playing=False)

    def with_speed(self, speed: float, now_s: float) -> "Transport":
        """Play faster or slower from here on."""
        here = self.at(now_s)
        return replace(here, speed=speed, anchor_instant=here.instant, anchor_s=now_s)

    def count_instants(self, seconds: float) -> int:
        """Return how many instants a time has, at least 1."""
        return max(1, round(seconds * self.rate_fps))

    def _clamp(self, instant: int) -> int:
        """Keep an instant within the take."""
        return min(max(instant, 0), max(self.count - 1, 0))
