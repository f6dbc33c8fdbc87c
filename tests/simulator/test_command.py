from __future__ import annotations

import os
import signal
import smtplib
import ssl
import subprocess
import sys
import urllib.request
from email.message import EmailMessage
from pathlib import Path

import pytest

from devcluster.processes import free_ports
from simulator.client import ControlClient

ROOT = Path(__file__).parents[2]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "simulator", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def environment_of(process: subprocess.Popen[str], variables: int = 4) -> dict[str, str]:
    assert process.stdout is not None
    found: dict[str, str] = {}
    for line in process.stdout:
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").strip().partition("=")
            found[name] = value
            if len(found) == variables:
                break
    return found


def test_it_prints_how_to_use_it_serves_and_ends_on_sigterm(tmp_path) -> None:
    process = start("--content", "generate:5x1kB/2", "--state-dir", str(tmp_path / "state"))
    try:
        environment = environment_of(process)
        context = ssl.create_default_context(cafile=environment["SSL_CERT_FILE"])
        health = urllib.request.urlopen(f"{environment['BANNETTE_GRAPH_URL']}/healthz", context=context)
        assert health.status == 200
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert (tmp_path / "state" / "ca.key").stat().st_mode & 0o077 == 0


def test_it_takes_mails_for_everybody_and_shows_them(tmp_path) -> None:
    (port,) = free_ports(1)
    process = start("--content", "empty", "--state-dir", str(tmp_path), "--mail-listen", f"127.0.0.1:{port}")
    try:
        environment = environment_of(process)
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "documents@acme.example", "marie@acme.example", "Connectez Marié"
        mail.set_content("https://connect.example/c/acme/x?t=1\n")
        mail.add_alternative("<p>Bonjour</p>", subtype="html")
        with smtplib.SMTP("localhost", port) as plain, pytest.raises(smtplib.SMTPException):
            plain.send_message(mail)
        with smtplib.SMTP("localhost", port) as server:
            server.starttls(context=ssl.create_default_context(cafile=environment["SSL_CERT_FILE"]))
            server.send_message(mail)
        control = ControlClient(environment["BANNETTE_GRAPH_URL"], Path(environment["SSL_CERT_FILE"]))
        (taken,) = control.mails()
        control.close()
    finally:
        process.terminate()
    assert process.wait(60) == 0
    assert (taken["to"], taken["from"]) == (["marie@acme.example"], "documents@acme.example")
    assert taken["subject"] == "Connectez Marié"
    assert "https://connect.example/c/acme/x?t=1" in str(taken["text"])
    assert "<p>Bonjour</p>" in str(taken["html"])


def test_the_authority_is_kept_and_links_are_built_from_the_public_url(tmp_path) -> None:
    state = str(tmp_path)
    made = subprocess.run(
        [sys.executable, "-m", "simulator", "--only-ca", "--state-dir", state], cwd=ROOT, capture_output=True, text=True
    )
    certificate = Path(made.stdout.strip()).read_text()
    process = start("--content", "empty", "--state-dir", state, "--public-url", "https://onedrive-simulator.svc")
    try:
        environment = environment_of(process)
        assert environment["BANNETTE_GRAPH_URL"] == "https://onedrive-simulator.svc"
        assert Path(environment["SSL_CERT_FILE"]).read_text() == certificate
    finally:
        process.terminate()
    assert process.wait(60) == 0


def test_the_help_teaches() -> None:
    shown = subprocess.run([sys.executable, "-m", "simulator", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert shown.returncode == 0
    for text in ("--content", "control/add-faults", "generate:100000x20kB/200"):
        assert text in shown.stdout


def test_unknown_content_is_refused_with_what_there_is() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "simulator", "--content", os.devnull], cwd=ROOT, capture_output=True, text=True
    )
    assert shown.returncode == 2
    assert "No folder" in shown.stderr
