"""Who asks for the head of a file is told what is known of it, and the file isn't read."""

from __future__ import annotations

import os

from bannette.binder import Record
from bannette.binder.layout import record_key

PDF = b"%PDF-1.7 " + bytes(1000)
# Nobody reads so much while a test waits.
HUGE = 1 << 42


def test_the_head_of_a_file_says_what_the_whole_answer_says(add, start):
    path = f"/documents/{add('a.pdf', PDF, media_type='application/pdf')}/files/original"
    reader = start()
    whole, head = reader.get(path), reader.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(PDF))
    for name in ("Content-Type", "Content-Length", "Content-Disposition", "ETag", "Accept-Ranges"):
        assert head.headers[name] == whole.headers[name], name
    # A part is asked for by GET alone (RFC 9110, section 14.2).
    assert reader.head(path, headers={"Range": "bytes=0-1"}).headers["Content-Length"] == str(len(PDF))
    assert reader.head(path, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    assert reader.head(path.replace("original", "nothing")).status_code == 404


def test_the_head_of_a_file_reads_none_of_it(add, start, folder):
    document = add("a.pdf", PDF)
    record = Record.parse((folder / record_key(document)).read_bytes())
    os.truncate(folder / record.files["original"], HUGE)
    reader = start()
    assert reader.head(f"/documents/{document}/files/original").headers["Content-Length"] == str(HUGE)
    # On the same connection: the answer before it is over.
    assert reader.get("/channels").status_code == 200
