"""Reading the resources of one namespace and patching their status, as a run's pod does."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import random
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from urllib.parse import quote

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
_CHUNK = 65536
Events = Generator[dict[str, object], None, None]


class Conflict(BannetteError):
    """The object changed since it was read: read it again, and decide again."""


class Expired(BannetteError):
    """The API server no longer knows that version, or that place in a list: list from the beginning."""


class ClusterApi:
    """The resources of one namespace, or for lists of all of them.

    Args:
        server: origin of the API server, for example ``https://10.96.0.1:443``.
        token: the bearer token; or *token_file*, read again when it changes.
        ca: PEM text of the CA that signed the server's certificate.
        namespace: the only namespace that is read and patched; empty for lists of all namespaces.
        sleep: how to wait between two attempts.
        attempts: how often a request is made, at most, that the server may yet answer.
        timeout: seconds to wait for a connection, and for the next bytes.
        longest_wait: seconds; a server that asks for a longer wait isn't asked again. None: it is, after 30 s at most.
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
        longest_wait: float | None = None,
    ) -> None:
        self.namespace = namespace
        self._server = server.rstrip("/")
        self._token: Callable[[], str] = TokenFile(token_file) if token_file else lambda: token or ""
        self._sleep = sleep
        self._attempts = attempts
        self._timeout = timeout
        self._longest_wait = longest_wait
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
        longest_wait: float | None = None,
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
            longest_wait=longest_wait,
        )

    def within(self, namespace: str) -> ClusterApi:
        """Return the same API with the resources of another namespace; both share their connections."""
        other = copy.copy(self)
        other.namespace = namespace
        return other

    def as_bearer(self, token: str) -> ClusterApi:
        """Return the same API as whoever has *token* may use it; both share their connections."""
        other = copy.copy(self)
        other._token = lambda: token
        return other

    def answer(self, method: str, path: str, body: Mapping[str, object] | None = None) -> requests.Response:
        """Make one request, once, and return what the API server says to it, whatever that is.

        Raises:
            Transient: it can't be reached.
        """
        return self._sent(method, path, body, timeout=self._timeout)

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

    def page(self, plural: str, *, limit: int, after: str = "") -> dict[str, object]:
        """Return a list of at most *limit* objects, from the place *after* on (``metadata.continue`` of the last one).

        Raises:
            Expired: the place *after* is too old.
            PersonNeeded, Transient: as for ``get``.
        """
        path = f"{self._path(plural)}?limit={limit}" + (f"&continue={quote(after, safe='')}" if after else "")
        return self._attempt("GET", path, None, described=f"{plural} of {self._where}")

    def watch(self, plural: str, *, version: str, seconds: int, silence: float) -> contextlib.closing[Events]:
        """Return what happens to objects after *version*, for so many seconds: events as the API server has them.

        Args:
            silence: seconds without a word, be it a bookmark, after which the connection counts as broken.

        Raises:
            Expired: the API server no longer knows that version.
            PersonNeeded, Transient: as for ``get``, while it goes on too.
        """
        query = f"watch=1&allowWatchBookmarks=true&resourceVersion={quote(version, safe='')}&timeoutSeconds={seconds}"
        path, described = f"{self._path(plural)}?{query}", f"{plural} of {self._where}"
        response = self._sent("GET", path, None, timeout=(self._timeout[0], silence), stream=True)
        if not response.ok:
            with response:
                raise _error(response, described)
        return contextlib.closing(_events(response, described))

    @property
    def _where(self) -> str:
        return f'namespace "{self.namespace}"' if self.namespace else "all namespaces"

    def _path(self, plural: str) -> str:
        within = f"/namespaces/{self.namespace}" if self.namespace else ""
        return f"{_PATHS[plural]}{within}/{plural}"

    def _request(
        self,
        method: str,
        plural: str,
        name: str,
        *,
        subresource: str | None = None,
        body: Mapping[str, object] | None = None,
    ) -> dict[str, object]:
        path = f"{self._path(plural)}/{name}" + (f"/{subresource}" if subresource else "")
        return self._attempt(method, path, body, described=f'{plural} "{name}" of {self._where}')

    def _attempt(
        self, method: str, path: str, body: Mapping[str, object] | None, *, described: str
    ) -> dict[str, object]:
        failure: Transient | None = None
        for attempt in range(self._attempts):
            if failure is not None:
                if self._longest_wait is not None and (failure.retry_after or 0.0) > self._longest_wait:
                    break
                self._sleep(_wait_before(attempt, failure.retry_after))
            try:
                return self._once(method, path, body, described=described)
            except Transient as error:
                failure = error
        assert failure is not None  # noqa: S101 - the loop ends by return, by another error, or with a failure
        raise failure

    def _once(self, method: str, path: str, body: Mapping[str, object] | None, *, described: str) -> dict[str, object]:
        response = self._sent(method, path, body, timeout=self._timeout)
        if response.ok:
            try:
                answer = response.json()
            except requests.RequestException as error:
                raise _unreachable(error) from error
            if isinstance(answer, dict):
                return answer
            raise Transient("The Kubernetes API server's answer is none of its own.", reason="ApiUnavailable")
        raise _error(response, described)

    def _sent(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        *,
        timeout: tuple[float, float],
        stream: bool = False,
    ) -> requests.Response:
        headers = {"Accept": "application/json"}
        try:
            token = self._token()
        except OSError as error:
            # The kubelet's, which brings it again; whoever follows must outlast that.
            told = f"The ServiceAccount's token can't be read ({error.strerror})."
            raise Transient(told, reason="ApiUnavailable") from error
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = "application/merge-patch+json" if method == "PATCH" else "application/json"
        try:
            return self._session.request(
                method,
                self._server + path,
                json=body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                stream=stream,
            )
        except requests.RequestException as error:
            raise _unreachable(error) from error


def _events(response: requests.Response, described: str) -> Events:
    with response:
        try:
            for line in response.iter_lines(chunk_size=_CHUNK):
                if line:
                    event = json.loads(line)
                    if not isinstance(event, dict) or not {"type", "object"} <= event.keys():
                        raise ValueError("not an event")
                    yield _event(event, described)
        # Cut in the middle of an event, or by a proxy with words of its own.
        except (requests.RequestException, ValueError) as error:
            raise _unreachable(error) from error


def _event(event: dict[str, object], described: str) -> dict[str, object]:
    if event.get("type") != "ERROR":
        return event
    status = event.get("object")
    code = status.get("code") if isinstance(status, Mapping) else None
    if code == 410:
        raise _expired(described)
    raise Transient(f"The Kubernetes API server ended the watch of {described} with {code}.", reason="ApiUnavailable")


def _unreachable(error: Exception) -> Transient:
    return Transient(f"The Kubernetes API server can't be reached ({type(error).__name__}).", reason="ApiUnavailable")


def _expired(described: str) -> Expired:
    return Expired(f"The API server no longer knows that version of {described}.", reason="ApiUnavailable")


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
            f"This pod's ServiceAccount may not touch {described}: a run's is granted that by the operator, see the "
            "channel's conditions; that of the pages by the chart.",
            reason="Forbidden",
        )
    if status == 409:
        return Conflict(f"{described} changed meanwhile.", reason="Conflict")
    if status == 410:
        return _expired(described)
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
