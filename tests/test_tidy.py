"""The repository keeps the house rules, and each rule is shown to be able to fail."""

import subprocess
from pathlib import Path

import pytest

from tests import tidy

ROOT = Path(__file__).parent.parent
FILES = tidy.list_files(ROOT)
LONG_FUNCTION = "def long():\n" + "    pass\n" * 50
TESTED_WITH = "projections/example.py"


def read_text(name: str) -> str | None:
    """Read a file of the repository, unless it is not text."""
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except (UnicodeDecodeError, FileNotFoundError):
        # Not text, or removed since it was listed.
        return None


def sources_of_packages() -> dict[str, str]:
    """Read the .py and .sql files of the five packages, as far as they exist."""
    names = [name for name in FILES if tidy.in_packages(name) and name.endswith((".py", ".sql"))]
    return {name: text for name in names if (text := read_text(name)) is not None}


def lines_found(findings: list[str]) -> list[int]:
    """Take the line numbers out of findings."""
    return [int(finding.split(":")[1]) for finding in findings]


# --- the repository ------------------------------------------------------------------------------


def test_every_file_of_the_packages_keeps_the_rules() -> None:
    findings = [
        finding
        for name, source in sources_of_packages().items()
        for checker in tidy.checkers_for(name)
        for finding in checker(name, source)
    ]
    assert not findings, "\n" + "\n".join(findings)


def test_no_file_outside_the_tests_names_a_path_of_one_machine() -> None:
    findings = [
        finding
        for name in FILES
        if not name.startswith("tests/") and (text := read_text(name)) is not None
        for finding in tidy.check_machine_paths(name, text)
    ]
    assert not findings, "\n" + "\n".join(findings)


def test_no_module_and_no_sql_file_is_dead() -> None:
    sources = sources_of_packages()
    if "tools/cli.py" not in sources:
        pytest.skip("there is no tools/cli.py yet, from which all that lives is reached")
    findings = tidy.check_dead_files(sources)
    assert not findings, "\n" + "\n".join(findings)


# --- files ---------------------------------------------------------------------------------------


def test_files_that_git_ignores_or_that_are_gone_are_not_listed(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    for name in ("ignored.py", "tracked.py", "gone.py", "new.py"):
        (tmp_path / name).touch()
    subprocess.run(["git", "add", "tracked.py", "gone.py"], cwd=tmp_path, check=True)
    (tmp_path / "gone.py").unlink()
    assert tidy.list_files(tmp_path) == [".gitignore", "new.py", "tracked.py"]


def test_files_are_listed_without_git_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "replay").mkdir()
    (tmp_path / "replay" / "diff.py").touch()
    monkeypatch.setenv("PATH", "")
    assert tidy.list_files(tmp_path) == ["replay/diff.py"]


# --- imports -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("domain/units.py", "import duckdb"),
        ("domain/units.py", "from projections import STEPS"),
        ("projections/steps.py", "from replay import diff"),
        ("projections/steps.py", "import adapters.store"),
        ("replay/diff.py", "def load():\n    from adapters.store import Store"),
        ("replay/diff.py", "from tools.cli import main"),
        ("adapters/store.py", "import tools"),
        ("adapters/store.py", "from tests.fakes import Store"),
        ("tools/recorder.py", "from domain.event import Event"),
        ("tools/recorder.py", "import httpx"),
        ("tools/recorder.py", "from . import cli"),
    ],
)
def test_an_import_against_the_direction_is_found(path: str, source: str) -> None:
    assert lines_found(tidy.check_layers(path, source)) == [len(source.splitlines())]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("domain/facts.py", "import decimal\nimport pydantic\nfrom domain.units import Money"),
        ("projections/steps.py", "from domain import facts\nimport duckdb"),
        ("replay/diff.py", "from projections import STEPS\nfrom . import explain"),
        ("adapters/store.py", "from replay.protocols import Log"),
        ("tools/cli.py", "import adapters, replay, projections, domain, typer"),
        ("tools/recorder.py", "from __future__ import annotations\nimport json"),
    ],
)
def test_an_import_in_the_direction_is_allowed(path: str, source: str) -> None:
    assert tidy.check_layers(path, source) == []


# --- lengths and words ---------------------------------------------------------------------------


def test_a_module_has_at_most_500_lines() -> None:
    assert tidy.check_module_length(TESTED_WITH, "\n" * 500) == []
    assert lines_found(tidy.check_module_length(TESTED_WITH, "\n" * 501)) == [1]


def test_a_function_has_at_most_50_lines() -> None:
    assert tidy.check_function_lengths(TESTED_WITH, LONG_FUNCTION[:-9]) == []
    assert lines_found(tidy.check_function_lengths(TESTED_WITH, LONG_FUNCTION)) == [1]
    in_class = "class C:\n    async " + LONG_FUNCTION.replace("\n", "\n    ").rstrip()
    assert lines_found(tidy.check_function_lengths(TESTED_WITH, in_class)) == [2]


