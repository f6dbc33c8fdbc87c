"""Whatever happens in OneDrive, in the store and to the process, in whatever order: nothing lost, nothing twice."""

from __future__ import annotations

import itertools
import shutil

import pytest
from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.sequences.nursery import Nursery
from tests.sequences.office import Office, Trouble

WATCHED = "/Clients/Invoices"
FOLDERS = (WATCHED, f"{WATCHED}/2026", f"{WATCHED}/2026/Q1", "/Archive/Old", "/Archive", "/")
FOLDER_NAMES = ("2026", "Old", "Invoices")
NAMES = ("a.txt", "b.txt", "c.txt", "d.txt", "cafe\u0301 ☕.txt", "~'x' #%.txt")
CONTENTS = (b"alpha", b"bravo", b"charlie", b"")
#: What lies in the drive at first: twice the same bytes, an empty file, and what may come into scope with its folder.
AT_FIRST = {
    f"{WATCHED}/a.txt": b"alpha",
    f"{WATCHED}/b.txt": b"alpha",
    f"{WATCHED}/2026/a.txt": b"bravo",
    f"{WATCHED}/2026/b.txt": b"",
    "/Archive/Old/a.txt": b"bravo",
    "/Archive/Old/b.txt": b"delta",
    "/Archive/Old/2025/c.txt": b"echo",
}
#: Those that a run outlives, or fails by, within a second. What says that an item is gone is believed.
FAULTS = (
    "resync",
    "resync without location",
    "resync mid-walk",
    "cursor refused 400",
    "cursor refused 404",
    "empty page",
    "same item twice",
    "children before parents",
    "parents never sent",
    "no link",
    "no download url",
    "no hash",
    "empty hashes",
    "wrong hash once",
    "wrong hash",
    "wrong size",
    "zero bytes",
    "no parent",
    "no etag",
    "content pending",
    "malware facet",
    "item refused",
    "item locked",
    "malware",
    "url expired",
    "url expired 404",
    "gzip",
    "chunked",
    "html page",
    "drive refused",
    "no drive",
    "secret expired",
)
#: Without a hash to compare with, these bytes would be what OneDrive serves.
OTHER_BYTES = ("different bytes each time", "html instead")

picks = st.integers(0, 20)
faults = st.builds(
    lambda name, seed, sure: (
        {"like": name} if sure else {"like": name, "probability": 0.5, "seed": seed, "times": None}
    ),
    st.sampled_from(FAULTS),
    st.integers(0, 5),
    st.booleans(),
)
kills = st.builds(lambda at: Trouble(kill_at=at), st.integers(0, 1500))
failures = st.builds(
    lambda at, times: Trouble(fail_at=at, failures=times), st.integers(0, 120), st.sampled_from((1, 5, 10_000))
)
misbehaviour = st.builds(
    lambda found: Trouble(faults=tuple(found)),
    st.lists(faults, min_size=1, max_size=2) | st.sampled_from(OTHER_BYTES).map(lambda name: [{"like": name}]),
)
troubles = kills | failures | misbehaviour


