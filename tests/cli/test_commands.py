"""What the commands print, and how they end."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import yaml

from tests.collector.local_channel import BANNETTE


@pytest.fixture
def bannette(channel):
    def run(*arguments, **options):
        return subprocess.run(
            [BANNETTE, *arguments], capture_output=True, text=True, timeout=60, env=channel.environment, **options
        )

    return run


@pytest.fixture
def collected(channel, simulator):
    """A channel with two documents in its binder."""
    simulator.control.create("/Invoices/Facture été.txt", "Total : 12,40 €")
    simulator.control.create("/Invoices/2026/b.txt", "bravo")
    channel.collect()
    return channel


def file_of(channel):
    return "-f", str(channel.file)


# Help and usage


@pytest.mark.parametrize("command", [(), ("collect",), ("inbox", "list"), ("inbox", "show"), ("history",)])
def test_help_teaches_by_examples(bannette, command):
    done = bannette(*command, "--help")
    assert done.returncode == 0
    assert "examples:" in done.stdout
    assert "bannette " in done.stdout


def test_help_explains_the_exit_codes(bannette):
    assert "2  a person is needed" in bannette("collect", "--help").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("colect",),
        ("collect",),
        ("collect", "--in-cluster"),
        ("collect", "-f", "missing.yaml"),
        ("inbox", "list"),
        ("inbox", "list", "--binder", "missing"),
        ("history", "--state", "missing"),
        ("history", "--binder", "missing", "--limit=-1"),
        ("inbox", "show"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told_in_one_line(bannette, tmp_path, arguments):
    done = bannette(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("bannette")


def test_an_invalid_resource_is_told_in_one_line(bannette, channel):
    channel.write(onedrive={"foldr": "/Invoices"})
    done = bannette("collect", *file_of(channel))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "spec.onedrive.foldr" in done.stderr


def test_broken_yaml_is_told_in_one_line(bannette, channel):
    channel.file.write_text("kind: [")
    done = bannette("collect", *file_of(channel))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert str(channel.file) in done.stderr
    assert "line 1" in done.stderr


@pytest.mark.parametrize("kind", ["CollectionChannel", "Binder", "Recipient", "Secret"])
def test_a_resource_that_stands_twice_and_differs_is_refused(bannette, channel, tmp_path, kind):
    documents = list(yaml.safe_load_all(channel.file.read_text()))
    (body,) = (body for body in documents if body["kind"] == kind)
    body["metadata"]["annotations"] = {"team": "b"}
    again = tmp_path / "again.yaml"
    again.write_text(yaml.safe_dump(body))
    done = bannette("collect", *file_of(channel), "-f", str(again))
    assert (done.returncode, done.stdout) == (2, "")
    assert f'{again}: {kind} "' in done.stderr
    assert "keep one of them" in done.stderr


def test_a_file_that_is_named_twice_is_read_once(bannette, channel, simulator):
    simulator.control.create("/Invoices/a.txt", "alpha")
    done = bannette("collect", *file_of(channel), *file_of(channel), "--state", str(channel.state))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["collected"] == 1


def test_a_uid_that_is_a_path_is_refused(bannette, channel):
    text = channel.file.read_text()
    for name in ("acme-onedrive", "purchases"):
        documents = list(yaml.safe_load_all(text))
        for body in documents:
            if body["metadata"]["name"] == name:
                body["metadata"]["uid"] = "../x"
        channel.file.write_text(yaml.safe_dump_all(documents))
        done = bannette("collect", *file_of(channel), "--state", str(channel.state))
        assert done.returncode == 2
        assert "metadata.uid: leave it out" in done.stdout + done.stderr
    assert not channel.binder_folder.exists()


def test_a_binder_where_no_folder_can_be_made_needs_a_person(bannette, channel):
    channel.write(binder={"storage": {"path": "/proc/bannette"}})
    done = bannette("collect", *file_of(channel), "--state", str(channel.state))
    assert done.returncode == 2
    assert json.loads(done.stdout)["reason"] == "StoreUnusable"


def test_one_of_several_channels_must_be_chosen(bannette, channel, simulator):
    text = channel.file.read_text()
    channel.file.write_text(f"{text}\n---\n{text.replace('acme-onedrive', 'another')}")
    done = bannette("collect", *file_of(channel))
    assert done.returncode == 2
    assert "--channel" in done.stderr
    simulator.control.create("/Invoices/a.txt", "alpha")
    done = bannette("collect", *file_of(channel), "--channel", "another", "--state", str(channel.state))
    assert done.returncode == 0, done.stderr
    assert channel.records()[0].channel.name == "another"


def test_a_state_folder_of_another_channel_is_refused(bannette, channel, simulator):
    simulator.control.create("/Invoices/a.txt", "alpha")
    channel.collect()
    before = (channel.state / "status.yaml").read_text()
    channel.file.write_text(channel.file.read_text().replace("acme-onedrive", "another"))
    done = bannette("collect", *file_of(channel), "--state", str(channel.state))
    assert done.returncode == 2
    assert json.loads(done.stdout)["reason"] == "StateOfAnotherChannel"
    assert (channel.state / "status.yaml").read_text() == before


def test_an_unknown_option_leads_to_the_help_of_its_command(bannette, channel):
    assert "`bannette collect --help`" in bannette("collect", "--sate", "x", *file_of(channel)).stderr
    assert "`bannette inbox list --help`" in bannette("inbox", "list", "--sate", "x").stderr


def test_one_binder_is_named_once_and_is_a_folder(bannette, collected):
    twice = bannette("inbox", "list", *file_of(collected), "--binder", str(collected.binder_folder))
    assert (twice.returncode, twice.stdout) == (2, "")
    assert "either -f FILE, or --binder DIR" in twice.stderr
    no_folder = bannette("inbox", "list", "--binder", str(collected.file))
    assert no_folder.returncode == 2
    assert "isn't a folder" in no_folder.stderr


@pytest.mark.parametrize("command", [("version",), ("inbox", "list", "-o", "json"), ("collect",)], ids=" ".join)
def test_output_that_can_not_be_written_is_told_and_is_no_bug(channel, collected, command):
    files = () if command == ("version",) else file_of(collected)
    state = ("--state", str(collected.state)) if command == ("collect",) else ()
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [BANNETTE, *command, *files, *state],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            env=channel.environment,
        )
    assert done.returncode == 2
    assert "standard output can't be written (No space left on device)" in done.stderr
    assert "bug" not in done.stderr


@pytest.mark.parametrize("command", ["version", "--version"])
def test_the_version_is_printed(bannette, command):
    assert re.fullmatch(r"bannette \d+\.\d+\.\d+\S*\n", bannette(command).stdout)


def test_options_are_not_abbreviated(bannette):
    """A shorter one would mean something else once a longer one joins it."""
    done = bannette("inbox", "list", "--bin", "x")
    assert done.returncode == 2
    assert "--bin" in done.stderr


# Collect


def test_the_last_line_is_the_entry_as_json(bannette, channel, simulator):
    simulator.control.create("/Invoices/a.txt", "alpha")
    done = bannette("collect", *file_of(channel), "--state", str(channel.state))
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    entry = json.loads(done.stdout)
    assert entry["collected"] == 1
    run = f"channel=acme/acme-onedrive run={entry['id']}"
    assert f"INFO run.started {run} trigger=" in done.stderr
    assert f"INFO run.finished {run} result=Succeeded reason={entry['reason']} " in done.stderr


def test_the_secret_may_stand_in_a_file_of_its_own_in_base64(bannette, channel, simulator, tmp_path):
    simulator.control.create("/Invoices/a.txt", "alpha")
    channel.write(leave_out=("Secret",))
    secret = tmp_path / "secret.yaml"
    secret.write_text(
        "kind: Secret\nmetadata: {name: acme-app, namespace: acme}\ndata: {clientSecret: c2ltdWxhdGVkLXNlY3JldA==}\n"
    )
    done = bannette("collect", *file_of(channel), "-f", str(secret), "--state", str(channel.state))
    assert json.loads(done.stdout)["result"] == "Succeeded"


def test_a_run_without_standard_streams_collects(channel, simulator):
    simulator.control.create("/Invoices/a.txt", "alpha")
    command = f"{BANNETTE} collect -f {channel.file} --state {channel.state} <&- >&- 2>&-"
    done = subprocess.run(["/bin/sh", "-c", command], timeout=60, env=channel.environment, check=False)
    assert done.returncode == 0
    assert channel.status()["lastRun"]["result"] == "Succeeded"
    assert channel.names() == ["a.txt"]


def test_a_certificate_may_stand_in_for_the_secret(channel, simulator):
    made = simulator.new_certificate()
    simulator.control.create("/Invoices/a.txt", "alpha")
    channel.write(secret={"tls.crt": made.certificate, "tls.key": made.key})
    assert channel.collect().counts("result", "collected") == ("Succeeded", 1)


def test_the_status_is_kept_in_the_users_state_folder_by_default(channel, simulator, tmp_path):
    simulator.control.create("/Invoices/a.txt", "alpha")
    done = subprocess.run(
        [BANNETTE, "collect", *file_of(channel)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**channel.environment, "XDG_STATE_HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "home/bannette/acme/acme-onedrive/status.yaml").is_file()


def test_a_cron_line_collects_once_a_day(bannette, channel, simulator):
    # About noon there: no day ends between the two runs.
    ahead = 12 - datetime.now(UTC).hour
    channel.write(spec={"schedule": {"time": "05:30", "timeZone": f"Etc/GMT{-ahead:+d}"}})
    simulator.control.create("/Invoices/a.txt", "alpha")
    command = ("collect", *file_of(channel), "--state", str(channel.state), "--trigger", "scheduled")
    results = [json.loads(bannette(*command).stdout)["result"] for _ in range(2)]
    assert results == ["Succeeded", "Skipped"]


# Looking


def test_the_inbox_is_listed_in_the_order_of_arrival(bannette, channel, simulator):
    # What comes of one day alone is in the binder in the order of ids, which are random.
    names = [f"{number}.txt" for number in range(6)]
    for name in names:
        simulator.control.create(f"/Invoices/{name}", name)
        channel.collect()
    table = bannette("inbox", "list", *file_of(channel)).stdout
    assert re.findall(r"[0-9]\.txt", table) == names
    assert len(re.findall(r" 20\d\d-\d\d-\d\d \d\d:\d\d ", table)) == len(names)


@pytest.mark.parametrize("way", ["file", "binder"])
def test_the_inbox_lists_what_waits(bannette, collected, way):
    named = file_of(collected) if way == "file" else ("--binder", str(collected.binder_folder))
    table = bannette("inbox", "list", *named).stdout
    assert table.splitlines()[0].split() == ["ID", "COLLECTED", "TYPE", "SIZE", "READING", "FOLDER", "NAME"]
    assert "Facture été.txt" in table
    entries = json.loads(bannette("inbox", "list", *named, "-o", "json").stdout)
    assert sorted(entry["name"] for entry in entries) == ["Facture été.txt", "b.txt"]
    assert yaml.safe_load(bannette("inbox", "list", *named, "-o", "yaml").stdout)[0]["id"] == entries[0]["id"]


def test_a_document_is_shown_with_its_files_and_text(bannette, channel, simulator):
    channel.write(spec={"ocr": {"enabled": True}})
    simulator.control.create("/Invoices/a.txt", "Total : 12,40 €")
    channel.collect()
    (record,) = channel.records()
    shown = bannette("inbox", "show", record.id[:6], *file_of(channel)).stdout
    assert record.id in shown
    assert str(channel.binder_folder / record.files["original"]) in shown
    body = json.loads(bannette("inbox", "show", record.id, *file_of(channel), "-o", "json").stdout)
    assert body["name"] == "a.txt"
    assert "text" in body


def test_a_document_that_is_done_leaves_the_inbox_and_is_not_collected_again(bannette, collected):
    record = collected.records()[0]
    assert bannette("inbox", "done", record.id[:8], *file_of(collected)).returncode == 0
    assert record.name not in collected.inbox()
    assert collected.collect().counts("collected") == (0,)
    assert record.name not in collected.inbox()


def test_an_unknown_document_changes_nothing(bannette, collected):
    record = collected.records()[0]
    done = bannette("inbox", "done", record.id, "0123456789abcdef0123456789abcdef", *file_of(collected))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert len(collected.inbox()) == 2


def test_names_can_not_write_to_the_terminal(bannette, channel, simulator):
    simulator.control.create("/Invoices/\x1b[31mred\u202e.txt", "alpha")
    channel.collect()
    table = bannette("inbox", "list", *file_of(channel)).stdout
    assert "red" in table
    assert "\x1b" not in table
    assert "\u202e" not in table


def test_the_history_lists_all_runs(bannette, collected):
    collected.collect()
    for arguments, head in ((file_of(collected), "CHANNEL"), (("--state", str(collected.state)), "TRIGGER")):
        table = bannette("history", *arguments).stdout.splitlines()
        assert table[0].split()[:2] == ["STARTED", head]
        assert len(table) == 3
        runs = json.loads(bannette("history", *arguments, "-o", "json").stdout)
        assert sorted(run["collected"] for run in runs) == [0, 2]
    assert len(bannette("history", *file_of(collected), "--limit", "1").stdout.splitlines()) == 2


def test_a_reader_that_stops_reading_is_no_error(channel, collected):
    command = f"{BANNETTE} inbox list -o json -f {channel.file} | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""


# Cheap


def test_help_imports_nothing_that_a_run_needs():
    code = "import sys; from bannette.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print([name for name in ('requests', 'yaml', 'msal', 'obstore', 'rich', 'kopf') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_quiet_run_imports_no_reader_and_no_kubernetes_client(channel, simulator):
    simulator.control.folder("/Invoices")
    channel.write(spec={"ocr": {"enabled": True}})
    code = f"import sys; from bannette.cli.main import main\nmain({channel.command()[1:]!r})\n"
    names = ("rich", "kopf", "kubernetes", "aiohttp", "pypdfium2", "pikepdf", "ocrmypdf", "PIL", "pytesseract", "magic")
    code += f"print([name for name in {names!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=channel.environment
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
