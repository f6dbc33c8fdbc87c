"""The documents that the demo collects: invoices and receipts that the project makes itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simulator.samples.bills import BILLS, COPIES, Bill, Look
from simulator.samples.pages import draw, money
from simulator.samples.paper import photo, scan

__all__ = ["Sample", "write_samples"]


@dataclass(frozen=True)
class Sample:
    """One document of the demo.

    Attributes:
        path: below the folder that was written to, with ``/``.
        look: how it reached the folder; None for what is no bill.
        words: what a reader must find in its text.
        copy_of: the path of the sample whose bytes it repeats.
    """

    path: str
    look: Look | None
    words: tuple[str, ...]
    copy_of: str | None = None


def write_samples(folder: Path) -> list[Sample]:
    """Write the demo's documents below *folder*, the same bytes every time, and say what they hold."""
    samples = []
    for number, bill in enumerate(BILLS):
        _write(folder / bill.path, _make(bill, number))
        samples.append(Sample(bill.path, bill.look, (bill.number, bill.date, money(bill.total, bill))))
    by_path = {sample.path: sample for sample in samples}
    for source, copy in COPIES:
        _write(folder / copy, (folder / source).read_bytes())
        samples.append(Sample(copy, by_path[source].look, by_path[source].words, copy_of=source))
    # Not in the watched folder: it must stay where it is.
    private = Sample("Personnel/liste de courses.txt", None, ("pommes",))
    _write(folder / private.path, "pommes\nfarine\ncafé\n".encode())
    return [*samples, private]


def _make(bill: Bill, number: int) -> bytes:
    page = draw(bill)
    if bill.look is Look.SCAN:
        return scan(page, degrees=0.7 if number % 2 else -0.9)
    return photo(page) if bill.look is Look.PHOTO else page


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
