"""``make demo``: a OneDrive is collected into an inbox on this machine, without Kubernetes.

A simulator stands for Microsoft; everything else is what runs in production. What it makes is below ``.build/demo``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from demo.narration import PHOTO, DemoFailed, bannette, say, show, step
from simulator.testing import Simulator

SOURCE = Path(__file__).resolve().parent.parent
_DEFAULT_FOLDER = SOURCE / ".build" / "demo"
_SAMPLE = SOURCE / "manifests" / "samples" / "local.yaml"


def main() -> int:
    """Tell the story below the folder that the first argument names, by default ``.build/demo``."""
    started = time.monotonic()
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else _DEFAULT_FOLDER
    if folder == _DEFAULT_FOLDER:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    channel = folder / "acme.yaml"
    channel.write_text(_SAMPLE.read_text())
    try:
        with step("A simulated OneDrive with invoices and receipts starts on this machine"):
            simulator = Simulator("samples").__enter__()
        try:
            _tell(channel, simulator)
        finally:
            simulator.__exit__(None, None, None)
    except DemoFailed as failure:
        print(f"The demo failed: {failure}", file=sys.stderr)
        return 1
    say(
        f"Done in {time.monotonic() - started:.0f} seconds. The channel is {_shown(channel)}; its inbox lies beside it."
    )
    return 0


def _tell(channel: Path, simulator: Simulator) -> None:
    environment = {**simulator.environment, "XDG_STATE_HOME": str(channel.parent / "state")}
    file = ["-f", str(channel)]

    def run(*words: str) -> str:
        shown = " ".join(["bannette", *words, "-f", _shown(channel)])
        return show([bannette(), *words, *file], shown=shown, environment=environment)

    say("One run: the folder is walked, every document is downloaded, read, and put in the inbox.")
    first = json.loads(run("collect").splitlines()[-1])

    say("The inbox. The same invoice lay in the folder twice: its copy is recorded, and not put in a second time.")
    run("inbox", "list")

    say("A photo of a receipt, as it was read:")
    entries = json.loads(
        _quiet([bannette(), "inbox", "list", *file, "-o", "json"], environment),
    )
    photo = next(entry for entry in entries if entry["name"] == PHOTO)
    run("inbox", "show", photo["id"][:12])

    say("A second run has nothing to do: one request to Microsoft Graph, whatever the drive's size.")
    second = json.loads(run("collect").splitlines()[-1])

    say("The client drops one more invoice, and renames another. Only the new one is collected.")
    simulator.control.create("/Factures/2026-11 Lenoir avoir.txt", "Avoir AV-2026-0031 : 12,40 €".encode())
    simulator.control.rename("/Factures/2026-11 Papeterie Lenoir.pdf", "Papeterie Lenoir, novembre.pdf")
    third = json.loads(run("collect").splitlines()[-1])

    say("The history of runs:")
    run("history")
    expected = (6, 0, 1)
    if (first["collected"], second["collected"], third["collected"]) != expected:
        raise DemoFailed(f"The runs should have collected {expected} documents.")


def _quiet(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **environment})
    return done.stdout


def _shown(path: Path) -> str:
    return str(path.relative_to(SOURCE) if path.is_relative_to(SOURCE) else path)


if __name__ == "__main__":
    sys.exit(main())
