"""``bannette inbox search``: documents by their words, from an index that can be lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from bannette.binder import Binder, ChannelRef, Invoice, OcrFacts, OcrOutcome, StorePath, open_store
from bannette.binder.folder_store import FolderStore
from bannette.binder.text_index import TextIndex, Wanted
from bannette.errors import PersonNeeded
from tests.binder.binder_documents import DAY, document_id, make_document, open_binder, report_of_a_run
from tests.collector.local_channel import BANNETTE

TEXTS = {
    "lefèvre.pdf": "Menuiserie Lefèvre et fils\nNet à payer : 3936,60",
    "orange.pdf": "Orange SA\nFacturé le 24 novembre 2026, à payer avant le net",
    "note.txt": "Fenêtre en chêne",
}


@pytest.fixture
def binder(tmp_path):
    """A binder with three documents, of which the second is done, and the first is an electronic invoice."""
    folder = tmp_path / "binder"
    folder.mkdir()
    opened = open_binder(open_store(StorePath(folder)))
    for name, text in TEXTS.items():
        invoice = Invoice(number="F-2026/118", seller="LE FOURNISSEUR") if name.startswith("lef") else None
        add(tmp_path, opened, name, text, invoice=invoice)
    opened.save_report("acme", "acme-onedrive", report_of_a_run(collected=len(TEXTS)))
    done = next(entry.record.id for entry in opened.inbox() if entry.record.name == "orange.pdf")
    opened.mark_done(done)
    return folder


def add(tmp_path, opened, name, text, **changes):
    derived = {"text": text.encode()}
    new = make_document(tmp_path / "scratch", name, name.encode(), derived=derived, name=name, **changes)
    return opened.commit(new).record


@pytest.fixture
def search(tmp_path, binder):
    def run(*arguments):
        command = [BANNETTE, "inbox", "search", "--binder", str(binder), "--index", str(tmp_path / "index"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    return run


@pytest.fixture
def names(search):
    def found(*words):
        done = search("-o", "json", *words)
        assert done.returncode == 0, done.stderr
        return [one["name"] for one in json.loads(done.stdout)]

    return found


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["lefevre"], ["lefèvre.pdf"]),
        (["LEFÈVRE", "menuiserie"], ["lefèvre.pdf"]),
        (["net à payer"], ["lefèvre.pdf"]),
        (["fen*"], ["note.txt"]),
        (["fen"], []),
        (["F-2026/118"], ["lefèvre.pdf"]),
        (["fournisseur"], ["lefèvre.pdf"]),
        (["note"], ["note.txt"]),
        (["facture*", "--all"], ["lefèvre.pdf", "note.txt", "orange.pdf"]),
        (["orange"], []),
        (["orange", "--all"], ["orange.pdf"]),
        (["chêne", "lefèvre"], []),
        (['") OR text:("x', "--all"], []),
        (["3936,60"], ["lefèvre.pdf"]),
    ],
    ids=str,
)
def test_documents_are_found_by_their_words(names, words, expected):
    assert sorted(names(*words)) == expected


def test_an_excerpt_shows_where_the_words_are_and_no_text_is_logged(search):
    done = search("payer")
    assert "Net à payer : 3936,60" in done.stdout
    assert done.stderr == ""
    nothing = search("introuvable")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert nothing.stderr == (
        "No document in the inbox has all of these words; --all searches those that are done, too.\n"
    )


def test_what_came_is_found_and_what_is_gone_is_not(tmp_path, binder, names):
    assert names("nouveau") == []
    record = add(tmp_path, open_binder(open_store(StorePath(binder))), "d.txt", "Nouveau texte")
    assert names("nouveau") == ["d.txt"]
    (binder / record.key).unlink()
    assert names("nouveau") == []


def test_a_binder_that_is_made_anew_has_nothing_of_the_index_of_the_first(tmp_path, binder, names):
    assert names("fenêtre") == ["note.txt"]
    (first,) = (tmp_path / "index").iterdir()
    shutil.rmtree(binder)
    binder.mkdir()
    add(tmp_path, open_binder(open_store(StorePath(binder))), "note.txt", "Porte")
    assert names("fenêtre") == []
    assert names("porte") == ["note.txt"]
    (second,) = (tmp_path / "index").iterdir()
    assert second != first, "the texts of the first are still there"


def test_what_was_read_again_is_found_by_its_new_words(tmp_path, binder, names):
    assert names("fenêtre") == ["note.txt"]
    opened = open_binder(open_store(StorePath(binder)))
    note = next(record for record in opened.records() if record.name == "note.txt")
    for words in ("Porte", "Serrure"):
        (tmp_path / "document.txt").write_text(words)
        read = OcrFacts(outcome=OcrOutcome.RECOGNISED)
        opened.amend(note, files={"text": tmp_path / "document.txt"}, ocr=read, invoice=Invoice(number="A-9"))
        assert names(words) == names("A-9") == ["note.txt"]
    assert names("fenêtre") == names("porte") == []


def test_a_damaged_record_hides_no_other_document_and_is_found_once_it_is_mended(binder, names):
    opened = open_binder(open_store(StorePath(binder)))
    path = binder / next(record for record in opened.records() if record.name == "note.txt").key
    whole = path.read_bytes()
    path.write_bytes(b"{")
    assert names("note") == []
    assert names("lefevre") == ["lefèvre.pdf"]
    path.write_bytes(whole)
    assert names("note") == ["note.txt"]


def test_a_store_that_refuses_is_not_taken_for_an_empty_one(tmp_path, binder):
    class Refusing(FolderStore):
        def get(self, key):
            if key.startswith("records/"):
                raise PersonNeeded("No access.", reason="StoreAccessDenied")
            return super().get(key)

    index = TextIndex(tmp_path / "index")
    with pytest.raises(PersonNeeded, match="No access"):
        index.update(Binder(Refusing(binder), company="acme"), lambda done, total: None)
    index.close()


def test_the_index_is_for_its_user_alone(tmp_path, search):
    search("x")
    (file,) = (tmp_path / "index").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", [b"no database", b"SQLite format 3\0" + bytes(4080), b""])
def test_a_damaged_index_is_made_again(tmp_path, names, damage):
    assert names("lefevre") == ["lefèvre.pdf"]
    (file,) = (tmp_path / "index").iterdir()
    file.write_bytes(damage)
    assert names("lefevre") == ["lefèvre.pdf"]


def test_a_text_that_was_removed_hides_no_document(binder, names):
    for path in binder.rglob("document.txt"):
        path.unlink()
    assert names("lefevre") == ["lefèvre.pdf"]
    assert names("menuiserie") == []


def test_searches_at_once_find_the_same(names):
    with ThreadPoolExecutor(4) as several:
        assert list(several.map(lambda _: names("lefevre"), range(4))) == [["lefèvre.pdf"]] * 4


def test_an_index_that_another_search_made_meanwhile_is_used(tmp_path, binder):
    TextIndex(tmp_path / "index").close()
    with closing(sqlite3.connect(tmp_path / "index")) as file:
        # As whoever looked before it was made has seen it.
        file.execute("PRAGMA user_version = 0")
    index = TextIndex(tmp_path / "index")
    index.update(Binder.existing(open_store(StorePath(binder))), lambda done, total: None)
    assert [hit.record.name for hit in index.find(["lefevre"])] == ["lefèvre.pdf"]
    index.close()


@pytest.mark.parametrize(
    ("words", "said"), [(["?!", "…"], "no word to search for"), ([*map(str, range(51))], "51 words are too many")]
)
def test_what_cannot_be_searched_is_said(search, words, said):
    done = search(*words)
    assert done.returncode == 2
    assert said in done.stderr


def test_an_index_that_cannot_be_written_is_named(tmp_path, binder):
    (tmp_path / "file").touch()
    command = [BANNETTE, "inbox", "search", "--binder", str(binder), "--index", str(tmp_path / "file" / "x"), "a"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "--index" in done.stderr


def test_a_document_is_shown_with_what_is_known_of_its_reading(tmp_path, binder):
    facts = OcrFacts(
        outcome=OcrOutcome.RECOGNISED,
        engine="tesseract 5.3.0, ocrmypdf 17.13.0",
        languages=("fra", "eng"),
        pages=2,
        confidence=87.4,
        words=1187,
        unsure_words=6,
        rotation={2: 180},
    )
    invoice = Invoice(profile="BASIC", number="7", date="2026-01-31", seller="Lefèvre", total="12.40", currency="EUR")
    parent = "0" * 32
    opened = open_binder(open_store(StorePath(binder)))
    record = add(tmp_path, opened, "e.pdf", "texte", ocr=facts, invoice=invoice, parent=parent)
    command = [BANNETTE, "inbox", "show", "--binder", str(binder), record.id[:12]]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    for expected in (
        "tesseract 5.3.0, ocrmypdf 17.13.0",
        "fra, eng",
        "87 of 100, 6 of 1,187 words below 60",
        "page 2 by 180°",
        "7, 2026-01-31, Lefèvre, 12.40 EUR, BASIC",
        parent,
        "document.txt",
        "texte",
    ):
        assert expected in shown


@pytest.fixture
def index(tmp_path, binder):
    opened = open_binder(open_store(StorePath(binder)))
    for number in range(5):
        new = {"collected_at": DAY + timedelta(hours=number), "media_type": ("image/png", "text/plain")[number % 2]}
        add(
            tmp_path,
            opened,
            f"page {number}",
            f"Devis {number}",
            channel=replace(CHANNEL, name=f"c{number % 2}"),
            **new,
        )
    opened.mark_done(next(one.id for one in opened.records() if one.name == "page 4"))
    made = TextIndex(tmp_path / "pages.sqlite", beside_writer=True)
    made.update(opened, lambda done, total: None)
    yield made
    made.close()


CHANNEL = ChannelRef(namespace="acme", name="x", uid="u")
AFTER = DAY + timedelta(hours=2)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, "43210"),
        ({"waiting": True}, "3210"),
        ({"waiting": False}, "4"),
        ({"channel": "c1"}, "31"),
        ({"types": ["image/"]}, "420"),
        ({"types": ["text/plain", "image/png"]}, "43210"),
        ({"types": ["image"]}, ""),
        ({"since": AFTER}, "432"),
        ({"until": AFTER}, "10"),
        ({"waiting": True, "channel": "c0", "since": AFTER}, "2"),
        ({"terms": ["devis 1"], "waiting": True}, "1"),
        ({"terms": ["dev*"], "types": ["image/"], "until": AFTER}, "0"),
        ({"terms": ["devis 4"], "waiting": True}, ""),
    ],
    ids=str,
)
def test_pages_of_documents_are_the_newest_first_of_what_is_wanted(index, wanted, expected):
    wanted = Wanted(**{"terms": ["devis"], **wanted})
    hits = index.page(wanted, limit=10)
    assert "".join(hit.record.name[-1] for hit in hits) == expected
    paged, below = [], None
    while found := index.page(wanted, below=below, limit=2):
        paged += found
        below = found[-1].number
    assert paged == hits
    assert all(hit.waiting == (hit.record.name != "page 4") for hit in hits)


def test_pages_without_words_have_all_but_what_was_withheld(tmp_path, binder, index):
    opened = open_binder(open_store(StorePath(binder)))
    assert add(tmp_path, opened, "page 1", "Devis 1", id=document_id("twin")).withheld
    index.update(opened, lambda done, total: None)
    assert sum(1 for _ in opened.records()) == 9
    assert len(index.page(Wanted(), limit=20)) == 8
    assert index.channels() == ["acme-onedrive", "c0", "c1"]


def test_a_document_that_was_done_or_put_back_elsewhere_is_so_after_an_update(binder, index):
    opened = open_binder(open_store(StorePath(binder)))
    by_name = {record.name: record.id for record in opened.records()}
    opened.mark_done(by_name["page 1"])
    opened.put_back(by_name["page 4"])
    index.update(opened, lambda done, total: None)
    waiting = [hit.record.name for hit in index.page(Wanted(waiting=True, terms=["devis"]), limit=9)]
    assert waiting == ["page 4", "page 3", "page 2", "page 0"]
    index.note(by_name["page 2"], waiting=False)
    assert [hit.record.name for hit in index.page(Wanted(waiting=False, terms=["devis"]), limit=9)] == [
        "page 2",
        "page 1",
    ]
