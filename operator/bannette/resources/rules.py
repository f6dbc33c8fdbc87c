"""What a field must look like, and what to write instead: the same words as the CRDs' CEL rules.

A rule that the API server can check too has its message, word for word, in crds/; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True)
class Rule:
    """A condition on a text, and the sentence for those who didn't meet it."""

    accepts: Callable[[str], bool]
    message: str


def matching(pattern: str, message: str) -> Rule:
    """Return a rule that takes texts which *pattern* matches as a whole; the CRD has the same pattern.

    A blank, ``\\s``, stands within brackets.
    """
    # To the API server (RE2) a vertical tab is no blank, as it is to Python.
    compiled = re.compile(pattern.replace(r"\s", r"\t\n\f\r "), re.ASCII)
    return Rule(lambda text: compiled.fullmatch(text) is not None, message)


@lru_cache(maxsize=1024)
def time_zone(name: str) -> ZoneInfo | None:
    """Return the time zone of that name, None if there is none."""
    try:
        return None if name in ("", "Local") or ":" in name else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


CHANNEL_NAME: Final = matching(
    "^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$",
    'choose a name of at most 42 characters: lower-case letters, digits and "-", without "."; the names of the '
    "channel's Jobs and Secrets are made from it",
)
REFERENCE: Final = matching(
    "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
    'write the metadata.name of an object in this namespace: lower-case letters, digits, "-" and "."',
)
UID: Final = matching(
    "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}$",
    'leave it out, or write letters, digits, "-", "_" and "."; objects in the binder are named by it',
)
TIME_OF_DAY: Final = matching(
    "^([01][0-9]|2[0-3]):[0-5][0-9]$",
    'write hours and minutes in 24-hour form and in quotes, for example "05:30"',
)
TIME_ZONE: Final = Rule(
    lambda text: time_zone(text) is not None,
    'write an IANA time zone such as "Europe/Paris" or "UTC", with capitals as they are there; it is neither an '
    'offset like "+02:00" nor "Local"',
)
FOLDER: Final = Rule(
    lambda text: (
        text.startswith("/")
        and not any(part in (".", "..") for part in text.split("/"))
        and "//" not in text
        and re.search(r'["*:<>?\\|]', text) is None
    ),
    'write the path from the top of the drive with "/" between the folders, for example "/Factures/2026"; "/" is the '
    "whole drive. It is neither a link nor a pattern",
)
GLOB: Final = Rule(
    lambda text: bool(text) and "/" not in text and "\\" not in text,
    'a pattern is compared with the file\'s name alone: write "*.pdf", without a folder (that is onedrive.folder) and '
    "without the backslash of a regular expression",
)
GLOB_FOR_AN_EXTENSION: Final = Rule(
    lambda text: re.fullmatch(r"^\.?[A-Za-z0-9]{2,5}$", text, re.ASCII) is None,
    'write "*.pdf" for all names that end in .pdf; without the "*" only a file with exactly this name would match',
)
DRIVE_ID: Final = matching(
    "^[A-Za-z0-9!_-]+$",
    'write the drive\'s id as Microsoft Graph gives it, for example "b!Lq7…" or "8f1a20c3d4e5b607"; leave it out for '
    "the account's own drive",
)
EMAIL: Final = matching(
    r'^[^@\s<>(),;:"]+@[^@\s<>(),;:"]+\.[^@\s<>(),;:"]+$',
    'write one e-mail address and nothing else, for example "marie@acme.example"',
)
TENANT: Final = matching(
    r"^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?\.)+[A-Za-z]{2,})$",
    'write the directory (tenant) id that Entra shows, for example "11111111-2222-3333-4444-555555555555", or one of '
    'the directory\'s domains; "common" and "organizations" don\'t work without a person',
)
USER: Final = matching(
    r"^([^@\s/]+@[^@\s/]+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$",
    'write the user principal name of the account whose OneDrive it is, for example "compta@acme.example", or its '
    "object id",
)
CLIENT_ID: Final = matching(
    "^[A-Za-z0-9][A-Za-z0-9._-]*$",
    "write the application (client) id that Entra shows for the app registration, not its name and not a secret",
)
LANGUAGE: Final = matching(
    "^[a-z]{3}(_[a-z]+)*$",
    'write Tesseract\'s three-letter names: "fra" for French, "eng" for English, "deu" for German',
)
ABSOLUTE: Final = matching(
    "^/[^/]+(/[^/]+)*/?$",
    'write the whole path of the folder with the models, for example "/opt/tessdata"',
)
ONE_LINE: Final = matching(
    r"^[^\s]([^\r\n]*[^\s])?$",
    "write one line of text without blanks at its ends",
)
CLAIM: Final = matching(
    "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
    "write the metadata.name of a PersistentVolumeClaim in this namespace",
)
PATH: Final = Rule(
    lambda text: bool(text.strip()) and "\0" not in text,
    'write the folder that the binder is to lie in, for example "inbox-of-acme"',
)
INSIDE: Final = Rule(
    lambda text: (
        bool(text)
        and not text.startswith("/")
        and not text.endswith("/")
        and not any(part in ("", ".", "..") for part in text.split("/"))
    ),
    'write a relative path such as "purchases/2026": no "/" at its ends and no ".."',
)
BUCKET: Final = matching(
    "^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$",
    'write the bucket\'s name alone, for example "acme-purchases": no "s3://" or "gs://", no "/"',
)
ENDPOINT: Final = matching(
    r"^https?://[^\s/?#@]+/?$",
    'write the address of the service alone, for example "https://s3.example.com": the bucket has its own field',
)
AZURE_ENDPOINT: Final = matching(
    r"^https?://[^\s/?#@]+(/[a-z0-9]{3,24})?/?$",
    'write the address of the service alone, for example "https://acmepurchases.blob.core.chinacloudapi.cn": the '
    "container has its own field",
)
AZURE_ACCOUNT: Final = matching(
    "^[a-z0-9]{3,24}$",
    'write the storage account\'s name alone, for example "acmepurchases": no ".blob.core.windows.net"',
)
AZURE_CONTAINER: Final = matching(
    "^[a-z0-9](-?[a-z0-9]){2,62}$",
    "write the container's name: 3 to 63 lower-case letters, digits and single hyphens",
)
EVENTS_URL: Final = matching(
    r"^(https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])|http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\]"
    r"|([a-z0-9-]+\.)+svc(\.cluster\.local)?))(:[0-9]{1,5})?([/?][!-\"$-~]*)?$",
    'write an address such as "https://erp.acme.example/documents", without a user, a password or a "#"; "http://" is '
    'for services of the same cluster ("http://erp.acme.svc:8080/documents") and for this machine',
)
KEEPS_A_TOKEN: Final = matching(
    r"^(https://|http://(localhost|127\.|\[::1\])).*$",
    'a token could be read on its way: write an address that begins with "https://", or leave out the secret',
)

ONE_ACCOUNT: Final = (
    'write exactly one of "delegated" (the client signs in) and "application" (the app signs in by itself)'
)
ONE_STORAGE: Final = 'write exactly one of "persistentVolumeClaim", "s3", "azureBlob" and "gcs"'
LANGUAGES_DIFFER: Final = "write each language once"
ONEDRIVE_SECTION: Final = 'a channel of type OneDrive needs the section "onedrive": at least its account'
