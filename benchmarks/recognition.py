"""Reading beside its peers: speed and word recall, on pages whose words are known."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reportlab.lib.pagesizes import A4

from benchmarks import paper
from benchmarks.plan import Plan, say
from benchmarks.processes import Cost, run
from benchmarks.report import Area, Check, at_least, at_most, ratio, spread

_LANGUAGES = "fra+eng"
_RESOLUTIONS = (150, 200, 300, 400)
_ENVIRONMENT = {**os.environ, "OMP_THREAD_LIMIT": "1"}


def measure(plan: Plan) -> list[Area]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        return [_scans(plan, place / "a"), _digital(plan, place / "b"), _recalls(place / "c"), _memory(place / "d")]


@dataclass(frozen=True)
class Reads:
    """What a program made of a folder of documents."""

    cost: Cost
    output: str
    texts: dict[str, str]


def read_folder(source: Path) -> Reads:
    """Read all files of a folder by Bannette."""
    with tempfile.TemporaryDirectory() as target:
        output, cost = run([sys.executable, "-m", "benchmarks.reader", source, target], environment=_ENVIRONMENT)
        return Reads(
            cost, output, {path.name.removesuffix(".txt"): path.read_text() for path in Path(target).iterdir()}
        )


def _ocrmypdf(source: Path) -> Reads:
    """Every document by a command of its own, which has both cores."""
    with tempfile.TemporaryDirectory() as target:
        lines = [
            f"{sys.executable} -m ocrmypdf -q --jobs 2 -l {_LANGUAGES} -O0 --output-type pdf --skip-text"
            f" --sidecar {target}/{path.name}.txt {path} {target}/{path.name}"
            for path in sorted(source.iterdir())
        ]
        output, cost = run(["sh", "-ec", "\n".join(lines)], environment={**os.environ})
        return Reads(cost, output, {path.stem: path.read_text() for path in Path(target).glob("*.txt")})


def _tesseract(image: Path) -> str:
    command = ["tesseract", str(image), "-", "-l", _LANGUAGES]
    return subprocess.run(command, env=_ENVIRONMENT, capture_output=True, text=True, check=True).stdout


def recall(text: str, words: Iterable[str]) -> float:
    """Return the share of *words* that *text* has, each as often as it has it."""
    wanted = Counter(words)
    return sum((wanted & Counter(text.split())).values()) / sum(wanted.values())


def _scans(plan: Plan, folder: Path) -> Area:
    folder.mkdir()
    words: dict[str, tuple[str, ...]] = {}
    for number in range(20):
        drawn = [paper.page(2 * number), paper.page(2 * number + 1)]
        paper.save_scans(drawn, folder / f"{number}.pdf", dpi=300)
        words[f"{number}.pdf"] = drawn[0].words + drawn[1].words
    say("recognition: 40 scanned pages are made")
    ours, theirs = [], []
    for pair in range(plan.pairs):
        ours.append(read_folder(folder))
        theirs.append(_ocrmypdf(folder))
        say(f"recognition: pair {pair + 1}: {ours[-1].cost.wall:.0f} s, ocrmypdf {theirs[-1].cost.wall:.0f} s")
    times = ratio([one.cost.wall for one in theirs], [one.cost.wall for one in ours])
    rows: list[Sequence[str]] = []
    recalls: list[float] = []
    for name, reads in (("bannette", ours), ("ocrmypdf --jobs 2", theirs)):
        recalls.append(statistics.mean(recall(reads[0].texts[one], words[one]) for one in words))
        pages = spread([40 / one.cost.wall * 60 for one in reads], 0)
        cpu = spread([one.cost.cpu / 40 for one in reads])
        rows.append([name, pages, cpu, f"{recalls[-1]:.3f}"])
    return Area(
        key="scans",
        command="--only recognition",
        title="40 scanned pages as 20 documents, French and English, 300 dpi",
        header=["", "pages a minute", "CPU s a page", "word recall"],
        rows=[*rows, ["ours / ocrmypdf", f"{times:.2f} x", "", ""]],
        checks=[
            at_least("40 scanned pages, pages a minute to ocrmypdf's", 1.25, times, "x"),
            at_least("40 scanned pages, word recall to ocrmypdf's", 1.0, recalls[0] / recalls[1], "x"),
        ],
    )


def _digital(plan: Plan, folder: Path) -> Area:
    from pypdfium2 import PdfDocument

    folder.mkdir()
    with PdfDocument.new() as whole:
        for number in range(200):
            with PdfDocument(paper.page(number).pdf) as one:
                whole.import_pages(one)
        whole.save(folder / "a.pdf")
    with PdfDocument.new() as short:
        with PdfDocument(paper.page(0).pdf) as one:
            short.import_pages(one)
        (folder.with_name("start")).mkdir()
        short.save(folder.with_name("start") / "a.pdf")
    speeds = []
    for _ in range(plan.pairs):
        start = read_folder(folder.with_name("start")).cost.wall
        speeds.append(199 / (read_folder(folder).cost.wall - start))
    say(f"recognition: {statistics.median(speeds):.0f} pages with text a second")
    return Area(
        key="digital",
        command="--only recognition",
        title="200 pages with text of their own",
        header=["pages a second, after the start"],
        rows=[[spread(speeds, 0)]],
        checks=[at_least("200 pages with text, after the start", 100, statistics.median(speeds), "pages/s")],
    )


def _recalls(folder: Path) -> Area:
    folder.mkdir()
    words: dict[str, tuple[str, ...]] = {}
    for number in range(9):
        drawn = paper.page(100 + number)
        paper.photographed(drawn).save(folder / f"photo-{number}.jpg", quality=70)
        words[f"photo-{number}.jpg"] = drawn.words
    for dpi in _RESOLUTIONS:
        for number in range(4):
            for kind, size in (("scan", A4), ("receipt", paper.RECEIPT)):
                drawn = paper.page(200 + number, size=size)
                name = f"{kind}-{dpi}-{number}.png"
                paper.scanned(drawn, dpi=dpi).save(folder / name, dpi=(dpi, dpi))
                words[name] = drawn.words
    ours = read_folder(folder).texts
    say("recognition: photos and resolutions are read")
    plain = {name: _tesseract(folder / name) for name in words}
    rows: list[Sequence[str]] = []
    checks: list[Check] = []
    for group in ("photo", *(f"{kind}-{dpi}" for dpi in _RESOLUTIONS for kind in ("scan", "receipt"))):
        names = [name for name in words if name.startswith(f"{group}-")]
        own, peer = (_mean(texts, words, names) for texts in (ours, plain))
        rows.append([group.replace("-", ", "), str(len(names)), f"{own:.3f}", f"{peer:.3f}", f"{own / peer:.2f} x"])
        wanted = 1.5 if group == "photo" else 1.0
        what = "photos in a shadow" if group == "photo" else f"{group.replace('-', ' at ')} dpi"
        checks.append(at_least(f"{what}, word recall to tesseract's", wanted, own / peer, "x"))
    return Area(
        key="recall",
        command="--only recognition",
        title=f"Photos and resolutions, beside plain `tesseract -l {_LANGUAGES}`",
        header=["pages", "how many", "word recall", "tesseract's", ""],
        rows=rows,
        checks=checks,
    )


def _mean(texts: dict[str, str], words: dict[str, tuple[str, ...]], names: Sequence[str]) -> float:
    return statistics.mean(recall(texts[name], words[name]) for name in names)


def _memory(folder: Path) -> Area:
    from tests.ocr.specimens import bomb_pdf

    folder.mkdir()
    for number in range(4):
        paper.save_scans([paper.page(number)], folder / f"{number}.pdf", dpi=300)
        paper.photographed(paper.page(number)).save(folder / f"{number}.jpg", quality=70)
    bomb_pdf(folder / "bomb.pdf")
    megabytes = int(read_folder(folder).output) / 1e6
    return Area(
        key="memory",
        command="--only recognition",
        title="Memory while scans, photos and a bomb of 11.8 kB are read, two at once",
        header=["memory of all processes MB"],
        rows=[[f"{megabytes:.0f}"]],
        checks=[at_most("reading two documents at once, memory of all processes", 600, megabytes, "MB")],
    )
