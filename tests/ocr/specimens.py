"""Documents made for these tests: small, and each with one thing that a reader stumbles over."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from pathlib import Path

import pikepdf
import reportlab
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

# reportlab brings one along that has accents.
_FONT = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
INVOICE = (
    "FACTURE 2026-0417",
    "Menuiserie Lefèvre et fils, 12 rue des Écoles, 69003 Lyon",
    "Livré à Marseille le 24 novembre 2026",
    "Fenêtre en chêne, deux vantaux 2 1450,00",
    "Pose et finitions soignées 1 380,50",
    "Total hors taxes 3280,50 TVA 656,10 À payer 3936,60",
    "Règlement à réception, pénalités de retard exigibles",
    "Amount due within thirty days of the invoice date",
)
INVOICE_WORDS = " ".join(INVOICE).split()


def picture(lines: Sequence[str] = INVOICE, *, dpi: int = 200, mode: str = "L", landscape: bool = False) -> Image.Image:
    """Return an A4 page with *lines*, as a scanner sees it."""
    width, height = round(A4[0] / 72 * dpi), round(A4[1] / 72 * dpi)
    image = Image.new(mode, (height, width) if landscape else (width, height), "white")
    font = ImageFont.truetype(_FONT, size=round(dpi / 6.5))
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((dpi * 0.7, dpi * (1 + 0.5 * number)), line, fill="black", font=font)
    return image


def shaded(image: Image.Image) -> Image.Image:
    """Return *image* as a photo has it: a shadow over two thirds, so dark that one threshold can't fit all."""
    shadow = Image.linear_gradient("L").rotate(90).resize(image.size).point(lambda value: 60 + value * 195 // 255)
    paper = Image.new("L", image.size, 0)
    return Image.composite(image.convert("L"), paper, shadow)


def text_pdf(path: Path, *pages: Sequence[str]) -> Path:
    """Write a PDF with one page of text for each of *pages*."""
    canvas = Canvas(str(path), pagesize=A4)
    for lines in pages or (INVOICE,):
        for number, line in enumerate(lines):
            canvas.drawString(50, 780 - 24 * number, line)
        canvas.showPage()
    canvas.save()
    return path


def scan_pdf(path: Path, *images: Image.Image, dpi: int = 200) -> Path:
    """Write a PDF whose pages are *images* and nothing else."""
    first, *others = images or (picture(dpi=dpi),)
    first.save(path, format="PDF", resolution=dpi, save_all=True, append_images=others)
    return path


def joined(path: Path, *parts: Path) -> Path:
    """Write one PDF with the pages of *parts*."""
    with pikepdf.new() as document:
        for part in parts:
            with pikepdf.open(part) as source:
                document.pages.extend(source.pages)
        document.save(path)
    return path


def letterhead_pdf(path: Path) -> Path:
    """Write a PDF of one page: text over an image of the whole page, in which there is text too."""
    canvas = Canvas(str(path), pagesize=A4)
    head = io.BytesIO()
    picture(["", "", "", "", "", "", "", "", "Capital social 42000 euros, Lyon registre 512345678"]).save(head, "PNG")
    head.seek(0)
    canvas.drawImage(ImageReader(head), 0, 0, *A4)
    canvas.drawString(50, 780, "FACTURE 2026-0417")
    canvas.save()
    return path


def encrypted(path: Path, source: Path, *, user: str) -> Path:
    """Write *source* encrypted; an empty *user* password lets anyone open it."""
    with pikepdf.open(source) as document:
        document.save(path, encryption=pikepdf.Encryption(user=user, owner="owner's"))
    return path


def signed(path: Path, source: Path) -> Path:
    """Write *source* with a signature field that is filled; what fills it is no real signature."""
    with pikepdf.open(source) as document:
        signature = document.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Sig,
                Filter=pikepdf.Name("/Adobe.PPKLite"),
                SubFilter=pikepdf.Name("/adbe.pkcs7.detached"),
                ByteRange=[0, 10, 20, 10],
                Contents=pikepdf.String(b"\x30\x00"),
            )
        )
        field = document.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot,
                Subtype=pikepdf.Name.Widget,
                FT=pikepdf.Name.Sig,
                T="Signature1",
                V=signature,
                Rect=[0, 0, 0, 0],
                P=document.pages[0].obj,
            )
        )
        document.pages[0].Annots = pikepdf.Array([field])
        document.Root.AcroForm = pikepdf.Dictionary(Fields=[field], SigFlags=3)
        document.save(path)
    return path


def form_pdf(path: Path, value: str) -> Path:
    """Write a PDF with a text field that is filled with *value*."""
    canvas = Canvas(str(path), pagesize=A4)
    canvas.drawString(50, 780, "Formulaire de commande")
    canvas.acroForm.textfield(name="reference", value=value, x=50, y=700, width=300, height=30, maxlen=100)
    canvas.save()
    return path


def bomb_pdf(path: Path, *, side: int = 35_000) -> Path:
    """Write a small PDF with an image of *side* times *side* pixels."""
    row = bytes((side + 7) // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    with pikepdf.new() as document:
        image = pikepdf.Stream(document, data)
        image.update(
            pikepdf.Dictionary(
                Type=pikepdf.Name.XObject,
                Subtype=pikepdf.Name.Image,
                Width=side,
                Height=side,
                BitsPerComponent=1,
                ColorSpace=pikepdf.Name.DeviceGray,
                Filter=pikepdf.Name.FlateDecode,
            )
        )
        page = document.add_blank_page(page_size=A4)
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=image))
        page.Contents = pikepdf.Stream(document, f"q {A4[0]} 0 0 {A4[1]} 0 0 cm /Im0 Do Q".encode())
        document.save(path)
    return path


def nested_drawing(path: Path, depth: int, *, times: int = 1, text: bytes = b"") -> Path:
    """Write a page of forms that draw a form, eight times each, *depth* deep; all of it *times*, after *text*."""
    with pikepdf.new() as document:
        document.add_blank_page(page_size=A4)
        form = document.make_stream(b"0 0 500 500 re f")
        form.update(pikepdf.Dictionary(Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=[0, 0, *A4]))
        for _ in range(depth):
            outer = document.make_stream(b"/X Do " * 8)
            outer.update(pikepdf.Dictionary(Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=[0, 0, *A4]))
            outer.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(X=form))
            form = document.make_indirect(outer)
        page = document.pages[0]
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(X=form), Font=pikepdf.Dictionary(F=font))
        page.Contents = document.make_stream(text + b" /X Do" * times)
        document.save(path)
    return path
