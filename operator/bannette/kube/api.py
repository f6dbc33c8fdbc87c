"""Reading the resources of one namespace and patching their status, as a run's pod does."""

from __future__ import annotations

import copy
import os
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import requests

from bannette.errors import BannetteError, PersonNeeded, Transient
from bannette.kube.transport import TokenFile, cluster_session

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_PATHS = {
    "collectionchannels": "/apis/bannette.io/v1alpha1",
    "binders": "/apis/bannette.io/v1alpha1",
    "recipients": "/apis/bannette.io/v1alpha1",
    "secrets": "/api/v1",
}
_ATTEMPTS = 5
_LONGEST_WAIT = 30.0
_TIMEOUT = (10.0, 30.0)


class Conflict(BannetteError):
    """The object changed since it was read: read it again, and decide again."""


class ClusterApi:
    """The resources of one namespace.

    Args:
        server: origin of the API server, for example ``https://10.96.0.1:443``.
        token: the bearer token; or *token_file*, read again when it changes.
        ca: PEM text of the CA that signed the server's certificate.
        namespace: the only namespace that is read and patched.
        sleep: how to wait between two attempts.
        attempts: how often a request is made, at most, that the server may yet answer.
        timeout: seconds to wait for a connection, and for the next bytes.
    """

    def __init__(
        self,
        server: str,
        *,
        namespace: str,
        token: str | None = None,
        token_file: Path | None = None,
        ca: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = _ATTEMPTS,
        timeout: tuple[float, float] = _TIMEOUT,
    ) -> None:
        self.namespace = namespace
        self._server = server.rstrip("/")
        self._token: Callable[[], str] = TokenFile(token_file) if token_file else lambda: token or ""
        self._sleep = sleep
        self._attempts = attempts
        self._timeout = timeout
        self._session = cluster_session(ca)

    @classmethod
    def in_cluster(
        cls,
        *,
        environ: Mapping[str, str] = os.environ,
        account: Path = SERVICE_ACCOUNT,
        namespace: str | None = None,
        attempts: int = _ATTEMPTS,
        timeout: tuple[float, float] = _TIMEOUT,
    ) -> ClusterApi:
        """Return the API as this pod's ServiceAccount sees it.

        Raises:
            PersonNeeded: this process doesn't run in a pod with a ServiceAccount's token (NotInCluster).
        """
        host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT", "443")
        if not host or not (account / "token").is_file():
            raise PersonNeeded(
                "This process has no ServiceAccount: run it in a pod, or run `bannette collect -f FILE` instead.",
                reason="NotInCluster",
            )
        return cls(
            f"https://{f'[{host}]' if ':' in host else host}:{port}",
            namespace=namespace or (account / "namespace").read_text(encoding="utf-8").strip(),
            token_file=account / "token",
            ca=(account / "ca.crt").read_text(encoding="utf-8"),
            attempts=attempts,
            timeout=timeout,
        )

    def within(self, namespace: str) -> ClusterApi:
        """Return the same API with the resources of another namespace; both share their connections."""
        other = copy.copy(self)
        other.namespace = namespace
        return other

    def get(self, plural: str, name: str) -> dict[str, object]:
        """Return one object.

        Raises:
            PersonNeeded: it doesn't exist (NotFound), or may not be read (Forbidden).
            Transient: the API server can't be reached, or answers with errors.
        """
        return self._request("GET", plural, name)

    def patch_status(
        self, plural: str, name: str, body: Mapping[str, object], *, resource_version: str | None = None
    ) -> dict[str, object]:
        """Merge ``{"status": …}`` into an object's status and return the object.

        Args:
            resource_version: patch only the version of the object that was read.

        Raises:
            Conflict: the object has another version than *resource_version*.
            PersonNeeded, Transient: as for ``get``.
        """
        patch = dict(body)
        if resource_version is not None:
            patch["metadata"] = {"resourceVersion": resource_version}
        return self._request("PATCH", plural, name, subresource="status", body=patch)

    def put(self, plural: str, name: str, body: Mapping[str, object]) -> dict[str, object]:
        """Replace an object by *body*, whose ``metadata.resourceVersion`` must still be the current one.

        Raises:
            Conflict: it isn't.
            PersonNeeded, Transient: as for ``get``.
        """
        return self._request("PUT", plural, name, body=body)

    def _request(
        self,
        method: str,
        plural: str,
        name: str,
        *,
        subresource: str | None = None,
        body: Mapping[str, object] | None = None,
    ) -> dict[str, object]:
        path = f"{_PATHS[plural]}/namespaces/{self.namespace}/{plural}/{name}" + (
            f"/{subresource}" if subresource else ""
        )
        failure: Transient | None = None
        for attempt in range(self._attempts):
            if failure is not None:
                self._sleep(_wait_before(attempt, failure.retry_after))
            try:
                return self._once(method, path, body, described=f'{plural} "{name}" of namespace "{self.namespace}"')
            except Transient as error:
                failure = error
        assert failure is not None  # noqa: S101 - the loop ends by return, by another error, or with a failure
        raise failure

    def _once(self, method: str, path: str, body: Mapping[str, object] | None, *, described: str) -> dict[str, object]:
        headers = {"Accept": "application/json"}
        token = self._token()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = "application/merge-patch+json" if method == "PATCH" else "application/json"
        try:
            response = self._session.request(
                method, self._server + path, json=body, headers=headers, timeout=self._timeout, allow_redirects=False
            )
            if response.ok:
                answer: dict[str, object] = response.json()
                return answer
        except requests.RequestException as error:
            raise Transient(
                f"The Kubernetes API server can't be reached ({type(error).__name__}).", reason="ApiUnavailable"
            ) from error
        raise _error(response, described)


def _wait_before(attempt: int, retry_after: float | None) -> float:
    if retry_after is not None:
        return min(retry_after, _LONGEST_WAIT)
    return min(0.2 * 2.0**attempt, _LONGEST_WAIT) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter


def _error(response: requests.Response, described: str) -> BannetteError:
    status = response.status_code
    if status == 404:
        return PersonNeeded(f"{described} doesn't exist: create it.", reason="NotFound")
    if status in (401, 403):
        return PersonNeeded(
            f"The run's ServiceAccount may not touch {described}: the operator grants that by a Role; see the "
            "channel's conditions.",
            reason="Forbidden",
        )
    if status == 409:
        return Conflict(f"{described} changed meanwhile.", reason="Conflict")
    if status == 429 or status >= 500:
        waits = response.headers.get("Retry-After", "")
        return Transient(
            f"The Kubernetes API server answered {status}.",
            reason="ApiUnavailable",
            retry_after=float(waits) if waits.isdecimal() else None,
        )
    return PersonNeeded(
        f"The Kubernetes API server refused {described} with {status}: check that the CRDs of this version of "
        "Bannette are installed.",
        reason="Refused",
    )
