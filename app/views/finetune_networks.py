"""The networks there are: which one serves whom, and Use and Roll back."""

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.presenters.finetune import NetworkRow
from app.requests import RollBackNetwork, UseNetwork
from app.views.elided_label import ElidedLabel
from app.views.theme import set_property


class FinetuneNetworks(QWidget):
    """Draws the networks, and asks for another one to serve."""

    asked = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._networks: tuple[NetworkRow, ...] | None = None
        self._rows, self._area, self._scroll = QVBoxLayout(), QWidget(), QScrollArea()
        self._column = QVBoxLayout(self)
        self._scale = 1.0
        title = QLabel("Networks")
        title.setObjectName("section")
        self._area.setObjectName("rows")
        self._area.setLayout(self._rows)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._scroll.setWidget(self._area)
        self._scroll.setWidgetResizable(True)
        self._column.addWidget(title)
        self._column.addWidget(self._scroll, 1)
        self.show_networks(())

    def show_networks(self, networks: tuple[NetworkRow, ...]) -> None:
        """Show these.

        Parameters
        ----------
        networks
        """
        if networks == self._networks:
            return
        self._networks = networks
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
        for network in networks:
            self._rows.addWidget(self._row(network))
        if not networks:
            empty = QLabel("No network of your own yet.")
            empty.setObjectName("fact")
            self._rows.addWidget(empty)
        self._rows.addStretch(1)
        self.set_scale(self._scale)

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        self._scale = scale
        self._column.setContentsMargins(*[round(12 * scale)] * 4)
        self._rows.setSpacing(round(4 * scale))
        for row in self._area.findChildren(QWidget, "row"):
            layout = row.layout()
            if layout is not None:
                layout.setContentsMargins(*[round(8 * scale)] * 4)
                layout.setSpacing(round(8 * scale))

    def _row(self, network: NetworkRow) -> QWidget:
        """Make the row of one network."""
        row, words = QWidget(), QVBoxLayout()
        row.setObjectName("row")
        row.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        name, facts = ElidedLabel("row_name"), ElidedLabel("fact")
        name.tell(network.name)
        whom = network.person or "everybody"
        rig = f" before rig {network.rig_id}" if network.rig_id else ""
        facts.tell(" · ".join(filter(None, (whom + rig, network.facts))))
        for label in (name, facts):
            words.addWidget(label)
        line = QHBoxLayout(row)
        line.addLayout(words, 1)
        if network.serves:
            chip = QLabel("serves")
            chip.setObjectName("chip")
            set_property(chip, "tone", "good")
            line.addWidget(chip, alignment=Qt.AlignmentFlag.AlignVCenter)
        if network.serves and network.can_roll_back:
            line.addWidget(self._button("Roll back", RollBackNetwork(network.person, network.rig_id)))
        if not network.serves:
            line.addWidget(self._button("Use", UseNetwork(network.name, network.person, network.rig_id)))
        return row

    def _button(self, text: str, request: UseNetwork | RollBackNetwork) -> QPushButton:
        """Make a button that asks for this."""
        button = QPushButton(text)
        button.clicked.connect(lambda: self.asked.emit(request))
        return button
