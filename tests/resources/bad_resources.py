"""Resources that must be refused, and what the refusal says.

`says` is the API server's complaint about the field, word for word. `Channel.parse` and its like complain about the
same field in the same words, or in those of `parse` where the server's structural check has a language of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.resources.samples import BINDER, CHANNEL, RECIPIENT, REMOVED


@dataclass(frozen=True)
class Bad:
    """A good resource with *changes* that make it bad."""

    name: str
    resource: Mapping[str, Any]
    changes: Mapping[str, object]
    field: str
    says: str
    parse: str


def wrong(
    resource: Mapping[str, Any], name: str, field: str, value: object, text: str, *, within: str | None = None
) -> Bad:
    """A text that breaks a rule; *within* is the part of the resource that is put in its place, for items of lists."""
    at, put = (field, value) if within is None else (within, _nested(field, within, value))
    return Bad(
        name, resource, {at: put}, field, f"Invalid value: {json.dumps(value, ensure_ascii=False)}: {text}", text
    )


def wrong_as_a_whole(resource: Mapping[str, Any], name: str, field: str, put: Mapping[str, object], text: str) -> Bad:
    """A section or the whole resource that breaks a rule: the server doesn't repeat it."""
    return Bad(name, resource, put, field, f"Invalid value: {text}", text)


def misshapen(resource: Mapping[str, Any], name: str, field: str, value: object, says: str, parse: str) -> Bad:
    """A value of another type, out of range, or absent."""
    return Bad(name, resource, {field: value}, field, says, parse)


def missing(resource: Mapping[str, Any], name: str, field: str) -> Bad:
    return misshapen(resource, name, field, REMOVED, "Required value", "is missing")


def _nested(field: str, within: str, value: object) -> object:
    put = value
    for part in reversed(field.removeprefix(within).replace("[0]", ".[0]").strip(".").split(".")):
        put = [put] if part == "[0]" else {part: put}
    return put


A_NAME = (
    'choose a name of at most 42 characters: lower-case letters, digits and "-", without "."; the names of the '
    "channel's Jobs and Secrets are made from it"
)
A_REFERENCE = 'write the metadata.name of an object in this namespace: lower-case letters, digits, "-" and "."'
A_TIME = 'write hours and minutes in 24-hour form and in quotes, for example "05:30"'
A_ZONE = (
    'write an IANA time zone such as "Europe/Paris" or "UTC", with capitals as they are there; it is neither an offset '
    'like "+02:00" nor "Local"'
)
A_DRIVE = (
    'write the drive\'s id as Microsoft Graph gives it, for example "b!Lq7…" or "8f1a20c3d4e5b607"; leave it out for '
    "the account's own drive"
)
A_FOLDER = (
    'write the path from the top of the drive with "/" between the folders, for example "/Factures/2026"; "/" is the '
    "whole drive. It is neither a link nor a pattern"
)
A_PATTERN = (
    'a pattern is compared with the file\'s name alone: write "*.pdf", without a folder (that is onedrive.folder) and '
    "without the backslash of a regular expression"
)
A_STAR = 'write "*.pdf" for all names that end in .pdf; without the "*" only a file with exactly this name would match'
AN_ACCOUNT = 'write exactly one of "delegated" (the client signs in) and "application" (the app signs in by itself)'
AN_EMAIL = 'write one e-mail address and nothing else, for example "marie@acme.example"'
A_TENANT = (
    'write the directory (tenant) id that Entra shows, for example "11111111-2222-3333-4444-555555555555", or one of '
    'the directory\'s domains; "common" and "organizations" don\'t work without a person'
)
A_USER = (
    'write the user principal name of the account whose OneDrive it is, for example "compta@acme.example", or its '
    "object id"
)
A_CLIENT = "write the application (client) id that Entra shows for the app registration, not its name and not a secret"
A_LANGUAGE = 'write Tesseract\'s three-letter names: "fra" for French, "eng" for English, "deu" for German'
A_FOLDER_OF_MODELS = 'write the whole path of the folder with the models, for example "/opt/tessdata"'
A_LINE = "write one line of text without blanks at its ends"
AN_EVENTS_URL = (
    'write an address such as "https://erp.acme.example/documents", without a user, a password or a "#"; "http://" is '
    'for services of the same cluster ("http://erp.acme.svc:8080/documents") and for this machine'
)
A_KEPT_TOKEN = 'a token could be read on its way: write an address that begins with "https://", or leave out the secret'
A_STORAGE = 'write exactly one of "persistentVolumeClaim", "s3", "azureBlob" and "gcs"'
A_CLAIM = "write the metadata.name of a PersistentVolumeClaim in this namespace"
A_RELATIVE_PATH = 'write a relative path such as "purchases/2026": no "/" at its ends and no ".."'
A_BUCKET = 'write the bucket\'s name alone, for example "acme-purchases": no "s3://" or "gs://", no "/"'
AN_ENDPOINT = (
    'write the address of the service alone, for example "https://s3.example.com": the bucket has its own field'
)
AN_AZURE_ENDPOINT = (
    'write the address of the service alone, for example "https://acmepurchases.blob.core.chinacloudapi.cn": the '
    "container has its own field"
)
AN_AZURE_ACCOUNT = 'write the storage account\'s name alone, for example "acmepurchases": no ".blob.core.windows.net"'
A_CONTAINER = "write the container's name: 3 to 63 lower-case letters, digits and single hyphens"

