"""``bannette connect-service``: the pages where people connect their accounts, and the console."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime

from bannette.errors import PersonNeeded


def run(arguments: argparse.Namespace) -> int:
    from bannette.connect import serve
    from bannette.console import console_settings_of, routes

    if arguments.link is not None:
        print(_link(arguments.link))
    else:
        console = console_settings_of(os.environ)
        serve(os.environ, lambda settings, api: routes(console, settings, api) if console else ())
    return 0


def _link(channel: str) -> str:
    """Return a new link to the page of *channel*, ``NAMESPACE/NAME``.

    Raises: PersonNeeded, Transient.
    """
    from bannette.connect import LIFETIME, api_of, keys_beside, make_link, settings_of
    from bannette.resources import CHANNELS, Channel
    from bannette.resources.rules import CHANNEL_NAME, REFERENCE

    namespace, _, name = channel.partition("/")
    if not (REFERENCE.accepts(namespace) and CHANNEL_NAME.accepts(name)):
        raise PersonNeeded("Name the channel with its namespace: --link NAMESPACE/NAME.", reason="Usage")
    settings = settings_of(os.environ)
    found = Channel.parse(api_of(os.environ).within(namespace).get(CHANNELS, name))
    return make_link(settings.public_url, found, keys_beside(settings), expires=datetime.now(UTC) + LIFETIME)
