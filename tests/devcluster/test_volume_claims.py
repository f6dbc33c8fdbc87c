"""Which claims get a volume, and which volumes are taken back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from devcluster.provisioner import (
    Claim,
    Volume,
    folder_name,
    persistent_volume,
    to_provide,
    to_take_back,
)

BELOW = Path("/state/volumes")
CLAIM = Claim.parse(
    {
        "metadata": {"namespace": "acme", "name": "purchases", "uid": "0123456789ab"},
        "spec": {
            "storageClassName": "standard",
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "5Gi"}},
        },
        "status": {"phase": "Pending"},
    }
)
VOLUME = Volume(name="pvc-0123456789ab", ours=True, released=True, folder=BELOW / "acme_purchases_01234567")


def test_a_waiting_claim_is_provided_for_once() -> None:
    assert to_provide([CLAIM], []) == [CLAIM]
    assert to_provide([CLAIM], [VOLUME]) == []


def test_a_claim_of_another_class_or_with_a_volume_named_is_left_alone() -> None:
    other = {"metadata": {"namespace": "a", "name": "b", "uid": "c"}, "status": {"phase": "Pending"}}
    assert not Claim.parse({**other, "spec": {"storageClassName": "fast"}}).waiting
    assert not Claim.parse({**other, "spec": {"storageClassName": "standard", "volumeName": "mine"}}).waiting


def test_a_made_volume_reads_back_as_ours_and_bound_to_its_claim() -> None:
    made = persistent_volume(CLAIM, BELOW / folder_name(CLAIM))
    released = Volume.parse({**made, "status": {"phase": "Released"}})
    assert released == VOLUME
    assert made["spec"]["claimRef"]["uid"] == CLAIM.uid  # type: ignore[index]
    assert made["spec"]["accessModes"] == ["ReadWriteMany"]  # type: ignore[index]


def test_only_our_released_volumes_below_our_folder_are_taken_back() -> None:
    kept = [
        replace(VOLUME, ours=False),
        replace(VOLUME, released=False),
        replace(VOLUME, folder=Path("/home/somebody")),
        replace(VOLUME, folder=None),
    ]
    assert to_take_back([*kept, VOLUME], below=BELOW) == [VOLUME]
