"""Writes docs/behaviours.md from docs/behaviours.yaml and the tests' markers: ``python docs/generate_behaviours.py``.

Tests are read, not run or imported: which of them hold a behaviour is told by ``pytest.mark.behaviour(number, …)`` on
the test, on one of its parameters, or in the module's ``pytestmark``.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "behaviours.md"
SOURCE = ROOT / "docs" / "behaviours.yaml"

HEAD = """# What OneDrive does, and what comes of it

Generated from `docs/behaviours.yaml` and the tests by `python docs/generate_behaviours.py`; change it there.

**What is promised.** Whatever the service does of what is listed here, a document that lies in the folder when a run
walks it is collected exactly once, whole and unaltered, or is visible with the reason why not until it is. The outcome
says what a run does, what it reports, and how it ends: exit 0 done, 2 a person is needed, 3 try again later.

**How it was tested.** Each behaviour is produced by the simulated OneDrive in `simulator/`, over real HTTPS: for the
first so many requests, with a probability drawn from a seed, or for one item. Against it runs the collector as it is,
in the test's process or as the command, into a real binder, and the test looks at what came of it: the counts and the
reason in the run's history, the bytes and records in the binder, the exit code, what the next run does, and what the
simulator counted. Where an account is connected (1 to 5) the pages run, and what they show and keep is looked at. No
tenant of Microsoft's was at hand: what the service does is taken from its documentation and from what users of other
clients reported. `make test` runs all of these tests; `pytest -m behaviour` runs them alone.
"""


@dataclass(frozen=True)
class Marked:
    """A test that names a behaviour."""

    number: int
    path: str
    name: str


def render() -> str:
    """Return the page."""
    tests = defaultdict(list)
    for marked in markers():
        tests[marked.number].append(f"`{marked.path}::{marked.name}`")
    lines = [HEAD]
    for section in yaml.safe_load(SOURCE.read_text(encoding="utf-8")):
        lines += [f"## {section['area']}\n", "| | OneDrive | The collector | Tests |", "|---|---|---|---|"]
        for row in section["rows"]:
            held = "<br>".join(dict.fromkeys(tests[row["number"]]))
            lines.append(f"| {row['number']} | {_cell(row['behaviour'])} | {_cell(row['outcome'])} | {held} |")
        lines.append("")
    return "\n".join(lines)


def numbers() -> list[int]:
    """Return the numbers of all behaviours, in the order of the page."""
    sections = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    return [row["number"] for section in sections for row in section["rows"]]


def markers() -> Iterator[Marked]:
    """Yield what tests hold, by path and then as they stand in their file."""
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        text = file.read_text(encoding="utf-8")
        if "behaviour(" in text:
            yield from _in_module(ast.parse(text), file.relative_to(ROOT).as_posix())


def _in_module(module: ast.Module, path: str) -> Iterator[Marked]:
    everywhere = [
        number
        for statement in module.body
        if isinstance(statement, ast.Assign) and [ast.unparse(target) for target in statement.targets] == ["pytestmark"]
        for number in _numbers(statement)
    ]
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            own = [number for decorator in node.decorator_list for number in _numbers(decorator)]
            for number in dict.fromkeys([*everywhere, *own]):
                yield Marked(number, path, node.name)


def _numbers(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.behaviour":
            yield from (int(ast.literal_eval(argument)) for argument in node.args)


def _cell(text: str) -> str:
    return text.strip().replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
