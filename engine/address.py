"""The addresses that users type for cameras, files and streams."""

import re
from collections.abc import Sequence
from pathlib import Path

_SCHEME = re.compile(r"([a-z][a-z0-9+]+):", re.IGNORECASE)
# The login before the host. An unquoted @ or / counts as part of the password, so that none of it
# is shown.
_LOGIN = re.compile(r"(?<=://)(?:[^/?#\s]*@|[^/?#\s@]*:(?!\d+(?:[/?#]|$))[^\s]*@)")
# An unquoted blank in the login of a single address; in a text it would separate words.
_LOGIN_WITH_BLANKS = re.compile(
    r"^(\s*[a-z][a-z0-9+]*://)[^/?#@]*:(?!\d+(?:[/?#]|$))\S*\s.*@", re.IGNORECASE | re.DOTALL
)
# Names under which cameras accept a login in path or query: ?user=a&pwd=b,
# /user=a_password=b_channel=1, loginpas=…
_SECRET = re.compile(
    r"((?:^|[?&;/_])(?:log(?:in)?_?)?(?:user(?:name)?|usr|use|login|pass(?:word|wd)?|pas|pwd|psw|pw|auth|access_?token"
    r"|token|api_?key|key|secret|signature|sig)=)(?:(?!_[a-z]+=)[^&?#;/\s])+",
    re.IGNORECASE,
)
HIDDEN_SECRET = "***"


def parse_scheme(address: str) -> str:
    """Return the kind of source that an address names.

    Parameters
    ----------
    address
        For instance ``studio:walk?seed=1``, ``usb:0``, or a path.

    Returns
    -------
    scheme
        In lower case; ``file`` for a path. One letter and a colon is a drive, not a scheme, and the
        name of an existing file is a file.
    """
    match = _SCHEME.match(address)
    return match[1].lower() if match and not Path(address).exists() else "file"


def strip_credentials(address: str) -> str:
    """Remove user name and password from an address, for logs, messages and sessions.

    Returns
    -------
    address
        ``rtsp://user:secret@door/1`` becomes ``rtsp://door/1``, and ``http://door/v?user=a&pwd=b``
        becomes ``http://door/v?user=***&pwd=***``. Without a ``scheme://`` it is unchanged.
    """
    if "://" not in address:
        return address
    return _SECRET.sub(
        rf"\1{HIDDEN_SECRET}", _LOGIN.sub("", _LOGIN_WITH_BLANKS.sub(r"\1", address))
    )


def name_views(paths: Sequence[Path]) -> tuple[str, ...]:
    """Name the views after their files.

    Parameters
    ----------
    paths
        Different files.

    Returns
    -------
    names
        The stems. Where two agree, their folders' names are put before them (``left_video``,
        ``right_video``) until all differ; where even that does not help (``a.mp4``, ``a.avi``),
        every stem is followed by its position.
    """
    absolute = [Path(path).absolute() for path in paths]
    names = [path.stem for path in absolute]
    for level in range(1, max((len(path.parts) for path in absolute), default=0) - 1):
        clash = [index for index, name in enumerate(names) if names.count(name) > 1]
        for index in clash:
            names[index] = "_".join((*absolute[index].parts[1:-1][-level:], absolute[index].stem))
    if len(set(names)) == len(names):
        return tuple(names)
    return tuple(f"{path.stem}_{index + 1}" for index, path in enumerate(absolute))
