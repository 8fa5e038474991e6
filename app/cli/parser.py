"""Parser: argparse that answers a mistake with a sentence, and the commands as they are added to it."""

import argparse
import difflib
from collections.abc import Sequence
from typing import Any, NoReturn

from app.errors import UsageError


class Parser(argparse.ArgumentParser):
    """argparse with one sentence for a mistake instead of a page."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options
        )

    def error(self, message: str) -> NoReturn:
        """Raise the mistake as a sentence.

        Raises
        ------
        UsageError
            Always.
        """
        missing = message.removeprefix("the following arguments are required: ")
        if missing != message:
            raise UsageError(
                f"'{self.prog}' needs {missing}. '{self.prog} --help' shows an example."
            )
        option, _, detail = message.removeprefix("argument ").partition(": ")
        if detail.endswith((".", "?")):
            raise UsageError(detail)
        raise UsageError(
            f"{option}: {detail}. See '{self.prog} --help'." if detail else f"{message}."
        )

    def reject_argument(self, word: str) -> NoReturn:
        """Say what a word may have meant that nothing here takes.

        Raises
        ------
        UsageError
            Always.
        """
        if not word.startswith("-"):
            raise UsageError(f"'{self.prog}' has no use for '{word}'. See '{self.prog} --help'.")
        option = word.split("=", maxsplit=1)[0]
        known = [name for action in self._actions for name in action.option_strings]
        raise UsageError(
            f"'{self.prog}' has no option '{option}'.{suggest_nearest(option, known)} See "
            f"'{self.prog} --help'."
        )


class Commands:
    """The commands as they are added to a parser.

    Parameters
    ----------
    parser
        Of the whole command line.

    Attributes
    ----------
    parsers
        Of each command, by its name.
    """

    def __init__(self, parser: Parser) -> None:
        self.parsers: dict[str, Parser] = {}
        self._group = parser.add_subparsers(
            dest="command", title="commands", metavar="COMMAND", parser_class=Parser
        )

    def add(self, name: str, summary: str, *, purpose: str, example: str) -> Parser:
        """Add a command.

        Parameters
        ----------
        name, summary
            As in the list of all commands.
        purpose
            Stands above its options.
        example
            Stands below them; a line each.

        Returns
        -------
        parser
        """
        indented = "\n".join(f"  {line}" for line in example.splitlines())
        title = "examples" if "\n" in example else "example"
        parser = self._group.add_parser(
            name, help=summary, description=purpose, epilog=f"{title}:\n{indented}"
        )
        self.parsers[name] = parser
        return parser


def suggest_nearest(word: str, known: Sequence[str]) -> str:
    """Suggest the nearest known word.

    Returns
    -------
    suggestion
        A question with a space before it; empty where no word is near.
    """
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f" Did you mean '{found[0]}'?" if found else ""
