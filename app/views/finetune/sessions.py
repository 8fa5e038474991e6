"""The sessions that can be trained on, with ticks; a click anywhere on a row toggles it."""

from collections.abc import Sequence
from pathlib import Path

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy

from app.presenters.finetune import SessionChoice
from app.views.theme import PALETTE, to_qcolor

CHOICE_ROLE = Qt.ItemDataRole.UserRole
_TICKED = Qt.CheckState.Checked
_TIP = "Click, or press Space, to train on it."


class FinetuneSessions(QListWidget):
    """Draws the list; `ticked_changed` is emitted when the ticks change."""

    ticked_changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._choices: tuple[SessionChoice, ...] | None = None
        self._pressed: Qt.CheckState | None = None
        self.setObjectName("choices")
        self.setAccessibleName("Sessions to train on")
        self.setWordWrap(True)
        # the list gets the height that the other widgets leave
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.itemChanged.connect(lambda _item: self.ticked_changed.emit())
        self.itemPressed.connect(self._on_item_pressed)
        self.itemClicked.connect(self._on_item_clicked)

    def show_choices(self, choices: tuple[SessionChoice, ...]) -> None:
        """List these sessions; ticks stay."""
        if choices == self._choices:
            return
        self._choices = choices
        ticked = {choice.path for choice in self.ticked_choices()}
        self.blockSignals(True)
        self.clear()
        for choice in choices:
            self._add(choice, ticked=choice.path in ticked)
        self.blockSignals(False)
        self.ticked_changed.emit()

    def tick(self, path: Path) -> None:
        """Tick this session only, if it can be used."""
        for item in self._list_items():
            if item.flags() & Qt.ItemFlag.ItemIsUserCheckable:
                is_chosen = item.data(CHOICE_ROLE).path == path
                item.setCheckState(_TICKED if is_chosen else Qt.CheckState.Unchecked)
                if is_chosen:
                    self.setCurrentItem(item)
                    self.scrollToItem(item)

    def ticked_choices(self) -> Sequence[SessionChoice]:
        """Return the sessions that are ticked."""
        return [
            item.data(CHOICE_ROLE) for item in self._list_items() if item.checkState() == _TICKED
        ]

    def _on_item_pressed(self, item: QListWidgetItem) -> None:
        """Remember the tick before a click; a press on the box itself is not reported here."""
        self._pressed = item.checkState()

    def _on_item_clicked(self, item: QListWidgetItem) -> None:
        """Toggle the tick, unless the click was on the box itself, which toggles it already."""
        pressed, self._pressed = self._pressed, None
        if item.flags() & Qt.ItemFlag.ItemIsUserCheckable and item.checkState() == pressed:
            item.setCheckState(Qt.CheckState.Unchecked if pressed == _TICKED else _TICKED)

    def _add(self, choice: SessionChoice, *, ticked: bool) -> None:
        """Add a session to the list."""
        item = QListWidgetItem(f"{choice.name}\n{choice.facts}")
        item.setData(CHOICE_ROLE, choice)
        if choice.can_finetune:
            item.setFlags(
                Qt.ItemFlag.ItemIsEnabled
                | Qt.ItemFlag.ItemIsUserCheckable
                | Qt.ItemFlag.ItemIsSelectable
            )
            item.setCheckState(_TICKED if ticked else Qt.CheckState.Unchecked)
            item.setToolTip(f"{choice.path}\n{_TIP}")
        else:
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            item.setForeground(to_qcolor(PALETTE.muted, 0.7))
            item.setToolTip(f"{choice.path}\n{choice.facts}")
        self.addItem(item)

    def _list_items(self) -> list[QListWidgetItem]:
        """Return the rows."""
        return [item for row in range(self.count()) if (item := self.item(row)) is not None]
