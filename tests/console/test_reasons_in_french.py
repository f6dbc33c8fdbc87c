"""French pages say in French what the operator, runs and Microsoft say in English, and keep that as a detail."""

from __future__ import annotations

import pytest
from lxml import html

from tests.connect.office import wait_until
from tests.console.desk import NAME, Company, browser_at, signed_in
from tests.console.test_channel_pages import condition, entry

pytestmark = pytest.mark.apiserver

LOST = "Microsoft refuses the tokens: sign in <again>."
MISSING = 'Folder "/Factures" isn\'t there.'
FAILED = entry(5, "Failed", "Manual", reason="FolderNotFound", message=MISSING, request="A")
SAID = {
    "Connected": "Microsoft n’accepte plus la connexion\u00a0: il faut se connecter de nouveau.",
    "Run": "Le dossier n’est pas dans le OneDrive\u00a0: corrigez-le, ou faites-le créer par le client.",
}


@pytest.fixture(scope="module")
def told(cluster) -> Company:
    """A company with a channel that has lost its connection, and one whose last run failed."""
    made = Company(cluster)
    lost = condition("Connected", "False", "ConnectionLost", LOST)
    check = {"request": "C", "startedAt": "2026-11-24T10:00:00Z", "outcome": "Lost"}
    made.says(
        {
            "conditions": [lost],
            "connection": {"lastHandledCheck": "C"},
            "pages": {"check": {**check, "reason": "ConnectionLost", "message": LOST}},
        }
    )
    made.channel("beta")
    well = [condition("Ready", "True", "Scheduled", "Every day."), condition("Connected", "True", "SignedIn", "So.")]
    made.says({"conditions": well, "history": [FAILED], "lastRun": FAILED}, "beta")
    made.channel("gamma", suspend=True)
    made.cluster.request(
        "PATCH",
        made.path("collectionchannels", "gamma"),
        {"metadata": {"annotations": {"bannette.io/requestedAt": "B"}}},
        content_type="application/merge-patch+json",
    )
    held = "Suspended: the request B waits for the end of that."
    made.says({"conditions": [condition("Ready", "False", "Suspended", held)]}, "gamma")
    return made


@pytest.fixture
def french(told, cluster, port):
    browser = browser_at(cluster, port, language="fr")
    signed_in(browser, told.token("runner"))
    return browser


def split(page) -> tuple[str, str]:
    """Return what a page says in its own language, and what it marks as English."""
    root = html.document_fromstring(page.body)
    assert root.get("lang") == "fr"
    english = []
    for element in root.xpath("//body//*[@lang='en']"):
        english.append(element.text_content())
        element.drop_tree()
    return " ".join(root.text_content().split(" ")), "\n".join(english)


@pytest.mark.parametrize(
    ("name", "page", "sentence", "original"),
    [
        (NAME, "", SAID["Connected"], LOST),
        (NAME, "/check?request=C", SAID["Connected"], LOST),
        ("beta", "", f"La dernière collecte a échoué. {SAID['Run']}", MISSING),
        ("beta", "/history", SAID["Run"], MISSING),
        ("beta", "/run/progress?request=A", SAID["Run"], MISSING),
        ("gamma", "/run/progress?request=B", "Le canal est suspendu\u00a0: rien n’est collecté", "waits for the end"),
    ],
)
def test_a_page_says_it_in_french_and_keeps_the_original(french, told, name, page, sentence, original):
    answer = french.open(told.url(name, page))
    assert "data-refresh" not in answer.body or "<details" not in answer.body, "what is opened closes at the next look"
    ours, theirs = split(answer)
    assert sentence in ours
    assert original in theirs
    assert original not in ours


def test_the_list_says_it_in_french(french, told):
    def said() -> str:
        return split(french.open(f"/console/channels?namespace={told.namespace}"))[0]

    wait_until(lambda: SAID["Connected"] in said(), "the state of the channel is seen")
    wait_until(lambda: f"La dernière collecte a échoué. {SAID['Run']}" in said(), "that of the other is seen")
    assert "Microsoft refuses" not in said()


def test_a_channel_that_was_changed_since_its_run_failed_says_so(french, told):
    told.channel("delta")
    told.says(
        {"conditions": [condition("Ready", "True", "Scheduled", "")], "lastRun": FAILED | {"generation": 1}}, "delta"
    )
    told.cluster.request(
        "PATCH",
        told.path("collectionchannels", "delta"),
        {"spec": {"onedrive": {"folder": "/Autres"}}},
        content_type="application/merge-patch+json",
    )
    ours, _ = split(french.open(told.url("delta")))
    assert "et le canal ou la connexion de son compte a changé depuis\u00a0: demandez une collecte." in ours


def test_an_english_page_says_it_once(told, cluster, port):
    browser = browser_at(cluster, port, language="en")
    signed_in(browser, told.token("runner"))
    page = browser.open(told.url("beta", "/history"))
    assert page.text.count("isn't there") == 1
    assert "<details" not in page.body
