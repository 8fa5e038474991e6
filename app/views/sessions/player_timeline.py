"""The timeline of the player: position, joints found and missing images."""

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QToolTip, QWidget

from app.presenters.player import PlayerSession, format_clock
from app.views.theme import PALETTE, make_font, to_qcolor
from calibration.geometry.arrays import F64

_HEIGHT_U = 34.0
_EDGE_U = 10.0
_TICK_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_MIN_TICK_U, _MIN_TICK_GAP_U = 72.0, 44.0  # usual, and beside a pause
_RIBBON_ROWS = 9


class PlayerTimeline(QWidget):
    """A track to click, drag and scroll; its picture is drawn once per session and size."""

    seek_requested = pyqtSignal(int)

    def __init__(self) -> None:
        super().__init__()
        self._session: PlayerSession | None = None
        self._instant = 0
        self._scale = 1.0
        self._picture: QPixmap | None = None
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_session(self, session: PlayerSession | None) -> None:
        """Show this session.

        Parameters
        ----------
        session
            None where there is none.
        """
        if session is not self._session:
            self._session = session
            self._picture = None
            self._instant = 0
            self.update()

    def show_instant(self, instant: int) -> None:
        """Move the marker to this instant."""
        if instant != self._instant:
            self._instant = instant
            self.update()

    def set_scale(self, scale: float) -> None:
        """Scale type and lines."""
        self._scale, self._picture = scale, None
        self.setFixedHeight(round(_HEIGHT_U * scale))
        self.update()

    def sizeHint(self) -> QSize:
        """Prefer a wide track."""
        return QSize(400, round(_HEIGHT_U * self._scale))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Redraw the track."""
        super().resizeEvent(event)
        self._picture = None

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the track and the marker."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._picture is None:
            self._picture = self._draw_track()
        painter.drawPixmap(0, 0, self._picture)
        if self._session is None or not self._session.count:
            return
        x = self._x_from_instant(self._instant)
        track = self._track_rect()
        u = self._scale
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(to_qcolor(PALETTE.text))
        painter.drawRect(QRectF(x - u, track.top() - 4 * u, 2 * u, track.height() + 8 * u))
        top = track.top() - 4 * u
        painter.drawPolygon(
            QPolygonF(
                [
                    QPointF(x - 5 * u, top - 3 * u),
                    QPointF(x + 5 * u, top - 3 * u),
                    QPointF(x, top + 4 * u),
                ]
            )
        )

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Seek to the click."""
        if event and event.button() == Qt.MouseButton.LeftButton:
            self._request_seek(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Scrub, or describe the instant under the mouse."""
        if event is None or self._session is None or not self._session.count:
            return
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._request_seek(event.position().x())
        else:
            instant = self._instant_from_x(event.position().x())
            QToolTip.showText(
                event.globalPosition().toPoint(), _describe_instant(self._session, instant), self
            )

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Step a few frames."""
        if event and self._session is not None and self._session.count:
            steps = -round(event.angleDelta().y() / 120) or (
                -1 if event.angleDelta().y() > 0 else 1
            )
            self.seek_requested.emit(min(max(self._instant + steps, 0), self._session.count - 1))

    def _request_seek(self, x: float) -> None:
        """Request the instant at a position."""
        if self._session is not None and self._session.count:
            self.seek_requested.emit(self._instant_from_x(x))

    def _track_rect(self) -> QRectF:
        """Return the area of the track."""
        u = self._scale
        return QRectF(_EDGE_U * u, 8 * u, self.width() - 2 * _EDGE_U * u, 9 * u)

    def _x_from_instant(self, instant: int) -> float:
        """Return the position of an instant."""
        count = self._session.count if self._session else 0
        return self._track_rect().left() + self._track_rect().width() * (
            instant / (count - 1) if count > 1 else 0.0
        )

    def _instant_from_x(self, x: float) -> int:
        """Return the instant at a position."""
        count = self._session.count if self._session else 1
        share = (x - self._track_rect().left()) / max(self._track_rect().width(), 1.0)
        return min(max(round(share * (count - 1)), 0), count - 1)

    def _draw_track(self) -> QPixmap:
        """Draw everything except the marker."""
        ratio = self.devicePixelRatioF()
        picture = QPixmap(max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio)))
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        track = self._track_rect()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(to_qcolor(PALETTE.raised))
        painter.drawRoundedRect(track, 2 * self._scale, 2 * self._scale)
        if self._session is not None and self._session.count:
            painter.drawImage(
                track, _draw_ribbon(self._session, max(1, round(track.width() * ratio)))
            )
            self._draw_ticks(painter, track)
        painter.end()
        return picture

    def _draw_ticks(self, painter: QPainter, track: QRectF) -> None:
        """Write times below the track."""
        session, u = self._session, self._scale
        if session is None or session.time_s[-1] <= 0:
            return
        seconds = float(session.time_s[-1])
        room = _MIN_TICK_U * u / max(track.width(), 1.0)
        step_s = next((step for step in _TICK_STEPS_S if step >= seconds * room), _TICK_STEPS_S[-1])
        painter.setFont(make_font(u, 10))
        painter.setPen(to_qcolor(PALETTE.muted))
        free_from = -np.inf
        for time_s in np.arange(0.0, seconds + 1e-6, step_s):
            x = self._x_from_instant(int(np.searchsorted(session.time_s, time_s - 1e-6)))
            if x < free_from:  # times within a pause of the recording share one place
                continue
            free_from = x + _MIN_TICK_GAP_U * u
            area = QRectF(x - 40 * u, track.bottom() + 3 * u, 80 * u, 13 * u)
            flag = Qt.AlignmentFlag.AlignHCenter
            if area.left() < 0:
                area.moveLeft(x)
                flag = Qt.AlignmentFlag.AlignLeft
            elif area.right() > self.width():
                area.moveRight(x)
                flag = Qt.AlignmentFlag.AlignRight
            painter.drawText(
                area, flag | Qt.AlignmentFlag.AlignTop, _format_tick(float(time_s), step_s)
            )


