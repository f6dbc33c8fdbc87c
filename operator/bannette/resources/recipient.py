"""The Recipient: the client's person who is asked to connect an account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bannette.resources.metadata import open_resource
from bannette.resources.rules import EMAIL, ONE_LINE, REFERENCE


class Locale(StrEnum):
    """The languages in which recipients are written to."""

    FRENCH = "fr"
    ENGLISH = "en"


@dataclass(frozen=True)
class Recipient:
    """A person on the client's side."""

    name: str
    namespace: str
    display_name: str
    email: str
    locale: Locale = Locale.ENGLISH

    @classmethod
    def parse(cls, body: Mapping[str, object], *, strict: bool = False) -> Recipient:
        """Return the recipient that *body* describes; *strict* refuses unknown fields too, for files.

        Raises:
            InvalidResource: it isn't acceptable; the message says which field, and what to write.
        """
        top, metadata = open_resource(body, kind="Recipient", name_rule=REFERENCE, strict=strict)
        return top.required(
            "spec",
            lambda spec: cls(
                name=metadata.name,
                namespace=metadata.namespace,
                display_name=spec.text("displayName", ONE_LINE),
                email=spec.text("email", EMAIL),
                locale=spec.choice("locale", Locale, default=Locale.ENGLISH),
            ),
        )
