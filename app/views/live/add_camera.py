"""The panel that adds cameras: those of this machine, an address, video files, or the studio."""

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.presenters.camera_settings import DeviceList, DeviceRow
from app.requests import AddCamera, ScanCameras
from app.views.live.camera_grid import STUDIO_ADDRESS
from app.views.overlay import Overlay
from app.views.theme import load_icon, set_property

_SCHEMES = ("rtsp://", "rtsps://", "http://", "https://", "usb:", "studio:")
_VIDEOS = "Videos (*.mp4 *.mkv *.avi *.mov *.webm *.m4v);;All files (*)"
_ADDRESS_HELP = (
    "For instance rtsp://user:password@192.168.1.20/stream or http://192.168.1.21:8080/video. "
    "A phone with a camera app works too."
)


class AddCameraPanel(Overlay):
    """Lists what can be added; emits `AddCamera` and `ScanCameras`."""

    requested = pyqtSignal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Add a camera", 600)
        self._devices: DeviceList | None = None
        self._rescan = QPushButton(load_icon("retry"), "Look again")
        self._rescan.clicked.connect(lambda: self.requested.emit(ScanCameras()))
        self._rows, self._list = QVBoxLayout(), QWidget()
        self._list.setObjectName("rows")
        self._list.setLayout(self._rows)
        self._address = QLineEdit()
        self._address_help = QLabel(_ADDRESS_HELP)
        self._lay_out()
        self.show_devices(DeviceList())

    def show_devices(self, devices: DeviceList) -> None:
        """List these cameras from now on."""
        if devices == self._devices:
            return
        self._devices = devices
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget:
                widget.hide()
                widget.deleteLater()
        for row in devices.rows:
            line = self._make_row(row)
            self._rows.addWidget(line)
            line.show()  # else it counts for nothing until Qt comes round to it
        if not devices.rows:
            words = (
                "Looking for cameras…"
                if devices.scanning
                else "No camera is plugged in. Plug one in and look again."
            )
            self._rows.addWidget(_make_label("message", words))
        self._rows.addStretch(1)
        self._rescan.setEnabled(not devices.scanning)
        self._rescan.setText("Looking…" if devices.scanning else "Look again")
        self.set_scale(self._scale)

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        self._rows.setContentsMargins(0, 0, round(6 * scale), 0)
        self._rows.setSpacing(round(8 * scale))
        for label in self._list.findChildren(QLabel):
            label.ensurePolished()
        self._rows.activate()
        needed_px = max(
            self._rows.totalHeightForWidth(round(540 * scale)),
            self._rows.totalMinimumSize().height(),
        )
        self._scroll.setFixedHeight(min(max(needed_px, round(56 * scale)), round(250 * scale)))
        super().set_scale(scale)

    def _make_row(self, row: DeviceRow) -> QWidget:
        """Make one camera's line: name, detail, why it cannot be used, and a button."""
        line = QWidget()
        line.setObjectName("row")
        line.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        box, words = QHBoxLayout(line), QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(_make_label("row_name", row.name))
        if row.detail:
            words.addWidget(_make_label("fact", row.detail))
        if row.problem:
            words.addWidget(_make_label("problem", row.problem))
        add = QPushButton("Try it" if row.problem else "Add")
        add.clicked.connect(lambda: self._request_camera(row.address))
        box.addLayout(words, 1)
        box.addWidget(add, alignment=Qt.AlignmentFlag.AlignVCenter)
        return line

    def _lay_out(self) -> None:
        """Put the three ways to add a camera below each other."""
        top = QHBoxLayout()
        top.addWidget(_make_label("section", "On this computer"), 1)
        top.addWidget(self._rescan)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._list)
        self._address.setPlaceholderText("rtsp://…")
        self._address.setAccessibleName("Address of a network camera")
        self._address.returnPressed.connect(self._add_address)
        self._address_help.setObjectName("fact")
        self._address_help.setWordWrap(True)
        add = QPushButton("Add")
        add.clicked.connect(self._add_address)
        address = QHBoxLayout()
        address.addWidget(self._address, 1)
        address.addWidget(add)
        others = QHBoxLayout()
        videos = QPushButton(load_icon("open"), "Video files…")
        studio = QPushButton("The studio")
        videos.clicked.connect(lambda: self.ask_for_videos())
        studio.setToolTip("A made-up room with four cameras and a person who walks")
        studio.clicked.connect(lambda: self._request_camera(STUDIO_ADDRESS))
        others.addWidget(videos)
        others.addWidget(studio)
        others.addStretch(1)
        self.column.addLayout(top)
        self.column.addWidget(self._scroll)
        self.column.addWidget(_make_label("section", "In the network"))
        self.column.addLayout(address)
        self.column.addWidget(self._address_help)
        self.column.addWidget(_make_label("section", "Without a camera"))
        self.column.addLayout(others)

    def ask_for_videos(self) -> QFileDialog:
        """Ask which videos; each becomes a camera.

        Returns
        -------
        dialog
            Open already; nothing waits for it.
        """
        dialog = QFileDialog(self, "One video per camera", "", _VIDEOS)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda paths: [self._request_camera(path) for path in paths])
        dialog.open()
        return dialog

    def _add_address(self) -> None:
        """Ask for the camera of the address that was typed, where it looks like one."""
        text = self._address.text().strip()
        is_invalid = bool(text) and not text.lower().startswith(_SCHEMES)
        set_property(self._address, "tone", "bad" if is_invalid else "neutral")
        words = "An address begins with rtsp:// or http://. " if is_invalid else ""
        self._address_help.setText(words + _ADDRESS_HELP)
        if text and not is_invalid:
            self._address.clear()  # it may hold a password
            self._request_camera(text)

    def _request_camera(self, address: str) -> None:
        """Ask for a camera; the panel stays open for the next one."""
        self.requested.emit(AddCamera(address))


def _make_label(name: str, text: str) -> QLabel:
    """Make a label that the style sheet knows by name."""
    label = QLabel(text)
    label.setObjectName(name)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label
