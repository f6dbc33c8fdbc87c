"""What an electronic invoice says of itself, on those of the factur-x package and on hostile ones."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from bannette.ocr import Outcome
from bannette.ocr.invoice import Invoice, parse_invoice
from tests.documents.fetch import FACTUR_X, fetch

_FOURNISSEUR = ("F20260023", "2026-01-31", "LE FOURNISSEUR", "104.90")
_LIEFERANT = ("471102", "2013-03-05", "Lieferant GmbH")
# File, then profile, number, date, seller, total; all are in euros.
REAL = [
    ("factur-x-minimum.xml", "MINIMUM", *_FOURNISSEUR),
    ("factur-x-basicwl.xml", "BASIC WL", *_FOURNISSEUR),
    ("factur-x-basic.xml", "BASIC", *_FOURNISSEUR),
    ("factur-x-en16931.xml", "EN 16931", *_FOURNISSEUR),
    ("factur-x-extended.xml", "EXTENDED", *_FOURNISSEUR),
    ("ubl-21-en16931.xml", "EN 16931", "F124212", "2026-06-17", "Au bon moulin", "308.03"),
    ("zugferd-basic.xml", "BASIC", *_LIEFERANT, "235.62"),
    ("zugferd-comfort.xml", "COMFORT", *_LIEFERANT, "529.87"),
    ("zugferd-extended.xml", "EXTENDED", "KR87654321012", "2013-10-06", "MUSTERLIEFERANT GMBH", "1256.70"),
]
_CII = "<CrossIndustryInvoice><ExchangedDocument>{}</ExchangedDocument></CrossIndustryInvoice>"
_LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    + _CII.format("<ID>&c;</ID>")
)
HOSTILE = [
    ("no XML", b"%PDF-1.7", None),
    ("empty", b"", None),
    ("truncated", _CII.format("<ID>1</ID>").encode()[:-10], None),
    ("an order", b"<SCRDMCCBDACIOMessageStructure/>", None),
    ("entities", _LAUGHS.encode(), None),
    (
        "a file of this machine",
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + _CII.format("<ID>&a;</ID>").encode(),
        None,
    ),
    ("a number without end", _CII.format(f"<ID>{'9' * 5000}</ID>").encode(), Invoice(number="9" * 200)),
    (
        "a day that isn't",
        _CII.format("<ID>1</ID><IssueDateTime><DateTimeString>20260231</DateTimeString></IssueDateTime>").encode(),
        Invoice(number="1"),
    ),
    (
        "a total that isn't",
        b"<Invoice><ID>1</ID><LegalMonetaryTotal><TaxInclusiveAmount>NaN</TaxInclusiveAmount></LegalMonetaryTotal></Invoice>",
        Invoice(number="1"),
    ),
    ("depth", b"<CrossIndustryInvoice>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</CrossIndustryInvoice>", None),
]


@pytest.mark.documents
@pytest.mark.parametrize("case", REAL, ids=lambda case: case[0])
def test_an_invoice_of_every_profile_says_what_it_is(case):
    name, *said = case
    invoice = parse_invoice((fetch(FACTUR_X) / "xml" / name).read_bytes())
    assert invoice is not None
    assert list(asdict(invoice).values()) == [*said, "EUR"]


@pytest.mark.parametrize(("data", "expected"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_of_a_hostile_invoice_nothing_is_believed(data, expected):
    assert parse_invoice(data) == expected


@pytest.mark.documents
def test_a_factur_x_document_is_delivered_with_its_data_and_what_they_say(read_document):
    path = fetch(FACTUR_X) / "pdf" / "invoice_EN16931.pdf"
    reading = read_document(path)
    assert reading.outcome is Outcome.TEXT
    assert reading.files["pdf"].read_bytes() == path.read_bytes()
    assert reading.invoice == Invoice(
        profile="EN 16931",
        number="F20260023",
        date="2026-01-31",
        seller="LE FOURNISSEUR",
        total="104.90",
        currency="EUR",
    )
    assert b"F20260023" in reading.files["factur-x"].read_bytes()


@pytest.mark.documents
def test_a_bare_invoice_is_read_and_other_xml_is_not(tmp_path, read_document, text_of):
    reading = read_document(fetch(FACTUR_X) / "xml" / "ubl-21-en16931.xml")
    assert (reading.outcome, reading.reason, reading.invoice.number) == (Outcome.TEXT, None, "F124212")
    assert "ID: F124212" in text_of(reading)
    assert "RegistrationName: Au bon moulin" in text_of(reading)
    other = tmp_path / "a"
    other.write_text('<?xml version="1.0"?><catalogue><book/></catalogue>')
    assert (read_document(other).outcome, read_document(other).reason) == (Outcome.UNSUPPORTED, "UnsupportedType")


def test_a_document_that_an_invoice_carries_is_no_part_of_its_text(tmp_path, read_document, text_of):
    path = tmp_path / "a"
    embedded = f"<EmbeddedDocumentBinaryObject>{'QUJD' * 5000}</EmbeddedDocumentBinaryObject>"
    path.write_text(f'<?xml version="1.0"?><Invoice><ID>Été 7</ID><Attachment>{embedded}</Attachment></Invoice>')
    reading = read_document(path)
    assert text_of(reading) == "ID: Été 7\nAttachment\n  EmbeddedDocumentBinaryObject\n"
