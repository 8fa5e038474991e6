"""How long the controllers wait for what they end; tests are more patient than the program."""

from dataclasses import dataclass

from engine.capture.network.limits import NETWORK_LIMITS, NetworkLimits
from engine.live.live import LiveOptions


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """How long the live program waits.

    Parameters
    ----------
    worker_close_s
        For the worker's present work when the window closes.
    cameras_close_s
        For the cameras when they are stopped; with the worker's it is two seconds.
    network
        For cameras in the network.
    """

    worker_close_s: float = 0.2
    cameras_close_s: float = LiveOptions().close_s
    network: NetworkLimits = NETWORK_LIMITS


LIVE_LIMITS = LiveLimits()


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long the sessions' work is waited for when it is ended.

    Parameters
    ----------
    close_s
        For the work in the background, all together.
    player_close_s
        For the player to release its files.
    """

    close_s: float = 1.0
    player_close_s: float = 2.0


SESSION_LIMITS = SessionLimits()
