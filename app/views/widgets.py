"""Labels and buttons as the views use them, with object names for the style sheets."""

from collections.abc import Callable

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel, QLayout, QPushButton

from app.views.theme import PALETTE, load_icon


def make_label(name: str, text: str = "", *, wrap: bool = False) -> QLabel:
    """Make a label of plain text.

    Parameters
    ----------
    name
        In the style sheet.
    text
    wrap
        Whether long text is broken into lines.
    """
    label = QLabel(text)
    label.setObjectName(name)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wrap)
    return label


def make_button(
    text: str, press: Callable[[], object], *, name: str = "", icon: str = "", tip: str = ""
) -> QPushButton:
    """Make a button.

    Parameters
    ----------
    text
        Empty for a button with an icon only; `tip` is then its accessible name.
    press
        Called on a click.
    name
        In the style sheet.
    icon
        One of ``assets/icons``; empty for none.
    tip
    """
    button = QPushButton(text)
    button.setObjectName(name)
    if icon:
        button.setIcon(load_icon(icon))
    button.setToolTip(tip)
    button.setAccessibleName(text or tip)
    button.clicked.connect(lambda: press())
    return button


def make_page_button(
    text: str, press: Callable[[], object], icon: str, *, name: str = "action", tip: str = ""
) -> QPushButton:
    """Make a button of a page: a muted icon, some space, and text; see `make_button`."""
    button = make_button(f"\u2002{text}" if text else "", press, name=name, tip=tip)
    button.setIcon(load_icon(icon, PALETTE.muted))
    button.setAccessibleName(text or tip)
    return button


def clear_layout(layout: QLayout) -> None:
    """Remove and delete the widgets of a layout."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
