"""Writes docs/reference.md from the CustomResourceDefinitions: ``python docs/generate_reference.py``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference.md"
KINDS = ("collectionchannels", "binders", "recipients")

HEAD = """# Reference

Generated from `crds/` by `python docs/generate_reference.py`; change it there. The same is in every cluster:
`kubectl explain collectionchannel.spec.schedule`.
"""


def render() -> str:
    """Return the page."""
    return "\n".join([HEAD, *(line for kind in KINDS for line in _kind(kind))]).rstrip() + "\n"


def _kind(plural: str) -> Iterator[str]:
    spec = yaml.safe_load((ROOT / "crds" / f"{plural}.yaml").read_text())["spec"]
    names, (version,) = spec["names"], spec["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    yield f"## {names['kind']}\n"
    yield f"{_cell(schema['description'])}\n"
    yield f"`apiVersion: {spec['group']}/{version['name']}`, for kubectl `{plural}` or `{names['shortNames'][0]}`.\n"
    for section in ("spec", "status"):
        if section in schema["properties"]:
            yield f"### {names['kind']}: {section}\n"
            yield f"{_cell(schema['properties'][section]['description'])}\n"
            yield from _table(
                ("Field", "Type", "Default", "Description"), _fields(schema["properties"][section], section)
            )
    yield f"### {names['kind']}: columns\n"
    yield from _table(("Column", "Shown", "From", "Description"), map(_column, version["additionalPrinterColumns"]))


def _fields(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, ...]]:
    for name, field in schema.get("properties", {}).items():
        inner = f"{path}.{name}"
        default = "required" if name in schema.get("required", ()) else _default(field)
        yield f"`{inner}`", _type(field), default, _cell(field["description"])
        yield from _fields(field, inner)
        yield from _fields(field.get("items", {}), f"{inner}[]")


def _type(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if "additionalProperties" in field:
        return f"map of {_type(field['additionalProperties'])}"
    if field.get("x-kubernetes-int-or-string"):
        return "quantity"
    if field["type"] == "array":
        return f"list of {_type(field['items'])}"
    if field.get("format") == "date-time":
        return "time"
    if "maximum" in field:
        return f"{field['minimum']} to {field['maximum']}"
    return str(field["type"])


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    if default is None or default == {}:
        return ""
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _column(column: Mapping[str, Any]) -> tuple[str, ...]:
    shown = "`-o wide`" if column.get("priority") else "always"
    return column["name"], shown, f"`{column['jsonPath'].lstrip('.')}`", _cell(column["description"])


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _cell(text: str) -> str:
    return text.strip().replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