class Sequences(RuleBasedStateMachine):
    """A client who works in OneDrive, and runs in between."""

    def __init__(self, folder, simulator, nursery):
        super().__init__()
        self._place = folder
        self._simulator = simulator
        self._nursery = nursery
        #: What happened since everything was collected.
        self._news = 0
        self._arrived = 0

    @initialize(
        second=st.sampled_from((None, "/", "/Archive")),
        on_duplicate=st.sampled_from(("Skip", "Skip", "Deliver")),
        flavour=st.sampled_from(("business", "personal")),
        page_size=st.sampled_from((200, 2)),
        with_delta=st.sampled_from((True, True, True, False)),
    )
    def begin(self, second, on_duplicate, flavour, page_size, with_delta):
        self._place.mkdir()
        watched = (WATCHED, second) if second else (WATCHED,)
        self.office = Office(
            self._place, self._simulator, self._nursery, watched=watched, on_duplicate=on_duplicate, flavour=flavour
        )
        self.drive = self.office.drive
        self.drive.control.settings(page_size=page_size, delta=with_delta)
        for path, content in AT_FIRST.items():
            self.drive.create(path, content)

    def teardown(self):
        if self._place.exists():
            shutil.rmtree(self._place)

    def _held(self, kind, pick):
        self._news += 1
        held = [item for item in self.drive.items() if item.kind == kind]
        assume(held)
        return held[pick % len(held)]

    def _watcher(self, pick):
        return self.office.watchers[pick % len(self.office.watchers)]

    @rule(folder=st.sampled_from(FOLDERS), name=st.sampled_from(NAMES), content=st.sampled_from(CONTENTS))
    def create(self, folder, name, content):
        self._news += 1
        self.drive.create(f"{folder.rstrip('/')}/{name}", content)

    @rule(
        what=st.sampled_from(("move", "edit", "delete", "upload again", "copy", "rename", "infect or cure", "touch")),
        pick=picks,
        to=st.sampled_from(FOLDERS),
        name=st.sampled_from(NAMES),
        content=st.sampled_from(CONTENTS),
    )
    def change_file(self, what, pick, to, name, content):
        file = self._held("file", pick)
        match what:
            case "move":
                self.drive.move(file, to)
            case "edit":
                self.drive.edit(file, content)
            case "delete":
                self.drive.delete(file)
            case "upload again":
                self.drive.upload_again(file)
            case "copy":
                self.drive.copy(file, to, name)
            case "rename":
                self.drive.rename(file, name)
            case "infect or cure":
                (self.drive.cure if file.key in self.drive.infected else self.drive.infect)(file)
            case "touch":
                self.drive.touch(file)

    @rule(
        what=st.sampled_from(("move", "move", "rename", "delete", "copy", "make")),
        pick=picks,
        to=st.sampled_from(FOLDERS),
        name=st.sampled_from(FOLDER_NAMES),
        new_name=st.booleans(),
    )
    def change_folder(self, what, pick, to, name, new_name):
        folder = self._held("folder", pick)
        match what:
            case "move":
                self.drive.move(folder, to, name=name if new_name else None)
            case "rename":
                self.drive.rename(folder, name)
            case "delete":
                self.drive.delete(folder)
            case "copy":
                assume(not f"{to}/".casefold().startswith(f"{folder.path}/".casefold()))
                self.drive.copy(folder, to, name)
            case "make":
                self.drive.make_folder(to)

    @precondition(lambda self: self.drive.trash)
    @rule(pick=picks)
    def restore(self, pick):
        self._news += 1
        self.drive.restore(pick)

    @rule(
        what=st.sampled_from(("cursors are lost", "feed lags", "feed catches up", "tokens expire", "ids are spelled")),
        case=st.sampled_from(("mixed", "lower", "upper", "short")),
    )
    def at_microsoft(self, what, case):
        self._news += 1
        match what:
            case "cursors are lost":
                self.drive.control.expire_cursors(drive=self.drive.id)
            case "feed lags":
                self.office.hold_feed()
            case "feed catches up":
                self.office.release_feed()
            case "tokens expire":
                self.drive.control.expire_tokens()
                self.drive.control.expire_urls()
            case "ids are spelled":
                self.drive.control.settings(drive_case=case)

    @rule(what=st.sampled_from(("data entry", "state is lost", "status is lost")), pick=picks)
    def at_the_office(self, what, pick):
        self._news += 1
        match what:
            case "data entry":
                self.office.do_data_entry(pick)
            case "state is lost":
                self.office.lose_state()
            case "status is lost":
                self.office.lose_status(self._watcher(pick))

    @precondition(lambda self: self._news)
    @rule(pick=picks)
    def run(self, pick):
        self.office.run(self._watcher(pick))

    @rule(pick=picks, trouble=troubles)
    def run_in_trouble(self, pick, trouble):
        self._news += 1
        self.office.run(self._watcher(pick), trouble)

    @rule(pick=picks, trouble=troubles, new=st.integers(0, 3))
    def something_arrives_and_a_run_is_in_trouble(self, pick, trouble, new):
        for _ in range(new):
            self._arrived += 1
            self.drive.create(f"{WATCHED}/new {self._arrived}.txt", b"new %d" % self._arrived)
        self.office.run(self._watcher(pick), trouble)
        self.office.run(self._watcher(pick))

    @rule(trouble=st.just(Trouble()) | troubles, other=st.just(Trouble()) | kills, pick=picks)
    def run_twice_at_once(self, trouble, other, pick):
        self._news += 1
        both = self.office.watchers if pick % 2 and len(self.office.watchers) > 1 else self.office.watchers[:1] * 2
        self.office.run_at_once(both, [trouble, other])

    @precondition(lambda self: self._news > 3)
    @rule()
    def finish(self):
        self.office.finish()
        self._news = 0


@pytest.fixture(scope="module")
def nursery():
    with Nursery() as started:
        yield started


@pytest.mark.timeout(0)
def test_any_sequence_ends_with_every_file_collected_once_or_visible(request, simulator, nursery, tmp_path):
    places = (tmp_path / str(number) for number in itertools.count())
    profile = request.config.getoption("--hypothesis-profile") or "sequences"
    run_state_machine_as_test(
        lambda: Sequences(next(places), simulator, nursery), settings=settings.get_profile(profile)
    )
