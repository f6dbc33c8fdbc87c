"""Whatever happens on the way, what is delivered is one version of the document that OneDrive served, whole."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from simulator.content import Generated
from tests.collector.local_channel import LocalChannel

SIZES = (1, 159, 1_000, 65_537, 300_000)
# What is told about the document beside its bytes.
METADATA = (None, "no hash", "empty hashes", "no etag", "wrong hash", "wrong size")
CUTS = (0, 1, 160, 999, 40_960, 65_536, 100_000, 299_999)
OTHERS = ("bytes 0-9/10", "bytes 0-9/*", "bytes 1-299999/300000", "bytes 160-299999/300001", "items 0-9", "")


def on_its_way() -> st.SearchStrategy[dict[str, object]]:
    """One thing that goes wrong with a request or two."""
    download = st.one_of(
        st.builds(
            lambda at, extra: {"like": "connection cut", "cut_at": at, **extra},
            st.sampled_from(CUTS),
            st.sampled_from([{}, {"chunked": True}, {"gzip": True}]),
        ),
        st.just({"like": "range ignored"}),
        st.builds(lambda text: {"like": "wrong content range", "content_range": text}, st.sampled_from(OTHERS)),
        st.sampled_from(
            [
                {"like": name}
                for name in ("range not satisfiable", "url expired", "download redirected", "connection refused")
            ]
        ),
    )
    edits = st.builds(
        lambda kind, seed, size: {"name": "edit", "kinds": [kind], "item": "*/a.tif", "edit": [seed, size]},
        st.sampled_from(["item", "content", "download"]),
        st.integers(2, 4),
        st.sampled_from(SIZES),
    )
    cut_and_edit = st.builds(
        lambda at, seed, size: {"like": "connection cut", "cut_at": at, "edit": [seed, size]},
        st.sampled_from(CUTS),
        st.integers(2, 4),
        st.sampled_from(SIZES),
    )
    return st.builds(
        lambda fault, skip, times: {**fault, "skip": skip, "times": times},
        st.one_of(download, edits, cut_and_edit),
        st.integers(0, 2),
        st.integers(1, 2),
    )


@pytest.fixture(params=[None, 40_000], ids=["by one stream", "by parts"])
def streams(request, monkeypatch):
    """Fetches documents by one stream, or in parts of so many bytes, as large ones are."""
    if request.param is not None:
        monkeypatch.setattr("bannette.onedrive.parts.LARGE", 2 * request.param)
        monkeypatch.setattr("bannette.onedrive.parts.PART", request.param)


@pytest.mark.behaviour(56, 57)
@settings(
    max_examples=40,
    deadline=None,
    # The same ones each time: what chance finds is no reason to refuse another change.
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.sampled_from(SIZES), st.sampled_from(METADATA), st.lists(on_its_way(), min_size=1, max_size=5))
@example(
    300_000,
    "no hash",
    [
        {"like": "connection cut", "cut_at": 1000},
        {"name": "edit", "kinds": ["item"], "item": "*/a.tif", "edit": [2, 300_000]},
    ],
)
@example(
    300_000,
    "no hash",
    [
        {"like": "connection cut", "cut_at": 1000},
        {"name": "edit", "kinds": ["content"], "edit": [2, 300_000]},
    ],
)
def test_what_is_delivered_is_one_version_whole(
    simulator, hasty, streams, size: int, metadata: str | None, faults: list[Mapping[str, object]]
):
    drive = simulator.control
    drive.reset()
    drive.create("/Invoices/a.tif", generate=(1, size))
    drive.add_faults(*faults)
    if metadata is not None:
        drive.add_faults(metadata)
    versions = {
        sha256(Generated(seed, length).read(0, length)).hexdigest()
        for seed, length in [(1, size), *(fault["edit"] for fault in faults if "edit" in fault)]
    }
    with tempfile.TemporaryDirectory() as folder:
        channel = LocalChannel(Path(folder), simulator)
        first = channel.collect()
        assert first.code == 0
        assert first.entry["rejected"] == 0
        assert first.entry["collected"] + first.entry["deferred"] == 1
        drive.remove_faults()
        assert channel.collect().counts("result", "collected", "deferred") == (
            "Succeeded",
            1 - first.entry["collected"],
            0,
        )
        (record,) = channel.records()
        delivered = channel.original(record)
        assert sha256(delivered).hexdigest() in versions
        assert (record.size, record.sha256) == (len(delivered), sha256(delivered).hexdigest())
    assert drive.counters()["authorizationAtDownload"] == 0
