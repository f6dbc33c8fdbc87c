"""What mails say: the golden files, their structure, and that no name can change it."""

from __future__ import annotations

import re
import string
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from bannette.notify import messages
from bannette.notify.languages import LANGUAGES, Texts
from bannette.notify.languages.texts import Counted, Kind
from bannette.onedrive import sign_in_refusals
from bannette.resources import Locale
from tests.docs.reasons import reasons_of_the_code
from tests.notify.mails import (
    CONSENT,
    FOLDER,
    LINK,
    SALES,
    ask,
    collected,
    every_mail,
    failure,
    loss,
    recipient,
    rendered,
)

MAILS = [(locale, name, message) for locale in Locale for name, message in every_mail(locale)]
each_mail = pytest.mark.parametrize(
    ("locale", "name", "message"), [pytest.param(*mail, id=f"{mail[1]}-{mail[0]}") for mail in MAILS]
)


def page(message):
    return html.document_fromstring(message.html)


def words(text):
    return " ".join(text.split())


# The golden files


@pytest.mark.parametrize(("name", "text"), [pytest.param(*one, id=one[0]) for one in rendered()])
def test_a_mail_is_as_it_was_read_in_review(name, text):
    """Run ``make golden`` after a deliberate change, and read the difference."""
    assert (FOLDER / name).read_text(encoding="utf-8") == text


def test_no_golden_mail_is_left_over():
    assert {file.name for file in FOLDER.iterdir()} == {name for name, _ in rendered()}


# Structure


@each_mail
def test_html_is_in_the_language_of_the_recipient_with_one_heading(locale, name, message):
    root = page(message)
    assert root.get("lang") == locale == message.language
    assert [heading.tag for heading in root.xpath("//h1|//h2|//h3|//h4")] == ["h1"]
    assert root.findtext(".//title") == message.subject
    assert {cell.get("scope") for cell in root.iter("th")} == {"row"}


@each_mail
def test_html_needs_nothing_from_elsewhere(locale, name, message):
    root = page(message)
    assert root.xpath("//script|//img|//link|//style|//iframe|//form|//object|//@onclick|//@src") == []
    assert "url(" not in message.html
    assert "@import" not in message.html
    elsewhere = {link for link in root.xpath("//@href") if not link.startswith("https://bannette.example/c/")}
    # Microsoft's page for administrators.
    assert elsewhere == ({CONSENT} if name.endswith("-admin") else set())


@each_mail
def test_text_says_what_html_says(locale, name, message):
    text = words(message.text)
    root = page(message)
    for element in root.xpath("//h1/following-sibling::p | //div/p | //td | //th"):
        assert words(element.text_content()) in text
    for link in root.xpath("//@href"):
        assert f"\n{link}\n" in message.text, "a link stands on a line of its own"


