"""Structured log lines (``run.finished channel=acme/x collected=12``) and the one redaction filter.

Everything that Bannette prints about its work passes here. Document names and text are never handed to a logger; the
filter is the second line of defence: it takes tokens, signed URLs and e-mail bodies out of whatever a library logs.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from typing import TextIO

_REDACTIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Bearer tokens, JWTs, and the parameters and JSON members that carry secrets.
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 [redacted]"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w.-]+"), "[redacted]"),
    (
        re.compile(
            r"(?i)([\"']?\b(?:access_token|refresh_token|id_token|client_secret|client_assertion|tempauth|code_verifier|"
            r"device_code|password)[\"']?\s*[=:]\s*)[\"']?[^\s&\"',}]+"
        ),
        r"\1[redacted]",
    ),
    # Whatever follows the host of a URL may name a document or carry a signature.
    (re.compile(r"(https?://[^/\s\"'?#]+)[/?#][^\s\"']*"), r"\1/[redacted]"),
)


def redact(text: str) -> str:
    """Return *text* without tokens, secrets, and the paths and queries of URLs."""
    for pattern, replacement in _REDACTIONS:
        text = pattern.sub(replacement, text)
    return text


class RedactingFormatter(logging.Formatter):
    """Formats a record, exception included, and redacts the result."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def setup(*, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send all logging of this process to *stream* (standard error), one redacted line per event."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("urllib3", "msal", "PIL", "pikepdf", "ocrmypdf", "pdfminer", "fontTools"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


def event(logger: logging.Logger, name: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Log one event as ``name key=value …``; a value with spaces, quotes or ``=`` is written as JSON."""
    if logger.isEnabledFor(level):
        words = [name, *(f"{key}={_value(value)}" for key, value in fields.items() if value is not None)]
        logger.log(level, "%s", " ".join(words))


def crash(logger: logging.Logger, name: str, error: BaseException) -> None:
    """Log an error that nobody foresaw by its type and frames: its text may quote a document."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s error=%s\n%s", name, type(error).__name__, frames.rstrip())


def _value(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or re.search(r"[\s\"=]", text) else text
