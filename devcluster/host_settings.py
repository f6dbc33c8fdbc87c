"""Lends this machine's package settings to a build: mirrors, a proxy's certificate. The image gets none of it.

They are mounted over what Debian's images have anyway, since a mount point that had to be made would stay.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from devcluster.debian_base import host_sources
from devcluster.run import run

LENT = {"index-url", "extra-index-url", "trusted-host", "proxy", "default-timeout", "timeout", "retries"}
CERTIFICATES = "/root/.config/pip/ca.crt"


def volumes(folder: Path) -> list[str]:
    """Write the settings into *folder* and return buildah's options that mount them."""
    pip = folder / "root" / ".config" / "pip"
    pip.mkdir(parents=True)
    listed = run(sys.executable, "-m", "pip", "config", "list", may_fail=True)
    bundle = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
    if bundle and Path(bundle).is_file():
        shutil.copyfile(bundle, pip / "ca.crt")
    (pip / "pip.conf").write_text(pip_configuration(listed.splitlines(), certificates=(pip / "ca.crt").exists()))
    options = ["--volume", f"{folder / 'root'}:/root"]
    if sources := host_sources():
        (folder / "sources.list").write_text(sources)
        options += ["--volume", f"{folder / 'sources.list'}:/etc/apt/sources.list:ro"]
    return options


def pip_configuration(listed: Iterable[str], *, certificates: bool) -> str:
    """Return the pip.conf for a build; *listed* is what ``pip config list`` says, the environment's settings last."""
    settings = {"cert": CERTIFICATES} if certificates else {}
    for line in listed:
        found = re.fullmatch(r"(?:global|install|:env:)\.([a-z-]+)='(.*)'", line)
        if found and found[1] in LENT:
            # pip lists several values of one setting with the two characters \n between them.
            settings[found[1]] = found[2].replace("\\n", "\n    ")
    return "".join(["[global]\n", *(f"{name} = {value}\n" for name, value in settings.items())])
