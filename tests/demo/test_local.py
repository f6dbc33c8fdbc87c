"""`make demo` tells its story to the end: it fails itself when a run collects other than it should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent.parent


@pytest.mark.timeout(900)
def test_the_demo_without_a_cluster_shows_what_it_says(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo.local", str(tmp_path)], cwd=SOURCE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Le Comptoir des Halles" in done.stdout
    assert "68,09" in done.stdout
    assert done.stdout.count('"result":"Succeeded"') == 3
