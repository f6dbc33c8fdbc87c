"""Places in which pages are typed: a cluster of its own, installed or not, with a tenant or without, and a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from simulator.testing import Simulator
from tests.docs.place import Place


@pytest.fixture
def new_place(tmp_path: Path, simulator: Simulator) -> Iterator[Callable[[str], Place]]:
    """Makes places; what runs there ends with the test, which then fails if something went wrong on a node."""
    made: list[Place] = []
    with ExitStack() as stack:

        def make(name: str) -> Place:
            place = stack.enter_context(Place(tmp_path / name, simulator))
            made.append(place)
            return place

        yield make
    assert [failure for place in made for failure in place.failures] == []
