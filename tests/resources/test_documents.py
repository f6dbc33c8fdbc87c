"""Files are read as the API server would read them."""

from __future__ import annotations

import time

import pytest

from bannette.resources import InvalidResource, load_documents


def test_documents_are_read_one_by_one_and_empty_ones_left_out() -> None:
    assert load_documents("a: 1\n---\n---\n# nothing\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]
    assert load_documents("") == []


def test_a_list_gives_its_items() -> None:
    text = "kind: List\napiVersion: v1\nitems:\n- {kind: Binder}\n- {kind: Recipient}\n"
    assert load_documents(text) == [{"kind": "Binder"}, {"kind": "Recipient"}]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("05:30", "05:30"),
        ("12:30", "12:30"),
        ("12:30:15", "12:30:15"),
        ("190:20:30.15", "190:20:30.15"),
        ("2026-11-24", "2026-11-24"),
        ("2026-11-24T10:00:00Z", "2026-11-24T10:00:00Z"),
        ("10", 10),
        ("-3", -3),
        ("0", 0),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("yes", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("500m", "500m"),
        ('"10"', "10"),
        ('"\\ud83d\\udcc4 \\u00e9"', "📄 é"),
    ],
)
def test_values_are_what_they_look_like(written: str, value: object) -> None:
    (document,) = load_documents(f"value: {written}\n")
    assert document == {"value": value}
    assert type(document["value"]) is type(value)


@pytest.mark.parametrize(
    ("text", "path", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3", 'the key "a" stands there twice'),
        ("a:\n  b: 1\n  b: 2\n", "line 3", 'the key "b" stands there twice'),
        ("a: [1\nb: 2\n", "line 2", "expected ',' or ']'"),
        ("a: 1\n\tb: 2\n", "line 2", "found character '\\t'"),
        ("a: 1\n---\n- b\n", "document 2", "isn't an object: write apiVersion, kind, metadata and spec"),
        ("!!python/object:os.system {}\n", "line 1", "could not determine a constructor"),
        ("a: \x00\n", "", "can't be read as YAML"),
        ('a: 1\nb: "\\ud83d"\n', "line 2", "half a character"),
        ("more: {<<: {a: 1, a: 2}}\n", "line 1", 'the key "a" stands there twice'),
        ("? [a]\n: b\n", "line 1", "unhashable"),
        ("[" * 10_000, "", "nested too deeply"),
    ],
)
def test_what_can_not_be_read_is_named(text: str, path: str, says: str) -> None:
    with pytest.raises(InvalidResource) as refusal:
        load_documents(text)
    assert refusal.value.path == path
    assert says in str(refusal.value)


def test_anchors_and_merges_work() -> None:
    (document,) = load_documents("base: &base {a: 1, b: 2}\nmore: {<<: *base, b: 3}\n")
    assert document["more"] == {"a": 1, "b": 3}
    text = "first: &first {a: 1}\nsecond: &second {<<: *first, b: 2}\nmore: [{<<: *second, b: 3}, {<<: *second}]\n"
    (document,) = load_documents(text)
    assert document["second"] == {"a": 1, "b": 2}
    assert document["more"] == [{"a": 1, "b": 3}, {"a": 1, "b": 2}]


def test_a_file_of_many_documents_is_read_in_a_moment() -> None:
    text = (
        "---\nkind: Binder\nmetadata: {name: purchases, namespace: acme}\nspec: {company: Acme, storage: {}}\n" * 2000
    )
    began = time.process_time()
    assert len(load_documents(text)) == 2000
    assert time.process_time() - began < 1.5
