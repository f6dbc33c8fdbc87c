from __future__ import annotations

import pytest

from bannette.controller.settings import Settings
from bannette.errors import PersonNeeded

IMAGE = {"BANNETTE_COLLECTOR_IMAGE": "registry.example/collector:1"}


def test_the_environment_is_enough() -> None:
    settings = Settings.from_arguments(
        [],
        IMAGE
        | {
            "BANNETTE_IMAGE_PULL_POLICY": "Never",
            "BANNETTE_NAMESPACES": "acme, beta",
            "BANNETTE_MAX_CONCURRENT_RUNS": "3",
            "BANNETTE_GRAPH_URL": "https://graph.example",
            "BANNETTE_AUTHORITY_URL": "",
            "HOME": "/root",
            "POD_NAME": "bannette-operator-1",
            "BANNETTE_CONNECT_URL": "https://connect.example:8443",
            "BANNETTE_CONNECT_ACCOUNT": "bannette-system/bannette-connect",
            "BANNETTE_CONNECT_MAILS": "true",
        },
    )
    assert settings.collector_image == "registry.example/collector:1"
    assert settings.image_pull_policy == "Never"
    assert settings.namespaces == ("acme", "beta")
    assert settings.max_concurrent_runs == 3
    assert settings.collector_environment == {"BANNETTE_GRAPH_URL": "https://graph.example"}
    assert settings.listen == (None, 8080)
    assert settings.instance == "bannette-operator-1"
    assert settings.connect_url == "https://connect.example:8443"
    assert settings.connect_mails
    assert settings.connect_account == ("bannette-system", "bannette-connect")
    assert settings.lease is None


def test_an_https_address_is_the_same_with_its_port() -> None:
    assert Settings.from_arguments([], IMAGE | {"BANNETTE_CONNECT_URL": "https://a.example:443"}).connect_url == (
        "https://a.example"
    )


def test_flags_come_before_the_environment() -> None:
    flags = ["--collector-image", "other", "-n", "acme", "--listen", "", "--lease-namespace", "bannette-system"]
    settings = Settings.from_arguments(flags, IMAGE | {"BANNETTE_NAMESPACES": "beta"})
    assert (settings.collector_image, settings.namespaces, settings.listen) == ("other", ("acme",), None)
    assert settings.lease == ("bannette-system", "bannette-operator")


@pytest.mark.parametrize(
    "environ",
    [
        {},
        IMAGE | {"BANNETTE_MAX_CONCURRENT_RUNS": "0"},
        IMAGE | {"BANNETTE_MAX_CONCURRENT_RUNS": "many"},
        IMAGE | {"BANNETTE_LISTEN": "localhost"},
        IMAGE | {"BANNETTE_LISTEN": "localhost:"},
        IMAGE | {"BANNETTE_LISTEN": ":99999"},
        IMAGE | {"BANNETTE_CONNECT_URL": "http://connect.example"},
        IMAGE | {"BANNETTE_CONNECT_URL": "https://connect.example/pages"},
        IMAGE | {"BANNETTE_CONNECT_ACCOUNT": "bannette-connect"},
        IMAGE | {"BANNETTE_CONNECT_ACCOUNT": "bannette-system/bannette/connect"},
    ],
)
def test_impossible_settings_are_refused_with_their_name(environ: dict[str, str]) -> None:
    with pytest.raises(PersonNeeded, match="BANNETTE_"):
        Settings.from_arguments([], environ)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(":9090", (None, 9090)), ("127.0.0.1:9090", ("127.0.0.1", 9090)), ("[::1]:9090", ("::1", 9090)), ("", None)],
)
def test_an_address_to_listen_at_is_read(text: str, expected: tuple[str | None, int] | None) -> None:
    assert Settings.from_arguments(["--listen", text], IMAGE).listen == expected
