"""HTTPS as OneDrive needs it: URLs byte for byte, no redirect followed, no cookie kept, no password from ``.netrc``."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
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
        self._headers = {
            **{name: str(value) for name, value in self._session.headers.items()},
            "User-Agent": user_agent,
        }
        self._timeout = urllib3.Timeout(connect=connect, read=read)
        self._pools: dict[str, urllib3.HTTPConnectionPool] = {}

    def get(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Send the request and return the answer with its body unread.

        Raises:
            requests.RequestException: there was no answer. Its text may hold the URL, a secret.
        """
        # Past requests' own send, which costs more than the rest of a small download, and past its and urllib3's
        # rewriting of escapes (%7E, %2b), which breaks signatures.
        try:
            raw = self._pool(url).urlopen(
                "GET",
                "/",
                headers={**self._headers, **headers, _TARGET: _target(url)},
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
                timeout=self._timeout,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _as_of_requests(error) from error
        response = requests.Response()
        response.status_code = raw.status
        response.headers = CaseInsensitiveDict(raw.headers)
        response.raw = raw
        response.url = url
        return response

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _pool(self, url: str) -> urllib3.HTTPConnectionPool:
        """Return the connections to the host of *url*, through its proxy if the environment names one."""
        origin = url[: url.index("/", 8)] if "/" in url[8:] else url
        pool = self._pools.get(origin)
        if pool is None:
            request = self._session.prepare_request(requests.Request("GET", origin))
            settings = self._session.merge_environment_settings(origin, {}, True, None, None)
            adapter = cast("HTTPAdapter", self._session.get_adapter(origin))
            proxies, verify = settings["proxies"], settings["verify"]
            found = adapter.get_connection_with_tls_context(request, verify, proxies=proxies)
            pool = cast("urllib3.HTTPConnectionPool", found)
            adapter.cert_verify(pool, origin, verify, None)  # type: ignore[no-untyped-call]
            self._pools[origin] = pool
        return pool


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


def _as_of_requests(error: Exception) -> requests.RequestException:
    """The same failure as the rest of the package knows it."""
    if isinstance(error, urllib3.exceptions.SSLError):
        return requests.exceptions.SSLError(error)
    if isinstance(error, urllib3.exceptions.ProxyError):
        return requests.exceptions.ProxyError(error)
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
        return requests.ConnectTimeout(error)
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return requests.ReadTimeout(error)
    return requests.ConnectionError(error)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _target(url: str) -> str:
    rest = url.partition("#")[0].partition("://")[2]
    start = min((index for index in (rest.find("/"), rest.find("?")) if index >= 0), default=len(rest))
    target = rest[start:]
    return quote(target if target.startswith("/") else f"/{target}", safe=_PRINTABLE)
