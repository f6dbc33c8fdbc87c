"""What all resources have: their names, identity and annotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bannette.resources.fields import Section
from bannette.resources.names import API_VERSION
from bannette.resources.rules import REFERENCE, UID, Rule

DEFAULT_NAMESPACE: Final = "default"


@dataclass(frozen=True)
class Metadata:
    """An object's metadata, as far as Bannette looks at it."""

    name: str
    namespace: str
    uid: str | None
    generation: int
    annotations: Mapping[str, str]
    deleting: bool


def open_resource(body: Mapping[str, object], *, kind: str, name_rule: Rule, strict: bool) -> tuple[Section, Metadata]:
    """Return the resource's top section, whose complaints name the resource, and its metadata.

    Raises:
        InvalidResource: it is of another kind or version, or its metadata is not acceptable.
    """
    name, namespace = Section(body, owner=kind).required("metadata", _parse_name)
    top = Section(body, owner=f'{kind} "{name}" of namespace "{namespace}"', strict=strict)
    if top.optional_text("apiVersion") not in (None, API_VERSION):
        raise top.invalid("apiVersion", f'write "{API_VERSION}"')
    if top.optional_text("kind") not in (None, kind):
        raise top.invalid("kind", f'write "{kind}"')
    if not name_rule.accepts(name):
        raise top.invalid("metadata.name", name_rule.message)
    metadata = Section(top.mapping("metadata"), owner=top.owner, within=(top, "metadata"))
    return top, Metadata(
        name=name,
        namespace=namespace,
        uid=metadata.optional_text("uid", UID),
        generation=metadata.number("generation", default=1),
        annotations=metadata.text_map("annotations"),
        deleting=metadata.has("deletionTimestamp"),
    )


def _parse_name(metadata: Section) -> tuple[str, str]:
    return metadata.text("name"), metadata.optional_text("namespace", REFERENCE) or DEFAULT_NAMESPACE
