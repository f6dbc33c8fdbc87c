"""The CollectionChannel: whose documents are collected, when, from where, and into which binder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bannette.resources import rules
from bannette.resources.fields import Section
from bannette.resources.metadata import Metadata, open_resource
from bannette.resources.names import CHECK_CONNECTION, DISCONNECT, REQUESTED_AT, uid_of_channel
from bannette.resources.ocr import OcrSettings, parse_ocr
from bannette.resources.onedrive import OneDriveSource, parse_onedrive
from bannette.resources.schedule import Schedule, parse_schedule
from bannette.resources.status import ChannelStatus

DEFAULT_HISTORY_LIMIT: Final = 10
MAX_HISTORY_LIMIT: Final = 50
MAX_REQUEST_LENGTH: Final = 128
# Longer than a day is anywhere.
_NEAR: Final = timedelta(days=2)


class SourceType(StrEnum):
    """Where documents are collected."""

    ONEDRIVE = "OneDrive"


@dataclass(frozen=True)
class CaBundle:
    """A ConfigMap's key with the certificates of the authorities to trust."""

    config_map: str
    key: str = "ca.crt"


@dataclass(frozen=True)
class CollectorSettings:
    """How the collector's pods are run; Kubernetes' own structures stay as they were written."""

    resources: Mapping[str, object]
    node_selector: Mapping[str, str]
    tolerations: tuple[Mapping[str, object], ...] = ()
    ca_bundle: CaBundle | None = None


@dataclass(frozen=True)
class Channel:
    """A channel, with defaults filled in.

    Attributes:
        requested_at, check_requested, disconnect_requested: the requests that the annotations bannette.io/requestedAt,
            check-connection and disconnect make; a value of more than 128 characters, or with unprintable ones, stands
            as its SHA-256: it becomes part of messages and of a pod.
        binder, recipient: names of objects in the channel's namespace.
        deleting: someone deleted it, and finalizers keep it.
    """

    name: str
    namespace: str
    uid: str
    generation: int
    annotations: Mapping[str, str]
    recipient: str
    binder: str
    schedule: Schedule
    suspend: bool
    history_limit: int
    onedrive: OneDriveSource
    ocr: OcrSettings
    collector: CollectorSettings
    status: ChannelStatus
    deleting: bool

    @property
    def requested_at(self) -> str | None:
        return self._request(REQUESTED_AT)

    @property
    def check_requested(self) -> str | None:
        return self._request(CHECK_CONNECTION)

    @property
    def disconnect_requested(self) -> str | None:
        return self._request(DISCONNECT)

    def next_collection(self, after: datetime, *, first_begins: bool = False) -> datetime:
        """Return when a daily run collects next: the first collection counts as the run of its day.

        Args:
            first_begins: the first collection begins at *after*.
        """
        at = self.schedule.next_run(after)
        began = [entry.started_at for entry in self.status.first_collections]
        # Days can't be reckoned of a time at the end of all years.
        near = [one for one in (*began, *([after] if first_begins else [])) if abs(at - one) < _NEAR]
        day = self.schedule.local_day(at)
        return self.schedule.next_run(at) if day in map(self.schedule.local_day, near) else at

    def _request(self, annotation: str) -> str | None:
        value = self.annotations.get(annotation, "").strip()
        if len(value) > MAX_REQUEST_LENGTH or not value.isprintable():
            value = f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"
        return value or None

    @classmethod
    def parse(cls, body: Mapping[str, object], *, strict: bool = False) -> Channel:
        """Return the channel that *body* describes; *strict* refuses unknown fields too, for files.

        Raises:
            InvalidResource: it isn't acceptable; the message says which field, and what to write.
        """
        top, metadata = open_resource(body, kind="CollectionChannel", name_rule=rules.CHANNEL_NAME, strict=strict)
        said = top.mapping("status")
        status = top.defaulted("status", ChannelStatus.read) if strict else ChannelStatus.salvage(said)
        return top.required("spec", lambda spec: cls._parse_spec(spec, metadata, status))

    @classmethod
    def _parse_spec(cls, spec: Section, metadata: Metadata, status: ChannelStatus) -> Channel:
        spec.choice("type", SourceType)
        if not spec.has("onedrive"):
            raise spec.invalid("onedrive", rules.ONEDRIVE_SECTION)
        return cls(
            name=metadata.name,
            namespace=metadata.namespace,
            uid=metadata.uid or uid_of_channel(metadata.namespace, metadata.name),
            generation=metadata.generation,
            annotations=metadata.annotations,
            recipient=spec.required("recipient", lambda recipient: recipient.text("name", rules.REFERENCE)),
            binder=spec.required("destination", lambda destination: destination.text("binder", rules.REFERENCE)),
            schedule=spec.defaulted(
                "schedule", lambda section: parse_schedule(section, namespace=metadata.namespace, name=metadata.name)
            ),
            suspend=spec.flag("suspend", default=False),
            history_limit=spec.number("historyLimit", default=DEFAULT_HISTORY_LIMIT, least=1, most=MAX_HISTORY_LIMIT),
            onedrive=spec.required("onedrive", parse_onedrive),
            ocr=spec.defaulted("ocr", parse_ocr),
            collector=spec.defaulted("collector", _parse_collector),
            status=status,
            deleting=metadata.deleting,
        )


def _parse_collector(section: Section) -> CollectorSettings:
    return CollectorSettings(
        resources=section.mapping("resources"),
        node_selector=section.text_map("nodeSelector"),
        tolerations=section.mappings("tolerations"),
        ca_bundle=section.optional("caBundle", parse_ca_bundle),
    )


def parse_ca_bundle(section: Section) -> CaBundle:
    return CaBundle(config_map=section.text("configMap", rules.REFERENCE), key=section.optional_text("key") or "ca.crt")
