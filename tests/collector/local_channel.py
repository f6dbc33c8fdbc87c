"""A channel in a file with its binder beside it, collected in this process or by the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import yaml

from bannette.binder import Binder, Record, StorePath, open_store
from bannette.collector import FileAssignment, Interruption, ResourceFiles, Run, entry_line, order_by_hand
from bannette.resources import Trigger, load_documents
from simulator.testing import Simulator

BANNETTE = str(Path(sys.executable).with_name("bannette"))
Json = dict[str, object]


@dataclass(frozen=True)
class Ended:
    """How a command ended; *entry* is its last line of standard output, if that is JSON."""

    code: int
    stdout: str
    stderr: str

    @property
    def entry(self) -> Json:
        return json.loads(self.stdout.splitlines()[-1])

    def counts(self, *names: str) -> tuple[object, ...]:
        return tuple(self.entry[name] for name in names)


class LocalChannel:
    """The channel ``acme/acme-onedrive`` in *folder*, which watches ``/Invoices`` of the simulator's drive.

    Reading is off unless a test turns it on: most promises are about documents, not about their text.
    """

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder = folder
        self.simulator = simulator
        self.file = folder / "channel.yaml"
        self.state = folder / "state"
        self.binder_folder = folder / "binder"
        self.write()

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.simulator.environment, "PYTHONUNBUFFERED": "1"}

    def write(
        self,
        *,
        onedrive: Mapping[str, object] | None = None,
        spec: Mapping[str, object] | None = None,
        binder: Mapping[str, object] | None = None,
        annotations: Mapping[str, str] | None = None,
        secret: Mapping[str, str] | None = None,
        leave_out: tuple[str, ...] = (),
    ) -> None:
        """Write the file: what is given stands in place of the same members of a complete one."""
        named = {"namespace": "acme"}
        documents = [
            {
                "kind": "CollectionChannel",
                "metadata": {"name": "acme-onedrive", **named},
                "spec": {
                    "type": "OneDrive",
                    "recipient": {"name": "marie"},
                    "destination": {"binder": "purchases"},
                    "schedule": {"time": "05:30", "timeZone": "Europe/Paris"},
                    "onedrive": {
                        "folder": "/Invoices",
                        "account": {
                            "application": {
                                "tenantId": self.simulator.tenant_id,
                                "user": self.simulator.user,
                                "clientId": self.simulator.client_id,
                                "credentialsSecret": {"name": "acme-app"},
                            }
                        },
                        **(onedrive or {}),
                    },
                    "ocr": {"enabled": False},
                    **(spec or {}),
                },
            },
            {
                "kind": "Binder",
                "metadata": {"name": "purchases", **named, "annotations": dict(annotations or {})},
                "spec": {"company": "Acme", "storage": {"path": "binder"}, **(binder or {})},
            },
            {
                "kind": "Recipient",
                "metadata": {"name": "marie", **named},
                "spec": {"displayName": "Marie", "email": "marie@acme.example"},
            },
            {
                "kind": "Secret",
                "metadata": {"name": "acme-app", **named},
                "stringData": dict(secret or {"clientSecret": self.simulator.client_secret}),
            },
        ]
        kept = [document for document in documents if document["kind"] not in leave_out]
        self.file.write_text(yaml.safe_dump_all(kept), encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        return [BANNETTE, "collect", "-f", str(self.file), "--state", str(self.state), *arguments]

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a run and return its process."""
        return subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.environment, **(environment or {})},
        )

    def command_ends(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Ended:
        """Do one run by the real command."""
        return finished(self.start(*arguments, environment=environment))

    def collect(self, trigger: Trigger = Trigger.MANUAL, *, due_at: datetime | None = None) -> Ended:
        """Do one run in this process, which spares the second that an interpreter takes to start."""
        now = datetime.now(UTC)
        order = replace(order_by_hand(trigger, now=now), due_at=due_at or now)
        assignment = FileAssignment(ResourceFiles.load([self.file]), state=self.state)
        entry, code = Run(assignment, order, Interruption(), environ=self.environment).run()
        return Ended(code, entry_line(entry).decode(), "")

    # What came of it

    def binder(self) -> Binder:
        return Binder.existing(open_store(StorePath(self.binder_folder)))

    def records(self) -> list[Record]:
        """All records, by name."""
        files = (self.binder_folder / "records").rglob("*.json")
        return sorted((Record.parse(path.read_bytes()) for path in files), key=lambda record: record.name)

    def names(self) -> list[str]:
        return [record.name for record in self.records()]

    def inbox(self) -> list[str]:
        """The names of the documents that wait for data entry."""
        return sorted(entry.record.name for entry in self.binder().inbox())

    def original(self, record: Record) -> bytes:
        return (self.binder_folder / record.files["original"]).read_bytes()

    def reports(self) -> list[Json]:
        return list(self.binder().reports())

    def report(self, ended: Ended) -> Json:
        """The report of one run."""
        return next(report for report in self.reports() if report["id"] == ended.entry["id"])

    def status(self, kind: str = "CollectionChannel") -> Json:
        documents = load_documents((self.state / "status.yaml").read_text(encoding="utf-8"))
        return next(document["status"] for document in documents if document["kind"] == kind)

    def saved_state(self) -> Json:
        """The last saved state."""
        files = (self.binder_folder / "state").rglob("*.json")
        return json.loads(max(files, key=lambda path: int(path.stem)).read_bytes())


def finished(process: subprocess.Popen[str], *, within: float = 120.0) -> Ended:
    stdout, stderr = process.communicate(timeout=within)
    return Ended(process.returncode, stdout, stderr)


def wait_until(condition: Callable[[], object], what: str, *, within: float = 120.0) -> None:
    """Return when *condition* holds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"waited {within} s for {what}"
        time.sleep(0.02)


def today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")
