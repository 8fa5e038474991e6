"""The newest run: stages, time left, curves and result."""

import math

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QPainter, QPaintEvent
from PyQt6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.presenters.finetune import FinetuneState
from app.presenters.finetune_run import RunCard, Stage
from app.requests import CancelFinetune, OpenReport, PauseFinetune
from app.views.finetune.curves import FinetuneCurves
from app.views.finetune.result import FinetuneFigures, FinetunePictures
from app.views.theme import PALETTE, make_font, set_property, to_qcolor
from app.views.widgets import make_label, make_page_button

_MAX_CURVES_U, _MAX_CURVES_BESIDE_FIGURES_U = 300, 136


class FinetuneRun(QWidget):
    """Draws a run, and requests pause, resume, cancel and report."""

    requested = pyqtSignal(object)
    resume_requested = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._card: RunCard | None = None
        self._headline = make_label("headline", wrap=True)
        self._title = make_label("fact", wrap=True)
        self._activity = make_label("next", wrap=True)
        self._message = make_label("", wrap=True)
        self._stages, self._curves = _Stages(), FinetuneCurves()
        self._figures = FinetuneFigures()
        self._pictures = FinetunePictures()
        self._pause = make_page_button(
            "Pause",
            lambda: self.requested.emit(PauseFinetune()),
            "pause",
            tip="Pause the run. Nothing is lost.",
        )
        self._resume = make_page_button(
            "Resume",
            self.resume_requested.emit,
            "play",
            tip="Continue after the last finished step. If time ran out, choose more minutes "
            "on the left first.",
        )
        self._cancel = make_page_button(
            "Cancel",
            lambda: self.requested.emit(CancelFinetune()),
            "stop",
            tip="Stop the run. It can be resumed later; the model in use does not change.",
        )
        self._report = make_page_button(
            "Report", self._request_report, "open", tip="Open the full report in the browser."
        )
        self._column = QVBoxLayout(self)
        self._buttons = QHBoxLayout()
        self._middle = QHBoxLayout()
        self._scroll = QScrollArea()
        self._scale = 1.0
        self._lay_out()
        self.show_run(FinetuneState())

    def show_run(self, state: FinetuneState) -> None:
        """Show the newest run; before the first one, what to do."""
        card = state.run
        self._card = card
        self._headline.setText(card.headline if card else state.headline)
        set_property(self._headline, "tone", str(card.severity) if card else "")
        self._title.setText(card.title if card else state.message)
        self._activity.setText(card.activity if card else "")
        self._message.setText(card.message if card else "")
        for label in (self._activity, self._message):
            label.setVisible(bool(label.text()))
        self._stages.show_stages(card.stages if card else ())
        self._curves.show_plots(card.plots if card else ())
        self._figures.show_figures(card)
        self._pictures.show_pictures(card.pictures if card else ())
        self._scroll.setVisible(bool(card and card.pictures))
        self._limit_curves()
        shown = (
            (card.can_pause, card.can_resume, card.can_cancel, bool(card.report))
            if card
            else (False,) * 4
        )
        for button, visible in zip((self._pause, self._resume, self._cancel, self._report), shown):
            button.setVisible(visible)

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        self._column.setContentsMargins(*[round(16 * scale)] * 4)
        self._column.setSpacing(round(8 * scale))
        self._buttons.setSpacing(round(8 * scale))
        for button in (self._pause, self._resume, self._cancel, self._report):
            button.setIconSize(QSize(round(16 * scale), round(16 * scale)))
        self._middle.setSpacing(round(24 * scale))
        self._scale = scale
        self._limit_curves()
        for part in (self._stages, self._curves, self._figures, self._pictures):
            part.set_scale(scale)

    def _limit_curves(self) -> None:
        """Make the curves large during the run, and small beside its result."""
        over = self._card is not None and bool(self._card.rows)
        self._curves.setMinimumHeight(round(120 * self._scale))
        self._curves.setMaximumHeight(
            round((_MAX_CURVES_BESIDE_FIGURES_U if over else _MAX_CURVES_U) * self._scale)
        )

    def _request_report(self) -> None:
        """Request the report."""
        if self._card is not None and self._card.report is not None:
            self.requested.emit(OpenReport(self._card.report))

    def _lay_out(self) -> None:
        """Lay out headline, stages, curves and result."""
        self._scroll.setWidget(self._pictures)
        self._scroll.setWidgetResizable(True)
        self._buttons.addWidget(self._headline, 1)
        for button in (self._report, self._pause, self._resume, self._cancel):
            self._buttons.addWidget(button)
        self._column.addLayout(self._buttons)
        for part in (self._title, self._stages, self._activity, self._message):
            self._column.addWidget(part)
        self._middle.addWidget(self._figures)
        self._middle.addWidget(self._curves, 1)
        self._column.addLayout(self._middle)
        self._column.addWidget(self._scroll, 1)
        self._column.addStretch()


class _Stages(QWidget):
    """The stages as progress bars in a row."""

    def __init__(self) -> None:
        super().__init__()
        self._stages: tuple[Stage, ...] = ()
        self._scale = 1.0

    def show_stages(self, stages: tuple[Stage, ...]) -> None:
        """Show these stages."""
        if stages != self._stages:
            self._stages = stages
            done = [
                f"{stage.name} {100 * stage.share:.0f} %"
                for stage in stages
                if stage.share == stage.share
            ]
            self.setAccessibleName(", ".join(done))
            self.setVisible(bool(stages))
            self.update()

    def set_scale(self, scale: float) -> None:
        """Draw at this scale."""
        self._scale = scale
        self.setFixedHeight(round(34 * scale))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint a bar and a name per stage."""
        if not self._stages:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        u, gap = self._scale, 6 * self._scale
        width = (self.width() - gap * (len(self._stages) - 1)) / len(self._stages)
        for number, stage in enumerate(self._stages):
            self._paint_stage(painter, stage, QRectF(number * (width + gap), 0, width, 6 * u))
        painter.end()

    def _paint_stage(self, painter: QPainter, stage: Stage, bar: QRectF) -> None:
        """Paint one stage."""
        u, unknown = self._scale, math.isnan(stage.share)
        share = 0.08 if unknown else stage.share
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(to_qcolor(PALETTE.line))
        painter.drawRoundedRect(bar, 3 * u, 3 * u)
        if share > 0:
            painter.setBrush(to_qcolor(PALETTE.good if share >= 1 else PALETTE.accent))
            painter.drawRoundedRect(
                QRectF(bar.left(), bar.top(), bar.width() * min(share, 1), bar.height()),
                3 * u,
                3 * u,
            )
        painter.setPen(to_qcolor(PALETTE.text if unknown or 0 < share < 1 else PALETTE.muted))
        painter.setFont(make_font(u, 11, bold=unknown or 0 < share < 1))
        words = QRectF(bar.left(), bar.bottom() + 4 * u, bar.width(), 18 * u)
        percent = f"  {100 * share:.0f} %" if not unknown and 0 < share < 1 else ""
        painter.drawText(
            words,
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
            f"{stage.name}{percent}",
        )
