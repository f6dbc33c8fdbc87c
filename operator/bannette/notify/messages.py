"""The mails that a recipient gets, in their language: several channels of one kind are one mail. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bannette.notify.languages import LANGUAGES, Texts
from bannette.notify.languages.texts import Kind
from bannette.notify.letter import Letter, Section
from bannette.notify.names import plain
from bannette.notify.rendering import Message, render
from bannette.notify.subjects import Ask, Collected, Failure, Lapse, Loss, Source
from bannette.resources import Recipient


def connect_request(recipient: Recipient, asks: Sequence[Ask]) -> Message:
    """Ask for accounts to be connected that never were. Raises: ValueError: there are none, as for all mails."""
    writer = _Writer(recipient, asks)
    return writer.write(writer.texts.connect, [writer.ask(writer.texts.connect, ask) for ask in asks])


def reminder(recipient: Recipient, asks: Sequence[Ask]) -> Message:
    """Ask again for accounts that nobody has connected since they were asked for; of a `Loss`, tell why."""
    writer = _Writer(recipient, asks)
    return writer.write(writer.texts.reminder, [writer.ask(writer.texts.reminder, ask) for ask in asks])


def connection_lost(recipient: Recipient, losses: Sequence[Loss]) -> Message:
    """Tell that connections were lost, since when and why, and ask for them anew."""
    writer, texts = _Writer(recipient, losses), LANGUAGES[recipient.locale]

    def section(loss: Loss) -> Section:
        return writer.ask(texts.lost_connection, loss, facts=[(texts.since, texts.date(loss.since))])

    return writer.write(texts.lost_connection, [section(loss) for loss in losses])


def connection_lapsing(recipient: Recipient, lapses: Sequence[Lapse]) -> Message:
    """Warn that connections will end, since nobody uses them."""
    writer, texts = _Writer(recipient, lapses), LANGUAGES[recipient.locale]
    return writer.write(
        texts.lapsing,
        [writer.ask(texts.lapsing, lapse, facts=[(texts.lapses, texts.date(lapse.lapses))]) for lapse in lapses],
    )


def first_collection(recipient: Recipient, collections: Sequence[Collected]) -> Message:
    """Tell that first runs are done, and what they brought."""
    writer, texts = _Writer(recipient, collections), LANGUAGES[recipient.locale]
    kind = texts.first if any(_total(one) for one in collections) else texts.first_empty
    return writer.write(kind, [writer.counts(one) for one in collections])


def daily_digest(recipient: Recipient, day: date, collections: Sequence[Collected]) -> Message:
    """Tell what was collected on *day*."""
    writer, texts = _Writer(recipient, collections), LANGUAGES[recipient.locale]
    return writer.write(texts.digest, [writer.counts(one) for one in collections], day=texts.date(day))


def failure_notice(recipient: Recipient, failures: Sequence[Failure]) -> Message:
    """Tell that runs fail, since when, and what the owner of the account can do about it."""
    writer, texts = _Writer(recipient, failures), LANGUAGES[recipient.locale]

    def section(failure: Failure) -> Section:
        sentence = texts.failed.get(failure.reason, texts.failed_otherwise)
        return Section(
            facts=(
                *writer.source(failure),
                (texts.since, texts.date(failure.since)),
                (texts.why, plain(failure.reason)),
            ),
            sentences=(
                sentence.format(
                    folder=plain(failure.folder),
                    account=plain(failure.account),
                    application=plain(failure.application),
                ),
            ),
        )

    return writer.write(texts.failure, [section(failure) for failure in failures])


def _total(collection: Collected) -> int:
    return collection.collected + collection.duplicates + collection.deferred + collection.rejected


@dataclass(frozen=True)
class _Writer:
    """Writes to one recipient of some sources."""

    recipient: Recipient
    sources: Sequence[Source]

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("a mail is about at least one channel")

    @property
    def texts(self) -> Texts:
        return LANGUAGES[self.recipient.locale]

    def write(self, kind: Kind, sections: Sequence[Section], *, day: str = "") -> Message:
        texts = self.texts
        names = sorted({plain(source.company) for source in self.sources})
        known = {"companies": texts.join(names), "company": names[0], "day": day}
        return render(
            Letter(
                tag=texts.tag,
                colon=texts.colon,
                subject=(kind.subject if len(names) == 1 else kind.subject_of_several).format(**known),
                heading=kind.heading.format(**known),
                greeting=texts.greeting.format(name=plain(self.recipient.display_name)),
                opening=texts.count(kind.opening, len(sections)).format(**known),
                sections=tuple(sections),
                closing=tuple(paragraph.format(**known) for paragraph in kind.closing),
                footer=texts.footer.format(**known),
            )
        )

    def source(self, source: Source) -> list[tuple[str, str]]:
        texts = self.texts
        return [
            (texts.company, plain(source.company)),
            (texts.account, plain(source.account)),
            (texts.folder, texts.whole_drive if source.folder == "/" else plain(source.folder)),
            (texts.channel, plain(source.channel)),
        ]

    def ask(self, kind: Kind, ask: Ask, *, facts: Sequence[tuple[str, str]] = ()) -> Section:
        lost = ask if isinstance(ask, Loss) else None
        why = self.texts.lost.get(lost.reason or "") if lost else None
        application = plain(lost.application) if lost else ""
        return Section(
            facts=(*self.source(ask), *facts),
            sentences=(why.format(account=plain(ask.account), application=application),) if why else (),
            passed_on=(self.texts.consent, lost.consent_link) if lost and lost.consent_link else None,
            action=kind.action.format(account=plain(ask.account)),
            link=ask.link,
            note=self.texts.link_works_until.format(date=self.texts.date(ask.expires)),
        )

    def counts(self, collection: Collected) -> Section:
        texts = self.texts
        others = (
            (texts.duplicates, collection.duplicates),
            (texts.deferred, collection.deferred),
            (texts.rejected, collection.rejected),
        )
        return Section(
            facts=(
                *self.source(collection),
                (texts.new, str(collection.collected)),
                *((name, str(number)) for name, number in others if number),
            ),
            sentences=(texts.last_run_failed,) if collection.failed else (),
        )
