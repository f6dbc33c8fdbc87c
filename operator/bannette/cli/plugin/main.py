"""``kubectl-collection``: kubectl runs it for ``kubectl collection …`` when it is on the PATH.

Source: https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from bannette import logs
from bannette.cli import streams
from bannette.cli.output import plain
from bannette.cli.plugin.kubectl import Kubectl
from bannette.cli.plugin.told import Told
from bannette.cli.version import installed_version
from bannette.errors import BannetteError, ExitCode, PersonNeeded

_DESCRIPTION: Final = """\
Look after collection channels.

  kubectl collection status -A              which channels need a person, and what for
  kubectl collection run acme-onedrive      collect now, and follow the run to its end
  kubectl collection check acme-private     whether its account can be read, tried now
  kubectl collection connect acme-private   where its owner signs in
  kubectl collection history acme-onedrive  all its runs, from the binder
  kubectl collection inbox -b purchases     what waits for data entry
  kubectl collection doctor --probe         what is wrong with the installation and the namespace's channels
"""
_EXIT_CODES: Final = """\
exit codes: 0 done, 2 a person is needed (the request is held, its run doesn't start, a name is wrong, doctor found a
problem), 3 the run failed or can't be followed, or the cluster can't be reached
"""
_STATUS_EXAMPLES: Final = """\
examples:
  kubectl collection status -n acme
  kubectl collection status acme-onedrive -n acme
  kubectl collection status -A -o json
  kubectl collection status -A --exit-code > /dev/null || echo "somebody should look"

"""
_STATUS_EXIT_CODES: Final = """\
exit codes: 0 done, though channels need a person; 2 a name is wrong, or a right is lacking; or, with --exit-code, a
channel needs a person; 3 the cluster can't be reached
"""
_RUN_EXAMPLES: Final = """\
examples:
  kubectl collection run acme-onedrive
  kubectl collection run acme-onedrive -n acme --yes --no-wait

"""
_CHECK: Final = """\
Have the connection of a channel's account checked now: its tokens are renewed, and Microsoft is asked for its drive.
The channel's condition Connected says afterwards what was found.
"""
_CHECK_EXAMPLES: Final = """\
examples:
  kubectl collection check acme-private
  kubectl collection check acme-private -o json

