"""The settings of one camera: its mode, and its controls as sliders."""

import math
from collections.abc import Callable

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QWidget,
)

from app.presenters.camera_settings import CameraSettings, ControlRow, format_mode
from app.requests import LockControls, Reconnect, RemoveCamera, SetControl, SetMode
from app.views.overlay import Overlay
from app.views.theme import load_icon
from app.views.widgets import clear_layout, make_label

_MAX_POSITION = 500
# a wider range gets a logarithmic slider: exposure is 50 to 200000 µs
_LOG_RANGE_RATIO = 100
_DEBOUNCE_MS = 80  # between two requests of a moving slider


class CameraSettingsPanel(Overlay):
    """Shows the settings of a camera; emits what the user changes."""

    requested = pyqtSignal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Camera", 430)
        self._settings: CameraSettings | None = None
        self._modes, self._table = QComboBox(), QGridLayout()
        self._modes.activated.connect(self._request_mode)
        self._address = make_label("fact", wrap=True)
        self._warning = make_label("problem", wrap=True)
        self._no_controls = make_label("message", "This camera has no settings.", wrap=True)
        self._lock = QPushButton(load_icon("lock"), "Lock all")
        self._lock.setToolTip(
            "Keep the present automatic values, so that the image no longer changes"
        )
        self._lines: dict[str, _ControlLine] = {}
        self._lay_out()
        self.dock_right()

    def name(self) -> str | None:
        """Return the name of the camera shown; None before the first."""
        return self._settings.name if self._settings else None

    def show_settings(self, settings: CameraSettings) -> None:
        """Show these settings; a slider that is being dragged is left alone."""
        before, self._settings = self._settings, settings
        if settings == before:
            return
        self.set_title(settings.name)
        self._address.setText(settings.address)
        self._warning.setText(settings.warning)
        self._warning.setVisible(bool(settings.warning))
        self._lock.setEnabled(any(row.is_auto for row in settings.controls))
        self._lock.setVisible(bool(settings.controls))
        self._no_controls.setVisible(not settings.controls and not settings.modes)
        self._show_modes(settings)
        names = [row.control for row in settings.controls]
        if before is None or before.name != settings.name or names != list(self._lines):
            self._make_lines(settings.controls)
        for row in settings.controls:
            self._lines[row.control].show_row(row)
        self.set_scale(self._scale)

    def set_scale(self, scale: float) -> None:
        """Scale spacing to the window."""
        self._table.setHorizontalSpacing(round(10 * scale))
        self._table.setVerticalSpacing(round(8 * scale))
        super().set_scale(scale)

    def _show_modes(self, settings: CameraSettings) -> None:
        """List the modes of the camera."""
        if [self._modes.itemData(index) for index in range(self._modes.count())] != list(
            settings.modes
        ):
            self._modes.clear()
            for mode in settings.modes:
                self._modes.addItem(format_mode(mode), mode)
        self._modes.setCurrentIndex(self._modes.findData(settings.mode))
        self._modes.setVisible(bool(settings.modes))

    def _request_mode(self, index: int) -> None:
        """Request the mode that was chosen."""
        mode = str(self._modes.itemData(index))
        self._request(lambda name: SetMode(name, mode))

    def _make_lines(self, rows: tuple[ControlRow, ...]) -> None:
        """Make a row per control."""
        clear_layout(self._table)
        self._lines = {row.control: _ControlLine(row, self._request) for row in rows}
        for index, line in enumerate(self._lines.values()):
            for column, widget in enumerate((line.label, line.slider, line.value, line.auto)):
                self._table.addWidget(widget, index, column)
                if widget is not line.auto or line.offers_auto:
                    widget.show()  # else it has no size until the next event
        self._table.setColumnStretch(1, 1)

    def _request(self, request: Callable[[str], object]) -> None:
        """Emit a request for the camera shown."""
        if self._settings:
            self.requested.emit(request(self._settings.name))

    def _lay_out(self) -> None:
        """Lay out everything from top to bottom."""
        buttons = QHBoxLayout()
        retry = QPushButton(load_icon("retry"), "Reconnect")
        remove = QPushButton("Remove")
        remove.setObjectName("danger")
        self._lock.clicked.connect(lambda: self._request(LockControls))
        retry.clicked.connect(lambda: self._request(Reconnect))
        remove.clicked.connect(lambda: (self._request(RemoveCamera), self.close_card()))
        for button in (self._lock, retry):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(remove)
        for widget in (self._address, self._modes, self._warning, self._no_controls):
            self.column.addWidget(widget)
        self.column.addLayout(self._table)
        self.column.addStretch(1)
        self.column.addLayout(buttons)


