"""The channels that watch a client's drive, their binder, and what must be true of it after a run.

Nothing here repeats what Bannette does: the drive itself is asked what lies in scope, and the binder is read from disk.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from bannette.binder import InboxEntry, Record
from simulator.testing import Simulator
from tests.collector.local_channel import Json, LocalChannel
from tests.sequences.client_drive import ClientDrive, Held, key_of
from tests.sequences.nursery import Ended, Nursery, Order


@dataclass(eq=False)
class Watcher:
    """One channel, and what is known about which folder it watches.

    Attributes:
        sure: key of the folder that its saved state surely names; None if that isn't sure.
        once: keys of all folders that it may have watched.
        disturbed: the eTags that each item had when a run with faults, or one that was cut short, could reject it.
    """

    channel: LocalChannel
    path: str
    sure: str | None = None
    once: set[str] = field(default_factory=set)
    disturbed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What lies in scope of one channel at one moment.

    Attributes:
        there: key of the folder at the channel's path, if there is one.
        files: key of a folder that may be the watched one -> the files below it.
    """

    there: str | None
    files: dict[str, dict[str, Held]]


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What goes wrong during a run.

    Attributes:
        kill_at: line of the binder's code before which the process is killed.
        fail_at: number of the system call on the binder's files from which on *failures* of them fail.
        faults: of the simulator.
    """

    kill_at: int | None = None
    fail_at: int | None = None
    failures: int = 1
    faults: Sequence[Json] = ()

    @property
    def any(self) -> bool:
        return self.kill_at is not None or self.fail_at is not None or bool(self.faults)


NONE = Trouble()


class Office:
    """The scene of one sequence.

    Args:
        watched: the folder of each channel; all collect from the same drive into the same binder.
    """

    def __init__(
        self,
        folder: Path,
        simulator: Simulator,
        nursery: Nursery,
        *,
        watched: Sequence[str],
        on_duplicate: str = "Skip",
        flavour: str = "business",
    ) -> None:
        simulator.control.reset()
        self.drive = ClientDrive(simulator.control, f"{flavour.lower()}@acme.example", flavour=flavour)
        self.drive.changed = self._drive_changed
        self.watchers: list[Watcher] = []
        self.binder = folder / "binder"
        self._folder = folder
        self._simulator = simulator
        self._nursery = nursery
        self._on_duplicate = on_duplicate
        #: key of an item -> hashes of what it held whenever it lay in scope of a run.
        self._collectable: dict[str, set[str]] = defaultdict(set)
        self._done: set[str] = set()
        self._feed_is_held = False
        for path in watched:
            self.watchers.append(self._watcher(len(self.watchers), path, user=f"{flavour.lower()}@acme.example"))

    def _watcher(self, number: int, path: str, *, user: str) -> Watcher:
        folder = self._folder / f"channel-{number}"
        folder.mkdir()
        channel = LocalChannel(folder, self._simulator)
        application = {
            "tenantId": self._simulator.tenant_id,
            "user": user,
            "clientId": self._simulator.client_id,
            "credentialsSecret": {"name": "acme-app"},
        }
        channel.write(
            onedrive={"folder": path, "account": {"application": application}},
            binder={"storage": {"path": str(self.binder)}, "onDuplicate": self._on_duplicate},
        )
        documents = list(yaml.safe_load_all(channel.file.read_text(encoding="utf-8")))
        documents[0]["metadata"]["name"] = f"channel-{number}"
        channel.file.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
        channel.binder_folder = self.binder
        return Watcher(channel, path)

    # What happens beside the runs

    def hold_feed(self) -> None:
        """From now on the feed lags behind the drive."""
        self._feed_is_held = True
        self.drive.control.hold_feed(drive=self.drive.id)
        self._drive_changed()

    def release_feed(self) -> None:
        self._feed_is_held = False
        self.drive.control.release_feed(drive=self.drive.id)

    def lose_state(self) -> None:
        shutil.rmtree(self.binder / "state", ignore_errors=True)
        for watcher in self.watchers:
            watcher.sure = None

    def lose_status(self, watcher: Watcher) -> None:
        shutil.rmtree(watcher.channel.state, ignore_errors=True)

    def do_data_entry(self, pick: int) -> None:
        """Be done with one document of the inbox."""
        if not (self.binder / "binder.json").exists():
            return
        waiting = [entry.record.id for entry in self._inbox()]
        if waiting:
            document = waiting[pick % len(waiting)]
            self.watchers[0].channel.binder().mark_done(document)
            self._done.add(document)

    # Runs

    def run(self, watcher: Watcher, trouble: Trouble = NONE) -> Ended:
        """Let a channel run, and check what comes of it."""
        (ended,) = self.run_at_once([watcher], [trouble])
        return ended

    def run_at_once(self, watchers: Sequence[Watcher], troubles: Sequence[Trouble]) -> list[Ended]:
        """Let these channels run at the same time, and check what comes of it.

        A channel that is given twice has a state folder for each run, so that neither waits for the other.
        """
        scopes = {watcher: self._scope(watcher) for watcher in watchers}
        self._note_what_is_collectable(scopes.values())
        before = self.records()
        for trouble in troubles:
            self.drive.control.add_faults(*trouble.faults)
        orders = [
            self._order(number, watcher, trouble, apart=watcher in watchers[:number])
            for number, (watcher, trouble) in enumerate(zip(watchers, troubles, strict=True))
        ]
        ended = self._nursery.run(*orders)
        self.drive.control.remove_faults()
        faults = any(trouble.faults for trouble in troubles)
        try:
            for end, trouble in zip(ended, troubles, strict=True):
                self._check_ending(end, trouble, faults=faults)
            self._check_records(before)
            for end, trouble in zip(ended, troubles, strict=True):
                self._check_counts(end, exact=trouble.fail_at is None)
            for watcher, scope in scopes.items():
                of_it = zip(ended, watchers, troubles, strict=True)
                undisturbed = [end for end, one, trouble in of_it if one is watcher and not trouble.any]
                if undisturbed and not faults:
                    self._check_undisturbed(watcher, scope, undisturbed, alone=len(ended) == 1)
                else:
                    self._note_disturbed(watcher, scope)
        except AssertionError as error:
            error.add_note("\n".join(f"--- code {end.code}\n{end.stdout}{end.stderr[-3000:]}" for end in ended))
            raise
        return ended

    def finish(self) -> None:
        """Let every channel come to its end undisturbed; afterwards there is nothing to do."""
        self.release_feed()
        for watcher in self.watchers:
            self.run(watcher)
        before = self._collected()
        for watcher in self.watchers:
            self.run(watcher)
        assert self._collected() == before, "a run had something to do although nothing had changed"

    def _order(self, number: int, watcher: Watcher, trouble: Trouble, *, apart: bool) -> Order:
        arguments = watcher.channel.command()[1:]
        if apart:
            arguments[arguments.index("--state") + 1] = str(watcher.channel.folder / "state-of-another-run")
        return Order(
            arguments=arguments,
            environment=self._simulator.environment,
            output=str(self._folder / f"run-{number}"),
            binder=str(self.binder),
            kill_at=trouble.kill_at,
            fail_at=trouble.fail_at,
            failures=trouble.failures,
        )

    # What must be true

    def records(self) -> dict[str, Record]:
        """All records by id."""
        parsed = [Record.parse(path.read_bytes()) for path in self._files("records") if path.suffix == ".json"]
        return {record.id: record for record in parsed}

    def _check_ending(self, end: Ended, trouble: Trouble, *, faults: bool) -> None:
        if end.code < 0:
            assert trouble.kill_at is not None
            assert end.code == -9
        elif end.code == 3:
            assert faults or trouble.fail_at is not None, "nothing had happened that may come right"
        elif end.code == 2 and not faults:
            assert end.entry["reason"] == "FolderNotFound"
        else:
            assert end.code in (0, 2)

    def _check_records(self, before: dict[str, Record]) -> None:
        """What stands in the binder is right, whatever became of the runs."""
        records = self.records()
        assert {document: records.get(document) for document in before} == before, "a record is gone, or another one"
        items = Counter(key_of(record.item) for record in records.values())
        assert max(items.values(), default=1) == 1, "an item was collected twice"
        for record in records.values():
            item = key_of(record.item)
            assert item in self._collectable, "collected, although it never lay in scope of a run"
            original = (self.binder / record.files["original"]).read_bytes()
            assert hashlib.sha256(original).hexdigest() == record.sha256
            assert record.sha256 in self._collectable[item], "not the bytes that the file held when a run walked"
            assert all((self.binder / key).exists() for key in record.files.values())
            if record.duplicate_of is not None:
                first = records[record.duplicate_of]
                assert (first.sha256, first.duplicate_of) == (record.sha256, None)
        delivered = [record for record in records.values() if not record.withheld]
        if self._on_duplicate == "Skip":
            times = Counter(record.sha256 for record in delivered)
            assert max(times.values(), default=1) == 1, "the same bytes were delivered twice"
        if (self.binder / "binder.json").exists():
            shown = Counter(entry.record.id for entry in self._inbox())
            assert shown == Counter({record.id for record in delivered} - self._done)

    def _check_counts(self, end: Ended, *, exact: bool) -> None:
        """What a run says of itself is what stands in the binder: no more, and no less unless its store failed."""
        if end.code < 0:
            return
        entry = end.entry
        of_run = [record for record in self.records().values() if record.run == entry["id"]]
        delivered = [record for record in of_run if not record.withheld]
        counts = [len(delivered), len(of_run) - len(delivered), sum(record.size for record in delivered)]
        said = [entry["collected"], entry["duplicates"], entry["bytes"]]
        if exact:
            assert said == counts, "the history doesn't add up"
        else:
            assert all(one <= other for one, other in zip(said, counts, strict=True)), "the history says too much"

    def _check_undisturbed(self, watcher: Watcher, scope: Scope, ended: list[Ended], *, alone: bool) -> None:
        """What the runs of a channel leave which nothing disturbed."""
        if self._feed_is_held:
            return self._note_disturbed(watcher, scope)
        if ended[0].code == 2:
            assert scope.there is None, "the folder is there"
            assert watcher.sure not in scope.files, "a folder that moved wasn't followed"
            return None
        # Which of several folders that stood at the path once is followed, a lost or unsaved state leaves open.
        sure = [folder for folder in (scope.there, watcher.sure) if folder in scope.files][:1]
        state = self._state(ended[0])
        deferred, rejected = (
            {key_of(str(item["item"])): str(item["reason"]) for item in state[name]}
            for name in ("deferred", "rejected")
        )
        put_off = deferred | rejected
        collected = {key_of(record.item) for record in self.records().values()}
        left = {
            folder: [held.path for key, held in scope.files[folder].items() if key not in collected | set(put_off)]
            for folder in sure or scope.files
        }
        complete = [folder for folder, paths in left.items() if not paths]
        assert complete, f"neither collected nor visible: {left}"
        inside = {key: held for folder in complete for key, held in scope.files[folder].items()}
        for key, reason in put_off.items():
            assert key in inside, f"put off ({reason}), and not in scope"
        # One that a channel rejected, and that didn't change, another may have collected.
        for key in deferred if len(self.watchers) > 1 else put_off:
            assert key not in collected, f"collected, and still put off ({put_off[key]})"
        for key, reason in deferred.items():
            assert inside[key].size == 0, f"deferred ({reason}), and why?"
        for key, reason in rejected.items():
            disturbed = inside[key].etag in watcher.disturbed[key]
            assert disturbed or key in self.drive.infected, f"rejected ({reason}), and why?"
        watcher.sure = complete[0] if len(complete) == 1 else None
        if alone:
            self._check_history(watcher, ended[0], state)
        return None

    def _check_history(self, watcher: Watcher, end: Ended, state: Json) -> None:
        entry = end.entry
        assert (entry["deferred"], entry["rejected"]) == (len(state["deferred"]), len(state["rejected"]))
        status = watcher.channel.status()
        assert status["lastRun"] == status["history"][0] == entry
        assert "activeRun" not in status
        report = self._report(entry["id"])
        assert {name: report[name] for name in entry} == entry
        checkpoint = status["checkpoint"]
        assert (checkpoint["deferredItems"], checkpoint["rejectedItems"]) == (entry["deferred"], entry["rejected"])

    def _note_disturbed(self, watcher: Watcher, scope: Scope) -> None:
        """Nothing is expected of the channel's state, but what it may say from now on."""
        if scope.there != watcher.sure:
            watcher.sure = None
        for files in scope.files.values():
            for key, held in files.items():
                watcher.disturbed[key].add(held.etag)

    # What there is

    def _scope(self, watcher: Watcher) -> Scope:
        held = self.drive.items()
        folders = {item.key: item for item in held if item.kind == "folder"}
        if watcher.path == "/":
            return Scope(there="root", files={"root": _files_of(held)})
        there = next((key for key, item in folders.items() if item.path.casefold() == watcher.path.casefold()), None)
        if there is not None:
            watcher.once.add(there)
        candidates = [there] if there is not None else sorted(watcher.once & set(folders))
        return Scope(there=there, files={key: _files_of(self.drive.items(folders[key].id)) for key in candidates})

    def _drive_changed(self) -> None:
        if self._feed_is_held:
            # What a feed that lags shows is of now, of the moment since which it lags, or of any in between.
            self._note_what_is_collectable([self._scope(watcher) for watcher in self.watchers])

    def _note_what_is_collectable(self, scopes: Iterable[Scope]) -> None:
        for key in {key for scope in scopes for files in scope.files.values() for key in files}:
            self._collectable[key].add(self.drive.hash_of(key))

    def _inbox(self) -> list[InboxEntry]:
        return list(self.watchers[0].channel.binder().inbox())

    def _report(self, run: object) -> Json:
        return next(report for report in self.watchers[0].channel.reports() if report["id"] == run)

    def _state(self, end: Ended) -> Json:
        """The last state of the channel whose run it was."""
        uid = self._report(end.entry["id"])["channel"]["uid"]
        files = (self.binder / "state" / uid).glob("*.json")
        return json.loads(max(files, key=lambda path: int(path.stem)).read_bytes())

    def _collected(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self._files("records", "documents", "contents", "inbox")}

    def _files(self, *folders: str) -> list[Path]:
        return [path for folder in folders for path in (self.binder / folder).rglob("*") if path.is_file()]


def _files_of(held: list[Held]) -> dict[str, Held]:
    return {item.key: item for item in held if item.kind == "file"}
