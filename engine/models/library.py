"""ModelLibrary: the models trained on this machine, and which of them is used for whom.

A model is a folder and is never overwritten; the choice of the model in use is a journal that is
only appended to. The root of all is the shipped model, to which the user can always go back.

Its more than 400 lines change one folder under one lock.
"""

import difflib
import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np
import platformdirs

from calibration.rig import Rig
from engine.errors import EngineError, ModelMismatchError, ModelMissingError
from engine.models.card import ModelCard, read_card, require_monocular
from engine.models.files import (
    CARD_FILE,
    CHECKPOINT_FILE,
    LOCK_TIMEOUT_S,
    copy_model,
    lock_models_folder,
)
from engine.models.journal import (
    ADOPT,
    ROLL_BACK,
    Change,
    append_change,
    list_adopted,
    read_journal,
)
from engine.models.shelf import verify_files

FOLDER_VARIABLE = "EPIPOLE_NETWORKS"
EMBEDDED, PICTURES = "lifter", "compact-studio"
"""What ships: the lifter serves unless another model is adopted, and fine-tuning on pictures
begins with the other one."""
JOURNAL = "serving.jsonl"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model of the library.

    Parameters
    ----------
    name
        Of its folder.
    card
        What it is; its parent, data and figures are in `ModelCard.trained`.
    folder
        That contains all of its files.
    checkpoint
        From which it can be trained further; None where there is none.
    """

    name: str
    card: ModelCard
    folder: Path
    checkpoint: Path | None

    @property
    def parent(self) -> str:
        """Name of the model it was trained from; empty where not known."""
        return self.card.trained.parent if self.card.trained else ""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model is used for a person and rig.

    Parameters
    ----------
    entry
        None where there is none at all.
    remarks
        A message for each model that should have been used and cannot be.
    """

    entry: ModelEntry | None
    remarks: tuple[str, ...] = ()


def finetuned_models_folder() -> Path:
    """Return the folder of trained models: ``$EPIPOLE_NETWORKS``, or in the user's data."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return (
        Path(chosen).expanduser()
        if chosen
        else platformdirs.user_data_path("epipole", appauthor=False) / "networks"
    )


def embedded_card_path(name: str = EMBEDDED) -> Path:
    """Return the path of a shipped model's card; it need not exist."""
    return Path(str(resources.files("assets") / "models" / f"{name}.toml"))


def compute_rig_id(rig: Rig) -> str:
    """Name a rig by its geometry, so that a model can be adopted for it.

    Returns
    -------
    id
        Twelve letters and digits; the same after writing and reading the rig, different for each
        calibration.
    """
    numbers = [
        [
            camera.name,
            # + 0.0 turns -0.0 into 0.0
            *(np.round([*camera.matrix.flat, *camera.cam_from_world.flat], 4) + 0.0).tolist(),
        ]
        for camera in rig
    ]
    return hashlib.sha256(json.dumps(numbers).encode()).hexdigest()[:12]


