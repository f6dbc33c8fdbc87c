"""A firm's recipients and channels on a real API server, as an operator leaves them; and what writes to them."""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from bannette.connect import load_keys
from bannette.connect.asking import Asking, AskingSettings
from bannette.connect.background import links_for
from bannette.connect.links import Ticket, read_token
from bannette.connect.metrics import Metrics
from bannette.connect.watching import Watching
from bannette.kube import Change, ClusterApi, What
from bannette.notify.mail import Mailer
from bannette.notify.settings import MailSettings, Security
from bannette.resources import BINDERS, CHANNELS, RECIPIENTS, format_time
from devcluster.apiserver import ApiServer
from tests.connect.stumbles import PATIENT
from tests.notify.mail_server import MailServer
from tests.resources.api import Api
from tests.resources.samples import CHANNEL, variant

PUBLIC = "https://connect.bannette.example"
# Subjects of mails.
CONNECT = "Acme & Fils: connect your OneDrive"
REMINDER = "Reminder: Acme & Fils waits for your OneDrive"
LOST = "Acme & Fils: your OneDrive is no longer connected"
LAPSING = "Acme & Fils: the connection to your OneDrive is about to lapse"
SECONDS = 90.0
KINDS = {"CollectionChannel": CHANNELS, "Binder": BINDERS, "Recipient": RECIPIENTS}
MERGE = {"Content-Type": "application/merge-patch+json"}


