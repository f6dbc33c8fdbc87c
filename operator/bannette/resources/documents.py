"""Files with several YAML documents, read as the API server would read them."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError

from bannette.resources.fields import InvalidResource

_TAG: Final = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """YAML 1.1 without times and base-60 numbers, so that 12:30 stays a text, and without repeated keys."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        _check_keys(node)
        return node

    def construct_scalar(self, node: Any) -> Any:
        value = super().construct_scalar(node)
        return _whole(value, node) if isinstance(value, str) and not value.isascii() else value


class _QuickLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same by libyaml, eight times as fast. It refuses a bit more, so what it refuses is read by the other one."""

    def flatten_mapping(self, node: Any) -> None:
        # Called for each mapping; for one that is merged into several again, its own keys beside those merged into it.
        _check_keys(node)
        super().flatten_mapping(node)


def _check_keys(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen and key.tag != f"{_TAG}merge":
                raise ComposerError(None, None, f'the key "{key.value}" stands there twice', key.start_mark)
            seen.add(key.value)


def _whole(text: str, node: yaml.ScalarNode) -> str:
    """Return *text* with the two escapes of one character, as JSON writes it, put together."""
    try:
        text.encode()
    except UnicodeEncodeError:
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise ConstructorError(None, None, "half a character stands there, alone", node.start_mark) from None
    return text


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.removeprefix(_TAG) not in ("int", "float", "timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    f"{_TAG}int", re.compile("[-+]?(0b[01]+|0x[0-9a-fA-F]+|0o?[0-7]+|0|[1-9][0-9]*)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    f"{_TAG}float", re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?$"), list("-+.0123456789")
)
_QuickLoader.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def load_documents(text: str) -> list[dict[str, object]]:
    """Return the objects of *text*, YAML documents; empty ones are left out, and a List gives its items.

    Raises:
        InvalidResource: it isn't YAML, a key stands there twice, or a document isn't an object.
    """
    try:
        documents = _load(text)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InvalidResource(f"The file can't be read as YAML: {line}: {error.problem}", path=line) from None
    except yaml.YAMLError as error:
        raise InvalidResource(f"The file can't be read as YAML: {error}", path="") from None
    except RecursionError:
        raise InvalidResource("The file can't be read as YAML: it is nested too deeply", path="") from None
    objects: list[dict[str, object]] = []
    for number, document in enumerate(documents, start=1):
        items = document.get("items") or [] if isinstance(document, dict) and document.get("kind") == "List" else None
        for item in [document] if items is None else items:
            if not isinstance(item, dict):
                raise InvalidResource(
                    f"Document {number} of the file isn't an object: write apiVersion, kind, metadata and spec",
                    path=f"document {number}",
                )
            objects.append(item)
    return objects


def _load(text: str) -> list[object]:
    try:
        return _load_by(_QuickLoader, text)
    except (yaml.YAMLError, UnicodeError):
        return _load_by(_Loader, text)


def _load_by(loader: Any, text: str) -> list[object]:
    return [document for document in yaml.load_all(text, Loader=loader) if document is not None]