class ModelLibrary:
    """The models of one folder; several programs may use it at the same time.

    Parameters
    ----------
    folder
        `finetuned_models_folder` if not given; created for the first model.
    embedded
        Card of the root model; those of the shipped ones if not given.
    lock_timeout_s
        How long to wait for another program that changes the library.

    Notes
    -----
    It keeps nothing in memory and starts no thread: changes by other programs are visible at the
    next call.
    """

    def __init__(
        self,
        folder: Path | None = None,
        embedded: Path | None = None,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
    ) -> None:
        self._lock_timeout_s = lock_timeout_s
        self.folder = Path(folder) if folder is not None else finetuned_models_folder()
        cards = [embedded_card_path(name) for name in (EMBEDDED, PICTURES)]
        self._shipped = {
            path.stem: path
            for path in (cards if embedded is None else [Path(embedded)])
            if path.is_file()
        }

    def list_models(self) -> tuple[ModelEntry, ...]:
        """Return every model whose files seem complete, the shipped one first, then by name."""
        return tuple(
            entry
            for entry in map(self._load_entry, self._list_names())
            if isinstance(entry, ModelEntry)
        )

    def remarks(self) -> tuple[str, ...]:
        """Return a message for everything in the library that is damaged."""
        damaged = [
            found for found in map(self._load_entry, self._list_names()) if isinstance(found, str)
        ]
        return (*damaged, *read_journal(self.folder / JOURNAL)[1])

    def find_model(self, name: str) -> ModelEntry:
        """Find a model by its name.

        Raises
        ------
        ModelMissingError
            If there is none.
        ModelMismatchError
            If it is damaged.
        """
        if name not in self._list_names():
            near = difflib.get_close_matches(name, self._list_names(), 1)
            guess = (
                f" Did you mean '{near[0]}'?"
                if near
                else " 'epipole models list' shows which there are."
            )
            raise ModelMissingError(f"There is no model '{name}' in {self.folder}.{guess}")
        found = self._load_entry(name)
        if isinstance(found, str):
            raise ModelMismatchError(found)
        return found

    def add(self, folder: Path, name: str = "") -> ModelEntry:
        """Add a model to the library; nothing in it is overwritten.

        Parameters
        ----------
        folder
            As written by `training.export.export.export_model`, with other files that belong to it.
            It is copied.
        name
            The card's if not given; in lower case, with ``-2`` appended if it is taken.

        Raises
        ------
        ModelCardError, ModelMissingError, ModelMismatchError
            If it is not a complete model.
        EngineError
            If the disk refuses, or another program keeps the library locked.
        """
        card = read_card(folder / CARD_FILE)
        require_monocular(card)
        verify_files(card)
        with lock_models_folder(self.folder, self._lock_timeout_s):
            free = self._find_free_name(file_name_from_words(name or card.name))
            copy_model(folder, card, self.folder / free)
        return self.find_model(free)

    def find_serving_model(
        self, person: str | None = None, rig_id: str | None = None
    ) -> ModelEntry | None:
        """Return the model in use, verified; None where there is none (`choose_model` says why)."""
        return self.choose_model(person, rig_id).entry

    def choose_model(
        self, person: str | None = None, rig_id: str | None = None, codec: str = ""
    ) -> ModelChoice:
        """Choose the model for a person in front of a rig.

        Parameters
        ----------
        person, rig_id
            None where not known.
        codec
            `PICTURE_CODEC` or `LIFTER_CODEC`: only models of that kind; empty for either.

        Returns
        -------
        choice
            Of the adopted models: for this person and rig, else for the person, else for the rig,
            else for everybody; the one adopted last, verified. A damaged one is replaced by its
            parent, then by the one used before it, and finally by the shipped one.
        """
        remarks: list[str] = []
        for name in self._list_candidates(person or "", rig_id or ""):
            try:
                entry = self.find_model(name)
                if codec not in ("", entry.card.codec):
                    continue
                verify_files(entry.card)
            except EngineError as error:
                remarks.append(f"{error} Model '{name}' cannot be used; the one before it is.")
            else:
                return ModelChoice(entry, tuple(remarks))
        return ModelChoice(None, tuple(remarks))

    def adopt(
        self,
        name: str,
        person: str | None = None,
        rig_id: str | None = None,
        *,
        reason: str = "",
        by: str = "",
    ) -> ModelEntry:
        """Use a model for a person and rig from now on.

        Parameters
        ----------
        name
            Of a model of the library, or of the shipped one.
        person, rig_id
            None for everybody, and for any rig.
        reason
            For the journal.
        by
            Who decided.

        Raises
        ------
        ModelMissingError, ModelMismatchError
            If there is no such model, or it is damaged; then nothing changes.
        EngineError
            If the disk refuses, or another program keeps the library locked.
        """
        entry = self.find_model(name)
        verify_files(entry.card)
        self._write(Change(time.time_ns(), ADOPT, name, person or "", rig_id or "", reason, by))
        return entry

    def roll_back(
        self,
        person: str | None = None,
        rig_id: str | None = None,
        *,
        reason: str = "",
        by: str = "",
    ) -> ModelEntry | None:
        """Undo the last adoption for a person and rig.

        Parameters
        ----------
        person, rig_id
            As passed to `adopt`.
        reason, by
            As for `adopt`.

        Returns
        -------
        entry
            The model in use from now on.

        Raises
        ------
        EngineError
            If nothing was adopted for them, the disk refuses, or another program keeps the library
            locked.
        """
        stack = list_adopted(self.read_history(), person or "", rig_id or "")
        if not stack:
            raise EngineError(
                f"No model was adopted for {describe_scope(person or '', rig_id or '')}, so there "
                "is nothing to roll back. 'epipole models list' shows which model is used for whom."
            )
        self._write(
            Change(time.time_ns(), ROLL_BACK, stack[-1], person or "", rig_id or "", reason, by)
        )
        return self.find_serving_model(person, rig_id)

    def read_history(self) -> tuple[Change, ...]:
        """Return all changes of the journal, oldest first."""
        return read_journal(self.folder / JOURNAL)[0]

    def _list_candidates(self, person: str, rig_id: str) -> Iterator[str]:
        """Yield the names of models that could be used, best first, each once."""
        changes, yielded = self.read_history(), set()
        for scope in ((person, rig_id), (person, ""), ("", rig_id), ("", "")):
            for name in reversed(list_adopted(changes, *scope)):
                for ancestor in (name, *self._list_ancestors(name)):
                    if ancestor not in yielded:
                        yielded.add(ancestor)
                        yield ancestor
        yield from (name for name in self._shipped if name not in yielded)

    def _list_ancestors(self, name: str) -> list[str]:
        """List a model's parent, its parent, and so on, while their cards can be read."""
        line: list[str] = []
        known = self._list_names()
        while name in known:
            card = self._card_path(name)
            try:
                trained = read_card(card).trained
            except EngineError:
                break
            name = trained.parent if trained else ""
            if name in line:
                break
            line.append(name)
        return [ancestor for ancestor in line if ancestor in known]

    def _list_names(self) -> list[str]:
        """List the names of all models, damaged or not, the shipped one first."""
        own = [
            item.name
            for item in self.folder.glob("*")
            if item.is_dir() and not item.name.startswith(".")
        ]
        return [*self._shipped, *sorted(own)]

    def _card_path(self, name: str) -> Path:
        """Return the path of a model's card."""
        return self._shipped.get(name, self.folder / name / CARD_FILE)

    def _load_entry(self, name: str) -> ModelEntry | str:
        """Load a model's entry without reading its files; return a message if it is damaged."""
        path = self._card_path(name)
        try:
            card = replace(read_card(path), name=name)
            require_monocular(card)
        except EngineError as error:
            return f"Model '{name}' is damaged and not used: {error}"
        for file in card.files:
            there = path.parent / file.name
            if not there.is_file() or file.size_bytes not in (0, there.stat().st_size):
                return f"Model '{name}' is damaged and not used: {there} is missing or incomplete."
        checkpoint = (
            path.with_suffix(".pt") if name in self._shipped else path.parent / CHECKPOINT_FILE
        )
        return ModelEntry(name, card, path.parent, checkpoint if checkpoint.is_file() else None)

    def _find_free_name(self, name: str) -> str:
        """Return a free name, with a number appended if needed."""
        free, count = name, 1
        while (self.folder / free).exists() or free in self._shipped:
            count += 1
            free = f"{name}-{count}"
        return free

    def _write(self, change: Change) -> None:
        """Add a change to the journal."""
        with lock_models_folder(self.folder, self._lock_timeout_s):
            append_change(self.folder / JOURNAL, change)


def file_name_from_words(words: str) -> str:
    """Convert any words to a model's name: lower-case letters, digits and hyphens.

    >>> file_name_from_words("Änne B. 2026-11-21")
    'änne-b-2026-11-21'
    """
    plain = "".join(letter if letter.isalnum() else " " for letter in words.casefold())
    return "-".join(plain.split()) or "network"


def describe_scope(person: str, rig_id: str) -> str:
    """Describe for whom a model is used."""
    return f"{person or 'everybody'}{f' in front of rig {rig_id}' if rig_id else ''}"
