"""Debian packages that the embedded cluster needs, installed when missing and allowed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys


class PackagesMissing(RuntimeError):
    """Packages are missing and we may not install them; the message says which, and how."""


def ensure(*names: str) -> None:
    """Install the Debian packages *names* that are missing.

    Raises:
        PackagesMissing: this is not Debian, or not root.
    """
    missing = [name for name in names if not _installed(name)]
    if not missing:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise PackagesMissing(
            f"These packages are missing: {' '.join(missing)}. Install them: sudo {' '.join(command)}"
        )
    print(f"Installing {', '.join(missing)}", file=sys.stderr, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update"], command):
        done = subprocess.run(step, capture_output=True, text=True, check=False, env=environment)
        if done.returncode != 0:
            raise PackagesMissing(f"{' '.join(step)} failed:\n{(done.stdout + done.stderr)[-2000:]}")


def _installed(name: str) -> bool:
    query = ["dpkg-query", "--show", "--showformat=${Status}", name]
    if not shutil.which("dpkg-query"):
        return False
    return "ok installed" in subprocess.run(query, capture_output=True, text=True, check=False).stdout
