"""A browser without windows: keeps cookies, follows redirects, sends forms, and obeys what pages say of security.

It reaches the service's public https address by the processes behind it, one after the other, as through an Ingress.
"""

from __future__ import annotations

import http.client
import itertools
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Parsed(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._select = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "form":
            self.forms.append(Form(given["action"] or "", (given.get("method") or "get").lower()))
        elif tag == "input" and self.forms:
            name = given.get("name") or ""
            if given.get("type") != "radio" or "checked" in given:
                self.forms[-1].fields[name] = given.get("value") or ""
        elif tag == "select" and self.forms:
            self._select = given["name"] or ""
        elif tag == "option" and self.forms and self._select:
            if "selected" in given or self._select not in self.forms[-1].fields:
                self.forms[-1].fields[self._select] = given.get("value") or ""
        elif tag == "a":
            self.links.append(given["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@dataclass
class Page:
    """An answer as the browser shows it."""

    url: str
    status: int
    headers: http.client.HTTPMessage
    body: str

    @property
    def parsed(self) -> _Parsed:
        return _Parsed(self.body)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.parsed.words).split())

    @property
    def heading(self) -> str:
        return self.body.partition("<h1>")[2].partition("</h1>")[0]

    def policy(self, directive: str) -> list[str]:
        policies = self.headers["Content-Security-Policy"].split(";")
        return next(words[1:] for one in policies if (words := one.split()) and words[0] == directive)


class Browser:
    """One person's browser.

    Attributes:
        seen: all answers, redirects too, in their order.
        cookies: of the service's origin.
        headers: what the proxy in front of the service adds.
    """

    def __init__(
        self,
        public: str,
        ports: Sequence[int],
        *,
        ca_file: Path,
        language: str = "de, en;q=0.5",
        elsewhere: Mapping[str, int] | None = None,
    ) -> None:
        """Open a browser.

        Args:
            ports: of this machine, behind the address *public*.
            elsewhere: hosts that aren't where their name says, but at a port of this machine.
        """
        self._public = public
        self._elsewhere = elsewhere or {}
        self._ports = itertools.cycle(ports)
        self._context = ssl.create_default_context(cafile=ca_file)
        self._language = language
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.seen: list[Page] = []

    def with_cookies_of(self, other: Browser) -> Browser:
        """Take what *other* keeps: the same person's browser, at another process."""
        self.cookies.update(other.cookies)
        return self

    def open(self, url: str) -> Page:
        """Open an address, and follow where it leads."""
        return self._follow("GET", urljoin(self._public, url), None, allowed=None)

    def send(self, page: Page, *, number: int = 0, **changed: str) -> Page:
        """Press the button of a page's form; *changed*: fields that aren't as the page has them."""
        form = page.parsed.forms[number]
        fields = {**form.fields, **changed}
        return self._follow("POST", urljoin(page.url, form.action), fields, allowed=page.policy("form-action"))

    def stop_at(self, page: Page, origin: str, **changed: str) -> str:
        """Press the button, and return the address on *origin* that it leads to, without going there."""
        form = page.parsed.forms[0]
        answer = self.request("POST", urljoin(page.url, form.action), {**form.fields, **changed})
        assert answer.status == 303, answer.text
        assert answer.headers["Location"].startswith(f"{origin}/"), answer.headers["Location"]
        return answer.headers["Location"]

    def _follow(self, method: str, url: str, fields: Mapping[str, str] | None, *, allowed: list[str] | None) -> Page:
        for _ in range(10):
            answer = self.request(method, url, fields)
            if answer.status not in (302, 303):
                return answer
            url = urljoin(url, answer.headers["Location"])
            if allowed is not None:
                origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
                assert origin in allowed or (origin == self._public and "'self'" in allowed), f"blocked: {origin}"
            method, fields = "GET", None
        raise AssertionError("redirected ten times")

    def request(
        self, method: str, url: str, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Page:
        """Make one request, and follow nothing."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        ours = origin == self._public
        sent = {"Host": parts.netloc, "Accept-Language": self._language}
        if ours and self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if ours:
            sent.update(self.headers)
        body = None
        if fields is not None:
            body = urlencode(fields).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection = (
            http.client.HTTPConnection("127.0.0.1", next(self._ports), timeout=60)
            if ours
            else http.client.HTTPSConnection(parts.netloc, context=self._context, timeout=60)
        )
        if parts.netloc in self._elsewhere:
            # The certificate must be of the host that the address names.
            there = ("127.0.0.1", self._elsewhere[parts.netloc])
            reached = lambda _, *given: socket.create_connection(there, *given)  # noqa: E731
            connection._create_connection = reached  # type: ignore[attr-defined]
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request(method, target, body, {**sent, **(headers or {})})
            answer = connection.getresponse()
            page = Page(url, answer.status, answer.headers, answer.read().decode())
        finally:
            connection.close()
        if ours:
            self._keep(page)
        self.seen.append(page)
        return page

    def _keep(self, page: Page) -> None:
        for header in page.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(header).items():
                assert name.startswith("__Host-")
                assert morsel["secure"], header
                assert morsel["httponly"], header
                # The console's go along from no other page.
                bound = "strict" if name.startswith(("__Host-console", "__Host-language")) else "lax"
                assert (morsel["path"], morsel["domain"], morsel["samesite"].lower()) == ("/", "", bound), header
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