ONEDRIVE = "spec.onedrive"
ACCOUNT = "spec.onedrive.account"
APPLICATION = "spec.onedrive.account.application"

BAD_CHANNELS = [
    wrong_as_a_whole(CHANNEL, "name of 43 characters", "metadata.name", {"metadata.name": "a" * 43}, A_NAME),
    wrong_as_a_whole(CHANNEL, "name with a dot", "metadata.name", {"metadata.name": "acme.onedrive"}, A_NAME),
    misshapen(
        CHANNEL,
        "type in other capitals",
        "spec.type",
        "Onedrive",
        'Unsupported value: "Onedrive": supported values: "OneDrive"',
        "must be one of OneDrive",
    ),
    missing(CHANNEL, "no type", "spec.type"),
    missing(CHANNEL, "no recipient", "spec.recipient"),
    misshapen(
        CHANNEL,
        "recipient as a text",
        "spec.recipient",
        "marie",
        'Invalid value: "string": spec.recipient in body must be of type object: "string"',
        "must be an object with fields, not text",
    ),
    wrong(CHANNEL, "recipient by display name", "spec.recipient.name", "Marie Dupont", A_REFERENCE),
    missing(CHANNEL, "no destination", "spec.destination"),
    wrong(CHANNEL, "binder of another namespace", "spec.destination.binder", "acme/purchases", A_REFERENCE),
    misshapen(
        CHANNEL,
        "no onedrive",
        ONEDRIVE,
        REMOVED,
        'Required value: a channel of type OneDrive needs the section "onedrive": at least its account',
        'a channel of type OneDrive needs the section "onedrive": at least its account',
    ),
    wrong(CHANNEL, "time in French", "spec.schedule.time", "5h30", A_TIME),
    wrong(CHANNEL, "time without its zero", "spec.schedule.time", "5:30", A_TIME),
    wrong(CHANNEL, "time 24:00", "spec.schedule.time", "24:00", A_TIME),
    wrong(CHANNEL, "time as a cron expression", "spec.schedule.time", "30 5 * * *", A_TIME),
    misshapen(
        CHANNEL,
        "time in minutes",
        "spec.schedule.time",
        330,
        'Invalid value: "integer": spec.schedule.time in body must be of type string: "integer"',
        "must be text, not a number: put it in quotes",
    ),
    misshapen(
        CHANNEL,
        "unknown time zone",
        "spec.schedule.timeZone",
        "Europe/Pariss",
        f'Invalid value: "string": unknown time zone Europe/Pariss evaluating rule: {A_ZONE}',
        A_ZONE,
    ),
    misshapen(
        CHANNEL,
        "time zone without capitals",
        "spec.schedule.timeZone",
        "europe/paris",
        f'Invalid value: "string": unknown time zone europe/paris evaluating rule: {A_ZONE}',
        A_ZONE,
    ),
    wrong(CHANNEL, "offset as time zone", "spec.schedule.timeZone", "+02:00", A_ZONE),
    wrong(CHANNEL, "local time zone", "spec.schedule.timeZone", "Local", A_ZONE),
    wrong(CHANNEL, "empty time zone", "spec.schedule.timeZone", "", A_ZONE),
    misshapen(
        CHANNEL,
        "suspend as a text",
        "spec.suspend",
        "yes",
        'Invalid value: "string": spec.suspend in body must be of type boolean: "string"',
        "must be true or false, not text",
    ),
    misshapen(
        CHANNEL,
        "no history",
        "spec.historyLimit",
        0,
        "Invalid value: 0: spec.historyLimit in body should be greater than or equal to 1",
        "must be 1 to 50",
    ),
    misshapen(
        CHANNEL,
        "too much history",
        "spec.historyLimit",
        51,
        "Invalid value: 51: spec.historyLimit in body should be less than or equal to 50",
        "must be 1 to 50",
    ),
    misshapen(
        CHANNEL,
        "unknown cloud",
        f"{ONEDRIVE}.cloud",
        "Germany",
        'Unsupported value: "Germany": supported values: "Global", "USGovernment", "China"',
        "must be one of Global, USGovernment, China",
    ),
    wrong(CHANNEL, "drive as a link", f"{ONEDRIVE}.drive", "https://acme-my.sharepoint.com/personal/compta", A_DRIVE),
    wrong(CHANNEL, "folder without a slash", f"{ONEDRIVE}.folder", "Factures", A_FOLDER),
    wrong(CHANNEL, "folder with a backslash", f"{ONEDRIVE}.folder", "/Factures\\2026", A_FOLDER),
    wrong(CHANNEL, "folder as a link", f"{ONEDRIVE}.folder", "https://onedrive.live.com/Factures", A_FOLDER),
    wrong(CHANNEL, "folder upwards", f"{ONEDRIVE}.folder", "/Factures/../Salaires", A_FOLDER),
    wrong(CHANNEL, "folder as a pattern", f"{ONEDRIVE}.folder", "/Factures/*", A_FOLDER),
    wrong(CHANNEL, "folder with an empty part", f"{ONEDRIVE}.folder", "/Factures//2026", A_FOLDER),
    wrong(CHANNEL, "empty folder", f"{ONEDRIVE}.folder", "", A_FOLDER),
    wrong(
        CHANNEL,
        "pattern with a folder",
        f"{ONEDRIVE}.include[0]",
        "/Factures/*.pdf",
        A_PATTERN,
        within=f"{ONEDRIVE}.include",
    ),
    wrong(
        CHANNEL, "regular expression", f"{ONEDRIVE}.include[0]", r".*\.jpg$", A_PATTERN, within=f"{ONEDRIVE}.include"
    ),
    wrong(CHANNEL, "extension as a pattern", f"{ONEDRIVE}.exclude[0]", ".tmp", A_STAR, within=f"{ONEDRIVE}.exclude"),
    misshapen(
        CHANNEL,
        "pattern as a text",
        f"{ONEDRIVE}.include",
        "*.pdf",
        'Invalid value: "string": spec.onedrive.include in body must be of type array: "string"',
        "must be a list, not text",
    ),
    missing(CHANNEL, "no account", ACCOUNT),
    wrong_as_a_whole(CHANNEL, "empty account", ACCOUNT, {ACCOUNT: {}}, AN_ACCOUNT),
    wrong_as_a_whole(
        CHANNEL, "both accounts", ACCOUNT, {f"{ACCOUNT}.delegated": {"loginHint": "compta@acme.example"}}, AN_ACCOUNT
    ),
    wrong(CHANNEL, "login hint as a name", f"{ACCOUNT}.delegated.loginHint", "Compta", AN_EMAIL, within=ACCOUNT),
    Bad(
        "no login hint",
        CHANNEL,
        {ACCOUNT: {"delegated": {}}},
        f"{ACCOUNT}.delegated.loginHint",
        "Required value",
        "is missing",
    ),
    wrong(CHANNEL, "tenant common", f"{APPLICATION}.tenantId", "common", A_TENANT),
    wrong(CHANNEL, "user by display name", f"{APPLICATION}.user", "Compta Acme", A_USER),
    wrong(CHANNEL, "client by the app's name", f"{APPLICATION}.clientId", "Bannette Collector", A_CLIENT),
    missing(CHANNEL, "no secret", f"{APPLICATION}.credentialsSecret"),
    wrong(CHANNEL, "secret with capitals", f"{APPLICATION}.credentialsSecret.name", "AcmeApp", A_REFERENCE),
    wrong(CHANNEL, "two-letter language", "spec.ocr.languages[0]", "fr", A_LANGUAGE, within="spec.ocr.languages"),
    wrong(CHANNEL, "joined languages", "spec.ocr.languages[0]", "fra+eng", A_LANGUAGE, within="spec.ocr.languages"),
    wrong_as_a_whole(
        CHANNEL,
        "language twice",
        "spec.ocr.languages",
        {"spec.ocr.languages": ["fra", "eng", "fra"]},
        "write each language once",
    ),
    misshapen(
        CHANNEL,
        "no pages",
        "spec.ocr.limits.pages",
        0,
        "Invalid value: 0: spec.ocr.limits.pages in body should be greater than or equal to 1",
        "must be 1 to 10000",
    ),
    misshapen(
        CHANNEL,
        "pages as a text",
        "spec.ocr.limits.pages",
        "500",
        'Invalid value: "string": spec.ocr.limits.pages in body must be of type integer: "string"',
        "must be a whole number, not text",
    ),
    misshapen(
        CHANNEL,
        "images too large",
        "spec.ocr.limits.megapixels",
        5000,
        "Invalid value: 5000: spec.ocr.limits.megapixels in body should be less than or equal to 1000",
        "must be 1 to 1000",
    ),
    misshapen(
        CHANNEL,
        "memory for no document",
        "spec.ocr.limits.memoryMiB",
        64,
        "Invalid value: 64: spec.ocr.limits.memoryMiB in body should be greater than or equal to 512",
        "must be 512 to 16384",
    ),
    wrong(CHANNEL, "passwords themselves", "spec.ocr.passwordsSecret.name", "S3cret!", A_REFERENCE),
    wrong(CHANNEL, "models by a relative path", "spec.ocr.tessdata", "tessdata", A_FOLDER_OF_MODELS),
    wrong(CHANNEL, "CA bundle as a path", "spec.collector.caBundle.configMap", "/etc/ssl/ca.crt", A_REFERENCE),
    Bad(
        "CA bundle without a name",
        CHANNEL,
        {"spec.collector.caBundle": {"key": "ca.crt"}},
        "spec.collector.caBundle.configMap",
        "Required value",
        "is missing",
    ),
]

