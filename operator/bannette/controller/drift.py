"""Whether an object still says what was applied to it. Pure.

Full objects are compared, by the fields that Bannette sets: a hash of what was applied doesn't see what others changed.
Fields that the API server fills in, and entries that others added to lists which are merged by key, are theirs; in all
other lists an entry more is drift (a rule in a Role).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final, cast

import orjson

from bannette.controller.api import Manifest
from bannette.controller.names import DESIRED_ANNOTATION
from bannette.controller.quantities import parse_quantity

_MERGE_KEYS: Final = {
    "containers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "ownerReferences": "uid",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
_QUANTITIES: Final = frozenset({"requests", "limits"})


def sealed(manifest: Manifest) -> Manifest:
    """Return *manifest* with an annotation that changes whenever it does.

    It shows that a field was dropped from the manifest, which the comparison of fields can't see.
    """
    text = orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS)
    metadata = cast("Manifest", manifest["metadata"])
    annotations = cast("Mapping[str, str]", metadata.get("annotations") or {})
    digest = hashlib.sha256(text).hexdigest()[:16]
    return manifest | {"metadata": metadata | {"annotations": {**annotations, DESIRED_ANNOTATION: digest}}}


def differs(desired: object, observed: object, *, member: str = "") -> bool:
    """Tell whether *observed* lacks, or says otherwise, anything of *desired*."""
    # Most of an object is as it was applied, and Python compares that by itself.
    if desired == observed:
        return False
    if isinstance(desired, dict):
        if not isinstance(observed, dict):
            # What is empty may be left out by the API server.
            return bool(desired) or observed is not None
        if member in _QUANTITIES:
            return any(parse_quantity(desired[name]) != parse_quantity(observed.get(name)) for name in desired)
        # A loop, not any(): a start with ten thousand channels compares two million members.
        for name, value in desired.items():  # noqa: SIM110
            if differs(value, observed.get(name), member=name):
                return True
        return False
    if isinstance(desired, list | tuple):
        return _list_differs(desired, observed, member)
    if member == "sizeLimit":
        return parse_quantity(desired) != parse_quantity(observed)
    return not (desired in (False, "", 0) and observed is None)


def _list_differs(desired: Sequence[object], observed: object, member: str) -> bool:
    if not isinstance(observed, list | tuple):
        return bool(desired) or observed is not None
    key = _MERGE_KEYS.get(member)
    if key is None:
        return len(desired) != len(observed) or any(
            differs(one, other) for one, other in zip(desired, observed, strict=True)
        )
    found = {item.get(key): item for item in observed if isinstance(item, dict)}
    return any(differs(item, found.get(cast("Manifest", item).get(key))) for item in desired)
