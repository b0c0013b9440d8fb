"""The data dictionary says what the declarations say, and the committed one is current."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from domain.columns import Table, columns_of
from domain.kinds import KINDS, Kind
from domain.results import TABLES
from tools.dictionary import markdown

ROOT = Path(__file__).parents[2]
TEXT = markdown()


def section(title: str) -> str:
    """Return what stands under a heading of the third level."""
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##|\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


def test_the_committed_file_is_current() -> None:
    committed = (ROOT / "docs" / "data-dictionary.md").read_text("utf-8")
    assert committed == TEXT, "run `make dictionary`"


def test_the_module_writes_it_to_standard_output() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.dictionary"], cwd=ROOT, capture_output=True, check=True
    )
    assert done.stdout.decode() == TEXT


@pytest.mark.parametrize("model", TABLES, ids=[model.table for model in TABLES])
def test_every_column_of_every_table_is_told(model: type[Table]) -> None:
    text = section(model.table)
    assert model.purpose in text
    for column in columns_of(model):
        (line,) = re.findall(rf"^\| `{column.name}` \|.*$", text, re.MULTILINE)
        assert column.sql_type in line
        assert column.meaning.replace("|", "\\|") in line
        assert ("| yes |" in line) == column.required
        for flag in ("identity", "inherited", "provenance", "money"):
            assert (flag in line.split("|")[4]) == getattr(column, flag), (column.name, flag)
        for choice in column.choices:
            assert choice in line


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_every_reader_of_every_kind_is_told(kind: Kind) -> None:
    text = section(kind.name)
    assert (f"`{kind.fact.table}`" if kind.fact else "not read yet") in text
    for reader in kind.readers:
        (line,) = re.findall(rf"^\| {re.escape(reader.name)} \|.*$", text, re.MULTILINE)
        assert reader.spoken in line
        for key in (*reader.required, *reader.absent):
            assert f"`{key}`" in line


def test_every_line_of_a_grid_has_as_many_cells_as_its_heading() -> None:
    cells = 0
    for line in TEXT.splitlines():
        if not line.startswith("|"):
            cells = 0
            continue
        count = len(re.findall(r"(?<!\\)\|", line))
        assert count == (cells or count), line
        cells = count
