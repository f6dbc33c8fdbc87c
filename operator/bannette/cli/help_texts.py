"""What ``--help`` says: descriptions, examples, exit codes."""

from __future__ import annotations

from typing import Final

DESCRIPTION: Final = """\
Collects clients' documents from OneDrive, reads them, and puts them in the company's inbox, the bannette.
"""
EXIT_CODES: Final = """\
exit codes:
  0  done
  1  unexpected error: a bug
  2  a person is needed: usage, configuration, sign-in, a missing folder, access refused
  3  transient: repeating may help
"""
MAIN_EXAMPLES: Final = f"""\
examples:
  bannette collect -f acme.yaml           collect what is new, once, on this machine
  bannette connect -f acme.yaml           let the owner of an account sign in, where the app doesn't by itself
  bannette inbox list -f acme.yaml        what waits for data entry
  bannette inbox show 4f1c -f acme.yaml   one document: metadata, files, text
  bannette history -f acme.yaml           the runs, newest first
  bannette reprocess -f acme.yaml --failed   read again what couldn't be read
  bannette binder verify -f acme.yaml     whether the binder is whole

{EXIT_CODES}"""
COLLECT: Final = """\
Do one run of a channel: what is new in the client's OneDrive is downloaded, read (OCR), and put into the binder. What
was collected before is never collected again. The last line of standard output is the run's result as JSON.
"""
COLLECT_EXAMPLES: Final = f"""\
FILE holds a CollectionChannel, its Binder, its Recipient and the Secret with the credentials, as YAML documents; see
manifests/samples/local.yaml. The binder may be a folder beside the file:

  kind: Binder
  metadata: {{name: purchases}}
  spec: {{company: Acme, storage: {{path: inbox-of-acme}}}}

examples:
  bannette collect -f acme.yaml
  bannette collect -f acme.yaml -f secret.yaml     the Secret in a file of its own
  bannette collect -f tenants.yaml --channel acme-onedrive
  30 5 * * *  bannette collect -f /srv/acme.yaml --trigger scheduled      a line of a crontab: once a day
  bannette collect -f acme.yaml | tail -n1 | jq .collected

{EXIT_CODES}"""
CONNECT: Final = """\
Connect the account of a channel whose account is `delegated`: its owner signs in at Microsoft, in a browser that opens
on this machine or, without one, with a code that is entered on any device. The only permission asked for is Files.Read,
to read their files. An account other than loginHint is refused. The tokens are kept in connection.json of the channel's
state folder, for this machine's user alone.
"""
NOTIFY_TEST: Final = """\
Send a sample of a mail that recipients get, by the server that BANNETTE_SMTP_HOST, _PORT, _SECURITY, _FROM,
_USERNAME_FILE, _PASSWORD_FILE and _CA_FILE name: see docs/notifications.md.
"""
NOTIFY_EXAMPLES: Final = f"""\
examples:
  bannette notify test --to marie@acme.example
  bannette notify test --to marie@acme.example --locale fr --kind digest

{EXIT_CODES}"""
CONNECT_EXAMPLES: Final = f"""\
examples:
  bannette connect -f acme.yaml
  bannette connect -f acme.yaml --device-code            the owner signs in on another device
  bannette connect -f acme.yaml --disconnect             remove the tokens
  bannette connect -f acme.yaml --manifest secret.yaml   for a channel in a cluster: what kubectl is to apply there

The application is account.delegated.clientId, or the one that BANNETTE_CLIENT_ID names. It is registered as a public
client with the redirect URI http://localhost (Mobile and desktop applications); device codes need "Allow public client
flows".

{EXIT_CODES}"""
CONNECT_SERVICE: Final = """\
Serve the pages where people connect their accounts, for all channels of a cluster, until SIGTERM. They are reached by
signed links, through something that speaks HTTPS for them.

environment:
  BANNETTE_PUBLIC_URL       the https address of the pages; Microsoft sends people back to /callback there
  BANNETTE_CONNECT_KEYS     a folder with the keys that sign links, one in each file; the last one by name signs
  BANNETTE_CONNECT_ADDRESS  what is listened on (default: 0.0.0.0)
  BANNETTE_CONNECT_PORT     (default: 8080)
  BANNETTE_CONNECT_METRICS_PORT
                            another port, for Prometheus's /metrics; empty or 0: none
  BANNETTE_CLIENT_ID        the application of channels that name none
  BANNETTE_CONSOLE          true: the console, too, at /console of the same address
  BANNETTE_CONSOLE_USER_HEADER, BANNETTE_CONSOLE_GROUPS_HEADER
                            the headers in which a proxy names who is at the console, and their groups
  BANNETTE_API_URL          outside of a pod: the address of `kubectl proxy` on this machine
"""
INBOX_EXAMPLES: Final = f"""\
examples:
  bannette inbox list -f acme.yaml
  bannette inbox list --binder /srv/binder -o json
  bannette inbox show 4f1c -f acme.yaml     an id, or as much of it as is unambiguous
  bannette inbox done 4f1c -f acme.yaml     data entry is done with it
  bannette inbox search -f acme.yaml facture lefevre    documents that have both words; accents make no difference
  bannette inbox search -f acme.yaml "net à payer" fen*  words that follow each other, and the beginning of a word

{EXIT_CODES}"""
INBOX_SERVE: Final = """\
Serve one binder over HTTP: documents with their files, and the history of runs. For the console, which asks the
operator for it; by hand for whoever builds on it. Whoever has the token may read all documents and mark them as done.
BANNETTE_INBOX_READER has the SHA-256 of the token, in hex; there is no TLS, so listen where nobody else listens in.
"""
SEARCH: Final = """\
Find documents that have all of the words, in their text, name, folder, or as the number, date, seller or total of an
electronic invoice. Words are indexed in a file of this machine, which holds the documents' text: the first search of a
binder reads all of it (some 2,000 documents a second from a disk), later ones what is new. It grows to about twice the
size of the texts, and can be removed at any time. The binder itself isn't changed.
"""
HISTORY_EXAMPLES: Final = f"""\
examples:
  bannette history -f acme.yaml             the last 20 runs that collected into the binder
  bannette history -f acme.yaml --limit 0   all of them
  bannette history --state DIR              the last runs, as the channel's status has them
  bannette history -f acme.yaml -o json

{EXIT_CODES}"""
REPROCESS: Final = """\
Read documents again that are in the binder already, with the channel's present settings: another language, a password
that is known by now, a higher limit, a newer version. What is read stands beside what was there, and the record is
amended; the original isn't touched, and nothing comes into the inbox twice. A reading that isn't better is thrown away.
Runs may be under way meanwhile. In a cluster, do it in a pod of the collector's image with the resources as YAML.
"""
REPROCESS_EXAMPLES: Final = f"""\
examples:
  bannette reprocess -f acme.yaml 4f1c                       one document, by the beginning of its id
  bannette reprocess -f acme.yaml --failed                   all that weren't read
  bannette reprocess -f acme.yaml --outcome NeedsPassword    after a password was added to the Secret

{EXIT_CODES}  4  an original isn't what was collected: `bannette binder verify --content` tells more
"""
BINDER_EXAMPLES: Final = f"""\
examples:
  bannette binder verify -f acme.yaml                       whether the binder is whole
  bannette binder copy --from acme.yaml --to new.yaml       to another folder or bucket

{EXIT_CODES}  4  damage was found
"""
FILES_SINCE: Final = (
    "the files of documents collected before DATE may be gone: they were removed by your rules on retention"
)
VERIFY: Final = """\
Check that a binder is whole: that every record can be read and belongs to its key, that every file that it names is
there with the right size, that what isn't processed is in the inbox, that repeated bytes are recognised, and that the
channels' states can be read. Runs may be under way meanwhile. Nothing is changed unless --repair or --sweep is given.

Interrupted runs leave files, inbox entries and temporary objects that no record names. They harm nothing; --sweep
removes those that are older than a day. In a binder whose records are in doubt nothing is swept.
"""
VERIFY_EXAMPLES: Final = """\
examples:
  bannette binder verify -f acme.yaml
  bannette binder verify -f acme.yaml --content             read every original too: after a failure of the disk
  bannette binder verify -f acme.yaml --sweep               once a month, say
  bannette binder verify -f acme.yaml --repair              put back inbox entries and claims that are missing
  bannette binder verify --binder /srv/binder -o json | jq .damage
  bannette binder verify -f acme.yaml --files-since 2016-01-01      older documents were removed: retention

exit codes:
  0  the binder is whole, or was repaired; leftovers alone are harmless
  2  it can't be checked: usage, no binder, access refused
  3  transient: repeating may help
  4  damage was found; it is listed by kind, with the ids of the first 20 documents
"""
COPY: Final = """\
Copy a binder to another store, so that it can take the place of the first one. The destination must be empty, or a
copy of the same binder: what it has already isn't copied again, so a copy that was interrupted is finished, and one of
a binder that grew since is brought up to date, by the same command. Until everything is there no run and no reader
opens the destination. The source is only read; runs may go on there. Originals are verified by their SHA-256.
"""
COPY_EXAMPLES: Final = """\
PLACE is the binder's folder, or a YAML file with the Binder (and the Secret of its bucket), as for `bannette collect`;
files may be given more than once.

examples:
  bannette binder copy --from acme.yaml --to new.yaml       new.yaml: the same Binder with another storage
  bannette binder copy --from /srv/binder --to /mnt/binder
  bannette binder copy --from acme.yaml --to new.yaml --to secret.yaml      the bucket's Secret in a file of its own

to move a channel to the copy:
  1. bannette binder copy --from acme.yaml --to new.yaml    the long part; runs may go on meanwhile
  2. stop the runs: take the line out of the crontab, or suspend the channels in the cluster
  3. bannette binder copy --from acme.yaml --to new.yaml    what came since
  4. bannette binder verify -f new.yaml --content
  5. collect with new.yaml; docs/record.md says how in a cluster, where a Binder is made again under its name

exit codes:
  0  the destination is complete
  2  a person is needed: usage, a destination that isn't empty or was used, access refused
  3  transient: repeat the command, it goes on where it stopped
  4  files of the source are missing or damaged: the destination isn't finished, unless --leave-damaged is given
"""
