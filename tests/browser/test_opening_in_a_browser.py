"""An inbox with pictures and an invoice, and one that isn't open yet, in a real browser."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from PIL import Image, ImageDraw
from reportlab.pdfgen.canvas import Canvas

from bannette.binder import Invoice, OcrFacts, OcrOutcome
from bannette.console import ConsoleSettings
from devcluster.processes import free_ports
from tests.browser.person import Person
from tests.connect.office import PUBLIC
from tests.console.conftest import api as api  # the fixtures
from tests.console.conftest import cluster as cluster
from tests.console.conftest import keys as keys
from tests.console.desk import browser_at, serving, signed_in
from tests.console.opened_inbox import settled
from tests.console.served import SETTINGS, Served
from tests.controller.cluster import eventually

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

_PICTURES_ARE_SHOWN = """() => {
    const all = [...document.querySelectorAll(".documents img")]
    return all.length > 0 && all.every(one => one.naturalWidth > 0)
}"""
TEXT = "Menuiserie Lefèvre et fils\nFacture 2026-118\n\nFenêtre en chêne, double vitrage\nNet à payer : 3 936,60 EUR"
INVOICE = Invoice(
    number="2026-118",
    date="2026-11-23",
    seller="Menuiserie Lefèvre",
    total="3936.60",
    currency="EUR",
    profile="EN 16931",
)
WORDS = {
    "en": {"sign_in": "Sign in", "done": "Mark as done", "back": "Put it back", "again": "Open it again"},
    "fr": {
        "sign_in": "Se connecter", "done": "Marquer comme saisi", "back": "L’y remettre", "again": "L’ouvrir à nouveau",
    },
}  # fmt: skip


def picture(text: str, form: str) -> bytes:
    drawn = Image.new("RGB", (226, 320), "white")
    ImageDraw.Draw(drawn).multiline_text((16, 24), text, fill="black")
    held = io.BytesIO()
    drawn.save(held, form)
    return held.getvalue()


def pdf(text: str) -> bytes:
    held = io.BytesIO()
    canvas = Canvas(held)
    canvas.drawString(72, 720, text)
    canvas.save()
    return held.getvalue()


@pytest.fixture(scope="module")
def port(api, keys) -> Iterator[int]:
    with serving(api, keys, SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def served(cluster, keys, tmp_path_factory) -> Served:
    made = Served(cluster, keys, tmp_path_factory.mktemp("inbox"))
    thumbnail = {"thumbnail": picture("Menuiserie Lefevre\nFacture 2026-118", "WEBP")}
    made.add("Note de frais.html", "Taxi 24 EUR", media_type="text/html", extension="html", content=b"<b>Taxi</b>",
             derived={"thumbnail": b""})  # fmt: skip
    made.add("Ticket.png", "Total 12,40", media_type="image/png", extension="png", content=picture("Ticket", "PNG"),
             derived={"thumbnail": picture("Ticket", "WEBP")})  # fmt: skip
    locked = OcrFacts(outcome=OcrOutcome.NEEDS_PASSWORD, reason="Encrypted", pages=3)
    made.add("Relevé bancaire.pdf", "", ocr=locked, content=pdf("x"), derived=thumbnail)
    made.add(
        "Facture 2026-118.pdf",
        TEXT,
        invoice=INVOICE,
        content=pdf("Facture"),
        derived={**thumbnail, "factur-x": b"<x/>"},
    )
    report = {
        "id": "run-1", "trigger": "Manual", "startedAt": "2026-11-24T04:30:00Z", "completedAt": "2026-11-24T04:30:41Z",
        "result": "PartiallySucceeded", "reason": "Deferred", "message": "2 documents can't be had yet.",
        "collected": 4,
    }  # fmt: skip
    made.store.save_report(made.company.namespace, "acme-onedrive", report)
    return made


@pytest.fixture
def console(front, port, new_person, served):
    """Opens a window at the inbox, signed in."""
    front.behind = [port]

    def open_console(locale: str, **options: object) -> Person:
        person: Person = new_person(locale=locale, **options)
        person.allowed = frozenset()
        person.open(f"{PUBLIC}/console/sign-in?next={served.url()}")
        person.page.locator("[name=token]").fill(served.company.token("clerk"))
        person.press(WORDS[locale]["sign_in"])
        return person

    return open_console


@pytest.fixture(scope="module")
def running(served, cluster, port) -> Iterator[Served]:
    browser = browser_at(cluster, port)
    signed_in(browser, served.company.token("clerk"), served.url())
    with served.reader():
        eventually(lambda: settled(browser.open(served.url())), "all is indexed")
        yield served


@pytest.mark.parametrize(("locale", "scheme"), [("en", "light"), ("fr", "dark")])
def test_every_page_of_an_inbox_can_be_read_by_everybody(running, console, locale, scheme):
    words, suffix = WORDS[locale], f"{locale}.{scheme}"
    person = console(locale, color_scheme=scheme)
    person.look(f"invoice-list.{suffix}")
    # They are loaded once somebody would see them.
    person.page.wait_for_function(_PICTURES_ARE_SHOWN)
    person.open(f"{PUBLIC}{running.url()}?q=fenetre")
    person.look(f"invoice-found.{suffix}")
    assert person.page.locator("mark").inner_text() == "Fenêtre"
    person.press("Facture 2026-118.pdf")
    person.look(f"invoice-document.{suffix}")
    person.press(words["done"])
    person.look(f"invoice-done.{suffix}")
    person.press(words["back"])
    assert person.heading == "Facture 2026-118.pdf"
    person.open(f"{PUBLIC}{running.url()}?type=image")
    person.press("Ticket.png")
    person.look(f"invoice-image.{suffix}")
    person.open(f"{PUBLIC}{running.url('/runs')}")
    person.look(f"invoice-runs.{suffix}")
    person.open(f"{PUBLIC}/console/inboxes")
    person.look(f"inboxes.{suffix}")
    assert person.wrong == []


def test_a_hostile_document_is_saved_and_never_opened(running, console):
    person = console("en")
    person.press("Note de frais.html")
    with person.page.expect_download() as saved:
        person.page.get_by_role("link", name="Save the original").click()
    assert saved.value.suggested_filename == "Note de frais.html"
    assert saved.value.path().read_bytes() == b"<b>Taxi</b>"
    assert person.heading == "Note de frais.html"


def test_a_page_looks_again_by_itself_until_the_inbox_is_open(cluster, api, keys, tmp_path, front, new_person):
    (its_own,) = free_ports(1)
    closed = Served(cluster, keys, tmp_path, port=its_own)
    closed.add("first.pdf", "text")
    with serving(api, keys, ConsoleSettings(inbox_port=its_own)) as behind:
        front.behind = [behind]
        person: Person = new_person(locale="en")
        person.allowed = frozenset()
        person.open(f"{PUBLIC}/console/sign-in?next={closed.url()}")
        person.page.locator("[name=token]").fill(closed.company.token("clerk"))
        person.press("Sign in")
        person.look("inbox-opening.en.light")
        closed.answers("Blocked", message='PersistentVolumeClaim "p" of namespace "acme" doesn\'t exist: create it.')
        person.page.get_by_text("can’t be opened yet").wait_for()
        person.look("inbox-blocked.en.light")
        with closed.reader():
            person.page.get_by_role("link", name="first.pdf").wait_for()
