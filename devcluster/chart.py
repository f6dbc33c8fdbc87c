"""Renders the chart with Helm, built once from its Go module.

``python -m devcluster.chart`` writes manifests/install.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from devcluster.go_tools import built

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
    return built("helm", HELM_MODULE)


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
