"""The Recipient: the client's person who is asked to connect an account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bannette.resources.fields import Section
from bannette.resources.metadata import Metadata, open_resource
from bannette.resources.recipient_status import RecipientStatus
from bannette.resources.rules import EMAIL, ONE_LINE, REFERENCE


class Locale(StrEnum):
    """The languages in which recipients are written to."""

    FRENCH = "fr"
    ENGLISH = "en"


@dataclass(frozen=True)
class MailWishes:
    """What a recipient is told by mail, beside being asked to connect accounts."""

    first_collection: bool = True
    digest: bool = False
    failure: bool = False


@dataclass(frozen=True)
class Recipient:
    """A person on the client's side; one from a file has no uid."""

    name: str
    namespace: str
    display_name: str
    email: str
    locale: Locale = Locale.ENGLISH
    mails: MailWishes = field(default_factory=MailWishes)
    uid: str = ""
    generation: int = 1
    status: RecipientStatus = field(default_factory=RecipientStatus)

    @classmethod
    def parse(cls, body: Mapping[str, object], *, strict: bool = False) -> Recipient:
        """Return the recipient that *body* describes; *strict* refuses unknown fields too, for files.

        Raises:
            InvalidResource: it isn't acceptable; the message says which field, and what to write.
        """
        top, metadata = open_resource(body, kind="Recipient", name_rule=REFERENCE, strict=strict)
        status = RecipientStatus.salvage(top.mapping("status"))
        return top.required("spec", lambda spec: cls._parse_spec(spec, metadata, status))

    @classmethod
    def _parse_spec(cls, spec: Section, metadata: Metadata, status: RecipientStatus) -> Recipient:
        return cls(
            name=metadata.name,
            namespace=metadata.namespace,
            display_name=spec.text("displayName", ONE_LINE),
            email=spec.text("email", EMAIL),
            locale=spec.choice("locale", Locale, default=Locale.ENGLISH),
            mails=spec.defaulted("mails", _parse_wishes),
            uid=metadata.uid or "",
            generation=metadata.generation,
            status=status,
        )


def _parse_wishes(mails: Section) -> MailWishes:
    return MailWishes(
        first_collection=mails.flag("firstCollection", default=True),
        digest=mails.flag("digest", default=False),
        failure=mails.flag("failure", default=False),
    )
