"""The parts of the report page, as HTML: sections, figures and tables."""

from collections.abc import Sequence
from html import escape


def render_section(title: str, note: str, body: str) -> str:
    """Render a section of the page.

    Parameters
    ----------
    title, note
        Plain text; no note where it is empty.
    body
        HTML.
    """
    noted = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{noted}{body}</section>"


def render_figure(drawing: str, caption: str) -> str:
    """Render a drawing with its caption.

    Parameters
    ----------
    drawing
        SVG.
    caption
        Plain text.
    """
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def render_table(head: Sequence[str], rows: Sequence[Sequence[tuple[str, bool]]]) -> str:
    """Render a table that scrolls where it is wider than the page.

    Parameters
    ----------
    head
    rows
        Text of each cell, and whether it is highlighted.
    """
    heads = "".join(f"<th>{escape(word)}</th>" for word in head)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="care">{escape(text)}</td>' if care else f"<td>{escape(text)}</td>"
            for text, care in row
        )
        + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><tr>{heads}</tr>{body}</table></div>'
