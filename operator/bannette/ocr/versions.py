"""The names of engines that aren't OCR, with their versions, as records have them."""

from __future__ import annotations

import platform


def python_engine() -> str:
    """Return ``python``, whose standard library read the document, and its version."""
    return f"python {platform.python_version()}"


def xml_engine() -> str:
    """Return ``lxml`` and its version."""
    from lxml import etree

    return f"lxml {'.'.join(str(number) for number in etree.LXML_VERSION[:3])}"
