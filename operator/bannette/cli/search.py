"""``bannette inbox search``: documents by their words."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from bannette.binder import Binder, Store
from bannette.binder.layout import MARKER
from bannette.binder.text_index import BEGIN, COMPANIONS, END, Hit, TextIndex
from bannette.cli.binders import binder_location, existing_store
from bannette.cli.output import plain, print_data, print_table
from bannette.errors import PersonNeeded

_MOST_TERMS: Final = 50
_SHORT: Final = 12
_BOLD: Final = ("\x1b[1m", "\x1b[0m")
# From so many new documents on a person wants to know what takes so long.
_MANY: Final = 200


def run(arguments: argparse.Namespace) -> int:
    terms = _terms(arguments.words)
    store = existing_store(binder_location(arguments))
    binder = Binder.existing(store)
    path = _index_file(_index_folder(arguments.index), binder, store)
    hits = _found(path, binder, terms, everything=arguments.all, limit=arguments.limit)
    if arguments.output != "table":
        print_data([{**hit.record.to_dict(), "excerpt": _marked(hit, "", "")} for hit in hits], arguments.output)
        return 0
    if not hits:
        where = "No document of the binder" if arguments.all else "No document in the inbox"
        more = "" if arguments.all else "; --all searches those that are done, too"
        print(f"{where} has all of these words{more}.", file=sys.stderr)
        return 0
    if sys.stdout.isatty():
        for hit in hits:
            print(*map(plain, _cells(hit)), sep="  ")
            print(f"    {_marked(hit, *_BOLD)}")
        return 0
    print_table(("ID", "COLLECTED", "NAME", "EXCERPT"), [(*_cells(hit), _marked(hit, "", "")) for hit in hits])
    return 0


def _cells(hit: Hit) -> tuple[str, str, str]:
    return hit.record.id[:_SHORT], f"{hit.record.collected_at:%Y-%m-%d}", hit.record.name


def _terms(words: Sequence[str]) -> list[str]:
    """Return what is searched for: each argument is a word, or several that follow each other.

    Raises: PersonNeeded: NothingToSearch, TooManyWords.
    """
    terms = [word for word in words if any(character.isalnum() for character in word)]
    if not terms:
        raise PersonNeeded("There is no word to search for: give letters or digits.", reason="NothingToSearch")
    if len(terms) > _MOST_TERMS:
        raise PersonNeeded(
            f"{len(terms)} words are too many: give at most {_MOST_TERMS}, all of which a document has.",
            reason="TooManyWords",
        )
    return terms


def _index_folder(given: Path | None) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return given or Path(cache).expanduser() / "bannette" / "search"


def _index_file(folder: Path, binder: Binder, store: Store) -> Path:
    """Return the file of the index of this very binder; that of another one of its uid is removed.

    On one machine a binder that is made anew, and one in another folder, has the uid of the first; its documents have
    the ids of theirs.
    """
    marker = store.head(MARKER)
    made = int(marker.modified_at.timestamp() * 1_000_000) if marker is not None else 0
    path = folder / f"{binder.uid}-{made}.sqlite"
    for other in folder.glob(f"{binder.uid}*.sqlite"):
        if other != path:
            for part in ("", *COMPANIONS):
                other.with_name(f"{other.name}{part}").unlink(missing_ok=True)
    return path


def _found(path: Path, binder: Binder, terms: Sequence[str], *, everything: bool, limit: int) -> list[Hit]:
    """Search, with an index that is made anew if the one that is there can't be read."""
    for last in (False, True):
        try:
            index = TextIndex(path)
            try:
                index.update(binder, _progress())
                return list(islice(index.find(terms, waiting=None if everything else True), limit or None))
            finally:
                index.close()
        except sqlite3.DatabaseError as error:
            if last:
                raise PersonNeeded(
                    f"The search index {path} can't be used ({error}): remove it, or name another folder with --index.",
                    reason="IndexUnusable",
                ) from error
            for part in ("", *COMPANIONS):
                path.with_name(f"{path.name}{part}").unlink(missing_ok=True)
    return []


def _progress() -> Callable[[int, int], None]:
    def tell(done: int, total: int) -> None:
        if total > _MANY:
            print(f"bannette: {done:,} of {total:,} new documents indexed", file=sys.stderr)

    return tell


def _marked(hit: Hit, begin: str, end: str) -> str:
    parts: Iterator[str] = iter(hit.excerpt.replace(END, BEGIN).split(BEGIN))
    return "".join(f"{begin}{plain(part)}{end}" if number % 2 else plain(part) for number, part in enumerate(parts))
