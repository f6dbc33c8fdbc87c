"""English."""

from __future__ import annotations

from typing import Final

from bannette.notify.languages.texts import Counted, Kind, Texts

_WHAT_HAPPENS = (
    "The link opens a page that says who asks for what, and leads on to Microsoft. There you sign in with the account "
    "named above and allow one thing: that its files are read. Nothing in your OneDrive is changed or deleted, your "
    "password stays with Microsoft, and you can disconnect whenever you want."
)
_IF_UNKNOWN = "If you don't know {companies}, ignore this mail: without you nothing is collected."
_GOES_ON = "What you add to the folder from now on is collected once a day. There is nothing more for you to do."

ENGLISH: Final = Texts(
    tag="en",
    singular_below=2,
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    day="{day} {month} {year}",
    first_of_month="{day} {month} {year}",
    conjunction="and",
    colon=":",
    greeting="Hello {name},",
    company="Company",
    folder="Folder",
    whole_drive="the whole OneDrive",
    account="Account",
    channel="Reference",
    since="Since",
    lapses="Lapses on",
    new="New documents",
    duplicates="Already there",
    deferred="To be tried again",
    rejected="Can't be collected",
    why="Reason",
    link_works_until="The link works until {date}.",
    last_run_failed="The last attempt failed; it is repeated by itself.",
    footer="This mail was sent by Bannette, the program that collects documents for {companies}. Please don't answer "
    "it.",
    connect=Kind(
        subject="{company}: connect your OneDrive",
        subject_of_several="Connect your OneDrive",
        heading="Connect your OneDrive",
        opening=Counted(
            "So that your documents reach {companies} by themselves, once a day, please connect this OneDrive:",
            "So that your documents reach {companies} by themselves, once a day, please connect these {n} OneDrives:",
        ),
        closing=(_WHAT_HAPPENS, _IF_UNKNOWN),
        action="Connect {account}",
    ),
    lost_connection=Kind(
        subject="{company}: your OneDrive is no longer connected",
        subject_of_several="Your OneDrive is no longer connected",
        heading="Your OneDrive is no longer connected",
        opening=Counted(
            "No more documents reach {companies} from this OneDrive, since its connection was lost. Nothing is "
            "missing: what you add meanwhile is collected once you have connected it again.",
            "No more documents reach {companies} from these {n} OneDrives, since their connections were lost. Nothing "
            "is missing: what you add meanwhile is collected once you have connected them again.",
        ),
        closing=(_WHAT_HAPPENS,),
        action="Connect {account} again",
    ),
    reminder=Kind(
        subject="Reminder: {company} waits for your OneDrive",
        subject_of_several="Reminder: your OneDrive isn't connected yet",
        heading="Your OneDrive isn't connected yet",
        opening=Counted(
            "You were asked to connect this OneDrive before. Until it is connected, no document reaches {companies} "
            "from it.",
            "You were asked to connect these {n} OneDrives before. Until they are connected, no document reaches "
            "{companies} from them.",
        ),
        closing=(_WHAT_HAPPENS, _IF_UNKNOWN),
        action="Connect {account}",
    ),
    lapsing=Kind(
        subject="{company}: the connection to your OneDrive is about to lapse",
        subject_of_several="The connection to your OneDrive is about to lapse",
        heading="The connection to your OneDrive is about to lapse",
        opening=Counted(
            "Nothing has been collected from this OneDrive for a long time, and Microsoft ends connections that "
            "nobody uses. If documents are to reach {companies} from it later on, renew the connection; if not, there "
            "is nothing for you to do.",
            "Nothing has been collected from these {n} OneDrives for a long time, and Microsoft ends connections that "
            "nobody uses. If documents are to reach {companies} from them later on, renew the connections; if not, "
            "there is nothing for you to do.",
        ),
        closing=(),
        action="Renew the connection of {account}",
    ),
    first=Kind(
        subject="{company}: your first documents have arrived",
        subject_of_several="Your first documents have arrived",
        heading="Your first documents have arrived",
        opening=Counted(
            "The first collection from this OneDrive for {companies} is done:",
            "The first collections from these {n} OneDrives for {companies} are done:",
        ),
        closing=(_GOES_ON,),
    ),
    first_empty=Kind(
        subject="{company}: your OneDrive is connected",
        subject_of_several="Your OneDrive is connected",
        heading="Your OneDrive is connected",
        opening=Counted(
            "The first collection from this OneDrive for {companies} is done. There was no new document in it yet.",
            "The first collections from these {n} OneDrives for {companies} are done. There was no new document in "
            "them yet.",
        ),
        closing=(_GOES_ON,),
    ),
    digest=Kind(
        subject="{company}: your documents of {day}",
        subject_of_several="Your documents of {day}",
        heading="Your documents of {day}",
        opening=Counted(
            "What was collected for {companies} on {day}:",
            "What was collected for {companies} on {day}, from {n} OneDrives:",
        ),
        closing=(),
    ),
    failure=Kind(
        subject="{company}: documents can't be collected",
        subject_of_several="Documents can't be collected",
        heading="Documents can't be collected",
        opening=Counted(
            "At present no documents reach {companies} from this OneDrive. None of them is lost: they are collected "
            "once the cause is gone.",
            "At present no documents reach {companies} from these {n} OneDrives. None of them is lost: they are "
            "collected once the cause is gone.",
        ),
        closing=(),
    ),
    lost={
        "ConnectionExpired": "The connection wasn't used for too long.",
        "ConnectionRevoked": "The connection was revoked at Microsoft.",
        "PasswordChanged": "The password of the account was changed.",
        "SignInFrequency": "Your organisation wants people to sign in again after a while.",
        "ConditionalAccess": "A policy of your organisation doesn't allow it: ask its administrator.",
        "AccountGone": "The account no longer exists.",
        "AccountDisabled": "The account is disabled.",
        "SecondFactorNeeded": "Microsoft wants you to confirm the sign-in with a second factor.",
        "ConsentWithdrawn": "The permission to read the files was withdrawn.",
        "AdminConsentNeeded": "Your organisation doesn't let everybody allow applications: pass the address below on "
        "to its Microsoft 365 administrator, and connect again once they have agreed.",
        "UserNotAssigned": "Your organisation keeps the application for some accounts: ask its Microsoft 365 "
        "administrator to assign {account} to the application {application}, then connect again.",
    },
    consent="To be passed on to the administrator",
    failed={
        "FolderNotFound": "The folder {folder} isn't in the OneDrive of {account}: put it back, or tell the company "
        "its new name.",
        "FolderIsShortcut": "The folder {folder} is a shortcut to another OneDrive: put a folder of your own in its "
        "place, or tell the company whose it is.",
        "DriveNotFound": "{account} has no OneDrive yet: open onedrive.com with it once.",
        "DriveLocked": "The OneDrive of {account} is locked: ask your administrator, or Microsoft.",
        "AdminConsentNeeded": "Microsoft wants an administrator to agree: ask the one of your organisation to allow "
        "the application {application} in Entra.",
        "UserNotAssigned": "Your organisation keeps the application for some accounts: ask its Microsoft 365 "
        "administrator to assign {account} to the application {application} in Entra.",
    },
    failed_otherwise="It is tried again every day. If it lasts, tell the company the reason that stands above.",
)
