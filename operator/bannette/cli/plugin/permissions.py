"""What the caller may do, and whether the operator may do what it must. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bannette.cli.plugin.findings import Finding, note, ok, problem
from bannette.cli.plugin.installation import Installation
from bannette.controller.rights import CLUSTER_WIDE_RULES, LEASE_RULES, OPERATOR_RULES
from bannette.resources import BINDERS, CHANNELS, GROUP, RECIPIENTS

YOURS: Final = "Your rights"
OPERATORS: Final = "Operator's rights"
_KINDS: Final = (CHANNELS, BINDERS, RECIPIENTS)
_SHOWN: Final = 5

Json = dict[str, Any]


@dataclass(frozen=True)
class Right:
    """To do *verb* on *resource* (``pods/log``) of *group*, in *namespace* or, if it is None, everywhere."""

    verb: str
    group: str
    resource: str
    namespace: str | None

    def attributes(self) -> Json:
        """Return it as an access review asks for it."""
        resource, _, subresource = self.resource.partition("/")
        named = {"namespace": self.namespace, "subresource": subresource}
        return {"verb": self.verb, "group": self.group, "resource": resource, **{k: v for k, v in named.items() if v}}

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{f'.{self.group}' if self.group else ''}"


@dataclass(frozen=True)
class Ability:
    """Something that a person wants to do, the rights that it takes, and the role that has them."""

    what: str
    rights: tuple[Right, ...]
    role: str


def abilities(namespace: str) -> tuple[Ability, ...]:
    """Return what people may want to do in *namespace*, the least first."""

    def all_of(verbs: Iterable[str], group: str, resources: Iterable[str]) -> tuple[Right, ...]:
        return tuple(Right(verb, group, resource, namespace) for resource in resources for verb in verbs)

    return (
        Ability("look", all_of(("get", "list", "watch"), GROUP, _KINDS), "bannette-viewer"),
        Ability("ask for runs", all_of(("patch",), GROUP, (CHANNELS,)), "bannette-runner"),
        Ability(
            "configure", all_of(("create", "update", "delete", "configure"), GROUP, _KINDS), "bannette-configurator"
        ),
        Ability(
            "read binders (history, inbox, --probe)",
            (
                *all_of(("get",), "batch", ("cronjobs",)),
                *all_of(("create", "get", "list", "watch", "delete"), "", ("pods",)),
                *all_of(("get",), "", ("pods/log",)),
            ),
            "edit",
        ),
    )


def judge_abilities(found: Sequence[tuple[Ability, bool]], *, namespace: str) -> list[Finding]:
    """Return what the caller may do; not to have a right is a problem only if nothing can be seen without it."""
    held = [ability.what for ability, allowed in found if allowed]
    lacking = [ability for ability, allowed in found if not allowed]
    findings = [ok(YOURS, f"you may {', '.join(held)} in namespace {namespace}.")] if held else []
    for ability in lacking:
        message = f"you may not {ability.what} in namespace {namespace}: that takes the ClusterRole {ability.role}."
        findings.append(problem(YOURS, message) if ability is found[0][0] else note(YOURS, message))
    return findings


def operator_rights(installation: Installation, *, namespace: str) -> tuple[Right, ...]:
    """Return what *installation* must be allowed to do to look after *namespace*."""
    everywhere = not installation.namespaces
    rights = list(_rights(OPERATOR_RULES, None if everywhere else namespace))
    if everywhere:
        rights += _rights(CLUSTER_WIDE_RULES, None)
    if installation.lease_namespace is not None:
        rights += _rights(LEASE_RULES, installation.lease_namespace)
    return tuple(rights)


def judge_operator_rights(account: str, found: Sequence[tuple[Right, bool]]) -> Finding:
    """Return whether the ServiceAccount *account* has all the rights that were asked about."""
    lacking = [str(right) for right, allowed in found if not allowed]
    if not lacking:
        return ok(OPERATORS, f"{account} has all {len(found)} that it needs.")
    more = "" if len(lacking) <= _SHOWN else f" and {len(lacking) - _SHOWN} more"
    return problem(
        OPERATORS,
        f"{account} may not {', '.join(lacking[:_SHOWN])}{more}: install the roles of its version (the chart, or "
        "manifests/install).",
    )


def self_review(right: Right) -> Json:
    """Return the object whose answer tells whether the caller has *right*."""
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": right.attributes()},
    }


def account_review(right: Right, *, namespace: str, account: str) -> Json:
    """Return the object whose answer tells whether a ServiceAccount has *right*."""
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": f"system:serviceaccount:{namespace}:{account}",
            "groups": groups,
            "resourceAttributes": right.attributes(),
        },
    }


def is_allowed(answer: Mapping[str, Any]) -> bool:
    return bool((answer.get("status") or {}).get("allowed"))


def _rights(rules: Iterable[Mapping[str, Any]], namespace: str | None) -> Iterator[Right]:
    for rule in rules:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    yield Right(verb, group, resource, namespace)
