from __future__ import annotations

import pytest

DELTA = "/v1.0/me/drive/root/delta"


def names(items) -> list[str]:
    return [item.get("name", "?") for item in items]


def test_a_first_walk_lists_parents_before_children(simulator, graph) -> None:
    for number in range(450):
        simulator.control.create(f"/f{number % 7}/g{number % 3}/{number}.pdf")
    items, _ = graph.walk()
    seen = set()
    for item in items:
        assert item["parentReference"].get("id") in seen or "root" in item
        assert "path" not in item["parentReference"]
        seen.add(item["id"])
    assert len(seen) == len(items) == 1 + 7 + 21 + 450


def test_pages_hold_200_items_or_as_many_as_asked_for(simulator, graph) -> None:
    for number in range(250):
        simulator.control.create(f"/{number}.pdf")
    page = graph.get(DELTA)
    assert len(page["value"]) == 200
    assert "@odata.deltaLink" not in page
    assert len(graph.get(page["@odata.nextLink"])["value"]) == 51
    page = graph.get(f"{DELTA}?%24top=10")
    assert len(page["value"]) == 10
    assert len(graph.get(page["@odata.nextLink"])["value"]) == 10


def test_a_quiet_day_is_one_empty_page(simulator, graph) -> None:
    simulator.control.create("/a.pdf")
    _, link = graph.walk()
    page = graph.get(link)
    assert page["value"] == []
    assert "@odata.deltaLink" in page


def test_latest_skips_what_exists(simulator, graph) -> None:
    simulator.control.create("/a.pdf")
    page = graph.get(f"{DELTA}?token=latest")
    assert page["value"] == []
    simulator.control.create("/b.pdf")
    assert names(graph.walk(page["@odata.deltaLink"])[0]) == ["root", "b.pdf"]


def test_a_change_comes_with_its_parents_up_to_the_root(simulator, graph) -> None:
    simulator.control.create("/a/b/c.pdf")
    simulator.control.create("/a/other.pdf")
    _, link = graph.walk()
    simulator.control.edit("/a/b/c.pdf", "new")
    assert names(graph.walk(link)[0]) == ["root", "a", "b", "c.pdf"]


@pytest.mark.parametrize("how", ["rename", "move"])
def test_a_folder_that_is_renamed_or_moved_is_reported_alone(simulator, graph, how: str) -> None:
    simulator.control.create("/a/b/c.pdf")
    simulator.control.folder("/elsewhere")
    _, link = graph.walk()
    if how == "rename":
        simulator.control.rename("/a", "z")
        assert names(graph.walk(link)[0]) == ["root", "z"]
        assert graph.get("/v1.0/me/drive/root:/z/b/c.pdf")["name"] == "c.pdf"
    else:
        simulator.control.move("/a", "/elsewhere")
        assert names(graph.walk(link)[0]) == ["root", "elsewhere", "a"]


def test_several_changes_of_an_item_show_its_last_state_once(simulator, graph) -> None:
    simulator.control.create("/a.pdf", "1")
    _, link = graph.walk()
    simulator.control.edit("/a.pdf", "22")
    simulator.control.rename("/a.pdf", "b.pdf")
    simulator.control.edit("/b.pdf", "333")
    items, _ = graph.walk(link)
    assert [(item["name"], item["size"]) for item in items] == [("root", 0), ("b.pdf", 3)]


def test_deleted_items_lose_their_names_in_work_drives(simulator, graph) -> None:
    created = simulator.control.create("/a/b.pdf")
    _, link = graph.walk()
    simulator.control.delete("/a")
    deleted = {item["id"]: item for item in graph.walk(link)[0] if "deleted" in item}
    assert len(deleted) == 2
    assert created["id"] in deleted
    assert all("name" not in item and "cTag" not in item for item in deleted.values())


def test_created_and_deleted_between_two_walks_is_reported_deleted(simulator, graph) -> None:
    _, link = graph.walk()
    created = simulator.control.create("/a.pdf")
    simulator.control.delete("/a.pdf")
    items, _ = graph.walk(link)
    assert [item["id"] for item in items if "deleted" in item] == [created["id"]]