STORAGE = "spec.storage"
EVENTS = "spec.events"
CLAIM = "spec.storage.persistentVolumeClaim"

BAD_BINDERS = [
    missing(BINDER, "no company", "spec.company"),
    wrong(BINDER, "blank company", "spec.company", " ", A_LINE),
    wrong(BINDER, "company in two lines", "spec.company", "Acme\nSARL", A_LINE),
    misshapen(
        BINDER,
        "unknown treatment of duplicates",
        "spec.onDuplicate",
        "Ignore",
        'Unsupported value: "Ignore": supported values: "Skip", "Deliver"',
        "must be one of Skip, Deliver",
    ),
    missing(BINDER, "no storage", STORAGE),
    wrong_as_a_whole(BINDER, "empty storage", STORAGE, {STORAGE: {}}, A_STORAGE),
    wrong_as_a_whole(BINDER, "two storages", STORAGE, {f"{STORAGE}.gcs": {"bucket": "acme"}}, A_STORAGE),
    wrong(BINDER, "claim as a path", f"{CLAIM}.claimName", "/mnt/purchases", A_CLAIM),
    missing(BINDER, "no claim", f"{CLAIM}.claimName"),
    wrong(BINDER, "absolute folder of the volume", f"{CLAIM}.subPath", "/purchases", A_RELATIVE_PATH),
    wrong(BINDER, "folder outside the volume", f"{CLAIM}.subPath", "../purchases", A_RELATIVE_PATH),
    *(
        wrong(BINDER, name, f"{EVENTS}.url", url, AN_EVENTS_URL, within=EVENTS)
        for name, url in {
            "sink without scheme": "erp.acme.example",
            "sink on an open way": "http://erp.acme.example/",
            "sink that looks like a service": "http://erp.svc.acme.example/",
            "sink that begins like this machine": "http://127.0.0.1.acme.example/",
            "sink with a password": "https://user:secret@erp.acme.example/",
            "sink with a fragment": "https://erp.acme.example/#documents",
            "sink with a blank": "https://erp.acme.example/a b",
            "sink in other letters": "https://erp.acme.example/é",
        }.items()
    ),
    wrong_as_a_whole(
        BINDER,
        "token on an open way",
        EVENTS,
        {EVENTS: {"url": "http://erp.acme.svc/", "secret": {"name": "erp"}}},
        A_KEPT_TOKEN,
    ),
    Bad("sink without address", BINDER, {EVENTS: {}}, f"{EVENTS}.url", "Required value", "is missing"),
    wrong(BINDER, "bucket as a link", f"{STORAGE}.s3.bucket", "s3://acme", A_BUCKET, within=STORAGE),
    Bad(
        "prefix with a slash at its end",
        BINDER,
        {STORAGE: {"s3": {"bucket": "acme", "prefix": "purchases/"}}},
        f"{STORAGE}.s3.prefix",
        f'Invalid value: "purchases/": {A_RELATIVE_PATH}',
        A_RELATIVE_PATH,
    ),
    Bad(
        "endpoint without https",
        BINDER,
        {STORAGE: {"s3": {"bucket": "acme", "endpoint": "s3.example.com"}}},
        f"{STORAGE}.s3.endpoint",
        f'Invalid value: "s3.example.com": {AN_ENDPOINT}',
        AN_ENDPOINT,
    ),
    Bad(
        "addressing that isn't known",
        BINDER,
        {STORAGE: {"s3": {"bucket": "acme", "addressing": "path"}}},
        f"{STORAGE}.s3.addressing",
        'Unsupported value: "path": supported values: "Path", "VirtualHost"',
        "must be one of Path, VirtualHost",
    ),
    Bad(
        "container in the endpoint",
        BINDER,
        {STORAGE: {"azureBlob": {"account": "acme", "container": "purchases", "endpoint": "https://a.example/a/b"}}},
        f"{STORAGE}.azureBlob.endpoint",
        f'Invalid value: "https://a.example/a/b": {AN_AZURE_ENDPOINT}',
        AN_AZURE_ENDPOINT,
    ),
    Bad(
        "storage account as a host",
        BINDER,
        {STORAGE: {"azureBlob": {"account": "acme.blob.core.windows.net", "container": "purchases"}}},
        f"{STORAGE}.azureBlob.account",
        f'Invalid value: "acme.blob.core.windows.net": {AN_AZURE_ACCOUNT}',
        AN_AZURE_ACCOUNT,
    ),
    Bad(
        "container with capitals",
        BINDER,
        {STORAGE: {"azureBlob": {"account": "acme", "container": "Purchases"}}},
        f"{STORAGE}.azureBlob.container",
        f'Invalid value: "Purchases": {A_CONTAINER}',
        A_CONTAINER,
    ),
    Bad(
        "key file in place of a secret",
        BINDER,
        {STORAGE: {"gcs": {"bucket": "acme", "credentialsSecret": {"name": "/etc/key.json"}}}},
        f"{STORAGE}.gcs.credentialsSecret.name",
        f'Invalid value: "/etc/key.json": {A_REFERENCE}',
        A_REFERENCE,
    ),
]

