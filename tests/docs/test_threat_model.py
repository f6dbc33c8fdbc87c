"""Each control of the threat model names tests that exist."""

from __future__ import annotations

import re

import pytest

from tests.docs.fenced import SOURCE

_, _, SECTION = (SOURCE / "docs/security.md").read_text(encoding="utf-8").partition("## Threat model\n")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in SECTION.splitlines()
    if line.startswith("| ") and not line.startswith("| Asset")
]
NAMED = re.compile(r"`(tests/[\w/.]+\.py)::(\w+)`")


def test_every_threat_has_a_control_and_a_test() -> None:
    assert len(ROWS) > 15
    for row in ROWS:
        assert len(row) == 5, row
        assert all(row[:4]), row
        assert NAMED.sub("", row[3]).strip(", ") == "", f"not a test: {row[3]}"


@pytest.mark.parametrize("named", sorted({"::".join(found) for found in NAMED.findall(SECTION)}))
def test_a_test_of_the_threat_model_exists(named: str) -> None:
    path, _, name = named.partition("::")
    assert re.search(rf"^ *def {name}\(", (SOURCE / path).read_text(encoding="utf-8"), re.MULTILINE), named


def test_images_take_packages_by_hash_only() -> None:
    dockerfile = (SOURCE / "Dockerfile").read_text(encoding="utf-8")
    installing = [line for line in dockerfile.splitlines() if re.search(r"\bpip\b.* install\b", line)]
    assert installing
    assert [line for line in installing if "--require-hashes" not in line] == []
    for name in re.findall(r"-r (requirements/\S+\.txt)", dockerfile):
        entries = re.split(r"\n(?=\S)", (SOURCE / name).read_text(encoding="utf-8"))
        pinned = [entry for entry in entries if not entry.startswith("#") and entry.strip()]
        assert [entry.split()[0] for entry in pinned if "--hash=sha256:" not in entry] == [], name
