"""What an answer lets a browser do with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ALWAYS: Final[Mapping[str, str]] = {
    "Strict-Transport-Security": "max-age=31536000",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


def policy(form_action: str = "'none'", **more: str) -> str:
    """Return the Content-Security-Policy of a page whose forms lead to *form_action*.

    Args:
        more: other directives, with ``_`` for ``-``: ``script_src="'self'"``.
    """
    directives = {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        "form-action": form_action,
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


# What links, cookies and tokens lead to is kept nowhere.
UNLESS_SAID: Final[Mapping[str, str]] = {"Cache-Control": "no-store", "Content-Security-Policy": policy()}