class Clock:
    """The time, which a test sets forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def forward(self, **by: float) -> None:
        self._ahead += timedelta(**by)


class Firm:
    """A namespace with a binder."""

    def __init__(self, server: ApiServer, namespace: str, clock: Clock, audit_log: Path) -> None:
        self.server = server
        self.namespace = namespace
        self.clock = clock
        self.versions: dict[tuple[str, str], int] = {}
        self._api = Api(server)
        self._audit_log = audit_log
        self._done("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        self.create(
            "Binder", "purchases", {"company": "Acme & Fils", "storage": {"persistentVolumeClaim": {"claimName": "p"}}}
        )

    def api(
        self, token: str | None = None, url: str | None = None, *, read: float = PATIENT, attempts: int = 2
    ) -> ClusterApi:
        """Return the API server, or what leads to it at *url*; *read*: for how many seconds it is waited for."""
        return ClusterApi(
            url or self.server.url,
            namespace="",
            token=token or self.server.token,
            ca=self.server.ca_file.read_text(),
            attempts=attempts,
            timeout=(10.0, read),
        )

    def recipient(self, name: str = "marie", **spec: object) -> None:
        given = {"displayName": name.title(), "email": f"{name}@acme.example", "locale": "en", **spec}
        self.create("Recipient", name, given)

    def channel(
        self, name: str = "acme-onedrive", *, recipient: str = "marie", standing: str | None = "Never", **spec: object
    ) -> None:
        """Make a channel, with what the operator says of it."""
        account = {"delegated": {"loginHint": f"{name}@acme.example", "clientId": "bannette"}}
        body = variant(
            CHANNEL,
            {
                "spec.onedrive.account": account,
                "spec.recipient.name": recipient,
                **{f"spec.{k}": v for k, v in spec.items()},
            },
        )
        self.create("CollectionChannel", name, body["spec"])
        if standing is not None:
            self.stands(name, standing)

    def stands(self, name: str, standing: str, *, met: bool = True) -> None:
        """Let the operator say how the account is connected: ``Never``, ``Connected``, or the reason of a loss.

        Args:
            met: what else the channel needs is there.
        """
        status, reason = {"Never": ("False", "NotSignedIn"), "Connected": ("True", "SignedIn")}.get(
            standing, ("False", standing)
        )
        since = format_time(self.clock())
        condition = {
            "type": "Connected",
            "status": status,
            "reason": reason,
            "message": "",
            "lastTransitionTime": since,
        }
        others = {"type": "PrerequisitesMet", "status": str(met), "reason": "AllPresent", "lastTransitionTime": since}
        patch: dict[str, object] = {"conditions": [condition, others]}
        if standing == "Connected":
            patch["connection"] = {"connectedAt": since, "account": f"{name}@acme.example"}
        self.change("CollectionChannel", name, {"status": patch}, status=True)

    def ran(self, name: str, *entries: Mapping[str, object]) -> None:
        """Let runs have ended, the last one first."""
        history = [
            {
                "id": secrets.token_hex(8),
                "trigger": "Scheduled",
                "startedAt": entry["completedAt"],
                "result": "Succeeded",
                "reason": "Collected",
                **entry,
            }
            for entry in entries
        ]
        self.change("CollectionChannel", name, {"status": {"history": history, "lastRun": history[0]}}, status=True)

    def create(self, kind: str, name: str, spec: Mapping[str, object]) -> dict[str, Any]:
        metadata = {"name": name, "namespace": self.namespace}
        body = {"apiVersion": "bannette.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
        return self._noted(kind, self._done("POST", self._path(kind), body))

    def change(self, kind: str, name: str, patch: Mapping[str, object], *, status: bool = False) -> None:
        path = f"{self._path(kind)}/{name}" + ("/status" if status else "")
        self._noted(kind, self._done("PATCH", path, patch, headers=MERGE))

    def delete(self, kind: str, name: str) -> None:
        self._done("DELETE", f"{self._path(kind)}/{name}")
        self.versions[KINDS[kind], name] = -1

    def body(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._done("GET", f"{self._path(kind)}/{name}")
        return found

    def status(self, name: str = "marie") -> dict[str, Any]:
        found: dict[str, Any] = self.body("Recipient", name).get("status", {})
        return found

    def notified(self, name: str = "marie") -> dict[str, Any]:
        """Return the condition Notified of a recipient; empty if there is none."""
        conditions = self.status(name).get("conditions", [])
        return next((one for one in conditions if one["type"] == "Notified"), {})

    def requests(self) -> list[dict[str, Any]]:
        """Return what was asked of the API server in this namespace, but by the test itself: the audit log's lines."""
        # The last line may be half written.
        lines = map(json.loads, self._audit_log.read_text().rpartition("\n")[0].splitlines())
        return [
            line
            for line in lines
            if line.get("objectRef", {}).get("namespace") == self.namespace and "bannette-test" not in line["userAgent"]
        ]

    def written(self) -> dict[tuple[str, str], int]:
        """Return the version of all that the test wrote, and of what anybody wrote about recipients; -1: it is gone."""
        recipients = self._done("GET", self._path("Recipient"))["items"]
        now = {one["metadata"]["name"]: int(one["metadata"]["resourceVersion"]) for one in recipients}
        return {**self.versions, **{(RECIPIENTS, name): version for name, version in now.items()}}

    def _path(self, kind: str) -> str:
        return f"/apis/bannette.io/v1alpha1/namespaces/{self.namespace}/{KINDS[kind]}"

    def _noted(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        self.versions[KINDS[kind], body["metadata"]["name"]] = int(body["metadata"]["resourceVersion"])
        return body

    def _done(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
        answer = self._api.call(method, path, body, headers={"User-Agent": "bannette-test", **(headers or {})})
        assert answer.ok, answer.text
        return answer.json()


class Service:
    """Asks the recipients of a firm: hears of everything at once, and looks when it is told to."""

    def __init__(self, firm: Firm, port: int, keys: Path, *, api: ClusterApi | None = None) -> None:
        self.firm = firm
        self.keys = keys
        keys.mkdir(exist_ok=True)
        if not any(keys.iterdir()):
            (keys / "2026-11-01").write_text(secrets.token_hex(24))
        mailer = Mailer(
            MailSettings(
                host="localhost", port=port, security=Security.NONE, sender="documents@acme.example", seconds=30.0
            )
        )
        api = api or firm.api()
        self.metrics = Metrics()
        self.asking = Asking(
            api,
            mailer,
            settings=AskingSettings(),
            links=lambda now: links_for(PUBLIC, load_keys(keys), now, {}),
            metrics=self.metrics,
            now=firm.clock,
        )
        self.watching = Watching(api, [firm.namespace])
        self._seen: dict[tuple[str, str], int] = {}
        self._heard = threading.Condition()
        self.asking.listen(self.watching)
        for plural in KINDS.values():
            self.watching.tell(plural, self._hear)

    def __enter__(self) -> Service:
        self.watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watching.stop()
        self.asking.stop()

    def look(self, **later: float) -> None:
        """Write to all to whom it is time to write to, once so much time has gone by."""
        self.firm.clock.forward(**later)
        self.hear()
        self.asking.work_off()
        # What it wrote itself may be due to be looked at.
        self.hear()
        self.asking.work_off()

    def hear(self) -> None:
        """Wait until it has heard of everything that was done, also by itself: it may hear of that late, in parts."""
        expected = self.firm.written()
        deadline = time.monotonic() + SECONDS
        with self._heard:
            while late := [key for key, version in expected.items() if not self._has_heard(key, version)]:
                assert self._heard.wait(deadline - time.monotonic()), f"it didn't hear of {late}"

    def _has_heard(self, key: tuple[str, str], version: int) -> bool:
        seen = self._seen.get(key, 0)
        return seen == -1 if version == -1 else seen >= version and ("listed", key[0]) in self._seen

    def _hear(self, plural: str, realm: str, change: Change) -> None:
        metadata: Any = change.body["metadata"]
        with self._heard:
            if change.what is What.LISTED:
                self._seen["listed", plural] = 1
            else:
                self._seen[plural, metadata["name"]] = (
                    -1 if change.what is What.GONE else int(metadata["resourceVersion"])
                )
            self._heard.notify_all()


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    text: str = part.get_content()
    return text


def links_in(mail: EmailMessage) -> list[str]:
    return re.findall(rf"{re.escape(PUBLIC)}/c/\S+", text_of(mail))


def subjects(mails: MailServer) -> list[str]:
    """Return the subjects of the mails that came."""
    return [mail["Subject"] for mail in mails.taken.mails]


def opened(link: str, keys: Path, *, now: datetime) -> Ticket:
    """Return what a link says, which must be one of the service's."""
    ticket = read_token(link.partition("?t=")[2], load_keys(keys), now=now)
    assert isinstance(ticket, Ticket), ticket
    return ticket
