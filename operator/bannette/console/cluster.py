"""The API server as one person may use it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import requests

from bannette.console.faults import Fault, Invalid, SignedOut, Stopped
from bannette.console.people import Person
from bannette.errors import Transient
from bannette.kube import ClusterApi
from bannette.resources import API_VERSION, CHANNELS, CHECK_CONNECTION, GROUP, REQUESTED_AT
from bannette.resources.rules import CHANNEL_NAME, REFERENCE

Body = Mapping[str, Any]
_REVIEWS: Final = "/apis/authorization.k8s.io/v1"
_WHO: Final = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_REVIEW_SECONDS: Final = 15.0
_MOST_REVIEWS: Final = 20_000
_CHUNK: Final = 500
_MOST_OBJECTS: Final = 5000
# What the admission policy lets whoever may patch a channel set.
_FOR_RUNNERS: Final = frozenset({CHECK_CONNECTION, REQUESTED_AT})
# The field of which it says that rules weren't checked yet.
_UNCHECKED: Final = "<nil>"
# Between attempts. A person waits for a page: a server that asks for more is told of as away.
_WAITS: Final = (0.3, 1.0)
_LONGEST_WAIT: Final = 2.0
# For how long a request may have gone on to be made once more: what is asked, and what is written.
_PATIENCE: Final = (3.0, 12.0)
# How the API server begins what it says of a field.
_PREFIX: Final = re.compile(r'Invalid value: (?:(?:"(?:[^"\\]|\\.)*"|null|[^\s:]+): )?')


def user_of(api: ClusterApi, token: str) -> str:
    """Return the name of whoever has *token*.

    Raises: SignedOut: nobody has. Stopped: the API server can't be asked.
    """
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SignedOut
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = _checked(_asked(api.as_bearer(token), "POST", _WHO, review))
    name = str(answer["status"]["userInfo"]["username"])
    if name == "system:anonymous":
        raise SignedOut
    # It is shown and logged, and never asked about: it may be whatever an identity provider takes for a name.
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)


def service_reads(api: ClusterApi, plural: str, namespace: str, name: str) -> Body:
    """Return an object as the service itself may read it, once it is known that a person may have what is in it.

    Raises: Stopped.
    """
    return _of_service(api, "GET", _path(plural, namespace, name))


def service_annotates(api: ClusterApi, plural: str, namespace: str, name: str, annotations: Mapping[str, str]) -> None:
    """Set annotations with the rights of the service itself.

    Raises: Stopped.
    """
    _of_service(api, "PATCH", _path(plural, namespace, name), {"metadata": {"annotations": dict(annotations)}})


def _of_service(api: ClusterApi, method: str, path: str, body: Mapping[str, object] | None = None) -> Body:
    try:
        return _checked(_asked(api, method, path, body))
    except SignedOut:
        raise Stopped(Fault.UNAVAILABLE) from None


class Reviews:
    """What the API server lately said somebody may do, for what pages show and hide; it decides again on every act."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[tuple[str, ...], tuple[float, bool]] = {}

    def recall(self, key: tuple[str, ...]) -> bool | None:
        said = self._said.get(key)
        return said[1] if said is not None and said[0] > time.monotonic() else None

    def keep(self, key: tuple[str, ...], allowed: bool) -> None:
        with self._lock:
            if len(self._said) >= _MOST_REVIEWS:
                self._said.clear()
            self._said[key] = time.monotonic() + _REVIEW_SECONDS, allowed


