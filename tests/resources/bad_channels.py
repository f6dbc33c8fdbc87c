"""Channels that must be refused."""

from __future__ import annotations

from tests.resources.bad import A_REFERENCE, AN_EMAIL, Bad, misshapen, missing, wrong, wrong_as_a_whole
from tests.resources.samples import CHANNEL, REMOVED

A_NAME = (
    'choose a name of at most 42 characters: lower-case letters, digits and "-", without "."; the names of the '
    "channel's Jobs and Secrets are made from it"
)
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
