"""What the pod of ``kubectl collection`` does with a binder in a bucket, whose Secret is mounted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bannette.binder import Binder, S3Location, open_store
from bannette.cli.plugin.inside import answer
from tests.plugin.test_errand import binder, channel
from tests.plugin.test_inside import REPORT
from tests.stores.services import S3_KEY, S3_SECRET, s3_location

pytestmark = [pytest.mark.stores, pytest.mark.timeout(1200)]


@pytest.fixture
def location(gateway: str) -> S3Location:
    return s3_location(gateway)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """The folder at which the Secret with the bucket's keys is mounted."""
    (tmp_path / "accessKeyId").write_text(S3_KEY)
    (tmp_path / "secretAccessKey").write_text(f"{S3_SECRET}\n")
    return tmp_path


def asked(*words: str, location: S3Location, secret: Path) -> tuple[int, str, str]:
    s3 = {
        "bucket": location.bucket,
        "prefix": location.prefix,
        "endpoint": location.endpoint,
        "credentialsSecret": {"name": "keys"},
    }
    reply = answer(words, [channel(), binder({"s3": s3})], store=secret)
    return reply.code, reply.output, reply.errors


def test_history_and_inbox_come_from_the_bucket(location: S3Location, secret: Path) -> None:
    made = Binder.open(open_store(location), uid="u-1", namespace="acme", company="Acme", expected=False)
    made.save_report("acme", "acme-onedrive", REPORT)
    code, output, errors = asked("history", "-o", "json", location=location, secret=secret)
    assert (code, errors) == (0, "")
    assert [run["id"] for run in json.loads(output)] == ["run-1"]
    assert asked("inbox", "list", location=location, secret=secret) == (0, "The inbox is empty.\n", "")


def test_a_probe_writes_in_the_bucket_and_leaves_nothing(
    location: S3Location, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing listens there: the rest of the probe is of no matter here.
    for name in ("BANNETTE_GRAPH_URL", "BANNETTE_AUTHORITY_URL"):
        monkeypatch.setenv(name, "https://127.0.0.1:9")

    def store_finding() -> dict[str, str]:
        code, output, errors = asked("probe", location=location, secret=secret)
        assert (code, errors) == (0, "")
        found: list[dict[str, str]] = json.loads(output)
        return next(one for one in found if one["check"] == "Store of binder purchases")

    found = store_finding()
    assert (found["state"], found["message"].partition(" ")[0]) == ("ok", f"s3://{location.bucket}/{location.prefix}")
    assert list(open_store(location).keys("")) == []
    (secret / "secretAccessKey").write_text("wrong-canary")
    found = store_finding()
    assert found["state"] == "problem"
    assert "canary" not in found["message"]
