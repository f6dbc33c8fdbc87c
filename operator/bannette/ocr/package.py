"""A document that is a ZIP of XML parts (OOXML, OpenDocument): opened without believing what it declares.

Source: ECMA-376 part 2 (Open Packaging Conventions); OpenDocument 1.3 part 2.
"""

from __future__ import annotations

import posixpath
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bannette.ocr.reading import Outcome
from bannette.ocr.request import NotRead
from bannette.ocr.zips import DamagedZip, damage_noticed

if TYPE_CHECKING:
    from lxml import etree

_MOST_PARTS = 10_000
# In bytes, of one part that is parsed as a whole: its tree takes five to ten times as much.
_LARGEST_PART = 64_000_000
# Whatever the parts are: pictures count too.
_LARGEST_TOTAL = 2_000_000_000


@dataclass(frozen=True)
class Relation:
    """What one part says of another: *kind* is the last word of its type, *target* a part's name."""

    kind: str
    target: str


class Package:
    """An open document of parts."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = frozenset(archive.namelist())

    @classmethod
    def open(cls, path: Path) -> Package:
        """Open *path*.

        Raises:
            NotRead: it is damaged (Corrupt), or a bomb (TooLarge).
        """
        try:
            with damage_noticed():
                archive = zipfile.ZipFile(path)
        except DamagedZip as error:
            raise NotRead(Outcome.FAILED, "Corrupt") from error
        entries = archive.infolist()
        if len(entries) > _MOST_PARTS or sum(entry.file_size for entry in entries) > _LARGEST_TOTAL:
            raise NotRead(Outcome.SKIPPED, "TooLarge")
        return cls(archive)

    def names(self, prefix: str) -> list[str]:
        """Return the names of the parts that begin with *prefix*, in order."""
        return sorted(name for name in self._names if name.startswith(prefix))

    def xml(self, name: str) -> etree._Element | None:
        """Return the root of part *name*, None when there is no such part. No entity is resolved, nothing fetched.

        Raises:
            NotRead: it is damaged (Corrupt), or unfolds to too much (TooLarge).
        """
        from lxml import etree

        if name not in self._names:
            return None
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
        )
        # A part never yields more bytes than it declares (zipfile).
        if self._archive.getinfo(name).file_size > _LARGEST_PART:
            raise NotRead(Outcome.SKIPPED, "TooLarge")
        try:
            with damage_noticed():
                data = self._archive.read(name)
            root = etree.fromstring(data, parser)
        except (DamagedZip, etree.XMLSyntaxError, ValueError) as error:
            raise NotRead(Outcome.FAILED, "Corrupt") from error
        if root.getroottree().docinfo.internalDTD is not None:
            # Neither format allows it, and what its entities stand for would be left out.
            raise NotRead(Outcome.FAILED, "Corrupt")
        return root

    def required(self, name: str) -> etree._Element:
        """Return the root of part *name*.

        Raises:
            NotRead: as ``xml`` does; Corrupt when there is no such part.
        """
        root = self.xml(name)
        if root is None:
            raise NotRead(Outcome.FAILED, "Corrupt")
        return root

    def relations(self, name: str) -> dict[str, Relation]:
        """Return the relations of part *name* inside the package, by their ids; of the package itself for ``""``."""
        folder, _, base = name.rpartition("/")
        root = self.xml(posixpath.join(folder, "_rels", f"{base}.rels"))
        found: dict[str, Relation] = {}
        for relation in root.iterchildren("{*}Relationship") if root is not None else ():
            target = relation.get("Target", "")
            if relation.get("TargetMode") != "External" and target:
                path = target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
                found[relation.get("Id", "")] = Relation(relation.get("Type", "").rpartition("/")[2], path)
        return found

    def main_part(self, default: str) -> str:
        """Return the name of the part that is the document itself (OOXML)."""
        relations = self.relations("").values()
        return next((relation.target for relation in relations if relation.kind == "officeDocument"), default)


def local_name(element: etree._Element) -> str:
    """Return the name of *element* without its namespace; empty for what isn't an element."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: etree._Element, name: str) -> str | None:
    """Return the attribute with the local name *name*: strict documents use other namespaces than usual ones."""
    return next((value for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name), None)
