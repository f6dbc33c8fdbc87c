"""``kubectl collection check``, ``connect`` and ``disconnect``, as a person calls them."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bannette.controller.names import POD, SECRET
from simulator.testing import Simulator
from tests.controller.calling import Called, call, install_plugin, start
from tests.controller.cluster import SYSTEM
from tests.controller.connecting import PAGE, SECRET_NAME, account, ask, served, sign_in, simulator, wait_for
from tests.controller.operator_process import Operator
from tests.controller.people import bind
from tests.controller.tenant import Tenant
from tests.docs import fenced

__all__ = ["account", "call", "served", "simulator", "start"]

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]


def test_check_says_what_was_found_and_ends_by_it(served: Tenant, simulator: Simulator, call: Called) -> None:
    code, output, _ = call("check", "acme-onedrive")
    assert code == 2
    assert output.startswith("Lost: No account is connected")

    sign_in(served, simulator)
    bind(served.cluster, served.namespace, "rita", "bannette-runner")
    code, output, errors = call("check", "acme-onedrive", user="rita")
    assert (code, output) == (0, f"Connected: The account {simulator.user} can be read.\n"), errors
    assert errors == "kubectl collection: asked; the pages act on it\n"
    assert served.condition("Connected")["status"] == "True"

    simulator.control.add_faults({"like": "sign-in unavailable", "times": None})
    code, output, _ = call("check", "acme-onedrive")
    assert code == 3
    assert output.startswith("NotChecked: The check couldn't be made")

    simulator.control.remove_faults()
    simulator.control.add_faults("password changed")
    code, output, _ = call("check", "acme-onedrive", "-o", "json")
    said = json.loads(output)
    assert (code, said["outcome"], said["reason"]) == (2, "Lost", "PasswordChanged")
    connected = served.condition("Connected")
    assert (connected["status"], connected["reason"]) == ("False", "PasswordChanged")
    assert said["checkedAt"] == served.status()["connection"]["checkedAt"]


def test_connect_prints_the_page(served: Tenant, simulator: Simulator, call: Called) -> None:
    page = PAGE.format(namespace=served.namespace)
    code, output, errors = call("connect", "acme-onedrive")
    assert (code, output) == (0, f"{page}\n")
    assert "in the recipient's mail" in errors
    code, output, _ = call("connect", "acme-onedrive", "-o", "json")
    assert json.loads(output) == {"account": simulator.user, "page": page}


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A browser that writes down the address that it is to open, and ends well unless there is a file ``broken``."""
    program, seen = tmp_path / "browser", tmp_path / "opened"
    program.write_text(f'#!/bin/sh\necho "$1" >> {seen}\n! test -e {tmp_path / "broken"}\n')
    program.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(program))
    return seen


def test_connect_opens_the_page_in_a_browser(served: Tenant, opened: Path, call: Called) -> None:
    page = PAGE.format(namespace=served.namespace)
    assert call("connect", "acme-onedrive")[0] == 0
    assert not opened.exists(), "nobody asked for a browser"
    code, output, _ = call("connect", "acme-onedrive", "--open")
    assert (code, output, opened.read_text()) == (0, f"{page}\n", f"{page}\n")
    (opened.parent / "broken").touch()
    code, output, errors = call("connect", "acme-onedrive", "--open")
    assert (code, output) == (2, f"{page}\n")
    assert "open the address yourself" in errors


def test_a_link_takes_a_pod_that_signs_it(served: Tenant, call: Called) -> None:
    code, output, errors = call("connect", "acme-onedrive", "--link")
    assert (code, output) == (2, "")
    assert "No pod of the pages is running" in errors
    bind(served.cluster, served.namespace, "rita", "bannette-runner")
    code, output, errors = call("connect", "acme-onedrive", "--link", user="rita")
    assert (code, output) == (2, "")
    assert 'cannot list resource "pods"' in errors


def test_disconnect_removes_the_tokens_and_takes_the_right_to_configure(
    served: Tenant, simulator: Simulator, call: Called
) -> None:
    sign_in(served, simulator)
    ask(served, "check-connection", "A")
    wait_for(served, "lastHandledCheck", "A")
    code, _, errors = call("disconnect", "acme-onedrive")
    assert code == 2
    assert "give --yes" in errors
    bind(served.cluster, served.namespace, "rita", "bannette-runner")
    code, _, errors = call("disconnect", "acme-onedrive", "--yes", user="rita")
    assert code == 2
    assert "may not configure collectionchannels" in errors
    assert "token-cache" in served.cluster.get(SECRET, served.namespace, SECRET_NAME)["data"]
    code, output, _ = call("disconnect", "acme-onedrive", "--yes")
    assert (code, output.partition(":")[0]) == (0, "The account is disconnected")
    assert "token-cache" not in served.cluster.get(SECRET, served.namespace, SECRET_NAME).get("data", {})
    served.wait_for_condition("Connected", status="False", reason="NotSignedIn")


