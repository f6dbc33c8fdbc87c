"""``bannette``: one parser for all commands; each imports what it needs only when it is run."""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NoReturn

from bannette import logs
from bannette.cli import help_texts, streams
from bannette.errors import BannetteError, ExitCode, PersonNeeded

_CONTROLLER: Final = "bannette.cli.controller"
_CONNECT_SERVICE: Final = "bannette.cli.connect_service"
# What of pyproject.toml brings a command's packages; of all others it is the collector's.
_EXTRAS: Final = {_CONTROLLER: "operator", _CONNECT_SERVICE: "connect", "bannette.cli.notify": "connect"}


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> NoReturn:
        importlib.import_module("bannette.cli.version").run(argparse.Namespace())
        parser.exit()


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, and where the help is; takes no abbreviations: scripts outlive them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.PERSON_NEEDED, f"{self.prog}: {message}. `{self.prog} --help` shows examples.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that *arguments* (those of the process) name; return its exit code."""
    streams.open_closed()
    parser = _parser()
    given, further = parser.parse_known_args(arguments)
    if further and given.module != _CONTROLLER:
        given.parser.error(f"unrecognized arguments: {' '.join(further)}")
    given.further = further
    logs.setup(level=logging.DEBUG if given.debug else logging.INFO)
    try:
        module = importlib.import_module(given.module)
        code: int = module.run(given)
        sys.stdout.flush()
    except PersonNeeded as error:
        return _say(error, ExitCode.PERSON_NEEDED, given)
    except BannetteError as error:
        return _say(error, ExitCode.TRANSIENT, given)
    except ModuleNotFoundError as error:
        return _incomplete(error, given)
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        streams.drop_output()
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the top of the process
        return _unexpected(error, given)
    return code


def _incomplete(error: ModuleNotFoundError, given: argparse.Namespace) -> int:
    package = (error.name or "a package").partition(".")[0]
    # The operator's image and the collector's have only their own part of Bannette itself.
    missing = error.name if package == "bannette" else package
    hint = "" if package == "bannette" else f" `pip install '.[{_EXTRAS.get(given.module, 'collector')}]'` brings it."
    print(f"bannette: this command isn't part of this installation: {missing} is missing.{hint}", file=sys.stderr)
    return ExitCode.PERSON_NEEDED


def _unexpected(error: Exception, given: argparse.Namespace) -> int:
    fault = streams.output_fault(error)
    if fault is not None:
        streams.drop_output()
        print(f"bannette: standard output can't be written ({fault}): send it elsewhere.", file=sys.stderr)
        return ExitCode.PERSON_NEEDED
    if given.debug:
        raise error
    print(f"bannette: unexpected {type(error).__name__}: this is a bug; --debug shows more.", file=sys.stderr)
    return 1


