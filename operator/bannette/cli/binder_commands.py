"""The commands on what is collected: inbox, history, reprocess, binder."""

from __future__ import annotations

import argparse
from datetime import timedelta
from pathlib import Path

from bannette.cli import help_texts
from bannette.cli.arguments import Parser, add_binder, add_command, add_files, add_output, age, day, whole_number


def add_binder_commands(commands: argparse._SubParsersAction[Parser]) -> None:
    _add_inbox(commands)
    _add_history(commands)
    _add_reprocess(commands)
    _add_binder(commands)


def _add_inbox(commands: argparse._SubParsersAction[Parser]) -> None:
    inbox = add_command(commands, "inbox", "what waits for data entry", examples=help_texts.INBOX_EXAMPLES)
    verbs = inbox.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for verb, summary in (
        ("list", "list what waits for data entry, oldest first"),
        ("show", "show one document: metadata, where its files are, and its text"),
        ("done", "take documents out of the inbox"),
    ):
        command = add_command(verbs, verb, summary, examples=help_texts.INBOX_EXAMPLES)
        command.set_defaults(module="bannette.cli.inbox", verb=verb)
        if verb != "list":
            command.add_argument(
                "ids",
                metavar="ID",
                nargs=1 if verb == "show" else "+",
                help="as the inbox lists it, or as much of its beginning as is unambiguous",
            )
        add_binder(command)
        add_output(command)
    search = add_command(
        verbs,
        "search",
        "find documents by their words",
        description=help_texts.SEARCH,
        examples=help_texts.INBOX_EXAMPLES,
    )
    search.set_defaults(module="bannette.cli.search")
    search.add_argument("words", metavar="WORD", nargs="+", help="a word, words in quotes, or a beginning with *")
    search.add_argument("--all", action="store_true", help="search what is done, too (default: what is in the inbox)")
    search.add_argument(
        "--limit", metavar="N", type=whole_number, default=50, help="at most N documents (default: 50; 0: all)"
    )
    search.add_argument(
        "--index", metavar="DIR", type=Path, help="where the search index is kept (default: ~/.cache/bannette/search)"
    )
    add_binder(search)
    add_output(search)
    serve = add_command(
        verbs, "serve", "serve the binder over HTTP, for the console", description=help_texts.INBOX_SERVE
    )
    serve.set_defaults(module="bannette.cli.inbox_serve")
    serve.add_argument(
        "--listen", metavar="[HOST]:PORT", default="127.0.0.1:8377", help="where (default: 127.0.0.1:8377)"
    )
    serve.add_argument(
        "--idle",
        metavar="SECONDS",
        type=whole_number,
        default=900,
        help="end after so long without a request (default: 900; 0: never)",
    )
    serve.add_argument("--in-cluster", action="store_true", help="in a pod that the operator made")
    add_binder(serve)


def _add_history(commands: argparse._SubParsersAction[Parser]) -> None:
    history = add_command(commands, "history", "list runs, newest first", examples=help_texts.HISTORY_EXAMPLES)
    history.set_defaults(module="bannette.cli.history")
    add_binder(history)
    history.add_argument("--state", metavar="DIR", type=Path, help="show the runs of DIR/status.yaml instead")
    history.add_argument(
        "--limit", metavar="N", type=whole_number, default=20, help="at most N runs (default: 20; 0: all)"
    )
    add_output(history)


def _add_reprocess(commands: argparse._SubParsersAction[Parser]) -> None:
    reprocess = add_command(
        commands,
        "reprocess",
        "read documents of the binder again",
        description=help_texts.REPROCESS,
        examples=help_texts.REPROCESS_EXAMPLES,
    )
    reprocess.set_defaults(module="bannette.cli.reprocess")
    reprocess.add_argument(
        "ids", metavar="ID", nargs="*", help="as the inbox lists it, or as much of its beginning as is unambiguous"
    )
    reprocess.add_argument(
        "--failed", action="store_true", help="all that weren't read: Failed, NeedsPassword, Skipped, Unsupported"
    )
    reprocess.add_argument(
        "--outcome",
        dest="outcomes",
        action="append",
        default=[],
        choices=["Text", "Recognised", "Failed", "NeedsPassword", "Skipped", "Unsupported"],
        help="all that ended so; may be given more than once",
    )
    reprocess.add_argument("--force", action="store_true", help="take the new reading though it has fewer sure words")
    add_files(reprocess)
    reprocess.add_argument("--channel", metavar="NAME", help="whose settings, when the files hold several")
    add_output(reprocess)


def _add_binder(commands: argparse._SubParsersAction[Parser]) -> None:
    binder = add_command(
        commands, "binder", "check a binder, or copy it elsewhere", examples=help_texts.BINDER_EXAMPLES
    )
    verbs = binder.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    verify = add_command(
        verbs,
        "verify",
        "check that a binder is whole",
        description=help_texts.VERIFY,
        examples=help_texts.VERIFY_EXAMPLES,
    )
    verify.set_defaults(module="bannette.cli.verify")
    add_binder(verify)
    verify.add_argument(
        "--content", action="store_true", help="read every original and compare its SHA-256 (default: its size only)"
    )
    verify.add_argument("--repair", action="store_true", help="put back inbox entries and claims that are missing")
    verify.add_argument("--sweep", action="store_true", help="remove what interrupted runs left")
    verify.add_argument(
        "--older-than",
        metavar="AGE",
        type=age,
        default=timedelta(hours=24),
        help="age of what counts as left over: 36h, 7d; at least 12h, since a run may be under way (default: 24h)",
    )
    verify.add_argument("--files-since", metavar="DATE", type=day, help=help_texts.FILES_SINCE)
    add_output(verify)
    copy = add_command(
        verbs, "copy", "copy a binder to another store", description=help_texts.COPY, examples=help_texts.COPY_EXAMPLES
    )
    copy.set_defaults(module="bannette.cli.copy")
    for side, what in (("from", "the binder to copy"), ("to", "where the copy is, or will be")):
        copy.add_argument(
            f"--{side}", metavar="PLACE", dest=f"{side}_places", type=Path, action="append", required=True, help=what
        )
    copy.add_argument("--channel", metavar="NAME", help="whose binder, when the files hold several")
    copy.add_argument("--files-since", metavar="DATE", type=day, help=help_texts.FILES_SINCE)
    copy.add_argument(
        "--leave-damaged",
        action="store_true",
        help="finish though files of the source are missing or damaged; their documents stay collected, without them",
    )
    add_output(copy)
