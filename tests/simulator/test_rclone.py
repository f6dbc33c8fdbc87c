"""An unmodified rclone reads the simulator as it reads OneDrive."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.rclone import configuration, program
from simulator.identifiers import Flavour
from simulator.testing import Simulator

pytestmark = [pytest.mark.peer, pytest.mark.timeout(1200)]
NAMES = ["a.pdf", "Été 2026/facture n° 1.pdf", "Été 2026/100%+#.pdf", "deep/er/and/deeper/x.jpg", "empty.txt", "📎.pdf"]


@pytest.fixture(scope="session")
def rclone() -> Path:
    return program()


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A folder of real files, some small, one of several chunks."""
    folder = tmp_path / "documents"
    for number, name in enumerate(NAMES):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if name == "empty.txt" else random.Random(number).randbytes(1000 * number + 7))
    (folder / "big.bin").write_bytes(random.Random(99).randbytes(3_000_000))
    for number in range(210):
        path = folder / "many" / f"{number % 3}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"document {number}")
    return folder


@pytest.fixture
def run(rclone: Path, tmp_path: Path) -> Callable[..., str]:
    """Run rclone against a simulator: ``run(simulator, "lsjson", "sim:", …)``."""

    def run(simulator: Simulator, *arguments: str) -> str:
        config = tmp_path / "rclone.conf"
        config.write_text(
            configuration(
                simulator.control,
                origin=simulator.origin,
                client_id=simulator.client_id,
                client_secret=simulator.client_secret,
            )
        )
        done = subprocess.run(
            [rclone, *arguments, "--config", config, "--ca-cert", simulator.ca_file, "--low-level-retries", "3"],
            capture_output=True,
            text=True,
            timeout=120,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


WAYS = [(), ("--onedrive-delta", "--fast-list"), ("--onedrive-list-chunk", "50")]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: " ".join(way) or "plain")
@pytest.mark.parametrize("flavour", [Flavour.WORK, Flavour.PERSONAL])
def test_rclone_lists_copies_and_checks_everything(
    run, documents: Path, tmp_path: Path, way: tuple[str, ...], flavour: Flavour
) -> None:
    with Simulator(documents, flavour=flavour) as simulator:
        listed = json.loads(run(simulator, "lsjson", "-R", "--hash", "sim:", *way))
        files = {row["Path"]: row for row in listed if not row["IsDir"]}
        expected = {str(path.relative_to(documents)): path for path in documents.rglob("*") if path.is_file()}
        assert set(files) == set(expected)
        assert all(files[name]["Size"] == path.stat().st_size for name, path in expected.items())
        assert all(row["Hashes"]["quickxor"] for row in files.values() if row["Size"])
        deltas, children = simulator.control.count("delta"), simulator.control.count("children")
        assert (deltas > 0) is ("--onedrive-delta" in way)
        assert (children > 0) is ("--onedrive-delta" not in way)
        run(simulator, "copy", "sim:", str(tmp_path / "copy"), *way)
        copied = {str(path.relative_to(tmp_path / "copy")): path for path in (tmp_path / "copy").rglob("*")}
        assert all(copied[name].read_bytes() == path.read_bytes() for name, path in expected.items())
        run(simulator, "check", str(documents), "sim:", *way)
        assert simulator.control.counters()["authorizationAtDownload"] == 0


def test_rclone_reads_one_file_by_its_path(run, documents: Path) -> None:
    with Simulator(documents) as simulator:
        assert run(simulator, "cat", "sim:many/1/4.txt") == "document 4"
        assert json.loads(run(simulator, "lsjson", "--stat", "sim:Été 2026/100%+#.pdf"))["Size"] == 2007


def test_rclone_refreshes_its_token_when_it_is_refused(run, documents: Path, simulator) -> None:
    simulator.control.create("/a.txt", "hello")
    simulator.control.add_faults(
        {"like": "token refused once", "headers": {"WWW-Authenticate": "Bearer expired_token"}}
    )
    assert run(simulator, "cat", "sim:a.txt") == "hello"


def test_rclone_obeys_throttling_and_resumes_a_cut_download(run, simulator) -> None:
    text = "".join(f"line {number}\n" for number in range(10_000))
    simulator.control.create("/a.txt", text)
    simulator.control.add_faults(
        "throttled", "download throttled", "error 502", {"like": "connection cut", "cut_at": 40_000}
    )
    assert run(simulator, "cat", "sim:a.txt") == text
    assert simulator.control.counters()["statuses"]["429"] == 2


def test_rclone_reports_quota(run, simulator) -> None:
    assert json.loads(run(simulator, "about", "sim:", "--json"))["total"] == 1 << 40
