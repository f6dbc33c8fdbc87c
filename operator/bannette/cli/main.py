"""``bannette``: one parser for all commands; each imports what it needs only when it is run."""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence
from typing import Final

from bannette import logs
from bannette.cli import streams
from bannette.cli.commands import CONNECT_SERVICE, CONTROLLER, new_parser
from bannette.errors import BannetteError, ExitCode, PersonNeeded

# What of pyproject.toml brings a command's packages; of all others it is the collector's.
_EXTRAS: Final = {CONTROLLER: "operator", CONNECT_SERVICE: "connect", "bannette.cli.notify": "connect"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that *arguments* (those of the process) name; return its exit code."""
    streams.open_closed()
    parser = new_parser()
    given, further = parser.parse_known_args(arguments)
    if further and given.module != CONTROLLER:
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


if __name__ == "__main__":
    sys.exit(main())
