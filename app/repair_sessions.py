"""Sessions that were broken off are set right before a command works with them, and what was lost is said."""

import logging
from collections.abc import Sequence
from pathlib import Path

from app.report.calibration_output import print_messages
from engine.errors import SessionError
from engine.session.repair import repair
from engine.session.session import is_session

logger = logging.getLogger(__name__)


def repair_sessions(inputs: Sequence[str | Path]) -> tuple[str, ...]:
    """Set right the sessions among these inputs, and say what was lost.

    Parameters
    ----------
    inputs
        Others than sessions are left alone; so is a session that cannot be written, which whoever
        opens it judges.

    Returns
    -------
    told
        What was said.
    """
    reported: list[str] = []
    for path in map(Path, inputs):
        if not is_session(path):
            continue
        try:
            lost = repair(path)
            print_messages(lost)
            reported += lost
        except SessionError:
            logger.info("'%s' was not repaired", path, exc_info=True)
    return tuple(reported)
