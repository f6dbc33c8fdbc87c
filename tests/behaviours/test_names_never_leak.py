"""Whatever names there are in OneDrive: they never become a path, and never appear outside the binder."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import unicodedata

import pytest
from reportlab.pdfgen.canvas import Canvas

from bannette.binder import Binder
from bannette.collector.documents import Documents
from bannette.onedrive import Graph
from tests.collector.local_channel import BANNETTE, wait_until

WORD = "Zanzibarium"
TEXT = "Quixotischer Wortlaut"
# What may stand in a name, around the word that is looked for.
NAMES = {
    "plain": f"{WORD}.txt",
    "composed": f"{WORD} é ñ ü.txt",
    "decomposed": unicodedata.normalize("NFD", f"{WORD} é ñ ü.txt"),
    "quotes": f"\"'`{WORD}`'\".txt",
    "emoji": f"📄{WORD}💥.txt",
    "right to left": f"\u202egpj.{WORD}\u202c.txt",
    "control": f"{WORD}\x01\x07\x1b[31m\x7f.txt",
    "new line": f"{WORD}\nrun.finished collected=99\r\n.txt",
    "no byte": f"{WORD}\x00.txt",
    "half a character": f"{WORD}\ud83d.txt",
    "long": f"{WORD}{'x' * 385}.txt",
    "upwards": f"../../../{WORD}",
    "root": f"/etc/{WORD}",
    "drive letter": f"C:\\Windows\\{WORD}",
    "encoded": f"%2e%2e%2f{WORD}%00",
    "trailing dots": f"{WORD}...",
    "trailing space": f"{WORD} ",
    "option": f"--output={WORD}",
    "command": f"$(touch {WORD});`id`|&",
    "format": f"%s{{0}}%(x)d{WORD}",
    "device": f"CON.{WORD}",
    "url": f"https://{WORD}.example/?token=1",
    "token": f"access_token={WORD}",
    "quoted": f'{WORD}","level":"x',
}
ODD = ["..", ".", "~", "NUL", " ", "…", "\u200b", "-", "*", "con"]


def pdf(text, *, damaged=False):
    buffer = io.BytesIO()
    canvas = Canvas(buffer, invariant=True)
    canvas.drawString(72, 720, text)
    canvas.save()
    data = buffer.getvalue()
    return data[: len(data) // 2] if damaged else data


@pytest.fixture
def drive(simulator):
    return simulator.control


def fill(drive, *, content=None):
    """Put a file of every name into a folder of the same name, in the watched folder."""
    names = [*NAMES.values(), *ODD]
    for number, name in enumerate(names):
        folder = drive.folder(f"/Invoices/folder {number}")
        made = drive.create(f"/Invoices/folder {number}/file {number}.txt", content or f"{TEXT} {number}")
        for item in (folder, made):
            rename(drive, item["id"], name)
    return names


def rename(drive, item, name):
    """Let OneDrive show an item under a name that the simulator's own paths couldn't hold."""
    row = {"name": "named", "kinds": ["delta", "children", "item"], "item": item, "times": None}
    drive.add_faults({**row, "set": {"name": name}})


def read_all(folder, *, but=()):
    """Everything that is written below *folder*, and the names of the files."""
    texts = []
    for path in folder.rglob("*"):
        if not any(path.is_relative_to(other) for other in but):
            texts.append(str(path.relative_to(folder)))
            if path.is_file():
                texts.append(path.read_bytes().decode("utf-8", "replace"))
    return "\n".join(texts)


def check_outside(channel, *said):
    """No name and no text is anywhere but in records, derived files, and the state's scope."""
    binder = channel.binder_folder
    written = read_all(channel.folder, but=(binder, channel.file))
    reports = read_all(binder / "runs") if binder.exists() else ""
    for text in (*said, written, reports):
        assert WORD not in text
        assert TEXT not in text
        assert "collected=99" not in text


KEYS = re.compile(
    r"binder\.json|documents(/[0-9a-f]{2}(/[0-9a-f]{32}(/[0-9a-f-]{16,25}(/(original|document|factur-x)\.[a-z0-9]+)?)?)?)?"
    r"|records(/[0-9a-f]{2}(/[0-9a-f]{32}\.json)?)?|contents(/[0-9a-f]{2}(/[0-9a-f]{64}(\.\d+)?)?)?"
    r"|inbox(/\d{8}-[0-9a-f]{32}\.json)?|attempts(/[0-9a-f]{32})?|state(/[0-9a-f-]{36}(/\d+\.json)?)?"
    r"|runs(/acme(/acme-onedrive(/[0-9TZ.:-]+-?[0-9a-f-]{36}\.json)?)?)?|\.staging.*|\.probe.*|\.sweep.*|processed"
)


