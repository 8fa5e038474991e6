"""The Fine-tune page: choices on the left, the run and its result on the right."""

from pathlib import Path

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.presenters.finetune import FinetuneState
from app.requests import ResumeFinetune
from app.views.finetune.choices import FinetuneChoices
from app.views.finetune.models import FinetuneModels
from app.views.finetune.run import FinetuneRun
from app.views.sessions.style import HEAD_U, build_sessions_stylesheet
from app.views.theme import choose_window_scale
from app.views.widgets import make_label

_PURPOSE = "Train the one-camera model on what several of your cameras have measured."


class FinetunePage(QWidget):
    """Draws the page; `requested` emits what the user asks for."""

    requested = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._scale = 0.0
        self._choices = FinetuneChoices()
        self._run = FinetuneRun()
        self._models = FinetuneModels()
        self._pending_choice: Path | None = None
        self._title = make_label("page_title", "Fine-tune")
        self._purpose = make_label("page_facts", _PURPOSE)
        self._notice = make_label("page_remark")
        self._headline = make_label("empty_headline")
        self._message = make_label("empty_message")
        self._head_row = QHBoxLayout()
        self._body = QHBoxLayout()
        self._left = QVBoxLayout()
        self._head, self._stack = QWidget(), QStackedWidget()
        self._lay_out()
        for part in (self._choices, self._run, self._models):
            part.requested.connect(self.requested)
        self._run.resume_requested.connect(
            lambda: self.requested.emit(ResumeFinetune(float(self._choices.minutes())))
        )
        self.show_finetune(FinetuneState())

    def show_finetune(self, state: FinetuneState) -> None:
        """Show this state; ticks and text stay."""
        self._choices.show_choices(state)
        if self._pending_choice is not None and any(
            choice.path == self._pending_choice for choice in state.choices
        ):
            self._choices.tick(self._pending_choice)
            self._pending_choice = None
        self._run.show_run(state)
        self._models.show_models(state)
        self._notice.setText(state.notices[0] if state.notices else "")
        self._notice.setVisible(bool(state.notices))
        self._headline.setText(state.headline)
        self._message.setText(state.message)
        self._stack.setCurrentIndex(0 if state.is_empty else 1)

    def choose(self, path: Path) -> None:
        """Tick this session only, as soon as it is listed."""
        self._pending_choice = path
        self._choices.tick(path)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Scale type and spacing to the new size."""
        super().resizeEvent(event)
        scale = choose_window_scale(self)
        if abs(scale - self._scale) > 0.02:
            self._scale = scale
            self.setStyleSheet(build_sessions_stylesheet(scale))
            gap = round(8 * scale)
            self._head_row.setContentsMargins(2 * gap, gap, 2 * gap, gap)
            self._head.setFixedHeight(round(HEAD_U * scale))
            self._head_row.setSpacing(2 * gap)
            self._body.setContentsMargins(gap, gap, gap, gap)
            self._body.setSpacing(gap)
            self._left.setSpacing(gap)
            for part in (self._choices, self._run, self._models):
                part.set_scale(scale)

    def _lay_out(self) -> None:
        """Lay out the head, choices and models on the left, and the run on the right."""
        head = self._head
        body = QWidget()
        empty = QWidget()
        head.setObjectName("page_head")
        head.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        head.setLayout(self._head_row)
        self._head_row.addWidget(self._title)
        self._head_row.addWidget(self._purpose, 1)
        self._left.addWidget(self._choices, 2)
        self._left.addWidget(self._models, 1)
        body.setLayout(self._body)
        self._body.addLayout(self._left, 2)
        self._body.addWidget(self._run, 3)
        column = QVBoxLayout(empty)
        column.addStretch(1)
        for label in (self._headline, self._message):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        column.addStretch(1)
        self._stack.addWidget(empty)
        self._stack.addWidget(body)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        for widget, stretch in ((head, 0), (self._notice, 0), (self._stack, 1)):
            whole.addWidget(widget, stretch)
