"""Load what a table of strings names, when it is used."""

from importlib import import_module
from typing import Any


def load_attribute(target: str) -> Any:
    """Import a module and return one of its attributes.

    Parameters
    ----------
    target
        ``package.module:attribute``.

    Returns
    -------
    attribute
        A function, a class or a value.

    Raises
    ------
    ImportError
        If the module, or something that it imports, is not installed.
    AttributeError
        If the module has no such attribute.
    """
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)
