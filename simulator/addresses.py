"""What a Graph URL points to: a drive, an item by id or path, and what is asked of it. Reads raw paths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

_VERSION = re.compile(r"^/(?:[^/]+/)?v(?:1|2)\.0(?=/)|^/(?:[^/]+/)?beta(?=/)")
_RESOURCE = re.compile(
    r"""^/(?: (?P<me>me)/drive
          | users/(?P<user>[^/]+)/drive
          | drives/(?P<drive>[^/:]+)
          | drives\('(?P<named_drive>[^']+)'\) )
        (?: /(?: root | items/(?P<item>[^/:]+) | items\('(?P<named_item>[^']+)'\) | (?P<bare_root>root(?=\()) )
            (?: :(?P<path>/[^:]*) (?: :(?=/|$) | $ ) )?
            (?P<rooted>)
            (?: /(?P<action>[^/]+) )?
        )?
        /?$""",
    re.VERBOSE,
)
_DELTA = re.compile(r"^(?:microsoft\.graph\.)?delta(?:\((?:token='(?P<token>[^']*)')?\))?$")


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed Graph URL.

    Attributes:
        me: the signed-in person's own drive; user: a person by UPN or object id; drive: a drive by id.
        item: an item's id, None for the root; meaningless without ``inside``.
        path: decoded path below the item, None if there is none.
        inside: the address goes on into the drive, to an item.
        action: "", "children", "content", "delta", or what else is asked.
        token: of ``delta(token='…')``, raw.
    """

    me: bool
    user: str | None
    drive: str | None
    item: str | None
    path: str | None
    inside: bool
    action: str
    token: str | None


def version_of(raw_path: str) -> str:
    """Return the part of a raw path that names the version, "" without one."""
    found = _VERSION.match(raw_path)
    return found[0] if found else ""


def parse(raw_path: str) -> Address | None:
    """Read a raw path, None if it isn't Graph's or isn't about drives.

    The same handlers serve ``/v1.0/…`` and ``/<anything>/v2.0/…``, where rclone's ``tenant_url`` leads.
    """
    version = _VERSION.match(raw_path)
    if version is None:
        return None
    found = _RESOURCE.match(raw_path[version.end() :])
    if found is None:
        return None
    action = found["action"] or ""
    token = None
    delta = _DELTA.match(unquote(action))
    if delta is not None:
        token = _DELTA.match(action)["token"] if _DELTA.match(action) else delta["token"]  # type: ignore[index]
        action = "delta"
    item = found["item"] or found["named_item"]
    drive = found["drive"] or found["named_drive"]
    return Address(
        me=found["me"] is not None,
        user=unquote(found["user"]) if found["user"] else None,
        drive=unquote(drive) if drive else None,
        item=unquote(item) if item else None,
        path=unquote(found["path"]) if found["path"] is not None else None,
        inside=found["rooted"] is not None,
        action=action,
        token=token,
    )
