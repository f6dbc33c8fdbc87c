"""How the cluster's programs are built and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from devcluster import binaries
from devcluster.errors import DevclusterError


def test_every_program_has_a_module_that_pins_its_version() -> None:
    for module in set(binaries.MODULES.values()):
        text = (binaries.SOURCES / module / "go.mod").read_text()
        assert binaries.module_version(module, text).startswith(("v", "local"))


def test_kubernetes_reports_the_version_of_its_module() -> None:
    assert "gitVersion=v1.36.3" in binaries.linker_flags("kube", "v1.36.3")
    assert "gitMinor=36" in binaries.linker_flags("kube", "v1.36.3")


def test_a_module_that_pins_nothing_is_refused() -> None:
    with pytest.raises(DevclusterError, match="doesn't require"):
        binaries.module_version("etcd", "module example.org/etcd\n")


def test_kubebuilder_assets_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etcd").touch(mode=0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    assert binaries.program("etcd") == tmp_path / "etcd"


def test_without_go_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    with pytest.raises(DevclusterError, match="Go is needed to build etcd v3"):
        binaries.program("etcd")
