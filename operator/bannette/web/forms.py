"""What comes with a POST: the fields of a form, from a page of this service."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

_SECONDS: Final = 10.0


class NotAForm(Exception):
    """The body isn't a form that a page of this service sends."""


class FormTooLarge(NotAForm):
    """It has more in it than any of the pages' forms."""


def is_foreign(request: Request) -> bool:
    """Tell whether the browser says that a page of another site sent the form. A browser that tells is believed."""
    return request.headers.get("sec-fetch-site", "same-origin") != "same-origin"


async def read_form(request: Request, *, largest: int, fields: int) -> dict[str, str]:
    """Return the fields of a form of at most *largest* bytes and so many *fields*.

    Raises: NotAForm, FormTooLarge.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise NotAForm
    body = b""
    try:
        async with asyncio.timeout(_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > largest:
                    raise FormTooLarge
        return dict(parse_qsl(body.decode(), max_num_fields=fields))
    except (ValueError, TimeoutError, ClientDisconnect):
        raise NotAForm from None
