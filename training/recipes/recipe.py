"""Recipes: a TOML file that says which network is trained, on what, how and for how long."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from training.config import config_from_table, config_to_table
from training.data.augment import AugmentConfig
from training.data.batches import BatchConfig
from training.errors import TrainingError
from training.loop.config import TrainConfig
from training.networks.build import AnyConfig, network_config_from_table, network_to_table
from training.networks.compact import CompactConfig

SUFFIX = ".toml"
CONFIGS = resources.files("assets") / "configs"


@dataclass(frozen=True, slots=True)
class StudioRecipe:
    """What the studio renders where no data are given, or beside them.

    Parameters
    ----------
    seed
        The same seed renders the same samples.
    shard_samples
        In one shard.
    repeats
        How often each is shown.
    ahead
        Shards that wait ready.
    judges
        Held-out studios that judge: so many recordings of other people in their own rooms.
    judge_seconds, judge_fps
        Length of each recording, and how many of its instants are shown.
    share
        Where data are given: of all training samples, so many are people of the studio. Below 1;
        0 leaves them out.
    """

    seed: int = 0
    shard_samples: int = 4096
    repeats: int = 2
    ahead: int = 2
    judges: int = 4
    judge_seconds: float = 8.0
    judge_fps: float = 2.0
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is made.

    Parameters
    ----------
    name
    note
        For a person: what it is for.
    skeleton
        Whose joints it finds.
    network, train, batch, augment, studio
    occluders
        How many things are drawn that may stand before a person.
    voc
        Folder ``VOC2012`` of a copy of Pascal VOC, whose things stand before people instead; empty
        for drawn ones.
    """

    name: str
    note: str = ""
    skeleton: str = "mpii_16"
    network: AnyConfig = field(default_factory=CompactConfig)
    train: TrainConfig = field(default_factory=lambda: TrainConfig(minutes=60.0))
    batch: BatchConfig = field(default_factory=BatchConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    studio: StudioRecipe = field(default_factory=StudioRecipe)
    occluders: int = 200
    voc: str = ""


def list_recipes() -> tuple[str, ...]:
    """Return the names of the recipes that come with the program."""
    files = CONFIGS.iterdir()
    return tuple(
        sorted(file.name.removesuffix(SUFFIX) for file in files if file.name.endswith(SUFFIX))
    )


def read_recipe(what: str) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    what
        Path of a TOML file, or the name of one that comes with the program.

    Returns
    -------
    recipe
        What the file leaves out has its default.

    Raises
    ------
    TrainingError
        If there is none of that name, or it is invalid; the message names the key.
    """
    path = Path(what)
    if what.endswith(SUFFIX):
        try:
            return recipe_from_toml(path.read_text(encoding="utf-8"), path.stem)
        except OSError as error:
            why = error.strerror or error
            raise TrainingError(
                f"The recipe '{what}' cannot be read: {why}. Check the path."
            ) from error
        except UnicodeDecodeError as error:
            raise TrainingError(f"The recipe '{what}' is no text. Give a TOML file.") from error
    known = list_recipes()
    if what not in known:
        near = difflib.get_close_matches(what, known, 1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise TrainingError(
            f"There is no recipe '{what}'.{hint} Known: {', '.join(known)}; or give a .toml file."
        )
    return recipe_from_toml((CONFIGS / (what + SUFFIX)).read_text("utf-8"), what)


def recipe_from_toml(text: str, name: str) -> Recipe:
    """Read the text of a recipe; raises TrainingError as `read_recipe`."""
    try:
        return recipe_from_table({"name": name, **tomllib.loads(text)})
    except tomllib.TOMLDecodeError as error:
        raise TrainingError(
            f"The recipe '{name}' is no TOML: {error}. Correct that line."
        ) from error


def recipe_from_table(table: Mapping[str, Any]) -> Recipe:
    """Make a recipe of plain values; the inverse of `recipe_to_table`.

    Raises
    ------
    TrainingError
        If a key or value is invalid, or two of them contradict each other.
    """
    name = table["name"]
    rest = {key: value for key, value in table.items() if key != "network"}
    try:
        recipe = config_from_table(Recipe, rest)
    except ValueError as error:
        raise TrainingError(f"The recipe '{name}' is invalid: {error}") from error
    if "network" in table:
        recipe = replace(recipe, network=network_config_from_table(table["network"]))
    if recipe.network.size_px != recipe.batch.size_px:
        raise TrainingError(
            f"The recipe '{name}' feeds crops of {recipe.batch.size_px} px to a network of "
            f"{recipe.network.size_px} px. Give both the same size_px."
        )
    if not 0 <= recipe.studio.share < 1:
        raise TrainingError(
            f"The recipe '{name}' gives the studio a share of {recipe.studio.share:g} of the "
            "training. Give it at least 0 and less than 1; without data it is the only source."
        )
    if recipe.batch.batch < 2:
        raise TrainingError(
            f"The recipe '{name}' has batches of one, which batch norm cannot norm. Take two "
            "or more."
        )
    return recipe


def recipe_to_table(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as plain values, for a checkpoint."""
    table = {
        name: getattr(recipe, name) for name in ("name", "note", "skeleton", "occluders", "voc")
    }
    parts = {
        name: config_to_table(getattr(recipe, name))
        for name in ("train", "batch", "augment", "studio")
    }
    return {**table, "network": network_to_table(recipe.network), **parts}
