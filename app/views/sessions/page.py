"""The Sessions page: cards, a search field, and the actions on the chosen session."""

from pathlib import Path

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QListView,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.presenters.sessions import SessionCard, SessionsState, filter_sessions
from app.requests import ChooseForFinetune, OpenSession, ScanSessions, ShowFolder
from app.views.sessions.cards import CARD_ROLE, SessionCardPainter, SessionModel
from app.views.sessions.dialogs import TrackAgainPanel, make_export_dialog
from app.views.sessions.style import HEAD_U, build_sessions_stylesheet
from app.views.theme import PALETTE, choose_window_scale, load_icon
from app.views.widgets import make_label, make_page_button

_CARD_U = 270.0
_ICON_U = 16
_FINETUNE_TIP = "Select it on the Fine-tune page; nothing starts yet"


class SessionsPage(QWidget):
    """Draws the list of sessions; `requested` emits what the user asks for."""

    requested = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._scale = 0.0
        self._state = SessionsState()
        self._title = make_label("page_title")
        self._count = make_label("page_facts")
        self._notice, self._name, self._remarks = (
            make_label(n) for n in ("page_remark", "foot_name", "foot_remarks")
        )
        self._headline = make_label("empty_headline")
        self._message = make_label("empty_message")
        self._search = QLineEdit()
        self._rescan = make_page_button(
            "", self._request_scan, "retry", name="flat", tip="Read the folders again (F5)"
        )
        self._folder = make_page_button(
            "Show folder", self._request_folder, "folder", tip="Show the files of the session"
        )
        self._track = make_page_button(
            "Track again …",
            self.track_again,
            "retry",
            tip="Track with another model or rig; the result is a new session",
        )
        self._finetune = make_page_button("Fine-tune …", self._request_finetune, "target")
        self._export = make_page_button(
            "Export …", self.export, "export", tip="Write the joints to a file for other programs"
        )
        self._open = make_page_button(
            "Open",
            self.open_chosen,
            "play",
            name="main_action",
            tip="Play it frame by frame (Enter)",
        )
        self._make_containers()
        self._set_up()
        self._lay_out()
        self.show_sessions(SessionsState())

    def _make_containers(self) -> None:
        """Make the list, and what holds the widgets."""
        self._model = SessionModel()
        self._painter = SessionCardPainter()
        self._list = QListView()
        self._head_row = QHBoxLayout()
        self._foot_row = QHBoxLayout()
        self._words = QVBoxLayout()
        self._head = QWidget()
        self._foot = QWidget()
        self._stack = QStackedWidget()
        self._list_frame = QWidget()

    def show_sessions(self, state: SessionsState) -> None:
        """Show this list; choice and search stay.

        Parameters
        ----------
        state
            With all sessions.
        """
        self._state = state
        chosen = self.chosen_card()
        shown = filter_sessions(state, self._search.text())
        self._model.show_cards(shown.cards)
        row = self._model.find_row(chosen.path if chosen else None)
        if row >= 0:
            self._list.setCurrentIndex(self._model.index(row))
        self._count.setText(shown.count)
        self._headline.setText(shown.headline)
        self._message.setText(shown.message)
        self._notice.setText(state.notices[0] if state.notices else "")
        self._notice.setVisible(bool(state.notices))
        self._stack.setCurrentIndex(0 if shown.headline else 1)
        self._show_chosen()

    def chosen_card(self) -> SessionCard | None:
        """Return the chosen session; None where none is."""
        card = self._list.currentIndex().data(CARD_ROLE)
        return card if isinstance(card, SessionCard) else None

    def choose(self, path: Path) -> None:
        """Choose a session, if it is listed."""
        row = self._model.find_row(path)
        if row >= 0:
            self._list.setCurrentIndex(self._model.index(row))

    def open_chosen(self) -> None:
        """Request to open the chosen session."""
        card = self.chosen_card()
        if card is not None and card.can_open:
            self.requested.emit(OpenSession(card.path))

    def track_again(self) -> TrackAgainPanel | None:
        """Open the panel to track again; None where no session is chosen."""
        card = self.chosen_card()
        if card is None or not card.can_track:
            return None
        panel = TrackAgainPanel(
            self, card.path, self._state.models, has_rig=card.has_rig, submit=self.requested.emit
        )
        panel.set_scale(self._scale)
        panel.open_card()
        return panel

    def export(self) -> None:
        """Open the dialog for file and format."""
        card = self.chosen_card()
        if card is not None and card.can_export:
            make_export_dialog(self, card.path, self.requested.emit).open()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Scale type, spacing and cards to the new size."""
        super().resizeEvent(event)
        scale = choose_window_scale(self)
        if abs(scale - self._scale) > 0.02:
            self._apply_scale(scale)
        self._fit_cards()

    def _apply_scale(self, scale: float) -> None:
        """Apply this scale to everything."""
        self._scale = scale
        self.setStyleSheet(build_sessions_stylesheet(scale))
        gap = round(8 * scale)
        for row in (self._head_row, self._foot_row):
            row.setContentsMargins(2 * gap, gap, 2 * gap, gap)
            row.setSpacing(gap)
        self._list_frame.setContentsMargins(round(10 * scale), round(8 * scale), 0, 0)
        self._words.setSpacing(round(2 * scale))
        self._search.setFixedWidth(round(260 * scale))
        self._head.setFixedHeight(round(HEAD_U * scale))
        self._foot.setFixedHeight(round(64 * scale))
        for button in (
            self._folder,
            self._track,
            self._finetune,
            self._export,
            self._open,
            self._rescan,
        ):
            button.setIconSize(QSize(round(_ICON_U * scale), round(_ICON_U * scale)))

    def _fit_cards(self) -> None:
        """Fill the width with whole cards."""
        bar = self._list.verticalScrollBar()
        room = self.width() - round(20 * self._scale) - (bar.sizeHint().width() if bar else 0)
        columns = max(1, int(room / (_CARD_U * self._scale)))
        self._painter.set_scale(self._scale, room // columns)
        self._list.setGridSize(self._painter.card_size())

    def _show_chosen(self) -> None:
        """Describe the chosen session, and enable the actions on it."""
        card = self.chosen_card()
        self._foot.setVisible(bool(self._state.cards))
        self._name.setText(card.name if card else "Choose a session")
        remarks = " ".join(card.remarks) if card else "Double-click a session to open it."
        self._remarks.setText(remarks or f"{card.date}  ·  {card.facts}" if card else remarks)
        self._remarks.setToolTip("\n\n".join(card.remarks) if card else "")
        self._folder.setEnabled(card is not None)
        self._open.setEnabled(card is not None and card.can_open)
        self._open.setIcon(
            load_icon("play", PALETTE.ground if self._open.isEnabled() else PALETTE.muted)
        )
        self._track.setEnabled(card is not None and card.can_track)
        self._export.setEnabled(card is not None and card.can_export)
        self._finetune.setEnabled(card is not None and not card.finetune_problem)
        self._finetune.setToolTip(
            card.finetune_problem if card and card.finetune_problem else _FINETUNE_TIP
        )

    def _request_scan(self) -> None:
        """Request that the folders are read again."""
        self.requested.emit(ScanSessions())

    def _request_folder(self) -> None:
        """Request the folder of the chosen session."""
        card = self.chosen_card()
        if card is not None:
            self.requested.emit(ShowFolder(card.path))

    def _request_finetune(self) -> None:
        """Request the Fine-tune page for the chosen session."""
        card = self.chosen_card()
        if card is not None:
            self.requested.emit(ChooseForFinetune(card.path))

    def _on_search_changed(self) -> None:
        """Show the sessions that match the search."""
        self.show_sessions(self._state)

    def _set_up(self) -> None:
        """Set up list and search field."""
        self._title.setText("Sessions")
        self._list.setObjectName("cards")
        self._list.setViewMode(QListView.ViewMode.IconMode)
        self._list.setMovement(QListView.Movement.Static)
        self._list.setResizeMode(QListView.ResizeMode.Adjust)
        self._list.setUniformItemSizes(True)
        self._list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self._list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self._list.setMouseTracking(True)
        self._list.setModel(self._model)
        self._list.setItemDelegate(self._painter)
        self._list.activated.connect(lambda _index: self.open_chosen())
        selection = self._list.selectionModel()
        if selection is not None:
            selection.currentChanged.connect(lambda _new, _old: self._show_chosen())
        self._search.setObjectName("search")
        self._search.setPlaceholderText("Search by name, date or camera")
        self._search.setClearButtonEnabled(True)
        self._search.textChanged.connect(self._on_search_changed)
        keys = {"Ctrl+F": self._search.setFocus, "F5": self._request_scan}
        for key, press in keys.items():
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(press)

    def _lay_out(self) -> None:
        """Lay out head, cards and foot."""
        for part, name, row in (
            (self._head, "page_head", self._head_row),
            (self._foot, "page_foot", self._foot_row),
        ):
            part.setObjectName(name)
            part.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
            part.setLayout(row)
        self._head_row.addWidget(self._title)
        self._head_row.addWidget(self._count, alignment=Qt.AlignmentFlag.AlignVCenter)
        self._head_row.addStretch(1)
        self._head_row.addWidget(self._rescan)
        self._head_row.addWidget(self._search)
        self._remarks.setWordWrap(True)
        self._words.addWidget(self._name)
        self._words.addWidget(self._remarks)
        self._foot_row.addLayout(self._words, 1)
        for button in (self._folder, self._track, self._finetune, self._export, self._open):
            self._foot_row.addWidget(button)
        frame = QVBoxLayout(self._list_frame)
        frame.setContentsMargins(0, 0, 0, 0)
        frame.addWidget(self._list)
        self._stack.addWidget(self._make_empty_page())
        self._stack.addWidget(self._list_frame)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget, stretch in (
            (self._head, 0),
            (self._notice, 0),
            (self._stack, 1),
            (self._foot, 0),
        ):
            column.addWidget(widget, stretch)

    def _make_empty_page(self) -> QWidget:
        """Make the page for an empty list."""
        empty = QWidget()
        column = QVBoxLayout(empty)
        column.addStretch(1)
        for label in (self._headline, self._message):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        column.addStretch(1)
        return empty
