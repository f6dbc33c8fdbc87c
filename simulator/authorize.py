"""The authorize endpoint: a person signs in at once, refuses, or is asked, as the settings say."""

from __future__ import annotations

import html
from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from simulator.accounts import find_person
from simulator.signin import Code
from simulator.visit import ACCOUNT, ANSWER, account_page, consent_page
from simulator.world import World

_CODE_SECONDS = 600


def authorize(world: World, query: Mapping[str, str]) -> web.Response:
    """Answer the browser's visit: send it back to the redirect URI with a code or an error.

    An unknown application or redirect URI shows an error page here, as Microsoft's does: no callback comes.
    """
    application = world.applications.get(query.get("client_id", ""))
    redirect_uri = query.get("redirect_uri", "")
    if application is None:
        return _error_page("AADSTS700016: Application was not found in the directory.")
    if application.platform_of(redirect_uri) is None:
        return _error_page("AADSTS50011: The redirect URI doesn't match those of the application.")
    settings = world.settings
    answer = {"state": query["state"]} if "state" in query else {}
    name = settings.person or query.get("login_hint") or world.user
    says = settings.person_says
    if says == "ask":
        name = query.get(ACCOUNT, "")
        if not name:
            return account_page(query, world.people.values())
        says = query.get(ANSWER, "")
        if not says and (person := find_person(world.people, name)) is not None:
            return consent_page(query, person)
    if says in ("no", "admin"):
        answer["error"] = "consent_required" if says == "admin" else "access_denied"
        number = "90094: An administrator must consent." if says == "admin" else "65004: Declined."
        answer["error_description"] = f"AADSTS{number}"
        return _back(redirect_uri, query.get("response_mode", "query"), answer)
    person = find_person(world.people, name)
    if person is None:
        return _error_page("AADSTS50034: The user account doesn't exist.")
    answer["code"] = world.sign_in.give_code(
        Code(
            client_id=application.client_id,
            person=person,
            scope=query.get("scope", ""),
            redirect_uri=redirect_uri,
            challenge=query.get("code_challenge"),
            nonce=query.get("nonce"),
            expires=world.now() + _CODE_SECONDS,
        )
    )
    return _back(redirect_uri, query.get("response_mode", "query"), answer)


def _back(redirect_uri: str, mode: str, answer: Mapping[str, str]) -> web.Response:
    if mode != "form_post":
        return web.Response(status=302, headers={"Location": f"{redirect_uri}?{urlencode(answer)}"})
    fields = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in answer.items()
    )
    page = (
        f'<form method="post" action="{html.escape(redirect_uri)}">{fields}<button>Continue</button></form>'
        "<script>document.forms[0].submit()</script>"
    )
    return web.Response(text=page, content_type="text/html")


def _error_page(text: str) -> web.Response:
    return web.Response(
        text=f"<h1>Sorry, but we’re having trouble signing you in.</h1><p>{text}</p>",
        status=400,
        content_type="text/html",
    )