def test_a_line_has_at_most_100_columns() -> None:
    source = "-" * 100 + "\n" + "-" * 101 + "\n"
    assert lines_found(tidy.check_columns("projections/fill.sql", source)) == [2]


@pytest.mark.parametrize("folder", ["/work/", "/root/", "/home/", "/Users/"])
def test_a_path_of_one_machine_is_found(folder: str) -> None:
    assert lines_found(tidy.check_machine_paths("README.md", f"\nsee {folder}me")) == [2]
    assert tidy.check_machine_paths("README.md", f"https://example.org{folder}me") == []


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX"])
def test_a_note_to_oneself_is_found(word: str) -> None:
    assert lines_found(tidy.check_unfinished(TESTED_WITH, f"x = 1  # {word}: later")) == [1]


# --- determinism in Python -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "import time; time.time()",
        "import time as t; t.perf_counter_ns()",
        "from time import monotonic; monotonic()",
        "import datetime; datetime.datetime.now(datetime.UTC)",
        "from datetime import datetime as dt; dt.utcnow()",
        "from datetime import date; date.today()",
        "from datetime import datetime; make = datetime.now",
        "import pandas as pd; pd.Timestamp.now()",
        "import random",
        "from secrets import token_hex",
        "import locale",
        "import pickle",
        "import uuid; uuid.uuid4()",
        "from uuid import uuid1; uuid1()",
        "import os; os.urandom(8)",
        "import os; os.environ['TZ']",
        "from os import environ; environ.get('TZ')",
        "import os; os.getenv('TZ')",
        "eval('1')",
        "exec('pass')",
        "hash('a')",
        "id(1)",
    ],
)
def test_what_differs_between_two_replays_is_found(source: str) -> None:
    assert lines_found(tidy.check_nondeterminism(TESTED_WITH, source)) == [1]


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime; datetime.fromisoformat('2026-01-01')",
        "import uuid; uuid.uuid5(uuid.NAMESPACE_URL, 'a')",
        "import os.path; os.path.join('a', 'b')",
        "row.now(); clock.time()",
    ],
)
def test_what_is_the_same_in_every_replay_is_allowed(source: str) -> None:
    assert tidy.check_nondeterminism(TESTED_WITH, source) == []


@pytest.mark.parametrize("source", ["x = 0.5", "x = -1e3", "x = float(text)"])
def test_a_float_is_found(source: str) -> None:
    assert lines_found(tidy.check_floats(TESTED_WITH, source)) == [1]


@pytest.mark.parametrize(
    "source", ["x = Decimal('0.5')", "x = 1", "x = 0.5  # tidy: allow float - a statistic"]
)
def test_an_exact_number_or_a_waived_float_is_allowed(source: str) -> None:
    assert tidy.check_floats(TESTED_WITH, source) == []


@pytest.mark.parametrize(
    "source",
    [
        "for x in {1, 2}: pass",
        "for x in set(y): pass",
        "z = [x for x in frozenset(y)]",
        "z = {x: 1 for x in {a for a in y}}",
        "for x in set(y) | other: pass",
        "', '.join({'a', 'b'})",
        "list(set(y))",
        "tuple(frozenset(y) - {1})",
    ],
)
def test_an_order_taken_from_a_set_is_found(source: str) -> None:
    assert lines_found(tidy.check_set_order(TESTED_WITH, source)) == [1]


@pytest.mark.parametrize(
    "source",
    [
        "for x in sorted(set(y)): pass",
        "', '.join(sorted({'a', 'b'}))",
        "x in {1, 2}",
        "for x in set(y): total += x  # tidy: allow set - a sum of integers has no order",
    ],
)
def test_a_set_that_gives_no_order_is_allowed(source: str) -> None:
    assert tidy.check_set_order(TESTED_WITH, source) == []


# --- SQL -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "now()",
        "NOW ()",
        "current_timestamp",
        "current_date",
        "today()",
        "random()",
        "uuid()",
        "gen_random_uuid()",
        "any_value(price)",
        "first(price)",
        "last(price) FILTER (quantity > 0)",
        "string_agg(name, ', ')",
        "list(price) OVER (PARTITION BY account)",
        "price::DOUBLE",
        "price :: float",
        "price::REAL",
        "CAST(price AS DOUBLE)",
        "gross / quantity",
        "gross/quantity",
        "TRY_CAST(coalesce(price, '0') AS DECIMAL(18, 4))",
        "gross / quantity -- a ratio",
        "gross / quantity -- tidy: allow float - the wrong rule",
        "now() -- tidy: allow clock - no reason is good enough",
    ],
)
def test_sql_that_is_not_exact_or_not_repeatable_is_found(expression: str) -> None:
    source = f"-- Makes an example.\nSELECT\n    {expression}\nFROM fill\n"
    assert lines_found(tidy.check_sql("projections/example.sql", source)) == [3]
    in_python = f'make = 1\nquery = """SELECT\n    {expression}\nFROM fill"""\n'
    assert lines_found(tidy.check_sql_in_python(TESTED_WITH, in_python)) == [3]


