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

from devcluster import debian_base, host_settings, packages
from devcluster.paths import cache_folder, locked
from devcluster.progress import step

SOURCE = Path(__file__).resolve().parent.parent
_BASE = f"docker.io/library/debian:{debian_base.SUITE}-slim"
_INPUTS = {
    "operator": ("Dockerfile", "docker", "pyproject.toml", "requirements/operator.txt", "operator/bannette"),
    "collector": ("Dockerfile", "docker", "pyproject.toml", "requirements/collector.txt", "operator/bannette"),
    "connect": ("Dockerfile", "docker", "pyproject.toml", "requirements/connect.txt", "operator/bannette"),
    "simulator": ("Dockerfile", "requirements/simulator.txt", "simulator"),
}
TARGETS = tuple(_INPUTS)


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


def tag(target: str, root: Path = SOURCE) -> str:
    """Return the tag of the image *target* of the sources below *root*: a hash of all that goes into it."""
    digest = hashlib.sha256(f"{debian_base.REVISION}\0".encode())
    for path in _files(target, root):
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
    images = [
        Image(name, f"localhost/bannette-{name}:{version}", folder / f"{name}-{version}.tar")
        for name, version in ((target, tag(target)) for target in targets)
    ]
    with locked(folder / "lock"):
        builder: _Docker | _Buildah | None = None
        for image in images:
            if image.archive.exists():
                continue
            builder = builder or (
                _Docker() if _docker_answers() else _Buildah(cache_folder() / f"containers-{debian_base.REVISION}")
            )
            with step(f"Building {image.name}"):
                builder.build(image)
            for older in folder.glob(f"{image.target}-*.tar"):
                if older != image.archive:
                    older.unlink()
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
        if _BASE not in self._images():
            self._make_base()

    def build(self, image: Image) -> None:
        with tempfile.TemporaryDirectory() as settings:
            lent = host_settings.volumes(Path(settings))
            self._buildah(
                "bud", "--isolation", "chroot", "--pull-never", "--network", "host", "--no-hosts", "--layers",
                *lent, "--target", image.target, "--tag", image.name, str(SOURCE),
            )  # fmt: skip
        self._buildah("push", "--quiet", image.name, f"docker-archive:{_partial(image)}:{image.name}")
        _partial(image).rename(image.archive)
        for older in self._images():
            if older.rpartition(":")[0] == image.name.rpartition(":")[0] and older != image.name:
                self._buildah("rmi", older)

    def _make_base(self) -> None:
        with step("Making a Debian to build on (once)"), tempfile.TemporaryDirectory(dir=self._store) as work:
            root = Path(work) / "root"
            debian_base.make_root(root)
            container = self._buildah("from", "scratch").strip()
            self._buildah("add", "--quiet", container, str(root), "/")
            self._buildah("config", "--cmd", "bash", "--env", "PATH=/usr/local/bin:/usr/bin:/usr/sbin", container)
            self._buildah("commit", "--quiet", container, _BASE)
            self._buildah("rm", container)

    def _images(self) -> set[str]:
        listed = json.loads(self._buildah("images", "--json") or "[]") or []
        return {name for image in listed for name in image.get("names") or ()}

    def _buildah(self, command: str, *arguments: str) -> str:
        own = ["--root", str(self._store / "storage"), "--runroot", str(self._store / "run")]
        return _run(["buildah", *own, command, *arguments], env={**os.environ, "BUILDAH_ISOLATION": "chroot"})


def _docker_answers() -> bool:
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=30).returncode == 0


def _partial(image: Image) -> Path:
    return image.archive.with_suffix(".partial")


def _files(target: str, root: Path) -> Iterable[Path]:
    for name in _INPUTS[target]:
        path = root / name
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)


def _run(command: list[str], *, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise BuildFailed(f"{' '.join(command[:6])} … ended with {done.returncode}:\n{tail}")
    return done.stdout
