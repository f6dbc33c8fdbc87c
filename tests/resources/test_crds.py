"""The CRDs and the Python side say the same, and every field is explained."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest

from bannette.resources import (
    GROUP,
    VERSION,
    ActiveRun,
    ChannelStatus,
    CheckOutcome,
    Checkpoint,
    Cloud,
    Condition,
    ConditionStatus,
    ConnectionCheck,
    ConnectionStatus,
    ConnectionVerdict,
    HistoryEntry,
    Locale,
    OcrLimits,
    OcrSettings,
    OnDuplicate,
    PagesStatus,
    RunResult,
    ScheduleStatus,
    SourceType,
    Trigger,
    rules,
)
from bannette.resources.channel import DEFAULT_HISTORY_LIMIT, MAX_HISTORY_LIMIT, MAX_REQUEST_LENGTH, CaBundle
from bannette.resources.history import MESSAGE_LENGTH
from bannette.resources.ocr import LEAST, MOST
from bannette.resources.schedule import DEFAULT_TIME_ZONE
from tests.resources.api import CRDS

AT = datetime(2026, 11, 24, 5, 30, tzinfo=UTC)
ENTRY = HistoryEntry(
    id="7d0f", trigger=Trigger.MANUAL, request="now", job="acme-onedrive-r-1", started_at=AT, completed_at=AT,
    result=RunResult.SUCCEEDED, reason="Collected", message="12 documents were collected.", collected=12,
    already_seen=3, duplicates=1, deferred=1, rejected=2, bytes=12_345, pages=31, requests=4, throttled=1, generation=3,
)  # fmt: skip
FULL_STATUS = ChannelStatus(
    observed_generation=3,
    conditions=(Condition("Ready", ConditionStatus.TRUE, "Scheduled", "Collects daily.", 3, AT),),
    schedule=ScheduleStatus("30 5 * * *", "Europe/Paris", AT),
    connection=ConnectionStatus("compta@acme.example", AT, "https://connect.example/acme", AT, "check", "leave"),
    last_handled_requested_at="now",
    active_run=ActiveRun("7d0f", Trigger.SCHEDULED, "acme-onedrive-1", AT, AT, 5, 4, 1),
    last_run=ENTRY,
    checkpoint=Checkpoint(revision=57, seen_items=1240, deferred_items=1, rejected_items=2, committed_at=AT),
    history=(ENTRY,),
    pages=PagesStatus(
        AT,
        ConnectionCheck("check", AT, CheckOutcome.LOST, "PasswordChanged", "The password was changed."),
        ConnectionVerdict(AT, holds=False, connection="c", reason="PasswordChanged", message="It was changed."),
    ),
)


def version(plural: str) -> dict[str, Any]:
    (only,) = CRDS[plural]["spec"]["versions"]
    assert isinstance(only, dict)
    return only


def schema(plural: str, path: str = "") -> dict[str, Any]:
    """Return the schema of the field at the dotted *path*; ``[]`` goes to a list's items."""
    found: dict[str, Any] = version(plural)["schema"]["openAPIV3Schema"]
    for part in filter(None, path.split(".")):
        found = found["properties"][part.removesuffix("[]")]
        found = found["items"] if part.endswith("[]") else found
    return found


