"""What the pod of an errand runs: a command of ``bannette`` on its binder, or the probes of ``doctor``.

The pod may not read the API: its environment has the channel and the binder. All that is written goes into one reply.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from bannette.cli.plugin.reply import RESOURCES_VARIABLE, Reply, encoded

VOLUME: Final = Path("/binder")
STORE: Final = Path("/etc/bannette/store")
EVENTS_CA: Final = Path("/etc/bannette/events-ca/ca.crt")
PROBE: Final = "probe"

Json = dict[str, Any]


def answer(
    words: Sequence[str],
    resources: Sequence[Json],
    *,
    volume: Path = VOLUME,
    store: Path = STORE,
    events_ca: Path = EVENTS_CA,
) -> Reply:
    """Do what *words* say on the binder of *resources*.

    Args:
        resources: a channel and its binder.
        volume: where the binder's volume is mounted.
        store: where the Secret of the binder's bucket is mounted.
        events_ca: the file with the authorities for the binder's sink.
    """
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            code = _run(words, _placed(resources, volume, store), events_ca)
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
    return Reply(code, output.getvalue(), errors.getvalue())


def _run(words: Sequence[str], resources: Sequence[Json], events_ca: Path) -> int:
    with _in_memory(json.dumps({"kind": "List", "items": resources})) as file:
        if words[0] == PROBE:
            from bannette.cli.plugin.probes import probe

            print(json.dumps([finding.to_dict() for finding in probe(file, os.environ, events_ca=events_ca)]))
            return 0
        from bannette.cli.main import main

        return main([*words, "-f", str(file)])


def _placed(resources: Sequence[Json], volume: Path, store: Path) -> list[Json]:
    """Return *resources* as a file without Kubernetes has them: the binder where it is mounted, its Secret in plain."""
    placed: list[Json] = []
    for body in resources:
        if body["kind"] != "Binder":
            placed.append(body)
            continue
        storage = cast("Mapping[str, Json]", body["spec"]["storage"])
        if "persistentVolumeClaim" in storage:
            placed.append({**body, "spec": {**body["spec"], "storage": {"path": str(volume)}}})
            continue
        placed.append(body)
        for bucket in storage.values():
            if secret := (bucket.get("credentialsSecret") or {}).get("name"):
                placed.append(_secret(body["metadata"]["namespace"], secret, store))
    return placed


def _secret(namespace: str, name: str, folder: Path) -> Json:
    from bannette.collector.assignment import secret_in_folder

    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": secret_in_folder(folder)}


@contextlib.contextmanager
def _in_memory(text: str) -> Iterator[Path]:
    """Give *text* a path for as long as the block lasts: it may hold a Secret, which no disk needs to have."""
    descriptor = os.memfd_create("resources.yaml")
    try:
        with open(descriptor, "w", encoding="utf-8", closefd=False) as file:
            file.write(text)
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def run_errand() -> int:
    """Do the errand of this pod; the pod succeeds if it could answer."""
    # The first process of a container ends by no signal that it doesn't handle.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    sys.stdout.write(encoded(answer(sys.argv[1:], json.loads(os.environ[RESOURCES_VARIABLE]))))
    return 0


if __name__ == "__main__":
    sys.exit(run_errand())