class Cluster:
    """Reads and writes Bannette's resources for *person*, as far as they may.

    Whoever signed in by a token makes every request with it. For whom a proxy names, the service asks the API server
    whether they may, each time, and then acts itself; Bannette's admission policy sees the service then, so what it
    would ask is asked here.

    Methods raise:
        SignedOut: the token isn't good any more.
        Stopped: FORBIDDEN, NOT_FOUND, CONFLICT, or UNAVAILABLE.
    """

    def __init__(self, api: ClusterApi, person: Person, reviews: Reviews) -> None:
        self.person = person
        self._api = api.as_bearer(person.token) if person.token else api
        self._reviews = reviews

    def may(
        self,
        verb: str,
        plural: str,
        namespace: str,
        *,
        name: str = "",
        subresource: str = "",
        fresh: bool = False,
    ) -> bool:
        """Tell whether the person may; *namespace* empty: in all.

        Args:
            fresh: ask now, though it was asked a moment ago.
        """
        key = (self.person.key, verb, plural, namespace, name, subresource)
        if not fresh and (known := self._reviews.recall(key)) is not None:
            return known
        attributes = {
            "namespace": namespace,
            "verb": verb,
            "group": GROUP,
            "resource": plural,
            "name": name,
            "subresource": subresource,
        }
        spec: dict[str, object] = {"resourceAttributes": {key: value for key, value in attributes.items() if value}}
        kind = "SelfSubjectAccessReview"
        if not self.person.token:
            kind = "SubjectAccessReview"
            spec |= {"user": self.person.name, "groups": list(self.person.groups)}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
        answer = self._request("POST", f"{_REVIEWS}/{kind.lower()}s", review)
        allowed = bool(answer["status"]["allowed"])
        self._reviews.keep(key, allowed)
        return allowed

    def get(self, plural: str, namespace: str, name: str) -> Body:
        """Return one object."""
        path = _path(plural, namespace, name)
        self._demand("get", plural, namespace, name)
        return self._request("GET", path)

    def objects(self, plural: str, namespace: str) -> list[Body]:
        """Return the objects of a namespace; of thousands, the first."""
        path = _path(plural, namespace)
        self._demand("list", plural, namespace)
        found: list[Body] = []
        after = ""
        while len(found) < _MOST_OBJECTS:
            page = self._request("GET", f"{path}?limit={_CHUNK}&continue={quote(after, safe='')}")
            found += page.get("items") or []
            after = str(page["metadata"].get("continue") or "")
            if not after:
                break
        return found

    def annotate(self, namespace: str, name: str, annotation: str, value: str) -> Body:
        """Set an annotation of a channel."""
        path = _path(CHANNELS, namespace, name)
        self._demand("patch", CHANNELS, namespace, name)
        if annotation not in _FOR_RUNNERS:
            self._demand("configure", CHANNELS, namespace, name)
        return self._request("PATCH", path, {"metadata": {"annotations": {annotation: value}}})

    def create(self, plural: str, kind: str, namespace: str, name: str, spec: Body, *, keep: bool) -> Body:
        """Create an object; unless *keep*, the API server only says what it would do.

        Raises: Invalid: it doesn't accept the object.
        """
        path = _path(plural, namespace)
        self._demand("create", plural, namespace)
        self._demand("configure", plural, namespace, name)
        body = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": name, "namespace": namespace},
            "spec": dict(spec),
        }
        return self._request("POST", f"{path}?fieldValidation=Strict{'' if keep else '&dryRun=All'}", body)

    def _demand(self, verb: str, plural: str, namespace: str, name: str = "") -> None:
        # With a token the API server itself refuses what they may not do.
        if not self.person.token and not self.may(verb, plural, namespace, name=name, fresh=True):
            what = f"{plural}.{GROUP}" + (f' "{name}"' if name else "")
            raise Stopped(Fault.FORBIDDEN, f'{self.person.name} may not {verb} {what} in the namespace "{namespace}".')

    def _request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Body:
        try:
            return _checked(_asked(self._api, method, path, body))
        except SignedOut:
            # That is the service's own token.
            raise SignedOut if self.person.token else Stopped(Fault.UNAVAILABLE) from None


def _path(plural: str, namespace: str, name: str = "") -> str:
    """Return where objects are.

    Raises: Stopped: nothing can have that name.
    """
    rule = CHANNEL_NAME if plural == CHANNELS else REFERENCE
    if not REFERENCE.accepts(namespace) or (name and not rule.accepts(name)):
        raise Stopped(Fault.NOT_FOUND)
    within = f"/apis/{API_VERSION}/namespaces/{quote(namespace, safe='')}/{plural}"
    return f"{within}/{quote(name, safe='')}" if name else within


def _asked(api: ClusterApi, method: str, path: str, body: Mapping[str, object] | None) -> requests.Response:
    """Return what the API server says, at the third attempt if need be; what is asked here may be done twice.

    Raises: Stopped: it can't be reached.
    """
    began = time.monotonic()
    writes = method != "GET" and not path.startswith((_REVIEWS, _WHO))
    for wait in (*_WAITS, None):
        answer: requests.Response | None = None
        asks: float | None = 0.0
        try:
            answer = api.answer(method, path, body)
            asks = _asks_to_wait(answer)
        except Transient:
            pass
        if answer is not None and asks is None:
            return answer
        asks = asks or 0.0
        if wait is None or asks > _LONGEST_WAIT or time.monotonic() - began > _PATIENCE[writes]:
            break
        time.sleep(max(wait, asks))
    if answer is None:
        raise Stopped(Fault.UNAVAILABLE)
    return answer


def _asks_to_wait(answer: requests.Response) -> float | None:
    """Return how long a server that is away or has too much to do is to be left alone, in seconds; None: it answers."""
    if answer.status_code != 429 and answer.status_code < 500:
        return None
    told = answer.headers.get("Retry-After", "")
    return float(told) if told.isdecimal() else 0.0


def _checked(response: requests.Response) -> Body:
    """Return what the API server answered.

    Raises: SignedOut, Stopped, Invalid: it refused.
    """
    try:
        answer: Body = response.json()
    except requests.RequestException:
        raise Stopped(Fault.UNAVAILABLE) from None
    if response.ok:
        return answer
    message = str(answer.get("message") or "")
    status = response.status_code
    if status == 401:
        raise SignedOut
    if status in (400, 422):
        raise Invalid(_complaints(answer, message))
    faults = {403: Fault.FORBIDDEN, 404: Fault.NOT_FOUND, 409: Fault.CONFLICT}
    raise Stopped(faults.get(status, Fault.UNAVAILABLE), message)


def _complaints(answer: Body, message: str) -> dict[str, str]:
    """Return what is wrong, by the paths of the fields; the whole message where none is named."""
    found: dict[str, str] = {}
    details = answer.get("details")
    causes = details.get("causes") if isinstance(details, Mapping) else None
    for cause in causes if isinstance(causes, list) else ():
        about = str(cause.get("field") or "")
        if about != _UNCHECKED:
            # What the definition's own rules say comes last, and says what to write instead.
            found[about] = _PREFIX.sub("", str(cause.get("message") or ""), count=1)
    return found or {"": message}
