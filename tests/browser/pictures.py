"""Make the pictures of the README: ``python -m tests.browser.pictures``.

An account is connected as in the tests, in a phone's window; then the company looks at channels and the inbox.
Pictures have few colours, so they are small.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Page, ViewportSize

from demo.front import Front
from devcluster.apiserver import ApiServer
from simulator.testing import running
from tests.browser.person import Person, browsing
from tests.collector.local_channel import LocalChannel
from tests.connect.conftest import CRDS
from tests.connect.office import NAMESPACE, PUBLIC, Office, serving
from tests.console.desk import Company, install_service, service_api
from tests.console.desk import serving as serving_console
from tests.console.served import SETTINGS, Served
from tests.controller.cluster import Cluster
from tests.controller.people import install_rights_of_people
from tests.node_packages import ROOT

IMAGES = ROOT / "docs" / "images"
MAIL = ROOT / "tests" / "notify" / "golden" / "connect.en.html"
_PHONE: ViewportSize = {"width": 400, "height": 760}
_ENTRY: ViewportSize = {"width": 1280, "height": 940}
_DESK: ViewportSize = {"width": 1280, "height": 640}
_COLOURS = 96


def take(page: Page, name: str) -> None:
    """Leave what the window shows in docs/images."""
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path, animations="disabled")
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    print(f"{path.name}  {path.stat().st_size / 1000:.0f} kB")


def connecting(person: Person, office: Office) -> None:
    """The way from the mail to the page that says that the account is connected."""
    page = person.page
    page.set_content(MAIL.read_text())
    take(page, "mail")
    person.open(office.link())
    take(page, "ask")
    person.press("Continue to Microsoft")
    person.press(office.simulator.user)
    take(page, "microsoft")
    person.press("Accept")
    take(page, "connected")


def busy_company(cluster: Cluster) -> Company:
    """Make a company with a channel that lost its connection, one that is collected every day, and one that waits."""
    company = Company(cluster)
    since = {"lastTransitionTime": "2026-11-24T10:00:00Z"}
    run = {
        "id": "1", "trigger": "Scheduled", "startedAt": "2026-11-24T04:30:00Z", "completedAt": "2026-11-24T04:30:41Z",
        "result": "Succeeded", "reason": "Collected", "message": "6 documents were collected.", "collected": 6,
    }  # fmt: skip
    lost = {
        "type": "Connected", "status": "False", "reason": "PasswordChanged", **since,
        "message": "The password was changed: the owner must sign in again.",
    }  # fmt: skip
    company.says({"conditions": [lost]})
    company.channel("beta", login_hint="comptes@beta.example")
    ready = {"type": "Ready", "status": "True", "reason": "Scheduled", "message": "Every day at 05:30.", **since}
    well = {
        "conditions": [ready],
        "lastRun": run,
        "history": [run],
        "schedule": {"nextRunTime": "2026-11-25T04:30:00Z"},
    }
    company.says({**well, "checkpoint": {"revision": 57, "seenItems": 1240}}, "beta")
    company.channel("gamma", login_hint="factures@gamma.example", suspend=True)
    return company


def console(page: Page, company: Company) -> None:
    """What the company's people see."""
    page.set_viewport_size(_DESK)
    page.goto(f"{PUBLIC}/console/")
    page.locator("[name=token]").fill(company.token("configurator"))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="beta").wait_for()
    take(page, "console")


def inbox(page: Page, served: Served) -> None:
    """What data entry sees: the simulator's documents, collected and read as a run does."""
    page.set_viewport_size(_ENTRY)
    # The page that waits for the reader looks again every few seconds, and its first answer reads all documents.
    page.set_default_timeout(240_000)
    page.context.clear_cookies()
    page.goto(f"{PUBLIC}/console/sign-in?next={served.url()}")
    page.locator("[name=token]").fill(served.company.token("clerk"))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("being opened").first.wait_for()
    with served.reader():
        page.get_by_role("link", name="Le Comptoir des Halles").wait_for()
        page.wait_for_load_state("networkidle")
        take(page, "inbox")


def collected(cluster: Cluster, office: Office, folder: Path) -> Served:
    """Collect all that the simulator has into the binder of a company."""
    folder.mkdir()
    channel = LocalChannel(folder, office.simulator)
    channel.write(onedrive={"folder": "/Factures"}, spec={"ocr": {"languages": ["fra", "eng"]}})
    ended = channel.command_ends()
    assert ended.code == 0, ended.stderr
    (folder / "served").mkdir()
    served = Served(cluster, office.keys, folder / "served")
    served.folder = channel.binder_folder
    return served


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    host = str(urlsplit(PUBLIC).hostname)
    with (
        tempfile.TemporaryDirectory() as folder,
        ApiServer(audit_log=Path(folder) / "audit.log") as server,
        running("samples") as simulator,
        Front(host, Path(folder), []).running() as front,
        browsing({host: front.port}) as browser,
    ):
        server.install_crds(CRDS)
        server.kubectl("create", "namespace", NAMESPACE)
        office = Office(server, simulator, Path(folder))
        office.open(locale="en", company="Acme")
        simulator.control.settings(person_says="ask")
        page = browser.new_page(ignore_https_errors=True, viewport=_PHONE)
        with serving(office) as port:
            front.behind = [port]
            connecting(Person(page, PUBLIC, frozenset({simulator.origin})), office)
        cluster = Cluster(server, Path(folder) / "audit.log")
        install_rights_of_people(cluster)
        install_service(cluster)
        company = busy_company(cluster)
        with serving_console(service_api(cluster), office.keys, SETTINGS) as port:
            front.behind = [port]
            console(page, company)
            inbox(page, collected(cluster, office, Path(folder) / "collected"))


if __name__ == "__main__":
    main()
