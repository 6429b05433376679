"""The size stops: small functions, small files, and a reason where one is passed."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import REPOSITORY

PACKAGE = REPOSITORY / "gateway"
STRICT = ("domain", "pipeline")
LONGEST_FUNCTION, MEDIAN_FUNCTION = 60, 10
LONGEST_STRICT_FILE, LONGEST_FILE = 300, 400
REASON = "# long because"


def functions(path: Path) -> Iterator[tuple[str, int, str]]:
    """Name, length in lines and source of each function of a file."""
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            source = ast.get_source_segment(text, node) or ""
            yield f"{path.relative_to(REPOSITORY)}:{node.name}", source.count("\n") + 1, source


def files() -> list[Path]:
    """The product's own files, without the shipped data beside them."""
    return [path for path in PACKAGE.rglob("*.py") if "_data" not in path.parts]


def test_functions_are_small() -> None:
    """Median at most 10 lines, none over 60 without a comment that says why."""
    measured = [each for path in files() for each in functions(path)]
    long = [name for name, length, source in measured if length > LONGEST_FUNCTION and REASON not in source]

    assert [] == long
    assert statistics.median(length for _, length, _ in measured) <= MEDIAN_FUNCTION


def test_files_are_small() -> None:
    """At most 300 lines in domain and pipeline, 400 elsewhere."""
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files()}
    limits = {p: LONGEST_STRICT_FILE if p.parent.name in STRICT else LONGEST_FILE for p in sizes}
    too_long = {str(p.relative_to(REPOSITORY)): size for p, size in sizes.items() if size > limits[p]}

    assert {} == too_long


def test_the_stops_can_fail(tmp_path: Path) -> None:
    """A long function is found."""
    path = REPOSITORY / "gateway" / "never_written.py"
    body = "def f():\n" + "    x = 1\n" * 80
    (tmp_path / "f.py").write_text(body)
    node = ast.parse(body).body[0]

    assert not path.exists()
    assert (node.end_lineno or 0) > LONGEST_FUNCTION


def _raises_on(node: ast.AST) -> bool:
    last = node.body[-1] if isinstance(node, ast.ExceptHandler) else node
    return isinstance(last, ast.Raise) and last.exc is None


def test_broad_excepts_stand_only_where_they_refuse() -> None:
    """`except Exception` is for adapters' exception maps, child processes and the wire's last resort. One that ends in
    a bare `raise` swallows nothing."""
    allowed = ("gateway/adapters/", "gateway/detection/", "gateway/wire/app.py", "gateway/cli/")
    broad = []
    for path in files():
        name = str(path.relative_to(REPOSITORY))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            bare = isinstance(node, ast.ExceptHandler) and (
                node.type is None
                or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
            )
            if bare and not name.startswith(allowed) and not _raises_on(node):
                broad.append(name)

    assert [] == broad
