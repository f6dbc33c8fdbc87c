"""What a reader serves of a document's files: in full or in part, to be saved, and under harmless names."""

from __future__ import annotations

PDF = b"%PDF-1.7 " + bytes(range(256)) * 40
PARTS = [
    (None, 200, slice(None)),
    ("bytes=0-9", 206, slice(0, 10)),
    ("bytes=100-", 206, slice(100, None)),
    ("bytes=-5", 206, slice(-5, None)),
    ("bytes=0-999999", 206, slice(None)),
    ("bytes=999999-", 416, slice(0)),
    ("bytes=-0", 416, slice(0)),
    ("bytes=5-1", 200, slice(None)),
    ("bytes=0-1,3-4", 200, slice(None)),
    ("lines=0-1", 200, slice(None)),
]


def test_files_are_served_in_full_and_in_part(add, start):
    document = add("a.pdf", PDF)
    reader = start()
    for asked, status, part in PARTS:
        answer = reader.get(f"/documents/{document}/files/original", headers={"Range": asked} if asked else {})
        assert (answer.status_code, answer.content) == (status, PDF[part]), asked
        if status == 206:
            first, last = range(len(PDF))[part][0], range(len(PDF))[part][-1]
            assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(PDF)}"


def test_a_file_that_a_browser_has_is_not_sent_again(add, start):
    document = add("a.pdf", derived={"thumbnail": b"RIFF"})
    path = f"/documents/{document}/files/thumbnail"
    reader = start()
    first = reader.get(path)
    again = reader.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = reader.get(path, headers={"Range": "bytes=0-1", "If-Range": '"another"'})
    assert (other.status_code, other.content) == (200, b"RIFF")


HOSTILE = '../..\\\r\nSet-Cookie: a=1"; filename*=x 2026\u202efdp.<script>é漢.html'


def test_a_hostile_document_is_only_ever_to_be_saved_under_a_harmless_name(add, start):
    document = add(HOSTILE, b"<script>alert(1)</script>", media_type="text/html", extension="html")
    reader = start()
    answer = reader.get(f"/documents/{document}/files/original")
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "Set-Cookie" not in answer.headers
    plain = answer.headers["Content-Disposition"].split('"')[1]
    assert plain.endswith(".html")
    assert not set(plain) & set("/\\<>;:\r\n")
    assert "%E6%BC%A2" in answer.headers["Content-Disposition"]


def test_a_hostile_type_is_bytes_of_no_type(add, start):
    documents = [add(f"name {kind}", media_type=kind) for kind in ("text/html\r\nX-A: 1", "", "../x", "a" * 200 + "/b")]
    reader = start()
    for document in documents:
        answer = reader.get(f"/documents/{document}/files/original")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert "X-A" not in answer.headers
