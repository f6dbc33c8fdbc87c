"""Log lines: their shape, and what never passes the redaction."""

from __future__ import annotations

import io
import logging

import pytest

from bannette import logs

SECRETS = [
    ("Authorization: Bearer eyJ0eXAiOiJKV1Qi.eyJhdWQiOiIwMDAw.c2lnbmF0dXJl", "eyJhdWQi"),
    ("the token eyJ0eXAiOiJKV1Qi.eyJhdWQiOiIwMDAw.c2lnbmF0dXJl expired", "eyJhdWQi"),
    ("https://acme-my.sharepoint.com/personal/x/_layouts/15/download.aspx?tempauth=v1.secret", "tempauth=v1.secret"),
    ("GET https://graph.microsoft.com/v1.0/drives/b!1/root:/Invoices/ACME%20salaries.pdf failed", "salaries"),
    ('{"access_token": "opaque-0123456789", "token_type": "Bearer"}', "opaque-0123456789"),
    ("client_secret=hunter2hunter2&grant_type=client_credentials", "hunter2hunter2"),
    ("refresh_token='0.AXEA-rotated'", "AXEA-rotated"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=[secret for _, secret in SECRETS])
def test_a_secret_does_not_pass(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in logs.redact(text)
    assert "[redacted]" in logs.redact(text)


def test_the_host_of_a_url_stays_and_plain_text_is_left_alone() -> None:
    assert logs.redact("https://graph.microsoft.com/v1.0/me failed") == "https://graph.microsoft.com/[redacted] failed"
    assert logs.redact("run.finished channel=acme/x collected=12") == "run.finished channel=acme/x collected=12"


def test_an_event_is_one_line_of_words_and_quotes_what_has_spaces() -> None:
    stream = io.StringIO()
    logs.setup(stream=stream)
    logs.event(logging.getLogger("test"), "run.finished", channel="acme/x", collected=12, message="a b", absent=None)
    assert stream.getvalue().rstrip().endswith('INFO run.finished channel=acme/x collected=12 message="a b"')


def test_an_exception_is_redacted_with_its_traceback() -> None:
    stream = io.StringIO()
    logs.setup(stream=stream)
    try:
        raise ValueError("refused: Bearer abcdefgh12345678")
    except ValueError:
        logging.getLogger("test").exception("run.failed")
    assert "abcdefgh12345678" not in stream.getvalue()
    assert "Traceback" in stream.getvalue()
