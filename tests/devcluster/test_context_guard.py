"""Which cluster may be used."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from devcluster.context import cluster, refuse_other_contexts
from devcluster.errors import DevclusterError
from devcluster.layout import CONTEXT, Layout, state_folder


def kubeconfig(current: str, *names: str) -> str:
    contexts = [{"name": name, "context": {"cluster": name, "user": name}} for name in names]
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": current, "contexts": contexts})


@pytest.fixture
def own_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("BANNETTE_CONTEXT", raising=False)
    path = Layout(state_folder()).kubeconfig
    path.parent.mkdir(parents=True)
    return path


def test_only_our_own_cluster_is_used_though_kubeconfig_points_elsewhere(
    own_kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    production = tmp_path / "production"
    production.write_text(kubeconfig("production", "production"))
    monkeypatch.setenv("KUBECONFIG", str(production))
    own_kubeconfig.write_text(kubeconfig(CONTEXT, CONTEXT))
    assert cluster().kubeconfig == own_kubeconfig


@pytest.mark.parametrize(
    "text",
    [kubeconfig("production", CONTEXT, "production"), kubeconfig(CONTEXT, CONTEXT, "production"), kubeconfig("x"), ""],
)
def test_a_kubeconfig_that_may_lead_elsewhere_is_refused(own_kubeconfig: Path, text: str) -> None:
    own_kubeconfig.write_text(text)
    with pytest.raises(DevclusterError, match="must have it as its only context"):
        cluster()


def test_without_a_cluster_the_message_says_how_to_have_one(own_kubeconfig: Path) -> None:
    with pytest.raises(DevclusterError, match=r"`make run` .*`.venv/bin/python -m devcluster up`"):
        cluster()


def test_a_context_that_the_user_names_must_exist(tmp_path: Path) -> None:
    users = tmp_path / "config"
    users.write_text(kubeconfig("production", "production", "kind-test"))
    with pytest.raises(DevclusterError, match=r"no such context, it has: production, kind-test"):
        cluster({"BANNETTE_CONTEXT": "kind", "KUBECONFIG": str(users)})


def test_a_single_context_of_the_right_name_is_accepted() -> None:
    refuse_other_contexts(kubeconfig("kind-test", "kind-test"), "kind-test")
