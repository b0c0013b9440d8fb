"""Traps of the pinned DuckDB that a replay must not fall into: each is shown, then our way past it.

`tests/projections/test_duckdb_traps.py` has those of single values. Here are those of functions,
hashes, transactions, processes and versions. Where an upgrade makes a test of the engine fail, look
at the guard that stands beside it before touching the test.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from domain.errors import ProjectionError
from projections import STEPS, sql
from replay import blank, meta, query
from replay.database import Resources, open_for_reading, open_for_writing, transaction
from replay.meta import Meta
from replay.plan import Plan
from replay.rebuild import rebuild
from tests.books import FILL, NOW, BookMaker, Built, event, ledger
from tests.projections.test_unreadable import BASES
from tests.replay.test_skipping import RICH, RULES_MADE

ROOT: Final = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def ask(engine: duckdb.DuckDBPyConnection, expression: str) -> Any:  # noqa: ANN401 - any value
    ((answer,),) = engine.execute(f"SELECT {expression}").fetchall()
    return answer


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "answer", "guard"),
    [
        (
            """json_transform_strict('{"a":"0.12345678"}', '{"a":"DECIMAL(18,6)"}').a""",
            Decimal("0.123457"),
            "strict is no protection: texts are matched with the column's pattern first",
        ),
        (
            """json_extract_string('{"a":0.1234567890123456789}', '$.a')""",
            "0.12345678901234568",
            "as with ->>, numbers go through double: readers decode by json_transform",
        ),
        (
            """json_transform('{"a":9007199254740993.0}', '{"a":"BIGINT"}').a""",
            9007199254740992,
            "integers are decoded as text",
        ),
        (
            """json_transform('{"a":"1.5"}', '{"a":"BIGINT"}').a""",
            2,
            "a text becomes an integer by rounding: decoded as text, and matched",
        ),
        ("""json_transform('{"a":"1_000"}', '{"a":"BIGINT"}').a""", 1000, "the pattern refuses _"),
        ("""json_transform('{"a":"0x10"}', '{"a":"BIGINT"}').a""", 16, "the pattern refuses x"),
        (
            """json_transform('{"a":"2026-01-13T20:00+05:00"}', '{"a":"TIMESTAMP"}').a::VARCHAR""",
            "2026-01-13 20:00:00",
            "the offset is ignored: times are decoded as text and cast to TIMESTAMPTZ",
        ),
        (
            "TIMESTAMPTZ '2026-01-13T20:00:00'::VARCHAR",
            "2026-01-13 20:00:00+00",
            "a time without an offset is taken for one of the connection's zone: the pattern asks",
        ),
        ("""('{"a":1,"a":2}'::JSON) ->> 'a'""", "1", "of equal keys the first wins; see shapes"),
        ("""('{"a":1.10}'::JSON::VARIANT).a::VARCHAR""", "1.1", "VARIANT makes a double: unused"),
        ("typeof(7::DECIMAL(18, 6) // 2)", "DOUBLE", "// is exact on integers alone"),
        ("typeof((SELECT avg(1::DECIMAL(18, 6))))", "DOUBLE", "no averages in ledger SQL"),
        ("2.5::DECIMAL(4, 1)::BIGINT", 3, "a cast to an integer rounds: cut by trunc() first"),
    ],
)
def test_the_engine_does_what_the_guards_rely_on(
    engine: duckdb.DuckDBPyConnection, expression: str, answer: object, guard: str
) -> None:
    assert ask(engine, expression) == answer, guard


@pytest.mark.parametrize(
    "expression",
    [
        "9223372036854775807::BIGINT * 2::BIGINT",
        "-9223372036854775807::BIGINT - 2::BIGINT",
        "sum(x) OVER () FROM (VALUES (170141183460469231731687303715884105727), (1)) AS t(x)",
        "2 * 99999999999999999999.999999999999999999::DECIMAL(38, 18)",
        "99999999999.9::DECIMAL(12, 1)::DECIMAL(10, 1)",
        "0.1234567891::DECIMAL(38, 20) * 0.1::DECIMAL(38, 20)",
    ],
)
def test_what_does_not_fit_is_an_error_and_never_wraps(
    engine: duckdb.DuckDBPyConnection, expression: str
) -> None:
    with pytest.raises((duckdb.OutOfRangeException, duckdb.ConversionException)):
        ask(engine, expression)


def test_strict_decoding_would_refuse_a_payload_that_lacks_an_optional_key(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(duckdb.InvalidInputException, match="does not have key"):
        ask(engine, """json_transform_strict('{"b":1}', '{"a":"BIGINT"}')""")
    assert ask(engine, """json_transform('{"b":1}', '{"a":"BIGINT"}').a""") is None


def test_a_day_depends_on_the_zone_of_the_connection(engine: duckdb.DuckDBPyConnection) -> None:
    """So every connection of ours is set to UTC, and days are said with AT TIME ZONE 'UTC'."""
    day = "TIMESTAMPTZ '2026-01-13 20:00:00+00'::DATE::VARCHAR"
    other = engine.cursor()
    other.execute("SET TimeZone = 'Asia/Tokyo'")
    assert ask(other, day) == "2026-01-14"
    in_utc = "(TIMESTAMPTZ '2026-01-13 20:00:00+00' AT TIME ZONE 'UTC')::DATE::VARCHAR"
    assert ask(other, in_utc) == ask(engine, day) == "2026-01-13"


def fill(number: int, **changes: str) -> str:
    """Return a good fill with JSON put in place of some of its values, as text."""
    parsed = json.loads(BASES["fill"][1]) | {"fill_id": f"trap-{number}"}
    members = [
        f'"{name}": {changes.get(name, json.dumps(value))}' for name, value in parsed.items()
    ]
    return f"{{{', '.join(members)}}}"


# what a fill says, and what comes of it: the reason why it is unreadable, or its exact value
SAID: Final[list[tuple[dict[str, str], str, str]]] = [
    ({"count_fp": "1.10"}, "unknown_shape", ""),
    ({"count_fp": "0.1234567890123456789"}, "unknown_shape", ""),
    ({"count_fp": '"0.123456785"'}, "bad_number", ""),
    ({"count_fp": '"0.12345678"'}, "quantity", "0.12345678"),
    ({"count_fp": '"0.123456780000"'}, "quantity", "0.12345678"),
    ({"count_fp": '"1_000"'}, "bad_number", ""),
    ({"count_fp": '"0x10"'}, "bad_number", ""),
    ({"subaccount_number": "1.5"}, "unknown_shape", ""),
    ({"subaccount_number": "9007199254740993"}, "subaccount", "9007199254740993"),
    ({"subaccount_number": "9007199254740993.0"}, "unknown_shape", ""),
    ({"count_fp": '"1.00", "count_fp": "2.00"'}, "repeated_key", ""),
    ({"created_time": '"2026-01-13T20:00:00+05:00"'}, "executed_at", "2026-01-13 15:00:00+00"),
    ({"created_time": '"2026-01-13T20:00:00.1234567Z"'}, "bad_time", ""),
    ({"created_time": '"2026-01-13T20:00:00"'}, "bad_time", ""),
]


@pytest.fixture(scope="module")
def trapped(shelf: BookMaker) -> Built:
    return shelf.build(
        [event(FILL, fill(number, **changes)) for number, (changes, *_) in enumerate(SAID)]
    )


@pytest.mark.parametrize("number", range(len(SAID)), ids=lambda number: str(SAID[number][0]))
def test_an_event_with_such_a_value_is_unreadable_or_exact(trapped: Built, number: int) -> None:
    _, found, value = SAID[number]
    if value:
        query = f"SELECT {found}::VARCHAR FROM fill WHERE fill_id = 'trap-{number}'"
        assert trapped.value(query) == value
    else:
        query = f"SELECT reason FROM unreadable WHERE position = {number + 1}"
        assert trapped.value(query) == found
        assert trapped.rows(f"SELECT * FROM fill WHERE fill_id = 'trap-{number}'") == []


def test_the_greatest_quantities_add_up_exactly_and_greater_ones_are_unreadable(
    books: BookMaker,
) -> None:
    most = "9999999.99999999"
    said = [f'"{most}"', f'"{most}"', '"9999999999.99999999"']
    built = books.build([event(FILL, fill(n, count_fp=text)) for n, text in enumerate(said)])
    assert built.value("SELECT sum(quantity) FROM open_lot") == 2 * Decimal(most)
    assert built.value("SELECT cost FROM position") == 2 * Decimal(most) * Decimal("0.62")
    assert built.value("SELECT position FROM unreadable") == 3


@pytest.fixture(scope="module")
def inexact(shelf: BookMaker) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the steps of a rich book that compute with doubles, and columns that hold them."""
    kept: list[duckdb.DuckDBPyConnection] = []
    columns: set[tuple[str, str]] = set()

    def opened(path: Path, resources: Resources) -> duckdb.DuckDBPyConnection:
        kept.append(open_for_writing(path, resources))
        return kept[-1]

    asked: list[str] = []
    found: list[str] = []

    def look(what: str, _done: int, _total: int) -> None:
        columns.update(kept[-1].execute(_INEXACT_COLUMNS).fetchall())
        steps = [step.name for step in STEPS if what == f"computing {step.name}"]
        asked.extend(steps)
        found.extend(
            step for step in steps if computes_with_doubles(kept[-1], sql.text("steps", step))
        )

    blank.made()
    with pytest.MonkeyPatch.context() as patch, shelf.log(RICH) as log:
        patch.setattr(blank, "open_for_writing", opened)
        rebuild(log, shelf.folder / "inexact.duckdb", Plan(NOW, RULES_MADE, progress=look))
    assert len(asked) > len(STEPS) // 2
    return found, sorted(columns)


