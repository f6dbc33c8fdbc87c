"""The chart that makes channels of a table: what it makes is valid, and what it can't read it names."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from bannette.resources import Channel, Recipient
from devcluster import chart
from tests.controller.cluster import Json

# The first test builds Helm, where it hasn't been built yet.
pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(1200)]

CHART = chart.SOURCE / "charts" / "bannette-channels"
TABLE = """\
name,email,displayName,user,locale,folder,time,suspend
acme,marie@acme.example,Marie Dupont,,fr,/Factures,,
zed-7,jean@zed.example,,compta@zed.example,,,05:15,true
"""
APPLICATION = '{"tenantId":"11111111-2222-3333-4444-555555555555","clientId":"c","credentialsSecret":"app"}'


def _helm(tmp_path: Path, table: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    source = tmp_path / "clients.csv"
    source.write_text(table)
    command = [str(chart.helm()), "template", "clients", str(CHART), "--namespace=acme", f"--set-file=table={source}"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True)


def _rendered(tmp_path: Path, table: str, *arguments: str) -> dict[tuple[str, str], Json]:
    done = _helm(tmp_path, table, "--set=defaults.binder=purchases", *arguments)
    assert done.returncode == 0, done.stderr
    return {(body["kind"], body["metadata"]["name"]): body for body in yaml.safe_load_all(done.stdout) if body}


def test_helm_finds_no_fault_with_it() -> None:
    command = [str(chart.helm()), "lint", "--strict", str(CHART), "--set=allowNone=true"]
    subprocess.run(command, check=True, capture_output=True)


def test_each_line_is_a_channel_and_the_person_to_ask(tmp_path: Path) -> None:
    found = _rendered(tmp_path, TABLE)
    assert sorted(found) == [
        ("CollectionChannel", "acme"),
        ("CollectionChannel", "zed-7"),
        ("Recipient", "acme"),
        ("Recipient", "zed-7"),
    ]
    marie = Recipient.parse(found["Recipient", "acme"], strict=True)
    assert (marie.display_name, marie.email, marie.locale.value) == ("Marie Dupont", "marie@acme.example", "fr")
    assert Recipient.parse(found["Recipient", "zed-7"], strict=True).locale.value == "en"
    acme = Channel.parse(found["CollectionChannel", "acme"], strict=True)
    assert (acme.recipient, acme.binder, acme.onedrive.folder, acme.suspend) == (
        "acme",
        "purchases",
        "/Factures",
        False,
    )
    zed = Channel.parse(found["CollectionChannel", "zed-7"], strict=True)
    assert (zed.schedule.time, zed.suspend) == ("05:15", True)
    account = found["CollectionChannel", "zed-7"]["spec"]["onedrive"]["account"]
    assert account == {"delegated": {"loginHint": "compta@zed.example"}}


def test_one_application_may_read_all_accounts_and_a_spec_may_be_everybodys(tmp_path: Path) -> None:
    spec = '{"ocr":{"languages":["fra"]},"onedrive":{"folder":"/Everybody"}}'
    found = _rendered(
        tmp_path, TABLE, f"--set-json=defaults.application={APPLICATION}", f"--set-json=defaults.spec={spec}"
    )
    for name, user, folder in (
        ("acme", "marie@acme.example", "/Factures"),
        ("zed-7", "compta@zed.example", "/Everybody"),
    ):
        body = found["CollectionChannel", name]
        channel = Channel.parse(body, strict=True)
        assert body["spec"]["onedrive"]["account"]["application"]["user"] == user
        assert channel.onedrive.folder == folder
        assert channel.ocr.languages == ("fra",)


def test_other_separators_line_ends_and_a_list_are_read_too(tmp_path: Path) -> None:
    table = "\ufeffname;email;displayName\r\nacme;marie@acme.example;Dupont, Marie\r\n\r\n"
    found = _rendered(
        tmp_path, table, "--set=separator=;", '--set-json=clients=[{"name":"zed","email":"jean@zed.example"}]'
    )
    assert found["Recipient", "acme"]["spec"]["displayName"] == "Dupont, Marie"
    assert ("CollectionChannel", "zed") in found


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("name,mail\na,b@c.example\n", 'there is no column "mail"'),
        ("name,email\na\n", "line 2: 1 cells where the first line has 2 columns"),
        ("name,email\na,b@c.example\n\n,d@c.example\n", "line 4: no name"),
        ("name,email\na,\n", "line 2: no email"),
        ("name,email\na,b@c.example\na,d@c.example\n", 'two clients are named "a"'),
        ("name,email,email\na,b@c.example,d@c.example\n", "a column is there twice"),
        ('name,email\n"a",b@c.example\n', "line 2: write cells without quotation marks"),
        ("name,email,suspend\na,b@c.example,yes\n", 'line 2: suspend is true or false, not "yes"'),
        ("name;email\na;b@c.example\n", 'there is no column "name;email"'),
        ("name,email\nAcme Conseil,b@c.example\n", 'line 2: name "Acme Conseil": at most 42 lower-case letters'),
        ("name,email\na,b@c\n", 'line 2: email "b@c": one e-mail address'),
        ("name,email,time\na,b@c.example,5:30\n", 'line 2: time "5:30": hours and minutes in 24-hour form'),
        ("name,email,locale\na,b@c.example,de\n", 'line 2: locale "de": fr or en'),
        ("", "there is no client: give the table again"),
        ("name,email\n", "there is no client: give the table again"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_its_line(tmp_path: Path, table: str, says: str) -> None:
    done = _helm(tmp_path, table, "--set=defaults.binder=purchases")
    assert done.returncode != 0
    assert says in done.stderr


def test_a_line_says_more_than_what_is_everybodys(tmp_path: Path) -> None:
    table = "name,email,suspend\nacme,marie@acme.example,false\nzed,jean@zed.example,\n"
    found = _rendered(tmp_path, table, '--set-json=defaults.spec={"suspend":true}')
    assert not found["CollectionChannel", "acme"]["spec"]["suspend"]
    assert found["CollectionChannel", "zed"]["spec"]["suspend"]


@pytest.mark.parametrize("member", ["name", "email", "time"])
def test_a_list_is_held_to_the_same_rules(tmp_path: Path, member: str) -> None:
    client = {"name": "a", "email": "b@c.example", member: "not this"}
    done = _helm(tmp_path, "", "--set=defaults.binder=purchases", f"--set-json=clients={json.dumps([client])}")
    assert done.returncode != 0
    assert f"clients/0/{member}" in done.stderr or f"clients.0.{member}" in done.stderr


def test_no_client_at_all_can_be_asked_for(tmp_path: Path) -> None:
    assert _rendered(tmp_path, "", "--set=allowNone=true") == {}


def test_a_client_without_a_binder_is_named(tmp_path: Path) -> None:
    done = _helm(tmp_path, TABLE)
    assert done.returncode != 0
    assert "acme: no binder, and defaults.binder is empty" in done.stderr
