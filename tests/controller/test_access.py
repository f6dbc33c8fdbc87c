"""How the operator reaches its API server, without importing what it doesn't need for that."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from bannette.controller.access import find_access
from bannette.errors import PersonNeeded, Transient

SERVER = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "6443"}
IMPORTED = """
import json, sys
import bannette.controller.run
from bannette.controller.framework import kopf
before = "kubernetes" in sys.modules
import kubernetes.aio.config
print(json.dumps([kopf.__name__, before]))
"""


@pytest.fixture
def account(tmp_path: Path) -> Path:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    (tmp_path / "token").write_text("first\n")
    return tmp_path


@pytest.mark.parametrize(
    ("environ", "server"),
    [
        (SERVER, "https://10.96.0.1:6443"),
        ({"KUBERNETES_SERVICE_HOST": "10.96.0.1"}, "https://10.96.0.1:443"),
        (SERVER | {"KUBERNETES_SERVICE_HOST": "fd00::1"}, "https://[fd00::1]:6443"),
    ],
    ids=["host-and-port", "no-port", "ipv6"],
)
def test_a_pod_reaches_the_server_that_its_environment_names(account, environ, server):
    assert asyncio.run(find_access(account, environ)).server == server


def test_a_renewed_token_is_used_a_second_later(account):
    async def story() -> tuple[str | None, str | None]:
        access = await find_access(account, SERVER)
        before = await access.authorization()
        renewed = account / "renewed"
        renewed.write_text("second\n")
        renewed.replace(account / "token")
        await asyncio.sleep(1.05)
        return before, await access.authorization()

    assert asyncio.run(story()) == ("Bearer first", "Bearer second")


def test_a_token_that_cannot_be_read_is_looked_for_at_the_next_request(account):
    async def story() -> str | None:
        access = await find_access(account, SERVER)
        (account / "token").rename(account / "elsewhere")
        for _ in range(2):
            with pytest.raises(Transient, match="token: No such file"):
                await access.authorization()
        (account / "elsewhere").rename(account / "token")
        return await access.authorization()

    assert asyncio.run(story()) == "Bearer first"


@pytest.mark.parametrize(
    ("environ", "missing", "said"),
    [
        ({}, None, "KUBERNETES_SERVICE_HOST doesn't say for which server"),
        (SERVER, "ca.crt", "ca.crt: No such file"),
    ],
    ids=["no-host", "no-ca"],
)
def test_a_pod_that_lacks_something_says_what(account, environ, missing, said):
    if missing:
        (account / missing).unlink()
    with pytest.raises(PersonNeeded, match=said) as caught:
        asyncio.run(find_access(account, environ))
    assert caught.value.reason == "NoCluster"


def test_without_an_account_and_a_kubeconfig_there_is_no_cluster(tmp_path, monkeypatch):
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    with pytest.raises(PersonNeeded, match="No Kubernetes to talk to"):
        asyncio.run(find_access(tmp_path, SERVER))


def test_the_operator_imports_no_kubernetes_client_and_hides_none():
    output = subprocess.run(
        [sys.executable, "-c", IMPORTED], env={**os.environ, "PYTHONPATH": "operator"}, capture_output=True, text=True
    )
    assert json.loads(output.stdout) == ["kopf", False], output.stderr
