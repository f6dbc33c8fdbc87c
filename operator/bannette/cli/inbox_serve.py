"""``bannette inbox serve``: a binder over HTTP, for the console."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping

from bannette.binder import Binder, Store, open_store
from bannette.cli.binders import binder_location, existing_store
from bannette.errors import PersonNeeded

#: The SHA-256 of the token that is let in, and in a pod the Binder as JSON: the operator sets both.
DIGEST_VARIABLE = "BANNETTE_INBOX_READER"
BINDER_VARIABLE = "BANNETTE_BINDER"


def run(arguments: argparse.Namespace) -> int:
    from bannette.reader.serve import serve

    host, _, port = arguments.listen.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise PersonNeeded("--listen must be HOST:PORT, or :PORT for all addresses.", reason="Usage")
    if arguments.in_cluster:
        store, uid = _of_pod(os.environ)
    else:
        store = existing_store(binder_location(arguments))
        uid = Binder.existing(store).uid
    serve(
        store,
        uid=uid,
        digest=os.environ.get(DIGEST_VARIABLE, ""),
        address=host.strip("[]") or "0.0.0.0",  # noqa: S104 - a pod's own address
        port=int(port),
        idle_seconds=arguments.idle,
    )
    return 0


def _of_pod(environ: Mapping[str, str]) -> tuple[Store, str]:
    """Return the store of the Binder that this pod is for, and its uid.

    Raises: PersonNeeded: NotInCluster, StoreCredentialsMissing, …
    """
    from bannette.collector import mounted_storage
    from bannette.resources import Binder as BinderResource

    body = environ.get(BINDER_VARIABLE)
    if not body:
        raise PersonNeeded(
            f"--in-cluster is for the pods that the operator makes ({BINDER_VARIABLE} is not set): use -f FILE.",
            reason="NotInCluster",
        )
    binder = BinderResource.parse(json.loads(body))
    return open_store(mounted_storage(binder)), binder.uid
