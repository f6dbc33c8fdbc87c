"""The paper of a small company's month: who billed what, in French and English. Data only; nobody in it exists."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Language(StrEnum):
    FRENCH = "fra"
    ENGLISH = "eng"


class Look(StrEnum):
    """How the document reached the folder."""

    TEXT = "text"  # a PDF made by a computer
    SCAN = "scan"  # a PDF that holds the picture of a page
    PHOTO = "photo"  # a JPEG taken with a telephone


@dataclass(frozen=True)
class Line:
    """One line of a bill; the price is for one piece, without VAT, in the bill's currency."""

    what: str
    quantity: int
    price: Decimal


@dataclass(frozen=True)
class Bill:
    """One invoice or receipt."""

    path: str  # below the drive's root
    look: Look
    language: Language
    seller: str
    address: tuple[str, ...]
    vat_id: str
    number: str
    date: str
    due: str | None  # None: a receipt, paid on the spot
    lines: tuple[Line, ...]
    vat_percent: int
    currency: str = "€"
    note: str = ""

    @property
    def net(self) -> Decimal:
        return sum((line.quantity * line.price for line in self.lines), Decimal(0))

    @property
    def vat(self) -> Decimal:
        return (self.net * self.vat_percent / 100).quantize(Decimal("0.01"))

    @property
    def total(self) -> Decimal:
        return self.net + self.vat


def _line(what: str, quantity: int, price: str) -> Line:
    return Line(what, quantity, Decimal(price))


BILLS: tuple[Bill, ...] = (
    Bill(
        path="Factures/2026-11 Papeterie Lenoir.pdf",
        look=Look.TEXT,
        language=Language.FRENCH,
        seller="Papeterie Lenoir SARL",
        address=("14, rue des Frères-Lumière", "69008 Lyon"),
        vat_id="FR 40 512 348 907",
        number="FA-2026-1187",
        date="3 novembre 2026",
        due="3 décembre 2026",
        lines=(
            _line("Ramette de papier A4, 80 g", 20, "4.35"),
            _line("Classeur à levier, dos 70 mm", 12, "3.20"),
            _line("Cartouche d'encre noire", 3, "27.90"),
        ),
        vat_percent=20,
        note="Règlement par virement. Aucun escompte pour paiement anticipé.",
    ),
    Bill(
        path="Factures/Northwind Cloud invoice 2026-11.pdf",
        look=Look.TEXT,
        language=Language.ENGLISH,
        seller="Northwind Cloud Ltd",
        address=("22 Harbour Street", "Dublin 2, Ireland"),
        vat_id="IE 9825613N",
        number="NWC-208841",
        date="1 November 2026",
        due="15 November 2026",
        lines=(
            _line("Virtual machine, 4 cores, monthly", 2, "61.50"),
            _line("Object storage, per terabyte", 3, "18.40"),
            _line("Support plan, business hours", 1, "90.00"),
        ),
        vat_percent=23,
        note="Payment by direct debit. Thank you for your business.",
    ),
    Bill(
        path="Factures/Fournisseurs/Menuiserie Garnier.pdf",
        look=Look.SCAN,
        language=Language.FRENCH,
        seller="Menuiserie Garnier & Fils",
        address=("Zone artisanale du Moulin", "38500 Voiron"),
        vat_id="FR 71 390 127 446",
        number="2026/0342",
        date="28 octobre 2026",
        due="27 novembre 2026",
        lines=(
            _line("Étagère en chêne massif, posée", 4, "185.00"),
            _line("Remplacement d'une fenêtre à double vitrage", 1, "642.50"),
            _line("Déplacement et main-d'œuvre (heures)", 6, "48.00"),
        ),
        vat_percent=10,
        note="Garantie décennale souscrite auprès de la Mutuelle du Bâtiment.",
    ),
    Bill(
        path="Factures/Fournisseurs/Hollins Office Furniture.pdf",
        look=Look.SCAN,
        language=Language.ENGLISH,
        seller="Hollins Office Furniture",
        address=("Unit 7, Mill Lane", "Leeds LS11 5QT"),
        vat_id="GB 417 8826 35",
        number="HOF-7754",
        date="6 November 2026",
        due="6 December 2026",
        lines=(
            _line("Height-adjustable desk, oak", 2, "389.00"),
            _line("Task chair with armrests", 2, "174.50"),
            _line("Delivery and assembly", 1, "65.00"),
        ),
        vat_percent=20,
        currency="£",
        note="Goods remain our property until paid in full.",
    ),
    Bill(
        path="Factures/Reçus/Le Comptoir des Halles.jpg",
        look=Look.PHOTO,
        language=Language.FRENCH,
        seller="Le Comptoir des Halles",
        address=("5, place du Marché", "69002 Lyon"),
        vat_id="FR 28 801 554 210",
        number="Ticket 004518",
        date="12 novembre 2026",
        due=None,
        lines=(
            _line("Menu du jour", 3, "17.27"),
            _line("Eau minérale 1 L", 1, "4.09"),
            _line("Café", 3, "2.00"),
        ),
        vat_percent=10,
        note="Merci de votre visite et à bientôt !",
    ),
    Bill(
        path="Factures/Reçus/Station Bellevue.jpg",
        look=Look.PHOTO,
        language=Language.FRENCH,
        seller="Station-service Bellevue",
        address=("Route de Grenoble", "38430 Moirans"),
        vat_id="FR 63 449 072 118",
        number="Reçu 118-2207",
        date="17 novembre 2026",
        due=None,
        lines=(
            _line("Gazole (litres)", 46, "1.42"),
            _line("Lave-glace 5 L", 1, "7.50"),
        ),
        vat_percent=20,
        note="Conservez ce reçu : il vaut justificatif.",
    ),
)

# The client put the same invoice into the folder twice: the same bytes under another name.
COPIES: tuple[tuple[str, str], ...] = (
    ("Factures/2026-11 Papeterie Lenoir.pdf", "Factures/À payer/Papeterie Lenoir (copie).pdf"),
)
