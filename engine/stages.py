"""Stages in threads of their own, while the page stays the specification of what happens."""

import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

from engine.mailbox import Bounded, ClosedError

Item = TypeVar("Item")


def ahead(items: Iterable[Item], capacity: int = 4) -> Iterator[Item]:
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
