"""The list of channels, and one channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from bannette.console.cluster import Cluster
from bannette.console.faults import Fault, Stopped
from bannette.console.histories import filter_of, filtered, took
from bannette.console.inbox_visits import inbox_path, may_read
from bannette.console.summaries import State, Summary, selected
from bannette.console.visits import HOME, Reply, Visit
from bannette.resources import CHANNELS, Channel, DelegatedAccount, InvalidResource, RunResult, Trigger
from bannette.resources.needs import need_of
from bannette.resources.rules import REFERENCE

_ON_A_PAGE: Final = 50
_LATEST_RUNS: Final = 5
# Whoever may create channels in one namespace of theirs is shown the way, without asking about hundreds.
_ASKED_FOR_CREATION: Final = 20


@dataclass(frozen=True)
class Opened:
    """A channel that somebody may read, with what they may do to it."""

    channel: Channel
    body: dict[str, object]
    may_run: bool
    may_configure: bool

    @property
    def path(self) -> str:
        return channel_path(self.channel.namespace, self.channel.name)

    @property
    def needs_sign_in(self) -> bool:
        """Whether a person must still sign in at Microsoft, and may be led there from here."""
        connected = self.channel.status.condition("Connected")
        is_delegated = isinstance(self.channel.onedrive.account, DelegatedAccount)
        return self.may_configure and is_delegated and not (connected is not None and connected.status == "True")

    @property
    def nobody_signed_in(self) -> bool:
        """Whether no sign-in is kept: nobody signed in yet, or the account was disconnected."""
        connected = self.channel.status.condition("Connected")
        return connected is not None and connected.reason == "NotSignedIn"

    @property
    def may_disconnect(self) -> bool:
        """Whether there is a sign-in to be forgotten, and the person may have it forgotten."""
        is_delegated = isinstance(self.channel.onedrive.account, DelegatedAccount)
        connection = self.channel.status.connection
        is_kept = connection is not None and connection.account is not None and not self.nobody_signed_in
        return self.may_configure and is_delegated and is_kept

    @property
    def facts(self) -> dict[str, object]:
        """What all pages of the channel show."""
        return {"channel": self.channel, "path": self.path, "may_run": self.may_run, "sign_in": self.needs_sign_in}


def channel_path(namespace: str, name: str) -> str:
    return f"{HOME}/{namespace}/{name}"


def opened(visit: Visit) -> Opened:
    """Return the channel of a visit's address. Raises: SignedOut, Stopped."""
    cluster, place = visit.cluster, visit.place
    namespace, name = place["namespace"], place["name"]
    body = dict(cluster.get(CHANNELS, namespace, name))
    try:
        channel = Channel.parse(body)
    except InvalidResource as error:
        raise Stopped(Fault.UNREADABLE, str(error)) from None
    return Opened(
        channel,
        body,
        may_run=not channel.deleting and cluster.may("patch", CHANNELS, namespace, name=name),
        may_configure=not channel.deleting and cluster.may("configure", CHANNELS, namespace, name=name),
    )