@pytest.mark.parametrize(
    "expression",
    [
        "'now() / random()'",
        '"current_date"',
        "1 -- now() / random()",
        "1 /* now() / random() */",
        "quantity // 100",
        "first(price ORDER BY executed_at, fill_id)",
        "last(price) OVER (PARTITION BY account ORDER BY position)",
        "last(price) OVER by_position",
        "first_value(price) OVER by_position",
        "list_value(1, 2)",
        "CAST(price AS DECIMAL(18, 4))",
        "TRY_CAST(shown_at AS TIMESTAMPTZ)",
        "TRY_CAST(x AS DECIMAL(18, 4)) -- tidy: allow TRY_CAST - the text was checked",
        "known_at",
        "gross / quantity -- tidy: allow / - a label",
        "price::DOUBLE -- tidy: allow float - a statistic",
        "list(price) -- tidy: allow order - sorted by the caller",
    ],
)
def test_sql_that_is_exact_and_repeatable_is_allowed(expression: str) -> None:
    source = f"-- Makes an example.\nSELECT\n    {expression}\nFROM fill\n"
    assert tidy.check_sql("projections/example.sql", source) == []


def test_sql_in_an_f_string_is_read_as_a_whole() -> None:
    whole = 'query = f"SELECT list({column} ORDER BY {key}) FROM {table}"'
    assert tidy.check_sql_in_python(TESTED_WITH, whole) == []
    wrong = 'query = f"SELECT list({column}) FROM {table}"'
    assert lines_found(tidy.check_sql_in_python(TESTED_WITH, wrong)) == [1]


def test_a_string_that_is_not_sql_is_left_alone() -> None:
    assert tidy.check_sql_in_python(TESTED_WITH, 'hint = "today() and a/b are prose"') == []


@pytest.mark.parametrize("source", ["", "SELECT 1", "--\nSELECT 1", "-- fills\nSELECT 1"])
def test_a_sql_file_without_a_telling_first_comment_is_found(source: str) -> None:
    assert lines_found(tidy.check_sql_heading("projections/fill.sql", source)) == [1]


def test_a_sql_file_with_a_telling_first_comment_is_allowed() -> None:
    source = "-- fill: one row an execution.\nSELECT 1"
    assert tidy.check_sql_heading("projections/fill.sql", source) == []


# --- waivers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "x = 0.5  # tidy: allow float",
        "x = 0.5  # tidy: allow float - ",
        "SELECT a / b -- tidy: allow /",
        "import random  # tidy: allow random - we like it",
    ],
)
def test_a_waiver_without_a_reason_or_for_a_hard_rule_is_found(line: str) -> None:
    assert lines_found(tidy.check_waivers(TESTED_WITH, line)) == [1]


def test_a_waiver_without_a_reason_waives_nothing() -> None:
    assert tidy.check_floats(TESTED_WITH, "x = 0.5  # tidy: allow float")
    assert tidy.check_sql("projections/fill.sql", "SELECT a / b -- tidy: allow / - ")


def test_a_waiver_with_a_reason_is_allowed() -> None:
    assert tidy.check_waivers(TESTED_WITH, "x = 0.5  # tidy: allow float - a statistic") == []


# --- dead files ----------------------------------------------------------------------------------

LIVING = {
    "tools/cli.py": "from replay import diff\nimport domain.units",
    "replay/__init__.py": "",
    "replay/diff.py": "from . import rows\nREADER = 'readers/kalshi.fill.sql'\nSTEP = 'trade'",
    "replay/rows.py": "KIND = 'ledger.fetch'\nfor check in sql.names('checks'): pass",
    "domain/units.py": "",
    "projections/readers/kalshi.fill.sql": "",
    "projections/readers/ledger_fetch.sql": "",
    "projections/checks/sums_hold.sql": "",
    "projections/trade.sql": "",
}


def test_a_file_that_is_used_is_not_dead() -> None:
    assert tidy.check_dead_files(LIVING) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("replay/bisect.py", ""),
        ("replay/bisect.py", "from replay import bisect"),
        ("projections/outcome.sql", ""),
        ("projections/example.sql", "-- example.sql"),
    ],
)
def test_a_file_that_nothing_uses_is_dead(path: str, source: str) -> None:
    findings = tidy.check_dead_files({**LIVING, path: source})
    assert [finding.split(":")[0] for finding in findings] == [path]


def test_a_name_in_a_docstring_does_not_keep_a_sql_file_alive() -> None:
    files = {**LIVING, "replay/__init__.py": '"outcome"', "projections/outcome.sql": ""}
    assert tidy.check_dead_files(files) == ["projections/outcome.sql:1: no module names this file"]
