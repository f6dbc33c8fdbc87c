"""Every command of ``bannette``, and its options."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Final, NoReturn

from bannette.cli import help_texts
from bannette.cli.arguments import Parser, add_command, add_files, whole_number
from bannette.cli.binder_commands import add_binder_commands

CONTROLLER: Final = "bannette.cli.controller"
CONNECT_SERVICE: Final = "bannette.cli.connect_service"


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> NoReturn:
        importlib.import_module("bannette.cli.version").run(argparse.Namespace())
        parser.exit()


def new_parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="log more, and show where an error comes from")
    parser = Parser(
        prog="bannette",
        description=help_texts.DESCRIPTION,
        epilog=help_texts.MAIN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    _add_collect(commands)
    _add_connect(commands)
    _add_notify(commands)
    add_binder_commands(commands)
    # The controller has options of its own: everything after its name is its.
    controller = commands.add_parser(
        "controller", help="run the operator, in a cluster or against the current context", add_help=False
    )
    controller.set_defaults(module=CONTROLLER)
    pages = add_command(
        commands,
        "connect-service",
        "serve the pages where people connect their accounts",
        description=help_texts.CONNECT_SERVICE,
    )
    pages.set_defaults(module=CONNECT_SERVICE)
    pages.add_argument(
        "--link", metavar="NAMESPACE/NAME", help="print a link to this channel's page, and serve nothing"
    )
    version = add_command(commands, "version", "print the version")
    version.set_defaults(module="bannette.cli.version")
    return parser


def _add_collect(commands: argparse._SubParsersAction[Parser]) -> None:
    collect = add_command(
        commands,
        "collect",
        "do one run of a channel",
        description=help_texts.COLLECT,
        examples=help_texts.COLLECT_EXAMPLES,
    )
    collect.set_defaults(module="bannette.cli.collect")
    add_files(collect)
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


def _add_connect(commands: argparse._SubParsersAction[Parser]) -> None:
    connect = add_command(
        commands,
        "connect",
        "connect a client's account",
        description=help_texts.CONNECT,
        examples=help_texts.CONNECT_EXAMPLES,
    )
    connect.set_defaults(module="bannette.cli.connect")
    add_files(connect)
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
        type=whole_number,
        default=900,
        help="how long to wait for the sign-in (default: 900)",
    )


def _add_notify(commands: argparse._SubParsersAction[Parser]) -> None:
    notify = add_command(commands, "notify", "mails to recipients", examples=help_texts.NOTIFY_EXAMPLES)
    verbs = notify.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    test = add_command(
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
