"""Whether what the channels and binders of a namespace need is there, as the operator judges it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bannette.cli.plugin.findings import Finding, note, ok, problem
from bannette.controller.names import CLAIM
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
from bannette.resources import Binder, Channel, ChannelStatus, ConditionStatus, InvalidResource, Recipient
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
    return found | {need for binder in binders.values() for need in storage_needs(binder)}


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
