"""What a channel may not run without, and the sentence about it."""

from __future__ import annotations

import pytest

from bannette.controller.names import SECRET
from bannette.controller.prerequisites import Presence, needs, no_binder, unmet
from tests.controller.scene import Body, binder, channel

NAMED = {"credentialsSecret": {"name": "bucket"}}
BUCKETS: list[tuple[Body, str, frozenset[str]]] = [
    (
        {"s3": {"bucket": "binders", **NAMED}},
        "accessKeyId and secretAccessKey",
        frozenset({"accessKeyId", "secretAccessKey"}),
    ),
    (
        {"azureBlob": {"account": "acme", "container": "binders", **NAMED}},
        "accountKey, or sasToken, or clientId and clientSecret and tenantId",
        frozenset({"sasToken"}),
    ),
    ({"gcs": {"bucket": "binders", **NAMED}}, "serviceAccount", frozenset({"serviceAccount", "more"})),
]


def test_a_binder_in_a_folder_of_one_machine_says_so_before_any_run() -> None:
    (missing,) = unmet(channel(), binder({"path": "/srv/binder"}), {})
    assert missing.reason == "StorageUnsupported"
    assert 'Binder "purchases"' in missing.message
    assert "a volume or a bucket" in missing.message


def test_nobody_is_told_to_change_the_binder_of_a_channel() -> None:
    assert "delete the channel and make it again with another spec.destination.binder" in no_binder(channel()).message


@pytest.mark.parametrize(("storage", "lacking", "keys"), BUCKETS, ids=["s3", "azureBlob", "gcs"])
def test_a_bucket_needs_its_credentials_before_any_run(storage: Body, lacking: str, keys: frozenset[str]) -> None:
    its_binder = binder(storage)
    (need,) = [need for need in needs(channel(), its_binder) if need.kind == SECRET and need.name == "bucket"]
    (missing,) = unmet(channel(), its_binder, {need: None})
    assert missing.reason == "StorageMissing"
    assert 'Secret "bucket" of namespace' in missing.message
    (missing,) = unmet(channel(), its_binder, {need: Presence(keys=frozenset({"accessKeyId", "tenantId"}))})
    assert f'Secret "bucket" of namespace "{channel().namespace}" lacks {lacking}' in missing.message
    assert list(unmet(channel(), its_binder, {need: Presence(keys=keys)})) == []


@pytest.mark.parametrize(
    "storage",
    [
        {"s3": {"bucket": "binders"}},
        {"azureBlob": {"account": "acme", "container": "binders"}},
        {"gcs": {"bucket": "binders"}},
    ],
    ids=["s3", "azureBlob", "gcs"],
)
def test_a_bucket_without_credentials_is_opened_as_who_the_pod_is(storage: Body) -> None:
    its_binder = binder(storage)
    assert [need for need in needs(channel(), its_binder) if need.name == "bucket"] == []
    assert list(unmet(channel(), its_binder, {})) == []


def test_a_binder_on_a_claim_lacks_nothing() -> None:
    assert list(unmet(channel(), binder(), {})) == []


def test_passwords_are_waited_for_before_any_run() -> None:
    subject = channel(ocr={"passwordsSecret": {"name": "acme-passwords"}})
    (need,) = [need for need in needs(subject, binder()) if need.name == "acme-passwords"]
    (missing,) = unmet(subject, binder(), {need: None})
    assert missing.reason == "PasswordsMissing"
    assert missing.message == (
        'Secret "acme-passwords" of namespace "acme" doesn\'t exist: create it; it holds passwords of encrypted '
        "documents (spec.ocr.passwordsSecret)."
    )
    assert list(unmet(subject, binder(), {need: Presence(keys=frozenset({"anything"}))})) == []