def _draw_ribbon(session: PlayerSession, width: int) -> QImage:
    """Colour time by the worst value per column, so that one lost image shows in an hour."""
    columns = np.minimum((np.arange(session.count) * width) // max(session.count, 1), width - 1)
    found = _find_column_minima(
        np.where(np.isnan(session.joints_found), 2.0, session.joints_found), columns, width
    )
    missing = -_find_column_minima(-session.missing, columns, width)
    poor, good, ground, line, missing_colour = (
        np.array(to_qcolor(colour).getRgb(), float)
        for colour in (PALETTE.bad, PALETTE.good, PALETTE.raised, PALETTE.line, PALETTE.care)
    )
    share = np.clip(found, 0, 1)[:, None]
    colours = 0.45 * ground + 0.55 * (poor + (good - poor) * share)
    colours[found > 1] = line
    rows = np.repeat(colours[None], _RIBBON_ROWS, 0)
    rows[: _RIBBON_ROWS // 2, missing > 0] = missing_colour
    pixels = np.ascontiguousarray(rows.round().astype(np.uint8))
    return QImage(
        pixels.tobytes(), width, _RIBBON_ROWS, 4 * width, QImage.Format.Format_RGBA8888
    ).copy()


def _find_column_minima(values: F64, columns: np.ndarray, width: int) -> F64:
    """Return the lowest value per pixel column; an empty column repeats its left neighbour."""
    lowest = np.full(width, np.inf)
    np.minimum.at(lowest, columns, values)
    filled = np.maximum.accumulate(np.where(np.isfinite(lowest), np.arange(width), 0))
    return lowest[filled]


def _describe_instant(session: PlayerSession, instant: int) -> str:
    """Describe an instant."""
    words = [f"{format_clock(float(session.time_s[instant]))} · frame {instant + 1}"]
    if session.missing[instant] > 0:
        shown = len(session.view_names) - len(session.without_video)
        missing_count = round(float(session.missing[instant]) * shown)
        words.append(f"image missing from {missing_count} of {shown} cameras")
    if session.joints_found[instant] < 1:
        words.append(f"{100 * session.joints_found[instant]:.0f} % of joints")
    return " · ".join(words)


def _format_tick(time_s: float, step_s: float) -> str:
    """Format a time below the track, as precisely as the tick step."""
    whole = round(time_s)
    if step_s < 1:
        return f"{time_s:.1f} s"
    return (
        f"{whole // 60}:{whole % 60:02d}"
        if whole < 3600
        else f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    )
