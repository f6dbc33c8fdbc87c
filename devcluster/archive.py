"""Writes an image of a few static programs, without a builder."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_archive(
    target: Path, *, name: str, files: Mapping[str, Path], entrypoint: Sequence[str], user: str = "65532:65532"
) -> None:
    """Write a docker-archive with the image *name* FROM scratch; the same input gives the same bytes.

    Args:
        target: the archive.
        name: with tag, for example ``localhost/probe:1``.
        files: absolute path in the image -> file on this machine; all become executable.
        entrypoint: the command.
        user: numeric ``uid:gid``.
    """
    layer = _tar({path.lstrip("/"): source.read_bytes() for path, source in files.items()}, mode=0o755)
    config = json.dumps(
        {
            "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Entrypoint": list(entrypoint), "User": user, "Env": ["PATH=/"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        }
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}]).encode()
    target.write_bytes(_tar({"manifest.json": manifest, config_name: config, "layer.tar": layer}, mode=0o644))


def image_names(archive: Path) -> list[str]:
    """Return the names of the images in a docker-archive; none for an OCI archive, whose names are annotations."""
    with tarfile.open(archive) as opened:
        for member in opened:
            if member.name == "manifest.json" and (content := opened.extractfile(member)):
                return [name for image in json.load(content) for name in image.get("RepoTags") or ()]
    return []


def _tar(contents: Mapping[str, bytes], *, mode: int) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()
