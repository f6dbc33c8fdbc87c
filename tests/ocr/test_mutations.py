"""Real documents, damaged at random: whatever is read, the original stays, the limits hold, nobody is left behind."""

from __future__ import annotations

import hashlib
import os
import random
import re
import time
from pathlib import Path

import pytest
from test_child import processes_in

import bannette.ocr
from bannette.ocr import Limits, Outcome, detect, read
from bannette.ocr.reasons import REASONS
from tests.documents.fetch import FACTUR_X, MAIL_PARSER, OCRMYPDF, ODFPY, PILLOW_HEIF, PYTHON_DOCX, PYTHON_PPTX, fetch

pytestmark = [pytest.mark.documents, pytest.mark.timeout(900)]

# Small ones of every family; BANNETTE_FUZZ_SECONDS makes it longer, BANNETTE_FUZZ_SEED repeats one.
SEEDS = [
    (OCRMYPDF, "toc.pdf"),
    (OCRMYPDF, "graph_ocred.pdf"),
    (OCRMYPDF, "livecycle.pdf"),
    (OCRMYPDF, "baiona_alpha.png"),
    (FACTUR_X, "invoice_EN16931.pdf"),
    (FACTUR_X, "ubl-21-en16931.xml"),
    (PYTHON_DOCX, "hdr-header-footer.docx"),
    (PYTHON_PPTX, "sld-notes.pptx"),
    (ODFPY, "pythagoras.ods"),
    (MAIL_PARSER, "mail_test_5"),
    (PILLOW_HEIF, "RGB_8__128x128.heif"),
]
SECONDS = float(os.environ.get("BANNETTE_FUZZ_SECONDS", "40"))
LIMITS = Limits(seconds=20, memory_bytes=700 * 1024 * 1024, pages=5, megapixels=20)


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Return *data* with a few damages: bits, pieces that go, come twice or change places, numbers, an early end."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(changed) or 1)
        length = dice.choice((1, 2, 4, 16, 256, 4096))
        match dice.randrange(7):
            case 0:
                changed[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = changed[at : at + length] * dice.randint(1, 50)
            case 3:
                changed[at : at + 4] = dice.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"))
            case 4:
                digits = [place for place, byte in enumerate(changed) if 48 <= byte <= 57]
                if digits:
                    changed[dice.choice(digits)] = ord("9")
            case 5:
                del changed[max(at, 64) :]
            case _:
                other = dice.randrange(len(changed) or 1)
                changed[at : at + length] = changed[other : other + length]
    return bytes(changed) or b"\0"


def test_no_damage_loses_the_original_escapes_its_limits_or_leaves_a_process(tmp_path):
    seed = int(os.environ.get("BANNETTE_FUZZ_SEED", time.time_ns() % 10**9))
    dice, ends, number = random.Random(seed), time.monotonic() + SECONDS, 0
    sources = [next(fetch(source).rglob(name)).read_bytes() for source, name in SEEDS]
    outcomes: set[Outcome] = set()
    while time.monotonic() < ends or number < len(sources):
        folder = tmp_path / str(number)
        workspace = folder / "workspace"
        workspace.mkdir(parents=True)
        path = folder / "document"
        data = mutated(sources[number % len(sources)], dice)
        path.write_bytes(data)
        case = f"seed {seed}, document {number}: {SEEDS[number % len(sources)][1]}"
        began = time.monotonic()
        reading = read(path, detected=detect(path), languages=("eng",), limits=LIMITS, workspace=workspace)
        assert time.monotonic() - began < LIMITS.seconds + 10, case
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(data).digest(), case
        assert reading.reason is None or reading.reason in REASONS, f"{case}: {reading.reason}"
        assert {one.name for one in folder.iterdir()} == {"document", "workspace"}, case
        produced = [*reading.files.values(), *(part.path for part in reading.parts)]
        assert all(one.is_relative_to(workspace) and one.is_file() for one in produced), case
        assert processes_in(folder) == [], case
        outcomes.add(reading.outcome)
        number += 1
    print(f"seed {seed}: {number} documents")
    assert {Outcome.TEXT, Outcome.FAILED} <= outcomes


def test_every_reason_that_the_code_gives_is_explained():
    """Words in quotes that look like reasons, where readings end."""
    given = set()
    for module in Path(bannette.ocr.__file__).parent.rglob("*.py"):
        for line in module.read_text(encoding="utf-8").splitlines():
            if "reason" in line or "NotRead(" in line or "note" in line:
                given |= set(re.findall(r'"([A-Z][a-z]+(?:[A-Z][a-z]+)*)"', line))
    assert given - set(REASONS) <= {"NoSpace", "Stopped", "OcrNotInstalled"}
