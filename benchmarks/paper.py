"""Pages to read, drawn and then scanned or photographed: the same ones whenever they are made, with all their words."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from pathlib import Path

import pypdfium2
from PIL import Image, ImageChops, ImageFilter
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

_FRENCH = (
    "facture réglée à réception menuiserie Lefèvre fenêtre chêne vitrée pose d'une porte livrée après délai "
    "pénalités de retard exigibles sans rappel TVA intracommunautaire échéance règlement par virement référence à "
    "rappeler conditions générales société anonyme siège social côté façade entrepôt matériaux quincaillerie main "
    "d'œuvre forfait dépôt reçu déplacement hors taxes montant dû acompte versé solde à payer merci de votre "
    "confiance été août février"
)
_ENGLISH = (
    "invoice payable within thirty days of receipt delivery of office furniture including assembly and removal of "
    "packaging please quote the reference number when paying by bank transfer late payments are subject to interest "
    "company registered in England goods remain our property until paid in full thank you for your business unit "
    "price quantity subtotal shipping discount balance due account manager purchase order warehouse services "
    "monthly subscription"
)
RECEIPT = (227, 560)  # points: a roll of 80 mm


@dataclass(frozen=True)
class Drawn:
    """A page as a PDF of its own, with its words in reading order."""

    pdf: bytes
    words: tuple[str, ...]


def page(number: int, *, size: tuple[float, float] = A4) -> Drawn:
    """Draw page *number*; even ones are French, odd ones English."""
    dice = random.Random(number)
    vocabulary = (_ENGLISH if number % 2 else _FRENCH).split()
    buffer, words = io.BytesIO(), []
    canvas = Canvas(buffer, pagesize=size, invariant=True)
    width, height = size
    font = 10 if width > 300 else 8
    columns = int((width - 60) / (font * 0.55))
    y = height - 50.0
    while y > 50:
        line = _line(dice, vocabulary, columns)
        canvas.setFont("Helvetica-Bold" if dice.random() < 0.1 else "Helvetica", font)
        canvas.drawString(30, y, line)
        words.extend(line.split())
        y -= font * dice.choice((1.5, 1.5, 1.5, 2.4))
    canvas.save()
    return Drawn(buffer.getvalue(), tuple(words))


def _line(dice: random.Random, vocabulary: list[str], columns: int) -> str:
    if dice.random() < 0.35:
        amount = f"{dice.randint(1, 9999)},{dice.randint(0, 99):02d}"
        what = " ".join(dice.sample(vocabulary, 3 if columns > 50 else 2))
        return f"{dice.randint(10000, 99999)} {what} {dice.randint(1, 60)} {amount} EUR"[:columns]
    line = ""
    while len(line) < columns - 12:
        line = f"{line} {dice.choice(vocabulary)}".strip()
    return line


def scanned(drawn: Drawn, *, dpi: int) -> Image.Image:
    """Return the page as a scanner has it: grey, a little soft and noisy."""
    with pypdfium2.PdfDocument(drawn.pdf) as document:
        image = document[0].render(scale=dpi / 72, grayscale=True).to_pil().convert("L")
    soft = image.filter(ImageFilter.GaussianBlur(dpi / 600))
    noise = Image.effect_noise(image.size, 12)
    return ImageChops.add(soft, noise.point(lambda value: value), scale=1, offset=-128).point(
        lambda value: min(value, 250)
    )


def photographed(drawn: Drawn) -> Image.Image:
    """Return the page as a phone has it: a little turned and bent, in a shadow that darkens more than half of it."""
    image = scanned(drawn, dpi=200).convert("L")
    width, height = image.size
    turned = image.rotate(1.7, resample=Image.Resampling.BICUBIC, fillcolor=250)
    corners = (0, 0, width * 0.02, height, width * 0.98, height * 0.99, width, height * 0.01)
    bent = turned.transform(image.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC)
    gradient = Image.linear_gradient("L").resize((256, 256)).rotate(60, Image.Resampling.BICUBIC)
    # The middle of it, which the turn left whole.
    light = gradient.crop((60, 60, 196, 196)).resize(image.size, Image.Resampling.BICUBIC)
    light = light.point(lambda value: min(255, 30 + value))
    return ImageChops.multiply(bent, light)


def save_scans(drawn: list[Drawn], path: Path, *, dpi: int) -> None:
    """Write a PDF that holds the scans of pages."""
    images = [scanned(one, dpi=dpi) for one in drawn]
    images[0].save(path, "PDF", resolution=dpi, save_all=True, append_images=images[1:], quality=80)
