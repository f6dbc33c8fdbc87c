"""Alerts and dashboard: what they ask for exists, and each alert fires when it should, and only then."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bannette.connect.faults import Fault
from bannette.connect.metrics import AskingFigures
from bannette.connect.metrics import Metrics as ConnectMetrics
from bannette.controller.metrics import Metrics
from bannette.controller.names import BINDER, RECIPIENT, Key
from bannette.controller.store import Store
from bannette.notify.plan import Kind
from bannette.resources import CheckOutcome, HistoryEntry, RunResult, Trigger
from bannette.web.guard import Answered
from bannette.web.sealing import Keys
from devcluster import chart, promtool

# The first test builds promtool, where it hasn't been built yet.
pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(1800)]

FILES = chart.CHART / "files"
RULES = (FILES / "alerts.yaml", FILES / "connect-alerts.yaml")
SEEN = [Path(__file__).with_name(name) for name in ("alerts_test.yaml", "alerts_of_days_test.yaml")]
OPERATIONS = chart.SOURCE / "docs" / "operations.md"
EVERYTHING = (
    "metrics.serviceMonitor.enabled=true",
    "metrics.rules.enabled=true",
    "metrics.dashboard.enabled=true",
    "metrics.rules.labels.release=monitoring",
)
PAGES = ("connect.enabled=true", "connect.url=https://connect.example", "connect.keysSecret=keys")


def groups(*files: Path) -> list[dict[str, Any]]:
    return [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]


def rules() -> list[dict[str, Any]]:
    return [rule for group in groups(*RULES) for rule in group["rules"]]


@pytest.fixture(scope="module")
def exposed() -> set[str]:
    """The names of all series that there are."""
    told = told_by_an_operator() + told_by_the_pages()
    return set(re.findall(r"^(bannette_\w+)[{ ]", told.decode(), re.MULTILINE))


def told_by_the_pages() -> bytes:
    """Return what a service tells where each thing has happened."""
    metrics = ConnectMetrics()
    metrics.answered(Answered("GET", "/callback", 303, 0.1))
    metrics.sign_in_begun()
    metrics.sign_in_finished()
    metrics.refused(Fault.LINK_EXPIRED)
    metrics.disconnected("page")
    metrics.checked(CheckOutcome.LOST)
    metrics.mail_sent(Kind.CONNECT)
    metrics.mail_failed(Kind.CONNECT, "MailUnreachable")
    figures = AskingFigures(asked=1, unasked=1, looked_at=datetime(2026, 11, 24, tzinfo=UTC), outage=False)
    metrics.watch(keys=lambda: Keys({"1": b"k"}), trouble=lambda: None, asking=lambda: figures)
    return metrics.exposition()


def told_by_an_operator() -> bytes:
    """Return what an operator with one channel and one run tells."""
    store = Store()
    metrics = Metrics(store)
    moment = datetime(2026, 11, 24, tzinfo=UTC)
    entry = HistoryEntry("1", Trigger.SCHEDULED, None, "j", moment, moment, RunResult.SUCCEEDED, "Collected", "")
    status = {
        "conditions": [{"type": "Ready", "status": "True"}],
        "lastRun": entry.to_dict(),
        "schedule": {"nextRunTime": "2026-11-25T00:00:00Z"},
    }
    metadata = {"namespace": "acme", "name": "a", "uid": "1", "creationTimestamp": "2026-11-01T00:00:00Z"}
    store.put_channel({"metadata": metadata, "spec": {}, "status": status})
    for kind, type_ in ((BINDER, "EventsDelivered"), (RECIPIENT, "Notified")):
        told = {"conditions": [{"type": type_, "status": "True"}]}
        metrics.reference_seen(kind, None, {"metadata": metadata, "spec": {}, "status": told})
    metrics.run_ended(Key("acme", "a"), entry)
    metrics.reconcile_errors.labels("Conflict").inc()
    metrics.api_requests.labels("GET", "jobs", "200").inc()
    return metrics.exposition()


def asked_for(text: str) -> set[str]:
    return set(re.findall(r"bannette_\w+", text))


def test_every_alert_asks_for_series_that_exist(exposed: set[str]) -> None:
    for rule in rules():
        assert asked_for(rule["expr"]) <= exposed, rule["alert"]


def test_every_panel_asks_for_series_that_exist(exposed: set[str]) -> None:
    board = json.loads((FILES / "dashboard.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(expressions) > 10
    for expression in expressions:
        assert asked_for(expression), expression
        assert asked_for(expression) <= exposed, expression
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers)


def test_every_panel_asks_in_words_that_prometheus_knows(tmp_path: Path) -> None:
    board = json.loads((FILES / "dashboard.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    recorded = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(asked)]
    rules = tmp_path / "panels.yaml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    done = subprocess.run([promtool.promtool(), "check", "rules", str(rules)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    variables = {variable["name"] for variable in board["templating"]["list"]}
    assert set(re.findall(r"\$\{?(\w+)", " ".join(asked))) <= variables


def listed() -> set[str]:
    """The series of the page's table; … stands for what the name before it begins with, up to its second word."""
    found = set()
    for row in re.findall(r"^\| (`bannette_[^|]*) \|", OPERATIONS.read_text(), re.MULTILINE):
        first, *others = re.findall(r"`(\S+?)`", row)
        beginning = "_".join(first.split("_")[:2])
        found |= {first, *(other.replace("…", beginning) for other in others)}
    return found


