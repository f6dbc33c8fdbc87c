"""The operator: turns every CollectionChannel into a daily CronJob and, on demand, Jobs.

Whatever happens names a channel; a worker looks at what is, a pure function (`plan`) decides what should be, and the
difference is applied. Nothing depends on having seen an event.
"""

from __future__ import annotations

from collections.abc import Sequence

from bannette.controller.settings import Settings

__all__ = ["Settings", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the operator with *arguments* (those of the process) until it is told to end; return its exit code."""
    # Whoever uses what is pure in this package, as the plugin for kubectl does, needs no kopf and no Kubernetes client.
    from bannette.controller import run

    return run.main(arguments)
