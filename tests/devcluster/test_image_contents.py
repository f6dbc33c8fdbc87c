"""What each image holds of the package: all that it needs, and nothing that it doesn't."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2]
SCRIPT = runpy.run_path(str(SOURCES / "docker" / "parts.py"))
PARTS: dict[str, tuple[str, ...]] = SCRIPT["PARTS"]
# What each image is for; the other parts are there for these.
PURPOSES = {
    "operator": ("controller",),
    "collector": ("collector", "reader"),
    "connect": ("connect", "console", "notify"),
}
# Imports all modules of what it is for, and prints whose modules came along.
IMPORT = """
import importlib, importlib.metadata, json, pkgutil, sys
before = set(sys.modules)
for part in sys.argv[1:]:
    package = importlib.import_module(f"bannette.{part}")
    for module in pkgutil.walk_packages(package.__path__, f"bannette.{part}."):
        importlib.import_module(module.name)
parts = {name.split(".")[1] for name, module in sys.modules.items()
         if name.startswith("bannette.") and hasattr(module, "__path__")}
owners = importlib.metadata.packages_distributions()
packages = {owner for name in set(sys.modules) - before if "." not in name for owner in owners.get(name, ())}
print(json.dumps([sorted(parts), sorted(packages)]))
"""


@pytest.fixture(params=PARTS)
def image(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """An image's name, and a folder with what it holds."""
    SCRIPT["put"](request.param, SOURCES, tmp_path)
    return request.param, tmp_path


def python(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def test_it_holds_the_parts_that_its_purpose_needs_and_no_other(image: tuple[str, Path]) -> None:
    name, folder = image
    parts, _ = json.loads(python(folder, "-c", IMPORT, *PURPOSES[name]))
    assert sorted({*parts, "cli"}) == sorted(PARTS[name])


def test_all_packages_that_it_imports_are_among_its_requirements(image: tuple[str, Path]) -> None:
    name, folder = image
    _, packages = json.loads(python(folder, "-c", IMPORT, *PURPOSES[name]))
    pinned = re.findall(r"^([a-z0-9.-]+)==", (SOURCES / "requirements" / f"{name}.txt").read_text(), re.MULTILINE)
    needed = {re.sub(r"[-_.]+", "-", package).lower() for package in packages} - {"bannette"}
    assert needed - set(pinned) == set()


def test_it_knows_its_version(image: tuple[str, Path]) -> None:
    _, folder = image
    version = re.search(r'^version = "(.+)"$', (SOURCES / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert python(folder, "-m", "bannette.cli.main", "version") == f"bannette {version[1]}\n"


def test_no_part_is_in_none() -> None:
    there = {path.parent.name for path in (SOURCES / "operator" / "bannette").glob("*/__init__.py")}
    assert there == {part for parts in PARTS.values() for part in parts}


def test_there_is_an_image_for_each_list() -> None:
    dockerfile = (SOURCES / "Dockerfile").read_text()
    assert re.findall(r"parts\.py (\w+) ", dockerfile) == list(PARTS)
    for name in PARTS:
        assert f"AS {name}\n" in dockerfile
        assert f"-r requirements/{name}.txt" in dockerfile
