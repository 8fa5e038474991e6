"""NetworkShelf: the networks of the library as a page lists them, and choosing among them."""

from app.presenters.finetune import NetworkRow
from engine.inference.network_library import JOURNAL, Choice, Entry, NetworkLibrary
from engine.inference.serving_journal import adopted

BY_HAND = "Chosen in the window."
PERSON = "a person"

Scope = tuple[str, str]


class NetworkShelf:
    """The networks of a library; what is listed is read anew only when something changed.

    Parameters
    ----------
    library
    """

    def __init__(self, library: NetworkLibrary) -> None:
        self._library = library
        self._stamp: tuple[int, ...] | None = None
        self._rows: tuple[NetworkRow, ...] = ()

    def rows(self) -> tuple[NetworkRow, ...]:
        """List the networks with whom each was meant for, those taught last first.

        Returns
        -------
        rows

        Raises
        ------
        OSError
            If the disk refuses.
        """
        stamp = self._changed()
        if stamp != self._stamp:
            self._rows, self._stamp = self._read(), stamp
        return self._rows

    def use(self, name: str, person: str, rig_id: str) -> None:
        """Let a network serve somebody; errors as `NetworkLibrary.adopt`."""
        self._library.adopt(name, person, rig_id, reason=BY_HAND, by=PERSON)

    def roll_back(self, person: str, rig_id: str) -> None:
        """Let the one serve again that served before; errors as `NetworkLibrary.roll_back`."""
        self._library.roll_back(person, rig_id, reason=BY_HAND, by=PERSON)

    def _read(self) -> tuple[NetworkRow, ...]:
        """Read the library; choosing verifies files, which takes a moment."""
        history = self._library.history()
        scopes = {("", ""): None, **{(change.person, change.rig_id): None for change in history}}
        serving = {scope: self._library.choice(*scope) for scope in scopes}
        rows = []
        for entry in self._library.networks():
            meant = {(change.person, change.rig_id): None for change in history if change.network == entry.name}
            person = entry.card.trained.person if entry.card.trained else ""
            for scope in {(person, ""): None, **meant}:
                back = bool(adopted(history, *scope))
                rows.append(_row(entry, scope, serving.get(scope), can_roll_back=back))
        return tuple(sorted(rows, key=lambda row: row.facts, reverse=True))

    def _changed(self) -> tuple[int, ...]:
        """Stamp what the list depends on: the journal, and which networks there are."""
        found = [0]
        for path in (self._library.folder, self._library.folder / JOURNAL):
            if path.exists():
                known = path.stat()
                found += [known.st_mtime_ns, known.st_size]
        return tuple(found)


def _row(entry: Entry, scope: Scope, choice: Choice | None, *, can_roll_back: bool) -> NetworkRow:
    """Describe a network that was meant for somebody."""
    trained = entry.card.trained
    known = trained.metrics if trained else {}
    before, after = known.get("before_mm"), known.get("mpjpe_mm")
    figures = f"{before:.0f} → {after:.0f} mm" if before and after else f"{after:.0f} mm" if after else ""
    facts = (trained.made if trained else "", figures or entry.card.note)
    serves = choice is not None and choice.entry is not None and choice.entry.name == entry.name
    return NetworkRow(
        entry.name, scope[0], ", ".join(filter(None, facts)), serves, can_roll_back and serves, rig_id=scope[1]
    )
