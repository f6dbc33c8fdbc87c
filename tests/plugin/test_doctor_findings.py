"""What the doctor makes of what it sees: tables of what a cluster may have, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from bannette.cli.plugin.findings import State, note, ok, problem, seen_by, summary
from bannette.cli.plugin.installation import Installation, judge_operator, judge_policy, responsible
from bannette.cli.plugin.pages import judge_pages
from bannette.cli.plugin.permissions import (
    Right,
    abilities,
    judge_abilities,
    judge_operator_rights,
    operator_rights,
)
from bannette.cli.plugin.setup import (
    Unseen,
    event_needs,
    judge_channel,
    judge_events,
    judge_mails,
    judge_storage,
    wanted,
)
from bannette.controller.names import CLAIM, SECRET
from bannette.controller.prerequisites import Need, Presence, needs
from bannette.errors import BannetteError, PersonNeeded
from bannette.resources import Binder, Channel
from tests.plugin.test_errand import BUCKET, binder, channel
from tests.resources.samples import RECIPIENT

Json = dict[str, Any]


def deployment(**changes: Any) -> Installation:
    members: Json = {
        "namespace": "bannette-system",
        "name": "bannette-operator",
        "account": "bannette-operator",
        "version": "1.0",
        "namespaces": (),
        "lease_namespace": None,
        "replicas": 1,
        "available": 1,
    }
    return Installation(**(members | changes))


@pytest.mark.parametrize(
    ("installations", "expected"),
    [
        ([deployment()], [("ok", "is available, version 1.0")]),
        ([deployment(version="0.9")], [("ok", "is available"), ("note", "has version 0.9, this plugin 1.0")]),
        ([deployment(version=None)], [("ok", "is available, version unknown")]),
        ([deployment(namespaces=("acme",)), deployment(namespaces=("beta",))], [("ok", "is available")]),
        ([deployment(replicas=0, available=0)], [("problem", "scaled to 0")]),
        ([deployment(available=0)], [("problem", "no pod that is ready")]),
        ([], [("problem", "no operator is installed")]),
        ([deployment(namespaces=("beta",))], [("problem", "none looks after namespace acme")]),
        (
            [deployment(), deployment(namespace="other", namespaces=("acme",))],
            [("ok", "other/bannette-operator is available"), ("problem", "several operators look after")],
        ),
    ],
)
def test_an_operator_is_judged(installations: list[Installation], expected: list[tuple[str, str]]) -> None:
    found = judge_operator(installations, namespace="acme", version="1.0")
    assert [one.state.value for one in found] == [state for state, _ in expected]
    assert [text for one, (_, text) in zip(found, expected, strict=True) if text not in one.message] == []


def test_an_operator_needs_its_rights_where_it_works() -> None:
    everywhere = operator_rights(deployment(), namespace="acme")
    assert Right("list", "apiextensions.k8s.io", "customresourcedefinitions", None) in everywhere
    assert {right.namespace for right in everywhere} == {None}
    narrow = deployment(namespaces=("acme",), lease_namespace="bannette-system")
    found = operator_rights(narrow, namespace="acme")
    assert Right("create", "", "secrets", "acme") in found
    assert Right("update", "coordination.k8s.io", "leases", "bannette-system") in found
    assert not [right for right in found if right.resource in ("namespaces", "customresourcedefinitions")]
    assert responsible([narrow], "beta") is None


def test_rights_that_are_lacking_are_named_but_not_all_of_many() -> None:
    rights = operator_rights(deployment(), namespace="acme")
    assert judge_operator_rights("a", [(right, True) for right in rights]).state is State.OK
    one = judge_operator_rights("a", [(right, right != rights[3]) for right in rights])
    assert f"may not {rights[3]}:" in one.message
    none = judge_operator_rights("a", [(right, False) for right in rights])
    assert f"and {len(rights) - 5} more" in none.message


def test_a_right_is_asked_for_as_kubernetes_names_it() -> None:
    assert Right("get", "", "pods/log", "acme").attributes() == {
        "verb": "get",
        "group": "",
        "resource": "pods",
        "subresource": "log",
        "namespace": "acme",
    }
    assert "namespace" not in Right("list", "", "namespaces", None).attributes()


@pytest.mark.parametrize(
    ("held", "states"),
    [
        ((True, True, True, True), ["ok"]),
        ((True, False, False, False), ["ok", "note", "note", "note"]),
        ((False, False, False, False), ["problem", "note", "note", "note"]),
    ],
)
def test_only_not_to_see_anything_is_a_problem(held: tuple[bool, ...], states: list[str]) -> None:
    found = judge_abilities(list(zip(abilities("acme"), held, strict=True)), namespace="acme")
    assert [one.state.value for one in found] == states


POLICY: Json = {"metadata": {"name": "bannette-configure"}, "spec": {}}
BINDING: Json = {"spec": {"policyName": "bannette-configure", "validationActions": ["Deny"]}}
DOUBTED: Json = {"status": {"typeChecking": {"expressionWarnings": [{"fieldRef": "spec.validations[0]"}]}}}


@pytest.mark.parametrize(
    ("policy", "binding", "state", "text"),
    [
        (POLICY, BINDING, "ok", "is in force"),
        (None, BINDING, "problem", "Policy bannette-configure is missing"),
        (POLICY, None, "problem", "Binding bannette-configure is missing"),
        (POLICY, {"spec": {**BINDING["spec"], "policyName": "other"}}, "problem", "is missing"),
        (
            POLICY,
            {"spec": {**BINDING["spec"], "validationActions": ["Warn", "Audit"]}},
            "problem",
            "only has Warn, Audit",
        ),
        (POLICY, {"spec": {**BINDING["spec"], "matchResources": {"x": 1}}}, "note", "was narrowed"),
        (POLICY | DOUBTED, BINDING, "problem", "doubts spec.validations[0]"),
    ],
)
def test_a_policy_is_judged(policy: Json | None, binding: Json | None, state: str, text: str) -> None:
    found = judge_policy(policy, binding)
    assert (found.state.value, text in found.message) == (state, True), found.message


# The pages

OF_PAGES = {"BANNETTE_CONNECT_URL": "https://a.example", "BANNETTE_CONNECT_ACCOUNT": "system/bannette-connect"}
AVAILABLE: Json = {"status": {"availableReplicas": 2}}
FORBIDDEN = PersonNeeded('services "bannette-connect" is forbidden', reason="Forbidden")
UNREACHED = PersonNeeded('no endpoints available for service "bannette-connect"', reason="KubectlFailed")


def deployed(environ: dict[str, str]) -> Installation:
    env = [{"name": name, "value": value} for name, value in environ.items()]
    pod = {"serviceAccountName": "bannette-operator", "containers": [{"env": env}]}
    metadata = {"name": "bannette-operator", "namespace": "system"}
    return Installation.parse({"metadata": metadata, "spec": {"template": {"spec": pod}}})


@pytest.mark.parametrize(
    ("body", "said", "state", "text"),
    [
        (
            AVAILABLE,
            "ready\nhttps://a.example leads here.\n",
            "ok",
            "Deployment system/bannette-connect is available at https://a.example.",
        ),
        (AVAILABLE, "ready\nNothing answers at https://a.example.\n", "problem", "reach it: Nothing answers at"),
        (AVAILABLE, "ready\nhttps://a.example:443/ leads here.\n", "ok", "is available at https://a.example."),
        (AVAILABLE, "ready\n", "note", "it doesn't know yet whether https://a.example leads there: ask again."),
        (AVAILABLE, FORBIDDEN, "note", "leads there: that takes the right to get services/proxy."),
        (AVAILABLE, UNREACHED, "note", "leads there: no endpoints available for service"),
        ({"status": {}}, UNREACHED, "problem", "no pod that is ready"),
        (None, UNREACHED, "problem", "is missing, so nobody can open https://a.example"),
    ],
)
def test_the_pages_are_judged(body: Json | None, said: str | BannetteError, state: str, text: str) -> None:
    pages = deployed(OF_PAGES).pages
    assert pages is not None
    found = judge_pages(pages, body, said)
    assert found.state.value == state
    assert text in found.message


def test_an_operator_that_knows_of_no_pages_has_none() -> None:
    assert deployed({}).pages is None
    assert deployed({"BANNETTE_CONNECT_URL": "https://a.example"}).pages is None


def test_pages_whose_address_is_written_with_the_usual_port_say_it_without() -> None:
    pages = deployed(OF_PAGES | {"BANNETTE_CONNECT_URL": "https://a.example:443"}).pages
    assert pages is not None
    assert judge_pages(pages, AVAILABLE, "ready\nhttps://a.example leads here.\n").state is State.OK


# Channels and binders

OF_CLAIM = Binder.parse(binder({"persistentVolumeClaim": {"claimName": "purchases"}}))
OF_BUCKET = Binder.parse(binder(BUCKET))
CLAIM_NEED, *_ = (need for need in needs(Channel.parse(channel()), OF_CLAIM) if need.kind == CLAIM)


def claim(phase: str, **metadata: object) -> Json:
    name = {"name": "purchases", "namespace": "acme"}
    return {"metadata": name | metadata, "spec": {}, "status": {"phase": phase, "capacity": {"storage": "5Gi"}}}


@pytest.mark.parametrize(
    ("body", "waiting", "state", "text"),
    [
        (claim("Bound"), False, "ok", "is bound (5Gi)"),
        (claim("Pending"), False, "problem", "describe pvc purchases"),
        (claim("Pending"), True, "note", "when the first run starts"),
        (claim("Lost"), False, "problem", "has lost its volume"),
        (claim("Bound", deletionTimestamp="2026-11-24T12:00:00Z"), False, "problem", "is being deleted"),
    ],
)
def test_a_claim_is_judged(body: Json, waiting: bool, state: str, text: str) -> None:
    names = frozenset({"purchases"} if waiting else ())
    found = judge_storage(OF_CLAIM, seen={CLAIM_NEED: Presence()}, claims={"purchases": body}, waiting=names)
    assert (found.state.value, text in found.message) == (state, True), found.message


@pytest.mark.parametrize(
    ("seen", "state", "text"),
    [
        (Presence(frozenset({"accessKeyId", "secretAccessKey"})), "ok", "credentials are there"),
        (Presence(frozenset({"accessKeyId"})), "problem", "lacks accessKeyId and secretAccessKey"),
        (None, "problem", 'Secret "keys" of namespace "acme" doesn\'t exist'),
        (Unseen("Forbidden"), "note", "may not look at Secret keys"),
    ],
)
def test_the_credentials_of_a_bucket_are_judged(seen: Presence | Unseen | None, state: str, text: str) -> None:
    (need,) = (need for need in needs(Channel.parse(channel()), OF_BUCKET) if need.name == "keys")
    found = judge_storage(OF_BUCKET, seen={need: seen}, claims={})
    assert (found.state.value, text in found.message) == (state, True), found.message


OF_SINK = binder({"persistentVolumeClaim": {"claimName": "purchases"}}) | {
    "spec": {
        "company": "Acme",
        "storage": {"persistentVolumeClaim": {"claimName": "purchases"}},
        "events": {
            "url": "https://erp.example/documents",
            "secret": {"name": "erp-token"},
            "caBundle": {"configMap": "company-ca"},
        },
    }
}
TOLD = ("True", "The sink of events has been told of every document.")
UNTOLD = ("False", "3 documents are still to be told of (EventSinkRefuses): Correct its address or the token.")
BOTH = (Presence(frozenset({"token"})), Presence(frozenset({"ca.crt"})))


@pytest.mark.parametrize(
    ("seen", "said", "state", "text"),
    [
        (BOTH, TOLD, "ok", "told of every document"),
        (BOTH, None, "ok", "no run has told anything yet"),
        (BOTH, UNTOLD, "problem", "says: 3 documents are still to be told of (EventSinkRefuses): Correct"),
        ((None, BOTH[1]), TOLD, "problem", 'Secret "erp-token" of namespace "acme" doesn\'t exist: create it'),
        ((Presence(), BOTH[1]), TOLD, "problem", "lacks token: add what is missing; it holds the token for the sink"),
        ((BOTH[0], None), UNTOLD, "problem", 'ConfigMap "company-ca" of namespace "acme" doesn\'t exist: create it'),
        ((BOTH[0], Presence()), TOLD, "problem", "lacks ca.crt"),
        ((Unseen("Forbidden"), None), TOLD, "problem", "company-ca"),
        ((Unseen("Forbidden"), BOTH[1]), TOLD, "ok", "told of every document"),
        ((Unseen("Forbidden"), BOTH[1]), None, "note", "may not look at Secret erp-token, and no run"),
    ],
)
def test_what_it_takes_to_tell_of_documents_is_judged(
    seen: tuple[Presence | Unseen | None, ...], said: tuple[str, str] | None, state: str, text: str
) -> None:
    parsed = Binder.parse(OF_SINK)
    conditions = [{"type": "EventsDelivered", "status": said[0], "reason": "X", "message": said[1]}] if said else []
    body = {**OF_SINK, "status": {"conditions": conditions}}
    found = judge_events(body, parsed, seen=dict(zip(event_needs(parsed), seen, strict=True)))
    assert found is not None
    assert (found.check, found.state.value) == ("Events of binder purchases", state)
    assert text in found.message


def test_what_events_take_is_looked_at_and_without_events_nothing_is_said() -> None:
    parsed = Binder.parse(OF_SINK)
    assert set(event_needs(parsed)) <= wanted([], {"purchases": parsed})
    assert judge_events({}, OF_CLAIM, seen={}) is None


@pytest.mark.parametrize(
    ("notified", "state", "text"),
    [
        ({"status": "True", "reason": "MailSent", "message": "The last one: Connect."}, "ok", "The last one"),
        (
            {"status": "False", "reason": "MailAddressRefused", "message": "Correct spec.email."},
            "problem",
            "spec.email",
        ),
    ],
)
def test_mails_that_do_not_arrive_are_told(notified: Json, state: str, text: str) -> None:
    found = judge_mails({**RECIPIENT, "status": {"conditions": [{"type": "Notified", **notified}]}})
    assert found is not None
    assert (found.check, found.state.value, text in found.message) == ("Mails to marie", state, True)


def test_of_mails_that_nobody_was_sent_nothing_is_said() -> None:
    assert judge_mails(RECIPIENT) is None


def complete(body: Json) -> dict[Need, Presence | Unseen | None]:
    keys = frozenset({"clientSecret", "ca.crt"})
    return {need: Presence(keys) for need in needs(Channel.parse(body), OF_CLAIM)}


def observed(generation: int, *conditions: tuple[str, str, str]) -> Json:
    body = channel()
    body["metadata"]["generation"] = 2
    body["status"] = {
        "observedGeneration": generation,
        "conditions": [
            {
                "type": kind,
                "status": state,
                "reason": "X",
                "message": text,
                "lastTransitionTime": "2026-11-24T12:00:00Z",
            }
            for kind, state, text in conditions
        ],
    }
    return body


READY = ("Ready", "True", "Collects.")
MET = ("PrerequisitesMet", "True", "All.")


@pytest.mark.parametrize(
    ("body", "hidden", "state", "text"),
    [
        (observed(2, READY, MET), False, "ok", "what it needs is there."),
        (observed(1, READY, MET), False, "problem", "hasn't seen its last change"),
        (observed(2, READY, MET, ("Connected", "False", "Sign in.")), False, "problem", "Sign in."),
        (observed(2, READY, MET), True, "ok", "the operator says so"),
        (observed(2, READY), True, "note", "may not look at Secret"),
        (
            observed(2, ("Ready", "False", "Held."), ("PrerequisitesMet", "False", "No key.")),
            True,
            "problem",
            "No key.",
        ),
    ],
)
def test_a_channel_is_judged(body: Json, hidden: bool, state: str, text: str) -> None:
    seen = complete(body)
    if hidden:
        seen = {need: Unseen("Forbidden") if need.kind == SECRET else one for need, one in seen.items()}
    found = judge_channel(body, binders={"purchases": OF_CLAIM}, recipients=frozenset({"marie"}), seen=seen)
    assert (found.state.value, text in found.message) == (state, True), found.message


def test_a_channel_without_recipient_and_binder_is_told_both() -> None:
    body = observed(2, READY, MET)
    found = judge_channel(body, binders={}, recipients=frozenset(), seen=complete(body))
    assert found.state is State.PROBLEM
    assert 'Recipient "marie"' in found.message
    assert 'Binder "purchases"' in found.message


def test_problems_are_counted() -> None:
    assert summary([ok("a", "b"), note("a", "b")]) == "No problem was found."
    assert summary([problem("a", "b"), ok("a", "b")]) == "1 problem found."
    assert summary([problem("a", "b"), problem("a", "b")]) == "2 problems found."


def test_a_problem_that_a_pod_found_names_the_channel_that_has_it() -> None:
    found = problem("Egress to sign-in", "It can't be reached.")
    assert seen_by("acme-mail", found).message == "It can't be reached. Tried by a pod like those of channel acme-mail."
    answers = ok("Egress to sign-in", "It answers.")
    assert seen_by("acme-mail", answers) == answers
