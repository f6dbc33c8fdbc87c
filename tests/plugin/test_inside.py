"""What the pod of an errand does, in this process: on a binder in a folder, and with what can be in its way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bannette.binder import Binder, open_store
from bannette.binder.locations import StorePath
from bannette.cli.plugin.findings import Finding, State
from bannette.cli.plugin.inside import answer
from simulator.testing import Simulator
from tests.plugin.test_errand import BUCKET, CLAIM, binder, channel

Json = dict[str, Any]
REPORT = {
    "id": "run-1",
    "channel": {"namespace": "acme", "name": "acme-onedrive"},
    "trigger": "Manual",
    "result": "Succeeded",
    "reason": "Collected",
    "message": "2 new documents.",
    "startedAt": "2026-11-24T05:30:00Z",
    "completedAt": "2026-11-24T05:31:00Z",
    "collected": 2,
}


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A binder's volume with the report of one run of each of two channels."""
    folder = tmp_path / "volume"
    store = open_store(StorePath(folder))
    made = Binder.open(store, uid="u-1", namespace="acme", company="Acme", expected=False)
    made.save_report("acme", "acme-onedrive", REPORT)
    made.save_report("acme", "other", {**REPORT, "id": "run-2", "channel": {"namespace": "acme", "name": "other"}})
    return folder


def asked(*words: str, volume: Path, storage: Json = CLAIM, store: Path = Path("/nowhere")) -> tuple[int, str, str]:
    reply = answer(words, [channel(), binder(storage)], volume=volume, store=store)
    return reply.code, reply.output, reply.errors


def test_history_is_that_of_the_channel_or_of_the_binder(volume: Path) -> None:
    code, output, errors = asked("history", "--channel", "acme-onedrive", "-o", "json", volume=volume)
    assert (code, errors) == (0, "")
    assert [run["id"] for run in json.loads(output)] == ["run-1"]
    code, output, _ = asked("history", "-o", "json", volume=volume)
    assert {run["id"] for run in json.loads(output)} == {"run-1", "run-2"}
    assert "acme/acme-onedrive" in asked("history", volume=volume)[1]


def test_an_empty_inbox_is_said_and_a_volume_without_a_binder_too(volume: Path, tmp_path: Path) -> None:
    assert asked("inbox", "list", volume=volume) == (0, "The inbox is empty.\n", "")
    (tmp_path / "new").mkdir()
    code, output, errors = asked("inbox", "list", volume=tmp_path / "new")
    assert (code, output) == (2, "")
    assert "no binder here" in errors
    assert list((tmp_path / "new").iterdir()) == []


def test_what_is_asked_wrongly_is_answered_all_the_same(volume: Path) -> None:
    code, _, errors = asked("history", "--nonsense", volume=volume)
    assert code == 2
    assert "--nonsense" in errors


def test_a_bucket_without_the_keys_of_its_credentials_is_told(volume: Path, tmp_path: Path) -> None:
    (tmp_path / "accessKeyId").write_text("id-canary")
    code, _, errors = asked("inbox", "list", volume=volume, storage=BUCKET, store=tmp_path)
    assert code == 2
    assert 'Secret "keys" of namespace "acme" lacks accessKeyId and secretAccessKey' in errors
    assert "canary" not in errors


def probed(monkeypatch: pytest.MonkeyPatch, volume: Path, **kwargs: Any) -> dict[str, Finding]:
    # Nothing listens there: refused at once.
    for name in ("BANNETTE_GRAPH_URL", "BANNETTE_AUTHORITY_URL"):
        monkeypatch.setenv(name, "https://127.0.0.1:9")
    code, output, errors = asked("probe", volume=volume, **kwargs)
    assert (code, errors) == (0, "")
    return {one.check: one for one in map(Finding.parse, json.loads(output))}


