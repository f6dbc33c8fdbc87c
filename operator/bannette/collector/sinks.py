"""Who is told of a binder's documents, and by which token."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bannette.errors import PersonNeeded
from bannette.notify.sink import Sink
from bannette.resources import Binder, EventSink


def sink_of(binder: Binder, events: EventSink, *, secret: Mapping[str, str], ca_file: Path | None) -> Sink:
    """Return the sink of *binder*.

    Args:
        secret: the members of the Secret that it names, if it names one.
        ca_file: the certificates of the ConfigMap that it names, if it names one and they are there.

    Raises:
        PersonNeeded: EventTokenMissing, EventCaMissing, EventSinkInvalid.
    """
    token = secret.get(EventSink.TOKEN, "").strip() if events.secret else None
    if token == "":
        raise PersonNeeded(
            f'Secret "{events.secret}" of namespace "{binder.namespace}" isn\'t there, or lacks {EventSink.TOKEN}: add '
            f'it; it holds the token for the sink of binder "{binder.name}".',
            reason="EventTokenMissing",
        )
    bundle = events.ca_bundle
    if bundle is not None and (ca_file is None or not ca_file.is_file()):
        raise PersonNeeded(
            f'ConfigMap "{bundle.config_map}" of namespace "{binder.namespace}" isn\'t there, or lacks {bundle.key}: '
            f'add it; it holds the authorities for the sink of binder "{binder.name}".',
            reason="EventCaMissing",
        )
    return Sink(url=events.url, token=token, ca_file=ca_file if bundle is not None else None)
