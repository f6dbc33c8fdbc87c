"""The programs of the cluster, built once from their Go modules into this user's cache.

``KUBEBUILDER_ASSETS``, the usual folder of kube-apiserver, etcd and kubectl, is used first for those that it has.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from devcluster.errors import CommandFailed, DevclusterError
from devcluster.paths import cache_folder, locked
from devcluster.progress import step

SOURCES = Path(__file__).parent

# Program -> the folder with its Go module. What `kube` holds is told apart by the name it is called by.
MODULES = {
    "etcd": "etcd",
    "coredns": "coredns",
    "pause": "pause",
    "kube-apiserver": "kube",
    "kube-controller-manager": "kube",
    "kube-proxy": "kube",
    "kube-scheduler": "kube",
    "kubectl": "kube",
    "kubelet": "kube",
}
PINNED = {
    "kube": "k8s.io/kubernetes",
    "etcd": "go.etcd.io/etcd/server/v3",
    "coredns": "github.com/coredns/coredns",
    "pause": None,
}
DURATIONS = {"kube": "4 to 8 minutes on 2 cores", "coredns": "about 2 minutes"}


def program(name: str) -> Path:
    """The path of *name*, built first if need be.

    Raises:
        DevclusterError: there is no Go, or the build failed; the message has its last lines.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and os.access(Path(assets) / name, os.X_OK):
        return Path(assets) / name
    return _build(MODULES[name]) / name


def module_version(module: str, go_mod: str) -> str:
    """The version of what *module* wraps, as its go.mod pins it; "local" for a program of our own."""
    pinned = PINNED[module]
    if pinned is None:
        return "local"
    found = re.search(rf"^\s*(?:require\s+)?{re.escape(pinned)} (v\S+)$", go_mod, re.MULTILINE)
    if not found:
        raise DevclusterError(f"devcluster/{module}/go.mod doesn't require {pinned}")
    return found[1]


def linker_flags(module: str, version: str) -> str:
    """What goes to the Go linker: no debug information, and the version that Kubernetes reports of itself."""
    flags = ["-s", "-w"]
    if module == "kube":
        major, minor, _ = version.removeprefix("v").split(".", 2)
        package = "k8s.io/component-base/version"
        for variable, value in {"gitVersion": version, "gitMajor": major, "gitMinor": minor}.items():
            flags += ["-X", f"{package}.{variable}={value}"]
    return " ".join(flags)


def _build(module: str) -> Path:
    sources = SOURCES / module
    files = [path for path in (sources / "go.mod", sources / "go.sum", sources / "main.go") if path.exists()]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:12]
    version = module_version(module, (sources / "go.mod").read_text())
    target = cache_folder() / f"{module}-{version}-{digest}"
    if target.is_dir():
        return target
    with locked(cache_folder() / f"{module}.lock"):
        if target.is_dir():  # another process built it while we waited
            return target
        if not shutil.which("go"):
            raise DevclusterError(
                f"Go is needed to build {module} {version}: install it (https://go.dev/dl), "
                "or set KUBEBUILDER_ASSETS to a folder with kube-apiserver, etcd and kubectl."
            )
        duration = f" ({DURATIONS[module]}, once)" if module in DURATIONS else ""
        with (
            step(f"Building {module} {version}{duration}"),
            tempfile.TemporaryDirectory(dir=cache_folder(), prefix=f".{module}-") as workspace,
        ):
            _compile(module, sources, Path(workspace) / module, linker_flags(module, version))
            for name, home in MODULES.items():
                if home == module and name != module:
                    (Path(workspace) / name).symlink_to(module)
            Path(workspace).chmod(0o755)
            Path(workspace).rename(target)
            Path(workspace).mkdir()  # what the context manager removes
    return target


def _compile(module: str, sources: Path, output: Path, flags: str) -> None:
    command: list[str | Path] = [
        "go",
        "build",
        "-mod=readonly",
        "-buildvcs=false",
        "-trimpath",
        f"-ldflags={flags}",
        "-o",
        output,
        ".",
    ]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    built = subprocess.run(command, cwd=sources, env=environment, capture_output=True, text=True, check=False)
    if built.returncode:
        last = "\n".join(built.stderr.splitlines()[-20:])
        raise CommandFailed(f"go build of devcluster/{module}", code=built.returncode, stdout="", stderr=last)
