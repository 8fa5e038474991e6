"""The notice: one sentence across the window that a person reads and dismisses."""

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.presenters.severity import Severity
from app.presenters.window import Notice
from app.requests import DismissNotice
from app.views.theme import PALETTE, SEVERITY_COLOURS, load_icon, set_property


class NoticeBar(QWidget):
    """Shows a notice; hidden while there is none."""

    requested = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._notice: Notice | None = None
        self._scale = 1.0
        self._icon, self._words = QLabel(), QLabel()
        self._words.setWordWrap(True)
        self._words.setObjectName("notice_words")
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._dismiss = QPushButton(load_icon("close"), "")
        self._dismiss.setObjectName("flat")
        self._dismiss.setToolTip("Dismiss")
        self._dismiss.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._dismiss.clicked.connect(lambda: self.requested.emit(DismissNotice()))
        self._row = QHBoxLayout(self)
        self._row.addWidget(self._icon)
        self._row.addWidget(self._words, 1)
        self._row.addWidget(self._dismiss)
        self.hide()

    def show_notice(self, notice: Notice | None) -> None:
        """Show this sentence from now on; None hides the bar."""
        if notice == self._notice:
            return
        self._notice = notice
        self.setVisible(notice is not None)
        if notice:
            self._words.setText(notice.text)
            set_property(self, "tone", str(notice.severity))
            self._draw_icon(notice.severity)

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        self._scale = scale
        self._row.setContentsMargins(
            round(16 * scale), round(5 * scale), round(16 * scale), round(5 * scale)
        )
        self._row.setSpacing(round(10 * scale))
        self._dismiss.setIconSize(QSize(round(14 * scale), round(14 * scale)))
        self._draw_icon(self._notice.severity if self._notice else Severity.NEUTRAL)

    def _draw_icon(self, severity: Severity) -> None:
        """Draw the sign before the sentence."""
        side = round(16 * self._scale)
        colour = PALETTE.text if severity is Severity.NEUTRAL else SEVERITY_COLOURS[severity]
        self._icon.setPixmap(load_icon("warning", colour).pixmap(QSize(side, side)))
        self._icon.setVisible(severity in (Severity.WARNING, Severity.ERROR))
