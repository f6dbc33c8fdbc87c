"""The pod of an errand, as it is made from a channel's CronJob."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bannette.cli.plugin.errand import Errand, errand_pod, leftovers, reply_of
from bannette.cli.plugin.reply import Reply, encoded
from bannette.controller import jobs
from bannette.controller.settings import Settings
from bannette.errors import BannetteError, PersonNeeded, Transient
from bannette.resources import Binder, Channel

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
METADATA = {"namespace": "acme", "uid": "u-1"}
CLAIM = {"persistentVolumeClaim": {"claimName": "purchases", "subPath": "acme"}}
BUCKET = {"s3": {"bucket": "purchases", "region": "eu-west-3", "credentialsSecret": {"name": "keys"}}}

Json = dict[str, Any]


def channel() -> Json:
    account = {
        "tenantId": "11111111-2222-3333-4444-555555555555",
        "user": "compta@acme.example",
        "clientId": "bannette-collector",
        "credentialsSecret": {"name": "acme-app"},
    }
    return {
        "apiVersion": "bannette.io/v1alpha1",
        "kind": "CollectionChannel",
        "metadata": {**METADATA, "name": "acme-onedrive", "managedFields": [{"manager": "kubectl"}]},
        "spec": {
            "type": "OneDrive",
            "recipient": {"name": "marie"},
            "destination": {"binder": "purchases"},
            "schedule": {"time": "05:30", "timeZone": "Europe/Paris"},
            "onedrive": {"folder": "/$(HOME)", "account": {"application": account}},
            "ocr": {"passwordsSecret": {"name": "passwords"}},
            "collector": {
                "caBundle": {"configMap": "ca", "key": "ca.crt"},
                "nodeSelector": {"disk": "fast"},
            },
        },
        "status": {"history": []},
    }


def binder(storage: Json, events: Json | None = None) -> Json:
    return {
        "apiVersion": "bannette.io/v1alpha1",
        "kind": "Binder",
        "metadata": {**METADATA, "name": "purchases", "annotations": {"bannette.io/adopt": "other", "note": "private"}},
        "spec": {"company": "Acme", "storage": storage, **({"events": events} if events else {})},
    }


def pod(storage: Json, events: Json | None = None, **changes: Any) -> Json:
    settings = Settings(
        collector_image="registry.example/collector:1",
        image_pull_secrets=("pull",),
        collector_environment={"BANNETTE_GRAPH_URL": "https://graph.example"},
    )
    made = jobs.cron_job(Channel.parse(channel()), Binder.parse(binder(storage, events)), settings, suspend=False)
    resources = (channel(), binder(storage, events))
    errand = Errand("history", ("--limit", "20"), resources, 300, **changes)
    return errand_pod(made, errand, suffix="abc123", now=NOW)


def mounts(made: Json) -> dict[str, bool]:
    (container,) = made["spec"]["containers"]
    return {mount["name"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}


def test_it_has_what_a_run_has_but_for_the_credentials_of_the_account() -> None:
    made = pod(CLAIM)
    (container,) = made["spec"]["containers"]
    assert made["metadata"]["name"] == "acme-onedrive-history-abc123"
    assert container["image"] == "registry.example/collector:1"
    assert made["spec"]["imagePullSecrets"] == [{"name": "pull"}]
    assert made["spec"]["nodeSelector"] == {"disk": "fast"}
    assert made["spec"]["automountServiceAccountToken"] is False
    assert made["spec"]["activeDeadlineSeconds"] == 300
    assert container["args"] == ["history", "--limit", "20"]
    assert mounts(made) == {"scratch": False, "binder": True, "ca": True}
    assert [one["name"] for one in made["spec"]["volumes"]] == ["scratch", "binder", "ca"]
    (mount,) = [one for one in container["volumeMounts"] if one["name"] == "binder"]
    assert mount["subPath"] == "acme"
    environment = {one["name"]: one.get("value") for one in container["env"]}
    assert environment["BANNETTE_GRAPH_URL"] == "https://graph.example"
    assert environment["SSL_CERT_FILE"] == "/etc/bannette/ca/ca.crt"
    assert {"BANNETTE_RUN_ID", "BANNETTE_JOB_NAME", "BANNETTE_TRIGGER"} & environment.keys() == set()


def test_it_has_the_labels_of_a_run_for_network_policies_and_one_that_tells_it_from_runs() -> None:
    labels = pod(CLAIM)["metadata"]["labels"]
    assert labels["bannette.io/channel"] == "acme-onedrive"
    assert labels["app.kubernetes.io/managed-by"] == "bannette"
    assert labels["bannette.io/errand"] == "history"
    assert "bannette.io/trigger" not in labels


def test_a_bucket_is_opened_with_its_credentials() -> None:
    made = pod(BUCKET)
    assert mounts(made) == {"scratch": False, "store": True, "ca": True}
    assert {"name": "store", "secret": {"secretName": "keys", "defaultMode": 0o440}} in made["spec"]["volumes"]


def test_the_authorities_of_the_sink_are_there_and_its_token_is_not() -> None:
    told = {"url": "https://erp.example", "secret": {"name": "t"}, "caBundle": {"configMap": "c", "key": "ca.crt"}}
    made = pod(CLAIM, told)
    assert mounts(made) == {"scratch": False, "binder": True, "ca": True, "events-ca": True}
    assert "events" not in [one["name"] for one in made["spec"]["volumes"]]


def test_only_a_probe_may_write_in_the_volume() -> None:
    assert mounts(pod(CLAIM, writes=True))["binder"] is False


def test_it_is_told_the_resources_and_nothing_that_expands() -> None:
    (container,) = pod(CLAIM)["spec"]["containers"]
    (text,) = [one["value"] for one in container["env"] if one["name"] == "BANNETTE_RESOURCES"]
    assert "$$(HOME)" in text
    told = json.loads(text.replace("$$", "$"))
    assert [one["kind"] for one in told] == ["CollectionChannel", "Binder"]
    assert told[0]["spec"] == channel()["spec"]
    assert told[0]["metadata"].keys() == {"name", "namespace", "uid", "annotations"}
    assert "status" not in told[0]
    assert told[1]["metadata"]["annotations"] == {"bannette.io/adopt": "other"}


def test_a_cron_job_of_somebody_else_is_refused() -> None:
    other = {
        "metadata": {"name": "acme-onedrive-collect"},
        "spec": {"jobTemplate": {"spec": {"template": {"metadata": {}, "spec": {"containers": [{"name": "main"}]}}}}},
    }
    with pytest.raises(PersonNeeded, match="isn't of the operator's making"):
        errand_pod(other, Errand("history", (), (), 300), suffix="abc123", now=NOW)


def test_what_outlived_its_errand_is_left_over() -> None:
    made = pod(CLAIM)
    foreign = {"metadata": {"name": "foreign", "annotations": {"bannette.io/until": "some day"}}}
    assert leftovers([made, foreign], now=NOW + timedelta(seconds=300)) == []
    assert leftovers([made, foreign], now=NOW + timedelta(seconds=361)) == ["acme-onedrive-history-abc123"]


def ended(code: int | None, reason: str, *, pod_reason: str | None = None) -> Json:
    state = {} if code is None else {"terminated": {"exitCode": code, "reason": reason}}
    status = {"phase": "Failed", "reason": pod_reason, "containerStatuses": [{"name": "collector", "state": state}]}
    return {"metadata": {"name": "a"}, "spec": {"containers": [{"image": "registry.example/old:1"}]}, "status": status}


def test_what_a_pod_answers_counts_however_it_ended() -> None:
    assert reply_of(ended(143, "Error"), encoded(Reply(0, "x", ""))) == Reply(0, "x", "")


@pytest.mark.parametrize(
    ("pod", "log", "kind", "reason", "said"),
    [
        (
            ended(1, "Error"),
            "/opt/bannette/bin/python: No module named bannette.cli.plugin.inside",
            PersonNeeded,
            "ImageTooOld",
            "registry.example/old:1",
        ),
        (ended(0, "Completed"), "H4sIA", PersonNeeded, "ReplyIncomplete", "longer than a container's log"),
        (ended(137, "OOMKilled"), "", PersonNeeded, "PodFailed", "OOMKilled, exit code 137"),
        (ended(1, "Error"), "Traceback\nKeyError: x\n", PersonNeeded, "PodFailed", "KeyError: x"),
        (ended(None, "", pod_reason="Evicted"), "", PersonNeeded, "PodFailed", "Evicted"),
        (ended(143, "Error", pod_reason="DeadlineExceeded"), "", Transient, "TimedOut", "--timeout"),
    ],
)
def test_a_pod_without_an_answer_is_told(
    pod: Json, log: str, kind: type[BannetteError], reason: str, said: str
) -> None:
    with pytest.raises(kind) as caught:
        reply_of(pod, log)
    assert (caught.value.reason, said in str(caught.value)) == (reason, True), str(caught.value)