def test_a_probe_leaves_nothing_in_the_binder(volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def files() -> list[Path]:
        return sorted(path for path in volume.rglob("*") if path.is_file())

    before = files()
    found = probed(monkeypatch, volume)["Store of binder purchases"]
    assert found.state is State.OK
    assert "free" in found.message
    assert files() == before


def test_a_probe_tells_a_service_that_is_not_reached(volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = probed(monkeypatch, volume)
    for check in ("Egress to sign-in", "Egress to Microsoft Graph"):
        assert found[check].state is State.PROBLEM
        assert "https://127.0.0.1:9 can't be reached" in found[check].message
        assert "network policies" in found[check].message


def test_a_probe_tells_microsoft_from_what_stands_in_its_place(
    volume: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def egress(**environment: str) -> list[tuple[State, str]]:
        with monkeypatch.context() as patched:
            for name, value in (dict(simulator.environment) | environment).items():
                patched.setenv(name, value)
            _, output, errors = asked("probe", volume=volume)
        assert errors == ""
        found = [Finding.parse(one) for one in json.loads(output)]
        return [(one.state, one.message) for one in found if one.check.startswith("Egress")]

    assert [state for state, _ in egress()] == [State.OK, State.OK]
    # The usual authorities haven't signed its certificate.
    untrusted = egress(SSL_CERT_FILE="", REQUESTS_CA_BUNDLE="")
    assert [state for state, _ in untrusted] == [State.PROBLEM, State.PROBLEM]
    assert all("spec.collector.caBundle" in message for _, message in untrusted)
    assert "no /nowhere/ca.crt" in egress(SSL_CERT_FILE="/nowhere/ca.crt", REQUESTS_CA_BUNDLE="")[0][1]
    simulator.control.add_faults({"like": "discovery unavailable", "times": None}, {"like": "drive refused"})
    assert any("answered by something else (status 503)" in message for _, message in egress())


def test_a_probe_tells_the_binder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(StorePath(tmp_path / "theirs"))
    Binder.open(store, uid="u-2", namespace="beta", company="Beta", expected=False)
    found = probed(monkeypatch, tmp_path / "theirs")["Store of binder purchases"]
    assert found.state is State.PROBLEM
    assert "bannette.io/adopt=u-2" in found.message


def test_a_probe_tells_a_volume_that_can_not_be_written(volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (volume / ".probe").rmdir()
    (volume / ".probe").write_text("in the way of a folder")
    found = probed(monkeypatch, volume)["Store of binder purchases"]
    assert found.state is State.PROBLEM


BLOCKED = """
import sys
for name in {blocked!r}: sys.modules[name] = None
import {module}
"""


@pytest.mark.parametrize(
    ("module", "blocked"),
    [
        # The collector's image has no controller.
        ("bannette.cli.plugin.inside, bannette.cli.plugin.probes", ["bannette.controller"]),
        # Whoever installs the plugin alone has no client of Kubernetes, no OneDrive and no store.
        (
            "bannette.cli.plugin.doctor, bannette.cli.plugin.binders, bannette.cli.plugin.main",
            ["kopf", "kubernetes", "aiohttp", "msal", "obstore", "bannette.onedrive", "bannette.binder"],
        ),
    ],
    ids=["pod", "plugin"],
)
def test_nothing_is_needed_that_is_not_there(module: str, blocked: list[str]) -> None:
    code = BLOCKED.format(module=module, blocked=blocked)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "operator"}
    )
    assert done.returncode == 0, done.stderr


def test_a_container_answers_in_one_reply(volume: Path) -> None:
    """As the kubelet calls it, but for the path of the volume."""
    from bannette.cli.plugin.reply import decoded

    code = (
        "import pathlib, sys; from bannette.cli.plugin import inside; "
        f"inside.answer.__kwdefaults__['volume'] = pathlib.Path({str(volume)!r}); sys.exit(inside.run_errand())"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": "operator",
        "BANNETTE_RESOURCES": json.dumps([channel(), binder(CLAIM)]),
    }
    done = subprocess.run(
        [sys.executable, "-c", code, "history", "-o", "json"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    reply = decoded(done.stdout)
    assert reply is not None
    assert len(json.loads(reply.output)) == 2
