"""The pages where people connect their accounts, as the chart deploys them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from bannette.connect import settings_of
from bannette.connect.asking.loop import _PATIENCE as PATIENCE
from bannette.connect.serve import _GRACE_SECONDS as GRACE_SECONDS
from bannette.controller.settings import Settings as OperatorSettings
from devcluster import chart
from tests.chart.connect_pages import Manifest, connect, container, environ, rendered
from tests.chart.test_chart import settings_of as operator_settings_of

# The first test builds Helm, where it hasn't been built yet.
pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(1200)]


def test_nothing_of_it_is_there_before_it_is_enabled() -> None:
    names = {one["metadata"]["name"] for one in yaml.safe_load_all(chart.render()) if one}
    assert not [name for name in names if "connect" in name]


def test_the_operator_hears_of_the_pages_and_of_their_account() -> None:
    settings = operator_settings_of(rendered())
    assert isinstance(settings, OperatorSettings)
    assert settings.connect_url == "https://connect.example"
    assert settings.connect_account == (chart.NAMESPACE, "bannette-connect")
    account = connect("ServiceAccount")["metadata"]
    assert (account["namespace"], account["name"]) == settings.connect_account
    assert connect("Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == account["name"]


def test_the_values_are_what_the_pages_are_set_to() -> None:
    values = (
        "connect.url=https://connect.example:8443",
        "operator.namespaces={acme,beta}",
        "onedrive.clientId=our-app",
        "onedrive.authorityUrl=https://login.example",
        "connect.caBundle.configMap=proxy",
    )
    found = environ(connect("Deployment", *values))
    settings = settings_of(found)
    assert (settings.public_url, settings.host) == ("https://connect.example:8443", "connect.example:8443")
    assert found["BANNETTE_NAMESPACES"] == "acme,beta"
    assert found["BANNETTE_CLIENT_ID"] == "our-app"
    assert found["BANNETTE_AUTHORITY_URL"] == "https://login.example"
    mounted = {one["mountPath"]: one["name"] for one in container(connect("Deployment", *values))["volumeMounts"]}
    volumes = {one["name"]: one for one in connect("Deployment", *values)["spec"]["template"]["spec"]["volumes"]}
    assert volumes[mounted[str(settings.keys)]]["secret"]["secretName"] == "keys"
    bundle = volumes[mounted[str(Path(found["SSL_CERT_FILE"]).parent)]]["configMap"]
    assert (bundle["name"], bundle["items"]) == ("proxy", [{"key": "ca.crt", "path": "ca.crt"}])
    assert container(connect("Deployment"))["ports"] == [
        {"name": "http", "containerPort": settings.port},
        {"name": "metrics", "containerPort": settings.metrics_port},
    ]


@pytest.mark.parametrize(
    ("value", "closed"),
    [
        ("connectFrom", {("bannette-connect", "http")}),
        ("metricsFrom", {("bannette-connect", "metrics"), ("bannette-operator", "http")}),
    ],
)
def test_a_network_policy_lets_those_in_whom_the_values_name(value: str, closed: set[tuple[str, str]]) -> None:
    peer = f"networkPolicy.{value}[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name=proxy"
    found = {
        (policy["metadata"]["name"], rule["ports"][0]["port"]): rule.get("from")
        for policy in rendered("networkPolicy.enabled=true", peer)
        if policy["kind"] == "NetworkPolicy"
        for rule in policy["spec"]["ingress"]
    }
    named = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "proxy"}}}]
    ports = {("bannette-connect", "http"), ("bannette-connect", "metrics"), ("bannette-operator", "http")}
    assert found == {port: named if port in closed else None for port in ports}


def test_an_ingress_leads_the_urls_host_to_the_pages() -> None:
    ingress = connect(
        "Ingress",
        "connect.url=https://connect.example:8443",
        "connect.ingress.enabled=true",
        "connect.ingress.className=nginx",
        r"connect.ingress.annotations.cert-manager\.io/cluster-issuer=letsencrypt",
        "connect.ingress.tlsSecret=certificate",
    )
    assert ingress["metadata"]["annotations"] == {"cert-manager.io/cluster-issuer": "letsencrypt"}
    spec = ingress["spec"]
    assert spec["ingressClassName"] == "nginx"
    assert spec["tls"] == [{"hosts": ["connect.example"], "secretName": "certificate"}]
    (rule,) = spec["rules"]
    (path,) = rule["http"]["paths"]
    assert (rule["host"], path["path"]) == ("connect.example", "/")
    service = connect("Service")
    assert path["backend"]["service"] == {"name": service["metadata"]["name"], "port": {"name": "http"}}
    labels = connect("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()


def selector(of: Manifest) -> dict[str, str] | None:
    """Return by which labels an object chooses pods; None if it chooses none."""
    spec = of.get("spec", {})
    match of["kind"]:
        case "Service":
            chosen: dict[str, str] = spec["selector"]
        case "NetworkPolicy":
            chosen = spec["podSelector"]["matchLabels"]
        case "PodDisruptionBudget" | "Deployment":
            chosen = spec["selector"]["matchLabels"]
        case _:
            return None
    return chosen


def test_its_pods_are_told_from_the_operators_by_every_selector() -> None:
    documents = rendered("networkPolicy.enabled=true", "operator.replicas=2")
    labels = {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"]
        for one in documents
        if one["kind"] == "Deployment"
    }
    choosing = [(one, wanted) for one in documents if (wanted := selector(one)) is not None]
    # One more Service is of the metrics of the pages.
    assert len(choosing) == 4 * len(labels) + 1 == 9
    for one, wanted in choosing:
        chosen = [name for name, given in labels.items() if wanted.items() <= given.items()]
        assert chosen == [one["metadata"]["name"].removesuffix("-metrics")], one["kind"]


@pytest.mark.parametrize(("url", "ports"), [("https://a.example", [443]), ("https://a.example:8443", [443, 8443])])
def test_its_pods_reach_microsoft_and_their_own_address_with_a_network_policy(url: str, ports: list[int]) -> None:
    policy = connect("NetworkPolicy", "networkPolicy.enabled=true", f"connect.url={url}")
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    names, server, outside = ([one["port"] for one in rule["ports"]] for rule in policy["spec"]["egress"])
    assert (names, server, outside) == ([53, 53], [443, 6443], ports)


def test_one_may_always_go_and_none_goes_before_another_has_come() -> None:
    assert connect("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert connect("Deployment")["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    alone = rendered("connect.replicas=1")
    assert not [one for one in alone if one["kind"] == "PodDisruptionBudget"]


def test_in_named_namespaces_it_has_roles_there_and_nowhere_else() -> None:
    of_cluster = connect("ClusterRole")["rules"]
    found = [
        one for one in rendered("operator.namespaces={acme,beta}") if one["metadata"]["name"] == "bannette-connect"
    ]
    roles = [one for one in found if one["kind"] == "Role"]
    assert [one["metadata"]["namespace"] for one in roles] == ["acme", "beta"]
    assert [one["rules"] for one in roles] == [of_cluster, of_cluster]
    assert not [one for one in found if one["kind"].startswith("Cluster")]


def test_no_rule_of_the_cluster_is_about_secrets() -> None:
    resources = {resource for rule in connect("ClusterRole")["rules"] for resource in rule["resources"]}
    assert "secrets" not in resources
    assert "*" not in resources


def test_its_pods_have_no_more_privileges_than_the_operators_and_write_nowhere() -> None:
    own, operators = (
        next(one for one in rendered() if (one["kind"], one["metadata"]["name"]) == ("Deployment", name))
        for name in ("bannette-connect", "bannette-operator")
    )
    assert container(own)["securityContext"] == container(operators)["securityContext"]
    pod, operators_pod = (one["spec"]["template"]["spec"]["securityContext"] for one in (own, operators))
    assert pod == operators_pod | {"fsGroup": 65532}
    assert all(mount["readOnly"] for mount in container(own)["volumeMounts"])


def test_a_pod_that_ends_has_the_time_that_pages_and_mails_take() -> None:
    spec = connect("Deployment")["spec"]["template"]["spec"]
    (one,) = spec["containers"]
    before = one["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert spec["terminationGracePeriodSeconds"] >= before + GRACE_SECONDS + PATIENCE


def test_its_pods_settings_come_from_values_alone() -> None:
    spec = connect("Deployment")["spec"]["template"]["spec"]
    # A Service named bannette-connect would set BANNETTE_CONNECT_PORT.
    assert spec["enableServiceLinks"] is False


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("connect.url=", "/connect/url"),
        ("connect.url=http://connect.example", "/connect/url"),
        ("connect.url=https://connect.example/", "/connect/url"),
        ("connect.url=https://connect.example/pages", "/connect/url"),
        ("connect.url=https://Connect.example", "/connect/url"),
        ("connect.replicas=0", "/connect/replicas"),
        ("connect.smtp.host=smtp://mail.example", "/connect/smtp/host"),
        ("connect.smtp.host=mail.example", "/connect/smtp/from"),
        ("connect.smtp.security=ssl", "/connect/smtp/security"),
        ("connect.smtp.port=70000", "/connect/smtp/port"),
        ("connect.mails.reminderDays={0}", "/connect/mails/reminderDays"),
        ("connect.mails.dailyLimit=0", "/connect/mails/dailyLimit"),
        ("connect.mails.gapMinutes=0", "/connect/mails/gapMinutes"),
        ("connect.mails.settleSeconds=0", "/connect/mails/settleSeconds"),
        ("connect.mails.lapseWarningDays=0", "/connect/mails/lapseWarningDays"),
        ("connect.mails.failureDays=0", "/connect/mails/failureDays"),
        ("connect.mails.digestTime=25:00", "/connect/mails/digestTime"),
        ("connect.console.groupsHeader=X-Groups", "/connect/console/userHeader"),
        ("connect.console.userHeader=X User", "/connect/console/userHeader"),
        ("networkPolicy.connectFrom={proxy}", "/networkPolicy/connectFrom"),
        ("networkPolicy.metricsFrom={prometheus}", "/networkPolicy/metricsFrom"),
        ("connect.ingress.tlsSecret=", "/connect/ingress/tlsSecret"),
        ("connect.ingress.host=connect.example", "/connect/ingress"),
        ("images.connect=", "/images/connect"),
    ],
)
def test_values_that_cannot_be_are_refused_with_their_place(value: str, path: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        rendered(value)
    assert path in refusal.value.stderr


def test_where_no_cluster_can_be_asked_the_keys_must_be_named() -> None:
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        rendered("connect.keysSecret=")
    assert "connect.keysSecret must name a Secret" in refusal.value.stderr
