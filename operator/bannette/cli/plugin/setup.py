"""Whether what the channels and binders of a namespace need is there, as the operator judges it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bannette.cli.plugin.findings import Finding, note, ok, problem
from bannette.controller.names import CLAIM, CONFIG_MAP, SECRET
from bannette.controller.prerequisites import (
    Missing,
    Need,
    Presence,
    lacking,
    needs,
    no_binder,
    no_recipient,
    storage_needs,
    unmet,
)
from bannette.resources import (
    EVENTS_DELIVERED,
    Binder,
    Channel,
    ChannelStatus,
    ConditionStatus,
    EventSink,
    InvalidResource,
    Recipient,
)
from bannette.resources.needs import need_of

Json = dict[str, Any]


@dataclass(frozen=True)
class Unseen:
    """The caller may not look at an object."""

    why: str


Seen = Presence | Unseen | None


def wanted(channels: Iterable[Channel], binders: Mapping[str, Binder]) -> set[Need]:
    """Return the plain objects that are to be looked at."""
    found = {need for channel in channels for need in needs(channel, binders.get(channel.binder))}
    return found | {need for one in binders.values() for need in (*storage_needs(one), *event_needs(one))}


def event_needs(binder: Binder) -> tuple[Need, ...]:
    """Return the plain objects that it takes to tell a program of the binder's documents; runs go on without."""
    events, found = binder.events, []
    if events is not None and events.secret:
        purpose = f'the token for the sink of binder "{binder.name}" (spec.events.secret)'
        found.append(Need(SECRET, events.secret, purpose, "EventTokenMissing", (frozenset({EventSink.TOKEN}),)))
    if events is not None and events.ca_bundle is not None:
        bundle = events.ca_bundle
        purpose = f'the authorities for the sink of binder "{binder.name}" (spec.events.caBundle)'
        found.append(Need(CONFIG_MAP, bundle.config_map, purpose, "EventCaMissing", (frozenset({bundle.key}),)))
    return tuple(found)


def judge_channel(
    body: Mapping[str, Any], *, binders: Mapping[str, Binder], recipients: frozenset[str], seen: Mapping[Need, Seen]
) -> Finding:
    """Return whether a channel has what it needs, and whether anything else is the matter with it."""
    check = f"Channel {body['metadata']['name']}"
    try:
        channel = Channel.parse(body)
    except InvalidResource as error:
        return problem(check, f"{error}.")
    missing = list(_missing(channel, binders, recipients, seen))
    if missing:
        return problem(check, " ".join(one.message for one in missing))
    if channel.status.observed_generation != body["metadata"].get("generation"):
        return problem(check, "the operator hasn't seen its last change: is it running, and for this namespace?")
    need = need_of(body)
    if need is not None:
        return problem(check, need.message)
    unseen = [need for need in needs(channel, binders.get(channel.binder)) if isinstance(seen.get(need), Unseen)]
    if unseen and not _says_met(channel.status):
        names = ", ".join(f"{need.kind.kind} {need.name}" for need in unseen)
        return note(check, f"you may not look at {names}, and the operator says nothing of it yet.")
    by = " (the operator says so: you may not look at all of it)" if unseen else ""
    return ok(check, f"what it needs is there{by}.")


def judge_storage(
    binder: Binder, *, seen: Mapping[Need, Seen], claims: Mapping[str, Json], waiting: frozenset[str] = frozenset()
) -> Finding:
    """Return whether a binder's claim is bound, or the credentials of its bucket are there.

    Args:
        claims: the claims that were found, by name, as the API server has them.
        waiting: those of them that are bound for the first pod that uses them.
    """
    check = f"Storage of binder {binder.name}"
    wanted = storage_needs(binder)
    unseen = [need for need in wanted if isinstance(seen.get(need), Unseen)]
    if unseen:
        return note(check, f"you may not look at {unseen[0].kind.kind} {unseen[0].name}.")
    found = {need: one for need in wanted if not isinstance(one := seen.get(need), Unseen)}
    missing = list(lacking(found, namespace=binder.namespace))
    if missing:
        return problem(check, " ".join(one.message for one in missing))
    for need in wanted:
        if need.kind == CLAIM:
            return _judge_claim(check, claims[need.name], waits=need.name in waiting)
    return ok(check, "its credentials are there." if wanted else "it needs no Secret: its pods' identity opens it.")


def judge_events(body: Mapping[str, Any], binder: Binder, *, seen: Mapping[Need, Seen]) -> Finding | None:
    """Return whether what it takes to tell a program of documents is there, and it was told; None if there is none.

    Args:
        body: the binder as the API server has it.
    """
    if binder.events is None:
        return None
    check = f"Events of binder {binder.name}"
    wanted = event_needs(binder)
    found = {need: one for need in wanted if not isinstance(one := seen.get(need), Unseen)}
    missing = list(lacking(found, namespace=binder.namespace))
    if missing:
        return problem(check, " ".join(one.message for one in missing))
    conditions = (body.get("status") or {}).get("conditions") or ()
    said = next((one for one in conditions if one["type"] == EVENTS_DELIVERED), None)
    if said is not None and said["status"] == "False":
        return problem(check, f"The last run that had something to tell says: {said['message']}")
    unseen = [f"{need.kind.kind} {need.name}" for need in wanted if need not in found]
    if unseen and said is None:
        return note(check, f"you may not look at {', '.join(unseen)}, and no run has told anything yet.")
    return ok(check, said["message"] if said is not None else "what it takes is there; no run has told anything yet.")


def judge_mails(body: Mapping[str, Any]) -> Finding | None:
    """Return whether mails reach a recipient; None if none was sent yet."""
    check = f"Mails to {body['metadata']['name']}"
    try:
        said = Recipient.parse(body).status.condition("Notified")
    except InvalidResource as error:
        return problem(check, f"{error}.")
    if said is None:
        return None
    return ok(check, said.message) if said.status is ConditionStatus.TRUE else problem(check, said.message)


def _judge_claim(check: str, claim: Json, *, waits: bool) -> Finding:
    name, phase = claim["metadata"]["name"], (claim.get("status") or {}).get("phase")
    if claim["metadata"].get("deletionTimestamp"):
        return problem(
            check,
            f"PersistentVolumeClaim {name} is being deleted, and goes when no pod uses it any more: copy the binder "
            "elsewhere with `bannette binder copy`.",
        )
    if phase == "Bound":
        size = ((claim.get("status") or {}).get("capacity") or {}).get("storage")
        return ok(check, f"PersistentVolumeClaim {name} is bound{f' ({size})' if size else ''}.")
    if phase == "Lost":
        return problem(check, f"PersistentVolumeClaim {name} has lost its volume: restore the volume from a backup.")
    if waits:
        return note(check, f"PersistentVolumeClaim {name} will be bound when the first run starts.")
    describe = f"kubectl -n {claim['metadata']['namespace']} describe pvc {name}"
    return problem(check, f"PersistentVolumeClaim {name} isn't bound: `{describe}` tells why.")


def _missing(
    channel: Channel, binders: Mapping[str, Binder], recipients: frozenset[str], seen: Mapping[Need, Seen]
) -> Iterator[Missing]:
    if channel.recipient not in recipients:
        yield no_recipient(channel)
    binder = binders.get(channel.binder)
    if binder is None:
        yield no_binder(channel)
    found = {need: one for need in needs(channel, binder) if not isinstance(one := seen.get(need), Unseen)}
    yield from unmet(channel, binder, found)


def _says_met(status: ChannelStatus) -> bool:
    condition = status.condition("PrerequisitesMet")
    return condition is not None and condition.status is ConditionStatus.TRUE
