"""What users see of good resources: defaults, columns, explanations, selection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bannette.resources import Channel
from tests.resources.api import Api, collection
from tests.resources.samples import BINDER, CHANNEL, RECIPIENT, REMOVED, parse, variant
from tests.resources.test_crds import FULL_STATUS

pytestmark = pytest.mark.apiserver

LEAST_CHANNEL = variant(
    CHANNEL,
    {
        "metadata.name": "least",
        "spec.schedule": REMOVED,
        "spec.onedrive": {"account": {"delegated": {"loginHint": "compta@acme.example"}}},
    },
)
GOOD: list[Mapping[str, Any]] = [
    CHANNEL,
    LEAST_CHANNEL,
    variant(CHANNEL, {"metadata.name": "a" * 42}),
    variant(CHANNEL, {"spec.schedule": {"time": "00:00", "timeZone": "America/Argentina/Buenos_Aires"}}),
    variant(CHANNEL, {"spec.onedrive.folder": "/Documents partagés/Achats & frais (2026)"}),
    variant(CHANNEL, {"spec.onedrive.drive": "b!-RIj2DuyvEyV1T4NlOaMHk8XkS_I8MdFlUCq1BlcjgmhRfAj3-Z8RY2VpuvV_tpd"}),
    variant(CHANNEL, {"spec.onedrive.include": ["*.pdf", "facture-????.*", "*[0-9].jpg"]}),
    variant(CHANNEL, {"spec.onedrive.account.application.tenantId": "acme.onmicrosoft.com"}),
    variant(CHANNEL, {"spec.onedrive.account.application.user": "0f8fad5b-d9cb-469f-a165-70867728950e"}),
    variant(CHANNEL, {"spec.onedrive.cloud": "China", "spec.historyLimit": 50, "spec.suspend": True}),
    variant(CHANNEL, {"spec.ocr": {"languages": ["deu", "chi_sim"], "limits": {"pages": 10_000, "seconds": 1}}}),
    variant(
        CHANNEL,
        {
            "spec.collector": {
                "resources": {"limits": {"memory": "2Gi", "cpu": 2}, "requests": {"cpu": "500m"}},
                "nodeSelector": {"pool": "ocr"},
                "tolerations": [{"key": "ocr", "operator": "Exists", "effect": "NoSchedule"}],
                "caBundle": {"configMap": "proxy-ca"},
            }
        },
    ),
    BINDER,
    variant(BINDER, {"spec.storage": {"persistentVolumeClaim": {"claimName": "a.b", "subPath": "x/..y/z"}}}),
    variant(BINDER, {"spec.storage": {"s3": {"bucket": "acme", "prefix": "p", "endpoint": "http://minio:9000"}}}),
    variant(BINDER, {"spec.storage": {"azureBlob": {"account": "acme", "container": "in-box"}}}),
    variant(BINDER, {"spec.storage": {"gcs": {"bucket": "acme_1", "credentialsSecret": {"name": "key"}}}}),
    RECIPIENT,
    variant(RECIPIENT, {"spec.displayName": "é", "spec.email": "marie+factures@compta.acme.example"}),
    # A vertical tab is no blank: neither at the ends of a line, nor in an address.
    variant(RECIPIENT, {"spec.displayName": "\vMarie\v", "spec.email": "marie\v@acme.example"}),
    variant(BINDER, {"spec.company": "\vAcme"}),
    variant(CHANNEL, {"spec.onedrive.account.application.user": "\vcompta@acme.example"}),
]


@pytest.mark.parametrize("resource", GOOD, ids=range(len(GOOD)))
def test_the_api_server_accepts_what_parse_accepts_and_fills_in_the_same_defaults(
    resource: Mapping[str, Any], api: Api
) -> None:
    # Where nothing has its name, whichever tests came before.
    resource = variant(resource, {"metadata.namespace": "empty"})
    answer = api.create(resource)
    assert answer.status_code == 201, answer.text
    accepted = answer.json()
    for added in ("uid", "generation", "managedFields", "creationTimestamp"):
        accepted["metadata"].pop(added, None)
    assert parse(accepted, strict=True) == parse(resource, strict=True)


@pytest.fixture(scope="module")
def existing(api: Api) -> Iterator[None]:
    resources = (CHANNEL, LEAST_CHANNEL, BINDER, RECIPIENT)
    for resource in resources:
        assert api.create(resource, really=True).status_code == 201
    assert api.change_status(CHANNEL, FULL_STATUS.to_dict()).ok
    assert api.change_status(BINDER, {"documents": 1240, "bytes": 10**9, "lastArrival": "2026-11-24T05:31:00Z"}).ok
    yield
    for resource in resources:
        assert api.call("DELETE", api.path(resource)).ok


def table(api: Api, plural: str) -> dict[str, dict[str, object]]:
    """Return what ``kubectl get -o wide`` shows, by name and column."""
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    shown = api.call("GET", collection(plural), headers=accept).json()
    names = [column["name"] for column in shown["columnDefinitions"]]
    return {row["cells"][0]: dict(zip(names, row["cells"], strict=True)) for row in shown["rows"]}


@pytest.mark.usefixtures("existing")
def test_the_status_that_is_written_is_the_status_that_is_read(api: Api) -> None:
    assert Channel.parse(api.call("GET", api.path(CHANNEL)).json()).status == FULL_STATUS


@pytest.mark.usefixtures("existing")
def test_columns_of_channels(api: Api) -> None:
    row = table(api, "collectionchannels")["acme-onedrive"]
    assert row.pop("Last Run") != "<invalid>"
    assert row.pop("Age")
    assert row == {
        "Name": "acme-onedrive",
        "Ready": "True",
        "Connected": None,
        "Suspend": False,
        "Result": "Succeeded",
        "New": 12,
        "Total": 1240,
        "Next Run": "2026-11-24T05:30:00Z",
        "Folder": "/Factures",
        "Binder": "purchases",
        "Recipient": "marie",
        "Schedule": "30 5 * * *",
        "Message": "Collects daily.",
    }


@pytest.mark.usefixtures("existing")
def test_columns_of_binders_and_recipients(api: Api) -> None:
    binder, recipient = table(api, "binders")["purchases"], table(api, "recipients")["marie"]
    assert (binder["Company"], binder["Documents"], binder["On Duplicate"]) == ("Acme SARL", 1240, "Skip")
    assert (recipient["Display Name"], recipient["E-mail"]) == ("Marie Dupont", "marie@acme.example")
    assert (recipient["Notified"], recipient["Last Mail"]) == (None, None)


@pytest.mark.usefixtures("existing")
def test_kubectl_get_by_short_name_and_by_category(api: Api) -> None:
    header, line, _ = api.kubectl("get", "cch", "-n", "acme").splitlines()
    assert header.split("  ")[0] == "NAME"
    assert [*filter(None, (word.strip() for word in header.split("  ")))] == [
        "NAME", "READY", "CONNECTED", "LAST RUN", "RESULT", "NEW", "TOTAL", "NEXT RUN", "AGE",
    ]  # fmt: skip
    assert line.startswith("acme-onedrive")
    everything = api.kubectl("get", "bannette", "-n", "acme", "-o", "name").split()
    assert "binder.bannette.io/purchases" in everything
    assert "recipient.bannette.io/marie" in everything


@pytest.mark.usefixtures("existing")
def test_channels_of_a_binder_can_be_selected(api: Api) -> None:
    def names(selector: str) -> list[str]:
        found = api.call("GET", collection("collectionchannels"), query={"fieldSelector": selector}).json()
        return [item["metadata"]["name"] for item in found["items"]]

    assert names("spec.destination.binder=purchases,spec.suspend=false") == ["acme-onedrive", "least"]
    assert names("spec.recipient.name=jean") == []


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("cch", "once a day by itself"),
        ("cch.spec.schedule.time", "24-hour form"),
        ("cch.spec.onedrive.account.application.tenantId", "directory (tenant)"),
        ("cch.status.history.deferred", "will be tried again"),
        ("bnd.spec.storage.persistentVolumeClaim", "ReadWriteMany"),
        ("rcp.spec.locale", "fr for French"),
    ],
)
def test_kubectl_explains_fields(field: str, says: str, api: Api) -> None:
    assert says in " ".join(api.kubectl("explain", field).split())


@pytest.mark.usefixtures("existing")
@pytest.mark.parametrize(
    ("status", "says"),
    [
        ({"lastRun": FULL_STATUS.to_dict()["lastRun"] | {"message": "x" * 513}}, "status.lastRun.message"),  # type: ignore[operator]
        ({"history": [{"id": str(number)} for number in range(51)]}, "status.history: Too many: 51"),
        ({"lastHandledRequestedAt": "x" * 129}, "status.lastHandledRequestedAt"),
    ],
    ids=["message", "history", "request"],
)
def test_a_status_stays_small(status: dict[str, Any], says: str, api: Api) -> None:
    answer = api.change_status(CHANNEL, status)
    assert answer.status_code == 422
    assert says in answer.json()["message"]
