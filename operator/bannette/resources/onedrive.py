"""The part of a channel that says whose OneDrive, which folder, and which files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache

from bannette.resources import rules
from bannette.resources.fields import Section


class Cloud(StrEnum):
    """Microsoft's clouds."""

    GLOBAL = "Global"
    US_GOVERNMENT = "USGovernment"
    CHINA = "China"


@dataclass(frozen=True)
class ApplicationAccount:
    """The app signs in by itself, with a secret or certificate, and reads the drive of *user*."""

    tenant_id: str
    user: str
    client_id: str
    credentials_secret: str


@dataclass(frozen=True)
class DelegatedAccount:
    """The client signs in. Without *client_id* the installation's app is used; a public app has no secret."""

    login_hint: str
    client_id: str | None = None
    credentials_secret: str | None = None


@dataclass(frozen=True)
class OneDriveSource:
    """The documents to collect.

    Attributes:
        drive: a drive's id; None is the account's own drive.
        folder: path from the top of the drive; "/" is the whole drive.
        include, exclude: globs on a file's name.
    """

    account: ApplicationAccount | DelegatedAccount
    cloud: Cloud = Cloud.GLOBAL
    drive: str | None = None
    folder: str = "/"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def wants(self, name: str) -> bool:
        """Tell whether a file of that name is to be collected; case doesn't matter, as in OneDrive."""
        included = not self.include or any(_glob(pattern).match(name) for pattern in self.include)
        return included and not any(_glob(pattern).match(name) for pattern in self.exclude)


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern), re.IGNORECASE)


def parse_onedrive(section: Section) -> OneDriveSource:
    return OneDriveSource(
        cloud=section.choice("cloud", Cloud, default=Cloud.GLOBAL),
        drive=section.optional_text("drive", rules.DRIVE_ID),
        folder="/" + (section.optional_text("folder", rules.FOLDER) or "/").strip("/"),
        include=section.texts("include", rules.GLOB, rules.GLOB_FOR_AN_EXTENSION),
        exclude=section.texts("exclude", rules.GLOB, rules.GLOB_FOR_AN_EXTENSION),
        account=section.required("account", _parse_account),
    )


def _parse_account(section: Section) -> ApplicationAccount | DelegatedAccount:
    if section.has("delegated") == section.has("application"):
        raise section.invalid("", rules.ONE_ACCOUNT)
    return section.optional("delegated", _parse_delegated) or section.required("application", _parse_application)


def _parse_delegated(section: Section) -> DelegatedAccount:
    return DelegatedAccount(
        login_hint=section.text("loginHint", rules.EMAIL),
        client_id=section.optional_text("clientId", rules.CLIENT_ID),
        credentials_secret=section.optional("credentialsSecret", _parse_secret),
    )


def _parse_application(section: Section) -> ApplicationAccount:
    return ApplicationAccount(
        tenant_id=section.text("tenantId", rules.TENANT),
        user=section.text("user", rules.USER),
        client_id=section.text("clientId", rules.CLIENT_ID),
        credentials_secret=section.required("credentialsSecret", _parse_secret),
    )


def _parse_secret(section: Section) -> str:
    return section.text("name", rules.REFERENCE)
