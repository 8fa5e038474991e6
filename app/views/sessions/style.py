"""The style sheet of the Sessions and Fine-tune pages, on top of the window's."""

import re
from dataclasses import fields
from functools import lru_cache
from importlib import resources

from app.views.theme import PALETTE

HEAD_U = 48.0  # height of a page's head
_UNIT = re.compile(r"(\d+(?:\.\d+)?)u\b")


@lru_cache(8)
def build_sessions_stylesheet(scale: float) -> str:
    """Build the style sheet for a scale.

    Parameters
    ----------
    scale
        Pixels per unit ``u``.
    """
    assets = resources.files("assets")
    text = (assets / "sessions.qss").read_text(encoding="utf-8")
    text = text.replace("{icons}", str(assets / "icons").replace("\\", "/"))
    for colour in fields(PALETTE):
        text = text.replace(f"{{{colour.name}}}", getattr(PALETTE, colour.name))
    return _UNIT.sub(lambda match: f"{max(1, round(float(match[1]) * scale))}px", text)
