"""What a command says where its packages aren't installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

WITHOUT = "import sys; sys.modules[sys.argv.pop(1)] = None; from bannette.cli.main import main; sys.exit(main())"
FILE = "acme.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Has a channel whose owner signs in, in FILE."""
    documents = list(yaml.safe_load_all(Path("manifests/samples/local.yaml").read_text()))
    (channel,) = (one for one in documents if one["kind"] == "CollectionChannel")
    channel["spec"]["onedrive"]["account"] = {"delegated": {"loginHint": "compta@acme.example", "clientId": "app"}}
    (tmp_path / FILE).write_text(yaml.safe_dump_all(documents))
    return tmp_path


@pytest.mark.parametrize(
    ("package", "command", "extra"),
    [
        ("msal", ("connect", "-f", FILE), "collector"),
        ("msal", ("collect", "-f", FILE), "collector"),
        ("pypdfium2", ("collect", "-f", FILE), "collector"),
        ("kopf", ("controller",), "operator"),
        ("jinja2", ("notify", "test", "--to", "marie@acme.example"), "connect"),
        ("starlette", ("connect-service",), "connect"),
        # As the images have it.
        ("bannette.controller.run", ("controller",), None),
    ],
)
def test_it_names_what_to_install(package: str, command: tuple[str, ...], extra: str | None, folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path("operator").absolute()), "HOME": str(folder)}
    call = [sys.executable, "-c", WITHOUT, package, *command]
    done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    brings = f" `pip install '.[{extra}]'` brings it." if extra else ""
    said = f"bannette: this command isn't part of this installation: {package} is missing.{brings}\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
