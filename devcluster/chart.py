"""Renders the chart with Helm, built once from its Go module.

``python -m devcluster.chart`` writes manifests/install.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from devcluster.paths import cache_folder, locked

HELM_MODULE = "helm.sh/helm/v4/cmd/helm@v4.3.1"
SOURCE = Path(__file__).resolve().parent.parent
CHART = SOURCE / "charts" / "bannette"
INSTALL = SOURCE / "manifests" / "install" / "bannette.yaml"
NAMESPACE = "bannette-system"

_HEADER = f"""\
# Rendered from charts/bannette by `make manifests`: don't edit.
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels: {{pod-security.kubernetes.io/enforce: restricted}}
"""


def helm() -> Path:
    """Return the path of Helm, built from its Go module at first use (one to three minutes)."""
    folder = cache_folder() / f"helm-{HELM_MODULE.rpartition('@')[2]}"
    program = folder / "helm"
    with locked(cache_folder() / "helm.lock"):
        if not program.exists():
            print("Building helm from its Go module (once)", file=sys.stderr, flush=True)
            environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"}
            command = ["go", "install", "-trimpath", "-ldflags=-s -w", HELM_MODULE]
            subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    return program


def render(*settings: str) -> str:
    """Return the manifests of the chart's release ``bannette``; *settings* as for ``helm --set``."""
    options = [option for setting in settings for option in ("--set", setting)]
    command = [str(helm()), "template", "bannette", str(CHART), "--namespace", NAMESPACE, *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main() -> None:
    INSTALL.parent.mkdir(parents=True, exist_ok=True)
    INSTALL.write_text(_HEADER + render())


if __name__ == "__main__":
    main()
