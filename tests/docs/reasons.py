"""The reasons that the code can give, read from its sources: one CamelCase word each.

A reason stands after ``reason=``; in the tables of what Microsoft says; in the few functions that build a condition, an
Event or a prerequisite; or in a default. What is read here and not there, or there and not here, fails a test.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from bannette.resources import RunResult

SOURCE = Path(__file__).resolve().parents[2] / "operator" / "bannette"
_WORD = re.compile(r"[A-Z][A-Za-z]+")
# Function -> which of its arguments is the reason.
_SAYS = {
    "Announcement": 0,
    "Missing": 0,
    "Need": 3,
    "Verdict": 2,
    "_connected": 1,
    "_ready": 0,
    "_secret": 2,
    "reconciling": 0,
    "stalled": 0,
}
# Sets and tables of reasons: of mappings the first word of a value counts.
_TABLES = frozenset(
    {
        "_ATTENTION",
        "_CONFIGURATION",
        "_IMAGE_REASONS",
        "_LOST",
        "_NEVER_STARTED",
        "_OUTAGE",
        "_OUTAGES",
        "_REGISTRATION",
    }
)
# How a document was read is in docs/formats.md; commands print their errors' messages, which say what to do, alone.
_ELSEWHERE = ("ocr/", "cli/")


def reasons_of_the_code() -> dict[str, set[str]]:
    """Return each reason, with the modules that give it."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(SOURCE.rglob("*.py")):
        module = str(path.relative_to(SOURCE))
        if not module.startswith(_ELSEWHERE):
            for reason in _reasons(ast.parse(path.read_text(encoding="utf-8"))):
                found[reason].add(module)
    return found


def exit_codes_of_the_code() -> dict[str, set[int]]:
    """Return the exit codes of runs that end with a reason, as far as the class of its error tells."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))]
    codes = {"PersonNeeded": 2, "Transient": 3}
    for _ in range(2):  # errors of errors
        for node in (node for tree in trees for node in ast.walk(tree)):
            if isinstance(node, ast.ClassDef):
                bases = [codes[base.id] for base in node.bases if isinstance(base, ast.Name) and base.id in codes]
                codes.update(dict.fromkeys([node.name] if bases else [], bases[0] if bases else 0))
    found: dict[str, set[int]] = defaultdict(set)
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in codes:
            for keyword in node.keywords:
                if keyword.arg == "reason":
                    for reason in _words(keyword.value):
                        found[reason].add(codes[node.func.id])
    return found


def _reasons(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=func, args=arguments, keywords=keywords):
                name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
                for keyword in keywords:
                    if keyword.arg == "reason" and not _is_of_reading(name):
                        yield from _words(keyword.value)
                position = _SAYS.get(name)
                if position is not None and len(arguments) > position:
                    yield from _words(arguments[position])
            case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=ast.expr() as value):
                yield from _assigned(target, value)
            case ast.Return(value=ast.Tuple(elts=[ast.Attribute(), first, _])):
                yield from _words(first)
            case ast.arguments(args=positional, defaults=defaults, kwonlyargs=named, kw_defaults=named_defaults):
                pairs = [*zip(positional[-len(defaults) :] if defaults else [], defaults, strict=True)]
                pairs += [(one, default) for one, default in zip(named, named_defaults, strict=True) if default]
                for argument, default in pairs:
                    if argument.arg == "reason":
                        yield from _words(default)


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[str]:
    names = [getattr(one, "id", "") for one in getattr(target, "elts", [target])]
    if names[0] == "reason":
        yield from _words(value.elts[0] if isinstance(value, ast.Tuple) else value)
    elif names[0] in _TABLES and isinstance(value, ast.Tuple):
        yield from _words(value.elts[0])
    elif names[0] in _TABLES and isinstance(value, ast.Dict):
        for entry in value.values:
            if isinstance(entry, ast.Tuple):
                yield from _words(entry.elts[0])
    elif names[0] in _TABLES:
        for constant in ast.walk(value):
            yield from _words(constant)


def _words(node: ast.AST) -> Iterator[str]:
    """Yield the words that an expression may come to."""
    match node:
        case ast.Constant(value=str(word)) if _WORD.fullmatch(word):
            yield word
        case ast.IfExp(body=first, orelse=second):
            yield from _words(first)
            yield from _words(second)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _words(value)
        case ast.JoinedStr(values=[ast.FormattedValue(), ast.Constant(value=str(ending))]):
            for kind in ("Binder", "Recipient", "Secret"):
                yield f"{kind}{ending}"
        case ast.JoinedStr(values=[ast.Constant(value="Run"), ast.FormattedValue()]):
            for result in RunResult:
                yield f"Run{result.value}"


def _is_of_reading(call: str) -> bool:
    return call in ("OcrFacts", "event")
