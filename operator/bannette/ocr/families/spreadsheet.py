"""Spreadsheets (xlsx and its kin): a page for each sheet, its name first, then its rows, cells with tabs between them.

Formulas are represented by the values that were saved with them. Hidden sheets are read too; their names say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from bannette.ocr.package import Package
from bannette.ocr.pages import save_text
from bannette.ocr.reading import Outcome
from bannette.ocr.request import Answer, NotRead, Request

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

_SHEETS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
MEDIA_TYPES = frozenset(
    {
        f"{_SHEETS}.sheet",
        f"{_SHEETS}.template",
        "application/vnd.ms-excel.sheet.macroEnabled.12",
        "application/vnd.ms-excel.template.macroEnabled.12",
    }
)
GIVES = ("text",)
_TEXT = "document.txt"
# Sheets of a million rows are data, not documents: the inbox is for reading.
_MOST_CHARACTERS = 5_000_000
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.')


def read(request: Request) -> Answer:
    """Read the sheets."""
    import openpyxl

    # Bombs and damage are told by this first.
    Package.open(request.path)
    try:
        # By an open file: it would judge a path by the name's end.
        with request.path.open("rb") as file:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            pages, cut = _pages(list(book.worksheets))
    except (MemoryError, OSError, NotRead):
        raise
    except Exception as error:
        # It has no class for what it meets in a file that is no workbook.
        raise NotRead(Outcome.FAILED, "Corrupt") from error
    has_text = save_text(pages, request.folder / _TEXT)
    return Answer(
        outcome=Outcome.TEXT,
        reason="TextCut" if cut else None if has_text else "NoText",
        engine=f"openpyxl {openpyxl.__version__}",
        pages=len(pages),
        files={"text": _TEXT},
    )


def _pages(sheets: list[ReadOnlyWorksheet]) -> tuple[list[str], bool]:
    """Return the text of each sheet, and whether some of it was left out."""
    pages: list[str] = []
    left = _MOST_CHARACTERS
    for sheet in sheets:
        hidden = "" if sheet.sheet_state == "visible" else " (hidden)"
        lines = [f"{sheet.title}{hidden}"]
        # What a sheet declares of its size isn't to be believed.
        sheet.reset_dimensions()
        for row in sheet.rows:
            line = "\t".join(_cells(row)).rstrip("\t")
            left -= len(line) + 1
            if left < 0:
                return [*pages, "\n".join(lines)], True
            if line:
                lines.append(line)
        pages.append("\n".join(lines))
    return pages, False


def _cells(row: tuple[Cell, ...]) -> Iterator[str]:
    for cell in row:
        value: object = cell.value
        yield "" if value is None else _shown(value, cell.number_format or "")


def _shown(value: object, number_format: str) -> str:
    """Return *value* much as it is shown: days and times by ISO 8601, percentages, numbers with their decimals."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return (
            value.date().isoformat() if midnight else value.isoformat(" ", "minutes" if not value.second else "seconds")
        )
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, int | float):
        return _number(value, number_format.partition(";")[0])
    return " ".join(str(value).split("\n"))


def _number(value: float, number_format: str) -> str:
    # What is quoted or escaped is shown as it is: 20 by 0"%" is 20%.
    bare = _LITERAL.sub("", number_format)
    if "%" in number_format and "%" not in bare:
        return f"{_number(value, bare)}%"
    number_format = bare
    _, point, decimals = number_format.partition(".")
    places = len(decimals) - len(decimals.lstrip("0#")) if point else 0
    if "%" in number_format:
        return f"{value * 100:.{places}f}%"
    if point and places and "E" not in number_format:
        return f"{value:.{places}f}"
    return f"{value:.15g}"
