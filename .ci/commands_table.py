"""Write the table of commands in `app/COMMANDS.md` from the parsers.

    python .ci/commands_table.py            write the table
    python .ci/commands_table.py --check    exit code 1 where the page is stale
    python .ci/commands_table.py --print    print the table

The page keeps what stands outside its two markers.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PAGE = ROOT / "app" / "COMMANDS.md"
BEGIN = "<!-- commands: written by .ci/commands_table.py; do not edit by hand -->"
END = "<!-- end of commands -->"


def describe_option(action: argparse.Action) -> str:
    """Describe an argument as a row: how it is written and what it does."""
    value = action.metavar or action.dest.upper()
    value = " ".join(value) if isinstance(value, tuple) else str(value)
    if action.option_strings:
        spelled = ", ".join(action.option_strings)
        spelled = f"{spelled} {value}" if action.nargs != 0 else spelled
    else:
        spelled = value
    text = " ".join(((action.help or "") % vars_of(action)).split())
    spelled = spelled.replace("|", "\\|")
    return f"| `{spelled}` | {escape(text)} |"


def vars_of(action: argparse.Action) -> dict[str, object]:
    """Collect what a help text may name, as argparse does."""
    return {**vars(action), "prog": "epipole"}


def escape(text: str) -> str:
    """Escape what would end a cell of a table, or be taken for a tag."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def list_subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """List the parsers of a command's own commands, by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def describe_command(parser: argparse.ArgumentParser, level: int) -> list[str]:
    """Describe one command and its own commands: usage, then a row for each option."""
    lines = [f"{'#' * level} {parser.prog}", "", "```", *wrap_usage(parser), "```", ""]
    shown = [
        action
        for action in parser._actions
        if not isinstance(action, (argparse._HelpAction, argparse._SubParsersAction))
        and action.help is not argparse.SUPPRESS
    ]
    if shown:
        lines += ["| argument | meaning |", "|---|---|", *map(describe_option, shown), ""]
    for child in list_subcommands(parser).values():
        lines += describe_command(child, level + 1)
    return lines


def wrap_usage(parser: argparse.ArgumentParser) -> list[str]:
    """Describe how a command is called, in lines of 96 columns at most."""
    lines, line = [], ""
    for word in parser.format_usage().removeprefix("usage:").replace(" [-h]", "").split():
        if line and len(line) + 1 + len(word) > 96:
            lines.append(line)
            line = "   "
        line = f"{line} {word}" if line else word
    return [*lines, line]


def make_table() -> str:
    """Make the overview and a section for each command."""
    from app.cli.arguments import build_parser

    parser, commands = build_parser()
    summaries = {
        choice.dest: choice.help or ""
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for choice in action._choices_actions
    }
    lines = ["| command | what it does |", "|---|---|"]
    for name in commands:
        lines.append(f"| [`epipole {name}`](#epipole-{name}) | {escape(summaries[name])} |")
    lines.append("")
    for command in commands.values():
        lines += describe_command(command, 2)
    return "\n".join(lines).rstrip()


def update(page: str, table: str) -> str:
    """Put the table between the markers of a page."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def main() -> int:
    """Write, check or print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail where the page is stale")
    parser.add_argument("--print", action="store_true", help="print the table, write nothing")
    options = parser.parse_args()
    if options.print:
        print(make_table())
        return 0
    page = PAGE.read_text(encoding="utf-8")
    new = update(page, make_table())
    if options.check:
        if new != page:
            print("app/COMMANDS.md is stale. Run: make results", file=sys.stderr)
        return int(new != page)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
