"""What the user asks for, by mouse and by key: each click emits one request."""

from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QPushButton,
    QSlider,
    QWidget,
)

from app.presenters.camera_settings import DeviceList
from app.presenters.live import present_live
from app.presenters.severity import Severity
from app.presenters.window import Notice, WindowState
from app.requests import (
    AddCamera,
    Calibrate,
    CompareRig,
    DismissNotice,
    LockControls,
    OpenRig,
    Reconnect,
    Record,
    RemoveCamera,
    SaveRig,
    ScanCameras,
    SetControl,
    SetCountdown,
    SetHandsFree,
    SetMode,
    SetPerson,
    SetStature,
    Start,
    Stop,
    StopRecording,
)
from app.views.header import Header
from app.views.live.add_camera import AddCameraPanel
from app.views.live.calibration_panel import CalibrationPanel
from app.views.live.camera_grid import STUDIO_ADDRESS, CameraGrid
from app.views.live.camera_settings import (
    CameraSettingsPanel,
    position_from_value,
    value_from_position,
)
from app.views.main_window import MainWindow
from app.views.person_field import PersonField
from app.views.stature_field import StatureField
from engine.capture.state import CameraPhase
from engine.live.state import LiveState
from tests.support import live_scenes, scenes
from tests.support.patience import PATIENCE_MS


def live(**changes: object) -> WindowState:
    rig = scenes.make_square_rig()
    look = live_scenes.make_window_state(
        devices=live_scenes.make_device_list(),
        settings=(live_scenes.make_camera_settings(),),
        **changes,
    )
    return present_live(
        live_scenes.make_live_state(live_scenes.make_calibrated(rig)),
        live_scenes.make_result(rig),
        look,
    )


class Asked:
    """A window and the requests it emitted."""

    def __init__(self, qtbot, state: WindowState) -> None:
        self.window = MainWindow(state)
        qtbot.addWidget(self.window)
        self.words: list[object] = []
        self.window.requested.connect(self.words.append)
        self.window.show()
        QApplication.processEvents()
        self._bot = qtbot

    def key(self, key: Qt.Key) -> list[object]:
        """Press a key; return the requests it caused."""
        self.words.clear()
        self._bot.keyClick(self.window, key)
        return list(self.words)

    def press(self, part: type, text: str) -> list[object]:
        """Press a button by its text; return the requests it caused."""
        self.words.clear()
        button = next(
            b for b in self.window.findChild(part).findChildren(QPushButton) if b.text() == text
        )
        self._bot.mouseClick(button, Qt.MouseButton.LeftButton)
        return list(self.words)


@pytest.fixture
def asked(qtbot):
    made = Asked(qtbot, live())
    yield made
    made.window.close()


def test_keys_ask_for_what_their_help_says(asked: Asked):
    assert asked.key(Qt.Key.Key_Space) == [Stop()]
    assert asked.key(Qt.Key.Key_C) == [Calibrate()]
    assert asked.key(Qt.Key.Key_R) == [Record()]
    assert asked.key(Qt.Key.Key_A) == [ScanCameras()]


def test_a_stopped_window_starts_and_one_without_cameras_does_not(asked: Asked):
    asked.window.show_state(live(running=False))
    assert asked.key(Qt.Key.Key_Space) == [Start()]
    asked.window.show_state(
        present_live(LiveState(), None, live_scenes.make_window_state(running=False))
    )
    for key in (Qt.Key.Key_Space, Qt.Key.Key_C, Qt.Key.Key_R):
        assert asked.key(key) == []


def test_record_ends_what_it_began(asked: Asked):
    asked.window.show_state(live(countdown_s=2.0))
    assert asked.key(Qt.Key.Key_R) == [StopRecording()]
    state = live_scenes.make_live_state(recording=live_scenes.make_recording_state())
    asked.window.show_state(present_live(state, None, live_scenes.make_window_state()))
    assert asked.press(Header, "1:12") == [StopRecording()]


def test_a_picture_of_a_take_asks_for_nothing(asked: Asked):
    asked.window.show_state(replace(live(), controls=None))
    for key in (Qt.Key.Key_Space, Qt.Key.Key_C, Qt.Key.Key_R, Qt.Key.Key_A):
        assert asked.key(key) == []
    assert not [button for button in asked.window.findChildren(QPushButton) if button.isVisible()]


def test_the_menu_beside_record_sets_countdown_and_hands_free(asked: Asked):
    header = asked.window.findChild(Header)
    actions = {action.text(): action for action in header.findChildren(QAction)}
    actions["Countdown of 3 s"].trigger()
    actions["Raise both hands to start and stop"].trigger()
    assert asked.words == [SetCountdown(3), SetHandsFree(True)]