exit codes: 0 connected, 2 a person is needed (the connection is lost, the drive can't be read), 3 it couldn't be
checked now, or nobody took the request up
"""
_CONNECT: Final = """\
Print the page of a channel whose owner signs in. It gives no access by itself: the owner opens the link in their mail,
or has the page send it again. --link prints a link that is good for 14 days, to be handed to the owner by other means;
that takes the rights to list pods of all namespaces, and to create pods/exec in that of the pages.
"""
_CONNECT_EXAMPLES: Final = """\
examples:
  kubectl collection connect acme-private
  kubectl collection connect acme-private --link --open

"""
_DISCONNECT: Final = """\
Remove the sign-in of a channel's account. Documents and history stay; no run starts before somebody signs in again. It
takes the right to configure channels. The owner can withdraw the permission itself at Microsoft.
"""
_DISCONNECT_EXAMPLES: Final = """\
examples:
  kubectl collection disconnect acme-private
  kubectl collection disconnect acme-private --yes

"""
_POD: Final = """
A pod like those of the runs reads it: with a run's image, without a ServiceAccount's token, and the binder's volume so
that it can't be written; it is removed at the end. That takes the rights to get CronJobs, to create, get, list, watch
and delete pods, and to get pods/log, as the ClusterRole edit has them.
"""
_HISTORY: Final = f"""\
List the runs of a channel or of a binder, newest first, as `bannette history` does. A channel's last runs are in its
status, too, where they take no pod.
{_POD}"""
_HISTORY_EXAMPLES: Final = """\
examples:
  kubectl collection history acme-onedrive
  kubectl collection history acme-onedrive --limit 0 -o json
  kubectl collection history -b purchases

"""
_INBOX: Final = f"""\
List what waits for data entry in a binder, or in that of a channel, oldest first, as `bannette inbox list` does.
{_POD}"""
_INBOX_EXAMPLES: Final = """\
examples:
  kubectl collection inbox -b purchases
  kubectl collection inbox acme-onedrive -o json

"""
_DOCTOR: Final = """\
Look at the installation, and at what the channels of a namespace need; say of each whether it is right, and what to do
if it isn't. A note is what couldn't be looked at, or isn't wrong in itself. --probe makes a pod for each binder, like
those of its runs, which tries to reach Microsoft, and to write a small file in the binder and remove it.
"""
_DOCTOR_EXAMPLES: Final = """\
examples:
  kubectl collection doctor -n acme
  kubectl collection doctor acme-onedrive --probe
  kubectl collection doctor -o json

"""


# As kubectl itself has them.
_WORDS: Final = {"help": "--help", "version": "--version"}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.PERSON_NEEDED, f"{self.prog}: {message}. `{self.prog} --help` shows examples.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that *arguments* (those of the process) name; return its exit code."""
    streams.open_closed()
    given = _parsed(_words(sys.argv[1:] if arguments is None else arguments))
    try:
        code: int = importlib.import_module(given.module).run(given, Kubectl(_options(given)))
        sys.stdout.flush()
    except BannetteError as error:
        message = str(error) if isinstance(error, Told) else logs.redact(str(error))
        print(f"kubectl collection: {plain(message)}", file=sys.stderr)
        return ExitCode.PERSON_NEEDED if isinstance(error, PersonNeeded) else ExitCode.TRANSIENT
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        streams.drop_output()
        return 0
    except KeyboardInterrupt:
        return 130
    return code


def _words(arguments: Sequence[str]) -> list[str]:
    """Return *arguments* with ``help``, ``help COMMAND``, ``version``, and nothing at all, as options."""
    first, *rest = arguments or ("help",)
    return [*rest, _WORDS[first]] if first in _WORDS else [first, *rest]


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    given, rest = _parser().parse_known_args(words)
    if rest:
        # The help that is named is that of the command.
        given.parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return given


def _options(given: argparse.Namespace) -> tuple[str, ...]:
    named = {"--namespace": given.namespace, "--context": given.context, "--kubeconfig": given.kubeconfig}
    return tuple(word for option, value in named.items() if value for word in (option, value))


def _parser() -> argparse.ArgumentParser:
    common = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    _add_cluster(common)
    common.add_argument("-o", "--output", choices=["text", "json", "yaml"], default="text", help="default: text")
    parser = _Parser(
        prog="kubectl collection",
        description=_DESCRIPTION,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    version = f"kubectl collection {installed_version() or '(not installed)'}"
    # Before the command's name too, where kubectl's own stand; a command says what they are.
    _add_cluster(parser, shown=False)
    parser.add_argument("--version", action="version", version=version, help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)

    def command(
        name: str,
        summary: str,
        module: str,
        *,
        examples: str,
        description: str | None = None,
        exit_codes: str = _EXIT_CODES,
    ) -> _Parser:
        made = commands.add_parser(
            name,
            parents=[common],
            help=summary,
            description=description or f"{summary[0].upper()}{summary[1:]}.",
            epilog=examples + exit_codes,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        made.set_defaults(parser=made, command=name, module=f"bannette.cli.plugin.{module}")
        return made

    status = command(
        "status",
        "which channels need a person, and what for",
        "status",
        examples=_STATUS_EXAMPLES,
        exit_codes=_STATUS_EXIT_CODES,
    )
    status.add_argument("name", metavar="NAME", nargs="?", help="this channel only (default: all)")
    status.add_argument("-A", "--all-namespaces", action="store_true", help="of all namespaces")
    status.add_argument("--exit-code", action="store_true", help="end with 2 if a channel needs a person")
    run = command("run", "collect now, and follow the run to its end", "run", examples=_RUN_EXAMPLES)
    run.add_argument("name", metavar="NAME", help="the channel")
    run.add_argument("-y", "--yes", action="store_true", help="don't ask")
    run.add_argument(
        "--no-wait", dest="wait", action="store_false", help="end when the run has started, not when it has ended"
    )
    run.add_argument(
        "--timeout",
        type=_seconds,
        default=21_600,
        metavar="SECONDS",
        help="follow for so long (default: six hours; a run that doesn't start is given up after five minutes)",
    )
    check = command(
        "check",
        "whether a channel's account can be read, tried now",
        "connection",
        examples=_CHECK_EXAMPLES,
        description=_CHECK,
        exit_codes="",
    )
    connect = command(
        "connect",
        "where a channel's owner signs in",
        "connection",
        examples=_CONNECT_EXAMPLES,
        description=_CONNECT,
    )
    connect.add_argument("--link", action="store_true", help="print a signed link instead")
    connect.add_argument("--open", action="store_true", help="open it in a browser, too")
    disconnect = command(
        "disconnect",
        "remove the sign-in of a channel's account",
        "connection",
        examples=_DISCONNECT_EXAMPLES,
        description=_DISCONNECT,
    )
    disconnect.add_argument("-y", "--yes", action="store_true", help="don't ask")
    for asker in (check, connect, disconnect):
        asker.add_argument("name", metavar="NAME", help="the channel")
    for asker in (check, disconnect):
        asker.add_argument(
            "--timeout", type=_seconds, default=90, metavar="SECONDS", help="wait for so long (default: 90)"
        )
    history = command(
        "history", "all runs of a channel or binder", "binders", examples=_HISTORY_EXAMPLES, description=_HISTORY
    )
    history.add_argument("--limit", type=_count, default=20, metavar="N", help="at most N runs (default: 20; 0: all)")
    inbox = command(
        "inbox", "what waits for data entry in a binder", "binders", examples=_INBOX_EXAMPLES, description=_INBOX
    )
    for reader in (history, inbox):
        reader.add_argument("name", metavar="NAME", nargs="?", help="the channel")
        reader.add_argument("-b", "--binder", metavar="BINDER", help="the binder, instead of a channel")
        _add_patience(reader)
    doctor = command(
        "doctor",
        "what is wrong with the installation and the namespace's channels",
        "doctor",
        examples=_DOCTOR_EXAMPLES,
        description=_DOCTOR,
    )
    doctor.add_argument("name", metavar="NAME", nargs="?", help="look at this channel only (default: all)")
    doctor.add_argument("--probe", action="store_true", help="make pods that try Microsoft and the binders")
    _add_patience(doctor)
    return parser


def _add_cluster(parser: argparse.ArgumentParser, *, shown: bool = True) -> None:
    for *names, text in (
        ("-n", "--namespace", "of the channel; default: that of the context"),
        ("--context", "the context of the kubeconfig to use"),
        ("--kubeconfig", "the kubeconfig to use"),
    ):
        parser.add_argument(*names, help=text if shown else argparse.SUPPRESS)


def _add_patience(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout", type=_seconds, default=300, metavar="SECONDS", help="of a pod, to start and to end (default: 300)"
    )


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("must be a whole number, 0 or more")
    return int(text)


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 86_400:
        raise argparse.ArgumentTypeError("must be a whole number of seconds from 1 to 86400")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
