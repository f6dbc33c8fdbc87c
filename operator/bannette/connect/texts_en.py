"""The pages' words in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TEXTS: Final[Mapping[str, str]] = {
    "whole_drive": "the whole OneDrive",
    "company": "Company",
    "folder": "Folder",
    "account": "Account",
    "channel": "Reference",
    "connected_at": "Connected on",
    "last_run": "Last collection",
    "next_run": "Next collection",
    "ask_title": "Connect your OneDrive",
    "ask_heading": "{company} asks to collect documents from your OneDrive",
    "ask_intro": "Once it is connected, new documents are collected once a day and handed to the company’s data "
    "entry. You sign in at Microsoft, once.",
    "lost": "The account was connected, and Microsoft doesn’t accept that connection any more: please sign in again.",
    "lost_consent": "The account was connected, and your organisation now wants its Microsoft 365 administrator to "
    "agree: pass this address on, and go on here once they have agreed.",
    "lost_assignment": "The account was connected, and your organisation now keeps the application for some accounts: "
    "ask its Microsoft 365 administrator to assign {account} to the application {application}, then go on here.",
    "ask_what": "Who asks for what",
    "ask_rights": "What will be read",
    "right_read": "Microsoft will ask you for one permission: to read your files (Files.Read). Nothing else.",
    "right_folder": "It covers all files of the account; documents are taken from {folder} only.",
    "right_drive": "It covers all files of the account, and documents are taken from all its folders.",
    "right_nothing": "Nothing is changed, moved or deleted in your OneDrive, and your password is never seen here.",
    "right_end": "You can disconnect at any time, on this page or at Microsoft.",
    "go": "Continue to Microsoft",
    "go_note": "The next page is Microsoft’s ({authority}). Choose the account {account} there: no other one is taken.",
    "connected_title": "Connected",
    "connected_heading": "Your OneDrive is connected",
    "connected_intro": "Thank you: nothing more is to be done. You may close this page.",
    "next": "What happens now",
    "next_first": "The first collection begins within a few minutes. Then documents are collected once a day.",
    "next_daily": "Documents are collected once a day.",
    "next_suspended": "{company} has paused collections: nothing is collected until it resumes them.",
    "end": "To disconnect",
    "end_note": "What was collected stays with {company}; nothing more is collected.",
    "disconnect": "Disconnect…",
    "disconnect_title": "Disconnect",
    "disconnect_heading": "Disconnect {account}?",
    "disconnect_intro": "Your sign-in is removed, and {company} collects nothing more from your OneDrive. What was "
    "collected stays.",
    "disconnect_yes": "Disconnect",
    "disconnect_no": "Keep it connected",
    "disconnected_title": "Disconnected",
    "disconnected_heading": "Your OneDrive is disconnected",
    "disconnected_intro": "Your sign-in was removed: {company} collects nothing more.",
    "withdraw": "To withdraw the permission at Microsoft too:",
    "withdraw_work": "for work and school",
    "withdraw_home": "for personal accounts",
    "connect_again": "Connect again",
    "allowed_title": "Allowed",
    "allowed_heading": "The application is allowed",
    "allowed_intro": "Thank you. Whoever sent you here can now open their link once more, and connect their account.",
    "doorstep_title": "The link",
    "doorstep_heading": "The link is in your mail",
    "doorstep_intro": "You were sent a mail with a link, which opens this page for you. Look for it among unwanted "
    "mail, too; of several mails take the latest.",
    "doorstep_send": "Send the mail again",
    "doorstep_note": "It goes to the address that it went to before, whoever asks for it.",
    "doorstep_ask": "If you can’t find it, ask the company that wants your documents for a link.",
    "doorstep_again": "Have a new link sent",
    "sent_title": "Look into your mail",
    "sent_heading": "Look into your mail",
    "sent_intro": "If an account waits to be connected here, its owner gets a mail with a new link.",
    "sent_note": "It may take some minutes, an hour if the last mail is recent, and longer if others were asked for "
    "before: no more than three go in a day. You may close this page.",
    "try_again": "Open the page again",
    "detail": "For the company’s contact, who can put it right",
    "admin_link": "Page for the administrator",
    "fault_no_page": "There is no such page",
    "todo_no_page": "Open the link of the mail once more, whole: some programs cut long links in two.",
    "fault_method": "That doesn’t work here",
    "todo_method": "Open the link of the mail once more.",
    "fault_request": "That can’t be understood",
    "todo_request": "Open the link of the mail once more.",
    "fault_too_large": "That is too much",
    "todo_too_large": "Open the link of the mail once more.",
    "fault_link_forged": "This link isn’t valid",
    "todo_link_forged": "Open the link of the mail once more, whole: some programs cut long links in two. If that "
    "doesn’t help, ask the company that sent it for a new one.",
    "fault_link_expired": "This link has expired",
    "todo_link_expired": "Ask the company that sent it for a new one. If your account is connected, nothing is to be "
    "done: it stays connected.",
    "fault_channel_gone": "This link leads nowhere any more",
    "todo_channel_gone": "What it was made for doesn’t exist any more, so nothing is to be done. If you were asked "
    "again, take the link of the latest mail.",
    "fault_nothing_to_connect": "Nothing is to be connected",
    "todo_nothing_to_connect": "Documents are collected without your sign-in. You may close this page.",
    "fault_not_ready": "Not ready yet",
    "todo_not_ready": "Something is still being prepared. Open the page again in a minute.",
    "fault_form": "Please try once more",
    "todo_form": "The page was open for too long, or its cookies are blocked. Open it again, and allow its cookies: "
    "they are needed until you are back from Microsoft.",
    "fault_visit_foreign": "This sign-in wasn’t begun here",
    "todo_visit_foreign": "Nothing was kept. Open the link of the mail, and go on to Microsoft from there, in one "
    "browser and with its cookies allowed.",
    "fault_visit_used": "This sign-in is over",
    "todo_visit_used": "A sign-in is good for one answer, and this one was used, or others took its place. Open the "
    "page again to see whether the account is connected.",
    "fault_visit_expired": "The sign-in took too long",
    "todo_visit_expired": "Nothing was kept. Open the page again, and sign in at Microsoft within 15 minutes.",
    "fault_disconnected": "The account was disconnected meanwhile",
    "todo_disconnected": "Somebody disconnected it after this sign-in had begun, so nothing was kept, and nothing is "
    "collected. If it is to be connected all the same, open the page again.",
    "fault_wrong_account": "That was another account",
    "todo_wrong_account": "Nothing was kept. Open the page again, and at Microsoft choose the account that the page "
    "names. Sign out there first if another one is taken by itself.",
    "fault_other_person": "That isn’t the account of before",
    "todo_other_person": "It has the same name, but Microsoft says that it is another one, so nothing was kept. If it "
    "is the right one, open the page again, disconnect the earlier one, and connect again.",
    "fault_declined": "You declined",
    "todo_declined": "Nothing was kept, and nothing is collected. If you have changed your mind, open the page again.",
    "fault_admin": "Your administrator must agree",
    "todo_admin": "Your organisation doesn’t let people allow applications by themselves. Send the address below to "
    "its administrator of Microsoft 365; once they have agreed, open the page again.",
    "fault_not_allowed": "The application isn’t allowed",
    "todo_not_allowed": "Microsoft says that nobody agreed, so nothing has changed. To allow it after all, open the "
    "address that you were sent once more, sign in as an administrator of your organisation, and agree.",
    "fault_policy": "Your organisation doesn’t allow it",
    "todo_policy": "Microsoft let nobody sign in, for the reason below. Show it to your organisation’s administrator, "
    "or to the company that asked you.",
    "fault_configuration": "Something is set up wrongly",
    "todo_configuration": "It isn’t your fault, and you can’t put it right. Please send the line below to the company "
    "that asked you, and open the page again when they say so.",
    "fault_unavailable": "Not available at the moment",
    "todo_unavailable": "A service that is needed doesn’t answer. Open the page again in a minute.",
    "fault_bug": "Something went wrong",
    "todo_bug": "It isn’t your fault, and it was noted. Open the page again in a few minutes.",
}
