"""What is published beside the CRDs agrees with them: the samples and the reference."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from bannette.resources import (
    Binder,
    Channel,
    DelegatedAccount,
    PathStorage,
    PersistentVolumeClaim,
    Recipient,
    load_documents,
)
from tests.resources.api import ROOT, Api

SAMPLES = ROOT / "manifests" / "samples"


def read(*paths: Path) -> dict[str, dict[str, object]]:
    """Return the documents of files and folders by kind; there is one of each."""
    files = [file for path in paths for file in (sorted(path.glob("*.yaml")) if path.is_dir() else [path])]
    documents = [one for file in files for one in load_documents(file.read_text())]
    assert len({str(one["kind"]) for one in documents}) == len(documents)
    return {str(one["kind"]): one for one in documents}


def test_the_samples_are_a_whole() -> None:
    samples = read(SAMPLES / "acme")
    channel = Channel.parse(samples["CollectionChannel"], strict=True)
    binder = Binder.parse(samples["Binder"], strict=True)
    recipient = Recipient.parse(samples["Recipient"], strict=True)
    assert (channel.recipient, channel.binder) == (recipient.name, binder.name)
    assert isinstance(binder.storage, PersistentVolumeClaim)
    assert samples["PersistentVolumeClaim"]["metadata"] == {"name": binder.storage.claim_name, "namespace": "acme"}
    assert samples["Secret"]["metadata"] == {"name": "acme-app", "namespace": "acme"}
    assert {channel.namespace, binder.namespace, recipient.namespace} == {"acme"}


def test_the_delegated_channel_is_the_same_but_for_its_account() -> None:
    channel = Channel.parse(read(SAMPLES / "acme")["CollectionChannel"], strict=True)
    delegated = Channel.parse(read(SAMPLES / "delegated")["CollectionChannel"], strict=True)
    assert isinstance(delegated.onedrive.account, DelegatedAccount)
    assert (delegated.uid, delegated.schedule, delegated.binder) == (channel.uid, channel.schedule, channel.binder)


def test_the_sample_for_one_machine_differs_in_its_storage_alone() -> None:
    local, cluster = read(SAMPLES / "local.yaml"), read(SAMPLES / "acme")
    assert isinstance(Binder.parse(local["Binder"], strict=True).storage, PathStorage)
    assert Recipient.parse(local["Recipient"], strict=True) == Recipient.parse(cluster["Recipient"])
    channel, other = Channel.parse(local["CollectionChannel"], strict=True), Channel.parse(cluster["CollectionChannel"])
    assert channel == replace(other, collector=channel.collector)


def test_the_binder_that_tells_a_program_is_the_same_but_for_that() -> None:
    binder, telling = (Binder.parse(read(SAMPLES / name)["Binder"], strict=True) for name in ("acme", "events"))
    assert telling.events is not None
    assert telling.events.secret == read(SAMPLES / "events")["Secret"]["metadata"]["name"]  # type: ignore[index]
    assert replace(telling, events=None) == binder


@pytest.mark.apiserver
@pytest.mark.parametrize(
    "folder", [SAMPLES / "acme", SAMPLES / "delegated", SAMPLES / "events"], ids=lambda folder: folder.name
)
def test_the_api_server_accepts_the_samples(folder: Path, api: Api) -> None:
    assert "created (server dry run)" in api.kubectl("apply", "--dry-run=server", "-f", str(folder))


def test_the_reference_is_current() -> None:
    """If not: python docs/generate_reference.py."""
    render = runpy.run_path(str(ROOT / "docs" / "generate_reference.py"))["render"]
    assert (ROOT / "docs" / "reference.md").read_text(encoding="utf-8") == render()
