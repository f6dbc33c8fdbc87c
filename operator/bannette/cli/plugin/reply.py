"""What the plugin and its pods have in common: how a pod is told, and how its answer comes whole through a log.

The collector's image has this module, and not the controller. A log mixes the two streams, breaks long lines, and loses
its beginning when it grows beyond what the kubelet keeps (10 MB by default): compressed, a listing of a hundred
thousand documents stays below that, and the digest tells.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import json
import zlib
from dataclasses import asdict, dataclass
from typing import Final

#: Of a pod: the channel and the binder of its errand, as JSON.
RESOURCES_VARIABLE: Final = "BANNETTE_RESOURCES"
_END: Final = "bannette-reply"
_WIDTH: Final = 4096


@dataclass(frozen=True)
class Reply:
    """How a command ended in a pod: its exit code, and what it wrote."""

    code: int
    output: str
    errors: str


def encoded(reply: Reply) -> str:
    """Return *reply* as lines of ASCII, of which the last one has the digest."""
    data = gzip.compress(json.dumps(asdict(reply)).encode())
    text = base64.b64encode(data).decode()
    lines = [text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)]
    return "\n".join([*lines, f"{_END} {hashlib.sha256(data).hexdigest()}", ""])


def decoded(log: str) -> Reply | None:
    """Return the reply that *log* holds whole; None if it doesn't."""
    lines = log.splitlines()
    end = next((number for number, line in enumerate(lines) if line.startswith(f"{_END} ")), None)
    if end is None:
        return None
    try:
        data = base64.b64decode("".join(lines[:end]), validate=True)
        if hashlib.sha256(data).hexdigest() != lines[end].partition(" ")[2].strip():
            return None
        members = json.loads(gzip.decompress(data))
    except (binascii.Error, zlib.error, OSError, ValueError):
        return None
    return Reply(int(members["code"]), str(members["output"]), str(members["errors"]))
