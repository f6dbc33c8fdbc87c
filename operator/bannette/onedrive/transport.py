"""HTTPS as OneDrive needs it: URLs byte for byte, no redirect followed, no cookie kept, no password from ``.netrc``."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from bannette.errors import PersonNeeded

_TARGET = "X-Bannette-Target"
_CONNECTIONS = 16
_PRINTABLE = "".join(chr(code) for code in range(33, 127))


def new_session(ca_file: str | None) -> requests.Session:
    """Return a session that trusts *ca_file* (None: the usual authorities) and adds no credentials of its own.

    Raises:
        PersonNeeded: there is no such file.
    """
    if ca_file is not None and not Path(ca_file).exists():
        raise PersonNeeded(
            f"The certificates to trust aren't there: no {ca_file} (REQUESTS_CA_BUNDLE or SSL_CERT_FILE names it).",
            reason="InvalidSetting",
        )
    session = _Session()
    # Without this, requests sends what ~/.netrc holds for the host; content hosts answer 401 to any Authorization.
    session.auth = _as_it_is
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    if ca_file is not None:
        session.verify = ca_file
    session.mount("https://", _Adapter(pool_connections=_CONNECTIONS, pool_maxsize=_CONNECTIONS, max_retries=0))
    return session


class Transport:
    """Sends GET requests; safe to share between threads.

    Args:
        connect: seconds to wait for a connection.
        read: seconds to wait for the next bytes.
    """

    def __init__(self, *, ca_file: str | None, user_agent: str, connect: float, read: float) -> None:
        self._session = new_session(ca_file)
        self._session.headers.update({"User-Agent": user_agent})
        self._timeout = (connect, read)

    def get(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Send the request and return the answer with its body unread.

        Raises:
            requests.RequestException: there was no answer. Its text may hold the URL, a secret.
        """
        prepared = self._session.prepare_request(requests.Request("GET", url, headers=dict(headers)))
        # requests and urllib3 both rewrite escapes (%7E, %2b), which breaks signatures: the target travels beside.
        prepared.url = url
        prepared.headers[_TARGET] = _target(url)
        settings = self._session.merge_environment_settings(url, {}, True, None, None)
        try:
            return self._session.send(prepared, timeout=self._timeout, allow_redirects=False, **settings)
        except urllib3.exceptions.HTTPError:
            # A host's name that can't be one: requests lets this error of urllib3 through.
            raise requests.exceptions.InvalidURL from None

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


class _Session(requests.Session):
    # What the endpoints say holds; requests would prefer this process's REQUESTS_CA_BUNDLE to ``session.verify``.
    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        chosen = self.verify if isinstance(self.verify, str) else verify
        return super().merge_environment_settings(url, proxies, stream, chosen, cert)


class _Connection(HTTPSConnection):
    """Sends the target as it was given."""

    # urllib3's own signature is long and grows; only these two are looked at.
    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        plain = dict(headers or {})
        super().request(method, plain.pop(_TARGET, url), body, plain, **options)


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"https": _Pool}

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = {**manager.pool_classes_by_scheme, "https": _Pool}
        return manager


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _target(url: str) -> str:
    rest = url.partition("#")[0].partition("://")[2]
    start = min((index for index in (rest.find("/"), rest.find("?")) if index >= 0), default=len(rest))
    target = rest[start:]
    return quote(target if target.startswith("/") else f"/{target}", safe=_PRINTABLE)
