"""Repair sessions that a crash or a power cut ended, before they are opened."""

import logging
from collections.abc import Sequence
from pathlib import Path

from engine.errors import SessionError
from engine.session.repair import repair
from engine.session.session import is_session

logger = logging.getLogger(__name__)


def repair_sessions(inputs: Sequence[str | Path]) -> tuple[str, ...]:
    """Repair the sessions among these inputs.

    Parameters
    ----------
    inputs
        Anything that is not a session is left alone. So is a session that cannot be written:
        opening it says what is wrong with it, or works without the repair.

    Returns
    -------
    messages
        What was lost, for a person to read; empty where nothing needed repair.
    """
    messages: list[str] = []
    for path in map(Path, inputs):
        if not is_session(path):
            continue
        try:
            messages += repair(path)
        except SessionError:
            logger.info("'%s' was not repaired", path, exc_info=True)
    return tuple(messages)