_INEXACT_COLUMNS: Final = """
    SELECT table_name, column_name FROM duckdb_columns()
    WHERE data_type SIMILAR TO '.*(DOUBLE|FLOAT|REAL|VARIANT).*' AND NOT internal
"""


def computes_with_doubles(connection: duckdb.DuckDBPyConnection, text: str) -> bool:
    """Say whether the engine plans with doubles, whatever the words of the SQL are."""
    plans = [
        str(connection.execute(f"EXPLAIN (FORMAT JSON) {statement.query}").fetchall())
        for statement in duckdb.extract_statements(text)
    ]
    return any(word in plan for plan in plans for word in ("DOUBLE", "FLOAT"))


@pytest.mark.parametrize(
    ("text", "inexactly"),
    [
        ("SELECT price // 2 FROM t", True),
        ("SELECT price / 2 FROM t", True),
        ("SELECT avg(price) FROM t", True),
        ("SELECT price * 1e0 FROM t", True),
        ("SELECT lots // 2, price * 2 FROM t", False),
    ],
)
def test_a_plan_shows_doubles_that_no_word_of_the_query_names(text: str, inexactly: bool) -> None:  # noqa: FBT001
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 1.5::DECIMAL(18, 6) AS price, 3 AS lots")
        assert computes_with_doubles(connection, text) is inexactly


