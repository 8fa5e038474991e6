"""Parser: argparse that answers a mistake with one message, and the commands added to it."""

import argparse
import difflib
import re
import textwrap
from collections.abc import Sequence
from typing import Any, NoReturn

from app.errors import UsageError

_WIDTH = 79
_MISSING = re.compile(
    r"the following arguments are required: (.*)|one of the arguments (.*) is required"
)
_INVALID_CHOICE = re.compile(r"invalid choice: '(.*)' \(choose from (.*)\)")


class Parser(argparse.ArgumentParser):
    """argparse with one message for a mistake instead of a page.

    The innermost parser of a line is left in `parser` of its options.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(
            allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options
        )
        self.set_defaults(parser=self)

    def error(self, message: str) -> NoReturn:
        """Raise the mistake as a message.

        Raises
        ------
        UsageError
            Always.
        """
        if missing := _MISSING.fullmatch(message):
            shows = "shows an example" if self.epilog else "explains it"
            needed = missing[1] or f"one of {', '.join(missing[2].split())}"
            raise UsageError(f"'{self.prog}' needs {needed}. '{self.prog} --help' {shows}.")
        option, _, detail = message.removeprefix("argument ").partition(": ")
        if choice := _INVALID_CHOICE.fullmatch(detail):
            known = choice[2].replace("'", "").split(", ")
            raise UsageError(
                f"'{self.prog}' has no {option} '{choice[1]}'.{suggest_nearest(choice[1], known)} "
                f"Choose one of {', '.join(known)}."
            )
        if detail.endswith((".", "?")):
            raise UsageError(detail)
        raise UsageError(
            f"{option}: {detail}. See '{self.prog} --help'." if detail else f"{message}."
        )

    def reject_argument(self, word: str) -> NoReturn:
        """Refuse an argument that this parser does not know.

        Raises
        ------
        UsageError
            Always.
        """
        if not word.startswith("-"):
            raise UsageError(f"Unexpected argument '{word}'. See '{self.prog} --help'.")
        option = word.split("=", maxsplit=1)[0]
        known = [name for action in self._actions for name in action.option_strings]
        raise UsageError(
            f"'{self.prog}' has no option '{option}'.{suggest_nearest(option, known)} See "
            f"'{self.prog} --help'."
        )


class Commands:
    """The commands of a parser, added one by one.

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
            Shown above its options; each line is a paragraph and is wrapped.
        example
            Shown below them, one a line.
        """
        description = "\n".join(textwrap.fill(line, _WIDTH) for line in purpose.splitlines())
        indented = "\n".join(f"  {line}" for line in example.splitlines())
        title = "examples" if "\n" in example else "example"
        parser = self._group.add_parser(
            name, help=summary, description=description, epilog=f"{title}:\n{indented}"
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
