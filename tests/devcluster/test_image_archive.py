"""Images without a builder."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from devcluster.archive import write_archive


def test_an_archive_names_its_layer_by_content_and_is_the_same_every_time(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"a program")
    first, second = tmp_path / "first.tar", tmp_path / "second.tar"
    for target in (first, second):
        write_archive(target, name="localhost/probe:1", files={"/bin/probe": program}, entrypoint=["/bin/probe"])
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as archive:
        contents = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    (manifest,) = json.loads(contents["manifest.json"])
    config = json.loads(contents[manifest["Config"]])
    assert manifest["RepoTags"] == ["localhost/probe:1"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(contents['layer.tar']).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(contents["layer.tar"])) as layer:
        assert [(member.name, member.mode) for member in layer] == [("bin/probe", 0o755)]
