from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.collector.local_channel import LocalChannel
from tests.sequences.nursery import Ended, Nursery, Order


@pytest.fixture(scope="module")
def killed_at() -> Iterator[Callable[[LocalChannel, int | None, Path], Ended]]:
    """Does one run of a channel, killed before its n-th operation on the binder's folder; None: it isn't killed.

    The operations that were begun are told in a file.
    """
    with Nursery() as nursery:

        def run(channel: LocalChannel, step: int | None, log: Path) -> Ended:
            order = Order(
                arguments=channel.command()[1:],
                environment=channel.environment,
                output=str(log.with_name("run")),
                binder=str(channel.binder_folder),
                kill_at_operation=step,
                operations=str(log),
                # As in the command.
                patience=30.0,
            )
            return nursery.run(order)[0]

        yield run
