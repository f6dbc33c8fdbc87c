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
from bannette.cli import streams
from bannette.errors import BannetteError, ExitCode, PersonNeeded

_DESCRIPTION: Final = """\
Collects clients' documents from OneDrive, reads them, and puts them in the company's inbox, the bannette.
"""
_CONTROLLER: Final = "bannette.cli.controller"
_EXIT_CODES: Final = """\
exit codes:
  0  done
  1  unexpected error: a bug
  2  a person is needed: usage, configuration, sign-in, a missing folder, access refused
  3  transient: repeating may help
"""
_MAIN_EXAMPLES: Final = f"""\
examples:
  bannette collect -f acme.yaml           collect what is new, once, on this machine
  bannette connect -f acme.yaml           let the owner of an account sign in, where the app doesn't by itself
  bannette inbox list -f acme.yaml        what waits for data entry
  bannette inbox show 4f1c -f acme.yaml   one document: metadata, files, text
  bannette history -f acme.yaml           the runs, newest first
  bannette binder verify -f acme.yaml     whether the binder is whole

{_EXIT_CODES}"""
_COLLECT: Final = """\
Do one run of a channel: what is new in the client's OneDrive is downloaded, read (OCR), and put into the binder. What
was collected before is never collected again. The last line of standard output is the run's result as JSON.
"""
_COLLECT_EXAMPLES: Final = f"""\
FILE holds a CollectionChannel, its Binder, its Recipient and the Secret with the credentials, as YAML documents; see
manifests/samples/local.yaml. The binder may be a folder beside the file:

  kind: Binder
  metadata: {{name: purchases}}
  spec: {{company: Acme, storage: {{path: inbox-of-acme}}}}

examples:
  bannette collect -f acme.yaml
  bannette collect -f acme.yaml -f secret.yaml     the Secret in a file of its own
  bannette collect -f tenants.yaml --channel acme-onedrive
  30 5 * * *  bannette collect -f /srv/acme.yaml --trigger scheduled      a line of a crontab: once a day
  bannette collect -f acme.yaml | tail -n1 | jq .collected

{_EXIT_CODES}"""
_CONNECT: Final = """\
Connect the account of a channel whose account is `delegated`: its owner signs in at Microsoft, in a browser that opens
on this machine or, without one, with a code that is entered on any device. The only permission asked for is Files.Read,
to read their files. An account other than loginHint is refused. The tokens are kept in connection.json of the channel's
state folder, for this machine's user alone.
"""
_CONNECT_EXAMPLES: Final = f"""\
examples:
  bannette connect -f acme.yaml
  bannette connect -f acme.yaml --device-code            the owner signs in on another device
  bannette connect -f acme.yaml --disconnect             remove the tokens
  bannette connect -f acme.yaml --manifest secret.yaml   for a channel in a cluster: what kubectl is to apply there

The application is account.delegated.clientId, or the one that BANNETTE_CLIENT_ID names. It is registered as a public
client with the redirect URI http://localhost (Mobile and desktop applications); device codes need "Allow public client
flows".

{_EXIT_CODES}"""
_INBOX_EXAMPLES: Final = f"""\
examples:
  bannette inbox list -f acme.yaml
  bannette inbox list --binder /srv/binder -o json
  bannette inbox show 4f1c -f acme.yaml     an id, or as much of it as is unambiguous
  bannette inbox done 4f1c -f acme.yaml     data entry is done with it

{_EXIT_CODES}"""
_HISTORY_EXAMPLES: Final = f"""\
examples:
  bannette history -f acme.yaml             the last 20 runs that collected into the binder
  bannette history -f acme.yaml --limit 0   all of them
  bannette history --state DIR              the last runs, as the channel's status has them
  bannette history -f acme.yaml -o json

{_EXIT_CODES}"""
_BINDER_EXAMPLES: Final = f"""\
examples:
  bannette binder verify -f acme.yaml                       whether the binder is whole
  bannette binder copy --from acme.yaml --to new.yaml       to another folder or bucket

{_EXIT_CODES}  4  damage was found
"""
_FILES_SINCE: Final = (
    "the files of documents collected before DATE may be gone: they were removed by your rules on retention"
)
_VERIFY: Final = """\
Check that a binder is whole: that every record can be read and belongs to its key, that every file that it names is
there with the right size, that what isn't processed is in the inbox, that repeated bytes are recognised, and that the
channels' states can be read. Runs may be under way meanwhile. Nothing is changed unless --repair or --sweep is given.

Interrupted runs leave files, inbox entries and temporary objects that no record names. They harm nothing; --sweep
removes those that are older than a day. In a binder whose records are in doubt nothing is swept.
"""
_VERIFY_EXAMPLES: Final = """\
examples:
  bannette binder verify -f acme.yaml
  bannette binder verify -f acme.yaml --content             read every original too: after a failure of the disk
  bannette binder verify -f acme.yaml --sweep               once a month, say
  bannette binder verify -f acme.yaml --repair              put back inbox entries and claims that are missing
  bannette binder verify --binder /srv/binder -o json | jq .damage
  bannette binder verify -f acme.yaml --files-since 2016-01-01      older documents were removed: retention

exit codes:
  0  the binder is whole, or was repaired; leftovers alone are harmless
  2  it can't be checked: usage, no binder, access refused
  3  transient: repeating may help
  4  damage was found; it is listed by kind, with the ids of the first 20 documents
"""
_COPY: Final = """\
Copy a binder to another store, so that it can take the place of the first one. The destination must be empty, or a
copy of the same binder: what it has already isn't copied again, so a copy that was interrupted is finished, and one of
a binder that grew since is brought up to date, by the same command. Until everything is there no run and no reader
opens the destination. The source is only read; runs may go on there. Originals are verified by their SHA-256.
"""
_COPY_EXAMPLES: Final = """\
PLACE is the binder's folder, or a YAML file with the Binder (and the Secret of its bucket), as for `bannette collect`;
files may be given more than once.

examples:
  bannette binder copy --from acme.yaml --to new.yaml       new.yaml: the same Binder with another storage
  bannette binder copy --from /srv/binder --to /mnt/binder
  bannette binder copy --from acme.yaml --to new.yaml --to secret.yaml      the bucket's Secret in a file of its own

to move a channel to the copy:
  1. bannette binder copy --from acme.yaml --to new.yaml    the long part; runs may go on meanwhile
  2. stop the runs: take the line out of the crontab, or suspend the channels in the cluster
  3. bannette binder copy --from acme.yaml --to new.yaml    what came since
  4. bannette binder verify -f new.yaml --content
  5. collect with new.yaml; docs/record.md says how in a cluster, where a Binder is made again under its name

exit codes:
  0  the destination is complete
  2  a person is needed: usage, a destination that isn't empty or was used, access refused
  3  transient: repeat the command, it goes on where it stopped
  4  files of the source are missing or damaged: the destination isn't finished, unless --leave-damaged is given
"""


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
        # The operator's image and the collector's have only their own part.
        print(f"bannette: this command isn't part of this installation: {error.name} is missing.", file=sys.stderr)
        return ExitCode.PERSON_NEEDED
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        streams.drop_output()
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the top of the process
        return _unexpected(error, given)
    return code


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
        description=_DESCRIPTION,
        epilog=_MAIN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    _add_collect(commands)
    _add_connect(commands)
    _add_inbox(commands)
    _add_history(commands)
    _add_binder_commands(commands)
    # The controller has options of its own: everything after its name is its.
    controller = commands.add_parser(
        "controller", help="run the operator, in a cluster or against the current context", add_help=False
    )
    controller.set_defaults(module=_CONTROLLER)
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
    collect = _command(commands, "collect", "do one run of a channel", description=_COLLECT, examples=_COLLECT_EXAMPLES)
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
        commands, "connect", "connect a client's account", description=_CONNECT, examples=_CONNECT_EXAMPLES
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