def test_what_changes_during_a_first_walk_comes_at_its_end(simulator, graph) -> None:
    for number in range(250):
        simulator.control.create(f"/{number}.pdf")
    page = graph.get(DELTA)
    simulator.control.create("/late.pdf")
    simulator.control.edit("/0.pdf", "changed")
    simulator.control.delete("/249.pdf")
    items, link = graph.walk(page["@odata.nextLink"])
    assert names(items)[-4:] == ["root", "late.pdf", "0.pdf", "?"]
    assert names(items).count("249.pdf") == 0
    assert graph.get(link)["value"] == []


def test_a_restored_item_has_its_old_id_and_a_reuploaded_one_a_new_one(simulator, graph) -> None:
    first = simulator.control.create("/a.pdf", "same")
    simulator.control.delete("/a.pdf")
    _, link = graph.walk()
    assert simulator.control.restore(str(first["id"]))["id"] == first["id"]
    assert [item["id"] for item in graph.walk(link)[0]][-1] == first["id"]
    second = simulator.control.reupload("/a.pdf")
    assert second["id"] != first["id"]
    assert second["size"] == first["size"]


@pytest.mark.parametrize("token", ["nonsense", "D", "DAAAAAAAAAAAAAAAAAAAA", "D%C3%A9"])
def test_an_unknown_token_is_gone_with_a_way_to_start_again(simulator, graph, token: str) -> None:
    response = graph.send(f"{DELTA}?token={token}")
    assert response.status_code == 410
    assert response.json()["error"]["code"] == "resyncRequired"
    assert names(graph.walk(response.headers["Location"])[0]) == ["root"]


def test_expired_cursors_are_gone(simulator, graph) -> None:
    _, link = graph.walk()
    simulator.control.expire_cursors()
    assert graph.send(link).status_code == 410
    _, link = graph.walk()
    assert graph.send(link).status_code == 200


def test_the_feed_lags_while_it_is_held(simulator, graph) -> None:
    _, link = graph.walk()
    simulator.control.hold_feed()
    simulator.control.create("/a.pdf")
    items, link = graph.walk(link)
    assert items == []
    assert names(graph.walk()[0]) == ["root"]
    simulator.control.release_feed()
    assert names(graph.walk(link)[0]) == ["root", "a.pdf"]


@pytest.mark.parametrize("style", ["query", "function", "named"])
def test_links_of_every_style_lead_on_if_they_are_sent_as_they_are(simulator, graph, style: str) -> None:
    simulator.control.settings(link_style=style, page_size=2)
    for number in range(5):
        simulator.control.create(f"/{number}.pdf")
    items, link = graph.walk(f"{DELTA}?$select=id,name,content.downloadUrl")
    assert names(items) == ["root", "0.pdf", "1.pdf", "2.pdf", "3.pdf", "4.pdf"]
    assert all(set(item) <= {"id", "name", "@microsoft.graph.downloadUrl"} for item in items)
    assert graph.get(link)["value"] == []
    if style == "function":
        assert len(link) > 4000
        assert graph.send(link.replace("%7e", "~")).status_code == 410


def test_only_the_root_has_a_feed(simulator, graph) -> None:
    simulator.control.folder("/a")
    response = graph.send("/v1.0/me/drive/root:/a:/delta")
    assert (response.status_code, response.json()["error"]["code"]) == (501, "notSupported")


def test_clouds_without_delta_say_so(simulator, graph) -> None:
    simulator.control.settings(delta=False)
    assert graph.send(DELTA).status_code == 501


@pytest.mark.parametrize(
    ("select", "has_url"),
    [
        ("", True),
        ("?$select=id,content.downloadUrl", True),
        ("?$select=id,@content.downloadUrl", False),
        ("?$select=id", False),
    ],
)
def test_the_download_url_depends_on_how_it_is_selected(simulator, graph, select: str, has_url: bool) -> None:
    simulator.control.create("/a.pdf")
    items, _ = graph.walk(DELTA + select)
    assert ("@microsoft.graph.downloadUrl" in items[1]) is has_url
