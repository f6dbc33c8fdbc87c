"""What goes into an image, and what of this machine doesn't."""

from __future__ import annotations

from pathlib import Path

import pytest

from devcluster import debian_base, host_settings, images


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for name in ("Dockerfile", "docker/bannette", "requirements/operator.txt", "requirements/simulator.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    for package in ("operator/bannette", "simulator"):
        (tmp_path / package / "__pycache__").mkdir(parents=True)
        (tmp_path / package / "module.py").write_text(package)
    return tmp_path


def test_a_tag_changes_with_what_goes_into_its_image_only(sources: Path) -> None:
    operator, simulator = images.tag("operator", sources), images.tag("simulator", sources)
    (sources / "operator/bannette/__pycache__/module.pyc").write_text("compiled")
    assert images.tag("operator", sources) == operator
    (sources / "operator/bannette/module.py").write_text("changed")
    assert images.tag("operator", sources) != operator
    assert images.tag("simulator", sources) == simulator


def test_pip_is_lent_what_it_needs_to_reach_its_index_and_nothing_else() -> None:
    listed = [
        "global.index-url='https://mirror.example/simple'",
        "global.cert='/etc/ssl/host.crt'",
        ":env:.default-timeout='180'",
        ":env:.find-links='/opt/wheels'",
        "install.trusted-host='a.example\\nb.example'",
    ]
    assert host_settings.pip_configuration(listed, certificates=True) == (
        "[global]\n"
        "cert = /root/.config/pip/ca.crt\n"
        "index-url = https://mirror.example/simple\n"
        "default-timeout = 180\n"
        "trusted-host = a.example\n    b.example\n"
    )
    assert host_settings.pip_configuration([], certificates=False) == "[global]\n"


def test_the_mirrors_of_the_same_debian_are_lent_those_of_others_are_not() -> None:
    targets = [
        "http://mirror.example/debian bookworm main",
        "http://mirror.example/debian bookworm main",
        "http://mirror.example/debian bookworm non-free",
        "http://security.example/debian-security bookworm-security main",
        "http://tools.example/apt stable main",
    ]
    assert debian_base.sources_list(targets) == (
        "deb http://mirror.example/debian bookworm main\n"
        "deb http://security.example/debian-security bookworm-security main\n"
    )
    assert debian_base.sources_list(["http://archive.example/ubuntu noble main"]) is None
