"""The pages that a person sees at the sign-in, where the settings leave the answer to them."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Final

from aiohttp import web

from simulator.accounts import Person

ACCOUNT, ANSWER = "simulated_account", "simulated_answer"
"""What the pages' forms send, beside what the application sent."""

_PERMISSIONS: Final = {
    "Files.Read": "Read your files",
    "offline_access": "Maintain access to data you have given it access to",
    "openid": "Sign you in",
    "profile": "View your basic profile",
}
_STYLE: Final = """
body { font: 1rem/1.5 "Segoe UI", system-ui, sans-serif; background: #f2f2f2; color: #1b1b1b; margin: 0; }
main { max-width: 27rem; margin: 3rem auto; padding: 2rem; background: #fff; box-shadow: 0 2px 6px #0003; }
h1 { font-size: 1.5rem; margin: .5rem 0 1rem; }
button { font: inherit; padding: .5rem 1.5rem; margin: .25rem .5rem .25rem 0; border: 1px solid #666; }
button.first { background: #0067b8; border-color: #0067b8; color: #fff; }
p.simulated { color: #595959; font-size: .85rem; }
"""


def account_page(query: Mapping[str, str], people: Iterable[Person]) -> web.Response:
    """Ask who signs in; the login hint comes first."""
    hint = query.get("login_hint", "").lower()
    names = sorted({person.upn for person in people}, key=lambda upn: (upn.lower() != hint, upn))
    buttons = "".join(
        f'<p><button name="{ACCOUNT}" value="{html.escape(upn)}">{html.escape(upn)}</button></p>' for upn in names
    )
    return _page("Pick an account", _form(query, buttons))


def consent_page(query: Mapping[str, str], person: Person) -> web.Response:
    """Ask whether the application may have what it asks for."""
    words = [word.rpartition("/")[2] for word in query.get("scope", "").split()]
    wanted = "".join(f"<li>{html.escape(_PERMISSIONS.get(word, word))}</li>" for word in words)
    answers = (
        f'<button class="first" name="{ANSWER}" value="yes">Accept</button>'
        f'<button name="{ANSWER}" value="no">Cancel</button>'
    )
    told = f"<p>{html.escape(person.upn)}</p><p>Bannette would like to:</p><ul>{wanted}</ul>"
    return _page("Permissions requested", told + _form(query, answers))


def _form(query: Mapping[str, str], inside: str) -> str:
    kept = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in query.items()
    )
    return f"<form>{kept}{inside}</form>"


def _page(heading: str, inside: str) -> web.Response:
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{heading}</title><style>{_STYLE}</style><main><p>Microsoft</p><h1>{heading}</h1>{inside}"
        '<p class="simulated">This is a simulation. No account of yours is asked for.</p></main></html>'
    )
    return web.Response(text=text, content_type="text/html")