def test_no_step_computes_with_doubles(inexact: tuple[list[str], list[tuple[str, str]]]) -> None:
    steps, _ = inexact
    assert steps == []


def test_no_table_of_a_build_holds_doubles(
    inexact: tuple[list[str], list[tuple[str, str]]],
) -> None:
    _, columns = inexact
    assert columns == []


# --- hashes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("hash(1::BIGINT)", 4717996019076358352),
        ("hash(1::HUGEINT)", 4717996019076358352),
        ("hash('a')", 12561829011207016135),
        ("hash('Zürich')", 16201833955468749344),
        ("hash(1.10::DECIMAL(18, 8))", 7612291794369173271),
        ("hash(1.10::DECIMAL(38, 20))", 9484224187128710830),
        ("hash(NULL::VARCHAR)", 13787848793156543929),
        ("hash(true)", 4717996019076358352),
        ("hash(DATE '2026-01-13')", 8700731756354571359),
        ("hash(TIMESTAMPTZ '2026-01-13 20:00:00+00')", 702092710937590473),
        ("hash([1, 2]::BIGINT[])", 6530802887144669425),
        ("hash(1::BIGINT, 'a', NULL)", 2034008192618861702),
    ],
)
def test_hashes_are_those_of_the_fingerprints_that_were_told(
    engine: duckdb.DuckDBPyConnection, expression: str, answer: int
) -> None:
    """DuckDB promises nothing here: its version is part of the code digest."""
    assert ask(engine, expression) == answer


def test_equal_rows_cancel_in_an_xor_and_not_in_the_sum(engine: duckdb.DuckDBPyConnection) -> None:
    rows = "FROM (VALUES (1), (1)) AS t(x)"
    assert ask(engine, f"bit_xor(hash(x)) {rows}") == 0
    assert ask(engine, f"sum(hash(x)::HUGEINT) {rows}") == 2 * ask(engine, "hash(1)")


# --- transactions and processes ------------------------------------------------------------------


