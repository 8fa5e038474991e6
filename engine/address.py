"""The addresses that users type for cameras, files and streams."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.errors import CameraNotFoundError
from engine.loading import load_attribute

MANIFEST = "session.toml"  # a folder with this file is a session
# What opens a studio, by the scheme of its address; imported on use. Takes the address, returns
# the studio and its sources.
STUDIOS = {"studio": "engine.capture.studio:open_studio"}
# What makes the source of a live camera, by the scheme of its address; imported on use. Takes the
# address and the view's name, returns a source that is not open yet.
LIVE_SOURCES = {
    "usb": "engine.capture.usb.address:open_usb",
    "rtsp": "engine.capture.network.address:open_network",
    "rtsps": "engine.capture.network.address:open_network",
    "http": "engine.capture.network.address:open_network",
    "https": "engine.capture.network.address:open_network",
}

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
    r"((?:^|[?&;/_])(?:log(?:in)?_?)?"
    r"(?:user(?:name)?|usr|use|login|pass(?:word|wd)?|pas|pwd|psw|pw|auth|access_?token"
    r"|token|api_?key|key|secret|signature|sig)=)(?:(?!_[a-z]+=)[^&?#;/\s])+",
    re.IGNORECASE,
)
HIDDEN_SECRET = "***"


class AddressKind(StrEnum):
    """What an address names."""

    LIVE = "live"
    STUDIO = "studio"
    SESSION = "session"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Address:
    """What a person typed, and what it names.

    Parameters
    ----------
    text
        As typed, with its password.
    kind
        A path is a session where it is a session folder, else a video, whether it exists or not.
    opener
        ``module:function`` that opens a live camera or the studio; empty for a path.
    """

    text: str
    kind: AddressKind
    opener: str = ""

    @property
    def shown(self) -> str:
        """The address for messages and files, without its password."""
        return strip_credentials(self.text)

    @property
    def path(self) -> Path:
        """Of a session or a video."""
        return Path(self.text)

    def load_opener(self) -> Callable[..., Any]:
        """Import what opens a live camera or the studio."""
        return load_attribute(self.opener)


def parse_address(text: str | Path) -> Address:
    """Read what a person typed.

    Parameters
    ----------
    text
        ``usb:…``, ``rtsp://…``, ``http://…``, ``studio:…``, or the path of a video or a session.

    Raises
    ------
    CameraNotFoundError
        If there is no such kind of address.
    """
    text = str(text)
    scheme = parse_scheme(text)
    if scheme in LIVE_SOURCES:
        return Address(text, AddressKind.LIVE, LIVE_SOURCES[scheme])
    if scheme in STUDIOS:
        return Address(text, AddressKind.STUDIO, STUDIOS[scheme])
    if scheme != "file":
        shown = strip_credentials(text)
        raise CameraNotFoundError(
            shown,
            f"'{shown}' is not a camera address. Give usb:…, rtsp://…, http://…, a "
            "video, or studio:walk.",
        )
    is_session = (Path(text) / MANIFEST).is_file()
    return Address(text, AddressKind.SESSION if is_session else AddressKind.VIDEO)


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
