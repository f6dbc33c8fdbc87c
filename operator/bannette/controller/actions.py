"""What reconcile may do to the cluster: decided in `plan`, done in `apply`."""

from __future__ import annotations

from dataclasses import dataclass

from bannette.controller.api import Manifest
from bannette.controller.events import Announcement
from bannette.controller.names import Kind


@dataclass(frozen=True)
class Confirm:
    """Make sure that the channel is as it was, before a run or a Secret is made for it: its watch may be behind.

    Other children of a channel that is gone go by themselves: the garbage collector takes them.
    """

    resource_version: str


@dataclass(frozen=True)
class Apply:
    """Make the object with that uid have these fields; without one, make it."""

    kind: Kind
    manifest: Manifest
    uid: str | None = None


@dataclass(frozen=True)
class Create:
    """Create the object, unless its name is taken."""

    kind: Kind
    manifest: Manifest


@dataclass(frozen=True)
class Delete:
    """Delete this very object."""

    kind: Kind
    name: str
    uid: str


@dataclass(frozen=True)
class Suspend:
    """Let this very CronJob start nothing more."""

    name: str
    uid: str


@dataclass(frozen=True)
class PatchStatus:
    """Merge this into the channel's status; if its version is still the given one."""

    status: Manifest
    resource_version: str | None = None


@dataclass(frozen=True)
class Announce:
    """Tell people."""

    announcement: Announcement


Action = Confirm | Apply | Create | Delete | Suspend | PatchStatus | Announce