def check_paths(channel):
    """Every key of the binder is made of ids, hashes and names of ours."""
    binder = channel.binder_folder
    keys = [path.relative_to(binder).as_posix() for path in binder.rglob("*")]
    assert [key for key in keys if KEYS.fullmatch(key) is None] == []
    assert {path.name for path in channel.folder.iterdir()} <= {"binder", "channel.yaml", "state", "log"}


@pytest.mark.behaviour(49)
@pytest.mark.parametrize("folder", ["/Invoices", "/"])
@pytest.mark.parametrize("delta", [True, False], ids=["with delta", "without"])
def test_names_of_all_kinds_are_collected_and_never_become_a_path(channel, collect, drive, folder, delta):
    drive.settings(delta=delta, page_size=7)
    channel.write(onedrive={"folder": folder})
    names = fill(drive)
    ended = collect()
    assert ended.counts("result", "collected", "duplicates") == ("Succeeded", len(names), 0)
    shown = sorted(name.replace("\ud83d", "?") for name in names)
    assert sorted(channel.names()) == shown
    folders = sorted(record.folder for record in channel.records())
    if delta or folder != "/":
        assert folders == sorted(f"/Invoices/{name}" for name in shown)
    check_paths(channel)
    check_outside(channel, ended.stdout)
    for record in channel.records():
        assert channel.original(record).startswith(TEXT.encode())
    assert collect().counts("collected", "duplicates") == (0, 0)


@pytest.mark.behaviour(49)
def test_equal_names_in_different_folders_are_different_documents(channel, collect, drive):
    for number in range(5):
        drive.create(f"/Invoices/{number}/{'n' * 255}", f"document {number}")
    assert collect().counts("collected") == (5,)
    assert channel.names() == ["n" * 255] * 5
    assert len({record.id for record in channel.records()}) == 5


# What goes wrong with the documents, and with their folders.
TROUBLES = [
    "item locked",
    "item refused",
    "item gone",
    "malware",
    "malware facet",
    "zero bytes",
    "content pending",
    "wrong hash",
    "connection cut",
    "connection cut always",
    "html instead",
    "different bytes each time",
    "url expired 404",
    "redirect to another host",
    "redirect endless",
    "error 502",
    "truncated json",
    "children lead astray",
    "folder not listed",
    "foreign link",
    "endless link",
    "resync",
    "drive refused",
    "token refused",
    "secret expired",
]


@pytest.mark.behaviour(49)
@pytest.mark.parametrize("fault", TROUBLES)
def test_nothing_that_a_run_says_holds_a_name(channel, collect, drive, fault, hasty, caplog):
    caplog.set_level("DEBUG")
    fill(drive)
    assert collect().code == 0
    # Now each of them again, under the fault, in a run that follows the feed.
    for number in range(len(NAMES)):
        name = drive.reupload(f"/Invoices/folder {number}/file {number}.txt", f"{TEXT} again {number}")["id"]
        rename(drive, name, list(NAMES.values())[number])
    drive.add_faults({"like": fault, "times": 20}, "no download url")
    for _ in range(2):
        ended = collect()
        assert ended.code in (0, 2, 3)
        check_outside(channel, ended.stdout, caplog.text)
    check_paths(channel)


@pytest.mark.behaviour(49)
@pytest.mark.parametrize("fault", ["item locked", "html instead", "drive refused", "read"])
@pytest.mark.parametrize("level", [["--debug"], []], ids=["debug", "info"])
def test_nothing_that_the_real_command_says_holds_a_name(channel, drive, fault, level):
    channel.write(spec={"ocr": {"enabled": fault == "read"}})
    fill(drive)
    # Read, these fail.
    drive.create(f"/Invoices/{WORD}/{WORD}.pdf", pdf(TEXT, damaged=True))
    drive.create(f"/Invoices/{WORD}/{WORD}.png", b"\x89PNG\r\n\x1a\n" + TEXT.encode())
    if fault != "read":
        drive.add_faults({"like": fault, "times": 20})
    log = channel.folder / "log"
    ended = channel.command_ends(*level, environment={"BANNETTE_TERMINATION_LOG": str(log)})
    assert ended.code in (0, 2)
    assert "run.finished" in ended.stderr
    assert log.is_file()
    check_outside(channel, ended.stdout, ended.stderr)
    check_paths(channel)


