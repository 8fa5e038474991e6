"""The log file: details for when something fails."""

import logging
import re
from logging.handlers import RotatingFileHandler
from pathlib import Path

from engine.address import strip_credentials

_ADDRESS = re.compile(r"\w+://\S+")
_EXAMPLE = "://user:password@"  # as our own messages show it
_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_MAX_BYTES = 2_000_000


class PasswordHidingFormatter(logging.Formatter):
    """Writes a record without the user and password of any address in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record.

        Returns
        -------
        text
            ``rtsp://anna:secret@host`` reads ``rtsp://host``, in tracebacks too.
        """
        return hide_passwords(super().format(record))


def hide_passwords(text: str) -> str:
    """Remove user, password and any key from every address in a text.

    Examples
    --------
    >>> hide_passwords("rtsp://anna:secret@10.0.0.7/live?key=4711 is silent")
    'rtsp://10.0.0.7/live?key=*** is silent'
    """
    return _ADDRESS.sub(
        lambda found: found[0] if _EXAMPLE in found[0] else strip_credentials(found[0]), text
    )


def start_log(path: Path) -> bool:
    """Send the log to a file, the newest 2 MB and one file before them.

    Parameters
    ----------
    path
        Its folder is made.

    Returns
    -------
    started
        False where the disk refuses: the program works without a log.
    """
    root = logging.getLogger()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(path, maxBytes=_MAX_BYTES, backupCount=1, encoding="utf-8")
    except OSError:
        root.addHandler(logging.NullHandler())
        return False
    handler.setFormatter(PasswordHidingFormatter(_FORMAT))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    return True
