"""The custom resources as typed objects: parsing, validation, and the model of a channel's status. Pure.

Raw mappings end here: ``Channel.parse(body)`` returns a frozen object with its defaults filled in, or raises
`InvalidResource` with the field's path and what to write instead, in the words of the CRDs.
"""

from bannette.resources.binder import (
    Addressing,
    AzureBlobStorage,
    Binder,
    Bucket,
    EventSink,
    GcsStorage,
    OnDuplicate,
    PathStorage,
    PersistentVolumeClaim,
    S3Storage,
    Storage,
)
from bannette.resources.channel import CaBundle, Channel, CollectorSettings, SourceType
from bannette.resources.connection import (
    SIGN_IN_LOST,
    CheckOutcome,
    ConnectionCheck,
    ConnectionStatus,
    ConnectionVerdict,
    PagesStatus,
)
from bannette.resources.documents import load_documents
from bannette.resources.fields import InvalidResource
from bannette.resources.history import ActiveRun, HistoryEntry, RunResult, Trigger, upsert_history
from bannette.resources.inbox_status import InboxState, InboxStatus
from bannette.resources.names import (
    ACCOUNT_ANNOTATION,
    ADOPT,
    API_VERSION,
    BINDERS,
    CHANNELS,
    CHECK_CONNECTION,
    CONNECTED_AT_ANNOTATION,
    CONNECTION_ID_ANNOTATION,
    DISCONNECT,
    DISCONNECTED_ANNOTATION,
    GROUP,
    INBOX_OPENED,
    INBOX_READER,
    RECIPIENTS,
    REQUESTED_AT,
    TOKEN_KEY,
    VERSION,
    token_secret_name,
)
from bannette.resources.ocr import OcrLimits, OcrSettings
from bannette.resources.onedrive import ApplicationAccount, Cloud, DelegatedAccount, OneDriveSource
from bannette.resources.recipient import Locale, MailWishes, Recipient
from bannette.resources.recipient_status import Asked, Attempt, MailedChannel, RecipientStatus, SentMail, Standing
from bannette.resources.schedule import Schedule, default_time
from bannette.resources.status import (
    ChannelStatus,
    Checkpoint,
    Condition,
    ConditionStatus,
    ScheduleStatus,
    drop_condition,
    set_condition,
)
from bannette.resources.times import format_time, parse_time

__all__ = [
    "ACCOUNT_ANNOTATION",
    "ADOPT",
    "API_VERSION",
    "BINDERS",
    "CHANNELS",
    "CHECK_CONNECTION",
    "CONNECTED_AT_ANNOTATION",
    "CONNECTION_ID_ANNOTATION",
    "DISCONNECT",
    "DISCONNECTED_ANNOTATION",
    "GROUP",
    "INBOX_OPENED",
    "INBOX_READER",
    "RECIPIENTS",
    "REQUESTED_AT",
    "SIGN_IN_LOST",
    "TOKEN_KEY",
    "VERSION",
    "ActiveRun",
    "Addressing",
    "ApplicationAccount",
    "Asked",
    "Attempt",
    "AzureBlobStorage",
    "Binder",
    "Bucket",
    "CaBundle",
    "Channel",
    "ChannelStatus",
    "CheckOutcome",
    "Checkpoint",
    "Cloud",
    "CollectorSettings",
    "Condition",
    "ConditionStatus",
    "ConnectionCheck",
    "ConnectionStatus",
    "ConnectionVerdict",
    "DelegatedAccount",
    "EventSink",
    "GcsStorage",
    "HistoryEntry",
    "InboxState",
    "InboxStatus",
    "InvalidResource",
    "Locale",
    "MailWishes",
    "MailedChannel",
    "OcrLimits",
    "OcrSettings",
    "OnDuplicate",
    "OneDriveSource",
    "PagesStatus",
    "PathStorage",
    "PersistentVolumeClaim",
    "Recipient",
    "RecipientStatus",
    "RunResult",
    "S3Storage",
    "Schedule",
    "ScheduleStatus",
    "SentMail",
    "SourceType",
    "Standing",
    "Storage",
    "Trigger",
    "default_time",
    "drop_condition",
    "format_time",
    "load_documents",
    "parse_time",
    "set_condition",
    "token_secret_name",
    "upsert_history",
]
