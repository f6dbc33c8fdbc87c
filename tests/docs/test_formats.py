"""The page of formats is current."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_formats_page_is_current():
    """If not: python docs/generate_formats.py."""
    page = runpy.run_path(str(ROOT / "docs" / "generate_formats.py"))["render"]()
    assert (ROOT / "docs" / "formats.md").read_text(encoding="utf-8") == page
