"""Tell an image's Python which version of the package it holds: ``dist_info.py PYPROJECT SITE_PACKAGES``.

The package is copied, not installed: its metadata is what `bannette version` and the metrics show.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def main() -> None:
    project = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["project"]
    name, version = project["name"], project["version"]
    folder = Path(sys.argv[2]) / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
