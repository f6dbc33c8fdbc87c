from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

import pytest

ODD_NAMES = [
    "a b.pdf",
    "a#b.pdf",
    "100%.pdf",
    "a+b.pdf",
    "l'été.pdf",
    unicodedata.normalize("NFD", "été.pdf"),
    "📎.pdf",
    "x" * 255,
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_items_are_found_by_paths_of_any_name(simulator, graph, name: str) -> None:
    created = simulator.control.create(f"/Été & co/{name}")
    path = quote(f"/Été & co/{name}")
    for url in (f"/v1.0/me/drive/root:{path}", f"/any/v2.0/me/drive/root:{path}:"):
        assert graph.get(url)["id"] == created["id"]


def test_items_are_found_below_another_item(simulator, graph) -> None:
    created = simulator.control.create("/a/b/c.pdf")
    folder = simulator.control.item("/a")["id"]
    for tail in (":/b/c.pdf", ":/b/c.pdf:", ":/B/C.PDF:"):
        assert graph.get(f"/v1.0/me/drive/items/{folder}{tail}")["id"] == created["id"]
    assert graph.get(f"/v1.0/me/drive/items/{folder}:/")["id"] == folder


def test_a_missing_item_is_not_found(simulator, graph) -> None:
    for url in ("root:/nothing", "items/01NOTHING", "items/root:/nothing:", "root:/nothing:/children"):
        response = graph.send(f"/v1.0/me/drive/{url}")
        assert (response.status_code, response.json()["error"]["code"]) == (404, "itemNotFound")


def test_children_come_in_pages_with_absolute_links(simulator, graph) -> None:
    for number in range(25):
        simulator.control.create(f"/a/{number}.pdf")
    page = graph.get("/v1.0/me/drive/root:/a:/children?$top=10&$select=id,name,parentReference")
    found = [item["name"] for item in page["value"]]
    assert page["value"][0]["parentReference"]["path"].endswith("/root:/a")
    while "@odata.nextLink" in page:
        assert page["@odata.nextLink"].startswith(simulator.origin)
        page = graph.get(page["@odata.nextLink"])
        found += [item["name"] for item in page["value"]]
    assert found == [f"{number}.pdf" for number in range(25)]


def test_the_root_has_no_parent(graph) -> None:
    root = graph.get("/v1.0/me/drive/root")
    assert root["root"] == {}
    assert "id" not in root["parentReference"]


def test_times_end_in_z_and_empty_files_have_no_hash(simulator, graph) -> None:
    simulator.control.create("/a.pdf", b"", at=1_700_000_000.25)
    item = graph.get("/v1.0/me/drive/root:/a.pdf")
    assert item["lastModifiedDateTime"] == "2023-11-14T22:13:20.25Z"
    assert item["file"]["hashes"] == {}


def test_an_edit_changes_both_tags_and_a_rename_only_the_first(simulator, graph) -> None:
    simulator.control.create("/a.pdf", "1")
    first = graph.get("/v1.0/me/drive/root:/a.pdf")
    simulator.control.rename("/a.pdf", "b.pdf")
    second = graph.get("/v1.0/me/drive/root:/b.pdf")
    simulator.control.edit("/b.pdf", "2")
    third = graph.get("/v1.0/me/drive/root:/b.pdf")
    assert len({item["eTag"] for item in (first, second, third)}) == 3
    assert first["cTag"] == second["cTag"] != third["cTag"]


def test_notebooks_and_shortcuts_are_no_files(simulator, graph) -> None:
    simulator.control.create("/Notes", facets={"package": {"type": "oneNote"}})
    simulator.control.create("/Shared", facets={"remoteItem": {"id": "01X", "parentReference": {"driveId": "b!other"}}})
    for name in ("Notes", "Shared"):
        item = graph.get(f"/v1.0/me/drive/root:/{name}")
        assert "file" not in item
        assert "folder" not in item
        assert graph.send(f"/v1.0/me/drive/root:/{name}:/content").status_code == 400


def test_drives_are_found_by_user_and_by_id(simulator, graph) -> None:
    simulator.control.person("Ext_fournisseur.example#EXT#@acme.example")
    simulator.control.person("nobody@acme.example", with_drive=False)
    application = {"Authorization": f"Bearer {application_token(simulator, graph)}"}
    own = graph.get("/v1.0/me/drive")["id"]
    for url in (f"/v1.0/users/{simulator.user.upper()}/drive", f"/v1.0/drives/{own}", f"/v1.0/drives/{quote(own, '')}"):
        assert graph.send(url, headers=application).json()["id"] == own
    guest = graph.send("/v1.0/users/ext_fournisseur.example%23EXT%23@acme.example/drive", headers=application)
    assert guest.json()["id"] not in {own, None}
    answers = {
        "/v1.0/users/nobody@acme.example/drive": 404,
        "/v1.0/users/unknown@acme.example/drive": 404,
        f"/v1.0/drives/{own.swapcase()}": 404,
        "/v1.0/me/drive": 400,
    }
    assert {url: graph.send(url, headers=application).status_code for url in answers} == answers
    assert graph.send(f"/v1.0/drives/{guest.json()['id']}").status_code == 403


def test_personal_ids_are_spelled_in_several_ways(simulator, graph) -> None:
    drive = simulator.control.person("marie@outlook.example", flavour="personal")["drive"]
    graph.token = simulator.control.sign_in(user="marie@outlook.example")["access_token"]
    simulator.control.create("/a.pdf", drive=drive)
    spellings = set()
    for case in ("mixed", "lower", "upper", "short"):
        simulator.control.settings(drive_case=case)
        items, _ = graph.walk()
        shown = graph.get("/v1.0/me/drive")["id"]
        assert shown.lower().rjust(16, "0") == drive
        assert graph.get(f"/v1.0/drives/{shown}/items/{items[1]['id']}")["name"] == "a.pdf"
        spellings.add((shown, items[1]["id"]))
    assert len(spellings) == 4
    assert items[0]["id"].endswith("!sea8cc6beffdb43d7976fbc7da445c639")


def test_requests_without_a_token_are_refused(simulator, graph) -> None:
    for header in ({}, {"Authorization": "Bearer wrong"}):
        response = graph.send("/v1.0/me/drive", token=False, headers=header)
        assert response.status_code == 401
        assert "expired_token" in response.headers["WWW-Authenticate"]
    simulator.control.advance(3600)
    assert graph.send("/v1.0/me/drive").status_code == 401


def test_what_isnt_there_says_so(graph) -> None:
    assert graph.send("/v1.0/me/messages").status_code == 404
    assert re.match(r"[0-9a-f-]{36}$", graph.send("/v1.0/me/drive").headers["request-id"])


def application_token(simulator, graph) -> str:
    form = {
        "client_id": simulator.client_id,
        "client_secret": simulator.client_secret,
        "grant_type": "client_credentials",
        "scope": "https://graph.microsoft.com/.default",
    }
    answer = graph.send(f"/{simulator.tenant_id}/oauth2/v2.0/token", method="POST", token=False, data=form)
    return answer.json()["access_token"]
