from __future__ import annotations

import hashlib

import pytest

from bannette.onedrive import Drive, DriveKind, document_id

WORK = Drive("b!aBc-_1", DriveKind.BUSINESS)
PERSONAL = Drive("0F1E2D3C4B5A6978", DriveKind.PERSONAL)


def test_it_is_the_start_of_a_sha256_over_drive_and_item():
    expected = hashlib.sha256(b"b!aBc-_1\n01ABCDEF").hexdigest()[:32]
    assert document_id(WORK, "01ABCDEF") == expected


# Spellings of one personal item that OneDrive has used side by side.
SPELLINGS = [
    (Drive("0f1e2d3c4b5a6978", DriveKind.PERSONAL), "0F1E2D3C4B5A6978!s00aa"),
    (Drive("F1E2D3C4B5A6978", DriveKind.PERSONAL), "F1E2D3C4B5A6978!S00AA"),
    (Drive("f1e2d3c4b5a6978", DriveKind.PERSONAL), "0f1e2d3c4b5a6978!s00AA"),
]


@pytest.mark.parametrize(("drive", "item_id"), SPELLINGS)
def test_a_personal_item_has_one_id_however_it_is_spelled(drive, item_id):
    assert document_id(drive, item_id) == document_id(PERSONAL, "0F1E2D3C4B5A6978!s00aa")


def test_work_drives_that_differ_in_case_are_two():
    other = Drive("b!aBC-_1", DriveKind.BUSINESS)
    assert document_id(WORK, "01A") != document_id(other, "01A")
    assert document_id(WORK, "01A") != document_id(WORK, "01a")
