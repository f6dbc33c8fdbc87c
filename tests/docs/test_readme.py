"""What the README and the docs show is true: its resources are valid, its links lead somewhere, its targets exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bannette.resources import Channel, load_documents

SOURCE = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([*SOURCE.glob("*.md"), *SOURCE.glob("docs/*.md"), *SOURCE.glob("manifests/**/*.md")])
README = (SOURCE / "README.md").read_text()


def test_the_channel_of_the_readme_is_accepted() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (body,) = load_documents(text)
    channel = Channel.parse(body, strict=True)
    assert channel.name == "acme-onedrive"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(SOURCE)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (SOURCE / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"(?:^|`|=name )make ([a-z-]+)", page.read_text(), re.MULTILINE)
    }
    assert named
    assert named <= targets


def test_every_file_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"(?:manifests|charts|docs)/[\w./-]*\w", README))
    assert named
    assert [name for name in named if not (SOURCE / name).exists()] == []
