"""ModelList: the models of the library as a page lists them, and which one is used."""

from app.presenters.finetune import ModelRow
from engine.models.journal import list_adopted
from engine.models.library import JOURNAL, ModelChoice, ModelEntry, ModelLibrary

CHOSEN_IN_WINDOW = "Chosen in the window."
BY_USER = "a person"

Scope = tuple[str, str]


class ModelList:
    """The models of a library; the list is read again only when something changed."""

    def __init__(self, library: ModelLibrary) -> None:
        self._library = library
        self._stamp: tuple[int, ...] | None = None
        self._rows: tuple[ModelRow, ...] = ()

    def rows(self) -> tuple[ModelRow, ...]:
        """List the models with the person that each is for, the newest first.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        stamp = self._compute_stamp()
        if stamp != self._stamp:
            self._rows, self._stamp = self._read_rows(), stamp
        return self._rows

    def use(self, name: str, person: str, rig_id: str) -> None:
        """Use a model for a person and a rig; errors as `ModelLibrary.adopt`."""
        self._library.adopt(name, person, rig_id, reason=CHOSEN_IN_WINDOW, by=BY_USER)

    def roll_back(self, person: str, rig_id: str) -> None:
        """Use the previous model; errors as `ModelLibrary.roll_back`."""
        self._library.roll_back(person, rig_id, reason=CHOSEN_IN_WINDOW, by=BY_USER)

    def _read_rows(self) -> tuple[ModelRow, ...]:
        """Read the library; choosing verifies files, which takes a moment."""
        history = self._library.read_history()
        scopes = {("", ""): None, **{(change.person, change.rig_id): None for change in history}}
        choices = {scope: self._library.choose_model(*scope) for scope in scopes}
        rows = []
        for entry in self._library.list_models():
            intended_scopes = {
                (change.person, change.rig_id): None
                for change in history
                if change.network == entry.name
            }
            person = entry.card.trained.person if entry.card.trained else ""
            for scope in {(person, ""): None, **intended_scopes}:
                can_roll_back = bool(list_adopted(history, *scope))
                rows.append(
                    _build_row(entry, scope, choices.get(scope), can_roll_back=can_roll_back)
                )
        return tuple(sorted(rows, key=lambda row: row.facts, reverse=True))

    def _compute_stamp(self) -> tuple[int, ...]:
        """Stamp what the list depends on: the journal, and which models there are."""
        stamp = [0]
        for path in (self._library.folder, self._library.folder / JOURNAL):
            if path.exists():
                status = path.stat()
                stamp += [status.st_mtime_ns, status.st_size]
        return tuple(stamp)


def _build_row(
    entry: ModelEntry, scope: Scope, choice: ModelChoice | None, *, can_roll_back: bool
) -> ModelRow:
    """Describe a model that is for a person."""
    trained = entry.card.trained
    metrics = trained.metrics if trained else {}
    before = metrics.get("before_mm")
    after = metrics.get("mpjpe_mm")
    figures = (
        f"{before:.0f} → {after:.0f} mm" if before and after else f"{after:.0f} mm" if after else ""
    )
    facts = (trained.made if trained else "", figures or entry.card.note)
    in_use = choice is not None and choice.entry is not None and choice.entry.name == entry.name
    return ModelRow(
        entry.name,
        scope[0],
        ", ".join(filter(None, facts)),
        in_use,
        can_roll_back and in_use,
        rig_id=scope[1],
    )
