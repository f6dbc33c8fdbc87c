"""``python -m benchmarks.engines``: what could read better or faster than what is used, on the same hard pages.

Makes a virtual environment of its own with what isn't a part of Bannette (pip, npm), reads the same pages with each,
one after another, and writes benchmarks/engines.md. It takes about 15 minutes on two cores.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops, ImageFilter

from bannette.ocr.languages import engine_folder
from benchmarks import paper
from benchmarks.plan import say
from benchmarks.recognition import read_folder, recall

_PLACE = Path(".build/engines")
_PAGE = Path(__file__).with_name("engines.md")
_PACKAGES = ("tesserocr==2.13.0", "rapidocr==3.10.0", "onnxruntime==1.32.0", "pillow")
_MODELS = ("@tesseract.js-data/fra@1.0.0", "@tesseract.js-data/eng@1.0.0")
_INTRODUCTION = """\
# What could read the pages

Written by `python -m benchmarks.engines`. The same pages are read by each: {pages}. CPU is user and system time of one
process and its children, with one thread where that can be set; the start is in it once for all pages. Size: what it
adds to an installation, in MB.

"""
# Run in the environment of its own: the paths of images on standard input, their texts as JSON on standard output.
_TESSEROCR = """
import json, sys, tesserocr
api = tesserocr.PyTessBaseAPI(path=sys.argv[1], lang="fra+eng")
api.SetVariable("thresholding_method", sys.argv[2])
texts = {}
for line in sys.stdin:
    api.SetImageFile(line.strip()); texts[line.strip()] = api.GetUTF8Text()
print(json.dumps(texts))
"""
_RAPIDOCR = """
import json, logging, sys
logging.disable(logging.CRITICAL)
from rapidocr import RapidOCR
engine = RapidOCR(params={"EngineConfig.onnxruntime.intra_op_num_threads": 1})
texts = {}
for line in sys.stdin:
    found = engine(line.strip()); texts[line.strip()] = "\\n".join(found.txts or ())
