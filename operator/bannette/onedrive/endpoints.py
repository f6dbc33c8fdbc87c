"""Where a cloud's sign-in, Graph and content hosts are, and which URLs may be called."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from bannette.errors import PersonNeeded

# Parsers of URLs differ about whatever else stands before the path: what one takes for the host may not be where the
# other one connects.
_PLAIN = re.compile(r"https://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?=[/?#]|$)")
# Sources: Microsoft's endpoint lists for SharePoint Online and OneDrive in each cloud; research of rclone and msal.
_CLOUDS = {
    "Global": (
        "https://graph.microsoft.com",
        "https://login.microsoftonline.com",
        (".sharepoint.com", ".files.1drv.com", ".storage.live.com", "my.microsoftpersonalcontent.com"),
    ),
    "USGovernment": (
        "https://graph.microsoft.us",
        "https://login.microsoftonline.us",
        (".sharepoint.us", ".sharepoint-mil.us"),
    ),
    "China": (
        "https://microsoftgraph.chinacloudapi.cn",
        "https://login.partner.microsoftonline.cn",
        (".sharepoint.cn",),
    ),
}


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The hosts of one cloud.

    Attributes:
        graph: origin of Microsoft Graph, without version.
        authority: origin of the sign-in, without tenant.
        download_hosts: hosts that may serve content: a suffix when it begins with a dot, else ``host`` or
            ``host:port`` in full.
        trusted_hosts: those of *download_hosts* that an operator named, which may have private addresses.
        ca_file: bundle of the authorities to trust instead of the public ones.
        known_authority: whether Microsoft's instance discovery knows the authority.
    """

    graph: str
    authority: str
    download_hosts: tuple[str, ...]
    trusted_hosts: tuple[str, ...] = ()
    ca_file: str | None = None
    known_authority: bool = True

    def is_graph(self, url: str) -> bool:
        """Say whether *url* is on the Graph origin, the only one that may see a token."""
        return _PLAIN.match(url) is not None and _origin(url) == _origin(self.graph)

    def may_download(self, url: str) -> bool:
        """Say whether content may be fetched from *url*: https, a known host, no private address by number."""
        parts = _split(url)
        if parts is None or _PLAIN.match(url) is None or not parts.hostname:
            return False
        netloc = _netloc(parts)
        if netloc in self.trusted_hosts or parts.hostname in self.trusted_hosts:
            return True
        if _is_address(parts.hostname) or _port(parts) != 443:
            return False
        return any(
            parts.hostname.endswith(host) if host.startswith(".") else host in (parts.hostname, netloc)
            for host in self.download_hosts
        )


def endpoints_for(cloud: str, environ: Mapping[str, str]) -> Endpoints:
    """Return the endpoints of *cloud* (``Global``, ``USGovernment``, ``China``), as *environ* redirects them.

    ``BANNETTE_GRAPH_URL`` and ``BANNETTE_AUTHORITY_URL`` are origins; ``BANNETTE_DOWNLOAD_HOSTS`` is a comma list of
    further hosts; ``REQUESTS_CA_BUNDLE`` or ``SSL_CERT_FILE`` names the authorities to trust.

    Raises:
        PersonNeeded: a setting is not an https origin, or the cloud is unknown.
    """
    if cloud not in _CLOUDS:
        raise PersonNeeded(
            f"Cloud {cloud!r} is unknown: use one of {', '.join(sorted(_CLOUDS))}.", reason="InvalidSetting"
        )
    graph, authority, hosts = _CLOUDS[cloud]
    own_graph = _setting(environ, "BANNETTE_GRAPH_URL")
    own_authority = _setting(environ, "BANNETTE_AUTHORITY_URL")
    named = [host.strip().lower() for host in environ.get("BANNETTE_DOWNLOAD_HOSTS", "").split(",") if host.strip()]
    if own_graph is not None:
        named.append(_netloc(urlsplit(own_graph)))
    return Endpoints(
        graph=own_graph or graph,
        authority=own_authority or authority,
        download_hosts=(*hosts, *named),
        trusted_hosts=tuple(host for host in named if not host.startswith(".")),
        ca_file=environ.get("REQUESTS_CA_BUNDLE") or environ.get("SSL_CERT_FILE") or None,
        known_authority=own_authority is None,
    )


def _setting(environ: Mapping[str, str], name: str) -> str | None:
    value = environ.get(name, "").strip().rstrip("/")
    if not value:
        return None
    parts = _split(value)
    if parts is None or parts.scheme != "https" or not parts.hostname or parts.path or parts.query or parts.username:
        raise PersonNeeded(
            f"{name} must be an https origin such as https://graph.example: no path, no tenant, no version.",
            reason="InvalidSetting",
        )
    return value


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or 443


def _netloc(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return host if _port(parts) == 443 else f"{host}:{parts.port}"


def _origin(url: str) -> tuple[str, str, int] | None:
    parts = _split(url)
    if parts is None or parts.scheme != "https" or not parts.hostname or parts.username is not None:
        return None
    return parts.scheme, parts.hostname, _port(parts)


def _is_address(host: str) -> bool:
    # A service's content is never at a bare address; a name that resolves to a private one is still on the allow-list.
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
