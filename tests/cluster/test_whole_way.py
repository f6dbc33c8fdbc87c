"""From `kubectl apply` to the inbox: a mail, its link in a browser, the sign-in, the first collection. And no token."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from demo.front import Front
from demo.installation import (
    OPERATOR_NAMESPACE,
    SIMULATED_APPLICATION,
    SIMULATOR_NAMESPACE,
    SIMULATOR_ORIGIN,
    forwarded,
    install_operator,
    install_pages,
    remove_pages,
)
from devcluster.binaries import program
from devcluster.errors import CommandFailed
from devcluster.kubectl import Kubectl
from simulator.client import ControlClient
from tests.browser.person import WINDOWS, Person, browsing
from tests.cluster.tenant import CHANNEL, Tenant

GO_ON = "Continuer vers l’identification"
PUBLIC = "https://documents.bannette.example"
OWNER = "compta@acme.example"
DELEGATED = {"delegated": {"loginHint": OWNER, "clientId": SIMULATED_APPLICATION}}
FROM = "documents@acme.example"


@pytest.fixture(scope="module")
def pages(kubectl: Kubectl, image_names: dict[str, str], ca_file: Path, onedrive: ControlClient) -> Iterator[Kubectl]:
    """The pages, which send mails to the simulator's mailbox; Microsoft asks whoever comes."""
    made = {
        "whole-way-keys": f"2026-11-01={secrets.token_urlsafe(32)}",
        "whole-way-ca": f"ca.crt={ca_file.read_text()}",
    }
    settings = {
        "connect.url": PUBLIC,
        "connect.keysSecret": "whole-way-keys",
        "connect.smtp.host": urlsplit(SIMULATOR_ORIGIN).hostname,
        "connect.smtp.from": FROM,
        "connect.smtp.caSecret": "whole-way-ca",
        "connect.mails.settleSeconds": "1",
        "connect.mails.gapMinutes": "1",
        "connect.console.enabled": "true",
    }
    for name, entry in made.items():
        kubectl("-n", OPERATOR_NAMESPACE, "create", "secret", "generic", name, f"--from-literal={entry}")
    try:
        install_pages(kubectl, image_names, *(f"{name}={value}" for name, value in settings.items()), ca_file=ca_file)
        onedrive.application(redirect_uris={f"{PUBLIC}/callback": "public"})
        onedrive.settings(person_says="ask")
        yield kubectl
    finally:
        onedrive.settings(person_says="yes")
        remove_pages(kubectl)
        kubectl("-n", OPERATOR_NAMESPACE, "delete", "secret", *made)
        origins = dict.fromkeys(("BANNETTE_GRAPH_URL", "BANNETTE_AUTHORITY_URL"), SIMULATOR_ORIGIN)
        install_operator(kubectl, image_names, environment=origins)


@pytest.fixture
def person(pages: Kubectl, tmp_path: Path) -> Iterator[Person]:
    """Somebody with a browser: the names of pages and Microsoft lead into the cluster."""
    kubectl, host, microsoft = (
        str(program("kubectl")),
        str(urlsplit(PUBLIC).hostname),
        str(urlsplit(SIMULATOR_ORIGIN).hostname),
    )
    with (
        forwarded(pages, kubectl, SIMULATOR_NAMESPACE, "service/onedrive-simulator", 443) as simulator,
        forwarded(pages, kubectl, OPERATOR_NAMESPACE, "service/bannette-connect", 80) as service,
        Front(host, tmp_path, [service]).running() as front,
        browsing({host: front.port, microsoft: simulator}) as browser,
    ):
        page = browser.new_page(ignore_https_errors=True, viewport=WINDOWS["desktop"], locale="fr")
        yield Person(page, PUBLIC, frozenset({SIMULATOR_ORIGIN}))


