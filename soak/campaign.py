"""One worker's share of the kills: a drive that changes all the time, and collectors that don't live long."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml

from bannette.binder import Record
from simulator.testing import Simulator
from soak.client import WATCHED, Client
from soak.places import SECRET, Place, Reader
from soak.sink import Sink, listening

_BANNETTE = str(Path(sys.executable).with_name("bannette"))
#: Seconds. A life so short ends while Python still imports; how long the longest is follows the machine: it grows with
#: each kill, and shrinks when a run came to its end before, so that one in six or seven does.
_SHORTEST, _LONGEST_AT_FIRST = 0.1, 2.0
_GROWS, _SHRINKS = 1.03, 0.85
#: One run in so many has company, of another state folder: they don't wait for each other.
_COMPANY = 4
#: Rounds between looks at whether a record has gone.
_LOOK_EVERY = 25
_UNDISTURBED_SECONDS = 1800
_UNDISTURBED_RUNS = 20
_RATE = 60.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a campaign came to.

    Attributes:
        documents: collected, those that repeat another's bytes among them. files: that lay in scope at the end.
        lost: files in scope at the end without a record, records that went away, and originals with other bytes than
            the client's; documents of the inbox that the sink of events wasn't told of, or too early.
        twice: items with two records, bytes delivered twice, and documents listed twice.
        survived: runs that came to their end before they were to be killed.
    """

    documents: int
    files: int
    kills: int
    lost: int
    twice: int
    survived: int
    seconds: float

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            documents=self.documents + other.documents,
            files=self.files + other.files,
            kills=self.kills + other.kills,
            lost=self.lost + other.lost,
            twice=self.twice + other.twice,
            survived=self.survived + other.survived,
            seconds=max(self.seconds, other.seconds),
        )


