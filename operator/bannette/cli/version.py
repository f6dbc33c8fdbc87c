"""``bannette version``."""

from __future__ import annotations

import argparse
from importlib.metadata import PackageNotFoundError, version


def run(arguments: argparse.Namespace) -> int:
    print(f"bannette {installed_version() or '(not installed)'}")
    return 0


def installed_version() -> str | None:
    """Return the version of the package; None if it runs without being installed."""
    try:
        return version("bannette")
    except PackageNotFoundError:
        return None