def test_a_height_is_taken_in_metres_or_centimetres_and_nonsense_is_not(asked: Asked, qtbot):
    field = asked.window.findChild(StatureField).findChild(QLineEdit)
    for typed, wanted in (
        ("1,82", [SetStature(1.82)]),
        ("168", [SetStature(1.68)]),
        ("17", []),
        ("", [SetStature(None)]),
    ):
        asked.words.clear()
        field.setFocus()
        field.selectAll()
        field.clear()
        qtbot.keyClicks(field, typed)
        qtbot.keyClick(field, Qt.Key.Key_Return)
        assert asked.words == wanted, typed


def test_a_name_is_asked_for_once_and_without_the_spaces_around_it(asked: Asked, qtbot):
    field = asked.window.findChild(PersonField).findChild(QLineEdit)
    for typed, wanted in (
        (" Anna  B ", [SetPerson("Anna B")]),
        ("Anna B", []),
        ("", [SetPerson("")]),
    ):
        asked.words.clear()
        field.setFocus()
        field.clear()
        qtbot.keyClicks(field, typed)
        qtbot.keyClick(field, Qt.Key.Key_Return)
        assert asked.words == wanted, typed


def test_letters_that_are_typed_are_no_shortcuts(asked: Asked, qtbot):
    field = asked.window.findChild(StatureField).findChild(QLineEdit)
    field.setFocus()
    qtbot.keyClicks(field, "r c1")
    assert asked.words == []
    assert asked.window.findChild(CameraGrid).enlarged_camera() is None


def test_a_number_enlarges_a_camera_and_escape_gives_all_the_same(asked: Asked):
    grid = asked.window.findChild(CameraGrid)
    asked.key(Qt.Key.Key_2)
    assert grid.enlarged_camera() == "cam_1"
    asked.key(Qt.Key.Key_Escape)
    assert grid.enlarged_camera() is None
    asked.key(Qt.Key.Key_9)
    assert grid.enlarged_camera() is None


def test_a_click_on_a_camera_enlarges_it(asked: Asked, qtbot):
    grid = asked.window.findChild(CameraGrid)
    qtbot.mouseClick(
        grid,
        Qt.MouseButton.LeftButton,
        pos=QPointF(grid.width() * 0.25, grid.height() * 0.2).toPoint(),
    )
    assert grid.enlarged_camera() == "cam_0"


def test_a_lost_camera_is_tried_again_where_the_button_is_drawn(asked: Asked, qtbot):
    lost = live_scenes.make_camera_state("cam_0", CameraPhase.LOST, "Camera 'cam_0' is gone.")
    state = live_scenes.make_live_state(cameras=(lost, *live_scenes.make_camera_states()[1:]))
    asked.window.show_state(
        present_live(state, live_scenes.make_result(None), live_scenes.make_window_state())
    )
    grid = asked.window.findChild(CameraGrid)
    place = grid._tile_layouts[0].retry
    assert place is not None
    qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=place.center().toPoint())
    assert asked.words == [Reconnect("cam_0")]
    assert grid.enlarged_camera() is None


def test_the_menu_of_a_camera_asks_in_its_name(asked: Asked):
    grid = asked.window.findChild(CameraGrid)
    actions = {action.text(): action for action in grid.make_menu("cam_2").actions()}
    actions["Reconnect"].trigger()
    actions["Remove"].trigger()
    assert asked.words == [Reconnect("cam_2"), RemoveCamera("cam_2")]


def test_an_empty_grid_offers_a_camera_and_the_studio(asked: Asked):
    asked.window.show_state(
        present_live(LiveState(), None, live_scenes.make_window_state(running=False))
    )
    QApplication.processEvents()
    assert asked.press(CameraGrid, "Simulated cameras") == [AddCamera(STUDIO_ADDRESS)]
    assert asked.press(CameraGrid, "Add a camera…") == [ScanCameras()]
    assert asked.window.findChild(AddCameraPanel).isVisible()


def test_cameras_are_added_from_the_list_and_by_address(asked: Asked, qtbot):
    asked.key(Qt.Key.Key_A)
    asked.window.show_state(live())
    panel = asked.window.findChild(AddCameraPanel)
    assert asked.press(AddCameraPanel, "Try anyway") == [AddCamera("usb:c")]
    address = panel.findChild(QLineEdit)
    address.setText("rtsp://me:secret@10.0.0.2/stream")
    asked.words.clear()
    qtbot.keyClick(address, Qt.Key.Key_Return)
    assert asked.words == [AddCamera("rtsp://me:secret@10.0.0.2/stream")]
    assert address.text() == ""


def test_an_address_that_is_none_is_said_and_not_asked_for(asked: Asked, qtbot):
    asked.key(Qt.Key.Key_A)
    address = asked.window.findChild(AddCameraPanel).findChild(QLineEdit)
    address.setText("192.168.1.20")
    asked.words.clear()
    qtbot.keyClick(address, Qt.Key.Key_Return)
    assert asked.words == []
    assert address.property("tone") == "bad"


