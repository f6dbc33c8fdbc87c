"""The chart's README lists every value, and says of each what it is for."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "bannette"


@pytest.fixture(scope="module")
def generator() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "generate_values.py"))


def test_the_charts_page_is_current(generator: dict[str, Any]) -> None:
    """If not: python docs/generate_values.py."""
    assert (CHART / "README.md").read_text(encoding="utf-8") == generator["render"]()


def test_every_value_is_listed_and_explained(generator: dict[str, Any]) -> None:
    listed = {one.path: one for one in generator["values"]()}
    assert [path for path, one in listed.items() if not one.meaning] == []

    def leaves(node: dict[str, Any], path: str = "") -> list[str]:
        found = []
        for name, value in node.items():
            here = f"{path}{name}"
            inside = isinstance(value, dict) and value and here not in listed
            found += leaves(value, f"{here}.") if inside else [here]
        return found

    assert leaves(yaml.safe_load((CHART / "values.yaml").read_text())) == list(listed)