BAD_RECIPIENTS = [
    missing(RECIPIENT, "no e-mail", "spec.email"),
    wrong(RECIPIENT, "e-mail with a name", "spec.email", "Marie Dupont <marie@acme.example>", AN_EMAIL),
    wrong(RECIPIENT, "two e-mails", "spec.email", "marie@acme.example, jean@acme.example", AN_EMAIL),
    wrong(RECIPIENT, "e-mail with a second header", "spec.email", "marie@acme.example\nBcc: jean@x.example", AN_EMAIL),
    missing(RECIPIENT, "no display name", "spec.displayName"),
    wrong(RECIPIENT, "empty display name", "spec.displayName", "", A_LINE),
    misshapen(
        RECIPIENT,
        "locale with a country",
        "spec.locale",
        "fr-FR",
        'Unsupported value: "fr-FR": supported values: "fr", "en"',
        "must be one of fr, en",
    ),
]

BAD_RESOURCES = [*BAD_CHANNELS, *BAD_BINDERS, *BAD_RECIPIENTS]

# What Kubernetes' own structures must look like is the server's business alone: parse takes them as they are.
BAD_FOR_THE_SERVER = [
    Bad(
        "memory in words",
        CHANNEL,
        {"spec.collector.resources": {"limits": {"memory": "2 gigabytes"}}},
        "spec.collector.resources.limits[memory]",
        'Invalid value: "2 gigabytes": write a quantity such as "500m", "2" or "2Gi"',
        "",
    ),
    Bad(
        # The API server itself computes with it for half a minute.
        "memory without end",
        CHANNEL,
        {"spec.collector.resources": {"limits": {"memory": "1e9999999"}}},
        "spec.collector.resources.limits[memory]",
        'Invalid value: "1e9999999": write a quantity such as "500m", "2" or "2Gi"',
        "",
    ),
    Bad(
        "unknown operator of a toleration",
        CHANNEL,
        {"spec.collector.tolerations": [{"operator": "Always"}]},
        "spec.collector.tolerations[0].operator",
        'Unsupported value: "Always": supported values: "Equal", "Exists"',
        "",
    ),
]


