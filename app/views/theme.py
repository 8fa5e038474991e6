"""The theme: colours, fonts, icons and one scale, from 1280 x 720 to 3840 x 2160."""

import atexit
import re
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from importlib import resources
from itertools import pairwise

from PyQt6.QtCore import QByteArray, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFont, QIcon, QPainter, QPixmap
from PyQt6.QtSvg import QSvgRenderer
from PyQt6.QtWidgets import QWidget

from app.presenters.severity import Severity

_FAMILIES = ["Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "Cantarell", "Ubuntu", "DejaVu Sans"]
_DESIGN_HEIGHT_PX = 720
_MAX_SCALE = 3.0
_ICON_PX = 64
_UNIT = re.compile(r"(\d+(?:\.\d+)?)u\b")


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of the dark theme, by purpose."""

    ground: str = "#0e1116"
    surface: str = "#151a21"
    raised: str = "#1e252e"
    line: str = "#272f3a"
    text: str = "#e9edf2"
    muted: str = "#93a0b0"
    accent: str = "#5cc8ff"
    good: str = "#45d6a0"
    care: str = "#ffb84d"
    bad: str = "#ff6b6b"
    good_soft: str = "#16352c"
    care_soft: str = "#3a2d16"
    bad_soft: str = "#3d1e20"
    left: str = "#ff9f5a"
    right: str = "#4fb8ff"
    middle: str = "#e9edf2"


PALETTE = Palette()
SEVERITY_COLOURS = {
    Severity.NEUTRAL: PALETTE.muted,
    Severity.GOOD: PALETTE.good,
    Severity.WARNING: PALETTE.care,
    Severity.ERROR: PALETTE.bad,
}


def choose_scale(size: QSize) -> float:
    """Choose the scale of a window of this size.

    Parameters
    ----------
    size
        Of the window, px.

    Returns
    -------
    scale
        1 at 1280 x 720; grows a little slower than the window, since a larger screen is viewed
        from relatively nearer.
    """
    ratio = min(size.height() / _DESIGN_HEIGHT_PX, size.width() / 1280)
    return min(max(ratio, 1.0) ** 0.9, _MAX_SCALE)


def choose_window_scale(widget: QWidget) -> float:
    """Choose the scale of the window that a widget is in; see `choose_scale`."""
    window = widget.window()
    return choose_scale(window.size() if window is not None else widget.size())


def build_stylesheet(scale: float) -> str:
    """Build the style sheet of the window, ``assets/theme.qss``; see `read_stylesheet`."""
    return read_stylesheet("theme.qss", scale)


@lru_cache(16)
def read_stylesheet(file: str, scale: float) -> str:
    """Read a style sheet, and fill in its lengths, colours and icons.

    Parameters
    ----------
    file
        Of the folder ``assets``.
    scale
        Pixels per unit ``u``.
    """
    assets = resources.files("assets")
    text = (assets / file).read_text(encoding="utf-8")
    text = text.replace("{icons}", str(assets / "icons").replace("\\", "/"))
    for colour in fields(Palette):
        text = text.replace(f"{{{colour.name}}}", getattr(PALETTE, colour.name))
    return _UNIT.sub(lambda match: f"{max(1, round(float(match[1]) * scale))}px", text)


@lru_cache(256)
def make_font(scale: float, size_u: float, *, bold: bool = False) -> QFont:
    """Return a font for painting; it is shared, so only change a copy.

    Parameters
    ----------
    scale
    size_u
        Height in design units.
    bold
    """
    face = QFont(_FAMILIES)
    face.setPixelSize(max(8, round(size_u * scale)))
    face.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return face


@lru_cache(512)
def to_qcolor(colour: str, alpha: float = 1.0) -> QColor:
    """Return a colour with transparency; it is shared, so only change a copy.

    Parameters
    ----------
    colour
        For instance ``#5cc8ff``.
    alpha
        0 to 1.
    """
    shaded = QColor(colour)
    shaded.setAlphaF(alpha)
    return shaded


@cache
def load_icon(name: str, colour: str = PALETTE.text) -> QIcon:
    """Load an icon of ``assets/icons`` in a colour.

    Parameters
    ----------
    name
        Of the file, without its suffix.
    colour

    Returns
    -------
    icon
        Sharp up to 64 px.
    """
    if not load_icon.cache_info().currsize:
        # a pixmap must not outlive the application
        atexit.register(load_icon.cache_clear)
    text = (resources.files("assets") / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    pixmap = QPixmap(_ICON_PX, _ICON_PX)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(text.replace("currentColor", colour).encode())).render(
        painter, QRectF(pixmap.rect())
    )
    painter.end()
    made = QIcon(pixmap)
    pale = QPixmap(pixmap)
    painter = QPainter(pale)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
    painter.fillRect(pale.rect(), QColor(0, 0, 0, 90))
    painter.end()
    made.addPixmap(pale, QIcon.Mode.Disabled)
    return made


def set_property(widget: QWidget, name: str, value: str) -> None:
    """Set a property used by the style sheet, and restyle the widget if it changed.

    Parameters
    ----------
    widget
    name, value
        For instance ``tone`` and ``good``.
    """
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    style = widget.style()
    if style:
        style.unpolish(widget)
        style.polish(widget)


def colour_from_confidence(confidence: float) -> QColor:
    """Colour a confidence: red below 0.3, amber around 0.5, green from 0.8.

    Parameters
    ----------
    confidence
        0 to 1.
    """
    stops = ((0.3, QColor(PALETTE.bad)), (0.5, QColor(PALETTE.care)), (0.8, QColor(PALETTE.good)))
    if confidence <= stops[0][0]:
        return stops[0][1]
    for (low, start), (high, end) in pairwise(stops):
        if confidence <= high:
            return blend(start, end, (confidence - low) / (high - low))
    return stops[-1][1]


def blend(start: QColor, end: QColor, share: float) -> QColor:
    """Mix two colours.

    Parameters
    ----------
    start, end
    share
        0 gives `start`, 1 gives `end`.
    """
    mixed = [round(a + (b - a) * share) for a, b in zip(start.getRgb(), end.getRgb())]
    return QColor(*mixed)
