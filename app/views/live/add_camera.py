"""The panel that adds cameras: USB, network address, video files, or simulated ones."""

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
from app.views.widgets import clear_layout, make_label

_SCHEMES = ("rtsp://", "rtsps://", "http://", "https://", "usb:", "studio:")
_VIDEOS = "Videos (*.mp4 *.mkv *.avi *.mov *.webm *.m4v);;All files (*)"
_ADDRESS_HELP = (
    "For instance rtsp://user:password@192.168.1.20/stream or http://192.168.1.21:8080/video. "
    "Phones with a camera app work, too."
)


class AddCameraPanel(Overlay):
    """Lists what can be added; emits `AddCamera` and `ScanCameras`."""

    requested = pyqtSignal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Add a camera", 600)
        self._devices: DeviceList | None = None
        self._rescan = QPushButton(load_icon("retry"), "Scan again")
        self._rescan.clicked.connect(lambda: self.requested.emit(ScanCameras()))
        self._rows, self._list = QVBoxLayout(), QWidget()
        self._list.setObjectName("rows")
        self._list.setLayout(self._rows)
        self._address = QLineEdit()
        self._address_help = make_label("fact", _ADDRESS_HELP, wrap=True)
        self._lay_out()
        self.show_devices(DeviceList())

    def show_devices(self, devices: DeviceList) -> None:
        """List these cameras."""
        if devices == self._devices:
            return
        self._devices = devices
        clear_layout(self._rows)
        for row in devices.rows:
            line = self._make_row(row)
            self._rows.addWidget(line)
            line.show()  # else it has no size until the next event
        if not devices.rows:
            words = (
                "Looking for cameras…"
                if devices.scanning
                else "No camera was found. Plug one in and scan again."
            )
            self._rows.addWidget(make_label("message", words, wrap=True))
        self._rows.addStretch(1)
        self._rescan.setEnabled(not devices.scanning)
        self._rescan.setText("Scanning…" if devices.scanning else "Scan again")
        self.set_scale(self._scale)

    def set_scale(self, scale: float) -> None:
        """Scale spacing to the window."""
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
        """Make the row of one camera: name, detail, problem, and a button."""
        line = QWidget()
        line.setObjectName("row")
        line.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        box, words = QHBoxLayout(line), QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(make_label("row_name", row.name, wrap=True))
        if row.detail:
            words.addWidget(make_label("fact", row.detail, wrap=True))
        if row.problem:
            words.addWidget(make_label("problem", row.problem, wrap=True))
        add = QPushButton("Try anyway" if row.problem else "Add")
        add.clicked.connect(lambda: self._request_camera(row.address))
        box.addLayout(words, 1)
        box.addWidget(add, alignment=Qt.AlignmentFlag.AlignVCenter)
        return line

    def _lay_out(self) -> None:
        """Lay out the three ways to add a camera."""
        top = QHBoxLayout()
        top.addWidget(make_label("section", "On this computer", wrap=True), 1)
        top.addWidget(self._rescan)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._list)
        self._address.setPlaceholderText("rtsp://…")
        self._address.setAccessibleName("Address of a network camera")
        self._address.returnPressed.connect(self._add_address)
        add = QPushButton("Add")
        add.clicked.connect(self._add_address)
        address = QHBoxLayout()
        address.addWidget(self._address, 1)
        address.addWidget(add)
        others = QHBoxLayout()
        videos = QPushButton(load_icon("open"), "Video files…")
        studio = QPushButton("Simulated cameras")
        videos.clicked.connect(lambda: self.ask_for_videos())
        studio.setToolTip("A virtual room with four cameras and a walking person")
        studio.clicked.connect(lambda: self._request_camera(STUDIO_ADDRESS))
        others.addWidget(videos)
        others.addWidget(studio)
        others.addStretch(1)
        self.column.addLayout(top)
        self.column.addWidget(self._scroll)
        self.column.addWidget(make_label("section", "Network camera", wrap=True))
        self.column.addLayout(address)
        self.column.addWidget(self._address_help)
        self.column.addWidget(make_label("section", "Without a camera", wrap=True))
        self.column.addLayout(others)

    def ask_for_videos(self) -> QFileDialog:
        """Open a dialog to choose videos; each becomes a camera.

        Returns
        -------
        dialog
            Already open, not modal.
        """
        dialog = QFileDialog(self, "One video per camera", "", _VIDEOS)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda paths: [self._request_camera(path) for path in paths])
        dialog.open()
        return dialog

    def _add_address(self) -> None:
        """Request the camera of the address, if it looks like one."""
        text = self._address.text().strip()
        is_invalid = bool(text) and not text.lower().startswith(_SCHEMES)
        set_property(self._address, "tone", "bad" if is_invalid else "neutral")
        words = "An address starts with rtsp:// or http://. " if is_invalid else ""
        self._address_help.setText(words + _ADDRESS_HELP)
        if text and not is_invalid:
            self._address.clear()  # it may hold a password
            self._request_camera(text)

    def _request_camera(self, address: str) -> None:
        """Request a camera; the panel stays open for the next one."""
        self.requested.emit(AddCamera(address))
