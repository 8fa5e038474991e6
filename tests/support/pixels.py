"""What a widget looks like, as an array."""

import numpy as np
from PyQt6.QtGui import QColor, QImage
from PyQt6.QtWidgets import QWidget


def grab_pixels(widget: QWidget) -> np.ndarray:
    """Draw a widget, (H, W, 3), RGB."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    buffer = image.constBits()
    assert buffer is not None
    rows = np.frombuffer(buffer.asarray(image.sizeInBytes()), np.uint8).reshape(
        image.height(), image.bytesPerLine()
    )
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def measure_colour_share(pixels: np.ndarray, colour: str, tolerance: int = 10) -> float:
    """Measure the share of pixels that have a colour."""
    expected = np.array(QColor(colour).getRgb()[:3])
    return float((np.abs(pixels.astype(int) - expected) <= tolerance).all(-1).mean())
