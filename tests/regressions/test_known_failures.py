"""docs/known-failures.md maps every known failure of the ledger's core to its tests, both ways."""

import ast
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = ROOT / "docs" / "known-failures.md"
ROWS: Final = {
    *(f"S0-{number}" for number in (1, 2, 3, 5, 6, 10, 11, 12, 17)),
    *(f"S1-{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 19)),
}


def row_of(name: str) -> str | None:
    found = re.match(r"test_(s[01])_([0-9]+)_[a-z]", name)
    return None if found is None else f"{found[1].upper()}-{found[2]}"


def pinned_by_row() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            row = row_of(node.name) if isinstance(node, ast.FunctionDef) else None
            if row is not None and isinstance(node, ast.FunctionDef):
                name = f"{path.relative_to(ROOT).as_posix()}::{node.name}"
                found.setdefault(row, set()).add(name)
    return found


def documented() -> dict[str, set[str]]:
    sections = re.split(
        r"^### (S[01]-[0-9]+)\b.*$", DOCUMENT.read_text("utf-8"), flags=re.MULTILINE
    )
    pairs = zip(sections[1::2], sections[2::2], strict=True)
    found: dict[str, set[str]] = {}
    for row, text in pairs:
        file = ""
        for line in text.splitlines():
            if told := re.match(r"- `(tests/\S+\.py)`", line):
                file = told[1]
            elif told := re.match(r"  - `(test_\w+)`", line):
                found.setdefault(row, set()).add(f"{file}::{told[1]}")
    return found


def test_every_known_failure_of_the_core_has_a_test_that_carries_its_number() -> None:
    assert pinned_by_row().keys() >= ROWS


def test_the_document_lists_exactly_these_tests() -> None:
    assert documented() == pinned_by_row()
