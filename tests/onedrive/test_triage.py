from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bannette.errors import ItemDeferred, ItemRejected
from bannette.onedrive import ItemKind, parse_item, triage

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FILE = {"id": "1", "name": "a.pdf", "size": 3, "file": {}, "lastModifiedDateTime": "2026-11-20T12:00:00Z"}

# What the metadata has on top of FILE, what becomes of it, why.
CASES = [
    ({}, None, None),
    ({"size": None}, None, None),
    ({"size": 0, "lastModifiedDateTime": "2026-11-17T12:00:01Z"}, ItemDeferred, "Empty"),
    ({"size": 0, "lastModifiedDateTime": "2026-11-17T12:00:00Z"}, ItemRejected, "Empty"),
    ({"size": 0, "lastModifiedDateTime": "2031-01-01T00:00:00Z"}, ItemDeferred, "Empty"),
    ({"size": 0, "lastModifiedDateTime": None}, ItemRejected, "Empty"),
    ({"malware": {"description": "x"}}, ItemRejected, "Malware"),
    ({"malware": {}, "size": 0}, ItemRejected, "Malware"),
    ({"pendingOperations": {"pendingContentUpdate": {}}}, ItemDeferred, "ContentPending"),
    ({"pendingOperations": {"pendingContentUpdate": {}}, "size": 0}, ItemDeferred, "ContentPending"),
    ({"package": {"type": "oneNote"}}, ItemRejected, "OneNote"),
    ({"package": {"type": "oneNote"}, "folder": {}}, ItemRejected, "OneNote"),
    ({"remoteItem": {"id": "2"}}, ItemRejected, "Shortcut"),
    ({"remoteItem": {"id": "2"}, "folder": {}, "file": None}, ItemRejected, "Shortcut"),
    ({"file": None}, ItemRejected, "NotAFile"),
]


@pytest.mark.parametrize(("facets", "error", "reason"), CASES)
def test_metadata_decide(facets, error, reason):
    item = parse_item({**FILE, **facets})
    assert item is not None
    if error is None:
        triage(item, now=NOW)
        return
    with pytest.raises(error) as caught:
        triage(item, now=NOW)
    assert caught.value.reason == reason
    assert "a.pdf" not in str(caught.value)


def test_an_item_is_read_whatever_it_leaves_out():
    item = parse_item({"id": "1"})
    assert item is not None
    assert (item.kind, item.parent_id, item.name, item.size, item.quick_xor) == (ItemKind.OTHER, None, "", None, None)
    assert parse_item({"name": "a"}) is None
    torn = parse_item({"id": "1", "name": "a\ud83d.pdf"})
    assert torn is not None
    assert torn.name == "a?.pdf"
    odd = parse_item({"id": "1", "file": {"hashes": []}, "size": "3", "parentReference": None, "eTag": 5})
    assert odd is not None
    assert (odd.kind, odd.size, odd.etag) == (ItemKind.FILE, None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T12:00:00Z", datetime(2026, 11, 20, 12, tzinfo=UTC)),
        ("2026-11-20T12:00:00.1234567Z", datetime(2026, 11, 20, 12, microsecond=123456, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("yesterday", None),
    ],
)
def test_times_have_up_to_seven_digits_of_a_second(text, expected):
    item = parse_item({"id": "1", "lastModifiedDateTime": text})
    assert item is not None
    assert item.modified_at == expected


def test_a_year_one_zero_byte_file_is_merely_old():
    item = parse_item({**FILE, "size": 0, "lastModifiedDateTime": "0001-01-01T00:00:00Z"})
    assert item is not None
    with pytest.raises(ItemRejected):
        triage(item, now=NOW)