BREAKS = {
    "download": (Documents, "fetch"),
    "reading": (Documents, "read"),
    "commit": (Documents, "commit"),
    "binder": (Binder, "commit"),
    "graph": (Graph, "open_download"),
}


class Telling(RuntimeError):
    """An error that repeats what it was given."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(f"{WORD} {TEXT} {arguments!r}")


@pytest.mark.behaviour(49)
@pytest.mark.parametrize("at", BREAKS)
@pytest.mark.parametrize("error", [Telling, OSError, UnicodeError, KeyError])
def test_an_unforeseen_error_at_any_stage_is_told_without_its_text(
    channel, collect, drive, at, error, monkeypatch, caplog
):
    caplog.set_level("DEBUG")
    channel.write(spec={"ocr": {"enabled": at == "reading"}})
    fill(drive)
    owner, method = BREAKS[at]

    def broken(self, *arguments, **options):
        raise error(f"{WORD} {TEXT}", arguments) if error is not UnicodeError else UnicodeError(f"{WORD} {TEXT}")

    with monkeypatch.context() as patch:
        patch.setattr(owner, method, broken)
        ended = collect()
    # What may be the machine's fault ends the run; anything else puts the document off.
    of_a_document = error is not OSError
    assert (ended.counts("result") == ("PartiallySucceeded",)) is of_a_document
    assert ended.code in ((0,) if of_a_document else (1, 3))
    check_outside(channel, ended.stdout, caplog.text)
    assert collect().counts("result", "collected") == ("Succeeded", len(NAMES) + len(ODD))


@pytest.mark.behaviour(49)
@pytest.mark.parametrize("place", ["documents", "records", "inbox", "contents", "state", "attempts", "runs"])
def test_a_store_that_fails_is_told_without_names(channel, drive, place):
    channel.binder_folder.mkdir()
    channel.write(spec={"ocr": {"enabled": False}})
    # A file where a folder is needed.
    (channel.binder_folder / place).write_text("")
    fill(drive)
    ended = channel.command_ends("--debug")
    assert ended.code in (0, 2, 3)
    assert "Traceback" not in ended.stderr
    for text in (ended.stdout, ended.stderr, read_all(channel.state)):
        assert WORD not in text
        assert TEXT not in text


@pytest.mark.behaviour(49)
def test_a_run_that_is_told_to_end_says_no_name(channel, drive):
    fill(drive)
    drive.add_faults({"like": "slow", "times": None, "bytes_per_second": 1})
    process = channel.start("--debug")
    wait_until(lambda: drive.count("download"), "a download")
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 3
    check_outside(channel, stdout, stderr)


@pytest.mark.behaviour(19, 20, 49)
def test_the_watched_folder_is_named_where_its_setting_is_and_nowhere_else(channel, drive):
    folder = f"/{WORD}/Ünter\u0301 📄"
    channel.write(onedrive={"folder": folder})
    missing = channel.command_ends("--debug")
    assert missing.code == 2
    for line in (missing.stdout + missing.stderr).splitlines():
        assert WORD not in line or "spec.onedrive.folder" in line
    drive.create(f"{folder}/a.txt", "alpha")
    for fault in (None, "item locked", "drive refused"):
        drive.create(f"{folder}/{fault}.txt", str(fault))
        if fault:
            drive.add_faults(fault)
        ended = channel.command_ends("--debug")
        drive.remove_faults()
        assert WORD not in ended.stdout.splitlines()[-1]
        assert WORD not in ended.stderr
    drive.rename(folder, "Elsewhere")
    followed = channel.command_ends("--debug")
    assert followed.code == 0
    for line in (followed.stdout + followed.stderr).splitlines():
        assert WORD not in line or "spec.onedrive.folder" in line


@pytest.mark.behaviour(49)
def test_a_name_is_shown_in_one_line_and_commands_no_terminal(channel, collect, drive):
    names = fill(drive)
    collect()
    for form in ([], ["-o", "json"]):
        command = [BANNETTE, "inbox", "list", "-f", str(channel.file), *form]
        shown = subprocess.run(command, capture_output=True, text=True, env=channel.environment, timeout=60)
        assert shown.returncode == 0, shown.stderr
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", shown.stdout)
        if not form:
            assert len([line for line in shown.stdout.splitlines() if WORD in line]) == len(NAMES)
            assert len(shown.stdout.splitlines()) <= len(names) + 3
