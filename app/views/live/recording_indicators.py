"""Signs of a recording, visible from across the room: a red frame and a large countdown."""

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from app.presenters.window import Controls, RecordingPhase
from app.views.theme import PALETTE, make_font, to_qcolor


class RecordingIndicators:
    """Four bars along the edges of a widget and a countdown in its middle; clicks pass through."""

    def __init__(self, parent: QWidget) -> None:
        self._parent = parent
        self._bars = [QWidget(parent) for _ in range(4)]
        for bar in self._bars:
            bar.setObjectName("recording_bar")
            bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
            bar.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            bar.hide()
        self._countdown = _Countdown(parent)
        self._phase = RecordingPhase.READY
        self._scale = 1.0

    def show_controls(self, controls: Controls | None) -> None:
        """Show the state of the recording."""
        phase = controls.recording if controls else RecordingPhase.READY
        if controls and phase is RecordingPhase.COUNTING:
            self._countdown.show_digits(controls.clock, self._scale)
        if phase is self._phase:
            return
        self._phase = phase
        self._countdown.setVisible(phase is RecordingPhase.COUNTING)
        for bar in self._bars:
            bar.setVisible(phase is RecordingPhase.RECORDING)
        self.place(self._scale)

    def place(self, scale: float) -> None:
        """Place bars and countdown for the size of the widget."""
        self._scale = scale
        width = self._parent.width()
        height = self._parent.height()
        thick = max(round(3 * scale), 2)
        for bar, (x, y, w, h) in zip(
            self._bars,
            (
                (0, 0, width, thick),
                (0, height - thick, width, thick),
                (0, 0, thick, height),
                (width - thick, 0, thick, height),
            ),
        ):
            bar.setGeometry(x, y, w, h)
            bar.raise_()
        side = round(min(width, height) * 0.5)
        self._countdown.setGeometry((width - side) // 2, (height - side) // 2, side, side)
        self._countdown.raise_()


class _Countdown(QWidget):
    """Large digits on a dark disc."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._digits, self._scale = "", 1.0
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_digits(self, digits: str, scale: float) -> None:
        """Show these digits."""
        if (digits, scale) != (self._digits, self._scale):
            self._digits, self._scale = digits, scale
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the disc and the digits."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(to_qcolor("#0a0c10", 0.8))
        area = QRectF(self.rect())
        painter.drawEllipse(area)
        painter.setPen(to_qcolor(PALETTE.bad))
        painter.setFont(make_font(1.0, round(area.height() * 0.56), bold=True))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, self._digits)
