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
from bannette.errors import BannetteError, ExitCode, PersonNeeded

_DESCRIPTION: Final = """\
Look after collection channels.

  kubectl collection status -A              which channels need a person, and what for
  kubectl collection run acme-onedrive      collect now, and follow the run to its end
"""
_EXIT_CODES: Final = """\
exit codes: 0 done, 2 a person is needed (the request is held, a name is wrong), 3 the run failed or can't be followed
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.PERSON_NEEDED, f"{self.prog}: {message}. `{self.prog} --help` shows examples.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that *arguments* (those of the process) name; return its exit code."""
    streams.open_closed()
    given = _parser().parse_args(arguments)
    try:
        code: int = importlib.import_module(given.module).run(given, Kubectl(_options(given)))
        sys.stdout.flush()
    except BannetteError as error:
        print(f"kubectl collection: {plain(logs.redact(str(error)))}", file=sys.stderr)
        return ExitCode.PERSON_NEEDED if isinstance(error, PersonNeeded) else ExitCode.TRANSIENT
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        streams.drop_output()
        return 0
    except KeyboardInterrupt:
        return 130
    return code


def _options(given: argparse.Namespace) -> tuple[str, ...]:
    named = {"--namespace": given.namespace, "--context": given.context, "--kubeconfig": given.kubeconfig}
    return tuple(word for option, value in named.items() if value for word in (option, value))


def _parser() -> argparse.ArgumentParser:
    common = _Parser(add_help=False)
    common.add_argument("-n", "--namespace", help="of the channel; default: that of the context")
    common.add_argument("--context", help="the context of the kubeconfig to use")
    common.add_argument("--kubeconfig", help="the kubeconfig to use")
    common.add_argument("-o", "--output", choices=["text", "json", "yaml"], default="text", help="default: text")
    parser = _Parser(
        prog="kubectl collection",
        description=_DESCRIPTION,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    status = commands.add_parser("status", parents=[common], help="which channels need a person, and what for")
    status.add_argument("-A", "--all-namespaces", action="store_true", help="of all namespaces")
    status.set_defaults(module="bannette.cli.plugin.status")
    run = commands.add_parser(
        "run",
        parents=[common],
        help="collect now, and follow the run to its end",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument("name", metavar="NAME", help="the channel")
    run.add_argument("-y", "--yes", action="store_true", help="don't ask")
    run.add_argument(
        "--no-wait", dest="wait", action="store_false", help="end when the run has started, not when it has ended"
    )
    run.add_argument(
        "--timeout", type=float, default=21_600.0, metavar="SECONDS", help="follow for so long (default: six hours)"
    )
    run.set_defaults(module="bannette.cli.plugin.run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
