"""What a channel may not run without, and the sentence about it."""

from __future__ import annotations

import pytest

from bannette.controller.prerequisites import unmet
from tests.controller.scene import Body, binder, channel

STORAGE_THAT_WAITS: list[Body] = [
    {"path": "/srv/binder"},
    {"s3": {"bucket": "binders", "credentialsSecret": {"name": "bucket"}}},
]


@pytest.mark.parametrize("storage", STORAGE_THAT_WAITS, ids=lambda storage: next(iter(storage)))
def test_a_binder_that_pods_cannot_use_yet_says_so_before_any_run(storage: Body) -> None:
    (missing,) = unmet(channel(), binder(storage), {})
    assert missing.reason == "StorageUnsupported"
    assert 'Binder "purchases"' in missing.message
    assert "spec.storage.persistentVolumeClaim" in missing.message


def test_a_binder_on_a_claim_lacks_nothing() -> None:
    assert list(unmet(channel(), binder(), {})) == []
