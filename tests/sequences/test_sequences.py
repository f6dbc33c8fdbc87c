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
FOLDERS = (WATCHED, f"{WATCHED}/2026", f"{WATCHED}/2026/Q1", "/Clients", "/Archive", "/Archive/Old", "/")
FOLDER_NAMES = ("Invoices", "2026", "Old")
NAMES = ("a.txt", "b.txt", "cafe\u0301 ☕.txt", "~'x' #%.txt")
CONTENTS = (b"alpha", b"bravo", b"charlie", b"delta", b"")
#: Those that a run outlives, or fails by, within a second.
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
    "item gone",
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
kills = st.builds(lambda at: Trouble(kill_at=at), st.integers(0, 900))
failures = st.builds(
    lambda at, times: Trouble(fail_at=at, failures=times), st.integers(0, 60), st.sampled_from((1, 5, 10_000))
)
misbehaviour = st.builds(
    lambda found: Trouble(faults=tuple(found)),
    st.lists(faults, min_size=1, max_size=2) | st.sampled_from(OTHER_BYTES).map(lambda name: [{"like": name}]),
)
troubles = st.one_of(st.just(Trouble()), st.just(Trouble()), kills, failures, misbehaviour)


class Sequences(RuleBasedStateMachine):
    """A client who works in OneDrive, and runs in between."""

    def __init__(self, folder, simulator, nursery):
        super().__init__()
        self._place = folder
        self._simulator = simulator
        self._nursery = nursery

    @initialize(
        second=st.sampled_from((None, "/", "/Archive")),
        on_duplicate=st.sampled_from(("Skip", "Deliver")),
        flavour=st.sampled_from(("business", "personal")),
        page_size=st.sampled_from((200, 2)),
        with_delta=st.sampled_from((True, True, False)),
    )
    def begin(self, second, on_duplicate, flavour, page_size, with_delta):
        self._place.mkdir()
        watched = (WATCHED, second) if second else (WATCHED,)
        self.office = Office(
            self._place, self._simulator, self._nursery, watched=watched, on_duplicate=on_duplicate, flavour=flavour
        )
        self.drive = self.office.drive
        self.drive.control.settings(page_size=page_size, delta=with_delta)
        self.drive.make_folder(WATCHED)

    def teardown(self):
        if self._place.exists():
            shutil.rmtree(self._place)

    def _file(self, pick):
        return self._held("file", pick)

    def _folder(self, pick):
        return self._held("folder", pick)

    def _held(self, kind, pick):
        held = [item for item in self.drive.items() if item.kind == kind]
        assume(held)
        return held[pick % len(held)]

    # In OneDrive

    @rule(folder=st.sampled_from(FOLDERS), name=st.sampled_from(NAMES), content=st.sampled_from(CONTENTS))
    def create(self, folder, name, content):
        self.drive.create(f"{folder.rstrip('/')}/{name}", content)

    @rule(pick=picks, name=st.sampled_from(NAMES))
    def rename(self, pick, name):
        self.drive.rename(self._file(pick), name)

    @rule(pick=picks, to=st.sampled_from(FOLDERS))
    def move(self, pick, to):
        self.drive.move(self._file(pick), to)

    @rule(pick=picks, content=st.sampled_from(CONTENTS))
    def edit(self, pick, content):
        self.drive.edit(self._file(pick), content)

    @rule(pick=picks)
    def touch(self, pick):
        self.drive.touch(self._file(pick))

    @rule(pick=picks)
    def delete(self, pick):
        self.drive.delete(self._file(pick))

    @rule(pick=picks)
    def upload_again(self, pick):
        self.drive.upload_again(self._file(pick))

    @rule(pick=picks, to=st.sampled_from(FOLDERS), name=st.sampled_from(NAMES))
    def copy(self, pick, to, name):
        self.drive.copy(self._file(pick), to, name)

    @rule(pick=picks)
    def infect_or_cure(self, pick):
        file = self._file(pick)
        (self.drive.cure if file.key in self.drive.infected else self.drive.infect)(file)

    @rule(path=st.sampled_from(FOLDERS))
    def make_folder(self, path):
        self.drive.make_folder(path)

    @rule(pick=picks, name=st.sampled_from(FOLDER_NAMES))
    def rename_folder(self, pick, name):
        self.drive.rename(self._folder(pick), name)

    @rule(pick=picks, to=st.sampled_from(FOLDERS), name=st.none() | st.sampled_from(FOLDER_NAMES))
    def move_folder(self, pick, to, name):
        self.drive.move(self._folder(pick), to, name=name)

    @rule(pick=picks)
    def delete_folder(self, pick):
        self.drive.delete(self._folder(pick))

    @rule(pick=picks, to=st.sampled_from(FOLDERS), name=st.sampled_from(FOLDER_NAMES))
    def copy_folder(self, pick, to, name):
        folder = self._folder(pick)
        assume(not f"{to}/".casefold().startswith(f"{folder.path}/".casefold()))
        self.drive.copy(folder, to, name)

    @precondition(lambda self: self.drive.trash)
    @rule(pick=picks)
    def restore(self, pick):
        self.drive.restore(pick)

    # At Microsoft

    @rule()
    def forget_cursors(self):
        self.drive.control.expire_cursors(drive=self.drive.id)

    @rule()
    def forget_tokens_and_urls(self):
        self.drive.control.expire_tokens()
        self.drive.control.expire_urls()

    @rule(case=st.sampled_from(("mixed", "lower", "upper", "short")))
    def spell_ids_otherwise(self, case):
        self.drive.control.settings(drive_case=case)

    @rule()
    def let_the_feed_lag(self):
        self.office.hold_feed()

    @rule()
    def let_the_feed_catch_up(self):
        self.office.release_feed()

    # At the office

    @rule(pick=picks)
    def do_data_entry(self, pick):
        self.office.do_data_entry(pick)

    @rule()
    def lose_state(self):
        self.office.lose_state()

    @rule(pick=picks)
    def lose_status(self, pick):
        self.office.lose_status(self.office.watchers[pick % len(self.office.watchers)])

    @rule(pick=picks, trouble=troubles)
    def run(self, pick, trouble):
        self.office.run(self.office.watchers[pick % len(self.office.watchers)], trouble)

    @rule(trouble=troubles, other=troubles)
    def run_twice_at_once(self, trouble, other):
        self.office.run_at_once([self.office.watchers[0]] * 2, [trouble, other])

    @precondition(lambda self: len(self.office.watchers) > 1)
    @rule(trouble=troubles, other=troubles)
    def run_both_channels_at_once(self, trouble, other):
        self.office.run_at_once(self.office.watchers, [trouble, other])

    @rule()
    def finish(self):
        self.office.finish()


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
