"""The notice bar: one message across the window that can be dismissed."""

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.presenters.severity import Severity
from app.presenters.window import Notice
from app.requests import DismissNotice
from app.views.theme import PALETTE, SEVERITY_COLOURS, load_icon, set_property
from app.views.widgets import make_button, make_label


class NoticeBar(QWidget):
    """Shows a notice; hidden while there is none."""

    requested = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._notice: Notice | None = None
        self._scale = 1.0
        self._icon, self._words = QLabel(), make_label("notice_words", wrap=True)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._dismiss = make_button(
            "", self._request_dismissal, name="flat", icon="close", tip="Dismiss"
        )
        self._dismiss.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._row = QHBoxLayout(self)
        self._row.addWidget(self._icon)
        self._row.addWidget(self._words, 1)
        self._row.addWidget(self._dismiss)
        self.hide()

    def show_notice(self, notice: Notice | None) -> None:
        """Show this notice; None hides the bar."""
        if notice == self._notice:
            return
        self._notice = notice
        self.setVisible(notice is not None)
        if notice:
            self._words.setText(notice.text)
            set_property(self, "tone", str(notice.severity))
            self._draw_icon(notice.severity)

    def set_scale(self, scale: float) -> None:
        """Scale spacing to the window."""
        self._scale = scale
        self._row.setContentsMargins(
            round(16 * scale), round(5 * scale), round(16 * scale), round(5 * scale)
        )
        self._row.setSpacing(round(10 * scale))
        self._dismiss.setIconSize(QSize(round(14 * scale), round(14 * scale)))
        self._draw_icon(self._notice.severity if self._notice else Severity.NEUTRAL)

    def _request_dismissal(self) -> None:
        """Request that the notice is dismissed."""
        self.requested.emit(DismissNotice())

    def _draw_icon(self, severity: Severity) -> None:
        """Draw the icon before the message."""
        side = round(16 * self._scale)
        colour = PALETTE.text if severity is Severity.NEUTRAL else SEVERITY_COLOURS[severity]
        self._icon.setPixmap(load_icon("warning", colour).pixmap(QSize(side, side)))
        self._icon.setVisible(severity in (Severity.WARNING, Severity.ERROR))
