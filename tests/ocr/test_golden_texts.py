"""The text of real documents is what it was when somebody read it last."""

from __future__ import annotations

import pytest

from tests.ocr.golden import DOCUMENTS, FOLDER, text_of

pytestmark = pytest.mark.documents
# Another version of the engine may read a word otherwise.
RECOGNISED = {"francais.pdf", "linn.png"}


@pytest.mark.parametrize(("source", "name"), DOCUMENTS, ids=[name for _, name in DOCUMENTS])
def test_the_text_is_the_golden_one(recall, source, name):
    """If the difference is wanted: make golden."""
    golden, text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8"), text_of(source, name)
    if name in RECOGNISED:
        assert recall(text, golden.split()) >= 0.97
        assert len(text) <= 1.05 * len(golden)
    else:
        assert text == golden
