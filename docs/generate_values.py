"""Writes charts/bannette/README.md from the chart's values.yaml: ``python docs/generate_values.py``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

CHART = Path(__file__).resolve().parents[1] / "charts" / "bannette"
PAGE = CHART / "README.md"
HEAD = """\
<!-- Made by docs/generate_values.py from values.yaml: don't edit. -->
# The chart

```sh
helm install bannette charts/bannette --namespace bannette-system --create-namespace \\
  --set images.operator=REGISTRY/bannette-operator:0.1.0 --set images.collector=REGISTRY/bannette-collector:0.1.0
```

A value that doesn't exist, or has the wrong type, is refused (values.schema.json). The CustomResourceDefinitions are
upgraded with the release, and stay, with every channel, when it is uninstalled.

| value | default | meaning |
|---|---|---|
"""
_KEY = re.compile(r"^(?P<indent> *)(?P<name>\w+):(?P<value>.*)$")


class Value(NamedTuple):
    """One value: its path, what it is without being set, and what the comments above it say."""

    path: str
    default: Any
    meaning: str


def values() -> Iterator[Value]:
    """Yield the values in the order of values.yaml; of mappings, their members."""
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    defaults = yaml.safe_load(text)
    path: list[str] = []
    said: list[str] = []
    for line in text.splitlines():
        key = _KEY.match(line)
        if line.lstrip().startswith("#"):
            said.append(line.lstrip().removeprefix("#").strip())
        elif key:
            path = [*path[: len(key["indent"]) // 2], key["name"]]
            default = _at(defaults, path)
            if key["value"].strip() or not isinstance(default, dict):
                yield Value(".".join(path), default, " ".join(said))
            said = []


def render() -> str:
    """Return the page."""
    return HEAD + "".join(f"| `{one.path}` | `{json.dumps(one.default)}` | {one.meaning} |\n" for one in values())


def _at(defaults: Any, path: list[str]) -> Any:
    for name in path:
        if not isinstance(defaults, dict) or name not in defaults:
            return None
        defaults = defaults[name]
    return defaults


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
