"""The newest image of a camera, made as large as its tile once and not at every paint."""

from typing import cast

import cv2
import numpy as np
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QImage, QPainter

from calibration.geometry.arrays import U8

_HALVE_FROM = 3  # times smaller: there, halves that average neighbours keep fine patterns from flickering


class CameraPicture:
    """Keeps one image and what was made of it."""

    def __init__(self) -> None:
        self._image_bgr: U8 | None = None
        self._size_wh = (0, 0)
        self._scaled: QImage | None = None
        self._pixels: U8 | None = None  # the QImage borrows its memory

    def show(self, image_bgr: U8 | None) -> None:
        """Take a newer image; None keeps the last one.

        Parameters
        ----------
        image_bgr : (H, W, 3), uint8
            Not copied; it must not change.
        """
        if image_bgr is not None and image_bgr is not self._image_bgr:
            self._image_bgr, self._scaled = image_bgr, None

    def forget(self) -> None:
        """Drop the image."""
        self._image_bgr = self._scaled = self._pixels = None

    def size_wh(self) -> tuple[int, int] | None:
        """Return the image's size, px; None where there is none."""
        return None if self._image_bgr is None else (self._image_bgr.shape[1], self._image_bgr.shape[0])

    def paint(self, painter: QPainter, area: QRectF) -> QRectF:
        """Draw the image as large as fits.

        Parameters
        ----------
        painter
        area
            Px of the widget.

        Returns
        -------
        picture
            Where the image came to lie; empty where there is none.
        """
        size = self.size_wh()
        if size is None or self._image_bgr is None or area.isEmpty():
            return QRectF()
        device = painter.device()
        ratio = device.devicePixelRatioF() if device else 1.0
        zoom = min(area.width() / size[0], area.height() / size[1]) * ratio
        wanted = max(1, round(size[0] * zoom)), max(1, round(size[1] * zoom))
        if self._scaled is None or wanted != self._size_wh:
            self._pixels = resized(self._image_bgr, wanted)
            # PyQt takes any buffer where its types say bytes
            borrowed = cast(bytes, self._pixels.data)
            self._scaled = QImage(borrowed, *wanted, self._pixels.strides[0], QImage.Format.Format_RGB32)
            self._scaled.setDevicePixelRatio(ratio)
            self._size_wh = wanted
        left = round(area.center().x() * ratio - wanted[0] / 2) / ratio
        top = round(area.center().y() * ratio - wanted[1] / 2) / ratio
        picture = QRectF(left, top, wanted[0] / ratio, wanted[1] / ratio)
        painter.drawImage(picture.topLeft(), self._scaled)
        return picture


def resized(image_bgr: U8, size_wh: tuple[int, int]) -> U8:
    """Make an image of another size, cheaply and without flicker.

    Parameters
    ----------
    image_bgr : (H, W, 3), uint8
    size_wh
        Wanted, px.

    Returns
    -------
    image_bgrx : (H, W, 4), uint8
        As the screen takes it.
    """
    image = image_bgr
    while image.shape[1] >= _HALVE_FROM * size_wh[0] and image.shape[0] >= _HALVE_FROM * size_wh[1]:
        half = image.shape[1] // 2, image.shape[0] // 2
        image = cv2.resize(image, half, interpolation=cv2.INTER_AREA)
    if (image.shape[1], image.shape[0]) != size_wh:
        image = cv2.resize(image, size_wh, interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2BGRA), np.uint8)