def show_list(visit: Visit) -> Reply:
    """Show the channels of a namespace, or of all that the person may see."""
    cluster, catalogue = visit.cluster, visit.office.catalogue
    if not catalogue.is_read:
        raise Stopped(Fault.UNAVAILABLE)
    asked = visit.query.get("namespace", "").strip()
    visible = catalogue.visible_to(cluster)
    found = catalogue.channels(_within(cluster, asked, visible))
    words, state = visit.query.get("q", "").strip()[:200], visit.query.get("state", "")
    state = state if state in list(State) else ""
    shown = selected(found, words=words, state=state)
    number = _number(visit.query.get("page", ""), pages=-(-len(shown) // _ON_A_PAGE))
    kept = {key: value for key, value in (("namespace", asked), ("q", words), ("state", state)) if value}
    facts: dict[str, object] = {
        "channels": shown[(number - 1) * _ON_A_PAGE : number * _ON_A_PAGE],
        "found": len(shown),
        "all": len(found),
        "counts": _counts(found),
        "states": list(State),
        "namespaces": visible if visible is not None else catalogue.namespaces(),
        "namespace": asked,
        "words": words,
        "chosen": state,
        "more": [key for key in (("earlier", number - 1), ("later", number + 1)) if _has(key[1], len(shown))],
        "query": urlencode(kept),
        "may_create": _may_create(cluster, [asked] if asked else visible),
        "several": not asked,
        "state_query": urlencode({key: value for key, value in kept.items() if key != "state"}),
    }
    return Reply("channels", facts)


def show_channel(visit: Visit) -> Reply:
    """Show one channel: what is wrong and what to do about it, what it is, its last runs."""
    channel = opened(visit)
    status = channel.channel.status
    facts: dict[str, object] = {
        "need": need_of(channel.body),
        "conditions": status.conditions,
        "runs": [(entry, took(entry)) for entry in status.history[:_LATEST_RUNS]],
        "zone": channel.channel.schedule.time_zone,
        "may_check": channel.may_run and not channel.needs_sign_in,
        "may_disconnect": channel.may_disconnect,
        "nobody_signed_in": channel.nobody_signed_in,
        "is_delegated": isinstance(channel.channel.onedrive.account, DelegatedAccount),
        "next_run": status.schedule.next_run_time if status.schedule else None,
        "inbox": _inbox(visit, channel.channel),
    }
    return Reply("channel", channel.facts | facts)


def show_history(visit: Visit) -> Reply:
    """Show the runs that the channel's status holds, filtered."""
    channel = opened(visit)
    wanted = filter_of(visit.query, zone=channel.channel.schedule.time_zone)
    facts: dict[str, object] = {
        "runs": [(entry, took(entry)) for entry in filtered(channel.channel.status.history, wanted)],
        "wanted": wanted,
        "results": list(RunResult),
        "triggers": list(Trigger),
        "zone": wanted.zone,
        "kept": channel.channel.history_limit,
        "inbox": _inbox(visit, channel.channel),
    }
    return Reply("history", channel.facts | facts)


def _inbox(visit: Visit, channel: Channel) -> str:
    """Return where the channel's documents are shown; empty for whom may not read them."""
    may = may_read(visit, channel.namespace, channel.binder)
    return inbox_path(channel.namespace, channel.binder) if may else ""


def _within(cluster: Cluster, namespace: str, visible: list[str] | None) -> list[str] | None:
    """Return the namespaces whose channels are shown. Raises: Stopped: the person may not see them."""
    if not namespace:
        return visible
    if not REFERENCE.accepts(namespace):
        raise Stopped(Fault.NOT_FOUND)
    if visible is not None and namespace not in visible and not cluster.may("list", CHANNELS, namespace):
        raise Stopped(Fault.FORBIDDEN, f'{cluster.person.name} may not list {CHANNELS} in the namespace "{namespace}".')
    return [namespace]


def _may_create(cluster: Cluster, namespaces: list[str] | None) -> bool:
    where = namespaces[:_ASKED_FOR_CREATION] if namespaces is not None else [""]
    return any(cluster.may("configure", CHANNELS, namespace) for namespace in where)


def _counts(channels: list[Summary]) -> dict[State, int]:
    counts = dict.fromkeys(State, 0)
    for one in channels:
        counts[one.state] += 1
    return counts


def _number(text: str, *, pages: int) -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 1
    return min(max(number, 1), max(pages, 1))


def _has(number: int, found: int) -> bool:
    return 1 <= number <= -(-found // _ON_A_PAGE)


PAGES: Final = (
    ("GET", "/channels", show_list),
    ("GET", "/channels/{namespace}/{name}", show_channel),
    ("GET", "/channels/{namespace}/{name}/history", show_history),
)