def test_what_the_page_shows_works(served: Tenant, simulator: Simulator, tmp_path: Path) -> None:
    """The commands of docs/connect.md in their order, in a namespace of their own."""
    environment = served.cluster.server.kubectl.environment() | install_plugin(tmp_path / "bin")
    sign_in(served, simulator)
    page = fenced.page(fenced.SOURCE / "docs/connect.md")
    for command in page.of("Check a connection, and disconnect"):
        text = re.sub(r"-n acme\b", f"-n {served.namespace}", command.text)
        # The commands themselves give up after 90 s, and say what they have waited for.
        subprocess.run(["bash", "-c", text], env=environment, check=True, timeout=300)
    # The last one asks for the same again, of an account that isn't connected any more.
    asked = served.channel()["metadata"]["annotations"]["bannette.io/disconnect"]
    wait_for(served, "lastHandledDisconnect", asked)
    assert "token-cache" not in served.cluster.get(SECRET, served.namespace, SECRET_NAME).get("data", {})


def test_a_pod_is_told_what_to_run_and_nothing_of_the_callers_options(served: Tenant, call: Called) -> None:
    """As far as an API server goes that has no nodes."""
    with pod_of_pages(served, "pages"):
        code, output, errors = call("connect", "acme-onedrive", "--link")
    assert (code, output) == (2, "")
    assert "pod pages does not have a host assigned" in errors


def test_a_link_is_signed_by_the_pages_that_it_leads_to(served: Tenant, call: Called) -> None:
    ours, others = PAGE.partition("/c/")[0], "https://others.example"
    with pod_of_pages(served, "a-others", url=others):
        code, output, errors = call("connect", "acme-onedrive", "--link")
        assert (code, output) == (2, "")
        assert f"No pod of the pages is running that serves {ours}: look" in errors
        with pod_of_pages(served, "b-going", url=ours, goes=True), pod_of_pages(served, "c-ours", url=f"{ours}:443"):
            _, _, errors = call("connect", "acme-onedrive", "--link")
    assert "pod c-ours does not have a host assigned" in errors


@contextlib.contextmanager
def pod_of_pages(tenant: Tenant, name: str, *, url: str | None = None, goes: bool = False) -> Iterator[None]:
    """A pod of pages at *url*, as far as an API server knows that has no nodes; *goes*: it is being deleted."""
    labels = {"app.kubernetes.io/name": "bannette", "app.kubernetes.io/component": "connect"}
    env = [{"name": "BANNETTE_PUBLIC_URL", "value": url}] if url is not None else []
    spec = {"containers": [{"name": "connect", "image": "none", "env": env}]}
    metadata = {"name": name, "labels": labels, **({"finalizers": ["bannette.test/goes"]} if goes else {})}
    tenant.cluster.create(POD, SYSTEM, {"metadata": metadata, "spec": spec})
    tenant.cluster.patch(POD, SYSTEM, name, {"status": {"phase": "Running"}}, subresource="status")
    if goes:
        tenant.cluster.delete(POD, SYSTEM, name)
    try:
        yield
    finally:
        if goes:
            tenant.cluster.patch(POD, SYSTEM, name, {"metadata": {"finalizers": None}})
        else:
            tenant.cluster.delete(POD, SYSTEM, name)


def test_without_the_service_it_is_said_what_helps(tenant: Tenant, operator: Operator, call: Called) -> None:
    tenant.add_prerequisites()
    tenant.add_channel(delegated=True)
    tenant.wait_for_condition("Connected", status="False", reason="NotSignedIn")
    code, output, errors = call("check", "acme-onedrive", "--timeout", "2")
    assert (code, output) == (3, "")
    assert "Nobody has taken the request up in 2 s: are the pages installed" in errors
    code, output, errors = call("connect", "acme-onedrive")
    assert (code, output) == (2, "")
    assert "`bannette connect -f FILE --manifest SECRET.yaml`" in errors
    code, output, errors = call("disconnect", "acme-onedrive", "--yes")
    assert (code, output) == (2, "")
    assert f"kubectl -n {tenant.namespace} delete secret acme-onedrive-onedrive" in errors


@pytest.mark.parametrize("command", ["connect", "disconnect"])
def test_an_application_needs_nobody(tenant: Tenant, call: Called, command: str) -> None:
    tenant.add_channel()
    code, output, errors = call(command, "acme-onedrive")
    assert (code, output) == (2, "")
    assert "an application signs in for it" in errors
    assert not tenant.cluster.list(POD, tenant.namespace)
