"""What exists is told of once, and then each change; whatever happens to the connection, nothing is missed."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bannette.kube import Change, ClusterApi, What, follow
from devcluster.apiserver import ApiServer
from tests.kube.conftest import Answer, ScriptedServer
from tests.resources.api import ROOT, Api, collection
from tests.resources.samples import RECIPIENT, variant

# Who follows waits up to a minute between two attempts.
SECONDS = 200.0


class Follower:
    """Follows recipients in a thread, and keeps what exists by name."""

    def __init__(self, api: ClusterApi, *, limit: int = 500) -> None:
        self.existing: dict[str, Mapping[str, object]] = {}
        self.told: list[tuple[What, str]] = []
        self._changes: queue.Queue[Change] = queue.Queue()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(api, limit), daemon=True)
        self._thread.start()

    def _run(self, api: ClusterApi, limit: int) -> None:
        for change in follow(api, "recipients", stopped=self._stopped, limit=limit):
            self._changes.put(change)

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not holds():
            change = self._changes.get(timeout=max(deadline - time.monotonic(), 0.01))
            metadata = change.body["metadata"]
            assert isinstance(metadata, Mapping)
            name = str(metadata.get("name", ""))
            self.told.append((change.what, name))
            if change.what is What.PRESENT:
                self.existing[name] = change.body
            elif change.what is What.GONE:
                self.existing.pop(name, None)

    def until_listed(self, times: int = 1) -> None:
        self.until(lambda: [what for what, _ in self.told].count(What.LISTED) == times)

    def stop(self) -> None:
        self._stopped.set()

    def join(self) -> bool:
        self._thread.join(SECONDS)
        return not self._thread.is_alive()


@pytest.fixture(scope="module")
def cluster() -> Iterator[ApiServer]:
    with ApiServer() as running:
        running.install_crds(ROOT / "crds")
        for namespace in ("acme", "bolt"):
            running.kubectl("create", "namespace", namespace)
        yield running


@pytest.fixture
def people(cluster: ApiServer) -> Iterator[Api]:
    api = Api(cluster)
    yield api
    for namespace in ("acme", "bolt"):
        api.call("DELETE", collection("recipients").replace("acme", namespace))


def reached(cluster: ApiServer, namespace: str = "") -> ClusterApi:
    return ClusterApi(cluster.url, namespace=namespace, token=cluster.token, ca=cluster.ca_file.read_text())


def create(people: Api, *names: str, namespace: str = "acme") -> None:
    for name in names:
        body = variant(RECIPIENT, {"metadata.name": name, "metadata.namespace": namespace})
        path = collection("recipients").replace("acme", namespace)
        assert people.call("POST", path, body).ok


@pytest.mark.apiserver
def test_a_list_in_chunks_and_then_each_change(cluster: ApiServer, people: Api) -> None:
    create(people, *(f"r{number}" for number in range(7)))
    create(people, "elsewhere", namespace="bolt")
    follower = Follower(reached(cluster), limit=3)
    follower.until_listed()
    assert set(follower.existing) == {*(f"r{number}" for number in range(7)), "elsewhere"}
    create(people, "late")
    follower.until(lambda: "late" in follower.existing)
    path = f"{collection('recipients')}/late"
    patch = {"spec": {"displayName": "Later"}}
    people.call("PATCH", path, patch, headers={"Content-Type": "application/merge-patch+json"})
    follower.until(lambda: follower.existing["late"]["spec"]["displayName"] == "Later")  # type: ignore[index]
    people.call("DELETE", path)
    follower.until(lambda: "late" not in follower.existing)
    follower.stop()


@pytest.mark.apiserver
def test_what_is_made_after_the_cluster_was_restored_is_told_of(tmp_path: Path) -> None:
    with ApiServer() as cluster:
        cluster.install_crds(ROOT / "crds")
        cluster.kubectl("create", "namespace", "acme")
        people = Api(cluster)
        follower = Follower(reached(cluster))
        follower.until_listed()
        cluster.save(tmp_path / "backup")
        # Versions that the restored server comes to much later.
        create(people, *(f"lost-{number}" for number in range(30)))
        follower.until(lambda: len(follower.existing) == 30)
        cluster.restore(tmp_path / "backup")
        create(people, "after")
        follower.until(lambda: set(follower.existing) == {"after"})
        follower.stop()


@pytest.mark.apiserver
def test_one_namespace_is_told_of_alone(cluster: ApiServer, people: Api) -> None:
    create(people, "elsewhere", namespace="bolt")
    create(people, "here")
    follower = Follower(reached(cluster, "acme"))
    follower.until_listed()
    assert set(follower.existing) == {"here"}
    create(people, "elsewhere-too", namespace="bolt")
    create(people, "here-too")
    follower.until(lambda: "here-too" in follower.existing)
    assert set(follower.existing) == {"here", "here-too"}
    follower.stop()


@pytest.mark.apiserver
def test_a_server_that_went_away_and_came_back_is_followed_on(cluster: ApiServer, people: Api) -> None:
    create(people, "before")
    follower = Follower(reached(cluster))
    follower.until_listed()
    cluster.restart()
    create(people, "after")
    follower.until(lambda: "after" in follower.existing)
    follower.stop()
    create(people, "last")
    assert follower.join(), "it followed after it was stopped"


def event(kind: str, name: str = "", version: str = "", **others: object) -> str:
    return json.dumps({"type": kind, "object": {"metadata": {"name": name, "resourceVersion": version}, **others}})


def listing(version: str, *names: str, after: str = "") -> Answer:
    items = [{"metadata": {"name": name, "namespace": "acme"}} for name in names]
    return Answer(body={"metadata": {"resourceVersion": version, "continue": after}, "items": items})


def query(server: ScriptedServer, number: int) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in server.requests[number].path.partition("?")[2].split("&"))
    return {name: value for name, _, value in pairs}


def test_a_watch_goes_on_from_the_last_version_that_was_told(server: ScriptedServer) -> None:
    server.answers = [
        listing("5", "one"),
        Answer(text=event("MODIFIED", "one", "6") + "\n" + event("BOOKMARK", version="9") + "\n"),
        Answer(text=event("ADDED", "two", "10") + "\n"),
        Answer(500),
    ]
    follower = Follower(ClusterApi(server.url, namespace="acme"))
    follower.until(lambda: "two" in follower.existing)
    follower.stop()
    assert [query(server, number)["resourceVersion"] for number in (1, 2)] == ["5", "9"]
    assert query(server, 1)["allowWatchBookmarks"] == "true"
    assert query(server, 1)["watch"] == "1"


@pytest.mark.parametrize(
    "too_old",
    [Answer(410), Answer(text=event("ERROR", code=410) + "\n")],
    ids=["as an answer", "within the watch"],
)
def test_a_version_that_is_too_old_starts_over_and_what_went_meanwhile_is_gone(
    server: ScriptedServer, too_old: Answer
) -> None:
    server.answers = [listing("5", "one", "two"), too_old, listing("50", "two", "three"), Answer(500)]
    follower = Follower(ClusterApi(server.url, namespace="acme"))
    follower.until_listed(2)
    follower.stop()
    assert set(follower.existing) == {"two", "three"}
    assert (What.GONE, "one") in follower.told


def test_an_api_server_that_takes_every_version_for_too_old_is_not_made_to_list_without_end(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers = [one for number in range(200) for one in (listing(str(number), "one"), Answer(410))]
    follower = Follower(ClusterApi(server.url, namespace="acme"))
    deadline = time.monotonic() + 3
    follower.until(lambda: time.monotonic() > deadline or len(server.requests) > 40)
    follower.stop()
    # Twice at once, then after half a second, a second, two, …
    assert len(server.requests) <= 12
    assert "watch.failed plural=recipients" in caplog.text


def test_a_place_in_a_list_that_is_too_old_starts_over(server: ScriptedServer) -> None:
    server.answers = [listing("5", "one", after="a=/&b"), Answer(410), listing("6", "two"), Answer(500)]
    follower = Follower(ClusterApi(server.url, namespace="acme"))
    follower.until_listed()
    follower.stop()
    assert server.requests[1].path.endswith("&continue=a%3D%2F%26b")
    assert (What.PRESENT, "two") in follower.told


@pytest.mark.parametrize(
    "broken",
    [
        Answer(500),
        Answer(403),
        Answer(text=event("ERROR", code=500) + "\n"),
        Answer(text='{"type": "MODI'),
        Answer(text="<html>a proxy's page</html>\n"),
        Answer(text="[]\n"),
        Answer(text='{"type": "ADDED"}\n'),
    ],
    ids=["refused", "forbidden", "an error", "cut", "a page", "a list", "half an event"],
)
def test_a_watch_that_breaks_is_taken_up_where_it_was(server: ScriptedServer, broken: Answer) -> None:
    present = listing("5", "one")
    server.answers = [present, broken, present, Answer(text=event("ADDED", "two", "6") + "\n"), Answer(500)]
    follower = Follower(ClusterApi(server.url, namespace="acme"))
    follower.until(lambda: "two" in follower.existing)
    follower.stop()
    assert query(server, 2) == {"limit": "1"}, "it looks whether versions went back"
    assert query(server, 3)["resourceVersion"] == "5"


def test_a_list_that_is_none_is_asked_for_again(server: ScriptedServer) -> None:
    server.answers = [Answer(text='["a proxy\'s"]'), listing("5", "one"), Answer(500)]
    follower = Follower(ClusterApi(server.url, namespace="acme"))
    follower.until_listed()
    follower.stop()
    assert set(follower.existing) == {"one"}


def test_rights_that_are_missing_are_told_and_asked_for_again(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers = [Answer(403), listing("5", "one"), Answer(500)]
    follower = Follower(ClusterApi(server.url, namespace="acme"))
    follower.until_listed()
    follower.stop()
    assert "watch.failed plural=recipients reason=Forbidden" in caplog.text
