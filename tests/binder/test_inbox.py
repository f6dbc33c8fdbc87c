"""What data entry sees, and how it says that it is done."""

from __future__ import annotations

import hashlib
import random
import tracemalloc
from datetime import timedelta

import pytest
from binder_documents import DAY, document_id

from bannette.binder import KnownIds, part_id
from bannette.errors import PersonNeeded


def test_the_inbox_lists_what_is_collected_oldest_first(binder, document):
    later = binder.commit(document("item-2", b"2", collected_at=DAY + timedelta(days=1))).record
    earlier = binder.commit(document("item-1", b"1")).record
    assert [entry.record for entry in binder.inbox()] == [earlier, later]


def test_an_entry_without_a_record_is_not_shown(binder, store):
    store.put(f"inbox/20261124-{document_id('item-1')}.json", b"{}")
    assert list(binder.inbox()) == []


def test_a_damaged_record_or_report_is_told_and_hides_no_other(binder, folder, document, caplog):
    damaged = binder.commit(document("item-1", b"1")).record
    sound = binder.commit(document("item-2", b"2")).record
    (folder / f"records/{damaged.id[:2]}/{damaged.id}.json").write_bytes(b"")
    assert [entry.record for entry in binder.inbox()] == [sound]
    for run in ("1", "2"):
        binder.save_report("acme", "acme-onedrive", {"id": run, "startedAt": f"2026-11-24T10:00:0{run}Z"})
    next((folder / "runs/acme/acme-onedrive").glob("*-1.json")).write_text("garbage")
    assert [report["id"] for report in binder.reports()] == ["2"]
    assert caplog.text.count("binder.unreadable") == 2


def test_what_is_done_leaves_the_inbox_and_stays_collected(binder, folder, document):
    record = binder.commit(document()).record
    binder.mark_done(record.id)
    binder.mark_done(record.id)
    assert list(binder.inbox()) == []
    assert not (folder / record.inbox_key).exists()
    assert (folder / f"processed/{record.id}.json").exists()
    assert binder.has(record.id)
    assert (folder / record.files["original"]).exists()


def test_a_done_document_stays_away_when_its_entry_comes_back(binder, store, document):
    record = binder.commit(document()).record
    binder.mark_done(record.id)
    store.put(record.inbox_key, b"{}")
    assert list(binder.inbox()) == []


def test_two_entries_of_one_document_are_shown_once(binder, store, document):
    record = binder.commit(document()).record
    store.put(f"inbox/20261001-{record.id}.json", b"{}")
    assert [entry.record for entry in binder.inbox()] == [record]


def test_a_stray_file_in_the_inbox_is_nobodys_document(binder, store):
    store.put("inbox/.DS_Store", b"")
    store.put("inbox/notes.json", b"")
    assert list(binder.inbox()) == []


def test_a_document_is_found_by_the_beginning_of_its_id(binder, document):
    records = [binder.commit(document(f"item-{n}", b"%d" % n)).record for n in range(40)]
    for record in records:
        unique = next(n for n in range(1, 33) if sum(r.id.startswith(record.id[:n]) for r in records) == 1)
        assert binder.record(record.id[:unique]) == binder.record(record.id.upper()) == record


def test_an_ambiguous_beginning_is_refused_with_the_matches(binder, document):
    ids = sorted(binder.commit(document(f"item-{n}", b"%d" % n)).record.id for n in range(17))
    first = next(id_[0] for id_ in ids if sum(other[0] == id_[0] for other in ids) > 1)
    with pytest.raises(PersonNeeded, match=next(id_ for id_ in ids if id_[0] == first)) as caught:
        binder.record(first)
    assert caught.value.reason == "AmbiguousId"


@pytest.mark.parametrize("wanted", ["", "00", "0" * 32, "0" * 40, "facture", "../../etc/passwd"])
def test_an_unknown_id_is_refused(binder, document, wanted):
    binder.commit(document())
    with pytest.raises(PersonNeeded) as caught:
        binder.record(wanted)
    assert caught.value.reason == "NoSuchDocument"


def test_the_text_of_a_document_is_what_could_be_read(binder, document):
    with_text = binder.commit(document("item-1", b"1", derived={"text": "Été 42 €".encode()})).record
    without = binder.commit(document("item-2", b"2", derived={})).record
    assert binder.text(with_text.id) == "Été 42 €"
    assert binder.text(without.id) is None


def test_a_damaged_record_is_said_to_be_damaged(binder, store, document):
    record = binder.commit(document()).record
    store.put(record.key, b'{"schema": "bannette.io/record/v9"}')
    with pytest.raises(PersonNeeded) as caught:
        binder.record(record.id)
    assert caught.value.reason == "BinderUnreadable"


def test_known_ids_take_few_bytes_each():
    source = random.Random(1)
    ids = [f"{source.getrandbits(128):032x}" for _ in range(100_000)]
    tracemalloc.start()
    known = KnownIds(iter(ids + ids[:10]))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(known) == 100_000
    assert held < 20 * 100_000
    assert all(document in known for document in ids[::97])
    assert document_id("unknown") not in known


def test_a_part_of_a_mail_has_an_id_of_its_own():
    parent, sha = document_id("mail"), hashlib.sha256(b"part").hexdigest()
    assert part_id(parent, 0, sha) == hashlib.sha256(f"{parent}\n0\n{sha}".encode()).hexdigest()[:32]
    assert part_id(parent, 0, sha) != part_id(parent, 1, sha)


def test_what_is_done_by_mistake_is_put_back(binder, folder, document):
    record = binder.commit(document()).record
    binder.mark_done(record.id)
    assert binder.put_back(record.id) == binder.put_back(record.id) == record
    assert [entry.record for entry in binder.inbox()] == [record]
    assert not (folder / f"processed/{record.id}.json").exists()
    binder.mark_done(record.id)
    assert list(binder.inbox()) == []


def test_a_withheld_duplicate_is_never_put_into_the_inbox(binder, document):
    binder.commit(document("item-1", b"same"))
    repeated = binder.commit(document("item-2", b"same")).record
    with pytest.raises(PersonNeeded) as refusal:
        binder.put_back(repeated.id)
    assert refusal.value.reason == "NeverInInbox"
    assert len(binder.waiting()) == 1


def test_what_waits_is_named_newest_day_first_and_in_pages(binder, store, document):
    ids = {}
    for day in range(3):
        for part in range(2):
            item = f"{day}-{part}"
            at = DAY + timedelta(days=day)
            ids[item] = binder.commit(document(item, item.encode(), collected_at=at)).record.id
    binder.mark_done(ids["1-0"])
    store.put(f"inbox/20261201-{ids['0-0']}.json", b"{}")
    waiting = binder.waiting()
    assert len(waiting) == 5
    assert ids["0-0"] in waiting
    assert ids["1-0"] not in waiting
    names = waiting.newest(limit=10)
    assert [name[:8] for name in names] == ["20261126", "20261126", "20261125", "20261124", "20261124"]
    assert {name[9:] for name in names} == set(ids.values()) - {ids["1-0"]}
    assert waiting.newest(below=names[1], limit=2) == names[2:4]
    # A document that is done meanwhile is no place to lose one's way at.
    assert waiting.newest(below=f"20261125-{ids['1-0']}", limit=9) in (names[2:], names[3:])
    assert waiting.newest(below=names[-1], limit=2) == []
