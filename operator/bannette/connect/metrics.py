"""What Prometheus is told: whom pages and mails reach, what keeps them from it, and what requests come to.

Labels have values of closed sets: none names a client, an address or a link, however many paths strangers ask for.
Counters begin at zero with the process; each replica counts what it did itself.

Source: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from bannette.connect.faults import Fault
from bannette.errors import PersonNeeded
from bannette.notify.plan import Kind
from bannette.resources import CheckOutcome
from bannette.web.guard import Answered
from bannette.web.sealing import Keys

_REQUEST_SECONDS: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_WHO_DISCONNECTS: Final = ("page", "request")


@dataclass(frozen=True, kw_only=True)
class AskingFigures:
    """How it stands with those who are asked.

    Attributes:
        asked: recipients who were asked for each account that isn't connected.
        unasked: those who weren't, of one account at least.
        looked_at: when it was last looked whether a recipient is to be written to; None: not yet.
        outage: no mail can be sent to anybody.
    """

    asked: int
    unasked: int
    looked_at: datetime | None
    outage: bool


class Metrics:
    """All series; safe to share between threads."""

    def __init__(self) -> None:
        # In the plain text format they would be gauges, one beside each counter, of which nobody asks.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        registry = self.registry
        Info("bannette_connect", "The service that runs.", registry=registry).info({"version": _version()})
        self._requests = Counter(
            "bannette_connect_requests",
            "Requests that were answered, probes not counted, by the class of the answer's status.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "bannette_connect_request_duration_seconds",
            "How long requests took, to the last byte of the answer.",
            ["route"],
            buckets=_REQUEST_SECONDS,
            registry=registry,
        )
        self._begun = Counter(
            "bannette_connect_sign_ins_begun", "Times that somebody was led to Microsoft.", registry=registry
        )
        self._finished = Counter(
            "bannette_connect_sign_ins_finished", "Accounts that were connected.", registry=registry
        )
        self._refusals = Counter(
            "bannette_connect_refusals",
            "Pages of channels that said why not, and sign-ins that brought nothing, by fault.",
            ["fault"],
            registry=registry,
        )
        self._disconnections = Counter(
            "bannette_connect_disconnections",
            "Accounts that were disconnected, at the page or by an annotation's request.",
            ["by"],
            registry=registry,
        )
        self._checks = Counter(
            "bannette_connect_checks",
            "Connections that were checked on request, by what was found.",
            ["outcome"],
            registry=registry,
        )
        self._sent = Counter(
            "bannette_connect_mails_sent", "Mails that the server for mails took over.", ["kind"], registry=registry
        )
        self._failures = Counter(
            "bannette_connect_mail_failures",
            "Mails that couldn't be handed over; each try counts.",
            ["kind", "reason"],
            registry=registry,
        )
        # Else the first of each would be no increase.
        for kind in Kind:
            self._sent.labels(kind.value)
        for outcome in CheckOutcome:
            self._checks.labels(outcome.value)
        for by in _WHO_DISCONNECTS:
            self._disconnections.labels(by)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)

    def answered(self, answer: Answered) -> None:
        """Count a request that was answered, or broken off."""
        status = f"{answer.status // 100}xx" if answer.status else "none"
        self._requests.labels(answer.method, answer.route, status).inc()
        self._request_seconds.labels(answer.route).observe(answer.seconds)

    def sign_in_begun(self) -> None:
        self._begun.inc()

    def sign_in_finished(self) -> None:
        self._finished.inc()

    def refused(self, fault: Fault) -> None:
        self._refusals.labels(fault.text).inc()

    def disconnected(self, by: Literal["page", "request"]) -> None:
        self._disconnections.labels(by).inc()

    def checked(self, outcome: CheckOutcome) -> None:
        self._checks.labels(outcome.value).inc()

    def mail_sent(self, kind: Kind) -> None:
        self._sent.labels(kind.value).inc()

    def mail_failed(self, kind: Kind, reason: str) -> None:
        self._failures.labels(kind.value, reason).inc()

    def watch(
        self,
        *,
        keys: Callable[[], Keys],
        trouble: Callable[[], str | None],
        asking: Callable[[], AskingFigures] | None,
    ) -> None:
        """Ask these at each scrape, once for the process.

        Args:
            keys: those of now.
            trouble: with the public address, as `PublicAddress` has it.
            asking: None: no mails are sent.
        """
        self.registry.register(_State(keys, trouble, asking))

    def exposition(self) -> bytes:
        """Return everything as text, as Prometheus reads it."""
        return generate_latest(self.registry)


class _State(Collector):
    def __init__(
        self,
        keys: Callable[[], Keys],
        trouble: Callable[[], str | None],
        asking: Callable[[], AskingFigures] | None,
    ) -> None:
        self._keys = keys
        self._trouble = trouble
        self._asking = asking

    def describe(self) -> list[Metric]:
        # Without it the registry would collect once to learn the names.
        return []

    def collect(self) -> Iterator[Metric]:
        yield _gauge("keys", "Keys that open links; 0 if they can't be read.", _number_of(self._keys))
        trouble = self._trouble()
        # Empty: it isn't known yet.
        reachable = None if trouble == "" else float(trouble is None)
        yield _gauge("address_reachable", "Whether the public address leads to this service.", reachable)
        if self._asking is not None:
            yield from _of_asking(self._asking())


def _of_asking(figures: AskingFigures) -> Iterator[Metric]:
    waiting = GaugeMetricFamily(
        "bannette_connect_recipients",
        "Recipients with an account that isn't connected: asked for it, or not yet.",
        labels=["state"],
    )
    waiting.add_metric(["asked"], figures.asked)
    waiting.add_metric(["unasked"], figures.unasked)
    yield waiting
    looked_at = figures.looked_at.timestamp() if figures.looked_at is not None else None
    yield _gauge(
        "last_look_timestamp_seconds", "When it was last looked whether a recipient is to be written to.", looked_at
    )
    yield _gauge("mail_outage", "Whether no mail can be sent to anybody.", float(figures.outage))


def _gauge(name: str, meaning: str, value: float | None) -> Metric:
    return GaugeMetricFamily(f"bannette_connect_{name}", meaning, value=value)


def _number_of(keys: Callable[[], Keys]) -> float:
    try:
        return len(keys().by_id)
    except PersonNeeded:
        return 0


def _version() -> str:
    try:
        return version("bannette")
    except PackageNotFoundError:
        return "unknown"
