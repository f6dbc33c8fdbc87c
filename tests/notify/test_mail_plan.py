"""Nobody is flooded, and nobody is forgotten: by a table, and by whole lives of recipients with channels."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bannette.notify.plan import Kind, KnownChannel, Mail, News, Pace, Plan, plan, written
from bannette.resources import Asked, Standing

NOW = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PACE = Pace()


def channel(key="a", standing=Standing.NEVER, age=HOUR, **others):
    return KnownChannel(key=key, standing=standing, since=NOW - age, **others)


def asked(subject, *, first, last=None, times=1):
    """The same channel, after it was asked for so long ago."""
    told = Asked(
        standing=subject.standing, occasion=subject.since, first=NOW - first, last=NOW - (last or first), times=times
    )
    return replace(subject, asked=told)


def requested(subject, ago):
    """The same channel, after its owner asked for a mail so long ago."""
    return replace(subject, requested=NOW - ago)


def look(*channels, mailed=(), pace=PACE, news=(), requests=()):
    before = [NOW - ago for ago in requests]
    return plan(channels, [NOW - ago for ago in mailed], now=NOW, pace=pace, news=news, requests=before)


def sent(kind, *keys, on_request=False):
    return Plan(Mail(kind, keys, on_request), NOW + 10 * MINUTE)


def later(after):
    return Plan(None, NOW + after)


NOTHING = Plan(None, None)
WANTED = requested(asked(channel(age=9 * DAY), first=DAY), MINUTE)
LOST = channel("lost", Standing.LOST)
OLD_LOSS = Asked(standing=Standing.LOST, occasion=NOW - 9 * DAY, first=NOW - HOUR, last=NOW - HOUR, times=1)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        # Asked for once
        (look(), NOTHING),
        (look(channel()), sent(Kind.CONNECT, "a")),
        (look(asked(channel(), first=HOUR)), later(3 * DAY - HOUR)),
        (look(LOST), sent(Kind.LOST, "lost")),
        (look(asked(LOST, first=HOUR)), later(3 * DAY - HOUR)),
        (look(channel(standing=Standing.CONNECTED)), later(76 * DAY - HOUR)),
        # Several channels are one mail; one just made waits a minute for its siblings, which come along then
        (look(channel("a"), channel("b")), sent(Kind.CONNECT, "a", "b")),
        (look(channel(age=MINUTE / 2)), later(MINUTE / 2)),
        (look(channel("a", age=MINUTE), channel("b", age=MINUTE / 60)), sent(Kind.CONNECT, "a", "b")),
        # Of several kinds the one that waits longest
        (look(channel("new", age=2 * HOUR), LOST), sent(Kind.CONNECT, "new")),
        (look(channel("new", age=MINUTE), LOST), sent(Kind.LOST, "lost")),
        (look(channel("new"), LOST), sent(Kind.LOST, "lost")),
        # Not too soon after another mail, and not too many a day
        (look(channel(), mailed=[9 * MINUTE]), later(MINUTE)),
        (look(channel(), mailed=[10 * MINUTE]), sent(Kind.CONNECT, "a")),
        (look(channel(), mailed=[(6 - n) * HOUR for n in range(6)]), later(18 * HOUR)),
        (look(channel(), mailed=[(5 - n) * HOUR for n in range(5)]), sent(Kind.CONNECT, "a")),
        (look(channel(), mailed=[(24 - n) * HOUR for n in range(6)]), sent(Kind.CONNECT, "a")),
        # Reminders after 3 and 7 days, and no more
        (look(asked(channel(age=9 * DAY), first=3 * DAY)), sent(Kind.REMINDER, "a")),
        (look(asked(channel(age=9 * DAY), first=3 * DAY - HOUR)), later(HOUR)),
        (look(asked(channel(age=9 * DAY), first=6 * DAY, last=3 * DAY, times=2)), later(DAY)),
        (look(asked(channel(age=9 * DAY), first=7 * DAY, last=4 * DAY, times=2)), sent(Kind.REMINDER, "a")),
        (look(asked(channel(age=99 * DAY), first=90 * DAY, last=80 * DAY, times=3)), NOTHING),
        # The first came late: the second keeps its distance from it
        (look(asked(channel(age=20 * DAY), first=10 * DAY, last=HOUR, times=2)), later(4 * DAY - HOUR)),
        # One that is due soon comes along with one that is due
        (
            look(
                asked(channel("a", age=9 * DAY), first=3 * DAY),
                asked(channel("b", age=9 * DAY), first=3 * DAY - 9 * HOUR),
            ),
            sent(Kind.REMINDER, "a", "b"),
        ),
        (
            look(asked(channel("a", age=9 * DAY), first=3 * DAY), asked(channel("b", age=9 * DAY), first=2 * DAY)),
            sent(Kind.REMINDER, "a"),
        ),
        # Connected meanwhile, or suspended: not asked for
        (look(replace(asked(channel(), first=5 * DAY), standing=Standing.CONNECTED)), later(76 * DAY - HOUR)),
        (look(channel(suspended=True)), NOTHING),
        (look(replace(LOST, suspended=True)), NOTHING),
        (look(asked(channel(age=9 * DAY, suspended=True), first=5 * DAY)), NOTHING),
        # Lost again soon after the last mail: a day later
        (look(replace(LOST, asked=OLD_LOSS)), later(23 * HOUR)),
        (look(replace(LOST, asked=replace(OLD_LOSS, last=NOW - DAY))), sent(Kind.LOST, "lost")),
        (look(LOST, replace(LOST, key="again", asked=OLD_LOSS)), sent(Kind.LOST, "lost")),
        # Somebody disconnected it: asked for once, a day later
        (look(channel(left=True)), later(23 * HOUR)),
        (look(channel(left=True, age=DAY)), sent(Kind.CONNECT, "a")),
        (look(asked(channel(left=True, age=9 * DAY), first=5 * DAY)), NOTHING),
        (look(requested(channel(left=True), MINUTE)), sent(Kind.CONNECT, "a", on_request=True)),
        (look(requested(channel(left=True, age=HOUR), 2 * HOUR)), later(DAY - HOUR)),
        # Unused for long: warned of once, two weeks before its end; what has ended isn't
        (look(channel(standing=Standing.CONNECTED, age=76 * DAY, suspended=True)), sent(Kind.LAPSING, "a")),
        (look(channel(standing=Standing.CONNECTED, age=75 * DAY, suspended=True)), later(DAY)),
        (look(asked(channel(standing=Standing.CONNECTED, age=80 * DAY), first=4 * DAY)), NOTHING),
        (look(channel(standing=Standing.CONNECTED, age=90 * DAY)), NOTHING),
        (
            look(
                channel("a", Standing.CONNECTED, age=76 * DAY),
                channel("b", Standing.CONNECTED, age=70 * DAY),
                channel("c", Standing.CONNECTED, age=60 * DAY),
            ),
            sent(Kind.LAPSING, "a", "b"),
        ),
        # A clock that was wrong costs nobody a mail, and one that is a little ahead doesn't repeat it
        (look(channel(age=-DAY)), sent(Kind.CONNECT, "a")),
        (look(channel(standing=Standing.CONNECTED, age=NOW - datetime.max.replace(tzinfo=UTC))), later(76 * DAY)),
        (look(channel(), mailed=[-365 * DAY]), sent(Kind.CONNECT, "a")),
        (look(channel(), mailed=[-MINUTE]), later(11 * MINUTE)),
        (look(asked(channel(), first=-99 * DAY)), sent(Kind.REMINDER, "a")),
        (look(asked(channel(), first=-MINUTE)), later(3 * DAY + MINUTE)),
        (look(replace(LOST, asked=replace(OLD_LOSS, last=NOW + 99 * DAY))), sent(Kind.LOST, "lost")),
        # Asked for at the page: at once, but an hour after the last mail about the channel, and within the pace
        (look(WANTED), sent(Kind.REMINDER, "a", on_request=True)),
        (look(requested(asked(channel(age=9 * DAY), first=HOUR / 2), MINUTE)), later(HOUR / 2)),
        (look(requested(channel(age=MINUTE / 2), MINUTE / 4)), sent(Kind.CONNECT, "a", on_request=True)),
        (look(requested(LOST, MINUTE)), sent(Kind.LOST, "lost")),
        (look(requested(replace(LOST, asked=OLD_LOSS), MINUTE)), sent(Kind.LOST, "lost", on_request=True)),
        (look(WANTED, mailed=[9 * MINUTE]), later(MINUTE)),
        (
            look(requested(asked(channel(age=99 * DAY), first=90 * DAY, last=80 * DAY, times=3), 0 * MINUTE)),
            sent(Kind.REMINDER, "a", on_request=True),
        ),
        # Asked for again and again: three in a day, after pauses that grow; others aren't kept back by that
        (look(WANTED, requests=[2 * HOUR]), later(HOUR)),
        (look(WANTED, requests=[3 * HOUR]), sent(Kind.REMINDER, "a", on_request=True)),
        (look(WANTED, requests=[7 * HOUR, 4 * HOUR]), later(5 * HOUR)),
        (look(WANTED, requests=[23 * HOUR, 4 * HOUR]), later(HOUR)),
        (look(WANTED, requests=[20 * HOUR, 17 * HOUR, 8 * HOUR]), later(4 * HOUR)),
        (
            look(WANTED, requests=[99 * HOUR, 25 * HOUR, 24 * HOUR, -99 * HOUR]),
            sent(Kind.REMINDER, "a", on_request=True),
        ),
        (look(WANTED, channel("b"), requests=[3 * HOUR, 2 * HOUR, HOUR]), sent(Kind.CONNECT, "b")),
        (look(asked(channel(), first=3 * DAY), requests=[3 * HOUR, 2 * HOUR, HOUR]), sent(Kind.REMINDER, "a")),
        (look(requested(channel("b"), MINUTE), requests=[3 * HOUR, 2 * HOUR, HOUR]), sent(Kind.CONNECT, "b")),
        # Whoever asks wants it though nothing is collected now; one mail is one answer; connected needs none
        (look(requested(channel(suspended=True), MINUTE)), sent(Kind.CONNECT, "a", on_request=True)),
        (look(requested(asked(channel(age=9 * DAY), first=HOUR), 2 * HOUR)), later(3 * DAY - HOUR)),
        (look(requested(channel(standing=Standing.CONNECTED), MINUTE)), later(76 * DAY - HOUR)),
        (look(requested(channel(), -DAY)), sent(Kind.CONNECT, "a")),
        # News: of one kind together, the one that waits longest first, within the same pace
        (look(news=[News("a", Kind.FIRST, NOW), News("b", Kind.FIRST, NOW - HOUR)]), sent(Kind.FIRST, "a", "b")),
        (look(news=[News("a", Kind.DIGEST, NOW + HOUR)]), later(HOUR)),
        (look(channel(), news=[News("a", Kind.DIGEST, NOW - 2 * HOUR)]), sent(Kind.DIGEST, "a")),
        (look(channel(age=MINUTE), news=[News("b", Kind.FIRST, NOW)]), sent(Kind.CONNECT, "a")),
        (look(news=[News("a", Kind.FAILURE, NOW)], mailed=[MINUTE]), later(9 * MINUTE)),
        # Another pace
        (look(asked(channel(), first=HOUR), pace=Pace(reminders=())), NOTHING),
        (look(asked(channel(), first=HOUR), pace=Pace(reminders=(HOUR,))), sent(Kind.REMINDER, "a")),
    ],
)
def test_what_is_sent_now(found, expected):
    assert found == expected


def test_what_is_remembered_counts_the_mails_of_one_occasion():
    once = replace(LOST, asked=written(LOST, now=NOW))
    twice = replace(once, asked=written(once, now=NOW + 3 * DAY))
    assert twice.asked == Asked(standing=Standing.LOST, occasion=LOST.since, first=NOW, last=NOW + 3 * DAY, times=2)
    again = replace(twice, since=NOW + 5 * DAY)
    assert written(again, now=NOW + 6 * DAY).times == 1


def test_a_mail_on_request_takes_no_reminder_away():
    once = replace(LOST, asked=written(LOST, now=NOW))
    wanted = replace(once, requested=NOW + HOUR)
    assert written(wanted, now=NOW + HOUR) == replace(once.asked, last=NOW + HOUR)


@pytest.mark.parametrize("wrong", [{"reminders": (7 * DAY, 3 * DAY)}, {"reminders": (0 * DAY,)}, {"mails_a_day": 0}])
def test_a_pace_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="ascend"):
        Pace(**wrong)


# Whole lives


class Life:
    """A recipient with channels to whom things happen, and a service that looks whenever it is told to, or likes to."""

    def __init__(self, pace):
        self.pace = pace
        self.now = NOW
        self.channels = {}
        self.mailed = []
        self.requests = []
        self.about = {}

    def look(self):
        found = plan(
            list(self.channels.values()),
            self.mailed[-self.pace.mails_a_day :],
            now=self.now,
            pace=self.pace,
            requests=self.requests,
        )
        if found.mail is not None:
            self.mailed.append(self.now)
            self.requests += [self.now] if found.mail.requested else []
            for key in found.mail.keys:
                self.about.setdefault(key, []).append((self.now, found.mail.kind, self.channels[key]))
                self.channels[key] = replace(self.channels[key], asked=written(self.channels[key], now=self.now))
        assert found.look_again is None or found.look_again > self.now, "it would look again without end"
        return found

    def live(self, until):
        """Look as often as the plan says."""
        for _ in range(5000):
            found = self.look()
            if found.look_again is None or found.look_again > until:
                self.now = max(self.now, until)
                return
            self.now = found.look_again
        raise AssertionError("it looks without end")

    def happen(self, key, what):
        known = self.channels.get(key)
        if known is None or what is None:
            self.channels[key] = KnownChannel(key=key, standing=Standing.NEVER, since=self.now)
            self.about.pop(key, None)
        elif isinstance(what, bool):
            self.channels[key] = replace(known, suspended=what)
        elif what is not known.standing and what is not Standing.NEVER:
            self.channels[key] = replace(known, standing=what, since=self.now)


PACES = st.builds(
    Pace,
    mails_a_day=st.integers(1, 8),
    reminders=st.sampled_from([(), (3 * DAY, 7 * DAY), (HOUR, 2 * HOUR, 9 * DAY)]),
    same_channel=st.sampled_from([HOUR, DAY]),
)
PAUSES = st.one_of(st.timedeltas(timedelta(0), 2 * HOUR), st.timedeltas(timedelta(0), 40 * DAY))
EVENTS = st.lists(
    st.tuples(
        st.sampled_from("abcdef"),
        st.one_of(st.none(), st.booleans(), st.sampled_from([Standing.CONNECTED, Standing.LOST])),
        PAUSES,
        # Whether the service runs meanwhile.
        st.booleans(),
    ),
    max_size=30,
)


@given(PACES, EVENTS)
def test_nobody_is_flooded_and_nobody_is_forgotten(pace, events):
    life = Life(pace)
    for key, what, pause, runs in events:
        life.happen(key, what)
        if runs:
            life.live(life.now + pause)
        else:
            life.now += pause
        life.look()
    life.live(life.now + 60 * DAY)

    # Not flooded
    for earlier, then in pairwise(life.mailed):
        assert then - earlier >= pace.between_mails
    for first, beyond in zip(life.mailed, life.mailed[pace.mails_a_day :], strict=False):
        assert beyond - first >= DAY
    for mails in life.about.values():
        occasions = {}
        for when, kind, subject in mails:
            occasions.setdefault((subject.standing, subject.since), []).append((when, kind))
        for (standing, _), of_one in occasions.items():
            assert len(of_one) <= (1 if standing is Standing.CONNECTED else 1 + len(pace.reminders))
            assert all(kind is Kind.REMINDER for _, kind in of_one[1:])
            for (before, _), (after, _), step in zip(of_one, of_one[1:], pace.steps, strict=False):
                assert after - before >= step * 0.75
        firsts = [when for (standing, _), ((when, _), *_) in occasions.items() if standing is not Standing.CONNECTED]
        for before, after in pairwise(firsts):
            assert after - before >= pace.same_channel
    # Not forgotten: who isn't connected was asked, and reminded as often as it should be
    for key, known in life.channels.items():
        if known.standing is not Standing.CONNECTED and not known.suspended:
            assert known.asked is not None
            assert (known.asked.standing, known.asked.occasion) == (known.standing, known.since)
            assert known.asked.times == 1 + len(pace.reminders), key


@given(st.integers(1, 500), st.timedeltas(timedelta(0), 30 * MINUTE / 30))
def test_500_channels_made_together_are_one_mail_and_one_of_each_reminder(number, within):
    life = Life(PACE)
    for position in range(number):
        since = NOW + within * position / number
        life.channels[str(position)] = KnownChannel(key=str(position), standing=Standing.NEVER, since=since)
    life.now = NOW + within
    life.live(NOW + 60 * DAY)
    assert len(life.mailed) == 3
    assert all(len(mails) == 3 for mails in life.about.values())


@given(st.lists(st.timedeltas(timedelta(0), 2 * HOUR), max_size=60))
def test_a_connection_that_is_lost_again_and_again_is_told_of_once_a_day(pauses):
    life = Life(PACE)
    life.happen("a", None)
    life.happen("a", Standing.CONNECTED)
    begun = life.now
    for pause in pauses:
        life.happen("a", Standing.LOST)
        life.live(life.now + pause)
        life.happen("a", Standing.CONNECTED)
        life.live(life.now + pause)
    assert len(life.mailed) <= 1 + (life.now - begun) / DAY


@given(st.lists(st.timedeltas(timedelta(0), 3 * DAY), max_size=25))
def test_requests_are_answered_within_the_pace_and_bring_no_mail_more_than_they_are(pauses):
    life = Life(PACE)
    life.happen("a", None)
    life.live(life.now + HOUR)
    for pause in pauses:
        life.channels["a"] = replace(life.channels["a"], requested=life.now)
        life.live(life.now + pause)
    life.live(life.now + 60 * DAY)
    known = life.channels["a"]
    assert known.wanted is None, "somebody asked and got nothing"
    assert known.asked.times == 1 + len(PACE.reminders), "a request took a reminder away"
    assert len(life.mailed) <= 1 + len(PACE.reminders) + len(pauses)
    for earlier, then in pairwise(life.mailed):
        assert then - earlier >= PACE.on_request[0]
    first, *longer = (pairwise(life.requests), zip(life.requests, life.requests[3:], strict=False))
    assert all(then - earlier >= 3 * HOUR for earlier, then in first)
    assert all(then - earlier >= DAY for earlier, then in longer[0])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(list(Kind)[4:]), PAUSES), max_size=40))
def test_news_are_told_once_within_the_pace(events):
    now, mailed, told, waiting = NOW, [], [], []
    for number, (key, kind, pause) in enumerate([*events, ("", None, 60 * DAY)]):
        if kind is not None:
            waiting.append(News(f"{key}{number}", kind, now))
        until = now + pause
        while True:
            found = plan([], mailed, now=now, pace=PACE, news=waiting)
            if found.mail is not None:
                mailed.append(now)
                told += found.mail.keys
                assert {one.kind for one in waiting if one.key in found.mail.keys} == {found.mail.kind}
                waiting = [one for one in waiting if one.key not in found.mail.keys]
            assert found.look_again is None or found.look_again > now
            if found.look_again is None or found.look_again > until:
                break
            now = found.look_again
        now = until
    assert sorted(told) == sorted(f"{key}{number}" for number, (key, _, _) in enumerate(events))
    for earlier, then in pairwise(mailed):
        assert then - earlier >= PACE.between_mails
    for first, beyond in zip(mailed, mailed[PACE.mails_a_day :], strict=False):
        assert beyond - first >= DAY
