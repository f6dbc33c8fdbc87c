"""What the tests of the reader share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from bannette.ocr import Limits, Reading, detect, read
from tests.documents.fetch import OCRMYPDF, fetch

LANGUAGES = ("fra", "eng")


@pytest.fixture(scope="session")
def documents() -> Path:
    """The folder of real documents; tests that use it are marked ``documents``."""
    return fetch(OCRMYPDF)


@pytest.fixture
def read_document(tmp_path: Path) -> Callable[..., Reading]:
    """Detect and read one document, as a collector does."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()

    def act(path: Path, **changes: object) -> Reading:
        asked = {"languages": LANGUAGES, "limits": Limits(), "workspace": workspace, **changes}
        return read(path, detected=detect(path), **asked)  # type: ignore[arg-type]

    return act


@pytest.fixture
def text_of() -> Callable[[Reading], str]:
    """The text of a reading."""
    return lambda reading: reading.files["text"].read_text(encoding="utf-8")


@pytest.fixture
def recall() -> Callable[[str, Iterable[str]], float]:
    """The share of the true words that a text has, each as often as it has it."""

    def measure(text: str, truth: Iterable[str]) -> float:
        wanted, found = Counter(truth), Counter(text.split())
        return sum((wanted & found).values()) / sum(wanted.values())

    return measure
