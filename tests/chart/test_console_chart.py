"""The console, as the chart deploys it with the pages: for whom it acts, whom it reaches, and behind which proxy."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from bannette.console.settings import ConsoleSettings, console_settings_of
from bannette.controller.inbox_job import PORT, inbox_job
from bannette.controller.settings import Settings as OperatorSettings
from bannette.resources import Binder
from tests.chart.connect_pages import Manifest, connect, environ, rendered, with_file
from tests.docs import fenced

# The first test builds Helm, where it hasn't been built yet.
pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(1200)]


def test_the_console_is_off_until_it_is_switched_on() -> None:
    headers = ("connect.console.userHeader=X-Forwarded-User", "connect.console.groupsHeader=X-Forwarded-Groups")
    assert console_settings_of(environ(connect("Deployment", *headers))) is None
    on = environ(connect("Deployment", "connect.console.enabled=true", "operator.namespaces={acme}"))
    assert console_settings_of(on) == ConsoleSettings(namespaces=("acme",))
    behind = console_settings_of(environ(connect("Deployment", "connect.console.enabled=true", *headers)))
    assert behind == ConsoleSettings("x-forwarded-user", "x-forwarded-groups")


def test_the_pages_act_for_others_only_behind_a_proxy_that_signs_them_in() -> None:
    looking = connect("ClusterRole")["rules"]
    token, header = "connect.console.enabled=true", "connect.console.userHeader=X-Forwarded-User"
    assert connect("ClusterRole", header)["rules"] == looking
    opening = {("binders", "patch"), ("binders/inbox", "get")}
    assert granted(connect("ClusterRole", token)["rules"][len(looking) :]) == opening
    for settings in ((token,), (header,)):
        assert not [one for one in rendered(*settings) if one["metadata"]["name"] == "bannette-connect-reviews"]
    acting = connect("ClusterRole", token, header)["rules"]
    assert acting[: len(looking)] == looking
    assert granted(acting[len(looking) :]) == {
        *opening,
        ("collectionchannels", "patch", "create", "configure"),
        ("recipients", "create", "configure"),
    }
    # Reviews are the cluster's, also for pages of some namespaces.
    few = rendered(token, header, "operator.namespaces={acme}")
    reviews = [one for one in few if one["metadata"]["name"] == "bannette-connect-reviews"]
    assert [one["kind"] for one in reviews] == ["ClusterRole", "ClusterRoleBinding"]
    assert reviews[0]["rules"] == [
        {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]}
    ]


def granted(rules: list[Manifest]) -> set[tuple[str, ...]]:
    return {(rule["resources"][0], *rule["verbs"]) for rule in rules}


def test_the_console_reaches_the_pods_that_serve_inboxes_and_no_others() -> None:
    off = connect("NetworkPolicy", "networkPolicy.enabled=true")["spec"]["egress"]
    policy = connect("NetworkPolicy", "networkPolicy.enabled=true", "connect.console.enabled=true")
    (rule,) = [one for one in policy["spec"]["egress"] if one not in off]
    assert rule["ports"] == [{"port": ConsoleSettings().inbox_port, "protocol": "TCP"}]
    (peer,) = rule["to"]
    assert ConsoleSettings().inbox_port == PORT
    binder = Binder.parse(
        {
            "metadata": {"name": "purchases", "namespace": "acme", "uid": "b"},
            "spec": {"company": "Acme", "storage": {"persistentVolumeClaim": {"claimName": "binders"}}},
        }
    )
    body = {"spec": {"company": "Acme", "storage": {}}}
    job = inbox_job(binder, body, None, OperatorSettings("image"), reader="a", opened="b")
    labels = cast("Manifest", job["spec"])["template"]["metadata"]["labels"]
    assert peer["podSelector"]["matchLabels"].items() <= labels.items()


def test_the_console_has_an_ingress_of_its_own_where_the_controller_is_to_ask_a_proxy() -> None:
    ingress = (
        "connect.ingress.enabled=true",
        r"connect.ingress.annotations.example\.com/a=everywhere",
        r"connect.ingress.annotations.cert-manager\.io/cluster-issuer=letsencrypt",
    )
    asks = r"connect.console.ingressAnnotations.nginx\.ingress\.kubernetes\.io/auth-url=http://proxy.example"

    def found(*settings: str) -> dict[str, Manifest]:
        return {one["metadata"]["name"]: one for one in rendered(*ingress, *settings) if one["kind"] == "Ingress"}

    # Before the console is switched on, or if nobody is to be asked, one Ingress leads to all.
    assert list(found(asks)) == list(found("connect.console.enabled=true")) == ["bannette-connect"]
    both = found("connect.console.enabled=true", asks)
    annotations = {name: one["metadata"]["annotations"] for name, one in both.items()}
    assert annotations == {
        "bannette-connect": {"cert-manager.io/cluster-issuer": "letsencrypt", "example.com/a": "everywhere"},
        "bannette-console": {
            "example.com/a": "everywhere",
            "nginx.ingress.kubernetes.io/auth-url": "http://proxy.example",
        },
    }
    specs = [both[name]["spec"] for name in ("bannette-connect", "bannette-console")]
    paths = [one["rules"][0]["http"]["paths"][0] for one in specs]
    assert [one["path"] for one in paths] == ["/", "/console"]
    assert paths[0]["backend"] == paths[1]["backend"]
    assert specs[0]["tls"] == specs[1]["tls"]


def test_what_the_page_shows_for_a_proxy_is_taken(tmp_path: Path) -> None:
    shown = fenced.page(fenced.SOURCE / "docs/console.md").files["console.yaml"]
    (tmp_path / "values.yaml").write_text(shown)
    documents = [*with_file(tmp_path / "values.yaml", "connect.ingress.enabled=true")]
    (ingress,) = (one for one in documents if one["metadata"]["name"] == "bannette-console")
    annotations = ingress["metadata"]["annotations"]
    (deployment,) = (
        one for one in documents if (one["kind"], one["metadata"]["name"]) == ("Deployment", "bannette-connect")
    )
    console = console_settings_of(environ(deployment))
    assert console is not None
    # The proxy is let set those headers that the console believes.
    headers = annotations["nginx.ingress.kubernetes.io/auth-response-headers"].lower().split(",")
    assert headers == [console.user_header, console.groups_header]
    (policy,) = (
        one for one in documents if (one["kind"], one["metadata"]["name"]) == ("NetworkPolicy", "bannette-connect")
    )
    assert policy["spec"]["ingress"][0]["from"]
