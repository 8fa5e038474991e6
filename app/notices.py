"""Notices: the sentences that a person should read, one at a time, until each was dismissed."""

import logging
import time
from collections.abc import Callable, Sequence
from math import inf

from app.presenters.tone import Tone
from app.presenters.window import Notice

logger = logging.getLogger(__name__)

KEPT = 8
GOOD_S = 12.0  # good news leaves by itself; whatever wants something done stays until it was read


class Notices:
    """Sentences for the window. Any thread may tell one.

    Parameters
    ----------
    clock
        Seconds that pass evenly.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: tuple[tuple[Notice, float], ...] = ()  # and when it leaves, s
        self._dismissed: frozenset[str] = frozenset()

    def tell(self, sentence: str, tone: Tone = Tone.CARE) -> None:
        """Let a person read a sentence; one that is there already comes to the front.

        Parameters
        ----------
        sentence
        tone
            GOOD for what went well: nobody needs to dismiss it.
        """
        logger.info("told: %s", sentence)
        leaves_s = self._clock() + GOOD_S if tone is Tone.GOOD else inf
        others = tuple(told for told in self._told if told[0].text != sentence)
        self._told = (*others, (Notice(sentence, tone), leaves_s))[-KEPT:]

    def newest(self) -> Notice | None:
        """Return what is to be read now."""
        now_s = self._clock()
        if any(leaves_s <= now_s for _, leaves_s in self._told):
            self._told = tuple(told for told in self._told if told[1] > now_s)
        told = self._told
        return told[-1][0] if told else None

    def unread(self, lasting: Sequence[str]) -> tuple[str, ...]:
        """Leave out what was dismissed of the sentences that hold for a while; once they end, they are new again.

        Parameters
        ----------
        lasting
            Those that hold now.

        Returns
        -------
        sentences
        """
        self._dismissed &= frozenset(lasting)
        return tuple(sentence for sentence in lasting if sentence not in self._dismissed)

    def dismiss(self, lasting: Sequence[str]) -> None:
        """Take the sentence away that is shown.

        Parameters
        ----------
        lasting
            As they are shown; the newest of them goes where nothing else was told.
        """
        if self._told:
            self._told = self._told[:-1]
        else:
            self._dismissed |= frozenset(lasting[-1:])
