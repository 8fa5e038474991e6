"""Configurations as TOML: frozen dataclasses to plain tables and back; unknown keys are refused."""

import dataclasses
import difflib
import tomllib
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import tomli_w

from training.errors import TrainingError

Config = TypeVar("Config")


def config_to_table(config: Any) -> dict[str, Any]:
    """Return a configuration as plain values.

    Parameters
    ----------
    config
        A dataclass of numbers, strings, booleans, tuples of them, and such dataclasses.
    """
    return {
        field.name: _to_plain(getattr(config, field.name)) for field in dataclasses.fields(config)
    }


def config_to_toml(config: Any) -> str:
    """Return a configuration as the text of a TOML file."""
    return tomli_w.dumps(config_to_table(config))


def config_from_toml(kind: type[Config], text: str) -> Config:
    """Read a configuration.

    Parameters
    ----------
    kind
        Its dataclass.
    text
        Of a TOML file; what is missing has its default.

    Raises
    ------
    TrainingError
        If it is no TOML, or a key or value does not belong.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TrainingError(f"The configuration is no TOML: {error}. Correct that line.") from error
    return config_from_table(kind, table)


def config_from_table(kind: type[Config], table: Mapping[str, Any]) -> Config:
    """Make a configuration of plain values; the inverse of `config_to_table`.

    Parameters
    ----------
    kind
        Its dataclass.
    table
        What is missing has its default.

    Raises
    ------
    TrainingError
        If a key or a value does not belong; the message names it.
    """
    hints = typing.get_type_hints(kind)
    known = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1) or sorted(known)[:1]
            raise TrainingError(f"{kind.__name__} has no '{key}'. Did you mean '{near[0]}'?")
    return kind(
        **{
            key: _coerce(value, hints[key], f"{kind.__name__}.{key}")
            for key, value in table.items()
        }
    )


def _to_plain(value: Any) -> Any:
    """Turn a field's value into what TOML can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return config_to_table(value)
    return [_to_plain(item) for item in value] if isinstance(value, tuple) else value


def _coerce(value: Any, hint: Any, name: str) -> Any:
    """Turn a value of a TOML table into a field's type, or refuse it."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
        return config_from_table(hint, value)
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        kinds = typing.get_args(hint)
        many = len(kinds) == 2 and kinds[1] is Ellipsis
        if many or len(kinds) == len(value):
            return tuple(
                _coerce(item, kinds[0] if many else kinds[i], name) for i, item in enumerate(value)
            )
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and type(value) is hint:
        return value
    raise TrainingError(f"{name} cannot be {value!r}. Give it a value like the default's.")