def test_a_rebuild_does_not_survive_an_error_that_somebody_swallowed(
    books: BookMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine would commit nothing and say nothing; the file would be one without content."""
    write = meta.write

    def swallowing(connection: duckdb.DuckDBPyConnection, *parts: Any, **told: Any) -> Meta:  # noqa: ANN401
        made = write(connection, *parts, **told)
        with pytest.raises(duckdb.Error):
            connection.execute("SELECT 1 // 0")
        return made

    monkeypatch.setattr(meta, "write", swallowing)
    target = tmp_path / "swallowed" / "book.duckdb"
    target.parent.mkdir()
    with (
        books.log(ledger("A 10:00 yes 10 @ 0.62 fee 0.17")) as log,
        pytest.raises(ProjectionError, match=r"changed nothing: .*transaction"),
    ):
        rebuild(log, target, Plan(NOW))
    assert list(target.parent.iterdir()) == []


def test_a_transaction_that_a_kill_cuts_off_is_gone_and_the_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "book.duckdb"
    with open_for_writing(path, Resources(threads=1)) as connection, transaction(connection):
        connection.execute("CREATE TABLE t AS SELECT 1 AS x")
    script = f"""
import os
from pathlib import Path
from replay.database import Resources, open_for_writing
connection = open_for_writing(Path({str(path)!r}), Resources(threads=1))
connection.execute("BEGIN")
connection.execute("INSERT INTO t SELECT range FROM range(100000)")
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert done.returncode == -9
    with open_for_reading(path) as connection:
        assert connection.execute("SELECT x FROM t").fetchall() == [(1,)]


@pytest.mark.parametrize("mode", ["writing", "reading"])
def test_a_second_process_is_refused_while_one_writes_and_is_told_so(
    tmp_path: Path, mode: str
) -> None:
    """That is why a new projection is made beside the current one, and renamed."""
    path = tmp_path / "book.duckdb"
    script = f"""
from pathlib import Path
from domain.errors import CannotDoError
from replay.database import Resources, open_for_reading, open_for_writing
try:
    {"open_for_writing(path, Resources())" if mode == "writing" else "open_for_reading(path)"}
except CannotDoError as error:
    print(error)
""".replace("(path", f"(Path({str(path)!r})")
    with open_for_writing(path, Resources(threads=1)):
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{path} is in use by ")


def test_executemany_refuses_an_empty_list(engine: duckdb.DuckDBPyConnection) -> None:
    """Rules without prefixes or exits are written without it, see `replay.rules`."""
    with pytest.raises(duckdb.InvalidInputException, match="non-empty"):
        engine.executemany("SELECT ?", [])


@pytest.mark.parametrize("opening", ["reading", "writing"])
def test_our_connections_are_of_utc_wherever_the_process_is(tmp_path: Path, opening: str) -> None:
    path = tmp_path / "book.duckdb"
    open_for_writing(path, Resources(threads=1)).close()
    call = (
        "open_for_reading(path)" if opening == "reading" else "open_for_writing(path, Resources())"
    )
    script = f"""
import duckdb
from pathlib import Path
from replay.database import Resources, open_for_reading, open_for_writing
path = Path({str(path)!r})
zone = "SELECT current_setting('TimeZone')"
print(duckdb.execute(zone).fetchone()[0], {call}.execute(zone).fetchone()[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"TZ": "Asia/Tokyo", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["Asia/Tokyo", "UTC"]


# --- versions ------------------------------------------------------------------------------------


@pytest.fixture
def fresh_digest() -> Iterator[None]:
    meta.code_digest.cache_clear()
    yield
    meta.code_digest.cache_clear()


@pytest.mark.usefixtures("fresh_digest")
def test_another_duckdb_is_other_code(monkeypatch: pytest.MonkeyPatch) -> None:
    before = meta.code_digest()
    version = metadata.version

    def upgraded(name: str) -> str:
        return "2.0.1" if name == "duckdb" else version(name)

    monkeypatch.setattr(metadata, "version", upgraded)
    meta.code_digest.cache_clear()
    assert meta.code_digest() != before


def test_duckdb_is_pinned_to_the_version_that_these_tests_are_of() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"duckdb=={metadata.version('duckdb')}" in project["dependencies"]
    assert duckdb.__version__ == metadata.version("duckdb") == "2.0.0"


def test_answers_come_as_exact_decimals_and_utc_moments(engine: duckdb.DuckDBPyConnection) -> None:
    asked = "SELECT 0.12345678901234567890::DECIMAL(38, 20) AS x, sum(1::BIGINT) AS y"
    table = query.run(engine.cursor(), asked)
    assert [str(field.type) for field in table.schema] == [
        "decimal128(38, 20)",
        "decimal128(38, 0)",
    ]
    assert table.to_pylist() == [{"x": Decimal("0.12345678901234567890"), "y": Decimal(1)}]
