"""``bannette controller``."""

from __future__ import annotations

import argparse


def run(arguments: argparse.Namespace) -> int:
    from bannette.controller import main

    return main(arguments.further)
