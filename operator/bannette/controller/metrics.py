"""What Prometheus is told: how the operator fares, every channel in numbers, and whether sinks and recipients are told.

A channel's series go with it. Counters begin at zero with the process, as Prometheus expects; runs that ended while the
operator was down are in the channels' own figures.

Source: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, cast

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from bannette.controller.api import Manifest
from bannette.controller.figures import ChannelFigures
from bannette.controller.names import BINDER, RECIPIENT, Key, Kind
from bannette.controller.store import Store
from bannette.resources import HistoryEntry

_CHANNEL: Final = ("namespace", "channel")
_RECONCILE_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_QUEUE_SECONDS: Final = (0.01, 0.1, 0.5, 1, 2.5, 5, 15, 60, 300)
# A run lasts six hours at most.
_RUN_SECONDS: Final = (5, 15, 30, 60, 120, 300, 900, 1800, 3600, 7200, 21600)


@dataclass
class _Runs:
    """What the runs of a channel came to since the process began."""

    ended: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    sums: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Metrics:
    """All series; safe to use from one thread."""

    def __init__(self, store: Store) -> None:
        self._runs: dict[Key, _Runs] = {}
        # In the plain text format they would be gauges, one beside each counter, of which nobody asks.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        registry = self.registry
        Info("bannette_operator", "The operator that runs.", registry=registry).info({"version": _version()})
        self.reconcile_seconds = Histogram(
            "bannette_reconcile_duration_seconds",
            "How long a reconcile of one channel took.",
            buckets=_RECONCILE_SECONDS,
            registry=registry,
        )
        self.reconcile_errors = Counter(
            "bannette_reconcile_errors",
            "Reconciles that failed and are tried again, by reason.",
            ["reason"],
            registry=registry,
        )
        self.queue_seconds = Histogram(
            "bannette_queue_latency_seconds",
            "How long a channel waited in the queue until it was reconciled.",
            buckets=_QUEUE_SECONDS,
            registry=registry,
        )
        self.queue_depth = Gauge("bannette_queue_depth", "Channels that wait to be reconciled.", registry=registry)
        self.run_slots = Gauge(
            "bannette_run_slots", "On-demand runs that may be unfinished at once.", registry=registry
        )
        self.run_slots_used = Gauge("bannette_run_slots_used", "On-demand runs that are unfinished.", registry=registry)
        self.runs_waiting = Gauge("bannette_runs_waiting", "Channels that wait for a slot.", registry=registry)
        self.api_requests = Counter(
            "bannette_kubernetes_requests",
            "Requests of the operator to the Kubernetes API, watches of custom resources not counted.",
            ["method", "resource", "code"],
            registry=registry,
        )
        self.run_seconds = Histogram(
            "bannette_run_duration_seconds",
            "How long runs took, from the start of their first pod to their last word.",
            ["trigger"],
            buckets=_RUN_SECONDS,
            registry=registry,
        )
        registry.register(_Channels(store, self._runs))
        self._conditions: dict[Kind, dict[Key, dict[str, bool]]] = {BINDER: {}, RECIPIENT: {}}
        registry.register(_Conditions(self._conditions))
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)

    def run_ended(self, key: Key, entry: HistoryEntry) -> None:
        """Count a run that is over, whatever it came to."""
        runs = self._runs.setdefault(key, _Runs())
        runs.ended[entry.trigger.value, entry.result.value] += 1
        for name in ("collected", "duplicates", "pages", "bytes", "requests", "throttled"):
            runs.sums[name] += getattr(entry, name)
        seconds = (entry.completed_at - entry.started_at).total_seconds()
        self.run_seconds.labels(entry.trigger.value).observe(max(seconds, 0.0))

    def reference_seen(self, kind: Kind, change: str | None, body: Manifest) -> None:
        """Take in what the status of a binder or recipient says, as a watch or a list tells it."""
        metadata = cast("dict[str, str]", body["metadata"])
        key = Key(metadata["namespace"], metadata["name"])
        conditions = cast("dict[str, Any]", body.get("status") or {}).get("conditions") or ()
        if change == "DELETED" or not conditions:
            self._conditions[kind].pop(key, None)
        else:
            self._conditions[kind][key] = {str(one["type"]): one["status"] == "True" for one in conditions}

    def forget(self, key: Key) -> None:
        """Drop what was counted of a channel that is gone."""
        self._runs.pop(key, None)

    def exposition(self) -> bytes:
        """Return everything as text, as Prometheus reads it."""
        return generate_latest(self.registry)


class _Channels(Collector):
    def __init__(self, store: Store, runs: dict[Key, _Runs]) -> None:
        self._store = store
        self._runs = runs

    def describe(self) -> list[Metric]:
        # Without it the registry would collect once to learn the names.
        return []

    def collect(self) -> Iterator[Metric]:
        yield from _gauges(list(self._store.figures()))
        yield from _counters(self._runs)


class _Conditions(Collector):
    def __init__(self, conditions: dict[Kind, dict[Key, dict[str, bool]]]) -> None:
        self._conditions = conditions

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        for kind, those in self._conditions.items():
            what = kind.kind.lower()
            condition = GaugeMetricFamily(
                f"bannette_{what}_condition",
                f"Whether a condition of the {what} is true.",
                labels=["namespace", what, "type"],
            )
            for key, conditions in those.items():
                for name, holds in conditions.items():
                    condition.add_metric([*key, name], float(holds))
            yield condition


def _gauges(channels: list[tuple[Key, ChannelFigures]]) -> Iterator[Metric]:
    condition = GaugeMetricFamily(
        "bannette_channel_condition", "Whether a condition of the channel is true.", labels=[*_CHANNEL, "type"]
    )
    for key, figures in channels:
        for kind, holds in figures.conditions.items():
            condition.add_metric([*key, kind], float(holds))
    yield condition
    for name, meaning, value in (
        ("created_timestamp_seconds", "When the channel was created.", lambda one: one.created),
        ("suspended", "Whether the channel is suspended.", lambda one: float(one.suspended)),
        ("last_run_timestamp_seconds", "When the last run ended.", lambda one: one.last_run),
        ("last_run_failed", "Whether the last run failed.", lambda one: float(one.last_failed)),
        ("last_success_timestamp_seconds", "When a run last went through the feed.", lambda one: one.last_success),
        ("next_run_timestamp_seconds", "When the next daily run begins.", lambda one: one.next_run),
        ("seen_items", "Items that were settled since the channel exists.", lambda one: float(one.seen)),
        ("deferred_items", "Items that stand deferred and are tried again.", lambda one: float(one.deferred)),
        ("rejected_items", "Items that stand rejected until they change.", lambda one: float(one.rejected)),
    ):
        family = GaugeMetricFamily(f"bannette_channel_{name}", meaning, labels=_CHANNEL)
        for key, figures in channels:
            number = value(figures)
            if number is not None:
                family.add_metric(key, number)
        yield family


def _counters(runs: dict[Key, _Runs]) -> Iterator[Metric]:
    ended = CounterMetricFamily("bannette_runs", "Runs that ended.", labels=[*_CHANNEL, "trigger", "result"])
    for key, one in runs.items():
        for (trigger, result), count in one.ended.items():
            ended.add_metric([*key, trigger, result], count)
    yield ended
    for name, member, meaning in (
        ("run_documents", "collected", "Documents that runs collected."),
        ("run_duplicates", "duplicates", "Documents that repeated what the binder has."),
        ("run_pages", "pages", "Pages of the documents that runs collected."),
        ("run_bytes", "bytes", "Size of the documents that runs collected."),
        ("run_graph_requests", "requests", "Requests of runs to Microsoft Graph."),
        ("run_graph_throttles", "throttled", "Answers of OneDrive that told a run to wait."),
    ):
        family = CounterMetricFamily(f"bannette_{name}", meaning, labels=_CHANNEL)
        for key, one in runs.items():
            family.add_metric(key, one.sums[member])
        yield family


def _version() -> str:
    try:
        return version("bannette")
    except PackageNotFoundError:
        return "unknown"
