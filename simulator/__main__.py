"""``python -m simulator``: a OneDrive and a Microsoft sign-in on this machine."""

from __future__ import annotations

import argparse
import asyncio
import gc
import ipaddress
import shlex
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from simulator import seeding
from simulator.accounts import CLIENT_ID, SECRET, TENANT, USER
from simulator.certificates import load_authority, server_context
from simulator.environment import environment
from simulator.identifiers import Flavour
from simulator.mailbox import start_mailbox
from simulator.server import Server
from simulator.world import World

_DESCRIPTION = """\
A OneDrive and a Microsoft sign-in that run on this machine: OpenID discovery, the token endpoint, Microsoft Graph v1.0
(drives, items, children, delta, content) and a download host, over TLS with a certificate authority of its own.
It starts with an account that has a drive, and an application that may read it.
"""

_EXAMPLES = f"""\
examples:
  python -m simulator --content samples
  python -m simulator --content ~/Documents --listen 127.0.0.1:8443 --state-dir ~/.cache/simulator
  python -m simulator --content generate:100000x20kB/200 --flavour personal

  It prints its origin, its CA file and the environment variables that lead a program to it.

  What the drive holds can be changed while it runs, and it can be made to fail (paths and ids name items):
    curl --cacert CA ORIGIN/control/create -d '{{"path": "/Factures/new.pdf", "text": "hello"}}'
    curl --cacert CA ORIGIN/control/rename -d '{{"path": "/Factures", "name": "Bills"}}'
    curl --cacert CA ORIGIN/control/add-faults -d '{{"faults": ["throttled", {{"like": "slow", "times": 9}}]}}'
    curl --cacert CA ORIGIN/control/answer-devices -d '{{}}'      the owner enters the codes of `connect --device-code`
    curl --cacert CA ORIGIN/control/catalogue      the named faults
    curl --cacert CA ORIGIN/control/mails          the mails that came to --mail-listen
    curl --cacert CA ORIGIN/control/counters       what was asked of it
    curl --cacert CA ORIGIN/control/help           all verbs

  tenant {TENANT}, user {USER}, client id {CLIENT_ID}, secret {SECRET}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return the exit code."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="simulator-") as scratch:
        state_dir: Path = options.state_dir or Path(scratch)
        if options.only_ca:
            load_authority(state_dir)
            print(state_dir / "ca.crt")
            return 0
        try:
            return asyncio.run(_serve(options, state_dir))
        except (OSError, ValueError) as error:
            print(f"simulator: {error}", file=sys.stderr)
            return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="default 127.0.0.1:0, a free port")
    parser.add_argument(
        "--download-listen", metavar="HOST:PORT", help="serve downloads at an address of their own (default: the same)"
    )
    parser.add_argument(
        "--mail-listen", metavar="HOST:PORT", help="take mails there, for everybody (SMTP with STARTTLS)"
    )
    parser.add_argument("--public-url", metavar="URL", help="origin that links are built from (default: localhost)")
    parser.add_argument("--download-url", metavar="URL", help="origin that download URLs are built from")
    parser.add_argument(
        "--dns",
        action="append",
        default=[],
        metavar="NAME",
        help="host name or address for the certificate; repeatable",
    )
    parser.add_argument("--content", default="samples", metavar="WHAT", help=f"{seeding.HELP} (default: samples)")
    parser.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        help="where the CA is kept (ca.crt, ca.key; those found there are used; default: a new one each time)",
    )
    parser.add_argument("--only-ca", action="store_true", help="make the CA in --state-dir, print its file, and end")
    parser.add_argument(
        "--flavour", default=Flavour.WORK.value, choices=[flavour.value for flavour in Flavour], help="kind of drive"
    )
    parser.add_argument("--tenant", default=TENANT, metavar="ID")
    parser.add_argument("--user", default=USER, metavar="UPN")
    parser.add_argument("--client-id", default=CLIENT_ID, metavar="ID")
    parser.add_argument("--client-secret", default=SECRET, metavar="SECRET")
    parser.add_argument(
        "--client-certificate", type=Path, metavar="FILE", help="PEM certificate of the application, besides the secret"
    )
    parser.add_argument(
        "--redirect-uri",
        action="append",
        default=[],
        metavar="PLATFORM=URI",
        help="redirect URI of the application, platform web, spa or public; repeatable",
    )
    return parser


async def _serve(options: argparse.Namespace, state_dir: Path) -> int:
    world = World(
        public_url="",
        download_url="",
        flavour=Flavour(options.flavour),
        populate=seeding.populate_from(options.content),
        tenant_id=options.tenant,
        user=options.user,
        client_id=options.client_id,
        secret=options.client_secret,
        certificates=tuple(path.read_text() for path in [options.client_certificate] if path),
        redirect_uris=tuple(options.redirect_uri),
    )
    # A million items aren't garbage: let nobody look through them again and again.
    gc.freeze()
    names = {"localhost", "127.0.0.1", "::1", *options.dns}
    names.update(host for url in (options.public_url, options.download_url) if url and (host := urlsplit(url).hostname))
    context = server_context(load_authority(state_dir), sorted(names))
    server = Server(world)
    listeners = [(*_address(text), context) for text in (options.listen, options.download_listen) if text]
    ports = await server.start(listeners)
    world.public_url = (options.public_url or _origin(listeners[0][0], ports[0])).rstrip("/")
    own = _origin(listeners[-1][0], ports[-1]) if options.download_listen else world.public_url
    world.download_url = (options.download_url or own).rstrip("/")
    if options.mail_listen:
        await start_mailbox(world, *_address(options.mail_listen), context)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    _announce(world, state_dir / "ca.crt", options)
    await stopped.wait()
    await server.stop()
    return 0


def _announce(world: World, ca_file: Path, options: argparse.Namespace) -> None:
    print(f"origin   {world.public_url}")
    print(f"CA       {ca_file}")
    print(f"tenant   {options.tenant}   user {options.user}   client id {options.client_id}")
    print("\n# To use it from this shell:")
    for name, value in environment(world.public_url, world.download_url, ca_file).items():
        print(f"export {name}={shlex.quote(value)}")
    sys.stdout.flush()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdigit():
        raise ValueError(f"{text!r} isn't HOST:PORT.")
    return host.strip("[]"), int(port)


def _origin(host: str, port: int) -> str:
    try:
        local = not host or ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        local = False
    suffix = "" if port == 443 else f":{port}"
    return f"https://{'localhost' if local else host}{suffix}"


if __name__ == "__main__":
    sys.exit(main())
