"""A backup, a loss and a restore, with the commands of docs/backup.md: nothing is lost, and nothing comes twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bannette.binder import Binder, StorePath, open_store
from bannette.controller.names import BINDER, CHANNEL
from tests.collector.local_channel import Ended, LocalChannel
from tests.docs.fenced import SOURCE, Command, page
from tests.docs.place import NAME, NAMESPACE, Place

PAGE = page(SOURCE / "docs/backup.md")
# Typed here, by section.
ON_ONE_MACHINE, RESOURCES, ON_A_VOLUME = "One machine", "Resources", "Binder on a volume"
NEW_CLUSTER, BINDER_ALONE = "Into a new cluster", "The binder alone"
PRIVATE = "acme-private"
DELEGATED = f"""
apiVersion: bannette.io/v1alpha1
kind: CollectionChannel
metadata: {{name: {PRIVATE}, namespace: {NAMESPACE}}}
spec:
  type: OneDrive
  recipient: {{name: marie}}
  destination: {{binder: purchases}}
  onedrive:
    folder: /Factures
    account: {{delegated: {{loginHint: compta@acme.example, clientId: bannette-collector}}}}
"""


def type_section(place: Place, section: str) -> None:
    place.terminal.write(PAGE.files)
    for command in PAGE.of(section):
        place.terminal.type(command)


def names(folder: Path) -> list[str]:
    """Return the names of the documents of a binder that have a record."""
    binder = Binder.existing(open_store(StorePath(folder)))
    return sorted(record.name for record in map(binder.record, binder.ids()) if record is not None)


def waiting(folder: Path) -> list[str]:
    """Return the names of what the inbox lists, however often."""
    return sorted(entry.record.name for entry in Binder.existing(open_store(StorePath(folder))).inbox())


def originals(folder: Path) -> list[str]:
    """Return the contents of all originals that are there, whether a record names them or not."""
    return sorted(path.read_text() for path in (folder / "documents").rglob("original.*"))


def finish(place: Place, name: str, folder: Path) -> None:
    """Let data entry be done with the document of that name."""
    entries = place.terminal.json("bannette", "inbox", "list", "--binder", str(folder), "-o", "json")
    assert isinstance(entries, list)
    (document,) = (entry["id"] for entry in entries if entry["name"] == name)
    place.terminal.run("bannette", "inbox", "done", document, "--binder", str(folder))


def request(place: Place, value: str, *, runs: int) -> dict[str, object]:
    """Ask for a run; return its entry when the history has *runs*."""
    place.terminal.run(
        *("kubectl", "-n", NAMESPACE, "annotate", "collectionchannel", NAME),
        *(f"bannette.io/requestedAt={value}", "--overwrite"),
    )
    return place.wait_for_runs(runs)[0]


def test_the_page_has_no_section_with_commands_that_is_not_typed_here() -> None:
    typed = {ON_ONE_MACHINE, RESOURCES, ON_A_VOLUME, NEW_CLUSTER, BINDER_ALONE}
    assert {command.section for command in PAGE.commands} == typed


def test_on_one_machine_a_restored_binder_goes_on(new_place: Callable[..., Place]) -> None:
    place = new_place("machine")
    place.have_machine()
    terminal = place.terminal
    terminal.write({"acme.yaml": (SOURCE / "manifests/samples/local.yaml").read_text()})
    folder = terminal.folder / "inbox-of-acme"
    for name in ("a", "b"):
        place.drop(f"{name}.txt", name)
    terminal.run("bannette", "collect", "-f", "acme.yaml")
    finish(place, "a.txt", folder)
    backing_up, restoring = _halves(PAGE.of(ON_ONE_MACHINE), at="cp backup/acme.yaml")
    for command in backing_up:
        terminal.type(command)
    # After the backup, before the loss.
    place.drop("c.txt", "c")
    terminal.run("bannette", "collect", "-f", "acme.yaml")
    shutil.rmtree(folder)
    (terminal.folder / "acme.yaml").unlink()
    shutil.rmtree(terminal.environment["XDG_STATE_HOME"])

    for command in restoring:
        terminal.type(command)
    assert names(folder) == ["a.txt", "b.txt", "c.txt"]
    assert waiting(folder) == ["b.txt", "c.txt"]
    assert originals(folder) == ["a", "b", "c"]


@pytest.mark.apiserver
@pytest.mark.timeout(1800)
def test_a_new_cluster_goes_on_from_a_backup_and_a_lost_store_is_replaced(new_place: Callable[..., Place]) -> None:
    old = new_place("old")
    old.have_documents_and_installation()
    old.have_tenant()
    _connect_owner(old)
    assert request(old, "before", runs=2)["trigger"] == "Manual"
    finish(old, "a.txt", old.binder_folder)
    for section in (RESOURCES, ON_A_VOLUME):
        type_section(old, section)
    assert names(old.node.volume(NAMESPACE, "purchases-backup")) == ["a.txt", "b.txt"]
    # After the backup, before the loss.
    old.drop("c.txt", "charlie")
    assert request(old, "after", runs=3)["collected"] == 1
    binder_uid = old.cluster.get(BINDER, NAMESPACE, "purchases")["metadata"]["uid"]
    old.end()

    new = new_place("new")
    new.have_installation()
    shutil.copytree(old.terminal.folder / "backup", new.terminal.folder / "backup")
    backup = new.node.volume(NAMESPACE, "purchases-backup")
    shutil.copytree(old.node.volume(NAMESPACE, "purchases-backup"), backup)
    type_section(new, NEW_CLUSTER)

    (first,) = new.wait_for_runs(1)
    assert (first["trigger"], first["collected"], first["alreadySeen"]) == ("Initial", 1, 2)
    assert names(new.binder_folder) == ["a.txt", "b.txt", "c.txt"]
    assert waiting(new.binder_folder) == ["b.txt", "c.txt"]
    assert originals(new.binder_folder) == ["alpha", "bravo", "charlie"]
    binder = new.cluster.get(BINDER, NAMESPACE, "purchases")["metadata"]
    assert json.loads((new.binder_folder / "binder.json").read_text())["uid"] == binder["uid"] != binder_uid
    assert "bannette.io/adopt" not in binder.get("annotations", {})
    assert [run["result"] for run in new.wait_for_runs(1, PRIVATE)] == ["Succeeded"], "the owner's sign-in is lost"
    assert len(list((new.binder_folder / "runs" / NAMESPACE / NAME).iterdir())) >= 2, (
        "the history of the backup is lost"
    )

    # The copy was adopted since: a new one is begun. Then the store is lost, and nothing else.
    shutil.rmtree(backup)
    type_section(new, ON_A_VOLUME)
    new.drop("d.txt", "delta")
    assert request(new, "one more", runs=2)["collected"] == 1
    shutil.rmtree(new.binder_folder)
    channel = new.cluster.get(CHANNEL, NAMESPACE, NAME)["metadata"]["uid"]
    type_section(new, BINDER_ALONE)
    again = request(new, "restored", runs=3)
    assert (again["result"], again["collected"], again["alreadySeen"]) == ("Succeeded", 1, 3)
    assert names(new.binder_folder) == ["a.txt", "b.txt", "c.txt", "d.txt"]
    assert waiting(new.binder_folder) == ["b.txt", "c.txt", "d.txt"]
    assert originals(new.binder_folder) == ["alpha", "bravo", "charlie", "delta"]
    assert new.cluster.get(CHANNEL, NAMESPACE, NAME)["metadata"]["uid"] == channel


def test_a_copy_that_is_ahead_of_itself_skips_documents_until_its_states_are_taken_away(
    channel: LocalChannel, collect: Callable[..., Ended], tmp_path: Path
) -> None:
    """What the page warns of: were it not so, the warning could go."""
    for name in ("a", "b"):
        channel.simulator.control.create(f"/Invoices/{name}.txt", name)
        collect()
        if name == "a":
            # A tool reads all but the states, a run goes on, and the tool comes to the states.
            shutil.copytree(channel.binder_folder, tmp_path / "copy", ignore=shutil.ignore_patterns("state"))
    shutil.copytree(channel.binder_folder / "state", tmp_path / "copy/state")
    shutil.rmtree(channel.binder_folder)
    shutil.copytree(tmp_path / "copy", channel.binder_folder)

    assert collect().counts("collected") == (0,)
    assert channel.names() == ["a.txt"]
    shutil.rmtree(channel.binder_folder / "state")
    assert collect().counts("collected", "alreadySeen") == (1, 1)
    assert channel.names() == ["a.txt", "b.txt"]


def _connect_owner(place: Place) -> None:
    terminal = place.terminal
    terminal.write({"private.yaml": DELEGATED})
    terminal.run("kubectl", "apply", "-f", "private.yaml")
    terminal.run(
        *("kubectl", "-n", NAMESPACE, "wait", "collectionchannel", PRIVATE),
        *("--for=condition=Ready", "--timeout=180s"),
    )
    terminal.run("bannette", "connect", "-f", "private.yaml", "--device-code", "--manifest", "connection.yaml")
    terminal.run("kubectl", "apply", "--server-side", "--force-conflicts", "-f", "connection.yaml")
    place.wait_for_runs(1, PRIVATE)


def _halves(commands: list[Command], *, at: str) -> tuple[list[Command], list[Command]]:
    split = next(number for number, command in enumerate(commands) if command.text.startswith(at))
    return commands[:split], commands[split:]
