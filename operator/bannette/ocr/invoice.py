"""What the invoice that a Factur-X or ZUGFeRD document carries as XML says of itself.

Source: EN 16931-1 with its bindings to UN/CEFACT Cross Industry Invoice and UBL; ZUGFeRD 1.0 names some elements
otherwise. Elements are found by their local names: the namespaces changed with every version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml import etree

_MOST_CHARACTERS = 200
_AMOUNT = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,10})?")
_LONGEST_TEXT = 10_000
# Guideline identifiers end in or contain one of these; the longest first.
_PROFILES = (
    ("xrechnung", "XRECHNUNG"),
    ("basicwl", "BASIC WL"),
    ("minimum", "MINIMUM"),
    ("extended", "EXTENDED"),
    ("comfort", "COMFORT"),
    ("basic", "BASIC"),
    ("en16931", "EN 16931"),
)
_CII = {
    "profile": ("GuidelineSpecifiedDocumentContextParameter/ID",),
    "number": ("ExchangedDocument/ID", "HeaderExchangedDocument/ID"),
    "date": ("ExchangedDocument/IssueDateTime/DateTimeString", "HeaderExchangedDocument/IssueDateTime/DateTimeString"),
    "seller": ("SellerTradeParty/Name", "SellerTradeParty/SpecifiedLegalOrganization/TradingBusinessName"),
    "total": (
        "SpecifiedTradeSettlementHeaderMonetarySummation/GrandTotalAmount",
        "SpecifiedTradeSettlementMonetarySummation/GrandTotalAmount",
    ),
    "currency": ("InvoiceCurrencyCode",),
}
_UBL = {
    "profile": ("CustomizationID",),
    "number": ("Invoice/ID", "CreditNote/ID"),
    "date": ("Invoice/IssueDate", "CreditNote/IssueDate"),
    "seller": (
        "AccountingSupplierParty/Party/PartyLegalEntity/RegistrationName",
        "AccountingSupplierParty/Party/PartyName/Name",
    ),
    "total": ("LegalMonetaryTotal/TaxInclusiveAmount", "LegalMonetaryTotal/PayableAmount"),
    "currency": ("DocumentCurrencyCode",),
}


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """What an invoice says of itself; None for what it doesn't say, or not in a form that can be trusted.

    Attributes:
        profile: MINIMUM, BASIC WL, BASIC, EN 16931, EXTENDED, XRECHNUNG, COMFORT (ZUGFeRD 1.0), or the identifier.
        date: of issue, ISO 8601. total: with taxes, a decimal number with a point. currency: ISO 4217.
    """

    profile: str | None = None
    number: str | None = None
    date: str | None = None
    seller: str | None = None
    total: str | None = None
    currency: str | None = None


def parse_invoice(data: bytes) -> Invoice | None:
    """Read the invoice *data*; None when it is no XML, or no invoice of a kind that is known here.

    Nothing outside *data* is looked up, and no entity is resolved.
    """
    root = _parse(data)
    if root is None:
        return None
    kind = _local_name(root)
    if kind in ("CrossIndustryInvoice", "CrossIndustryDocument"):
        paths = _CII
    elif kind in ("Invoice", "CreditNote"):
        paths = _UBL
    else:
        return None
    said = {name: _first(root, options) for name, options in paths.items()}
    return Invoice(
        profile=_profile(said["profile"]),
        number=said["number"],
        date=_date(said["date"]),
        seller=said["seller"],
        total=_amount(said["total"]),
        currency=said["currency"] if said["currency"] and re.fullmatch("[A-Z]{3}", said["currency"]) else None,
    )


def invoice_lines(data: bytes) -> list[str]:
    """Return what the elements of the invoice *data* say, a line each, indented as they are nested."""
    root = _parse(data)
    lines: list[str] = []
    if root is not None:
        _add_lines(root, 0, lines)
    return lines


def _add_lines(element: etree._Element, depth: int, lines: list[str]) -> None:
    for child in element.iterchildren("{*}*"):
        text = " ".join((child.text or "").split())
        # Documents are carried inside as base64.
        said = text if len(text) <= _LONGEST_TEXT else ""
        lines.append(f"{'  ' * depth}{_local_name(child)}{': ' if said else ''}{said}")
        _add_lines(child, depth + 1, lines)


def _parse(data: bytes) -> etree._Element | None:
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    # What its entities stand for would be left out, and no invoice declares any.
    return None if root.getroottree().docinfo.internalDTD is not None else root


def _first(root: etree._Element, paths: tuple[str, ...]) -> str | None:
    """Return the text of the first element of one of *paths*, which are ends of its path of local names."""
    for path in paths:
        steps = path.split("/")
        for element in _elements(root, steps[-1]):
            if _ends_with(element, steps):
                text = " ".join((element.text or "").split())
                if text:
                    return text[:_MOST_CHARACTERS]
    return None


def _elements(root: etree._Element, name: str) -> Iterator[etree._Element]:
    yield from root.iter(f"{{*}}{name}")


def _ends_with(element: etree._Element, steps: list[str]) -> bool:
    at: etree._Element | None = element
    for step in reversed(steps):
        if at is None or _local_name(at) != step:
            return False
        at = at.getparent()
    return True


def _local_name(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _profile(identifier: str | None) -> str | None:
    if identifier is None:
        return None
    # What stands before the last # names the standard that the profile complies with.
    own = re.sub("[^a-z0-9]", "", identifier.rpartition("#")[2].lower())
    return next((name for mark, name in _PROFILES if mark in own), identifier)


def _date(text: str | None) -> str | None:
    try:
        # 20261124 (format 102) or 2026-11-24.
        return date.fromisoformat(text[:10]).isoformat() if text else None
    except ValueError:
        return None


def _amount(text: str | None) -> str | None:
    # No exponents, which may stand for more digits than there is memory.
    return text.removeprefix("+") if text and _AMOUNT.fullmatch(text) else None
