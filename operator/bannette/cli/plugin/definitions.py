"""Whether the cluster's CustomResourceDefinitions are those that the plugin knows. Pure, but for reading its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import bannette
from bannette.cli.plugin.findings import Finding, ok, problem
from bannette.resources import VERSION, load_documents

CHECK: Final = "Definitions"
_SHOWN: Final = 3
_APPLY: Final = "apply those of this version (upgrade the chart's release, or manifests/install), or upgrade the plugin"

Json = dict[str, Any]


def known_definitions() -> list[Json]:
    """Return the definitions that the plugin was installed with."""
    packaged = resources.files("bannette.cli.plugin") / "crds"
    # In a checkout they are beside the package.
    folder = packaged if packaged.is_dir() else Path(bannette.__file__).parents[2] / "crds"
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".yaml")), key=lambda one: one.name)
    return [definition for one in files for definition in load_documents(one.read_text(encoding="utf-8"))]


def judge_definition(known: Json, found: Json | None) -> Finding:
    """Return whether *found* is the definition *known*; None: there is none of its name."""
    name: str = known["metadata"]["name"]
    if found is None:
        return problem(CHECK, f"{name} isn't installed: install the chart, or apply manifests/install.")
    conditions = {one["type"]: one["status"] for one in (found.get("status") or {}).get("conditions") or ()}
    if conditions.get("Established") != "True":
        return problem(CHECK, f"{name} isn't served by the API server: `kubectl describe crd {name}` tells why.")
    wanted, served = _version(known), _version(found)
    if served is None or not served.get("served"):
        return problem(CHECK, f"{name} isn't served in version {VERSION}: {_APPLY}.")
    if paths := list(differences(_schema(wanted), _schema(served))):
        more = "" if len(paths) <= _SHOWN else f" and {len(paths) - _SHOWN} more"
        return problem(
            CHECK, f"{name} is of another version, it differs in {', '.join(paths[:_SHOWN])}{more}: {_APPLY}."
        )
    return ok(CHECK, f"{name} is as this plugin knows it.")


def differences(known: object, found: object, *, path: str = "") -> Iterator[str]:
    """Yield the paths at which two schemas differ, as users write them: ``spec.ocr.languages``.

    Descriptions don't count.
    """
    if isinstance(known, Mapping) and isinstance(found, Mapping):
        for key in sorted({*known, *found}):
            if key == "description" and isinstance(known.get(key, found.get(key)), str):
                continue
            below = path if key in ("properties", "items", "additionalProperties") else f"{path}.{key}".lstrip(".")
            yield from differences(known.get(key), found.get(key), path=below)
    elif known != found:
        yield path or "its schema"


def _version(definition: Mapping[str, Any]) -> Json | None:
    return next((one for one in definition["spec"]["versions"] if one["name"] == VERSION), None)


def _schema(version: Json | None) -> object:
    return ((version or {}).get("schema") or {}).get("openAPIV3Schema")
