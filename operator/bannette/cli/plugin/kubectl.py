"""kubectl as the plugin uses it: with the user's own context, credentials and namespace.

The plugin is called by kubectl, so kubectl is there; and whatever way it signs in, needn't be known here.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Final, cast

from bannette.errors import BannetteError, PersonNeeded, Transient

CHANNELS: Final = "collectionchannels.bannette.io"
BINDERS: Final = "binders.bannette.io"
RECIPIENTS: Final = "recipients.bannette.io"
_UNREACHABLE: Final = (
    "Unable to connect",
    "connection refused",
    # All that kubectl says of it when it remembers what the server serves.
    "was refused - did you specify the right host or port?",
    "i/o timeout",
    "no such host",
    "ServiceUnavailable",
)
# What a server, or a proxy before it, says that can't answer now; without a reason it repeats what its store says.
_FAILING: Final = frozenset({"InternalError", "ServerTimeout", "Timeout", "TooManyRequests"})
_STORE_FAILING: Final = "Error from server: etcdserver: "
# What `kubectl config view --minify` says without a kubeconfig, or where that names no cluster.
_NO_CONTEXT: Final = "current-context must exist"
_POLL_SECONDS: Final = 0.5
# By itself kubectl waits without end; an API server, but for a watch, gives a request up after that time.
REQUEST_SECONDS: Final = 60.0
_SHORT: Final = frozenset({"annotate", "create", "delete", "get"})
# An API server that is started anew is away for less.
AWAY_SECONDS: Final = 60.0

Json = dict[str, Any]


@dataclass(frozen=True)
class Kubectl:
    """Runs kubectl with *options* that name context and namespace."""

    options: tuple[str, ...] = ()

    def within(self, namespace: str) -> Kubectl:
        """Return the same for another namespace."""
        # Of an option that is given twice, the last one counts.
        return Kubectl((*self.options, "--namespace", namespace))

    def text(self, *arguments: str, stdin: str | None = None) -> str:
        """Return what ``kubectl ARGUMENTS`` prints when it reads *stdin*.

        Raises:
            PersonNeeded: KubectlMissing, NotFound, Forbidden, KubectlFailed. Transient: ApiUnavailable.
        """
        try:
            # The kubectl on the user's PATH is the one that they called.
            command = ["kubectl", *arguments, *self.options]
            if arguments[0] in _SHORT:
                command.append(f"--request-timeout={REQUEST_SECONDS:g}s")
            done = subprocess.run(command, input=stdin, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
        except FileNotFoundError:
            raise PersonNeeded("kubectl isn't on the PATH: install it.", reason="KubectlMissing") from None
        if done.returncode:
            raise self._error(done.stderr)
        return done.stdout

    def json(self, *arguments: str) -> Json:
        """Return the object that ``kubectl ARGUMENTS -o json`` prints. Raises: as ``text`` does."""
        return cast("Json", json.loads(self.text(*arguments, "-o", "json")))

    def find(self, *arguments: str) -> Json | None:
        """Return the object that ``kubectl get ARGUMENTS`` finds; None if there is none. Raises: as ``text`` does."""
        text = self.text("get", *arguments, "--ignore-not-found", "-o", "json")
        return cast("Json", json.loads(text)) if text.strip() else None

    def executed(self, pod: str, container: str, *command: str) -> str:
        """Return what *command* prints in a container. Raises: as ``text`` does."""
        # The options come before the command, or would be its own.
        return Kubectl().text("exec", pod, "-c", container, *self.options, "--", *command)

    def created(self, objects: Sequence[Json]) -> list[Json]:
        """Create *objects* and return them as the server answers. Raises: as ``text`` does."""
        given = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        # Without validation kubectl asks for no schemas: the server validates.
        rest = self.text("create", "--validate=false", "-f", "-", "-o", "json", stdin=given)
        decoder, answers = json.JSONDecoder(), list[Json]()
        while rest := rest.lstrip():
            answer, end = decoder.raw_decode(rest)
            answers += answer["items"] if answer["kind"] == "List" else [answer]
            rest = rest[end:]
        return answers

    def namespace(self) -> str:
        """Return the namespace that commands are about: the named one, else that of the context."""
        named = dict(zip(self.options, self.options[1:], strict=False)).get("--namespace")
        said = named or self.text("config", "view", "--minify", "-o", "jsonpath={..namespace}").strip()
        return said or "default"

    def states(self, name: str, *, deadline: float, kind: str = CHANNELS) -> Iterator[Json | None]:
        """Yield the object *name* as it is and whenever it changes; None now and then while it doesn't.

        *deadline*: on the monotonic clock; the last state has been yielded then.

        Raises: as ``text`` does, NotFound when it is deleted, too; that the cluster can't be reached, or doesn't know
            what it knew, when that lasts.
        """
        known, heard = False, time.monotonic()
        while time.monotonic() < deadline:
            try:
                for body in self._watched(name, kind, deadline):
                    yield body
                    known, heard = True, time.monotonic()
            except BannetteError as error:
                # While it starts, an API server doesn't tell of definitions yet.
                passes = isinstance(error, Transient) or (known and error.reason == "NotInstalled")
                if not passes or time.monotonic() - heard > AWAY_SECONDS:
                    raise
                time.sleep(_POLL_SECONDS)
                yield None

    def _watched(self, name: str, kind: str, deadline: float) -> Iterator[Json | None]:
        """Yield the states that one kubectl tells of. Raises: as ``text`` does."""
        # Of an object by its name kubectl drops the first event of the watch, which is how it is by then, as if nothing
        # could have come between (kubernetes/kubernetes#27392); a list is watched from its own version on.
        one = ("--field-selector", f"metadata.name={name}")
        # Without the events nothing tells the last state of what is deleted from any other.
        watch = ("--watch", "--output-watch-events", "-o", "json")
        with _watching(["kubectl", "get", kind, *one, *watch, *self.options]) as process:
            seen = False
            for event in _objects(process, deadline):
                if event is None:
                    # A list that lacks it doesn't say so.
                    yield None if seen else self.json("get", kind, name)
                else:
                    yield event["object"]
                    if event["type"] == "DELETED":
                        message = f'{kind} "{name}" was deleted meanwhile in namespace {self.namespace()}.'
                        raise PersonNeeded(message, reason="NotFound")
                seen = True
            # kubectl ends by itself when the server closes the stream, and with an error when that breaks off.
            if process.poll() and not seen:
                raise self._error(_rest(process))

    def refuse_missing_namespace(self) -> None:
        """Say that the namespace doesn't exist, if that may be known.

        Raises:
            PersonNeeded: NamespaceMissing; and as ``text`` does.
        """
        name = self.namespace()
        try:
            found = self.find("namespaces", name)
        except PersonNeeded as error:
            if error.reason == "Forbidden":
                return
            raise
        if found is None:
            message = f"Namespace {name} doesn't exist: create it, or name another one with -n."
            raise PersonNeeded(message, reason="NamespaceMissing")

    def _error(self, said: str) -> BannetteError:
        lines = [line for line in said.strip().splitlines() if line.strip()]
        message = lines[-1].removeprefix("error: ").removeprefix("Error from server ") if lines else "kubectl failed."
        if any(mark in said for mark in _UNREACHABLE):
            return Transient(f"The cluster can't be reached: {message}", reason="ApiUnavailable")
        if _NO_CONTEXT in said:
            return PersonNeeded(
                "No cluster is chosen: set KUBECONFIG, or name one of `kubectl config get-contexts` with --context.",
                reason="NoContext",
            )
        if "the server doesn't have a resource type" in said:
            return PersonNeeded(
                "Bannette isn't installed in this cluster: it has no CollectionChannels.", reason="NotInstalled"
            )
        if message.startswith(_STORE_FAILING):
            return Transient(f"The API server can't answer now: {message}", reason="ApiUnavailable")
        if not message.startswith("("):
            return PersonNeeded(message, reason="KubectlFailed")
        reason, _, message = message[1:].partition("): ")
        if reason in _FAILING:
            return Transient(f"The API server can't answer now: {message}", reason="ApiUnavailable")
        if reason == "NotFound" and "namespaces " not in message:
            message = f"{message} in namespace {self.namespace()}"
        return PersonNeeded(message, reason=reason)


def _objects(process: subprocess.Popen[bytes], deadline: float) -> Iterator[Json | None]:
    stream, decoder, text = cast("IO[bytes]", process.stdout), json.JSONDecoder(), b""
    while time.monotonic() < deadline:
        ready, _, _ = select.select([stream], [], [], _POLL_SECONDS)
        if not ready:
            yield None
            continue
        piece = os.read(stream.fileno(), 1 << 16)
        if not piece:
            process.wait()
            return
        text += piece
        while found := _first(decoder, text):
            body, text = found
            yield body


def _rest(process: subprocess.Popen[bytes]) -> str:
    return cast("IO[bytes]", process.stderr).read().decode(errors="replace")


def _first(decoder: json.JSONDecoder, text: bytes) -> tuple[Json, bytes] | None:
    """Return the first whole object of *text*, and what comes after it."""
    try:
        readable = text.decode().lstrip()
        body, end = decoder.raw_decode(readable)
    except ValueError:
        # Not all of it is there yet, perhaps not even of its last character.
        return None
    return body, readable[end:].encode()


@contextmanager
def _watching(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603
    except FileNotFoundError:
        raise PersonNeeded("kubectl isn't on the PATH: install it.", reason="KubectlMissing") from None
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
