"""The newest teaching: its stages, how long still, its curves, and what came of it."""

import math

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QPainter, QPaintEvent, QPixmap, QResizeEvent
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.presenters.finetune import RunCard, Stage
from app.requests import CancelFinetune, OpenReport, PauseFinetune, ResumeFinetune
from app.views.finetune_curves import FinetuneCurves
from app.views.theme import PALETTE, font, icon, set_property, shade

_NOTHING = "Nothing was taught yet"
_FIRST = "Tick a session on the left and press Start. You can close the window meanwhile: the teaching goes on."


class FinetuneRun(QWidget):
    """Draws a run, and asks for what can be done with it."""

    asked = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._card: RunCard | None = None
        self._headline, self._title = _label("headline", wrap=True), _label("fact", wrap=True)
        self._doing, self._sentence = _label("next", wrap=True), _label("message", wrap=True)
        self._stages, self._curves, self._result = _Stages(), FinetuneCurves(), _Result()
        self._pause = _button("Pause", "pause", lambda: self.asked.emit(PauseFinetune()))
        self._resume = _button("Go on", "play", lambda: self.asked.emit(ResumeFinetune()))
        self._cancel = _button("Cancel", "stop", lambda: self.asked.emit(CancelFinetune()))
        self._report = _button("Report", "open", self._open_report)
        self._column, self._buttons = QVBoxLayout(self), QHBoxLayout()
        self._scroll = QScrollArea()
        self._lay_out()
        self.show_run(None)

    def show_run(self, card: RunCard | None) -> None:
        """Show this run from now on.

        Parameters
        ----------
        card
            None where nothing was taught yet.
        """
        self._card = card
        self._headline.setText(card.headline if card else _NOTHING)
        set_property(self._headline, "tone", str(card.tone) if card else "")
        self._title.setText(card.title if card else _FIRST)
        self._doing.setText(card.doing if card else "")
        self._sentence.setText(card.sentence if card else "")
        for label in (self._doing, self._sentence):
            label.setVisible(bool(label.text()))
        self._stages.show_stages(card.stages if card else ())
        self._curves.show_plots(card.plots if card else ())
        self._result.show_result(card.rows if card else (), card.pictures if card else ())
        self._scroll.setVisible(bool(card and card.rows))
        shown = (card.can_pause, card.can_resume, card.can_cancel, bool(card.report)) if card else (False,) * 4
        for button, visible in zip((self._pause, self._resume, self._cancel, self._report), shown):
            button.setVisible(visible)

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        self._column.setContentsMargins(*[round(16 * scale)] * 4)
        self._column.setSpacing(round(8 * scale))
        self._buttons.setSpacing(round(8 * scale))
        for button in (self._pause, self._resume, self._cancel, self._report):
            button.setIconSize(QSize(round(16 * scale), round(16 * scale)))
        self._curves.setMinimumHeight(round(120 * scale))
        self._curves.setMaximumHeight(round(220 * scale))
        for part in (self._stages, self._curves, self._result):
            part.set_scale(scale)

    def _open_report(self) -> None:
        """Ask for the report."""
        if self._card is not None and self._card.report is not None:
            self.asked.emit(OpenReport(self._card.report))

    def _lay_out(self) -> None:
        """Put headline, stages, curves and result below each other."""
        self._scroll.setWidget(self._result)
        self._scroll.setWidgetResizable(True)
        self._buttons.addWidget(self._headline, 1)
        for button in (self._report, self._pause, self._resume, self._cancel):
            self._buttons.addWidget(button)
        self._column.addLayout(self._buttons)
        for part, stretch in (
            (self._title, 0), (self._stages, 0), (self._doing, 0), (self._sentence, 0), (self._curves, 2),
            (self._scroll, 3),
        ):  # fmt: skip
            self._column.addWidget(part, stretch)
        self._column.addStretch(0)


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
            done = [f"{stage.name} {100 * stage.share:.0f} %" for stage in stages if stage.share == stage.share]
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
        painter.setBrush(shade(PALETTE.line))
        painter.drawRoundedRect(bar, 3 * u, 3 * u)
        if share > 0:
            painter.setBrush(shade(PALETTE.good if share >= 1 else PALETTE.accent))
            painter.drawRoundedRect(
                QRectF(bar.left(), bar.top(), bar.width() * min(share, 1), bar.height()), 3 * u, 3 * u
            )
        painter.setPen(shade(PALETTE.text if unknown or 0 < share < 1 else PALETTE.muted))
        painter.setFont(font(u, 11, bold=unknown or 0 < share < 1))
        words = QRectF(bar.left(), bar.bottom() + 4 * u, bar.width(), 18 * u)
        percent = f"  {100 * share:.0f} %" if not unknown and 0 < share < 1 else ""
        painter.drawText(words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f"{stage.name}{percent}")


class _Result(QWidget):
    """Figures by action, and a picture of each before and after."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("rows")
        self._shown: tuple = ()
        self._scale = 1.0
        self._pictures: list[_Picture] = []
        self._column, self._grid = QVBoxLayout(self), QGridLayout()
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addLayout(self._grid)
        self._grid.setColumnStretch(3, 1)

    def show_result(self, rows: tuple[tuple[str, str, str], ...], pictures: tuple[tuple[str, bytes], ...]) -> None:
        """Show these figures and pictures."""
        if (rows, pictures) == self._shown:
            return
        self._shown = (rows, pictures)
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
        for picture in self._pictures:
            picture.setParent(None)
        table = (("", "before", "now"), *rows) if rows else ()
        for line, words in enumerate(table):
            for place, word in enumerate(words):
                name = "column" if line == 0 else "figure" if line == 1 or place == 2 else "cell"
                self._grid.addWidget(_label(name, word), line, place)
        self._pictures = [_Picture(action, jpeg) for action, jpeg in pictures]
        for picture in self._pictures:
            self._column.addWidget(picture)
        self._column.addStretch(1)
        self.set_scale(self._scale)

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        self._scale = scale
        self._column.setSpacing(round(10 * scale))
        self._grid.setHorizontalSpacing(round(24 * scale))
        self._grid.setVerticalSpacing(round(3 * scale))


class _Picture(QWidget):
    """One drawing with its caption, as wide as there is room."""

    def __init__(self, action: str, jpeg: bytes) -> None:
        super().__init__()
        self._pixmap, self._label = QPixmap(), QLabel()
        self._pixmap.loadFromData(jpeg)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._label)
        column.addWidget(_label("fact", f"{action}: before (image, from the side), now (image, from the side)"))
        self._label.setMinimumWidth(1)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit the picture to the width."""
        super().resizeEvent(event)
        if not self._pixmap.isNull():
            width = max(min(self.width(), 2 * self._pixmap.width()), 1)
            smooth = Qt.TransformationMode.SmoothTransformation
            self._label.setPixmap(self._pixmap.scaledToWidth(width, smooth))


def _label(name: str, text: str = "", *, wrap: bool = False) -> QLabel:
    """Make a label that the style sheet knows by name."""
    label = QLabel(text)
    label.setObjectName(name)
    label.setWordWrap(wrap)
    return label


def _button(text: str, sign: str, press) -> QPushButton:
    """Make a button with a sign."""
    button = QPushButton(icon(sign, PALETTE.muted), f"\u2002{text}")
    button.setObjectName("action")
    button.clicked.connect(lambda: press())
    return button
