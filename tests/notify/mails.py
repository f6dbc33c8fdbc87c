"""One mail of each kind in both languages; ``python -m tests.notify.mails`` writes them (operator/ on PYTHONPATH)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from bannette.notify import messages
from bannette.notify.rendering import Message
from bannette.notify.subjects import Ask, Collected, Failure, Lapse, Loss
from bannette.resources import Locale, Recipient

FOLDER = Path(__file__).parent / "golden"

EXPIRES = datetime(2026, 12, 13, 10, 0, tzinfo=UTC)
SINCE = datetime(2026, 12, 1, 4, 30, tzinfo=UTC)
LINK = "https://bannette.example/c/acme/{channel}?t=eyJjIjoiMTIzIn0.c2lnbmF0dXJl"
PURCHASES = {"company": "Acme", "channel": "acme-onedrive", "folder": "/Factures", "account": "compta@acme.example"}
APPLICATION = "11111111-2222-3333-4444-555555555555"
CONSENT = f"https://login.microsoftonline.com/organizations/adminconsent?client_id={APPLICATION}"
SALES = {"company": "Bolt & Fils", "channel": "bolt-onedrive", "folder": "/", "account": "ventes@bolt.example"}


def recipient(locale: Locale = Locale.ENGLISH, *, name: str = "Marie Dupont") -> Recipient:
    return Recipient(name="marie", namespace="acme", display_name=name, email="marie@acme.example", locale=locale)


def ask(**changes: object) -> Ask:
    fields = {**PURCHASES, "expires": EXPIRES, **changes}
    return Ask(**{"link": LINK.format(channel=fields["channel"]), **fields})  # type: ignore[arg-type]


def loss(
    reason: str | None = "PasswordChanged", *, application: str = "", consent_link: str = "", **changes: object
) -> Loss:
    said = {"since": SINCE, "reason": reason, "application": application, "consent_link": consent_link}
    return Loss(**{**vars(ask(**changes)), **said})  # type: ignore[arg-type]


def lapse(**changes: object) -> Lapse:
    return Lapse(**vars(ask(**changes)), lapses=EXPIRES)


def collected(number: int, **changes: object) -> Collected:
    return Collected(**{**PURCHASES, "collected": number, **changes})  # type: ignore[arg-type]


def failure(reason: str = "FolderNotFound", **changes: object) -> Failure:
    return Failure(**{**PURCHASES, "since": SINCE, "reason": reason, **changes})  # type: ignore[arg-type]


def every_mail(locale: Locale) -> Iterator[tuple[str, Message]]:
    """Yield each mail with a name."""
    marie = recipient(locale)
    yield "connect", messages.connect_request(marie, [ask()])
    yield "connect-several", messages.connect_request(marie, [ask(), ask(**SALES)])
    yield "lost", messages.connection_lost(marie, [loss()])
    yield "lost-several", messages.connection_lost(marie, [loss(), loss("NeverHeardOf", **SALES)])
    for_admins = [
        loss("AdminConsentNeeded", application=APPLICATION, consent_link=CONSENT),
        loss("UserNotAssigned", application=APPLICATION, **SALES),
    ]
    yield "lost-admin", messages.connection_lost(marie, for_admins)
    yield "reminder", messages.reminder(marie, [ask()])
    yield "reminder-admin", messages.reminder(marie, for_admins)
    yield "lapsing", messages.connection_lapsing(marie, [lapse()])
    yield "first", messages.first_collection(marie, [collected(6, duplicates=1, deferred=1)])
    yield "first-empty", messages.first_collection(marie, [collected(0)])
    results = [collected(12, rejected=2), collected(0, **SALES, failed=True)]
    yield "digest", messages.daily_digest(marie, date(2026, 12, 1), results)
    yield "failure", messages.failure_notice(marie, [failure(), failure("Throttled", **SALES)])


def rendered() -> Iterator[tuple[str, str]]:
    """Yield each golden file's name and what it should say."""
    for locale in Locale:
        for name, message in every_mail(locale):
            yield f"{name}.{locale}.txt", f"{message.subject}\n\n{message.text}"
            yield f"{name}.{locale}.html", f"{message.html}\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for file in FOLDER.iterdir():
        file.unlink()
    for name, text in rendered():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
