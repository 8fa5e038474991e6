"""Controller: a part of the program behind the window, and the table of what handles a request."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from app.requests import Request

Handlers = Mapping[type, Callable[[Any], object]]
"""What handles each class of request; a handler gets the request and never waits."""


class Controller(Protocol):
    """A part of the program behind the window. No call waits, except `close`, for a second or two.

    Attributes
    ----------
    handlers
        The requests that this part handles.
    """

    handlers: Handlers

    def tick(self) -> None:
        """Do what is due; called at screen rate."""
        ...

    def close(self) -> bool:
        """End everything; return whether all of it ended in time."""
        ...


def merge_handlers(*tables: Handlers) -> Handlers:
    """Put the tables of several controllers together.

    Raises
    ------
    ValueError
        If two tables handle the same class of request.
    """
    merged: dict[type, Callable[[Any], object]] = {}
    for table in tables:
        for kind in table:
            if kind in merged:
                raise ValueError(f"Two controllers handle the request '{kind.__name__}'.")
        merged |= table
    return merged


def dispatch(handlers: Handlers, request: Request) -> None:
    """Hand a request to its handler; never waits.

    Raises
    ------
    TypeError
        If there is none: a fault of the program.
    """
    handler = handlers.get(type(request))
    if handler is None:
        raise TypeError(f"No controller handles the request '{type(request).__name__}'.")
    handler(request)
