"""Creating a channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final
from zoneinfo import available_timezones

from bannette.console.channels import channel_path
from bannette.console.cluster import Body, Cluster
from bannette.console.drafts import NEW, Draft, channel_complaints, draft_of, empty_draft, recipient_complaints
from bannette.console.faults import Fault, Invalid, Stopped
from bannette.console.visits import ROOT, Reply, Visit, query_after
from bannette.resources import BINDERS, CHANNELS, RECIPIENTS
from bannette.resources.rules import REFERENCE

_REQUIRED: Final = "Required value"
# What is wrong with these has a text of its own, ``wrong_<field>``: the API server speaks to those who write YAML.
_WORDED: Final = frozenset({
    "name", "login_hint", "tenant", "user", "client", "secret", "folder", "recipient_name", "email", "time", "zone",
})  # fmt: skip


def show_form(visit: Visit) -> Reply:
    """Show the form, or first ask for the namespace."""
    cluster = visit.cluster
    namespace = visit.query.get("namespace", "").strip()
    if not namespace:
        visible = visit.office.catalogue.visible_to(cluster)
        known = visit.office.catalogue.namespaces() if visible is None else visible
        return Reply("new_where", {"namespaces": known})
    recipients = _choices(cluster, RECIPIENTS, namespace)
    return _form(visit, namespace, empty_draft(recipients=bool(recipients), language=visit.language), {})


def create(visit: Visit) -> Reply:
    """Create the channel, with its recipient if that is new; or say at the fields what is wrong."""
    cluster, namespace, draft = visit.cluster, visit.fields.get("namespace", ""), draft_of(visit.fields)
    wrong: dict[str, str] = {}
    for keep in (False, True):
        # First everything is only tried, so that a mistake in the one leaves nothing of the other.
        if draft.makes_recipient:
            wrong |= _tried(lambda: _create_recipient(cluster, namespace, draft, keep=keep), recipient_complaints)  # noqa: B023
        if not wrong or not keep:
            wrong |= _tried(lambda: _create_channel(cluster, namespace, draft, keep=keep), channel_complaints)  # noqa: B023
        if wrong:
            return _form(visit, namespace, draft, wrong)
    path = channel_path(namespace, draft.name)
    return Reply(
        location=f"{path}/connect?{query_after(visit, saved='1')}" if draft.is_delegated else f"{path}?saved=1"
    )


def _create_recipient(cluster: Cluster, namespace: str, draft: Draft, *, keep: bool) -> Body:
    return _created(cluster, RECIPIENTS, "Recipient", namespace, draft.recipient, draft.recipient_spec(), keep=keep)


def _create_channel(cluster: Cluster, namespace: str, draft: Draft, *, keep: bool) -> Body:
    return _created(cluster, CHANNELS, "CollectionChannel", namespace, draft.name, draft.channel_spec(), keep=keep)


def _created(cluster: Cluster, plural: str, kind: str, namespace: str, name: str, spec: Body, *, keep: bool) -> Body:
    """Create an object, unless that very one is there: by this form, the API server's answer lost.

    Raises: SignedOut, Stopped, Invalid.
    """
    try:
        return cluster.create(plural, kind, namespace, name, spec, keep=keep)
    except Stopped as stopped:
        there = _there(cluster, plural, namespace, name) if stopped.fault is Fault.CONFLICT else None
        if there is None or "deletionTimestamp" in there["metadata"] or not _has(there["spec"], spec):
            raise
        return there


def _there(cluster: Cluster, plural: str, namespace: str, name: str) -> Body | None:
    try:
        return cluster.get(plural, namespace, name)
    except Stopped:
        return None


def _has(there: object, asked: object) -> bool:
    """Tell whether an object is as it was asked for, besides what the API server adds."""
    if isinstance(there, Mapping) and isinstance(asked, Mapping):
        return all(key in there and _has(there[key], value) for key, value in asked.items())
    return there == asked


def _tried(act: Callable[[], Body], by_field: Callable[[Mapping[str, str]], dict[str, str]]) -> dict[str, str]:
    """Return what the API server says against it, by the form's fields. Raises: SignedOut, Stopped."""
    try:
        act()
    except Invalid as invalid:
        return by_field(invalid.complaints)
    except Stopped as stopped:
        if stopped.fault is not Fault.CONFLICT:
            raise
        return by_field({"metadata.name": "taken"})
    return {}


def _form(visit: Visit, namespace: str, draft: Draft, wrong: Mapping[str, str]) -> Reply:
    cluster = visit.cluster
    if not REFERENCE.accepts(namespace):
        raise Stopped(Fault.NOT_FOUND)
    if not cluster.may("configure", CHANNELS, namespace):
        raise Stopped(
            Fault.FORBIDDEN, f'{cluster.person.name} may not configure {CHANNELS} in the namespace "{namespace}".'
        )
    facts: dict[str, object] = {
        "namespace": namespace,
        "values": draft.values,
        "wrong": {field: "" if said.startswith(_REQUIRED) else said for field, said in wrong.items()},
        "worded": _WORDED,
        "new": NEW,
        "recipients": _choices(cluster, RECIPIENTS, namespace),
        "binders": _choices(cluster, BINDERS, namespace),
        "zones": _zones(),
        "action": f"{ROOT}/new",
    }
    return Reply("new", facts, 422 if wrong else 200)


def _choices(cluster: Cluster, plural: str, namespace: str) -> list[tuple[str, str]]:
    """Return what can be chosen: names, and what they stand for."""
    described = {BINDERS: "company", RECIPIENTS: "displayName"}[plural]
    found: list[tuple[str, str]] = []
    for body in cluster.objects(plural, namespace):
        spec: Mapping[str, Any] = body.get("spec") or {}
        found.append((str(body["metadata"]["name"]), str(spec.get(described) or "")))
    return found


@lru_cache(maxsize=1)
def _zones() -> list[str]:
    return sorted(
        name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix", "right"))
    )


PAGES: Final = (
    ("GET", "/new", show_form),
    ("POST", "/new", create),
)
