"""Running a few lines in a process of their own, with this folder's modules at hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "operator"

# Imports everything first: afterwards a child may give up the rights that importing needs.
_PREAMBLE = """
import datetime, errno, json, os, resource, sys
from pathlib import Path
from binder_documents import *
from bannette.binder import *
from bannette.errors import BannetteError
folder, arguments = Path(sys.argv[1]), sys.argv[2:]
"""


def start(code: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), str(SOURCE)])}
    return subprocess.Popen(
        [sys.executable, "-c", _PREAMBLE + code, str(folder), *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output_of(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.strip()
