"""Who may sign in: applications, their credentials and redirect URIs, and the people with their drives."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

TENANT = "11111111-2222-3333-4444-555555555555"
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
USER = "compta@acme.example"
CLIENT_ID = "bannette-collector"
SECRET = "simulated-secret"  # noqa: S105 - a simulated one, printed by --help


class Platform(StrEnum):
    """The platform of a redirect URI decides how Microsoft sees the client in the code flow."""

    WEB = "web"
    SPA = "spa"
    PUBLIC = "public"


@dataclass(slots=True)
class Application:
    """An app registration."""

    client_id: str
    secrets: set[str] = field(default_factory=set)
    certificates: dict[str, RSAPublicKey] = field(default_factory=dict)
    """Public keys by base64url SHA-256 thumbprint."""
    redirect_uris: dict[str, Platform] = field(default_factory=dict)

    def platform_of(self, uri: str) -> Platform | None:
        """Return the platform of a redirect URI; None if it isn't registered.

        Source: Microsoft, redirect URI restrictions: the port of a ``http://localhost`` URI is of no matter.
        """
        parts = urlsplit(uri)
        if parts.scheme == "http" and parts.hostname == "localhost":
            uri = f"http://localhost{parts.path.rstrip('/')}"
        return self.redirect_uris.get(uri)

    def add_certificate(self, pem: str) -> None:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise ValueError("A certificate needs an RSA key: msal signs with PS256.")
        thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")
        self.certificates[thumbprint] = key


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account."""

    upn: str
    oid: str
    name: str
    tenant_id: str
    drive_id: str | None

    @classmethod
    def of(cls, upn: str, *, tenant_id: str, drive_id: str | None) -> Person:
        oid = str(uuid.uuid5(uuid.NAMESPACE_URL, upn.lower()))
        return cls(upn, oid, upn.partition("@")[0].title(), tenant_id, drive_id)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token lets one do: as an application, or as the person who signed in."""

    client_id: str
    person: Person | None
    scope: str
    expires: float
    confidential: bool = False
    """Given to a client with a credential, which must be shown again to refresh."""


def find_person(people: Mapping[str, Person], name: str) -> Person | None:
    """Return the person of this UPN (in any case) or object id."""
    return people.get(name.lower())
