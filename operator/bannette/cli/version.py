"""``bannette version``."""

from __future__ import annotations

import argparse
from importlib.metadata import PackageNotFoundError, version


def run(arguments: argparse.Namespace) -> int:
    print(f"bannette {_version()}")
    return 0


def _version() -> str:
    try:
        return version("bannette")
    except PackageNotFoundError:
        return "(not installed)"
