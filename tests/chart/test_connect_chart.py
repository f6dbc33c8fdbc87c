"""The pages where people connect their accounts, as the chart deploys them."""

from __future__ import annotations

import subprocess
from datetime import time, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from bannette.connect import settings_of
from bannette.connect.asking.loop import _PATIENCE as PATIENCE
from bannette.connect.asking.settings import AskingSettings, asking_settings
from bannette.connect.serve import _GRACE_SECONDS as GRACE_SECONDS
from bannette.console.settings import ConsoleSettings, console_settings_of
from bannette.controller.inbox_job import PORT, inbox_job
from bannette.controller.settings import Settings as OperatorSettings
from bannette.notify.settings import MailSettings
from bannette.resources import Binder
from devcluster import chart
from tests.chart.test_chart import settings_of as operator_settings_of
from tests.docs import fenced

# The first test builds Helm, where it hasn't been built yet.
pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(1200)]

Manifest = dict[str, Any]
ENABLED = ("connect.enabled=true", "connect.url=https://connect.example", "connect.keysSecret=keys")
MAILS = ("connect.smtp.host=mail.example", "connect.smtp.from=Acme <documents@acme.example>")


def rendered(*settings: str) -> list[Manifest]:
    return [one for one in yaml.safe_load_all(chart.render(*ENABLED, *settings)) if one]


def with_file(values: Path, *settings: str) -> list[Manifest]:
    """Return what is rendered with a file of values."""
    options = [option for setting in (*ENABLED, *settings) for option in ("--set", setting)]
    command = [chart.helm(), "template", "bannette", chart.CHART, "-f", values, *options]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [one for one in yaml.safe_load_all(text) if one]


def connect(kind: str, *settings: str) -> Manifest:
    (found,) = (
        one for one in rendered(*settings) if (one["kind"], one["metadata"]["name"]) == (kind, "bannette-connect")
    )
    return found


def container(deployment: Manifest) -> Manifest:
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environ(deployment: Manifest) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container(deployment)["env"]}


def notes(*settings: str) -> str:
    options = [option for setting in settings for option in ("--set", setting)]
    command = [chart.helm(), "install", "bannette", chart.CHART, "--dry-run=client", *options]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return text.partition("\nNOTES:\n")[2]


def test_nothing_of_it_is_there_before_it_is_enabled() -> None:
    names = {one["metadata"]["name"] for one in yaml.safe_load_all(chart.render()) if one}
    assert not [name for name in names if "connect" in name]


def test_the_notes_tell_how_links_reach_clients_and_where_the_console_is() -> None:
    assert "connect" not in notes()
    alone = notes(*ENABLED)
    assert "kubectl collection connect CHANNEL --namespace NAMESPACE --link" in alone
    assert "/console" not in alone
    with_both = notes(*ENABLED, *MAILS, "connect.console.enabled=true")
    assert "--link" not in with_both
    assert "The console, for your own people: https://connect.example/console/" in with_both


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
    assert container(connect("Deployment"))["ports"] == [{"name": "http", "containerPort": settings.port}]


@pytest.mark.parametrize(
    ("values", "port", "signs_in"),
    [
        ((), 587, False),
        (("connect.smtp.security=tls", "connect.smtp.credentialsSecret=mail"), 465, True),
        (("connect.smtp.security=none",), 25, False),
        (("connect.smtp.port=2525", "connect.smtp.credentialsSecret=mail", "connect.smtp.caSecret=ca"), 2525, True),
    ],
)
def test_mails_go_to_the_server_that_the_values_name(values: tuple[str, ...], port: int, signs_in: bool) -> None:
    deployment = connect("Deployment", *MAILS, *values)
    settings = MailSettings.from_environment(environ(deployment))
    assert (settings.host, settings.port, settings.sender) == ("mail.example", port, "documents@acme.example")
    assert (settings.password_file is not None) is signs_in
    mounted = {one["mountPath"]: one["name"] for one in container(deployment)["volumeMounts"]}
    named = {"username": "mail", "password": "mail", "ca.crt": "ca"}
    volumes = {one["name"]: one for one in deployment["spec"]["template"]["spec"]["volumes"]}
    for file in (settings.username_file, settings.password_file, settings.ca_file):
        if file is not None:
            secret = volumes[mounted[str(file.parent)]]["secret"]
            assert secret["secretName"] == named[file.name]
            # The pod isn't root.
            assert secret["defaultMode"] == 0o440
    policy = connect("NetworkPolicy", *MAILS, *values, "networkPolicy.enabled=true")
    assert port in [one["port"] for rule in policy["spec"]["egress"] for one in rule["ports"]]


def test_mails_go_at_the_pace_of_the_values() -> None:
    assert asking_settings(environ(connect("Deployment", *MAILS))) == AskingSettings()
    values = {
        "reminderDays": "{2,4,8}",
        "dailyLimit": 2,
        "gapMinutes": 1,
        "settleSeconds": 5,
        "lapseWarningDays": 7,
        "failureDays": 1,
        "digestTime": "18:30",
    }
    given = (f"connect.mails.{name}={value}" for name, value in values.items())
    found = asking_settings(environ(connect("Deployment", *MAILS, *given)))
    assert found.pace.reminders == tuple(timedelta(days=days) for days in (2, 4, 8))
    assert (found.pace.mails_a_day, found.pace.between_mails) == (2, timedelta(minutes=1))
    assert (found.pace.settle, found.pace.warned) == (timedelta(seconds=5), timedelta(days=7))
    assert (found.failing, found.digest_time) == (timedelta(days=1), time(18, 30))


def test_no_reminders_are_sent_if_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("connect: {mails: {reminderDays: [], gapMinutes: 0.5}}")
    documents = [one for one in with_file(tmp_path / "values.yaml", *MAILS) if one["kind"] == "Deployment"]
    (deployment,) = (one for one in documents if one["metadata"]["name"] == "bannette-connect")
    pace = asking_settings(environ(deployment)).pace
    assert (pace.reminders, pace.between_mails) == ((), timedelta(seconds=30))


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


def test_a_network_policy_lets_those_in_whom_the_values_name() -> None:
    everybody = connect("NetworkPolicy", "networkPolicy.enabled=true")
    assert [sorted(rule) for rule in everybody["spec"]["ingress"]] == [["ports"]]
    peer = "networkPolicy.connectFrom[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name=proxy"
    (rule,) = connect("NetworkPolicy", "networkPolicy.enabled=true", peer)["spec"]["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "proxy"}}}]


def test_without_a_server_no_mail_is_set_up() -> None:
    deployment = connect("Deployment", "connect.smtp.credentialsSecret=mail", "connect.smtp.caSecret=ca")
    assert not [name for name in environ(deployment) if "SMTP" in name or "MAIL" in name]
    assert [one["name"] for one in deployment["spec"]["template"]["spec"]["volumes"]] == ["keys"]


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


def test_its_pods_are_told_from_the_operators_by_every_selector() -> None:
    documents = rendered("networkPolicy.enabled=true", "operator.replicas=2")
    labels = {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"]
        for one in documents
        if one["kind"] == "Deployment"
    }
    choosing = [(one, wanted) for one in documents if (wanted := selector(one)) is not None]
    assert len(choosing) == 4 * len(labels) == 8
    for one, wanted in choosing:
        chosen = [name for name, given in labels.items() if wanted.items() <= given.items()]
        assert chosen == [one["metadata"]["name"]], one["kind"]


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