class _ControlLine:
    """One control: name, slider, value, and whether it is automatic."""

    def __init__(self, row: ControlRow, request: Callable[[Callable[[str], object]], None]) -> None:
        self._row, self._request = row, request
        self.label, self.value = QLabel(row.label), QLabel()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.auto = QCheckBox("auto")
        self.value.setObjectName("figure")
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.slider.setRange(0, _MAX_POSITION)
        self.slider.setAccessibleName(row.label)
        self.auto.setToolTip("Let the camera set this automatically")
        self.offers_auto = bool(row.auto_control)
        if not self.offers_auto:
            self.auto.hide()
        self._debounce = QTimer(self.slider)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(_DEBOUNCE_MS)
        self._debounce.timeout.connect(self._request_value)
        self.slider.valueChanged.connect(self._on_slider_moved)
        self.auto.clicked.connect(self._request_auto)

    def show_row(self, row: ControlRow) -> None:
        """Show the control, unless it is being dragged."""
        self._row = row
        if not (self.slider.isSliderDown() or self._debounce.isActive()):
            self.slider.blockSignals(True)
            self.slider.setValue(position_from_value(row))
            self.slider.blockSignals(False)
            self._show_value(row.value)
        self.auto.setChecked(row.is_auto)
        self.slider.setEnabled(not row.is_auto)

    def _on_slider_moved(self) -> None:
        """Show the new value at once, and request it soon."""
        self._show_value(value_from_position(self._row, self.slider.value()))
        if not self._debounce.isActive():
            self._debounce.start()

    def _request_value(self) -> None:
        """Request the value of the slider."""
        control = self._row.control
        value = value_from_position(self._row, self.slider.value())
        self._request(lambda name: SetControl(name, control, value))

    def _request_auto(self) -> None:
        """Request automatic mode on or off."""
        control = self._row.auto_control
        value = float(self.auto.isChecked())
        self._request(lambda name: SetControl(name, control, value))

    def _show_value(self, value: float) -> None:
        """Show a value with its unit."""
        text = f"{value:g} {self._row.unit}".strip()
        if self.value.text() != text:
            self.value.setText(text)


def position_from_value(row: ControlRow) -> int:
    """Compute the slider position of a control.

    Returns
    -------
    position
        0 to 500.
    """
    value = min(max(row.value, row.minimum), row.maximum)
    if row.maximum <= row.minimum:
        return 0
    if _is_logarithmic(row):
        share = math.log(value / row.minimum) / math.log(row.maximum / row.minimum)
    else:
        share = (value - row.minimum) / (row.maximum - row.minimum)
    return round(_MAX_POSITION * share)


def value_from_position(row: ControlRow, position: int) -> float:
    """Compute the value at a slider position, in whole steps of the control.

    Parameters
    ----------
    row
    position
        0 to 500.
    """
    share = position / _MAX_POSITION
    if _is_logarithmic(row):
        value = row.minimum * (row.maximum / row.minimum) ** share
    else:
        value = row.minimum + share * (row.maximum - row.minimum)
    if row.step > 0:
        value = row.minimum + round((value - row.minimum) / row.step) * row.step
    return min(max(value, row.minimum), row.maximum)


def _is_logarithmic(row: ControlRow) -> bool:
    """Whether a control has a logarithmic slider."""
    return row.minimum > 0 and row.maximum / row.minimum > _LOG_RANGE_RATIO
