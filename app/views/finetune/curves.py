"""The training curves, updated during a run."""

from typing import Any

import numpy as np
from PyQt6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.presenters.plots import Plot
from app.views.live.plots import import_pyqtgraph
from app.views.theme import PALETTE, to_qcolor
from app.views.widgets import make_label

_COLOURS = (PALETTE.accent, PALETTE.good)


class FinetuneCurves(QWidget):
    """Shows loss and error side by side; the charts are made when there is data."""

    def __init__(self) -> None:
        super().__init__()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._charts: list[_Chart] = []
        self._scale = 1.0

    def show_plots(self, plots: tuple[Plot, ...]) -> None:
        """Show these plots; hide without any.

        Parameters
        ----------
        plots
            At most two.
        """
        self.setVisible(bool(plots))
        while len(self._charts) < len(plots):
            chart = _Chart(_COLOURS[len(self._charts)])
            chart.set_scale(self._scale)
            self._charts.append(chart)
            self._row.addWidget(chart, 1)
        for chart, plot in zip(self._charts, plots):
            chart.show_plot(plot)

    def set_scale(self, scale: float) -> None:
        """Scale type and lines to the window."""
        self._scale = scale
        self._row.setSpacing(round(16 * scale))
        for chart in self._charts:
            chart.set_scale(scale)


class _Chart(QWidget):
    """One curve with its title and its last value."""

    def __init__(self, colour: str) -> None:
        super().__init__()
        pyqtgraph = import_pyqtgraph()
        pyqtgraph.setConfigOptions(
            antialias=True, background=PALETTE.surface, foreground=PALETTE.muted
        )
        self._pyqtgraph, self._colour = pyqtgraph, colour
        self._title = make_label("figure")
        self._chart: Any = pyqtgraph.PlotWidget()
        self._chart.setMenuEnabled(False)
        self._chart.hideButtons()
        self._chart.setMouseEnabled(False, False)
        self._chart.showGrid(x=False, y=True, alpha=0.15)
        self._line: Any = self._chart.plot()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._title)
        column.addWidget(self._chart, 1)

    def show_plot(self, plot: Plot) -> None:
        """Draw the curve of this plot."""
        curve = plot.curves[0]
        self._line.setData(curve.at_s, curve.value, connect="finite")
        known = curve.value[np.isfinite(curve.value)]
        last = f": {known[-1]:.0f} {plot.unit}" if len(known) and plot.unit else ""
        self._title.setText(f"{plot.title}{last}")
        # the first steps of a loss are far off the scale; the first error is a result
        share = 100 if plot.unit else 98
        top = float(np.percentile(known, share)) if len(known) else 1.0
        low = float(known.min()) if len(known) else 0.0
        self._chart.setYRange(min(low, top), max(top, low + 1e-6), padding=0.08)

    def set_scale(self, scale: float) -> None:
        """Scale type and line to the window."""
        self._line.setPen(
            self._pyqtgraph.mkPen(to_qcolor(self._colour), width=max(1.5 * scale, 1.5))
        )
        self._line.setSymbolPen(None)
        for side in ("left", "bottom"):
            axis = self._chart.getAxis(side)
            face = self._chart.font()
            face.setPixelSize(max(8, round(10 * scale)))
            axis.setStyle(tickFont=face)
        # minor ticks of two digits would overlap
        self._chart.getAxis("bottom").setStyle(maxTickLevel=0)
        self._chart.getAxis("left").setWidth(round(44 * scale))
        self._chart.getAxis("bottom").setHeight(round(18 * scale))
