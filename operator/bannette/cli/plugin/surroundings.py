"""What the channels of a namespace refer to, as far as the caller may see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bannette.cli.plugin.findings import Finding, problem
from bannette.cli.plugin.kubectl import BINDERS, CHANNELS, RECIPIENTS, Json, Kubectl
from bannette.cli.plugin.setup import Seen, Unseen, judge_channel, judge_events, judge_mails, judge_storage, wanted
from bannette.controller.names import CLAIM
from bannette.controller.prerequisites import Need, Presence
from bannette.errors import PersonNeeded
from bannette.resources import Binder, Channel, InvalidResource

# The names of keys that have a value; the values don't leave kubectl.
_KEYS: Final = (
    "found{{range $key, $value := .data}}{{if $value}} {{$key}}{{end}}{{end}}"
    "{{range $key, $value := .binaryData}}{{if $value}} {{$key}}{{end}}{{end}}"
)


@dataclass(frozen=True)
class Surroundings:
    """Channels and binders as the API server has them, and the plain objects that they need.

    Attributes:
        claims: those that were found, by name.
        waiting: the names of claims that are bound for the first pod that uses them.
    """

    channels: tuple[Json, ...]
    binders: tuple[Json, ...]
    recipients: tuple[Json, ...]
    seen: dict[Need, Seen]
    claims: dict[str, Json]
    waiting: frozenset[str]

    def findings(self) -> Iterator[Finding]:
        """Yield what is to be said of each channel, each recipient who was written to, and each binder."""
        parsed = _parsed_binders(self.binders)
        recipients = frozenset(body["metadata"]["name"] for body in self.recipients)
        for body in self.channels:
            yield judge_channel(body, binders=parsed, recipients=recipients, seen=self.seen)
        for body in self.recipients:
            mails = judge_mails(body)
            if mails is not None:
                yield mails
        for body in self.binders:
            binder = parsed.get(body["metadata"]["name"])
            if binder is None:
                yield problem(f"Storage of binder {body['metadata']['name']}", _fault(body))
            else:
                yield judge_storage(binder, seen=self.seen, claims=self.claims, waiting=self.waiting)
                events = judge_events(body, binder, seen=self.seen)
                if events is not None:
                    yield events

    def probed(self) -> Iterator[tuple[Json, Json]]:
        """Yield a channel and its binder for each binder, cloud and CA that there are: all others have the same."""
        binders = {body["metadata"]["name"]: body for body in self.binders}
        done = set()
        for body in self.channels:
            spec = body["spec"]
            name, cloud = spec["destination"]["binder"], (spec.get("onedrive") or {}).get("cloud")
            key = (name, cloud, str((spec.get("collector") or {}).get("caBundle")))
            if name in binders and key not in done:
                done.add(key)
                yield body, binders[name]


def look_around(kubectl: Kubectl, *, channel: str | None = None) -> Surroundings:
    """Return what is in the namespace; around *channel* only, if it is given.

    Raises:
        PersonNeeded: Forbidden, NotFound, NotInstalled. Transient.
    """
    binders = kubectl.json("get", BINDERS)["items"]
    if channel is None:
        channels = kubectl.json("get", CHANNELS)["items"]
    else:
        channels = [kubectl.json("get", CHANNELS, channel)]
        own = channels[0]["spec"]["destination"]["binder"]
        binders = [body for body in binders if body["metadata"]["name"] == own]
    recipients = kubectl.json("get", RECIPIENTS)["items"]
    if channel is not None:
        recipients = [one for one in recipients if one["metadata"]["name"] == channels[0]["spec"]["recipient"]["name"]]
    claims: dict[str, Json] = {}
    seen = {need: _look(kubectl, need, claims) for need in wanted(_parsed_channels(channels), _parsed_binders(binders))}
    return Surroundings(
        channels=tuple(channels),
        binders=tuple(binders),
        recipients=tuple(recipients),
        seen=seen,
        claims=claims,
        waiting=frozenset(name for name, body in claims.items() if _waits(kubectl, body)),
    )


def _look(kubectl: Kubectl, need: Need, claims: dict[str, Json]) -> Seen:
    try:
        if need.kind == CLAIM:
            body = kubectl.find(need.kind.plural, need.name)
            if body is None:
                return None
            claims[need.name] = body
            return Presence()
        template = f"go-template={_KEYS}"
        words = kubectl.text("get", need.kind.plural, need.name, "--ignore-not-found", "-o", template).split()
    except PersonNeeded as error:
        if error.reason != "Forbidden":
            raise
        return Unseen(str(error))
    return Presence(frozenset(words[1:])) if words else None


def _waits(kubectl: Kubectl, claim: Json) -> bool:
    """Whether a claim is bound for the first pod that uses it; false if the caller may not know."""
    name = claim["spec"].get("storageClassName")
    if (claim.get("status") or {}).get("phase") != "Pending" or not name:
        return False
    try:
        found = kubectl.find("storageclasses.storage.k8s.io", name)
    except PersonNeeded:
        return False
    return (found or {}).get("volumeBindingMode") == "WaitForFirstConsumer"


def _parsed_binders(bodies: tuple[Json, ...] | list[Json]) -> dict[str, Binder]:
    found: dict[str, Binder] = {}
    for body in bodies:
        try:
            found[body["metadata"]["name"]] = Binder.parse(body)
        except InvalidResource:
            continue
    return found


def _parsed_channels(bodies: list[Json]) -> Iterator[Channel]:
    for body in bodies:
        try:
            yield Channel.parse(body)
        except InvalidResource:
            continue


def _fault(body: dict[str, Any]) -> str:
    try:
        Binder.parse(body)
    except InvalidResource as error:
        return f"{error}."
    return ""
