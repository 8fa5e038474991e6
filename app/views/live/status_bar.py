"""The status bar: the few figures that show whether all is well."""

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QWidget

from app.presenters.window import JobCard, StatusItem
from app.views.elided_label import ElidedLabel
from app.views.theme import set_property
from app.views.widgets import make_label


class StatusBar(QWidget):
    """Shows label and value side by side; the widgets are made once."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("status")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._layout = QHBoxLayout(self)
        self._layout.addStretch(1)
        self._pairs: list[tuple[QLabel, QLabel]] = []
        self._items: tuple[StatusItem, ...] = ()
        self._scale = 1.0
        self._job: JobCard | None = None
        self._job_words = ElidedLabel("status_label")
        self._job_bar = QProgressBar()
        self._job_words.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self._job_bar.setTextVisible(False)
        for widget in (self._job_words, self._job_bar):
            self._layout.addWidget(widget, alignment=Qt.AlignmentFlag.AlignVCenter)
            widget.hide()

    def show_status(self, items: tuple[StatusItem, ...]) -> None:
        """Show these figures.

        Parameters
        ----------
        items
            From left to right.
        """
        if items == self._items:
            return
        while len(self._pairs) < len(items):
            self._add_pair()
        for index, (label, value) in enumerate(self._pairs):
            shown = index < len(items)
            label.setVisible(shown)
            value.setVisible(shown)
            before = self._items[index] if index < len(self._items) else None
            if shown and items[index] != before:
                _set_pair(label, value, items[index])
        self._items = items

    def show_job(self, job: JobCard | None) -> None:
        """Show background work at the right end; None for none."""
        if job == self._job:
            return
        self._job = job
        self._job_words.setVisible(job is not None)
        self._job_bar.setVisible(job is not None)
        if job:
            self._job_words.show_text(job.text)
            self._job_words.updateGeometry()
            self._job_bar.setRange(0, 0 if job.progress is None else 100)
            self._job_bar.setValue(round(100 * (job.progress or 0.0)))

    def set_scale(self, scale: float) -> None:
        """Scale spacing to the window."""
        self._scale = scale
        self.setFixedHeight(round(32 * scale))
        self._layout.setContentsMargins(round(14 * scale), 0, round(14 * scale), 0)
        self._layout.setSpacing(round(7 * scale))
        self._job_bar.setFixedSize(round(120 * scale), round(6 * scale))
        for _, value in self._pairs:
            value.setContentsMargins(0, 0, round(12 * scale), 0)

    def _add_pair(self) -> None:
        """Add one more label and value."""
        label, value = make_label("status_label"), make_label("status_value")
        value.setContentsMargins(0, 0, round(12 * self._scale), 0)
        for widget in (label, value):
            self._layout.insertWidget(2 * len(self._pairs) + (widget is value), widget)
        self._pairs.append((label, value))


def _set_pair(label: QLabel, value: QLabel, item: StatusItem) -> None:
    """Change one figure."""
    label.setText(item.label)
    value.setText(item.value)
    for widget in (label, value):
        widget.setToolTip(item.tip)
    set_property(value, "tone", str(item.severity))
