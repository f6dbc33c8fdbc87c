"""The pages where people connect their accounts, as the chart deploys them: through their Service, twice, restarted."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from demo.installation import (
    OPERATOR_NAMESPACE,
    SIMULATED_APPLICATION,
    SIMULATOR_NAMESPACE,
    SIMULATOR_ORIGIN,
    forwarded,
    install_operator,
    install_pages,
    remove_pages,
    wait_for_rollout,
)
from devcluster.binaries import program
from devcluster.errors import CommandFailed
from devcluster.kubectl import Kubectl
from simulator.client import ControlClient
from tests.cluster.tenant import CHANNEL, Tenant
from tests.connect.browser import Browser
from tests.controller.calling import install_plugin
from tests.docs.fenced import pages as docs

PUBLIC = "https://connect.bannette.example"
CONNECTED = "Votre OneDrive est connecté"
DELEGATED = {"delegated": {"loginHint": "compta@acme.example", "clientId": SIMULATED_APPLICATION}}
NewBrowser = Callable[..., contextlib.AbstractContextManager[Browser]]


@pytest.fixture(scope="module")
def pages(kubectl: Kubectl, image_names: dict[str, str], ca_file: Path, onedrive: ControlClient) -> Iterator[Kubectl]:
    """Two replicas of the pages; the application knows their address."""
    key = secrets.token_urlsafe(32)
    kubectl("-n", OPERATOR_NAMESPACE, "create", "secret", "generic", "link-keys", f"--from-literal=2026-11-01={key}")
    try:
        install_pages(kubectl, image_names, f"connect.url={PUBLIC}", "connect.keysSecret=link-keys", ca_file=ca_file)
        onedrive.application(redirect_uris={f"{PUBLIC}/callback": "public"})
        yield kubectl
    finally:
        remove_pages(kubectl)
        kubectl("-n", OPERATOR_NAMESPACE, "delete", "secret", "link-keys")
        origins = dict.fromkeys(("BANNETTE_GRAPH_URL", "BANNETTE_AUTHORITY_URL"), SIMULATOR_ORIGIN)
        install_operator(kubectl, image_names, environment=origins)


@pytest.fixture
def new_browser(pages: Kubectl, ca_file: Path) -> Iterator[NewBrowser]:
    """Opens browsers for which the public address leads to the named things of the cluster, in turn."""
    kubectl = str(program("kubectl"))
    with forwarded(pages, kubectl, SIMULATOR_NAMESPACE, "service/onedrive-simulator", 443) as microsoft:

        @contextlib.contextmanager
        def new(*targets: tuple[str, int]) -> Iterator[Browser]:
            with contextlib.ExitStack() as stack:
                ports = [
                    stack.enter_context(forwarded(pages, kubectl, OPERATOR_NAMESPACE, target, port))
                    for target, port in targets
                ]
                elsewhere = {urlsplit(SIMULATOR_ORIGIN).netloc: microsoft}
                yield Browser(PUBLIC, ports, ca_file=ca_file, elsewhere=elsewhere)

        yield new


@pytest.fixture
def waiting(pages: Kubectl, tenant: Tenant) -> Tenant:
    """A tenant whose channel waits for its owner."""
    tenant.create_channel(onedrive={"folder": tenant.folder, "account": DELEGATED})
    tenant.wait("the token Secret", lambda: f"{CHANNEL}-onedrive" in tenant.kubectl("get", "secrets", "-o", "name"))
    return tenant


def pods(kubectl: Kubectl) -> list[str]:
    chosen = ("-l", "app.kubernetes.io/component=connect", "--field-selector=status.phase=Running")
    found = json.loads(kubectl("-n", OPERATOR_NAMESPACE, "get", "pods", *chosen, "-o", "json"))["items"]
    return [one["metadata"]["name"] for one in found if "deletionTimestamp" not in one["metadata"]]


def counts(kubectl: Kubectl, pod: str) -> dict[str, float]:
    """Return the series without labels that a pod tells Prometheus."""
    path = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{pod}:8081/proxy/metrics"
    families = text_string_to_metric_families(kubectl("get", "--raw", path))
    return {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}


def link(kubectl: Kubectl, tenant: Tenant) -> str:
    command = ("bannette", "connect-service", "--link", f"{tenant.namespace}/{CHANNEL}")
    return kubectl("-n", OPERATOR_NAMESPACE, "exec", "deployment/bannette-connect", "--", *command).strip()


def test_an_owner_connects_by_two_replicas_and_the_first_collection_follows(
    pages: Kubectl, waiting: Tenant, new_browser: NewBrowser
) -> None:
    one, other = pods(pages)
    before = {pod: counts(pages, pod) for pod in (one, other)}
    with new_browser((f"pod/{one}", 8080), (f"pod/{other}", 8080)) as browser:
        page = browser.open(link(pages, waiting))
        assert (page.status, page.heading) == (
            200,
            "Acme Conseil SAS demande à collecter des documents de votre OneDrive",
        )
        assert browser.send(page).heading == CONNECTED
    waiting.wait("Connected", lambda: waiting.condition("Connected").get("status") == "True")
    (run,) = waiting.wait_for_runs(1)
    assert (run["trigger"], run["result"], run["collected"]) == ("Initial", "Succeeded", 2)
    # Each replica counts what it did itself.
    for name in ("bannette_connect_sign_ins_begun_total", "bannette_connect_sign_ins_finished_total"):
        assert sum(counts(pages, pod)[name] - before[pod][name] for pod in (one, other)) == 1


def test_the_plugin_has_a_pod_sign_a_link_that_leads_to_the_page(
    pages: Kubectl, waiting: Tenant, new_browser: NewBrowser, tmp_path: Path
) -> None:
    waiting.wait("the page in the status", lambda: waiting.status.get("connection", {}).get("page"))
    environment = pages.environment() | install_plugin(tmp_path / "bin")

    def connect(*options: str) -> subprocess.CompletedProcess[str]:
        command = ["kubectl", "collection", "connect", CHANNEL, "-n", waiting.namespace, "--link", *options]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)

    printed = connect()
    assert (printed.returncode, printed.stderr) == (0, "")
    (signed,) = printed.stdout.splitlines()
    assert signed.startswith(f"{PUBLIC}/c/{waiting.namespace}/{CHANNEL}?t=")
    told = json.loads(connect("-o", "json").stdout)
    assert told.keys() == {"account", "link"}
    with new_browser(("service/bannette-connect", 80)) as browser:
        for address in (signed, told["link"]):
            assert browser.open(address).status == 200
        assert browser.send(browser.open(signed)).heading == CONNECTED


def test_a_visit_that_began_before_a_restart_ends_after_it(
    pages: Kubectl, waiting: Tenant, new_browser: NewBrowser
) -> None:
    before = pods(pages)
    with new_browser(("service/bannette-connect", 80)) as browser:
        away = browser.stop_at(browser.open(link(pages, waiting)), SIMULATOR_ORIGIN)
    back = browser.request("GET", away).headers["Location"]
    pages("-n", OPERATOR_NAMESPACE, "rollout", "restart", "deployment/bannette-connect")
    wait_for_rollout(pages, OPERATOR_NAMESPACE, "bannette-connect")
    waiting.wait("the pods of before to go", lambda: not {*before} & {*pods(pages)})
    with new_browser(("service/bannette-connect", 80)) as later:
        assert later.with_cookies_of(browser).open(back).heading == CONNECTED


def test_an_address_that_does_not_lead_to_them_is_told(pages: Kubectl, waiting: Tenant, tmp_path: Path) -> None:
    (command,) = (one.text for page in docs() for one in page.commands if "/services/bannette-connect:" in one.text)
    words = command.split()[1:]
    host = urlsplit(PUBLIC).hostname
    waiting.wait("what is told", lambda: pages(*words).startswith(f"ready\nNo name server knows {host}: "))
    # And to whoever asks what is wrong with the installation, even of pods that have just begun and don't know yet.
    pages("-n", OPERATOR_NAMESPACE, "rollout", "restart", "deployment/bannette-connect")
    wait_for_rollout(pages, OPERATOR_NAMESPACE, "bannette-connect")
    environment = pages.environment() | install_plugin(tmp_path / "bin")
    command_line = ["kubectl", "collection", "doctor", "-n", waiting.namespace, "-o", "json"]
    done = subprocess.run(command_line, env=environment, capture_output=True, text=True, timeout=300, check=False)
    (found,) = [one for one in json.loads(done.stdout) if one["check"] == "Pages"]
    assert found["state"] == "problem"
    assert f"No name server knows {host}" in found["message"]


def test_their_account_reads_the_secrets_of_its_channels_and_no_other(pages: Kubectl, waiting: Tenant) -> None:
    user = f"system:serviceaccount:{OPERATOR_NAMESPACE}:bannette-connect"

    def may(verb: str, secret: str) -> bool:
        try:
            return waiting.kubectl("auth", "can-i", verb, secret, "--as", user).strip() == "yes"
        except CommandFailed:
            return False

    # The API server hears of a Role a moment after it was made.
    for verb in ("get", "update"):
        waiting.wait(f"the right to {verb} its Secret", lambda verb=verb: may(verb, f"secrets/{CHANNEL}-onedrive"))
    for verb, what in (("get", "secrets/acme-app"), ("list", "secrets"), ("delete", f"secrets/{CHANNEL}-onedrive")):
        assert not may(verb, what), (verb, what)
