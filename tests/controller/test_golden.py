from __future__ import annotations

import pytest

from tests.controller.golden import FOLDER, rendered

RENDERED = dict(rendered())


@pytest.mark.parametrize("name", RENDERED)
def test_manifests_are_as_reviewed(name: str) -> None:
    """Run ``PYTHONPATH=operator:. python -m tests.controller.golden`` after a deliberate change, and read the diff."""
    assert RENDERED[name] == (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {file.stem for file in FOLDER.glob("*.yaml")} == set(RENDERED)