def test_a_mail_leads_to_the_first_collection_and_no_token_is_told(
    tenant: Tenant, person: Person, onedrive: ControlClient
) -> None:
    tenant.create_channel(onedrive={"folder": tenant.folder, "account": DELEGATED})
    tenant.wait("the mail that asks to connect", lambda: links(onedrive, tenant))
    assert tenant.condition("Connected")["status"] == "False"
    person.open(links(onedrive, tenant)[-1])
    assert person.heading == "Acme Conseil SAS demande à collecter des documents de votre OneDrive"
    person.look("way-1-ask")
    person.press("Continuer chez Microsoft")
    person.agree(OWNER)
    assert person.heading == "Votre OneDrive est connecté"
    person.look("way-2-connected")
    tenant.wait_for_condition("Connected", status="True")
    (run,) = tenant.wait_for_runs(1)
    assert (run["trigger"], run["result"], run["collected"]) == ("Initial", "Succeeded", 2)
    assert len(tenant.inbox()) == 2

    nothing_is_told(tenant, person, onedrive)


def test_a_lost_connection_is_asked_for_and_connected_again(
    tenant: Tenant, person: Person, onedrive: ControlClient
) -> None:
    # Nobody is asked for an account of a suspended channel; of one channel they are asked once a day at most.
    tenant.create_channel(suspend=True, onedrive={"folder": tenant.folder, "account": DELEGATED})
    tenant.wait("the token Secret", lambda: f"{CHANNEL}-onedrive" in tenant.kubectl("get", "secrets", "-o", "name"))
    connect(person, link_made_in_a_pod(tenant))
    # Before that nothing tells it from a channel whose owner is to be asked.
    tenant.wait_for_condition("Connected", status="True")
    tenant.kubectl("patch", "collectionchannel", CHANNEL, "--type=merge", "-p", '{"spec": {"suspend": false}}')
    tenant.wait_for_runs(1)
    assert not links(onedrive, tenant)
    onedrive.revoke_refresh_tokens()
    onedrive.expire_tokens()
    tenant.request("2026-11-24T10:00:00Z")
    (run, _) = tenant.wait_for_runs(2)
    assert run["result"] == "Failed"
    tenant.wait_for_condition("Connected", status="False")
    tenant.wait("a mail about it", lambda: links(onedrive, tenant))
    tenant.drop("3.txt", "A third document")
    person.open(links(onedrive, tenant)[-1])
    person.look("way-6-lost")
    connect(person, links(onedrive, tenant)[-1])
    tenant.wait_for_condition("Connected", status="True")
    tenant.request("2026-11-24T11:00:00Z")
    (run, *_) = tenant.wait_for_runs(3)
    assert (run["result"], run["collected"]) == ("Succeeded", 1)
    nothing_is_told(tenant, person, onedrive)


def link_made_in_a_pod(tenant: Tenant) -> str:
    command = ("bannette", "connect-service", "--link", f"{tenant.namespace}/{CHANNEL}")
    return tenant.kubectl("-n", OPERATOR_NAMESPACE, "exec", "deployment/bannette-connect", "--", *command).strip()


def connect(person: Person, link: str) -> None:
    person.open(link)
    person.press("Continuer chez Microsoft")
    person.agree(OWNER)
    assert person.heading == "Votre OneDrive est connecté"