sys.stdout.write(json.dumps(texts))
"""


@dataclass(frozen=True)
class Tried:
    """One way to read all pages, and what came of it."""

    name: str
    texts: dict[str, str]
    cpu: float
    megabytes: str


def main() -> int:
    _PLACE.mkdir(parents=True, exist_ok=True)
    images, words = _pages()
    models = _models()
    tried = list(_all(images, models))
    groups = sorted({name.rpartition("-")[0] for name in words})
    lines = [f"| way | {' | '.join(groups)} | CPU s a page | size |", f"|---|{'---|' * (len(groups) + 2)}"]
    for one in tried:
        recalls = [
            statistics.mean(recall(one.texts[name], words[name]) for name in words if name.rpartition("-")[0] == group)
            for group in groups
        ]
        lines.append(
            f"| {one.name} | {' | '.join(f'{value:.3f}' for value in recalls)} | {one.cpu / len(words):.2f} "
            f"| {one.megabytes} |"
        )
    counted = ", ".join(f"{sum(name.startswith(f'{group}-') for name in words)} {group}" for group in groups)
    _PAGE.write_text(_INTRODUCTION.format(pages=counted) + "\n".join(lines) + "\n", encoding="utf-8")
    print(_PAGE.read_text(encoding="utf-8"))
    return 0


def _pages() -> tuple[list[Path], dict[str, tuple[str, ...]]]:
    """Make pages that aren't read without mistakes: faint and coarse scans, photos in a shadow, coarse receipts."""
    folder = _PLACE / "pages"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    words: dict[str, tuple[str, ...]] = {}

    def add(name: str, drawn: paper.Drawn, image: Image.Image) -> None:
        image.save(folder / f"{name}.png")
        words[name] = drawn.words

    for number in range(4):
        drawn = paper.page(300 + number)
        add(f"photo-{number}", drawn, paper.photographed(drawn))
        scan = paper.scanned(drawn, dpi=150)
        noise = Image.effect_noise(scan.size, 22)
        faint = scan.point(lambda value: 150 + value * 90 // 255)
        add(f"faint 150 dpi-{number}", drawn, ImageChops.add(faint, noise, offset=-128))
        add(f"coarse 100 dpi-{number}", drawn, paper.scanned(drawn, dpi=100).filter(ImageFilter.GaussianBlur(0.5)))
        receipt = paper.page(400 + number, size=paper.RECEIPT)
        add(f"receipt 110 dpi-{number}", receipt, paper.scanned(receipt, dpi=110))
    return sorted(folder.iterdir()), words


def _models() -> dict[str, Path]:
    """Return the folders of tesseract's models by their kind."""
    found = {"fast": engine_folder() or Path()}
    for package in _MODELS:
        packed = subprocess.run(
            ["npm", "pack", "--silent", package], cwd=_PLACE, check=True, capture_output=True, text=True
        ).stdout.split()[-1]
        with tarfile.open(_PLACE / packed) as archive:
            for member in archive.getmembers():
                kind = {"4.0.0": "standard", "4.0.0_best_int": "best, integer"}.get(Path(member.name).parent.name)
                data = archive.extractfile(member) if kind and member.name.endswith(".gz") else None
                if kind and data:
                    folder = _PLACE / kind.partition(",")[0]
                    folder.mkdir(exist_ok=True)
                    (folder / Path(member.name).stem).write_bytes(gzip.decompress(data.read()))
                    found[kind] = folder
    return found


def _all(images: Sequence[Path], models: dict[str, Path]) -> Iterable[Tried]:
    sizes = {
        kind: _megabytes(folder / f"{one}.traineddata" for one in ("fra", "eng")) for kind, folder in models.items()
    }
    say("Bannette")
    ours = read_folder(images[0].parent)
    texts = {name.removesuffix(".png"): text for name, text in ours.texts.items()}
    yield Tried("**Bannette**: both, the one with more sure words", texts, ours.cost.cpu, sizes["fast"])
    fast = models["fast"]
    for name, method in (("Otsu", 0), ("Sauvola", 2)):
        yield _tesseract(f"tesseract, {name}, fast models", images, fast, method, sizes["fast"])
    for kind in ("standard", "best, integer"):
        yield _tesseract(f"tesseract, Sauvola, {kind} models", images, models[kind], 2, sizes[kind])
    yield _tesseract("tesseract, background divided, Otsu", _flattened(images), fast, 0, sizes["fast"])
    python = _environment()
    for name, method in (("Otsu", 0), ("Sauvola", 2)):
        command: list[str | Path] = [python, "-c", _TESSEROCR, fast, str(method)]
        yield _other(f"tesserocr (tesseract 5.5.4), {name}", command, images, _package_size("tesserocr*"))
    size = _package_size("rapidocr", "onnxruntime", "cv2", "numpy")
    yield _other("rapidocr, PP-OCR", [python, "-c", _RAPIDOCR], images, size)


def _tesseract(name: str, images: Sequence[Path], tessdata: Path, method: int, size: str) -> Tried:
    say(name)
    before, texts = os.times(), dict[str, str]()
    for image in images:
        command: list[str | Path] = ["tesseract", image, "-", "-l", "fra+eng", "--tessdata-dir", tessdata]
        command += ["-c", f"thresholding_method={method}"]
        environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        texts[image.stem] = done.stdout
    return Tried(name, texts, _spent(before), size)


def _other(name: str, command: Sequence[str | Path], images: Sequence[Path], size: str) -> Tried:
    say(name)
    before = os.times()
    done = subprocess.run(
        command,
        input="\n".join(str(image) for image in images),
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    texts = {Path(path).stem: text for path, text in json.loads(done.stdout.splitlines()[-1]).items()}
    return Tried(name, texts, _spent(before), size)


def _flattened(images: Sequence[Path]) -> list[Path]:
    """Divide each image by its paper: the brightest of a neighbourhood, blurred."""
    folder = _PLACE / "flattened"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in images:
        with Image.open(path) as image:
            grey = image.convert("L")
        small = grey.resize((grey.width // 8, grey.height // 8), Image.Resampling.BOX)
        light = small.filter(ImageFilter.MaxFilter(7)).filter(ImageFilter.GaussianBlur(6)).resize(grey.size)
        # 255 - (paper - letter), stretched: division in whole numbers would need another library.
        ImageChops.invert(ImageChops.subtract(light, grey)).point(lambda value: max(0, value * 2 - 255)).save(
            folder / path.name
        )
    return sorted(folder.iterdir())


def _environment() -> Path:
    python = _PLACE / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *_PACKAGES], check=True)
    return python.absolute()


def _package_size(*patterns: str) -> str:
    packages = next((_PLACE / "venv" / "lib").glob("python*/site-packages"))
    found = (path for pattern in patterns for path in packages.glob(pattern))
    return _megabytes(file for folder in found for file in folder.rglob("*"))


def _megabytes(paths: Iterable[Path]) -> str:
    return f"{sum(path.stat().st_size for path in paths if path.is_file()) / 1e6:.0f}"


def _spent(before: os.times_result) -> float:
    now = os.times()
    return now.children_user + now.children_system - before.children_user - before.children_system


if __name__ == "__main__":
    sys.exit(main())
