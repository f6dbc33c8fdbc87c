from __future__ import annotations

import re

import pytest

from simulator.addresses import parse
from simulator.identifiers import Flavour, ItemIds, drive_id

NUMBERS = [0, 1, 2, 31, 1000, 123_456, 10**9]


@pytest.mark.parametrize("flavour", list(Flavour))
def test_an_id_leads_back_to_its_item(flavour: Flavour) -> None:
    ids = ItemIds(flavour, drive_id(flavour, "compta@acme.example"))
    assert [ids.number(ids.of(number)) for number in NUMBERS] == NUMBERS
    assert len({ids.of(number) for number in range(5000)}) == 5000


def test_ids_look_like_those_of_their_kind_of_drive() -> None:
    work, personal = drive_id(Flavour.WORK, "a@b"), drive_id(Flavour.PERSONAL, "a@b")
    assert re.fullmatch(r"b![A-Za-z0-9_-]{64}", work)
    assert re.fullmatch(r"0[0-9a-f]{15}", personal)
    assert re.fullmatch(r"01[A-Z2-7]{32}", ItemIds(Flavour.WORK, work).of(5))
    assert re.fullmatch(r"0[0-9A-F]{15}!s[0-9a-f]{32}", ItemIds(Flavour.PERSONAL, personal).of(5))
    assert ItemIds(Flavour.PERSONAL, personal).of(0).endswith("!sea8cc6beffdb43d7976fbc7da445c639")


def test_personal_ids_may_be_spelled_in_any_way_and_work_ids_in_one() -> None:
    personal = ItemIds(Flavour.PERSONAL, drive_id(Flavour.PERSONAL, "a@b"))
    own = personal.of(9)
    assert [personal.number(text) for text in (own.lower(), own.upper(), own.removeprefix("0"))] == [9, 9, 9]
    work = ItemIds(Flavour.WORK, drive_id(Flavour.WORK, "a@b"))
    assert work.number(work.of(9).lower()) is None


ADDRESSES = [
    ("/v1.0/me/drive", {"me": True, "inside": False}),
    ("/v1.0/users/a%23EXT%23@b.example/drive", {"user": "a#EXT#@b.example", "inside": False}),
    ("/v1.0/drives/b%21Ab-c", {"drive": "b!Ab-c", "inside": False}),
    ("/x/v2.0/drives/b!Ab/root", {"drive": "b!Ab", "inside": True, "item": None, "action": ""}),
    ("/v1.0/me/drive/items/01AB", {"item": "01AB", "action": ""}),
    ("/v1.0/me/drive/items/AB%21s1/children", {"item": "AB!s1", "action": "children"}),
    ("/v1.0/me/drive/root:/a%20b/c%23.pdf", {"path": "/a b/c#.pdf", "action": ""}),
    ("/v1.0/me/drive/root:/a:/children", {"path": "/a", "action": "children"}),
    ("/v1.0/me/drive/root:/a:/content", {"path": "/a", "action": "content"}),
    ("/v1.0/me/drive/items/01AB:/leaf.pdf:", {"item": "01AB", "path": "/leaf.pdf", "action": ""}),
    ("/v1.0/me/drive/items/01AB:/leaf.pdf", {"item": "01AB", "path": "/leaf.pdf", "action": ""}),
    ("/v1.0/me/drive/items/01AB:/", {"item": "01AB", "path": "/", "action": ""}),
    ("/v1.0/me/drive/root/delta", {"action": "delta", "token": None}),
    ("/v1.0/me/drive/root/delta()", {"action": "delta", "token": None}),
    ("/v1.0/me/drive/root/delta(token='a%2ab')", {"action": "delta", "token": "a%2ab"}),
    (
        "/v1.0/drives('b!A')/items('01R')/microsoft.graph.delta(token='t')",
        {"drive": "b!A", "item": "01R", "token": "t"},
    ),
]


@pytest.mark.parametrize(("path", "expected"), ADDRESSES, ids=[path for path, _ in ADDRESSES])
def test_every_way_to_address_an_item_is_understood(path: str, expected: dict) -> None:
    address = parse(path)
    assert address is not None
    assert {name: getattr(address, name) for name in expected} == expected


@pytest.mark.parametrize("path", ["/", "/v1.0/me", "/v1.0/me/messages", "/healthz", "/common/oauth2/v2.0/token"])
def test_what_is_not_about_drives_is_no_address(path: str) -> None:
    assert parse(path) is None
