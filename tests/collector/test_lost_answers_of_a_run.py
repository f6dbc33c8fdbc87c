"""The API server stumbles over any one write of a run: its report is there once, and its documents are counted once."""

from __future__ import annotations

import pytest

from bannette.kube import ClusterApi
from tests.collector.test_in_cluster import NAMESPACE, Pod
from tests.collector.test_in_cluster import pod as pod  # the fixture
from tests.collector.test_in_cluster import server as server  # the fixture
from tests.connect.stumbles import FAULTS, Stumble, patience
from tests.controller.between import Between

pytestmark = pytest.mark.apiserver

WRITES = ["that it has begun", "its report", "the count"]


class Stumbling(Pod):
    """A run that reaches the API server at another address."""

    def __init__(self, url, server, simulator, folder, *, read):
        folder.mkdir()
        super().__init__(server, simulator, folder)
        self._url = url
        self._read = read

    @property
    def api(self):
        return ClusterApi(self._url, namespace=NAMESPACE, token=self.server.token, timeout=(10, self._read))


@pytest.mark.parametrize("fault", ["the answer is lost", "unavailable twice", "silent"])
@pytest.mark.parametrize("write", WRITES)
def test_a_run_is_reported_and_counted_once(request, pod, simulator, tmp_path, write, fault):
    simulator.control.create("/Invoices/a.txt", "alpha")
    with Between(pod.server) as between:
        between.fault = stumble = Stumble(WRITES.index(write) + 1, FAULTS[fault])
        ended = Stumbling(between.url, pod.server, simulator, tmp_path / "pod", read=patience(request)).collect()
    assert stumble.is_over
    assert ended.counts("result", "collected") == ("Succeeded", 1)
    status, binder = pod.shown(), pod.shown("binders", "purchases")
    assert [one["id"] for one in status["history"]] == ["run-1"]
    assert "activeRun" not in status
    assert (binder["documents"], binder["bytes"]) == (1, 5)
