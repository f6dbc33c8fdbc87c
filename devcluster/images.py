"""Builds the Dockerfile's images: with Docker where it is, else with buildah on a Debian that debootstrap made.

The same Dockerfile serves both. Whatever this machine needs to reach its package mirrors (a proxy's certificate) is
mounted while building; nothing of it lands in an image.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from devcluster import packages
from devcluster.paths import cache_folder, locked

SOURCE = Path(__file__).resolve().parent.parent
TARGETS = ("operator", "collector", "simulator")
_BASE = "docker.io/library/debian:bookworm-slim"
_SUITE = "bookworm"
_INPUTS = ("Dockerfile", "docker", "requirements", "operator/bannette", "simulator")


class BuildFailed(RuntimeError):
    """An image could not be built; the message has the end of the builder's output."""


@dataclass(frozen=True)
class Image:
    """An image that was built: the Dockerfile's target, its name with tag, the archive that a node can load."""

    target: str
    name: str
    archive: Path

    @property
    def megabytes(self) -> float:
        return self.archive.stat().st_size / 1e6


def tag(root: Path = SOURCE) -> str:
    """Return the tag of the sources below *root*: a hash of all that goes into an image."""
    digest = hashlib.sha256()
    for path in _files(root):
        digest.update(f"{path.relative_to(root)}\0{os.access(path, os.X_OK)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def build(targets: Sequence[str] = TARGETS, *, folder: Path | None = None) -> list[Image]:
    """Build *targets* unless their archives are there already; return them.

    Args:
        targets: names of the Dockerfile's targets.
        folder: where the archives go; default: below the user's cache folder.

    Raises:
        BuildFailed: with the end of the builder's output.
    """
    folder = folder or cache_folder() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    version = tag()
    images = [Image(name, f"localhost/bannette-{name}:{version}", folder / f"{name}-{version}.tar") for name in targets]
    with locked(folder / "lock"):
        builder: _Docker | _Buildah | None = None
        for image in images:
            if image.archive.exists():
                continue
            builder = builder or (_Docker() if _docker_answers() else _Buildah(cache_folder() / "containers"))
            for older in folder.glob(f"{image.target}-*.tar"):
                older.unlink()
            builder.build(image)
    return images


class _Docker:
    def build(self, image: Image) -> None:
        _run(["docker", "build", "--target", image.target, "--tag", image.name, str(SOURCE)])
        _run(["docker", "save", "--output", str(_partial(image)), image.name])
        _partial(image).rename(image.archive)


class _Buildah:
    """Builds without a daemon. Its store is our own: the user's images are left alone."""

    def __init__(self, store: Path) -> None:
        packages.ensure("buildah", "debootstrap")
        self._store = store
        store.mkdir(parents=True, exist_ok=True)
        if _BASE.removeprefix("docker.io/library/") not in self._images():
            self._make_base()

    def build(self, image: Image) -> None:
        with tempfile.TemporaryDirectory() as settings:
            mounts = _host_trust(Path(settings))
            self._buildah(
                "bud", "--isolation", "chroot", "--pull-never", "--network", "host", "--layers",
                *mounts, "--target", image.target, "--tag", image.name, str(SOURCE),
            )  # fmt: skip
        self._buildah("push", image.name, f"docker-archive:{_partial(image)}:{image.name}")
        _partial(image).rename(image.archive)

    def _make_base(self) -> None:
        with tempfile.TemporaryDirectory(dir=self._store) as work:
            root = Path(work) / "root"
            _run(["debootstrap", "--variant=minbase", _SUITE, str(root)])
            for leftover in (*root.glob("var/cache/apt/archives/*.deb"), *root.glob("var/lib/apt/lists/*_*")):
                leftover.unlink()
            container = self._buildah("from", "scratch").strip()
            self._buildah("add", "--quiet", container, str(root), "/")
            self._buildah("config", "--cmd", "bash", container)
            self._buildah("commit", "--quiet", container, _BASE)
            self._buildah("rm", container)

    def _images(self) -> set[str]:
        listed = json.loads(self._buildah("images", "--json") or "[]") or []
        return {name.removeprefix("docker.io/library/") for image in listed for name in image.get("names") or ()}

    def _buildah(self, command: str, *arguments: str) -> str:
        own = ["--root", str(self._store / "storage"), "--runroot", str(self._store / "run")]
        return _run(["buildah", *own, command, *arguments], env={**os.environ, "BUILDAH_ISOLATION": "chroot"})


def _host_trust(folder: Path) -> list[str]:
    """Return mounts that let pip, inside the build, trust what this machine trusts."""
    bundle = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
    if not bundle or not Path(bundle).is_file():
        return []
    inside = "/run/host-ca.crt"
    (folder / "pip.conf").write_text(f"[global]\ncert = {inside}\n")
    return ["--volume", f"{bundle}:{inside}:ro", "--volume", f"{folder / 'pip.conf'}:/etc/pip.conf:ro"]


def _docker_answers() -> bool:
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=30).returncode == 0


def _partial(image: Image) -> Path:
    return image.archive.with_suffix(".partial")


def _files(root: Path) -> Iterable[Path]:
    for name in _INPUTS:
        path = root / name
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)


def _run(command: list[str], *, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise BuildFailed(f"{' '.join(command[:6])} … ended with {done.returncode}:\n{tail}")
    return done.stdout
