"""The drawer of plots; its charts are made one by one, so that the window never freezes."""

from types import ModuleType
from typing import Any

import numpy as np
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.presenters.plots import HISTORY_S, Plot, PlotsCard
from app.views.theme import PALETTE, to_qcolor
from app.views.widgets import make_label

_COLOURS = (
    *("#5cc8ff", "#45d6a0", "#ffb84d", "#ff8fa3", "#b39dff"),
    *("#e9edf2", "#7ee0e8", "#d8e06a", "#ff9f5a", "#93a0b0"),
)
_MAX_NAMED = 6
_HEIGHT_U, _MAX_HEIGHT_SHARE = 190, 0.3  # of the drawer, and of the window
_CHART_INTERVAL_MS = 40  # between two charts


def import_pyqtgraph() -> ModuleType:
    """Import pyqtgraph: 0.1 to 0.3 s, best spent before the window is shown."""
    import pyqtgraph  # a large import that a window without plots does not need

    return pyqtgraph


class PlotsDrawer(QWidget):
    """Shows the plots of the last minute side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._row = QHBoxLayout(self)
        self._charts: list[_Chart] = []
        self._card: PlotsCard | None = None
        self._scale = 1.0
        self._chart_timer = QTimer(self)
        self._chart_timer.setSingleShot(True)
        self._chart_timer.timeout.connect(self._make_next)
        self.hide()

    def show_plots(self, card: PlotsCard) -> None:
        """Show these plots; nothing is drawn while the drawer is closed."""
        self._card = card
        if not self.isVisible():
            return
        if len(self._charts) < len(card.plots):
            self._make_charts_in_turn()
        for chart, plot in zip(self._charts, card.plots):
            chart.show_plot(plot)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Draw what arrived while the drawer was closed."""
        super().showEvent(event)
        if self._card:
            self.show_plots(self._card)

    def set_scale(self, scale: float) -> None:
        """Scale spacing to the window."""
        self._scale = scale
        self._row.setContentsMargins(
            round(12 * scale), round(8 * scale), round(12 * scale), round(6 * scale)
        )
        self._row.setSpacing(round(16 * scale))
        for chart in self._charts:
            chart.set_scale(scale)

    def limit_height(self, window_height_px: int) -> None:
        """Leave room for the rest of a low window."""
        usual_px = _HEIGHT_U * self._scale
        self.setFixedHeight(round(min(usual_px, _MAX_HEIGHT_SHARE * window_height_px)))

    def _make_charts_in_turn(self) -> None:
        """Make the next chart once the window has drawn the last one."""
        if not self._chart_timer.isActive():
            self._chart_timer.start(_CHART_INTERVAL_MS)

    def _make_next(self) -> None:
        """Make the next chart."""
        if self._card and len(self._charts) < len(self._card.plots):
            self._make_chart(self._card.plots[len(self._charts)])
            self.show_plots(self._card)

    def _make_chart(self, plot: Plot) -> None:
        """Make a chart, in about 20 ms."""
        pyqtgraph = import_pyqtgraph()
        pyqtgraph.setConfigOptions(
            antialias=False, background=PALETTE.surface, foreground=PALETTE.muted
        )
        chart = _Chart(pyqtgraph, plot)
        chart.set_scale(self._scale)
        self._charts.append(chart)
        self._row.addWidget(chart, 1)


class _Chart(QWidget):
    """One plot with its title and the names of its curves."""

    def __init__(self, pyqtgraph: ModuleType, plot: Plot) -> None:
        super().__init__()
        self._pyqtgraph = pyqtgraph
        self._title = make_label("figure", f"{plot.title}, {plot.unit}")
        self._names = make_label("column", wrap=True)
        self._names.setTextFormat(Qt.TextFormat.RichText)
        self._chart: Any = pyqtgraph.PlotWidget()
        self._chart.setMenuEnabled(False)
        self._chart.hideButtons()
        self._chart.setMouseEnabled(False, False)
        self._chart.setXRange(-HISTORY_S, 0, padding=0)
        self._chart.showGrid(x=False, y=True, alpha=0.15)
        self._lines: dict[str, Any] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._title)
        column.addWidget(self._chart, 1)
        column.addWidget(self._names)

    def show_plot(self, plot: Plot) -> None:
        """Draw the curves of a plot, and update their names."""
        labels = [curve.label for curve in plot.curves]
        if labels != list(self._lines):
            self._make_lines(labels)
        for curve in plot.curves:
            self._lines[curve.label].setData(curve.at_s, curve.value, connect="finite")
        known = [curve.value[np.isfinite(curve.value)] for curve in plot.curves]
        highest = max((float(values.max()) for values in known if len(values)), default=1.0)
        lowest = min((float(values.min()) for values in known if len(values)), default=0.0)
        self._chart.setYRange(min(lowest, 0.0), max(highest, 1.0), padding=0.06)

    def set_scale(self, scale: float) -> None:
        """Scale the type of the axes."""
        for side in ("left", "bottom"):
            axis = self._chart.getAxis(side)
            face = self._chart.font()
            face.setPixelSize(max(8, round(10 * scale)))
            axis.setStyle(tickFont=face)
        self._chart.getAxis("left").setWidth(round(34 * scale))

    def _make_lines(self, labels: list[str]) -> None:
        """Make a line for each name."""
        for line in self._lines.values():
            self._chart.removeItem(line)
        colours = dict(zip(labels, _COLOURS * (1 + len(labels) // len(_COLOURS))))
        self._lines = {
            label: self._chart.plot(pen=self._pyqtgraph.mkPen(to_qcolor(colours[label]), width=1))
            for label in labels
        }
        named = [
            f'<span style="color:{colours[label]}">{_escape(label)}</span>'
            for label in labels[:_MAX_NAMED]
        ]
        more = f" and {len(labels) - _MAX_NAMED} more" if len(labels) > _MAX_NAMED else ""
        self._names.setText(" &nbsp; ".join(named) + more)


def _escape(text: str) -> str:
    """Escape a camera name for rich text."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
