"""Office documents made part by part, so that they hold what libraries don't write."""

from __future__ import annotations

import datetime
import zipfile
from pathlib import Path

import openpyxl

_OFFICE = "http://schemas.openxmlformats.org"
_W = f'xmlns:w="{_OFFICE}/wordprocessingml/2006/main"'
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"


def package(path: Path, parts: dict[str, str | bytes], *, compressed: bool = True) -> Path:
    """Write a ZIP with *parts* in their order."""
    how = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def docx(
    path: Path, body: str, *, relations: str = "", parts: dict[str, str] | None = None, macros: bool = False
) -> Path:
    """Write a document with *body*, WordprocessingML with the prefix ``w``; *relations* are those of the document."""
    kind = "application/vnd.ms-word.document.macroEnabled" if macros else f"{_WORD}.document"
    types = f'<Override PartName="/word/document.xml" ContentType="{kind}.main+xml"/>'
    main = f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument/2006/relationships/officeDocument"'
    return package(
        path,
        {
            # Not first, as some programs have it.
            "word/document.xml": f"<w:document {_W}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": f"<Relationships>{relations}</Relationships>",
            "_rels/.rels": f'<Relationships>{main} Target="word/document.xml"/></Relationships>',
            "[Content_Types].xml": f'<Types xmlns="{_OFFICE}/package/2006/content-types">{types}</Types>',
            **{name: content.replace("XMLNS", _W) for name, content in (parts or {}).items()},
        },
    )


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def xlsx(path: Path) -> Path:
    """Write a book with what invoices have: days, amounts, percentages, a formula, a hidden sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Facture"
    sheet.append(["Libellé", "Date", "Prix", "TVA"])
    sheet.append(["Fenêtre", datetime.date(2026, 11, 24), 1450, 0.2])
    sheet["C2"].number_format = "# ##0.00 €"
    sheet["D2"].number_format = "0.0%"
    sheet["F9"] = "à part"
    hidden = book.create_sheet("Calcul")
    hidden.sheet_state = "hidden"
    hidden["A1"] = True
    hidden["B1"] = datetime.datetime.fromisoformat("2026-11-24T08:30")
    hidden["C1"] = 3.5
    book.save(path)
    return path


def odf(
    path: Path, content: str, *, kind: str = "text", manifest: str = "", parts: dict[str, str] | None = None
) -> Path:
    """Write an OpenDocument file with *content* below office:*kind*, and further *parts*."""
    names = " ".join(
        f'xmlns:{name}="{_ODF}:{name}:1.0"' for name in ("office", "text", "table", "draw", "presentation")
    )
    names += f' xmlns:svg="{_ODF}:svg-compatible:1.0"'
    document = f"<office:document-content {names}><office:body><office:{kind}>{content}</office:{kind}></office:body>"
    media_type = {"text": "text", "spreadsheet": "spreadsheet", "presentation": "presentation"}[kind]
    return package(
        path,
        {
            "content.xml": f"{document}</office:document-content>",
            "META-INF/manifest.xml": f"<manifest>{manifest}</manifest>",
            "mimetype": f"application/vnd.oasis.opendocument.{media_type}",
            **(parts or {}),
        },
    )


def pptx(path: Path, *texts: str, sections: bool = False) -> Path:
    """Write slides with one text each; with *sections*, which list them once more."""
    kind = "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
    relations = f"{_OFFICE}/officeDocument/2006/relationships"
    numbers = range(len(texts))
    listed = "".join(f'<p:sldId id="{256 + at}" r:id="rId{at}"/>' for at in numbers)
    again = "".join(f'<s:sldId id="{256 + at}"/>' for at in numbers)
    section = f'<p:extLst><p:ext><s:section xmlns:s="s"><s:sldIdLst>{again}</s:sldIdLst></s:section></p:ext></p:extLst>'
    slide = '<p:sld xmlns:p="p" xmlns:a="a"><p:sp><a:p><a:r><a:t>{}</a:t></a:r></a:p></p:sp></p:sld>'
    return package(
        path,
        {
            "[Content_Types].xml": f'<Types><Override PartName="/ppt/presentation.xml" ContentType="{kind}"/></Types>',
            "_rels/.rels": '<Relationships><Relationship Id="r1" Type="x/officeDocument" '
            'Target="ppt/presentation.xml"/></Relationships>',
            "ppt/presentation.xml": f'<p:presentation xmlns:p="p" xmlns:r="{relations}">'
            f"<p:sldIdLst>{listed}</p:sldIdLst>{section if sections else ''}</p:presentation>",
            "ppt/_rels/presentation.xml.rels": "<Relationships>"
            + "".join(f'<Relationship Id="rId{at}" Type="x/slide" Target="slides/{at}.xml"/>' for at in numbers)
            + "</Relationships>",
            **{f"ppt/slides/{at}.xml": slide.format(texts[at]) for at in numbers},
        },
    )
