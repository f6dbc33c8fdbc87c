"""The API server, a right or a key is away: pages say so, and sign-ins outlive it."""

from __future__ import annotations

import shutil

import pytest

from bannette.console import ConsoleSettings
from bannette.kube import ClusterApi
from devcluster.apiserver import ApiServer
from tests.connect.office import PUBLIC, wait_until
from tests.console.conftest import CRDS
from tests.console.desk import NAME, Company, browser_at, install_service, service_api, serving, signed_in
from tests.controller.cluster import Cluster
from tests.controller.people import install_rights_of_people

pytestmark = pytest.mark.apiserver


def test_pages_say_that_the_cluster_is_away_and_go_on_when_it_is_back(keys, tmp_path):
    with ApiServer() as server:
        server.install_crds(CRDS)
        cluster = Cluster(server, tmp_path / "audit.log")
        install_rights_of_people(cluster)
        install_service(cluster)
        company = Company(cluster)
        with serving(service_api(cluster, timeout=(5, 5)), keys) as port:
            browser = browser_at(cluster, port)
            signed_in(browser, company.token("viewer"))
            with server.paused("kube-apiserver"):
                away = browser.open(company.url())
            assert (away.status, away.heading) == (503, "Not available at the moment")
            assert away.headers["Retry-After"] == "10"
            wait_until(lambda: browser.open(company.url()).heading == NAME, "the API server has caught up")
            server.restart()
            wait_until(lambda: browser.open(company.url()).heading == NAME, "the console goes on")
            company.channel("after-the-restart")
            address = f"/console/channels?namespace={company.namespace}"
            wait_until(lambda: "after-the-restart" in browser.open(address).text, "the list is followed on")


def test_without_the_right_to_list_channels_the_list_is_said_to_be_away(company, cluster, api, keys):
    cluster.server.kubectl("-n", "default", "create", "serviceaccount", "powerless")
    powerless: ClusterApi = api.as_bearer(cluster.service_account_token("default", "powerless"))
    with serving(powerless, keys, ready=False) as port:
        browser = browser_at(cluster, port)
        page = signed_in(browser, company.token("viewer"))
        assert (page.status, page.heading) == (503, "Not available at the moment")
        # One channel is the person's own to read.
        assert browser.open(company.url()).heading == NAME


def test_without_keys_nothing_is_shown_and_the_log_says_why(company, cluster, api, keys, tmp_path, caplog):
    folder = tmp_path / "keys"
    folder.mkdir()
    with serving(api, folder) as port:
        browser = browser_at(cluster, port)
        page = browser.request("GET", f"{PUBLIC}{company.url()}")
        assert (page.status, page.body) == (503, "The console isn't set up.\n")
        assert "There is no key in" in caplog.text
        shutil.copytree(keys, folder, dirs_exist_ok=True)
        assert browser.open(company.url()).heading == "Sign in to the console"


def test_only_the_namespaces_that_the_service_serves_are_listed(company, cluster, api, keys):
    other = Company(cluster)
    cluster.server.kubectl(
        "create", "clusterrolebinding", "sees-all", "--clusterrole=bannette-viewer",
        f"--serviceaccount={other.namespace}:nobody",
    )  # fmt: skip
    company.wait_for_right(other.account("nobody"), "list", "collectionchannels")
    with serving(api, keys, ConsoleSettings(namespaces=(company.namespace, "not-there"))) as port:
        browser = browser_at(cluster, port)
        page = signed_in(browser, other.token("nobody"))
        assert company.namespace in page.text
        assert f"{other.namespace}<" not in page.body.partition("<table>")[2]


def test_a_channel_that_is_deleted_leaves_the_list(cluster, browser):
    firm = Company(cluster)
    signed_in(browser, firm.token("viewer"))
    wait_until(lambda: NAME in browser.open("/console/channels").text, "the channel is listed")
    firm.delete("collectionchannels", NAME)
    wait_until(lambda: NAME not in browser.open("/console/channels").text, "it is listed no more")
