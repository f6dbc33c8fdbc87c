"""kubectl with one kubeconfig, and nothing of the user's own configuration."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from devcluster.binaries import program
from devcluster.errors import CommandFailed


@dataclass(frozen=True)
class Kubectl:
    """Runs kubectl against the current context of *kubeconfig*."""

    kubeconfig: Path

    def __call__(self, *args: str, input: str | None = None, seconds: float = 120) -> str:  # noqa: A002
        """Run ``kubectl ARGS`` and return its standard output.

        Raises:
            CommandFailed: it ended with an error; ``stderr`` has the server's reason.
        """
        done = subprocess.run(
            [program("kubectl"), *args],
            input=input,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if done.returncode:
            command = "kubectl " + " ".join(args)
            raise CommandFailed(command, code=done.returncode, stdout=done.stdout, stderr=done.stderr)
        return done.stdout

    def apply(self, manifest: Path | str) -> str:
        """Apply a file or a folder (a Path), or YAML itself (a str)."""
        if isinstance(manifest, Path):
            return self("apply", "-f", str(manifest))
        return self("apply", "-f", "-", input=manifest)

    def environment(self) -> dict[str, str]:
        """The environment for kubectl, or for another client of the same cluster."""
        cache = self.kubeconfig.parent / "kubectl-cache"
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(cache), "KUBERC": "off"}