def test_videos_become_one_camera_each(asked: Asked):
    asked.key(Qt.Key.Key_A)
    dialog = asked.window.findChild(AddCameraPanel).ask_for_videos()
    asked.words.clear()
    dialog.filesSelected.emit(["/videos/a.mp4", "/videos/b.mp4"])
    dialog.close()
    assert asked.words == [AddCamera("/videos/a.mp4"), AddCamera("/videos/b.mp4")]


def test_looking_for_cameras_cannot_be_asked_for_twice(asked: Asked):
    asked.key(Qt.Key.Key_A)
    asked.window.show_state(replace(live(), devices=DeviceList(scanning=True)))
    assert asked.press(AddCameraPanel, "Scanning…") == []


@pytest.mark.parametrize("act", [OpenRig, SaveRig, CompareRig])
def test_a_rig_is_opened_saved_and_compared_by_its_file(asked: Asked, act: type):
    dialog = asked.window.findChild(CalibrationPanel).ask_for_file(act)
    assert isinstance(dialog, QFileDialog)
    dialog.fileSelected.emit("/rigs/rig.toml")
    dialog.close()
    assert asked.words == [act(Path("/rigs/rig.toml"))]


def test_a_notice_is_dismissed(asked: Asked):
    asked.window.show_state(live(notice=Notice("The disk is full.", Severity.ERROR)))
    notice = asked.window.findChild(QPushButton, "flat")
    button = next(b for b in asked.window.findChildren(QPushButton) if b.toolTip() == "Dismiss")
    assert notice is not None
    button.click()
    assert asked.words == [DismissNotice()]


def test_settings_ask_for_modes_values_and_automatics(asked: Asked, qtbot):
    asked.window.open_settings("cam_0")
    panel = asked.window.findChild(CameraSettingsPanel)
    modes = panel.findChild(QComboBox)
    modes.activated.emit(1)
    gain = next(
        slider for slider in panel.findChildren(QSlider) if slider.accessibleName() == "Gain"
    )
    with qtbot.waitSignal(
        asked.window.requested,
        timeout=PATIENCE_MS,
        check_params_cb=lambda word: isinstance(word, SetControl),
    ):
        gain.setValue(500)
    next(box for box in panel.findChildren(QCheckBox) if box.isEnabled()).click()
    assert asked.words == [
        SetMode("cam_0", "640x480@30 mjpeg"), SetControl("cam_0", "gain", 255.0),
        SetControl("cam_0", "auto_exposure", 0.0),
    ]  # fmt: skip
    assert asked.press(CameraSettingsPanel, "Lock all") == [LockControls("cam_0")]
    assert asked.press(CameraSettingsPanel, "Remove") == [RemoveCamera("cam_0")]


def test_a_camera_that_lets_nothing_be_set_opens_no_panel(asked: Asked):
    asked.window.open_settings("cam_3")
    assert not asked.window.findChild(CameraSettingsPanel).isVisible()


def test_the_settings_close_when_their_camera_is_gone(asked: Asked):
    asked.window.open_settings("cam_0")
    asked.window.show_state(replace(live(), settings=()))
    assert not asked.window.findChild(CameraSettingsPanel).isVisible()


def test_a_wide_range_is_spread_out_and_comes_back_to_its_value():
    exposure, gain = live_scenes.make_camera_settings().controls[:2]
    assert value_from_position(exposure, 0) == 50
    assert value_from_position(exposure, 500) == 200_000
    assert value_from_position(exposure, position_from_value(exposure)) == pytest.approx(
        exposure.value, rel=0.01
    )
    assert value_from_position(exposure, 250) < 5000
    assert value_from_position(gain, position_from_value(gain)) == gain.value
    assert position_from_value(replace(gain, minimum=0, maximum=0)) == 0


def test_pages_have_tabs_and_their_own_keys(asked: Asked, qtbot):
    turned = []
    asked.window.page_changed.connect(turned.append)
    asked.window.add_page("Sessions", QWidget())
    asked.press(Header, "Sessions")
    assert (asked.window.page(), turned) == ("Sessions", ["Sessions"])
    assert asked.key(Qt.Key.Key_Space) == []
    asked.window.show_page("Live")
    assert asked.key(Qt.Key.Key_Space) == [Stop()]


def test_a_tab_says_what_goes_on_behind_it(asked: Asked):
    asked.window.add_page("Fine-tune", QWidget())
    asked.window.set_page_note("Fine-tune", "43 %")
    asked.press(Header, "Fine-tune · 43 %")
    assert asked.window.page() == "Fine-tune"
    asked.window.set_page_note("Fine-tune", "")
    asked.press(Header, "Fine-tune")


def test_closing_the_window_is_said_once(asked: Asked):
    said = []
    asked.window.closing.connect(lambda: said.append(True))
    asked.window.close()
    assert said == [True]
