"""The real command: restarted in the middle, twice behind one address, and silent about what it must not tell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bannette.connect import load_keys
from devcluster.binaries import program
from devcluster.processes import free_ports
from tests.connect.browser import Browser
from tests.connect.office import PUBLIC, Process, browser_of, kubectl_proxy, listens, wait_until
from tests.connect.test_wrong_links import forged, tampered
from tests.docs import fenced

pytestmark = pytest.mark.apiserver


def test_a_visit_survives_a_restart_of_the_service(office, tmp_path):
    office.open(locale="en")
    with kubectl_proxy(office.server) as proxy:
        with Process(office, proxy, tmp_path) as first:
            browser = browser_of(office, first.port)
            away = browser.stop_at(browser.open(office.link()), office.simulator.origin)
        assert first.code == 0
        back = browser.request("GET", away).headers["Location"]
        with Process(office, proxy, tmp_path) as second:
            browser = browser_of(office, second.port).with_cookies_of(browser)
            assert browser.open(back).heading == "Your OneDrive is connected"
    assert office.connection is not None


def test_two_replicas_behind_one_address_share_everything(office, tmp_path):
    office.open(locale="en")
    with (
        kubectl_proxy(office.server) as proxy,
        Process(office, proxy, tmp_path) as one,
        Process(office, proxy, tmp_path) as other,
    ):
        browser = browser_of(office, one.port, other.port)
        done = browser.send(browser.open(office.link()))
        assert done.heading == "Your OneDrive is connected"
        confirm = browser.open(next(link for link in done.parsed.links if "/disconnect" in link))
        assert browser.send(confirm).heading == "Your OneDrive is disconnected"
        again = browser.stop_at(browser.open(office.link()), office.simulator.origin)
        back = browser.request("GET", again).headers["Location"]
        made = []
        for at in (one.port, other.port):
            page = browser_of(office, at).with_cookies_of(browser).open(back)
            assert page.heading == "Your OneDrive is connected"
            made.append(office.connection)
        assert made[0] == made[1], "an answer was good twice"


def test_secrets_are_in_no_log_and_on_no_page(office, simulator, tmp_path):
    office.open(locale="en", company="Canary Company")
    with kubectl_proxy(office.server) as proxy, Process(office, proxy, tmp_path) as process:
        browser = browser_of(office, process.port)
        link = office.link()
        page = browser.open(link)
        form = page.parsed.forms[0].fields
        away = browser.stop_at(page, simulator.origin)
        (visit,) = office.pending.values()
        back = browser.request("GET", away).headers["Location"]
        cookies = list(browser.cookies.values())
        browser.open(back)
        browser.open(back)
        for spoilt in (tampered(link), forged(link), link.replace("/acme-onedrive", "/other")):
            browser.open(spoilt)
        simulator.control.settings(person_says="no")
        browser.open(f"/c/{link.partition('?t=')[2]}/secret-name")
        simulator.control.add_faults("sign-in unavailable")
        browser.send(page)
    connection = office.connection
    assert connection is not None
    kept = json.loads(connection.tokens)
    tokens = {one["secret"] for kind in ("AccessToken", "RefreshToken", "IdToken") for one in kept[kind].values()}
    assert len(tokens) == 3
    keys = {key.decode() for key in load_keys(office.keys).by_id.values()}
    flow = {visit["flow"]["code_verifier"], visit["flow"]["nonce"]}
    told = process.log.read_text()
    assert "connect.connected channel=acme/acme-onedrive" in told
    link_token, code = link.partition("?t=")[2], back.partition("code=")[2].partition("&")[0]
    for secret in {*tokens, *keys, *flow, *cookies, link_token, form["form"], code, visit["flow"]["state"]}:
        assert secret not in told
    for name in (simulator.user, "Canary Company", "/Factures", "secret-name"):
        assert name not in told
    ours = [seen for seen in browser.seen if seen.url.startswith(PUBLIC)]
    for secret in {*tokens, *keys, visit["flow"]["code_verifier"]}:
        assert not any(secret in seen.body or secret in seen.url for seen in browser.seen)
        assert not any(secret in str(seen.headers) for seen in browser.seen)
    assert not any(code in seen.body for seen in ours)


def test_what_the_page_shows_works(office, tmp_path):
    """The commands by which docs/connect.md starts the service, in their order, at ports of their own."""
    office.open(locale="en")
    port, proxy = free_ports(2)
    page = fenced.page(fenced.SOURCE / "docs/connect.md")
    commands = [one.text for one in page.of("Start it by hand")]
    script = "\n".join(["set -eu", *commands]).replace("8001", str(proxy))
    # The proxy takes a moment until it listens.
    script = script.replace("\nexport", f"\nuntil (: </dev/tcp/127.0.0.1/{proxy}) 2>/dev/null; do :; done\nexport", 1)
    environ = {
        **office.server.kubectl.environment(),
        **office.simulator.environment,
        "BANNETTE_CONNECT_ADDRESS": "127.0.0.1",
        "BANNETTE_CONNECT_PORT": str(port),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(program("kubectl").parent), os.environ["PATH"]]),
    }
    office.simulator.control.application(redirect_uris={"https://connect.example/callback": "public"})
    output = tmp_path / "output"
    with output.open("w") as file:
        shell = subprocess.Popen(
            ["bash", "-c", script], cwd=tmp_path, env=environ, stdout=file, stderr=file, start_new_session=True
        )
    try:
        wait_until(lambda: shell.poll() is not None or listens(port), "the service listens")
        link = next(line for line in output.read_text().splitlines() if line.startswith("https://connect.example/c/"))
        browser = Browser("https://connect.example", [port], ca_file=office.simulator.ca_file)
        assert browser.send(browser.open(link)).heading == "Your OneDrive is connected"
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        shell.wait(30)


@pytest.mark.parametrize("name", ["acme-onedrive", "acme/", "../acme/x", "acme/nothing"])
def test_a_link_is_made_for_a_channel_that_is_there(office, name):
    office.open()
    command = [str(Path(sys.executable).with_name("bannette")), "connect-service", "--link", name]
    with kubectl_proxy(office.server) as proxy:
        environ = {
            **os.environ,
            "BANNETTE_PUBLIC_URL": PUBLIC,
            "BANNETTE_CONNECT_KEYS": str(office.keys),
            "BANNETTE_API_URL": proxy,
        }
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert ("doesn't exist" if name == "acme/nothing" else "NAMESPACE/NAME") in done.stderr


WRONG = {
    "BANNETTE_PUBLIC_URL": ("http://connect.example", "https://connect.example/pages", ""),
    "BANNETTE_CONNECT_KEYS": ("", "/nowhere"),
    "BANNETTE_CONNECT_PORT": ("http", "70000"),
    "BANNETTE_CONNECT_METRICS_PORT": ("metrics", "70000", "8080"),
    "BANNETTE_AUTHORITY_URL": ("http://localhost:8443", "https://localhost:8443/common"),
    "BANNETTE_API_URL": ("http://10.0.0.1:8001", "https://127.0.0.1:8001"),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_setting_ends_the_process_with_its_name(tmp_path, name, value):
    (tmp_path / "key").write_text("k" * 40)
    environ = {
        **{key: kept for key, kept in os.environ.items() if not key.startswith(("BANNETTE_", "KUBERNETES_"))},
        "BANNETTE_PUBLIC_URL": PUBLIC,
        "BANNETTE_CONNECT_KEYS": str(tmp_path),
        "BANNETTE_API_URL": "http://127.0.0.1:8001",
        name: value,
    }
    command = [str(Path(sys.executable).with_name("bannette")), "connect-service"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, name in done.stderr) == (2, True), done.stderr


def test_a_key_that_is_too_short_is_refused(tmp_path):
    (tmp_path / "key").write_text("short")
    environ = {**os.environ, "BANNETTE_PUBLIC_URL": PUBLIC, "BANNETTE_CONNECT_KEYS": str(tmp_path)}
    command = [str(Path(sys.executable).with_name("bannette")), "connect-service"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert 'Key "key"' in done.stderr
