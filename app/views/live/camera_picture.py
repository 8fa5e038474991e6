"""The newest image of a camera, scaled to its tile once and not at every paint."""

from typing import cast

import cv2
import numpy as np
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QImage, QPainter

from calibration.geometry.arrays import U8

# from this reduction on, halving with averages first keeps fine patterns from flickering
_HALVE_FROM = 3


class CameraPicture:
    """Keeps one image and its scaled copy."""

    def __init__(self) -> None:
        self._image_bgr: U8 | None = None
        self._size_wh = (0, 0)
        self._scaled: QImage | None = None
        self._pixels: U8 | None = None  # the QImage borrows its memory

    def show(self, image_bgr: U8 | None) -> None:
        """Show a newer image; None keeps the last one.

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
        return (
            None
            if self._image_bgr is None
            else (self._image_bgr.shape[1], self._image_bgr.shape[0])
        )

    def place(self, area: QRectF, ratio: float) -> QRectF:
        """Find the area of the image when it is as large as fits.

        Parameters
        ----------
        area
            Px of the widget.
        ratio
            Screen pixels per widget pixel.

        Returns
        -------
        place
            On whole screen pixels; empty where there is no image.
        """
        size = self.size_wh()
        if size is None or area.isEmpty():
            return QRectF()
        zoom = min(area.width() / size[0], area.height() / size[1]) * ratio
        width = max(1, round(size[0] * zoom))
        height = max(1, round(size[1] * zoom))
        left = round(area.center().x() * ratio - width / 2)
        top = round(area.center().y() * ratio - height / 2)
        return QRectF(left / ratio, top / ratio, width / ratio, height / ratio)

    def paint(self, painter: QPainter, place: QRectF, ratio: float) -> None:
        """Draw the image.

        Parameters
        ----------
        painter
        place, ratio
            As of `place`; where it is empty, nothing is drawn.
        """
        if self._image_bgr is None or place.isEmpty():
            return
        size_wh = round(place.width() * ratio), round(place.height() * ratio)
        if self._scaled is None or size_wh != self._size_wh:
            self._pixels = resize_image(self._image_bgr, size_wh)
            # PyQt accepts any buffer, although its types say bytes
            borrowed = cast(bytes, self._pixels.data)
            self._scaled = QImage(
                borrowed, *size_wh, self._pixels.strides[0], QImage.Format.Format_RGB32
            )
            self._scaled.setDevicePixelRatio(ratio)
            self._size_wh = size_wh
        painter.drawImage(place.topLeft(), self._scaled)


def resize_image(image_bgr: U8, size_wh: tuple[int, int]) -> U8:
    """Resize an image, cheaply and without flicker.

    Parameters
    ----------
    image_bgr : (H, W, 3), uint8
    size_wh
        Wanted, px.

    Returns
    -------
    image_bgrx : (H, W, 4), uint8
        In the format of the screen.
    """
    image = image_bgr
    while image.shape[1] >= _HALVE_FROM * size_wh[0] and image.shape[0] >= _HALVE_FROM * size_wh[1]:
        half = image.shape[1] // 2, image.shape[0] // 2
        image = cv2.resize(image, half, interpolation=cv2.INTER_AREA)
    if (image.shape[1], image.shape[0]) != size_wh:
        image = cv2.resize(image, size_wh, interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2BGRA), np.uint8)