@each_mail
def test_words_are_readable_on_their_ground(locale, name, message):
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5."""
    body = page(message).body
    assert [(found, ink, ground) for found, ink, ground in inks(body, None, None) if contrast(ink, ground) < 4.5] == []


def inks(element, ink, ground):
    style = dict(part.split(":", 1) for part in (element.get("style") or "").split(";") if part)
    ink, ground = style.get("color", ink), style.get("background", ground)
    if (element.text or "").strip():
        yield element.tag, ink, ground
    for child in element:
        yield from inks(child, ink, ground)


def contrast(ink, ground):
    lighter, darker = sorted((luminance(ink), luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_several_channels_are_one_mail_whose_links_can_be_told_apart():
    root = page(messages.connect_request(recipient(), [ask(), ask(**SALES)]))
    links = root.xpath("//a")
    assert [link.get("href") for link in links] == [
        LINK.format(channel="acme-onedrive"),
        LINK.format(channel="bolt-onedrive"),
    ]
    assert len({link.text_content() for link in links}) == 2


def test_a_company_is_named_in_the_subject_when_there_is_one():
    one = messages.connect_request(recipient(), [ask(), ask(channel="acme-sales")])
    several = messages.connect_request(recipient(), [ask(), ask(**SALES)])
    assert (one.subject, several.subject) == ("Acme: connect your OneDrive", "Connect your OneDrive")


def test_a_mail_of_500_channels_stays_small():
    message = messages.connect_request(recipient(), [ask(channel=f"channel-{number}") for number in range(500)])
    assert len(page(message).xpath("//a")) == 500
    assert len(message.html) + len(message.text) < 1_000_000


@pytest.mark.parametrize(
    "write",
    [
        messages.connect_request,
        messages.reminder,
        messages.connection_lost,
        messages.connection_lapsing,
        messages.first_collection,
        lambda marie, none: messages.daily_digest(marie, date(2026, 12, 1), none),
        messages.failure_notice,
    ],
)
def test_a_mail_about_nothing_is_not_written(write):
    with pytest.raises(ValueError, match="at least one channel"):
        write(recipient(), [])


def test_a_link_that_is_not_https_is_refused():
    with pytest.raises(ValueError, match="https"):
        ask(link="javascript:alert(1)")


def test_a_day_is_said_in_the_time_zone_of_the_time():
    late = datetime(2026, 12, 13, 23, 30, tzinfo=UTC)
    in_paris = late.astimezone(timezone(timedelta(hours=1)))
    assert "until 13 December 2026" in messages.connect_request(recipient(), [ask(expires=late)]).text
    assert "until 14 December 2026" in messages.connect_request(recipient(), [ask(expires=in_paris)]).text


def test_counts_are_said_where_there_is_something_to_count():
    text = messages.first_collection(recipient(), [collected(1, rejected=3)]).text
    assert "New documents: 1\n" in text
    assert "Can't be collected: 3" in text
    assert "Already there" not in text
    assert "To be tried again" not in text


def test_of_a_failure_that_its_owner_cannot_mend_the_reason_is_passed_on():
    text = messages.failure_notice(recipient(), [failure("StoreFull")]).text
    assert "Reason: StoreFull\nIt is tried again every day." in text


@pytest.mark.parametrize("locale", Locale)
@pytest.mark.parametrize("reason", ["AdminConsentNeeded", "UserNotAssigned"])
def test_of_a_failure_that_an_administrator_mends_the_application_is_named(locale, reason):
    text = messages.failure_notice(recipient(locale), [failure(reason, application="1111-2222")]).text
    assert re.search("application 1111-2222 (dans|in) Entra", words(text))


# Names


NAMES = st.text(max_size=300)


@given(company=NAMES, channel=NAMES, folder=NAMES, account=NAMES, name=NAMES)
def test_no_name_changes_the_form_of_a_mail(company, channel, folder, account, name):
    hostile = {"company": company, "channel": channel, "folder": folder, "account": account}
    plain = messages.connection_lost(recipient(), [loss(link=LINK)])
    changed = messages.connection_lost(recipient(name=name), [loss(link=LINK, **hostile)])
    lines = changed.text.removesuffix("\n").split("\n")
    assert len(lines) == len(plain.text.splitlines()) == len(changed.text.splitlines())
    assert len(changed.subject.splitlines()) == 1
    assert "=?" not in changed.subject
    assert skeleton(changed) == skeleton(plain)


def skeleton(message):
    return [(element.tag, sorted(element.attrib)) for element in page(message).iter()]


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("Acme\r\nBcc: all@acme.example", "Acme Bcc: all@acme.example"),
        ("Acme\u2028\u2029\x85\x0b\x0cInc", "Acme Inc"),
        ("Acme\u202egpj.exe\u2066", "Acme gpj.exe "),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ('"><img src=x onerror=alert(1)>', '"><img src=x onerror=alert(1)>'),
        ("{{ 7 * 7 }} {company} {n} %s", "{{ 7 * 7 }} {company} {n} %s"),
        ("a" * 300, "a" * 199 + "…"),
    ],
)
def test_a_name_is_shown_as_text_whatever_is_in_it(hostile, shown):
    message = messages.connect_request(recipient(), [ask(company=hostile)])
    assert f"Company: {shown.strip()}\n" in message.text
    assert page(message).xpath("//td[1]")[0].text_content() == shown.strip()
    assert page(message).xpath("//script|//img") == []


def test_an_encoded_word_in_a_subject_stays_what_it_is():
    """A library that decodes it (RFC 2047) would find a line break in it."""
    subject = messages.connect_request(recipient(), [ask(company="=?utf-8?q?=0D=0ABcc:_x?=")]).subject
    assert subject.startswith("= ?utf-8?q?=0D=0ABcc:_x?=")


# Languages


def test_languages_take_the_same_names():
    assert placeholders(LANGUAGES[Locale.ENGLISH]) == placeholders(LANGUAGES[Locale.FRENCH])


def placeholders(value):
    """Return the structure of texts, with what they have in braces in place of the words."""
    if isinstance(value, str):
        return {found for _, found, _, _ in string.Formatter().parse(value) if found}
    if isinstance(value, Texts | Kind | Counted):
        return {
            one.name: placeholders(getattr(value, one.name)) for one in fields(value) if one.name != "first_of_month"
        }
    if isinstance(value, dict):
        return {name: placeholders(text) for name, text in value.items()}
    return [placeholders(one) for one in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("locale", Locale)
def test_reasons_that_are_put_into_words_are_those_of_the_code(locale):
    texts = LANGUAGES[locale]
    lost = {reason for reason, _ in sign_in_refusals._LOST.values()}
    # What happens while somebody signs in is said on that page; ConnectionLost tells no more than the mail does.
    of_administrators = {"AdminConsentNeeded", "UserNotAssigned"}
    assert set(texts.lost) == (lost - {"ConnectionLost", "ConsentDeclined", "SignInExpired"}) | of_administrators
    assert of_administrators <= {reason for reason, _ in sign_in_refusals._CONFIGURATION.values()}
    assert texts.failed.keys() <= reasons_of_the_code().keys()


def test_french_blanks_before_double_signs_do_not_break():
    for name, text in rendered():
        if name.endswith(".fr.txt"):
            assert re.findall(r" [:;!?»%]", text) == [], name


@pytest.mark.parametrize(
    ("locale", "day", "said"),
    [
        (Locale.ENGLISH, date(2026, 8, 1), "1 August 2026"),
        (Locale.FRENCH, date(2026, 8, 1), "1er\u00a0août 2026"),
        (Locale.FRENCH, date(2027, 2, 28), "28\u00a0février 2027"),
    ],
)
def test_days_are_written_as_people_write_them(locale, day, said):
    assert LANGUAGES[locale].date(day) == said


@pytest.mark.parametrize(
    ("names", "said"), [(["A"], "A"), (["A", "B"], "A et B"), (["A", "B", "C"], "A, B et C")], ids=["1", "2", "3"]
)
def test_companies_are_enumerated(names, said):
    assert LANGUAGES[Locale.FRENCH].join(names) == said
