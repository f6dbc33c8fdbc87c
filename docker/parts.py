"""Put into an image's Python the parts of the package that it holds: ``parts.py IMAGE SITE_PACKAGES``, in the sources.

The package is copied, not installed: its metadata is what `bannette version` and the metrics show.
"""

from __future__ import annotations

import shutil
import sys
import tomllib
from pathlib import Path

PARTS = {
    "operator": ("cli", "controller", "resources"),
    "collector": ("accounts", "binder", "cli", "collector", "kube", "notify", "ocr", "onedrive", "reader", "resources"),
    "connect": ("accounts", "cli", "connect", "console", "kube", "notify", "onedrive", "resources", "web"),
}


def put(image: str, sources: Path, site_packages: Path) -> None:
    """Copy what *image* holds from *sources*, with its metadata."""
    package = sources / "operator" / "bannette"
    target = site_packages / "bannette"
    target.mkdir(parents=True)
    for file in package.glob("*.py"):
        shutil.copy(file, target)
    for part in PARTS[image]:
        shutil.copytree(package / part, target / part, ignore=shutil.ignore_patterns("__pycache__"))
    project = tomllib.loads((sources / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version = project["name"], project["version"]
    metadata = site_packages / f"{name}-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")


if __name__ == "__main__":
    put(sys.argv[1], Path.cwd(), Path(sys.argv[2]))
