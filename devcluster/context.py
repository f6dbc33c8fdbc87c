"""Which cluster the commands and tests may use: the embedded one, or the one that BANNETTE_CONTEXT names. No other.

A kubeconfig that happens to point somewhere is never followed: whoever runs `make run` with a production cluster as
their current context gets the embedded cluster.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from devcluster.errors import DevclusterError
from devcluster.kubectl import Kubectl
from devcluster.layout import CONTEXT, Layout, state_folder


@dataclass(frozen=True)
class Cluster:
    """A cluster that may be used: *kubeconfig* has one context only, *context*."""

    kubeconfig: Path
    context: str
    embedded: bool

    @property
    def kubectl(self) -> Kubectl:
        return Kubectl(self.kubeconfig)


def cluster(environ: Mapping[str, str] = os.environ) -> Cluster:
    """Return the cluster to use.

    Raises:
        DevclusterError: the embedded cluster is not up, or BANNETTE_CONTEXT names no context of the user's kubeconfig.
    """
    named = environ.get("BANNETTE_CONTEXT")
    if named and named != CONTEXT:
        return _users(named, environ)
    kubeconfig = Layout(state_folder()).kubeconfig
    if not kubeconfig.exists():
        raise DevclusterError(
            "The embedded cluster is not up: `make run` starts it and installs Bannette, "
            "`.venv/bin/python -m devcluster up` starts it alone; or name a cluster of your own, BANNETTE_CONTEXT=name."
        )
    refuse_other_contexts(kubeconfig.read_text(), CONTEXT)
    return Cluster(kubeconfig, CONTEXT, embedded=True)


def refuse_other_contexts(kubeconfig: str, context: str) -> None:
    """Make sure that *kubeconfig* (YAML) can lead to *context* only.

    Raises:
        DevclusterError: its current context is another one, or it has others.
    """
    config = yaml.safe_load(kubeconfig) or {}
    names = [entry.get("name") for entry in config.get("contexts") or ()]
    if config.get("current-context") != context or names != [context]:
        raise DevclusterError(
            f"Refused: a kubeconfig for {context} must have it as its only context, this one has "
            f"{', '.join(map(str, names)) or 'none'}, and {config.get('current-context') or 'none'} is current"
        )


def _users(name: str, environ: Mapping[str, str]) -> Cluster:
    default = Path.home() / ".kube" / "config"
    source = environ.get("KUBECONFIG") or str(default)
    # Several files joined by colons are kubectl's to merge; only the one context is taken, with all that it refers to.
    command = ["config", "view", "--raw", "--minify", "--flatten", "--context", name]
    found = [path for path in source.split(os.pathsep) if path and Path(path).exists()]
    known = [
        entry.get("name")
        for path in found
        for entry in (yaml.safe_load(Path(path).read_text()) or {}).get("contexts") or ()
    ]
    if name not in known:
        raise DevclusterError(
            f"BANNETTE_CONTEXT={name}: {source} has no such context, it has: {', '.join(map(str, known)) or 'none'}"
        )
    text = Kubectl(Path(source))(*command)
    config = {**yaml.safe_load(text), "current-context": name}
    target = state_folder().parent / "contexts" / f"{name.replace('/', '_')}.kubeconfig"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=0o600)
    target.write_text(yaml.safe_dump(config))
    refuse_other_contexts(target.read_text(), name)
    return Cluster(target, name, embedded=False)