def _say(error: BannetteError, code: ExitCode, given: argparse.Namespace) -> int:
    print(f"bannette: {logs.redact(str(error))}", file=sys.stderr)
    if given.debug:
        raise error
    return code


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="log more, and show where an error comes from")
    parser = _Parser(
        prog="bannette",
        description=help_texts.DESCRIPTION,
        epilog=help_texts.MAIN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    _add_collect(commands)
    _add_connect(commands)
    _add_notify(commands)
    _add_inbox(commands)
    _add_history(commands)
    _add_reprocess(commands)
    _add_binder_commands(commands)
    # The controller has options of its own: everything after its name is its.
    controller = commands.add_parser(
        "controller", help="run the operator, in a cluster or against the current context", add_help=False
    )
    controller.set_defaults(module=_CONTROLLER)
    pages = _command(
        commands,
        "connect-service",
        "serve the pages where people connect their accounts",
        description=help_texts.CONNECT_SERVICE,
    )
    pages.set_defaults(module=_CONNECT_SERVICE)
    pages.add_argument(
        "--link", metavar="NAMESPACE/NAME", help="print a link to this channel's page, and serve nothing"
    )
    version = _command(commands, "version", "print the version")
    version.set_defaults(module="bannette.cli.version")
    return parser


def _command(
    commands: argparse._SubParsersAction[_Parser],
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


def _add_collect(commands: argparse._SubParsersAction[_Parser]) -> None:
    collect = _command(
        commands,
        "collect",
        "do one run of a channel",
        description=help_texts.COLLECT,
        examples=help_texts.COLLECT_EXAMPLES,
    )
    collect.set_defaults(module="bannette.cli.collect")
    _add_files(collect)
    collect.add_argument("--channel", metavar="NAME", help="which one, when the files hold several")
    collect.add_argument(
        "--state",
        metavar="DIR",
        type=Path,
        help="where status.yaml is kept (default: ~/.local/state/bannette/NAMESPACE/NAME)",
    )
    collect.add_argument(
        "--trigger",
        choices=["scheduled", "manual"],
        default="manual",
        help="scheduled: at most one successful run a day, for a cron line (default: manual)",
    )
    collect.add_argument("--in-cluster", action="store_true", help="in a pod that the operator made")


def _add_connect(commands: argparse._SubParsersAction[_Parser]) -> None:
    connect = _command(
        commands,
        "connect",
        "connect a client's account",
        description=help_texts.CONNECT,
        examples=help_texts.CONNECT_EXAMPLES,
    )
    connect.set_defaults(module="bannette.cli.connect")
    _add_files(connect)
    connect.add_argument("--channel", metavar="NAME", help="which one, when the files hold several")
    connect.add_argument(
        "--state",
        metavar="DIR",
        type=Path,
        help="where the tokens are kept, as for collect (default: ~/.local/state/bannette/NAMESPACE/NAME)",
    )
    way = connect.add_mutually_exclusive_group()
    way.add_argument("--device-code", action="store_true", help="show a code to enter on any device; open no browser")
    way.add_argument("--disconnect", action="store_true", help="remove the tokens from this machine")
    connect.add_argument(
        "--manifest", metavar="FILE", type=Path, help="write the Secret for a cluster, instead of keeping the tokens"
    )
    connect.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_count,
        default=900,
        help="how long to wait for the sign-in (default: 900)",
    )


def _add_notify(commands: argparse._SubParsersAction[_Parser]) -> None:
    notify = _command(commands, "notify", "mails to recipients", examples=help_texts.NOTIFY_EXAMPLES)
    verbs = notify.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    test = _command(
        verbs, "test", "send a sample mail", description=help_texts.NOTIFY_TEST, examples=help_texts.NOTIFY_EXAMPLES
    )
    test.set_defaults(module="bannette.cli.notify")
    test.add_argument("--to", metavar="ADDRESS", required=True, help="whom to send it to")
    test.add_argument("--locale", choices=["en", "fr"], default="en", help="in which language (default: en)")
    test.add_argument(
        "--kind",
        choices=["connect", "reminder", "lost", "lapsing", "first", "digest", "failure"],
        default="connect",
        help="which mail (default: connect)",
    )


def _add_inbox(commands: argparse._SubParsersAction[_Parser]) -> None:
    inbox = _command(commands, "inbox", "what waits for data entry", examples=help_texts.INBOX_EXAMPLES)
    verbs = inbox.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    for verb, summary in (
        ("list", "list what waits for data entry, oldest first"),
        ("show", "show one document: metadata, where its files are, and its text"),
        ("done", "take documents out of the inbox"),
    ):
        command = _command(verbs, verb, summary, examples=help_texts.INBOX_EXAMPLES)
        command.set_defaults(module="bannette.cli.inbox", verb=verb)
        if verb != "list":
            command.add_argument(
                "ids",
                metavar="ID",
                nargs=1 if verb == "show" else "+",
                help="as the inbox lists it, or as much of its beginning as is unambiguous",
            )
        _add_binder(command)
        _add_output(command)
    search = _command(
        verbs,
        "search",
        "find documents by their words",
        description=help_texts.SEARCH,
        examples=help_texts.INBOX_EXAMPLES,
    )
    search.set_defaults(module="bannette.cli.search")
    search.add_argument("words", metavar="WORD", nargs="+", help="a word, words in quotes, or a beginning with *")
    search.add_argument("--all", action="store_true", help="search what is done, too (default: what is in the inbox)")
    search.add_argument(
        "--limit", metavar="N", type=_count, default=50, help="at most N documents (default: 50; 0: all)"
    )
    search.add_argument(
        "--index", metavar="DIR", type=Path, help="where the search index is kept (default: ~/.cache/bannette/search)"
    )
    _add_binder(search)
    _add_output(search)


def _add_history(commands: argparse._SubParsersAction[_Parser]) -> None:
    history = _command(commands, "history", "list runs, newest first", examples=help_texts.HISTORY_EXAMPLES)
    history.set_defaults(module="bannette.cli.history")
    _add_binder(history)
    history.add_argument("--state", metavar="DIR", type=Path, help="show the runs of DIR/status.yaml instead")
    history.add_argument("--limit", metavar="N", type=_count, default=20, help="at most N runs (default: 20; 0: all)")
    _add_output(history)


def _add_reprocess(commands: argparse._SubParsersAction[_Parser]) -> None:
    reprocess = _command(
        commands,
        "reprocess",
        "read documents of the binder again",
        description=help_texts.REPROCESS,
        examples=help_texts.REPROCESS_EXAMPLES,
    )
    reprocess.set_defaults(module="bannette.cli.reprocess")
    reprocess.add_argument(
        "ids", metavar="ID", nargs="*", help="as the inbox lists it, or as much of its beginning as is unambiguous"
    )
    reprocess.add_argument(
        "--failed", action="store_true", help="all that weren't read: Failed, NeedsPassword, Skipped, Unsupported"
    )
    reprocess.add_argument(
        "--outcome",
        dest="outcomes",
        action="append",
        default=[],
        choices=["Text", "Recognised", "Failed", "NeedsPassword", "Skipped", "Unsupported"],
        help="all that ended so; may be given more than once",
    )
    reprocess.add_argument("--force", action="store_true", help="take the new reading though it has fewer sure words")
    _add_files(reprocess)
    reprocess.add_argument("--channel", metavar="NAME", help="whose settings, when the files hold several")
    _add_output(reprocess)


def _add_binder_commands(commands: argparse._SubParsersAction[_Parser]) -> None:
    binder = _command(commands, "binder", "check a binder, or copy it elsewhere", examples=help_texts.BINDER_EXAMPLES)
    verbs = binder.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    verify = _command(
        verbs,
        "verify",
        "check that a binder is whole",
        description=help_texts.VERIFY,
        examples=help_texts.VERIFY_EXAMPLES,
    )
    verify.set_defaults(module="bannette.cli.verify")
    _add_binder(verify)
    verify.add_argument(
        "--content", action="store_true", help="read every original and compare its SHA-256 (default: its size only)"
    )
    verify.add_argument("--repair", action="store_true", help="put back inbox entries and claims that are missing")
    verify.add_argument("--sweep", action="store_true", help="remove what interrupted runs left")
    verify.add_argument(
        "--older-than",
        metavar="AGE",
        type=_age,
        default=timedelta(hours=24),
        help="age of what counts as left over: 36h, 7d; at least 12h, since a run may be under way (default: 24h)",
    )
    verify.add_argument("--files-since", metavar="DATE", type=_day, help=help_texts.FILES_SINCE)
    _add_output(verify)
    copy = _command(
        verbs, "copy", "copy a binder to another store", description=help_texts.COPY, examples=help_texts.COPY_EXAMPLES
    )
    copy.set_defaults(module="bannette.cli.copy")
    for side, what in (("from", "the binder to copy"), ("to", "where the copy is, or will be")):
        copy.add_argument(
            f"--{side}", metavar="PLACE", dest=f"{side}_places", type=Path, action="append", required=True, help=what
        )
    copy.add_argument("--channel", metavar="NAME", help="whose binder, when the files hold several")
    copy.add_argument("--files-since", metavar="DATE", type=_day, help=help_texts.FILES_SINCE)
    copy.add_argument(
        "--leave-damaged",
        action="store_true",
        help="finish though files of the source are missing or damaged; their documents stay collected, without them",
    )
    _add_output(copy)


def _age(text: str) -> timedelta:
    hours = {"h": 1, "d": 24}.get(text[-1:])
    number = text[:-1]
    if hours is None or not number.isdecimal() or len(number) > 5 or int(number) * hours < 12:
        raise argparse.ArgumentTypeError("must be 12h or more, in hours or days: 36h, 7d")
    return timedelta(hours=int(number) * hours)


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a day: 2016-01-31") from None


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("must be a whole number, 0 or more")
    return int(text)


def _add_files(parser: argparse.ArgumentParser) -> None:
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


def _add_binder(parser: argparse.ArgumentParser) -> None:
    _add_files(parser)
    parser.add_argument("--channel", metavar="NAME", help="whose binder, when the files hold several")
    parser.add_argument("--binder", metavar="DIR", type=Path, help="the binder's folder, instead of -f")


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", choices=["table", "json", "yaml"], default="table", help="(default: table)")


if __name__ == "__main__":
    sys.exit(main())
