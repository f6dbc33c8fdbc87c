"""Whether the operator works, and the policy is in force. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bannette.cli.plugin.findings import Finding, note, ok, problem

OPERATOR: Final = "Operator"
POLICY: Final = "Policy"
POLICY_NAME: Final = "bannette-configure"
SELECTOR: Final = "app.kubernetes.io/name=bannette,app.kubernetes.io/component=operator"
_VERSION_LABEL: Final = "app.kubernetes.io/version"
_UNPROTECTED: Final = "whoever may patch a channel can change all of it"
_INSTALL_POLICY: Final = "install the chart with rights.enabled, or apply manifests/install"

Json = dict[str, Any]


@dataclass(frozen=True)
class Pages:
    """The Deployment of the pages where people connect their accounts, as the operator knows it."""

    url: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Installation:
    """An operator's Deployment.

    Attributes:
        pages: that it sends people to; None: there are none.
        namespaces: the only ones that it looks after; empty: all.
        lease_namespace: where it holds a Lease; None: it holds none.
    """

    namespace: str
    name: str
    account: str
    version: str | None
    namespaces: tuple[str, ...]
    lease_namespace: str | None
    replicas: int
    available: int
    pages: Pages | None = None

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Installation:
        """Return the view of a Deployment."""
        metadata, spec = body["metadata"], body["spec"]
        pod = spec["template"]["spec"]
        environment = {one["name"]: one.get("value") or "" for one in pod["containers"][0].get("env") or ()}
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            account=pod.get("serviceAccountName") or "default",
            version=(metadata.get("labels") or {}).get(_VERSION_LABEL),
            namespaces=tuple(environment.get("BANNETTE_NAMESPACES", "").replace(",", " ").split()),
            lease_namespace=environment.get("BANNETTE_LEASE_NAMESPACE") or None,
            replicas=spec.get("replicas", 1),
            available=(body.get("status") or {}).get("availableReplicas") or 0,
            pages=_pages(environment),
        )

    def __str__(self) -> str:
        return f"Deployment {self.namespace}/{self.name}"


def _pages(environment: Mapping[str, str]) -> Pages | None:
    # As pages and operator say it.
    url = environment.get("BANNETTE_CONNECT_URL", "").removesuffix(":443")
    namespace, _, account = environment.get("BANNETTE_CONNECT_ACCOUNT", "").partition("/")
    # Deployment, Service and ServiceAccount of the chart have one name.
    return Pages(url, namespace, account) if url and account else None


def responsible(installations: Sequence[Installation], namespace: str) -> Installation | None:
    """Return the operator that looks after *namespace*: rather the one that names it than one of all namespaces."""
    named = [one for one in installations if namespace in one.namespaces]
    return next(iter([*named, *(one for one in installations if not one.namespaces)]), None)


def judge_operator(installations: Sequence[Installation], *, namespace: str, version: str | None) -> list[Finding]:
    """Return whether an operator works for *namespace*, and is of the plugin's *version* (None: unknown)."""
    found = responsible(installations, namespace)
    if found is None:
        if not installations:
            return [problem(OPERATOR, "no operator is installed: install the chart, or apply manifests/install.")]
        others = ", ".join(f"{one} (for {', '.join(one.namespaces)})" for one in installations)
        return [
            problem(
                OPERATOR,
                f"none looks after namespace {namespace}: add it to operator.namespaces of the chart. There: {others}.",
            )
        ]
    if found.replicas == 0:
        scale = f"kubectl -n {found.namespace} scale deployment {found.name} --replicas=1"
        return [problem(OPERATOR, f"{found} is scaled to 0, so nothing changes and no request is answered: {scale}.")]
    if found.available == 0:
        describe = f"kubectl -n {found.namespace} describe pods -l {SELECTOR}"
        return [problem(OPERATOR, f"{found} has no pod that is ready: `{describe}` tells why.")]
    findings = [ok(OPERATOR, f"{found} is available, version {found.version or 'unknown'}.")]
    if version is not None and found.version not in (None, version):
        findings.append(
            note(OPERATOR, f"{found} has version {found.version}, this plugin {version}: upgrade the older one.")
        )
    rivals = [one for one in installations if one != found and (not one.namespaces or namespace in one.namespaces)]
    if rivals:
        names = ", ".join(str(one) for one in (found, *rivals))
        findings.append(
            problem(OPERATOR, f"several operators look after namespace {namespace} ({names}): keep one of them.")
        )
    return findings


def judge_policy(policy: Json | None, binding: Json | None) -> Finding:
    """Return whether the ValidatingAdmissionPolicy is there and its binding puts it in force."""
    if policy is None:
        return problem(
            POLICY, f"ValidatingAdmissionPolicy {POLICY_NAME} is missing, so {_UNPROTECTED}: {_INSTALL_POLICY}."
        )
    if binding is None or binding["spec"].get("policyName") != POLICY_NAME:
        return problem(
            POLICY, f"ValidatingAdmissionPolicyBinding {POLICY_NAME} is missing, so {_UNPROTECTED}: {_INSTALL_POLICY}."
        )
    actions = binding["spec"].get("validationActions") or ()
    if "Deny" not in actions:
        return problem(
            POLICY,
            f"ValidatingAdmissionPolicyBinding {POLICY_NAME} only has {', '.join(actions)}, so {_UNPROTECTED}: let its "
            "validationActions be [Deny].",
        )
    if binding["spec"].get("matchResources") or binding["spec"].get("paramRef"):
        return note(POLICY, f"ValidatingAdmissionPolicyBinding {POLICY_NAME} was narrowed: it may not hold everywhere.")
    warnings = ((policy.get("status") or {}).get("typeChecking") or {}).get("expressionWarnings") or ()
    if warnings:
        return problem(POLICY, f"the API server doubts {warnings[0]['fieldRef']} of {POLICY_NAME}: {_INSTALL_POLICY}.")
    return ok(POLICY, f"{POLICY_NAME} is in force: configuring takes the verb configure.")