def test_at_the_console_a_channel_is_created_connected_and_collected(
    tenant: Tenant, person: Person, onedrive: ControlClient
) -> None:
    page, clerk = person.page, "clerk"
    tenant.kubectl("create", "serviceaccount", clerk)
    for role in ("viewer", "runner", "configurator", "inbox"):
        account = f"--serviceaccount={tenant.namespace}:{clerk}"
        tenant.kubectl("create", "rolebinding", f"{clerk}-{role}", f"--clusterrole=bannette-{role}", account)
    person.open(f"{PUBLIC}/console/")
    token = tenant.kubectl("create", "token", clerk).strip()
    page.locator("[name=token]").fill(token)
    person.press("Se connecter")
    person.open(f"{PUBLIC}/console/new?namespace={tenant.namespace}")
    for name, value in {"name": CHANNEL, "login_hint": OWNER, "folder": tenant.folder, "time": tenant.time}.items():
        page.locator(f"[name={name}]").fill(value)
    person.press("Enregistrer le canal")
    # The simulator's certificate is nobody's business but this test's.
    bundle = {"spec": {"collector": {"caBundle": {"configMap": "simulator-ca", "key": "ca.crt"}}}}
    tenant.kubectl("patch", "collectionchannel", CHANNEL, "--type=merge", "-p", json.dumps(bundle))
    # The page looks again until the operator has prepared the channel.
    page.get_by_role("button", name=GO_ON).wait_for(timeout=120_000)
    person.press(GO_ON)
    person.press("Continuer chez Microsoft")
    person.agree(OWNER)
    assert person.heading == "Votre OneDrive est connecté"
    tenant.wait_for_runs(1)

    tenant.drop("3.txt", "A third document")
    person.open(f"{PUBLIC}/console/channels/{tenant.namespace}/{CHANNEL}")
    person.look("way-3-channel")
    person.press("Collecter maintenant")
    person.press("Collecter maintenant")
    tenant.wait_for_runs(2)
    page.get_by_text("Terminée.").wait_for(timeout=120_000)
    person.look("way-4-collected")
    assert len(tenant.inbox()) == 3
    person.open(f"{PUBLIC}/console/inboxes/{tenant.namespace}/purchases")
    # The page looks again, under the same heading, until what serves the documents has started.
    page.get_by_role("link", name="3.txt").wait_for(timeout=120_000)
    assert person.heading == "Bannette de Acme Conseil SAS"
    assert page.locator("ul.documents li").count() == 3
    person.look("way-7-inbox")
    person.press("3.txt")
    assert "A third document" in person.text
    person.press("Marquer comme saisi")
    person.open(f"{PUBLIC}/console/inboxes/{tenant.namespace}/purchases?state=done")
    assert page.locator("ul.documents li").count() == 1
    person.look("way-8-done")
    assert len(tenant.inbox()) == 2
    person.open(f"{PUBLIC}/console/channels/{tenant.namespace}/{CHANNEL}/history")
    assert page.locator("tbody tr").count() == 2
    person.look("way-5-history")
    nothing_is_told(tenant, person, onedrive, token)


def nothing_is_told(tenant: Tenant, person: Person, onedrive: ControlClient, *more: str) -> None:
    """Search for every token and code that Microsoft gave, and for *more*, wherever people and programs can read.

    Raises:
        AssertionError: some stand there.
    """
    issued = [*onedrive.issued(), *more]
    kept = secret_of(tenant)
    assert any(one in kept for one in issued), "the search below would find nothing"
    for name, told in everything_told(tenant, person, onedrive).items():
        found = [one for one in issued if one in told]
        assert not found, f"{len(found)} tokens or codes stand in {name}"


def links(onedrive: ControlClient, tenant: Tenant) -> list[str]:
    """Return the links of all mails that lead to the page of this tenant's channel."""
    page = re.escape(f"{PUBLIC}/c/{tenant.namespace}/{CHANNEL}?t=") + r"\S+"
    return [link for mail in onedrive.mails() for link in re.findall(page, str(mail["text"]))]


def secret_of(tenant: Tenant) -> str:
    data = json.loads(tenant.kubectl("get", "secret", f"{CHANNEL}-onedrive", "-o", "json"))["data"]
    return base64.b64decode(data["token-cache"]).decode()


def everything_told(tenant: Tenant, person: Person, onedrive: ControlClient) -> dict[str, str]:
    """Return all that people and programs can read but Secrets."""
    kinds = "collectionchannels,binders,recipients,jobs,cronjobs,pods,events,configmaps,serviceaccounts"
    told = {
        "the resources": tenant.kubectl("get", kinds, "-o", "yaml", "--show-managed-fields"),
        "the installation": tenant.kubectl("get", "all,events,configmaps", "-n", OPERATOR_NAMESPACE, "-o", "yaml"),
        "the pages": "\n".join(person.seen),
        "addresses": "\n".join(one for one in person.addresses if not one.startswith(f"{PUBLIC}/callback?")),
        "the mails": json.dumps(onedrive.mails()),
    }
    for namespace in (tenant.namespace, OPERATOR_NAMESPACE):
        for pod in tenant.kubectl("get", "pods", "-n", namespace, "-o", "name").split():
            told[f"the log of {pod}"] = log_of(tenant, namespace, pod)
    return told


def log_of(tenant: Tenant, namespace: str, pod: str) -> str:
    """Return what the containers of *pod* printed; nothing of one that has gone since."""
    try:
        return tenant.kubectl("logs", "-n", namespace, pod, "--all-containers")
    except CommandFailed:
        if tenant.kubectl("get", "-n", namespace, pod, "--ignore-not-found", "-o", "name"):
            raise
        return ""