@dataclass(frozen=True)
class BadChange:
    """A good resource that exists, and a change of it that isn't allowed."""

    name: str
    resource: Mapping[str, Any]
    patch: Mapping[str, Any]
    field: str
    says: str


BAD_CHANGES = [
    BadChange(
        "another binder",
        CHANNEL,
        {"spec": {"destination": {"binder": "sales"}}},
        "spec.destination",
        "Invalid value: destination can't be changed, since what was collected stays in its binder: make another "
        "channel",
    ),
    BadChange(
        "another kind of account",
        CHANNEL,
        {"spec": {"onedrive": {"account": {"application": None, "delegated": {"loginHint": "compta@acme.example"}}}}},
        ACCOUNT,
        "Invalid value: the kind of account can't be changed, since the client agreed to this one: make another "
        "channel",
    ),
    BadChange(
        "another claim",
        BINDER,
        {"spec": {"storage": {"persistentVolumeClaim": {"claimName": "sales"}}}},
        STORAGE,
        "Invalid value: storage can't be changed, since the documents are where they are: make another Binder, and a "
        "channel that names it",
    ),
    BadChange(
        "another folder of the claim",
        BINDER,
        {"spec": {"storage": {"persistentVolumeClaim": {"subPath": "purchases"}}}},
        STORAGE,
        "Invalid value: storage can't be changed, since the documents are where they are: make another Binder, and a "
        "channel that names it",
    ),
    BadChange(
        "another kind of storage",
        BINDER,
        {"spec": {"storage": {"persistentVolumeClaim": None, "s3": {"bucket": "acme"}}}},
        STORAGE,
        "Invalid value: storage can't be changed, since the documents are where they are: make another Binder, and a "
        "channel that names it",
    ),
]
