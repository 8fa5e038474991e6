"""Labels of a drawing that cover neither each other nor what they name."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.report.svg import draw_line, draw_text
from calibration.geometry.arrays import F64

LINE_PX = 13.0  # height of a line
_CHARACTER_PX = 7.0  # of the bold font of names, on average
_DISTANCES_PX = (3.0, 12.0, 24.0, 38.0, 54.0, 72.0)
_DIRECTIONS = 16
_LEADER_PX = 34.0  # a label farther away than this is joined to its point
_MAX_CLEAR_PX = 60.0  # from an ellipse larger than this, its label does not keep clear


@dataclass(frozen=True, slots=True)
class Label:
    """What is written beside a point.

    Parameters
    ----------
    lines
        The first is the name.
    xy
        The point.
    outwards : (2,)
        Where the label is best placed.
    reach : (2,)
        Half the width and half the height of what is drawn there.
    """

    lines: tuple[str, ...]
    xy: F64
    outwards: F64
    reach: F64


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the drawing."""

    left: float
    top: float
    right: float
    bottom: float

    def measure_overlap(self, other: "Box") -> float:
        """Area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def move_inside(self, frame: "Box") -> "Box":
        """Move it by the least that brings it inside of a frame."""
        right = min(0.0, frame.right - self.right) or max(0.0, frame.left - self.left)
        down = min(0.0, frame.bottom - self.bottom) or max(0.0, frame.top - self.top)
        return Box(self.left + right, self.top + down, self.right + right, self.bottom + down)


def place_labels(labels: Sequence[Label], frame: Box) -> list[Box]:
    """Place each label near its point, where it covers least of what is placed already.

    Parameters
    ----------
    labels
    frame
        What no label leaves.
    """
    taken = [Box(*(label.xy - label.reach), *(label.xy + label.reach)) for label in labels]
    placed: list[Box] = []
    for label in labels:
        candidates = [box.move_inside(frame) for box in _list_candidates(label)]
        covered = [sum(box.measure_overlap(other) for other in taken) for box in candidates]
        best = candidates[int(np.argmin(np.round(covered, 1)))]  # the first of equals is nearest
        placed.append(best)
        taken.append(best)
    return placed


def draw_labels(labels: Sequence[Label], frame: Box) -> list[str]:
    """Draw labels; those that had to move away are joined to their points.

    Parameters
    ----------
    labels, frame
        As for `place_labels`.
    """
    parts: list[str] = []
    for label, box in zip(labels, place_labels(labels, frame)):
        near = np.clip(label.xy, [box.left, box.top], [box.right, box.bottom])
        if np.linalg.norm(near - label.xy) > _LEADER_PX:
            parts.append(draw_line("leader", tuple(label.xy), tuple(near)))
        middle = (box.left + box.right) / 2
        parts += [
            draw_text(
                line, (middle, box.top + LINE_PX * (i + 0.8)), "middle", "note" if i else "name"
            )
            for i, line in enumerate(label.lines)
        ]
    return parts


def measure_width(text: str) -> float:
    """Estimate how wide a text is in a drawing.

    Parameters
    ----------
    text
    """
    return _CHARACTER_PX * len(text)


def _list_candidates(label: Label) -> list[Box]:
    """List places about a point, the best first."""
    half = np.array(
        [max(map(measure_width, label.lines)) / 2, LINE_PX * len(label.lines) / 2], float
    )
    clear = np.minimum(label.reach, _MAX_CLEAR_PX)
    start = float(np.arctan2(label.outwards[1], label.outwards[0]))
    turns = sorted(
        np.arange(_DIRECTIONS) * 2 * np.pi / _DIRECTIONS, key=lambda a: min(a, 2 * np.pi - a)
    )
    boxes: list[Box] = []
    for distance in _DISTANCES_PX:
        for turn in turns:
            way = np.array([np.cos(start + turn), np.sin(start + turn)])
            middle = label.xy + way * (distance + half * np.abs(way) + clear)
            boxes.append(Box(*(middle - half), *(middle + half)))
    return boxes
