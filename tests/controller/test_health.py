"""The probes: a process that hangs is not alive, and one that hears nothing from the API server is not ready."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bannette.controller.health import LONGEST_RECONCILE, LONGEST_SILENCE, Health
from bannette.controller.names import Key

ACME, BETA = Key("acme", "onedrive"), Key("beta", "onedrive")


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(clock)


def test_it_is_alive_from_the_beginning_and_ready_when_everything_is_listed(health: Health) -> None:
    assert health.ailment() is None
    assert "listed" in (health.hindrance() or "")
    health.started = True
    assert health.hindrance() is None


def test_a_replica_that_stands_by_is_ready_as_long_as_it_hears_the_server(health: Health, clock: Clock) -> None:
    health.stands_by = True
    assert health.hindrance() is None
    clock.seconds += LONGEST_SILENCE + 1
    assert health.hindrance() is not None


def test_a_reconcile_that_hangs_is_named_and_ends_with_its_end(health: Health, clock: Clock) -> None:
    health.started = True
    health.begins(ACME)
    clock.seconds += LONGEST_RECONCILE
    health.answered()
    health.begins(BETA)
    assert health.ailment() is None
    clock.seconds += 1
    assert "acme/onedrive has hung for 601 s" in (health.ailment() or "")
    assert health.hindrance() == health.ailment()
    health.ends(ACME)
    assert health.ailment() is None


@pytest.mark.parametrize("probe", [Health.ailment, Health.hindrance])
def test_a_silent_api_server_is_no_reason_to_start_anew(
    health: Health, clock: Clock, probe: Callable[[Health], str | None]
) -> None:
    health.started = True
    clock.seconds += LONGEST_SILENCE + 1
    assert (probe(health) is None) == (probe is Health.ailment)
    health.answered()
    assert probe(health) is None
