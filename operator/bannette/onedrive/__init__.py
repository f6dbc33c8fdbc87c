"""OneDrive through Microsoft sign-in and Microsoft Graph: what changed, and the bytes."""

from bannette.onedrive.authority import Certificate
from bannette.onedrive.connection import Client, Connection, TokenStore, pinned_account, same_account, settled
from bannette.onedrive.consent import Consent, DeviceCode, Visit, admin_consent_url
from bannette.onedrive.delegated import DelegatedSignIn
from bannette.onedrive.download import Download, download
from bannette.onedrive.drives import get_item, open_drive
from bannette.onedrive.endpoints import Endpoints, endpoints_for
from bannette.onedrive.errors import CursorLost, ItemGone, Refused, Unavailable
from bannette.onedrive.graph import Graph, Kind, Patience, Usage, default_user_agent
from bannette.onedrive.identity import Drive, DriveKind, document_id
from bannette.onedrive.items import Item, ItemKind, parse_item, triage
from bannette.onedrive.positions import WHOLE_DRIVE, FolderLink, Page, Position
from bannette.onedrive.quickxor import QuickXorHash
from bannette.onedrive.signin import ApplicationCredentials, SignIn, Tokens
from bannette.onedrive.throttle import Clock, SystemClock
from bannette.onedrive.walk import changes

__all__ = [
    "WHOLE_DRIVE",
    "ApplicationCredentials",
    "Certificate",
    "Client",
    "Clock",
    "Connection",
    "Consent",
    "CursorLost",
    "DelegatedSignIn",
    "DeviceCode",
    "Download",
    "Drive",
    "DriveKind",
    "Endpoints",
    "FolderLink",
    "Graph",
    "Item",
    "ItemGone",
    "ItemKind",
    "Kind",
    "Page",
    "Patience",
    "Position",
    "QuickXorHash",
    "Refused",
    "SignIn",
    "SystemClock",
    "TokenStore",
    "Tokens",
    "Unavailable",
    "Usage",
    "Visit",
    "admin_consent_url",
    "changes",
    "default_user_agent",
    "document_id",
    "download",
    "endpoints_for",
    "get_item",
    "open_drive",
    "parse_item",
    "pinned_account",
    "same_account",
    "settled",
    "triage",
]
