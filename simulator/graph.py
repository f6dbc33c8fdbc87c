"""Microsoft Graph: drives, items, children, delta, content."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Container
from dataclasses import dataclass
from itertools import islice
from urllib.parse import parse_qsl, quote, urlencode

from aiohttp import web

from simulator.accounts import Grant, find_person
from simulator.addresses import Address, version_of
from simulator.answers import Places, Refusal, as_json
from simulator.delta import TokenLost
from simulator.downloads import signed_url
from simulator.drive import Drive, Item, Kind
from simulator.faults import Fault, Pages, Request
from simulator.rendering import Json, Rendering, drive_json, select_of
from simulator.world import LinkStyle, World

_LARGEST_PAGE = 1000
_KINDS = {"": Request.ITEM, "children": Request.CHILDREN, "delta": Request.DELTA, "content": Request.CONTENT}
_DELTA_ACTION = re.compile(r"/(?:microsoft\.graph\.)?delta[^/]*$")
_PADDING = "%2a%7e-pad" * 400


@dataclass(frozen=True, slots=True)
class Call:
    """One request to Graph."""

    address: Address
    target: str
    """The raw path and query."""
    query: dict[str, str]
    grant: Grant
    faults: tuple[Fault, ...]
    places: Places


def kind_of(address: Address) -> Request:
    return _KINDS.get(address.action, Request.OTHER) if address.inside else Request.DRIVE


def authorised(world: World, header: str | None) -> Grant:
    """Return what the Authorization header allows.

    Raises:
        Refusal: 401.
    """
    scheme, _, token = (header or "").partition(" ")
    grant = world.sign_in.grant_of(token.strip()) if scheme.lower() == "bearer" else None
    if grant is None:
        # rclone refreshes only when it reads "expired_token" here.
        challenge = 'Bearer realm="", error="invalid_token", error_description="expired_token"'
        raise Refusal(
            401,
            "InvalidAuthenticationToken",
            "Access token is missing, unknown or expired.",
            headers={"WWW-Authenticate": challenge},
        )
    return grant


def drive_of(world: World, address: Address, grant: Grant) -> Drive:
    """Return the drive that is addressed, if the caller may see it.

    Raises:
        Refusal: 400, 403 or 404, as Graph says it.
    """
    if address.drive is not None:
        drive = world.drive(address.drive)
        if drive is None:
            raise Refusal(404, "itemNotFound", "The resource could not be found.")
        if grant.person is not None and grant.person.drive_id != drive.id:
            raise Refusal(403, "accessDenied", "Access denied")
        return drive
    if address.me and grant.person is None:
        raise Refusal(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
    person = grant.person if address.me else find_person(world.people, address.user or "")
    if person is None:
        raise Refusal(404, "Request_ResourceNotFound", "Resource does not exist.")
    if grant.person is not None and grant.person.oid != person.oid:
        raise Refusal(403, "accessDenied", "Access denied")
    drive = world.drive(person.drive_id) if person.drive_id is not None else None
    if drive is None:
        raise Refusal(404, "itemNotFound/ResourceNotFound", "User's mysite not found.")
    return drive


def item_of(drive: Drive, address: Address) -> Item | None:
    """Return the item that is addressed, None if there is none."""
    item = drive.find(address.item) if address.item is not None else drive.root
    if item is not None and address.path is not None:
        item = drive.at(address.path, item)
    return None if item is None or item.deleted else item


def answer(world: World, drive: Drive, item: Item | None, call: Call) -> web.Response:
    """Answer a request to Graph.

    Raises:
        Refusal: what Graph answers instead.
    """
    kind = kind_of(call.address)
    if kind is Request.DRIVE:
        return as_json(drive_json(world, drive))
    if item is None:
        raise Refusal(404, "itemNotFound", "The resource could not be found.")
    match kind:
        case Request.ITEM:
            rendering = Rendering(world, drive, select=select_of(call.query.get("$select", call.query.get("select"))))
            body = rendering.item(item)
            changes = world.faults.of_items(kind, target=call.target)
            if changes:
                changes.apply(body, item)
            return as_json(body)
        case Request.CHILDREN:
            return _children(world, drive, item, call)
        case Request.DELTA:
            return _delta(world, drive, item, call)
        case Request.CONTENT:
            return _content(world, drive, item, call)
        case _:
            raise Refusal(400, "invalidRequest", f"The simulator doesn't know the action {call.address.action!r}.")


def _children(world: World, drive: Drive, item: Item, call: Call) -> web.Response:
    if item.kind is not Kind.FOLDER:
        raise Refusal(400, "invalidRequest", "Only a folder has children.")
    size = _page_size(world, call.query)
    start = int(call.query.get("$skiptoken", "0"))
    children = list(islice((item.children or {}).values(), start, start + size))
    body: Json = {}
    if start + size < len(item.children or ()):
        path, _, _ = call.target.partition("?")
        query = {**call.query, "$skiptoken": str(start + size)}
        body["@odata.nextLink"] = f"{world.public_url}{path}?{_encoded(query)}"
    return _page(world, drive, children, body, call, Request.CHILDREN)


def _delta(world: World, drive: Drive, item: Item, call: Call) -> web.Response:
    if not world.settings.delta or item.parent is not None:
        raise Refusal(501, "notSupported", "view.delta can only be called on the root.")
    feed = world.feeds[drive.id]
    token = call.query.get("token") or call.query.get("$deltatoken") or call.address.token
    if token is not None and call.address.token is not None:
        token, _, padding = token.partition("!")
        if padding != _padding(world):
            token = "changed"  # noqa: S105 - a link that wasn't sent back as it was given
    if token == "latest":  # noqa: S105
        return _page(world, drive, [], _feed_link(world, drive, call, feed.latest(), last=True), call, Request.DELTA)
    try:
        page = feed.page(token, _page_size(world, call.query))
    except TokenLost as error:
        headers = {"Location": f"{root_link(world, drive)}/delta?token="}
        raise Refusal(410, "resyncRequired", "Resync required. Replace local items.", headers=headers) from error
    link = _feed_link(world, drive, call, page.token, last=page.last)
    return _page(world, drive, page.items, link, call, Request.DELTA, parents=page.parents)


def _content(world: World, drive: Drive, item: Item, call: Call) -> web.Response:
    if item.content is None:
        raise Refusal(400, "invalidRequest/notSupported", "Only files have content.")
    if "malware" in (item.facets or {}):
        headers = {"X-Virus-Infected": "EICAR"}
        raise Refusal(403, "malwareDetected/virusSuspicious", "Malware detected", headers=headers)
    location = signed_url(world, drive, item)
    for fault in call.faults:
        if fault.location is not None:
            location = call.places.fill(fault.location)
    return web.Response(status=302, headers={"Location": location})


def _page(
    world: World,
    drive: Drive,
    items: list[Item],
    body: Json,
    call: Call,
    kind: Request,
    *,
    parents: Container[int] = (),
) -> web.Response:
    select = select_of(call.query.get("$select", call.query.get("select")))
    rendering = Rendering(world, drive, select=select, feed=kind is Request.DELTA)
    changes = world.faults.of_items(kind, target=call.target)
    rows: list[Json] = []
    if any(fault.pages is Pages.WITHOUT_PARENTS for fault in call.faults):
        items = [item for item in items if item.number not in parents]
    for item in items:
        row = rendering.item(item)
        if changes:
            changes.apply(row, item)
        rows.append(row)
    for fault in call.faults:
        rows = _rearranged(rows, fault.pages)
        _relink(body, fault, call)
    return as_json({"@odata.context": f"{world.public_url}/v1.0/$metadata#driveItems", **body, "value": rows})


def _rearranged(rows: list[Json], pages: Pages | None) -> list[Json]:
    match pages:
        case Pages.EMPTY:
            return []
        case Pages.TWICE:
            return [*rows, *(json.loads(json.dumps(row)) for row in rows)]
        case Pages.REVERSED:
            return rows[::-1]
        case Pages.MADE_UP:
            return [{**row, "id": secrets.token_hex(17)} for row in rows]
        case _:
            return rows


def _relink(body: Json, fault: Fault, call: Call) -> None:
    if fault.link is None:
        return
    delta = body.pop("@odata.deltaLink", None)
    link = body.pop("@odata.nextLink", None) or delta
    if fault.link != "none":
        body["@odata.nextLink"] = call.places.fill(fault.link).replace("{link}", str(link))


def root_link(world: World, drive: Drive) -> str:
    return f"{world.public_url}/v1.0/drives/{quote(drive.id, safe='')}/root"


def _feed_link(world: World, drive: Drive, call: Call, token: str, *, last: bool) -> Json:
    options = {key: value for key, value in call.query.items() if key not in {"token", "$deltatoken"}}
    path, _, _ = call.target.partition("?")
    stem = world.public_url + _DELTA_ACTION.sub("", path)
    match world.settings.link_style:
        case LinkStyle.QUERY:
            link = f"{stem}/delta?{_encoded({**options, 'token': token})}"
        case LinkStyle.FUNCTION:
            link = f"{stem}/delta(token='{token}!{_PADDING}')" + (f"?{_encoded(options)}" if options else "")
        case LinkStyle.NAMED:
            root = drive.ids.of(0)
            stem = f"{world.public_url}{version_of(path)}/drives('{drive.id}')/items('{root}')"
            link = f"{stem}/microsoft.graph.delta(token='{token}')"
            link += f"?{_encoded(options)}" if options else ""
    return {"@odata.deltaLink" if last else "@odata.nextLink": link}


def _padding(world: World) -> str:
    return _PADDING if world.settings.link_style is LinkStyle.FUNCTION else ""


def _page_size(world: World, query: dict[str, str]) -> int:
    top = query.get("$top", "")
    return min(int(top), _LARGEST_PAGE) if top.isdigit() and int(top) else world.settings.page_size


def _encoded(query: dict[str, str]) -> str:
    return urlencode(query, quote_via=quote, safe="$,@'")


def parse_query(raw: str) -> dict[str, str]:
    return dict(parse_qsl(raw, keep_blank_values=True))
