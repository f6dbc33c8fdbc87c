"""Real documents, damaged at random: whatever is read, the original stays, the limits hold, nobody is left behind."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import tempfile
import time
from enum import Enum, auto
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_child import processes_in

import bannette.ocr
from bannette.ocr import Limits, detect, read
from bannette.ocr.reasons import REASONS
from tests.documents.fetch import FACTUR_X, MAIL_PARSER, OCRMYPDF, ODFPY, PILLOW_HEIF, PYTHON_DOCX, PYTHON_PPTX, fetch

pytestmark = [pytest.mark.documents, pytest.mark.timeout(900)]

# Small ones of every family; BANNETTE_FUZZ_EXAMPLES makes it longer.
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
EXAMPLES = int(os.environ.get("BANNETTE_FUZZ_EXAMPLES", "150"))
# Otherwise the same ones each time: what chance finds is no reason to refuse another change.
BY_CHANCE = "BANNETTE_FUZZ_EXAMPLES" in os.environ
LIMITS = Limits(seconds=20, memory_bytes=700 * 1024 * 1024, pages=5, megapixels=20)


class Damage(Enum):
    """What happens to a piece of a file."""

    BYTE = auto()
    GONE = auto()
    REPEATED = auto()
    EXTREME = auto()
    DIGIT = auto()
    CUT = auto()
    MOVED = auto()
    SPLICED = auto()


damages = st.lists(
    st.tuples(
        st.sampled_from(Damage),
        # Where, as a part of the file; how much; what.
        st.floats(0, 1, exclude_max=True),
        st.sampled_from((1, 2, 4, 16, 256, 4096)),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=6,
)


def damaged(data: bytes, wanted: list[tuple[Damage, float, int, int]], other: bytes) -> bytes:
    """Return *data* with the *wanted* damages; a splice ends it with the end of *other*."""
    changed = bytearray(data)
    for kind, part, length, value in wanted:
        at = int(part * len(changed))
        match kind:
            case Damage.BYTE:
                changed[at : at + 1] = bytes([value])
            case Damage.GONE:
                del changed[at : at + length]
            case Damage.REPEATED:
                changed[at:at] = changed[at : at + length] * (value % 50)
            case Damage.EXTREME:
                changed[at : at + 4] = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff")[value % 3]
            case Damage.DIGIT:
                # Lengths, offsets and counts are numbers in text in a PDF.
                digit = next((place for place in range(at, len(changed)) if 48 <= changed[place] <= 57), None)
                if digit is not None:
                    changed[digit] = 48 + value % 10
            case Damage.CUT:
                del changed[max(at, 64) :]
            case Damage.MOVED:
                place = value * len(changed) // 256
                changed[at : at + length] = changed[place : place + length]
            case Damage.SPLICED:
                changed[at:] = other[int(part * len(other)) :]
    return bytes(changed) or b"\0"


def _largest_child() -> int:
    """The most memory, in bytes, that one process had that was ever waited for here."""
    # The kernel counts what this process took as its children's: it isn't to grow with the next one of them.
    subprocess.run(["true"], check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not BY_CHANCE,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.sampled_from(SEEDS), wanted=damages, other=st.sampled_from(SEEDS))
def test_no_damage_loses_the_original_escapes_its_limits_or_leaves_a_process(tmp_path, seed, wanted, other):
    before = _largest_child()
    data, tail = (next(fetch(source).rglob(name)).read_bytes() for source, name in (seed, other))
    data = damaged(data, wanted, tail)
    with tempfile.TemporaryDirectory(dir=tmp_path) as name:
        folder = Path(name)
        workspace = folder / "workspace"
        workspace.mkdir()
        path = folder / "document"
        path.write_bytes(data)
        began = time.monotonic()
        reading = read(path, detected=detect(path), languages=("eng",), limits=LIMITS, workspace=workspace)
        # What it takes to start and to end processes comes on top.
        assert time.monotonic() - began < LIMITS.seconds + 60
        assert path.read_bytes() == data
        assert reading.reason is None or reading.reason in REASONS
        assert {one.name for one in folder.iterdir()} == {"document", "workspace"}
        produced = [*reading.files.values(), *(part.path for part in reading.parts)]
        assert all(one.is_relative_to(workspace) and one.is_file() for one in produced)
        assert processes_in(folder) == []
    largest = _largest_child()
    assert largest <= LIMITS.memory_bytes or largest == before


def test_every_reason_that_the_code_gives_is_explained():
    """Words in quotes that look like reasons, where readings end."""
    given = set()
    for module in Path(bannette.ocr.__file__).parent.rglob("*.py"):
        for line in module.read_text(encoding="utf-8").splitlines():
            if "reason" in line or "NotRead(" in line or "note" in line:
                given |= set(re.findall(r'"([A-Z][a-z]+(?:[A-Z][a-z]+)*)"', line))
    assert given - set(REASONS) <= {"NoSpace", "Stopped", "OcrNotInstalled"}
