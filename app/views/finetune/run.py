"""The newest teaching: its stages, how long still, its curves, and what came of it."""

import math

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QPainter, QPaintEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.presenters.finetune import FinetuneState
from app.presenters.finetune_run import RunCard, Stage
from app.requests import CancelFinetune, OpenReport, PauseFinetune
from app.views.finetune.curves import FinetuneCurves
from app.views.finetune.result import FinetuneFigures, FinetunePictures
from app.views.theme import PALETTE, load_icon, make_font, set_property, to_qcolor

_MAX_CURVES_U, _MAX_CURVES_BESIDE_FIGURES_U = 300, 136


class FinetuneRun(QWidget):
    """Draws a run, and asks for what can be done with it; how long a resumed one may take is chosen elsewhere."""

    requested = pyqtSignal(object)
    resume_requested = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._card: RunCard | None = None
        self._headline = _make_label("headline", wrap=True)
        self._title = _make_label("fact", wrap=True)
        self._activity = _make_label("next", wrap=True)
        self._message = _make_label("", wrap=True)
        self._stages, self._curves = _Stages(), FinetuneCurves()
        self._figures = FinetuneFigures()
        self._pictures = FinetunePictures()
        self._pause = _make_button("Pause", "pause", lambda: self.requested.emit(PauseFinetune()))
        self._resume = _make_button("Resume", "play", self.resume_requested.emit)
        self._cancel = _make_button("Cancel", "stop", lambda: self.requested.emit(CancelFinetune()))
        self._report = _make_button("Report", "open", self._request_report)
        self._column = QVBoxLayout(self)
        self._buttons = QHBoxLayout()
        self._middle = QHBoxLayout()
        self._scroll = QScrollArea()
        self._scale = 1.0
        self._lay_out()
        self.show_run(FinetuneState())

    def show_run(self, state: FinetuneState) -> None:
        """Show the newest run from now on; where nothing was taught yet, what to do first."""
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
        """Let the curves be large while they grow, and leave the room to the pictures afterwards."""
        over = self._card is not None and bool(self._card.rows)
        self._curves.setMinimumHeight(round(120 * self._scale))
        self._curves.setMaximumHeight(
            round((_MAX_CURVES_BESIDE_FIGURES_U if over else _MAX_CURVES_U) * self._scale)
        )

    def _request_report(self) -> None:
        """Ask for the report."""
        if self._card is not None and self._card.report is not None:
            self.requested.emit(OpenReport(self._card.report))

    def _set_tooltips(self) -> None:
        """Say what each button does before it is pressed."""
        self._pause.setToolTip("Let it rest; nothing is lost.")
        self._resume.setToolTip(
            "Go on after the last step that was done. If the time was too short, choose more "
            "minutes on the left first."
        )
        self._cancel.setToolTip(
            "End it. What was done is kept and can be resumed; the network in use is untouched."
        )
        self._report.setToolTip("Open the whole report in the browser.")

    def _lay_out(self) -> None:
        """Put headline, stages, curves and result below each other."""
        self._scroll.setWidget(self._pictures)
        self._scroll.setWidgetResizable(True)
        self._set_tooltips()
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
    """The stages as bars in a row, each as full as it is done."""

    def __init__(self) -> None:
        super().__init__()
        self._stages: tuple[Stage, ...] = ()
        self._scale = 1.0

    def show_stages(self, stages: tuple[Stage, ...]) -> None:
        """Show these."""
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
        """Paint a bar and a word per stage."""
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


def _make_label(name: str, text: str = "", *, wrap: bool = False) -> QLabel:
    """Make a label that the style sheet knows by name."""
    label = QLabel(text)
    label.setObjectName(name)
    label.setWordWrap(wrap)
    return label


def _make_button(text: str, icon_name: str, press) -> QPushButton:
    """Make a button with a sign."""
    button = QPushButton(load_icon(icon_name, PALETTE.muted), f"\u2002{text}")
    button.setObjectName("action")
    button.clicked.connect(lambda: press())
    return button