class Campaign:
    """Kills runs of one channel.

    Args:
        folder: for the channel's file and its state.
        kills: how many. seconds: after so long, no more.
    """

    def __init__(self, folder: Path, place: Place, *, kills: int, seconds: float, seed: int) -> None:
        self._folder = folder
        self._place = place
        self._kills = kills
        self._seconds = seconds
        self._chance = random.Random(seed)
        self._longest = _LONGEST_AT_FIRST
        self._rounds = 0
        self._killed = 0
        self._survived = 0
        self._gone: set[str] = set()
        self._keys: set[str] = set()

    def run(self) -> Outcome:
        """Do it.

        Raises:
            RuntimeError: a run ended otherwise than it may.
        """
        began = time.monotonic()
        with (
            Simulator() as simulator,
            listening(self._place.reader().has, random.Random(self._chance.random())) as sink,
        ):
            self._environment = {**os.environ, **simulator.environment}
            self._write_channel(simulator, sink.url)
            client = Client(simulator.control, random.Random(self._chance.random()), rate=_RATE)
            while self._killed < self._kills and time.monotonic() - began < self._seconds:
                client.work(self._chance.randrange(40))
                client.begin()
                self._round()
                client.stop()
            self._let_run_undisturbed()
            return self._outcome(client, sink, seconds=time.monotonic() - began)

    def _round(self) -> None:
        runs = [self._start("state")]
        if self._chance.randrange(_COMPANY) == 0:
            runs.append(self._start("another-state"))
        lives = sorted((self._chance.uniform(_SHORTEST, self._longest), number) for number in range(len(runs)))
        began = time.monotonic()
        for life, number in lives:
            process = runs[number]
            try:
                process.wait(max(0.0, life - (time.monotonic() - began)))
            except subprocess.TimeoutExpired:
                process.kill()
            self._ended(process)
        self._rounds += 1
        if self._rounds % _LOOK_EVERY == 0:
            self._look_for_gone_records()
            print(f"{self._killed} of {self._kills} kills, {len(self._keys)} documents", file=sys.stderr, flush=True)

    def _ended(self, process: subprocess.Popen[str]) -> None:
        output, errors = process.communicate(timeout=60)
        if process.returncode == -signal.SIGKILL:
            self._killed += 1
            self._longest *= _GROWS
        elif process.returncode == 0:
            self._survived += 1
            self._longest = max(2 * _SHORTEST, self._longest * _SHRINKS)
        else:
            raise RuntimeError(f"A run ended with {process.returncode}: {output[-2000:]}{errors[-2000:]}")

    def _look_for_gone_records(self) -> None:
        keys = self._place.reader().record_keys()
        self._gone |= self._keys - keys
        self._keys = keys

    def _let_run_undisturbed(self) -> None:
        runs = 0
        # What is collected takes one run, what is told may take more: each does so for half a minute.
        while runs < 2 or (runs < _UNDISTURBED_RUNS and self._place.reader().untold()):
            runs += 1
            process = self._start("state")
            output, errors = process.communicate(timeout=_UNDISTURBED_SECONDS)
            if process.returncode != 0:
                raise RuntimeError(f"The last run ended with {process.returncode}: {errors[-2000:]}")
        entry = json.loads(output.splitlines()[-1])
        if entry["collected"] or entry["duplicates"]:
            raise RuntimeError(f"A run had something to do although nothing had changed: {entry}")

    def _outcome(self, client: Client, sink: Sink, *, seconds: float) -> Outcome:
        self._look_for_gone_records()
        reader = self._place.reader()
        records = reader.records()
        items = Counter(record.item for record in records)
        delivered = [record for record in records if not record.withheld]
        contents = Counter(record.sha256 for record in delivered)
        listed = Counter(reader.inbox())
        in_scope = client.in_scope()
        foreign = sum(record.item not in client.held for record in records)
        if foreign:
            raise RuntimeError(f"{foreign} documents were collected that never lay in the drive.")
        lost = len(in_scope - set(items)) + len(self._gone) + _other_bytes(reader, client, records)
        lost += len({record.id for record in delivered} - set(listed))
        lost += len({record.id for record in delivered} - sink.heard) + len(sink.early)
        return Outcome(
            documents=len(records),
            files=len(in_scope),
            kills=self._killed,
            lost=lost,
            twice=sum(times - 1 for counts in (items, contents, listed) for times in counts.values())
            + len(set(listed) - {record.id for record in delivered}),
            survived=self._survived,
            seconds=seconds,
        )

    def _start(self, state: str) -> subprocess.Popen[str]:
        command = [_BANNETTE, "collect", "-f", str(self._folder / "channel.yaml"), "--state", str(self._folder / state)]
        return subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def _write_channel(self, simulator: Simulator, sink: str) -> None:
        account = {
            "tenantId": simulator.tenant_id,
            "user": simulator.user,
            "clientId": simulator.client_id,
            "credentialsSecret": {"name": "acme-app"},
        }
        documents = [
            _resource(
                "CollectionChannel",
                "acme-onedrive",
                spec={
                    "type": "OneDrive",
                    "recipient": {"name": "marie"},
                    "destination": {"binder": "purchases"},
                    "onedrive": {"folder": WATCHED, "account": {"application": account}},
                    "ocr": {"enabled": False},
                },
            ),
            _resource(
                "Binder", "purchases", spec={"company": "Acme", "storage": self._place.storage, "events": {"url": sink}}
            ),
            _resource("Recipient", "marie", spec={"displayName": "Marie", "email": "marie@acme.example"}),
            _resource("Secret", "acme-app", stringData={"clientSecret": simulator.client_secret}),
        ]
        if self._place.secret:
            documents.append(_resource("Secret", SECRET, stringData=self._place.secret))
        (self._folder / "channel.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")


def _resource(kind: str, name: str, **members: object) -> dict[str, object]:
    return {"kind": kind, "metadata": {"name": name, "namespace": "acme"}, **members}


def _other_bytes(reader: Reader, client: Client, records: list[Record]) -> int:
    return sum(
        digest != record.sha256 or digest not in client.held[record.item]
        for record, digest in reader.originals(records)
    )
