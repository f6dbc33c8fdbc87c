"""The reader of an inbox with many documents: how soon its first page comes, and how long pages take."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

import requests

from benchmarks.plan import Plan, say
from benchmarks.processes import cpu_of, megabytes_of
from benchmarks.report import Area, at_most, spread
from benchmarks.search import fill
from devcluster.processes import free_ports

_DOCUMENTS = 100_000
_TOKEN = "a token"
_MOST_MS = 200
_MOST_MB = 400
_PATIENCE = 1800.0
_QUESTIONS = {
    "first page": {},
    "next page": {"cursor": "NEXT"},
    "one channel, one kind": {"channel": "acme-onedrive", "type": "pdf", "state": "all"},
    "a frequent word": {"q": "facture"},
    "two words": {"q": "lefevre chene"},
    "what nobody wrote": {"q": "introuvable"},
}


def measure(plan: Plan) -> list[Area]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        size = fill(place / "binder", _DOCUMENTS, inbox=True)
        say(f"inbox: {_DOCUMENTS:,} documents with {size / 1e6:.0f} MB of text")
        (port,) = free_ports(1)
        digest = hashlib.sha256(_TOKEN.encode()).hexdigest()
        environment = {**os.environ, "PYTHONPATH": "operator", "TMPDIR": folder, "BANNETTE_INBOX_READER": digest}
        command: list[str | Path] = [sys.executable, "-m", "bannette.cli.main", "inbox", "serve"]
        command += ["--binder", place / "binder", "--listen", f"127.0.0.1:{port}"]
        began = time.monotonic()
        reader = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            return [_measured(f"http://127.0.0.1:{port}/documents", reader.pid, began, times=10 * plan.pairs)]
        finally:
            reader.terminate()
            reader.wait(60)


def _measured(url: str, pid: int, began: float, *, times: int) -> Area:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {_TOKEN}"
        _wait(session, url, began)
        first = time.monotonic() - began
        meanwhile = [_page(session, url, {})[0] for _ in range(times)]
        say(f"inbox: first page after {first:.1f} s")
        while (told := _page(session, url, {})[1])["indexed"] != told["total"] or not told["total"]:
            if time.monotonic() - began > _PATIENCE:
                raise AssertionError(f"not all is indexed after {_PATIENCE:.0f} s")
            time.sleep(1)
        indexed, cpu = time.monotonic() - began, cpu_of(pid)
        say(f"inbox: all is indexed after {indexed:.0f} s")
        following = str(_page(session, url, {})[1]["cursor"])
        took: dict[str, list[float]] = {}
        for name, question in _QUESTIONS.items():
            asked = {key: following if value == "NEXT" else value for key, value in question.items()}
            _page(session, url, asked)
            took[name] = [_page(session, url, asked)[0] for _ in range(times)]
    megabytes = megabytes_of(pid)
    checks = [
        at_most(f"inbox of 100,000: {name}, median", _MOST_MS, median(times), "ms") for name, times in took.items()
    ]
    return Area(
        key="inbox",
        command="--only inbox",
        title=f"`bannette inbox serve` with {_DOCUMENTS:,} documents in the inbox, ms a page of 50",
        header=["from start to first page, s", "page while indexing", *took, "indexed after, s", "CPU s", "memory MB"],
        rows=[
            [
                f"{first:.1f}",
                spread(meanwhile, 0),
                *(spread(times, 0) for times in took.values()),
                f"{indexed:.0f}",
                f"{cpu:.0f}",
                f"{megabytes:.0f}",
            ]
        ],
        checks=[*checks, at_most("inbox of 100,000: memory", _MOST_MB, megabytes, "MB")],
    )


def _wait(session: requests.Session, url: str, began: float) -> None:
    while True:
        try:
            if _page(session, url, {})[1]["documents"]:
                return
        except requests.ConnectionError:
            time.sleep(0.02)
        if time.monotonic() - began > _PATIENCE:
            raise AssertionError("the reader shows no page")


def _page(session: requests.Session, url: str, question: dict[str, str]) -> tuple[float, dict[str, object]]:
    """Return how many milliseconds a page took, and the page."""
    began = time.monotonic()
    answer = session.get(f"{url}?{urlencode(question)}", timeout=60)
    took = 1000 * (time.monotonic() - began)
    answer.raise_for_status()
    found: dict[str, object] = answer.json()
    return took, found
