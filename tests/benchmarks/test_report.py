"""The page of figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.report import Area, at_least, at_most, ratio, spread


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "_DATA", tmp_path / "figures.json")
    monkeypatch.setattr(report, "_PAGE", tmp_path / "figures.md")
    return tmp_path / "figures.md"


def area(key: str, cell: str) -> Area:
    checks = [at_most(f"memory of {key}", 80, 81, "MB")]
    return Area(key=key, title=f"About {key}", command=f"--only {key}", header=["a"], rows=[[cell]], checks=checks)


def test_a_target_is_met_at_its_limit():
    assert at_most("memory", 80, 80, "MB").met
    assert not at_most("memory", 80, 80.1, "MB").met
    assert at_least("rate", 4000, 4000, "items/s").met
    assert not at_least("rate", 4000, 3999, "items/s").met


def test_a_ratio_is_the_median_of_those_pair_by_pair():
    assert ratio([1.0, 2.0, 30.0], [1.0, 4.0, 10.0]) == 1.0


def test_a_spread_shows_the_median_and_the_extremes():
    assert spread([3.0, 1.0, 2.0], 1) == "2.0 (1.0–3.0)"
    assert spread([1234.4], 0) == "1,234"


def test_measuring_one_part_keeps_the_figures_of_the_others(page: Path):
    report.save([area("quiet", "first quiet"), area("large", "first large")])
    report.save([area("large", "second large")])
    text = page.read_text()
    assert "| first quiet |" in text
    assert "| second large |" in text
    assert "first large" not in text


def test_a_missed_target_is_shown_as_missed(page: Path):
    report.save([area("quiet", "")])
    assert "| memory of quiet | ≤ 80 MB | 81.00 MB | **missed** |" in page.read_text()