def _add_inbox(commands: argparse._SubParsersAction[_Parser]) -> None:
    inbox = _command(commands, "inbox", "what waits for data entry", examples=_INBOX_EXAMPLES)
    verbs = inbox.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    for verb, summary in (
        ("list", "list what waits for data entry, oldest first"),
        ("show", "show one document: metadata, where its files are, and its text"),
        ("done", "take documents out of the inbox"),
    ):
        command = _command(verbs, verb, summary, examples=_INBOX_EXAMPLES)
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


def _add_history(commands: argparse._SubParsersAction[_Parser]) -> None:
    history = _command(commands, "history", "list runs, newest first", examples=_HISTORY_EXAMPLES)
    history.set_defaults(module="bannette.cli.history")
    _add_binder(history)
    history.add_argument("--state", metavar="DIR", type=Path, help="show the runs of DIR/status.yaml instead")
    history.add_argument("--limit", metavar="N", type=_count, default=20, help="at most N runs (default: 20; 0: all)")
    _add_output(history)


def _add_binder_commands(commands: argparse._SubParsersAction[_Parser]) -> None:
    binder = _command(commands, "binder", "check a binder, or copy it elsewhere", examples=_BINDER_EXAMPLES)
    verbs = binder.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    verify = _command(verbs, "verify", "check that a binder is whole", description=_VERIFY, examples=_VERIFY_EXAMPLES)
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
    verify.add_argument("--files-since", metavar="DATE", type=_day, help=_FILES_SINCE)
    _add_output(verify)
    copy = _command(verbs, "copy", "copy a binder to another store", description=_COPY, examples=_COPY_EXAMPLES)
    copy.set_defaults(module="bannette.cli.copy")
    for side, what in (("from", "the binder to copy"), ("to", "where the copy is, or will be")):
        copy.add_argument(
            f"--{side}", metavar="PLACE", dest=f"{side}_places", type=Path, action="append", required=True, help=what
        )
    copy.add_argument("--channel", metavar="NAME", help="whose binder, when the files hold several")
    copy.add_argument("--files-since", metavar="DATE", type=_day, help=_FILES_SINCE)
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
