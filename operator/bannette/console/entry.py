"""Signing in by a token of Kubernetes, signing out, and the choice of a language."""

from __future__ import annotations

import logging
from typing import Final

from bannette import logs
from bannette.console.cluster import user_of
from bannette.console.faults import SignedOut
from bannette.console.sessions import LONGEST_TOKEN, new_session
from bannette.console.visits import ROOT, Reply, Visit, own_address
from bannette.web.rendering import LANGUAGES

logger = logging.getLogger(__name__)


def ask(visit: Visit) -> Reply:
    """Show the form for the token."""
    following = own_address(visit.query.get("next", ""))
    if visit.person is not None:
        return Reply(location=following)
    return _asked(following, ended=visit.query.get("ended") == "1")


def sign_in(visit: Visit) -> Reply:
    """Keep a token that the API server takes."""
    following = own_address(visit.fields.get("next", ""))
    token = visit.fields.get("token", "").strip()
    token = token.removeprefix("Bearer ").strip()
    if not token or len(token) > LONGEST_TOKEN:
        return _asked(following, wrong="token_long" if token else "token_missing")
    try:
        name = user_of(visit.office.api, token)
    except SignedOut:
        logs.event(logger, "console.sign-in", outcome="refused")
        return _asked(following, wrong="token_wrong")
    logs.event(logger, "console.sign-in", outcome="taken", person=name)
    return Reply(location=following, session=new_session(name, token, now=visit.office.now()))


def sign_out(visit: Visit) -> Reply:
    """Forget the sign-in."""
    return Reply(location=f"{ROOT}/sign-in", ends_session=True)


def choose_language(visit: Visit) -> Reply:
    """Keep a language; a choice of looks alone, so an address is enough for it."""
    chosen = visit.query.get("to", "")
    return Reply(location=own_address(visit.query.get("next", "")), language=chosen if chosen in LANGUAGES else "")


def _asked(following: str, *, wrong: str = "", ended: bool = False) -> Reply:
    facts: dict[str, object] = {"following": following, "wrong": wrong, "ended": ended}
    return Reply("sign_in", facts, 403 if wrong else 200)


PAGES: Final = (
    ("GET", "/sign-in", ask),
    ("POST", "/sign-in", sign_in),
    ("POST", "/sign-out", sign_out),
    ("GET", "/language", choose_language),
)
