"""``kubectl_complete-collection``: what kubectl offers when somebody presses Tab after ``kubectl collection``.

Source: KEP-2379 (kubectl plugins), "completion"; the directive is cobra's, 4: no file names.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from typing import Final

from bannette.cli.plugin.kubectl import BINDERS, CHANNELS, Kubectl
from bannette.errors import BannetteError

_COMMANDS: Final = {
    "run": "collect now, and follow the run",
    "status": "which channels need a person",
    "check": "whether a channel's account can be read",
    "connect": "where a channel's account is connected",
    "disconnect": "remove the sign-in of a channel's account",
    "history": "all runs of a channel or binder",
    "inbox": "what waits for data entry in a binder",
    "doctor": "what is wrong with the installation and the channels",
    "help": "how a command is used",
    "version": "which version this is",
}
_COMMON: Final = ("--namespace", "--context", "--kubeconfig", "--output")
_OPTIONS: Final = {
    "run": ("--yes", "--no-wait", "--timeout", *_COMMON),
    "status": ("--all-namespaces", "--exit-code", *_COMMON),
    "check": ("--timeout", *_COMMON),
    "connect": ("--link", "--open", *_COMMON),
    "disconnect": ("--yes", "--timeout", *_COMMON),
    "history": ("--binder", "--limit", "--timeout", *_COMMON),
    "inbox": ("--binder", "--timeout", *_COMMON),
    "doctor": ("--probe", "--timeout", *_COMMON),
    "help": (),
    "version": (),
}
_OF_KUBECTL: Final = ("-n", "--namespace", "--context", "--kubeconfig")
_NUMBERS: Final = ("--timeout", "--limit")
_OUTPUTS: Final = ("text", "json", "yaml")
# Of these commands, each is about one channel at most.
_OF_A_CHANNEL: Final = ("run", "status", "check", "connect", "disconnect", "history", "inbox", "doctor")


def candidates(words: Sequence[str], kubectl: Kubectl) -> list[str]:
    """Return what may stand in place of the last of *words*, which is unfinished."""
    *before, last = words or ("",)
    command = next((word for word in before if word in _COMMANDS), None)
    option = before[-1] if before else ""
    found: Sequence[str] = ()
    if option in ("-o", "--output"):
        found = _OUTPUTS
    elif option in ("-b", "--binder"):
        found = _names(kubectl, BINDERS)
    elif option in ("-n", "--namespace"):
        found = _names(kubectl, "namespaces")
    elif option == "--context":
        found = _lines(kubectl, "config", "get-contexts", "-o", "name")
    elif option in _OF_KUBECTL or option in _NUMBERS:
        found = ()
    elif command is None:
        found = [f"{name}\t{meaning}" for name, meaning in _COMMANDS.items()]
    elif command == "help":
        found = [name for name, options in _OPTIONS.items() if options]
    elif last.startswith("-"):
        found = _OPTIONS[command]
    elif command in _OF_A_CHANNEL:
        found = _names(kubectl, CHANNELS)
    return [one for one in found if one.startswith(last)]


def _names(kubectl: Kubectl, kind: str) -> list[str]:
    return _lines(kubectl, "get", kind, "-o", "jsonpath={range .items[*]}{.metadata.name}{'\\n'}{end}")


def _lines(kubectl: Kubectl, *arguments: str) -> list[str]:
    try:
        return kubectl.text(*arguments).splitlines()
    except BannetteError:
        return []


def main() -> int:
    """Print the candidates for the process's arguments."""
    words = sys.argv[1:]
    # The last word is unfinished: what it names needn't exist.
    pairs = itertools.pairwise(words[:-1])
    named = [text for option, value in pairs if option in _OF_KUBECTL for text in (option, value)]
    print("\n".join([*candidates(words, Kubectl(tuple(named))), ":4"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
