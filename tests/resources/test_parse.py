"""Good resources become typed objects with their defaults filled in."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import pytest

from bannette.resources import (
    Addressing,
    ApplicationAccount,
    AzureBlobStorage,
    Binder,
    CaBundle,
    Channel,
    Cloud,
    DelegatedAccount,
    EventSink,
    GcsStorage,
    Locale,
    OcrLimits,
    OcrSettings,
    OnDuplicate,
    PathStorage,
    PersistentVolumeClaim,
    Recipient,
    S3Storage,
    Schedule,
)
from tests.resources.samples import BINDER, CHANNEL, RECIPIENT, REMOVED, variant


def channel(**changes: object) -> Channel:
    return Channel.parse(variant(CHANNEL, {path.replace("__", "."): value for path, value in changes.items()}))


def test_a_channel_is_read() -> None:
    read = channel()
    assert (read.name, read.namespace, read.recipient, read.binder) == ("acme-onedrive", "acme", "marie", "purchases")
    assert read.schedule == Schedule("05:30", "Europe/Paris")
    assert (read.onedrive.folder, read.onedrive.include, read.onedrive.exclude) == ("/Factures", ("*.pdf", "*.jpg"), ())
    assert read.onedrive.account == ApplicationAccount(
        tenant_id="11111111-2222-3333-4444-555555555555",
        user="compta@acme.example",
        client_id="bannette-collector",
        credentials_secret="acme-app",
    )


def test_defaults_are_filled_in() -> None:
    read = channel(spec__onedrive={"account": {"delegated": {"loginHint": "compta@acme.example"}}})
    assert (read.suspend, read.history_limit, read.deleting, read.requested_at) == (False, 10, False, None)
    assert (read.onedrive.cloud, read.onedrive.drive, read.onedrive.folder) == (Cloud.GLOBAL, None, "/")
    assert read.onedrive.account == DelegatedAccount("compta@acme.example", client_id=None, credentials_secret=None)
    assert read.ocr == OcrSettings(True, ("fra", "eng"), OcrLimits(500, 180, 900, 100, 1536))
    assert (read.collector.ca_bundle, read.collector.tolerations, dict(read.collector.resources)) == (None, (), {})


def test_what_is_said_replaces_the_defaults() -> None:
    toleration = {"key": "ocr", "operator": "Exists"}
    read = channel(
        spec__suspend=True,
        spec__historyLimit=50,
        spec__ocr={
            "enabled": False,
            "languages": ["deu", "chi_sim"],
            "limits": {"pages": 20, "megabytes": 7, "memoryMiB": 600},
        }
        | {"passwordsSecret": {"name": "acme-passwords"}, "tessdata": "/opt/tessdata"},
        spec__collector={
            "resources": {"limits": {"memory": "2Gi"}},
            "nodeSelector": {"pool": "ocr"},
            "tolerations": [toleration],
            "caBundle": {"configMap": "proxy-ca"},
        },
    )
    assert (read.suspend, read.history_limit) == (True, 50)
    assert read.ocr == OcrSettings(
        False, ("deu", "chi_sim"), OcrLimits(20, 180, 900, 7, 600), "acme-passwords", "/opt/tessdata"
    )
    assert read.collector.resources == {"limits": {"memory": "2Gi"}}
    assert (read.collector.node_selector, read.collector.tolerations) == ({"pool": "ocr"}, (toleration,))
    assert read.collector.ca_bundle == CaBundle("proxy-ca", "ca.crt")


def test_null_is_as_good_as_absent() -> None:
    assert channel(spec__schedule=None, spec__ocr=None, spec__onedrive__drive=None, spec__suspend=None) == channel(
        spec__schedule=REMOVED
    )


def test_a_channel_of_a_file_has_an_identity_of_its_own() -> None:
    read = channel()
    assert read.uid == str(uuid.uuid5(uuid.NAMESPACE_URL, "bannette:acme/acme-onedrive"))
    assert channel(metadata__namespace="globex").uid != read.uid
    assert channel(metadata__namespace=REMOVED).namespace == "default"
    assert channel(metadata__uid="7d0f").uid == "7d0f"


@pytest.mark.parametrize(
    ("value", "request_"),
    [
        ("2026-11-24T10:00:00Z", "2026-11-24T10:00:00Z"),
        (" now ", "now"),
        ("", None),
        (" ", None),
        ("x" * 128, "x" * 128),
        ("x" * 129, f"sha256:{hashlib.sha256(b'x' * 129).hexdigest()}"),
        # No container starts with the first one in its environment; the others command terminals.
        ("a\0b", "sha256:" + hashlib.sha256(b"a\0b").hexdigest()),
        ("a\nb", "sha256:" + hashlib.sha256(b"a\nb").hexdigest()),
        ("\x1b[31m", "sha256:" + hashlib.sha256(b"\x1b[31m").hexdigest()),
    ],
)
def test_the_annotation_makes_a_request(value: str, request_: str | None) -> None:
    assert channel(metadata__annotations={"bannette.io/requestedAt": value}).requested_at == request_


def test_a_deleted_channel_is_known_as_such() -> None:
    assert channel(metadata__deletionTimestamp="2026-11-24T10:00:00Z").deleting


@pytest.mark.parametrize(("written", "folder"), [("/", "/"), ("/Factures/", "/Factures"), ("/a/b c", "/a/b c")])
def test_a_folder_has_no_slash_at_its_end(written: str, folder: str) -> None:
    assert channel(spec__onedrive__folder=written).onedrive.folder == folder


@pytest.mark.parametrize(
    ("include", "exclude", "name", "wanted"),
    [
        ([], [], "facture.xyz", True),
        (["*.pdf"], [], "facture.pdf", True),
        (["*.pdf"], [], "FACTURE.PDF", True),
        (["*.pdf"], [], "facture.pdf.tmp", False),
        (["*.pdf", "*.jpg"], [], "scan.jpg", True),
        ([], ["~$*"], "~$facture.docx", False),
        (["*.pdf"], ["brouillon*"], "Brouillon 3.pdf", False),
        (["facture-????.pdf"], [], "facture-2026.pdf", True),
        (["facture.pdf"], [], "une facture.pdf", False),
    ],
)
def test_patterns_choose_by_name(include: list[str], exclude: list[str], name: str, wanted: bool) -> None:
    source = channel(spec__onedrive__include=include, spec__onedrive__exclude=exclude).onedrive
    assert source.wants(name) is wanted


@pytest.mark.parametrize(
    "url",
    [
        "https://erp.acme.example",
        "https://ERP.acme.example:8443/documents?key=a%20b&x='y'",
        "https://[2001:db8::1]/",
        "http://erp.acme.svc:8080/documents",
        "http://erp.acme.svc.cluster.local?key=1",
        "http://localhost:8080",
        "http://127.0.0.1:8080/",
        "http://[::1]:8080/",
    ],
)
def test_events_go_where_they_are_safe_on_their_way(url: str) -> None:
    assert Binder.parse(variant(BINDER, {"spec.events": {"url": url}})).events == EventSink(url)


def test_a_sink_has_its_token_and_its_authorities() -> None:
    said = {"url": "https://erp.example/", "secret": {"name": "erp"}, "caBundle": {"configMap": "company-ca"}}
    sink = Binder.parse(variant(BINDER, {"spec.events": said}), strict=True).events
    assert sink == EventSink("https://erp.example/", "erp", CaBundle("company-ca", "ca.crt"))
    assert Binder.parse(BINDER).events is None


def test_a_binder_is_read() -> None:
    read = Binder.parse(BINDER)
    assert (read.company, read.on_duplicate, read.adopt) == ("Acme SARL", OnDuplicate.SKIP, None)
    assert read.storage == PersistentVolumeClaim("purchases", sub_path=None)
    assert read.uid == str(uuid.uuid5(uuid.NAMESPACE_URL, "bannette:binder/acme/purchases"))


SECRET = {"credentialsSecret": {"name": "store"}}


@pytest.mark.parametrize(
    ("storage", "read"),
    [
        ({"path": "/srv/binder"}, PathStorage("/srv/binder")),
        ({"persistentVolumeClaim": {"claimName": "a", "subPath": "b/c"}}, PersistentVolumeClaim("a", "b/c")),
        ({"s3": {"bucket": "acme"}}, S3Storage("acme")),
        (
            {"s3": {"bucket": "acme", "prefix": "p/q", "endpoint": "https://s3.example:9000", "region": "x", **SECRET}},
            S3Storage("acme", "p/q", "https://s3.example:9000", "x", credentials_secret="store"),
        ),
        (
            {"s3": {"bucket": "acme", "endpoint": "https://s3.example", "addressing": "VirtualHost"}},
            S3Storage("acme", endpoint="https://s3.example", addressing=Addressing.VIRTUAL_HOST),
        ),
        (
            {"azureBlob": {"account": "acme", "container": "in-box", "endpoint": "http://127.0.0.1:10000/acme"}},
            AzureBlobStorage("acme", "in-box", endpoint="http://127.0.0.1:10000/acme"),
        ),
        (
            {"azureBlob": {"account": "acme", "container": "in-box", **SECRET}},
            AzureBlobStorage("acme", "in-box", credentials_secret="store"),
        ),
        ({"gcs": {"bucket": "acme", "prefix": "p"}}, GcsStorage("acme", "p")),
    ],
)  # fmt: skip
def test_storage_is_read(storage: dict[str, Any], read: object) -> None:
    assert Binder.parse(variant(BINDER, {"spec.storage": storage}), strict=True).storage == read


def test_a_person_may_let_a_binder_adopt_a_store() -> None:
    assert Binder.parse(variant(BINDER, {"metadata.annotations": {"bannette.io/adopt": "7d0f"}})).adopt == "7d0f"


def test_a_recipient_is_read() -> None:
    assert Recipient.parse(RECIPIENT) == Recipient(
        "marie", "acme", "Marie Dupont", "marie@acme.example", Locale.ENGLISH
    )
    assert Recipient.parse(variant(RECIPIENT, {"spec.locale": "fr"})).locale is Locale.FRENCH


def test_resources_can_not_be_changed() -> None:
    with pytest.raises(AttributeError):
        channel().suspend = True  # type: ignore[misc]
