"""Where documents are collected: the store, the records, the inbox, the state between runs, the run reports.

The binder decides what was collected already. A document is collected if and only if its record exists; the record is
put only if it is absent, after everything that it names is durable.
"""

from bannette.binder.binder import Binder
from bannette.binder.fields import Unreadable
from bannette.binder.known import KnownIds
from bannette.binder.layout import part_id
from bannette.binder.locations import (
    AzureLocation,
    GcsLocation,
    Location,
    S3Location,
    StorePath,
    address,
    open_store,
)
from bannette.binder.outbox import Outbox
from bannette.binder.records import (
    ChannelRef,
    CommitOutcome,
    Committed,
    InboxEntry,
    Invoice,
    NewDocument,
    OcrFacts,
    OcrOutcome,
    OnDuplicate,
    Record,
)
from bannette.binder.state import PendingItem, State, StateAdvanced
from bannette.binder.store import Meta, Store
from bannette.binder.store_errors import AlreadyExists, NotFound

__all__ = [
    "AlreadyExists",
    "AzureLocation",
    "Binder",
    "ChannelRef",
    "CommitOutcome",
    "Committed",
    "GcsLocation",
    "InboxEntry",
    "Invoice",
    "KnownIds",
    "Location",
    "Meta",
    "NewDocument",
    "NotFound",
    "OcrFacts",
    "OcrOutcome",
    "OnDuplicate",
    "Outbox",
    "PendingItem",
    "Record",
    "S3Location",
    "State",
    "StateAdvanced",
    "Store",
    "StorePath",
    "Unreadable",
    "address",
    "open_store",
    "part_id",
]