def fields(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from fields(field, f"{path}.{name}".strip("."))
    for inner in ("items", "additionalProperties"):
        if inner in schema:
            yield from fields(schema[inner], f"{path}[]")


ALL_FIELDS = [(plural, path, field) for plural in CRDS for path, field in fields(schema(plural))]
ALL_RULES = [rule for _, _, field in ALL_FIELDS for rule in field.get("x-kubernetes-validations", [])]


@pytest.mark.parametrize(
    ("plural", "kind", "singular", "short"),
    [
        ("collectionchannels", "CollectionChannel", "collectionchannel", "cch"),
        ("binders", "Binder", "binder", "bnd"),
        ("recipients", "Recipient", "recipient", "rcp"),
    ],
)
def test_the_names_are_those_that_users_type(plural: str, kind: str, singular: str, short: str) -> None:
    crd = CRDS[plural]
    names = crd["spec"]["names"]
    assert crd["metadata"]["name"] == f"{plural}.{GROUP}"
    assert (crd["spec"]["group"], crd["spec"]["scope"], version(plural)["name"]) == (GROUP, "Namespaced", VERSION)
    assert (names["kind"], names["listKind"], names["singular"]) == (kind, f"{kind}List", singular)
    assert (names["shortNames"], names["categories"]) == ([short], ["bannette"])


def test_every_field_is_explained() -> None:
    unexplained = [
        f"{plural}:{path}"
        for plural, path, field in ALL_FIELDS
        if not path.startswith("metadata") and not re.fullmatch(r"[A-Z]\S*( \S+)+\.", field.get("description", ""))
    ]
    assert unexplained == []


def test_texts_and_lists_are_bounded() -> None:
    """CEL needs it, and etcd is glad of it."""
    unbounded = [
        f"{plural}:{path}"
        for plural, path, field in ALL_FIELDS
        if path not in ("apiVersion", "kind", "metadata.name")
        and (
            (field.get("type") == "string" and not {"maxLength", "enum", "format"} & field.keys())
            or (field.get("type") == "array" and "maxItems" not in field)
            or ("additionalProperties" in field and "maxProperties" not in field)
        )
    ]
    assert unbounded == []


def test_every_rule_has_a_message() -> None:
    assert [rule for rule in ALL_RULES if not rule.get("message", "").strip()] == []


# A binder in a folder is for files only: the API server doesn't know it. It gives uids itself.
IN_FILES_ONLY = {"PATH", "UID"}
SHARED_RULES = sorted({name for name, rule in vars(rules).items() if isinstance(rule, rules.Rule)} - IN_FILES_ONLY)


@pytest.mark.parametrize("name", SHARED_RULES)
def test_python_and_the_api_server_use_the_same_words(name: str) -> None:
    assert getattr(rules, name).message in {rule["message"] for rule in ALL_RULES}


@pytest.mark.parametrize(
    ("plural", "path", "kind", "default"),
    [
        ("collectionchannels", "spec.type", SourceType, None),
        ("collectionchannels", "spec.onedrive.cloud", Cloud, Cloud.GLOBAL),
        ("collectionchannels", "status.conditions[].status", ConditionStatus, None),
        ("collectionchannels", "status.activeRun.trigger", Trigger, None),
        ("collectionchannels", "status.lastRun.trigger", Trigger, None),
        ("collectionchannels", "status.lastRun.result", RunResult, None),
        ("collectionchannels", "status.pages.check.outcome", CheckOutcome, None),
        ("binders", "spec.onDuplicate", OnDuplicate, OnDuplicate.SKIP),
        ("recipients", "spec.locale", Locale, Locale.ENGLISH),
    ],
)
def test_the_choices_are_the_enumerations(plural: str, path: str, kind: type[StrEnum], default: StrEnum | None) -> None:
    field = schema(plural, path)
    assert field["enum"] == [choice.value for choice in kind]
    assert field.get("default") == default


def test_the_limits_are_the_constants() -> None:
    def bounds(path: str) -> tuple[int, int, int]:
        field = schema("collectionchannels", path)
        return field["minimum"], field["maximum"], field["default"]

    assert bounds("spec.historyLimit") == (1, MAX_HISTORY_LIMIT, DEFAULT_HISTORY_LIMIT)
    limits = schema("collectionchannels", "spec.ocr.limits")["properties"]
    for limit, field in zip(limits, dataclasses.fields(OcrLimits), strict=True):
        least_most_default = tuple(getattr(given, field.name) for given in (LEAST, MOST, OcrLimits()))
        assert bounds(f"spec.ocr.limits.{limit}") == least_most_default
    assert schema("collectionchannels", "status.history")["maxItems"] == MAX_HISTORY_LIMIT
    for path in ("status.history[].message", "status.lastRun.message", "status.conditions[].message"):
        assert schema("collectionchannels", path)["maxLength"] == MESSAGE_LENGTH
    for path in ("status.history[].request", "status.lastHandledRequestedAt"):
        assert schema("collectionchannels", path)["maxLength"] == MAX_REQUEST_LENGTH


def test_the_defaults_are_the_constants() -> None:
    assert schema("collectionchannels", "spec.schedule.timeZone")["default"] == DEFAULT_TIME_ZONE
    assert schema("collectionchannels", "spec.ocr.enabled")["default"] is OcrSettings().enabled
    assert schema("collectionchannels", "spec.ocr.languages")["default"] == list(OcrSettings().languages)
    assert schema("collectionchannels", "spec.collector.caBundle.key")["default"] == CaBundle("x").key
    assert schema("binders", "spec.events.caBundle.key")["default"] == CaBundle("x").key


def test_a_condition_of_a_binder_looks_like_one_of_a_channel() -> None:
    of_channel, of_binder = (schema(kind, "status.conditions[]") for kind in ("collectionchannels", "binders"))
    assert of_binder == of_channel


def test_the_status_has_the_fields_that_are_written() -> None:
    def assert_known(value: object, field: Mapping[str, Any]) -> None:
        if isinstance(value, Mapping):
            assert set(value) == set(field["properties"])
            for name, inner in value.items():
                assert_known(inner, field["properties"][name])
        elif isinstance(value, list):
            for inner in value:
                assert_known(inner, field["items"])

    assert_known(FULL_STATUS.to_dict(), schema("collectionchannels", "status"))


def test_the_last_run_is_an_entry_of_the_history() -> None:
    last_run, entry = schema("collectionchannels", "status.lastRun"), schema("collectionchannels", "status.history[]")
    assert {**last_run, "description": ""} == {**entry, "description": ""}


def test_the_history_is_atomic() -> None:
    assert schema("collectionchannels", "status.history")["x-kubernetes-list-type"] == "atomic"


def test_who_looks_sees_the_essential_and_wide_shows_the_rest() -> None:
    columns = version("collectionchannels")["additionalPrinterColumns"]
    narrow = [column["name"] for column in columns if not column.get("priority")]
    wide = [column["name"] for column in columns if column.get("priority")]
    assert narrow == ["Ready", "Connected", "Last Run", "Result", "New", "Total", "Next Run", "Age"]
    assert wide == ["Folder", "Binder", "Recipient", "Schedule", "Suspend", "Message"]


def test_columns_show_fields_that_exist() -> None:
    for plural in CRDS:
        for column in version(plural)["additionalPrinterColumns"]:
            path = re.sub(r"\[\?\([^)]*\)\]", "[]", column["jsonPath"]).strip(".")
            if not path.startswith("metadata"):
                assert schema(plural, path)["type"], column
