"""How commands and their options are declared: one parser that says in a line what is wrong, and what they share."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from bannette.errors import ExitCode


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, and where the help is; takes no abbreviations: scripts outlive them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.PERSON_NEEDED, f"{self.prog}: {message}. `{self.prog} --help` shows examples.\n")


def add_command(
    commands: argparse._SubParsersAction[Parser],
    name: str,
    summary: str,
    *,
    description: str | None = None,
    examples: str | None = None,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=description or f"{summary[0].upper()}{summary[1:]}.",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # After the command's name too; there it must not undo what stands before it.
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.set_defaults(parser=parser)
    return parser


def add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-f",
        "--file",
        metavar="FILE",
        dest="files",
        type=Path,
        action="append",
        default=[],
        help="YAML with the resources; may be given more than once",
    )


def add_binder(parser: argparse.ArgumentParser) -> None:
    add_files(parser)
    parser.add_argument("--channel", metavar="NAME", help="whose binder, when the files hold several")
    parser.add_argument("--binder", metavar="DIR", type=Path, help="the binder's folder, instead of -f")


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", choices=["table", "json", "yaml"], default="table", help="(default: table)")


def age(text: str) -> timedelta:
    hours = {"h": 1, "d": 24}.get(text[-1:])
    number = text[:-1]
    if hours is None or not number.isdecimal() or len(number) > 5 or int(number) * hours < 12:
        raise argparse.ArgumentTypeError("must be 12h or more, in hours or days: 36h, 7d")
    return timedelta(hours=int(number) * hours)


def day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a day: 2016-01-31") from None


def whole_number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("must be a whole number, 0 or more")
    return int(text)
