"""``kubectl_complete-collection``: what kubectl offers when somebody presses Tab after ``kubectl collection``.

Source: KEP-2379 (kubectl plugins), "completion"; the directive is cobra's, 4: no file names.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from typing import Final

from bannette.cli.plugin.kubectl import CHANNELS, Kubectl
from bannette.errors import BannetteError

_COMMANDS: Final = {"run": "collect now, and follow the run", "status": "which channels need a person"}
_OPTIONS: Final = {
    "run": ("--yes", "--no-wait", "--timeout", "--namespace", "--context", "--kubeconfig", "--output"),
    "status": ("--all-namespaces", "--namespace", "--context", "--kubeconfig", "--output"),
}
_OF_KUBECTL: Final = ("-n", "--namespace", "--context", "--kubeconfig")
_VALUES: Final = {"-o": ("text", "json", "yaml"), "--output": ("text", "json", "yaml")}


def candidates(words: Sequence[str], kubectl: Kubectl) -> list[str]:
    """Return what may stand in place of the last of *words*, which is unfinished."""
    *before, last = words or ("",)
    command = next((word for word in before if word in _COMMANDS), None)
    if before and before[-1] in _VALUES:
        found: Sequence[str] = _VALUES[before[-1]]
    elif before and before[-1] in _OF_KUBECTL:
        found = ()
    elif command is None:
        found = [f"{name}\t{meaning}" for name, meaning in _COMMANDS.items()]
    elif last.startswith("-"):
        found = _OPTIONS[command]
    else:
        found = _channels(kubectl) if command == "run" else ()
    return [one for one in found if one.startswith(last)]


def _channels(kubectl: Kubectl) -> list[str]:
    try:
        return kubectl.text("get", CHANNELS, "-o", "jsonpath={.items[*].metadata.name}").split()
    except BannetteError:
        return []


def main() -> int:
    """Print the candidates for the process's arguments."""
    words = sys.argv[1:]
    named = [text for option, value in itertools.pairwise(words) if option in _OF_KUBECTL for text in (option, value)]
    print("\n".join([*candidates(words, Kubectl(tuple(named))), ":4"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