def test_the_page_lists_every_series_and_no_other(exposed: set[str]) -> None:
    assert listed() == {re.sub(r"_(bucket|count|sum)$", "", name) for name in exposed}


def test_every_alert_says_what_to_do() -> None:
    headings = {
        line.removeprefix("### ").strip() for line in OPERATIONS.read_text().splitlines() if line.startswith("###")
    }
    for rule in rules():
        name = rule["alert"]
        assert name in headings
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
        assert rule["labels"]["severity"] in ("warning", "critical")


def test_the_rules_are_sound_and_fire_when_they_should() -> None:
    tool = promtool.promtool()
    subprocess.run([tool, "check", "rules", "--lint=all", "--lint-fatal", *RULES], check=True, capture_output=True)
    done = subprocess.run([tool, "test", "rules", *SEEN], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_to_fire_and_seen_not_to() -> None:
    tested = [test for file in SEEN for test in yaml.safe_load(file.read_text())["tests"]]
    seen: dict[str, set[bool]] = {}
    for test in tested:
        for one in test["alert_rule_test"]:
            seen.setdefault(one["alertname"], set()).add(bool(one["exp_alerts"]))
    assert seen == {rule["alert"]: {True, False} for rule in rules()}


def rendered_by(*settings: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(chart.render(*settings)) if one}


def test_the_chart_hands_out_the_very_rules_and_the_dashboard() -> None:
    rendered = rendered_by(*EVERYTHING)
    rule = rendered["PrometheusRule", "bannette"]
    assert rule["spec"] == {"groups": groups(RULES[0])}
    assert rule["metadata"]["labels"]["release"] == "monitoring"
    board = rendered["ConfigMap", "bannette-dashboard"]
    assert json.loads(board["data"]["bannette.json"]) == json.loads((FILES / "dashboard.json").read_text())
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert scraped(rendered, "bannette-operator") == ["bannette-operator"]
    [endpoint] = rendered["ServiceMonitor", "bannette-operator"]["spec"]["endpoints"]
    assert endpoint["honorLabels"] is True


def scraped(rendered: dict[tuple[str, str], dict[str, Any]], monitor: str) -> list[str]:
    """Return the Services whose /metrics the monitor of that name has scraped."""
    spec = rendered["ServiceMonitor", monitor]["spec"]
    [endpoint] = spec["endpoints"]
    assert endpoint["path"] == "/metrics"
    return [
        name
        for (kind, name), one in rendered.items()
        if kind == "Service"
        and spec["selector"]["matchLabels"].items() <= one["metadata"]["labels"].items()
        and endpoint["port"] in [port["name"] for port in one["spec"]["ports"]]
    ]


def test_where_there_are_pages_they_are_scraped_and_watched_beside_the_operator() -> None:
    rendered = rendered_by(*EVERYTHING, *PAGES)
    assert rendered["PrometheusRule", "bannette"]["spec"] == {"groups": groups(*RULES)}
    assert scraped(rendered, "bannette-operator") == ["bannette-operator"]
    assert scraped(rendered, "bannette-connect") == ["bannette-connect-metrics"]
    service = rendered["Service", "bannette-connect-metrics"]["spec"]
    pod = rendered["Deployment", "bannette-connect"]["spec"]["template"]
    assert service["selector"].items() <= pod["metadata"]["labels"].items()
    [port], [container] = service["ports"], pod["spec"]["containers"]
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    environ = {one["name"]: one["value"] for one in container["env"]}
    assert environ["BANNETTE_CONNECT_METRICS_PORT"] == str(ports[port["targetPort"]])
    # Where an Ingress leads to there is nothing of it.
    assert [one["targetPort"] for one in rendered["Service", "bannette-connect"]["spec"]["ports"]] == ["http"]
