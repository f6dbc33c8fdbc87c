"""``kubectl collection doctor``: what is wrong with the installation, and with what a namespace's channels need."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bannette.cli.output import plain, print_data
from bannette.cli.plugin.definitions import CHECK as DEFINITIONS
from bannette.cli.plugin.definitions import judge_definition, known_definitions
from bannette.cli.plugin.errand import Errand
from bannette.cli.plugin.findings import Finding, State, note, problem, seen_by, summary
from bannette.cli.plugin.installation import (
    OPERATOR,
    POLICY,
    POLICY_NAME,
    SELECTOR,
    Installation,
    Pages,
    judge_operator,
    judge_policy,
    responsible,
)
from bannette.cli.plugin.kubectl import Json, Kubectl
from bannette.cli.plugin.pages import PAGES, judge_pages
from bannette.cli.plugin.permissions import (
    OPERATORS,
    abilities,
    account_review,
    is_allowed,
    judge_abilities,
    judge_operator_rights,
    operator_rights,
    self_review,
)
from bannette.cli.plugin.pods import do
from bannette.cli.plugin.surroundings import look_around
from bannette.cli.version import installed_version
from bannette.errors import BannetteError, ExitCode, PersonNeeded, Transient
from bannette.web.readiness import heard

_BOLD = ("\x1b[1m", "\x1b[0m")
# Within which pages that begin have looked twice at their address, unless what is behind it keeps silent.
_PAGES_SECONDS = 30.0
# Where manifests/install and the chart's instructions put it.
_USUAL = ("bannette-system", "bannette-operator")


def run(arguments: argparse.Namespace, kubectl: Kubectl) -> int:
    findings: list[Finding] = []
    for finding in _Examination(kubectl, kubectl.namespace(), arguments).findings():
        findings.append(finding)
        if arguments.output == "text":
            _print(finding)
    if arguments.output == "text":
        print(summary(findings))
    else:
        print_data([finding.to_dict() for finding in findings], arguments.output)
    return ExitCode.PERSON_NEEDED if any(one.state is State.PROBLEM for one in findings) else ExitCode.DONE


def _print(finding: Finding) -> None:
    begin, end = _BOLD if sys.stdout.isatty() and finding.state is State.PROBLEM else ("", "")
    print(f"{begin}{finding.state.value:<7}{end}  {plain(finding.check)}: {plain(finding.message)}", flush=True)


@dataclass(frozen=True)
class _Examination:
    """One look at the cluster. Its methods raise Transient when the cluster can't be reached."""

    kubectl: Kubectl
    namespace: str
    arguments: argparse.Namespace

    def findings(self) -> Iterator[Finding]:
        installed = True
        for finding in self._definitions():
            installed = installed and finding.state is not State.PROBLEM
            yield finding
        installations = self._installations()
        if isinstance(installations, Finding):
            yield installations
        else:
            yield from judge_operator(installations, namespace=self.namespace, version=installed_version())
            found = responsible(installations, self.namespace)
            yield from self._operator_rights(found)
            if found is not None and found.pages is not None:
                yield self._pages(found.pages)
        yield self._policy()
        try:
            self.kubectl.refuse_missing_namespace()
        except PersonNeeded as error:
            if error.reason != "NamespaceMissing":
                raise
            yield problem("Namespace", str(error))
            return
        may_look = True
        for finding in self._abilities():
            may_look = may_look and finding.state is not State.PROBLEM
            yield finding
        yield from self._channels(complete=installed, may_look=may_look)

    def _definitions(self) -> Iterator[Finding]:
        for known in known_definitions():
            name = known["metadata"]["name"]
            try:
                yield judge_definition(known, self.kubectl.find("customresourcedefinitions", name))
            except PersonNeeded as error:
                yield _unseen(DEFINITIONS, name, error)

    def _installations(self) -> list[Installation] | Finding:
        """Return the operators of the cluster; those in the usual place for who may not look everywhere."""
        try:
            found = self.kubectl.json("get", "deployments.apps", "--all-namespaces", "-l", SELECTOR)["items"]
        except PersonNeeded as error:
            namespace, name = _USUAL
            try:
                usual = self.kubectl.within(namespace).find("deployments.apps", name)
            except PersonNeeded:
                usual = None
            if usual is None:
                return _unseen(OPERATOR, "Deployments of all namespaces", error)
            found = [usual]
        return [Installation.parse(body) for body in found]

    def _operator_rights(self, installation: Installation | None) -> Iterator[Finding]:
        if installation is None:
            return
        rights = operator_rights(installation, namespace=self.namespace)
        where, account = installation.namespace, installation.account
        try:
            answers = self.kubectl.created([account_review(one, namespace=where, account=account) for one in rights])
        except PersonNeeded as error:
            yield _unseen(OPERATORS, "the rights of others", error)
            return
        found = [(right, is_allowed(answer)) for right, answer in zip(rights, answers, strict=True)]
        yield judge_operator_rights(f"ServiceAccount {where}/{account}", found)

    def _pages(self, pages: Pages) -> Finding:
        try:
            deployment = self.kubectl.within(pages.namespace).find("deployments.apps", pages.name)
        except PersonNeeded as error:
            return _unseen(PAGES, f"Deployment {pages.namespace}/{pages.name}", error)
        service = f"/api/v1/namespaces/{pages.namespace}/services/{pages.name}:http/proxy/readyz"
        try:
            # Pods that have just begun don't know; and another one may answer each time.
            deadline = time.monotonic() + _PAGES_SECONDS
            while True:
                said = self.kubectl.text("get", "--raw", service)
                if heard(said) != "" or time.monotonic() > deadline:
                    return judge_pages(pages, deployment, said)
                time.sleep(1.0)
        except (PersonNeeded, Transient) as error:
            return judge_pages(pages, deployment, error)

    def _policy(self) -> Finding:
        try:
            policy = self.kubectl.find("validatingadmissionpolicies", POLICY_NAME)
            return judge_policy(policy, self.kubectl.find("validatingadmissionpolicybindings", POLICY_NAME))
        except PersonNeeded as error:
            return _unseen(POLICY, "ValidatingAdmissionPolicies", error)

    def _abilities(self) -> Iterator[Finding]:
        wanted = abilities(self.namespace)
        rights = [right for one in wanted for right in one.rights]
        answers = self.kubectl.created([self_review(right) for right in rights])
        allowed = {right: is_allowed(answer) for right, answer in zip(rights, answers, strict=True)}
        found = [(one, all(allowed[right] for right in one.rights)) for one in wanted]
        yield from judge_abilities(found, namespace=self.namespace)

    def _channels(self, *, complete: bool, may_look: bool) -> Iterator[Finding]:
        try:
            around = look_around(self.kubectl, channel=self.arguments.name)
        except PersonNeeded as error:
            # Said already.
            told = error.reason == "NotInstalled" or not complete or (error.reason == "Forbidden" and not may_look)
            if not told:
                yield problem("Channels", str(error))
            return
        if not around.channels:
            yield note("Channels", f"there is none in namespace {self.namespace}.")
        yield from around.findings()
        if self.arguments.probe:
            for body, binder in around.probed():
                yield from self._probe(body, binder)

    def _probe(self, channel: Json, binder: Json) -> Sequence[Finding]:
        name = channel["metadata"]["name"]
        try:
            reply = do(
                self.kubectl,
                name,
                Errand("probe", (), (channel, binder), self.arguments.timeout, writes=True),
            )
        except Transient as error:
            if error.reason == "ApiUnavailable":
                raise
            return [problem(f"Probe by {name}", str(error))]
        except BannetteError as error:
            return [problem(f"Probe by {name}", str(error))]
        if reply.code:
            return [problem(f"Probe by {name}", reply.errors.strip() or f"it ended with exit code {reply.code}.")]
        return [seen_by(name, Finding.parse(members)) for members in json.loads(reply.output)]


def _unseen(check: str, what: str, error: PersonNeeded) -> Finding:
    """Return that *what* couldn't be looked at.

    Raises: PersonNeeded: the *error*, if it isn't about rights.
    """
    if error.reason != "Forbidden":
        raise error
    return note(check, f"you may not look at {what}.")
