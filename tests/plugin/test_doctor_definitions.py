"""What the doctor makes of the definitions that an API server serves: those of this version, or which not."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bannette.cli.plugin.definitions import differences, judge_definition, known_definitions
from bannette.cli.plugin.findings import State

Json = dict[str, Any]
SOURCE = Path(__file__).resolve().parent.parent.parent


def established(known: Json) -> Json:
    return {**copy.deepcopy(known), "status": {"conditions": [{"type": "Established", "status": "True"}]}}


def test_the_definitions_that_are_known_are_those_of_this_version() -> None:
    names = [known["metadata"]["name"] for known in known_definitions()]
    assert names == ["binders.bannette.io", "collectionchannels.bannette.io", "recipients.bannette.io"]
    for known in known_definitions():
        assert judge_definition(known, established(known)).state is State.OK


def test_the_plugin_as_it_is_installed_has_its_definitions(tmp_path: Path) -> None:
    build = f"from hatchling.build import build_wheel; build_wheel({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", build], check=True, cwd=SOURCE, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    code = "from bannette.cli.plugin import definitions as d; print(d.__file__, len(d.known_definitions()))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    file, number = done.stdout.split()
    assert file.startswith(str(tmp_path))
    assert number == "3"


@pytest.mark.parametrize(
    ("known", "found", "expected"),
    [
        ({"type": "string"}, {"type": "string"}, []),
        ({"type": "string", "description": "One."}, {"type": "string"}, []),
        ({"properties": {"a": {"maximum": 5}}}, {"properties": {"a": {"maximum": 6}}}, ["a.maximum"]),
        ({"properties": {"a": {"type": "string"}}}, {"properties": {}}, ["a"]),
        ({"properties": {}}, {"properties": {"a": {"items": {"properties": {"b": {}}}}}}, ["a"]),
        (
            {"properties": {"description": {"type": "string"}}},
            {"properties": {}},
            ["description"],
        ),
        ({"type": "string"}, None, ["its schema"]),
    ],
)
def test_schemas_differ_where_they_mean_something_else(known: object, found: object, expected: list[str]) -> None:
    assert list(differences(known, found)) == expected


def test_a_definition_that_is_not_served_is_a_problem() -> None:
    (known, *_) = known_definitions()
    refused = {**known, "status": {"conditions": [{"type": "Established", "status": "False"}]}}
    assert "isn't served by the API server" in judge_definition(known, refused).message
    later = established(known)
    later["spec"]["versions"][0]["name"] = "v2"
    assert "isn't served in version v1alpha1" in judge_definition(known, later).message


# The operator
