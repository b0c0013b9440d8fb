"""What the pinned DuckDB does that our guards rely on, and that our path is exact in spite of it.

If an upgrade makes one of the engine's tests fail, the reason stands in it: look at the guard that
it names before touching the test.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from domain import units
from tests.books import FILL, BookMaker, Built, dec, event
from tests.projections.test_unreadable import BASES

LONG: Final = "0.1234567890123456789"


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def ask(engine: duckdb.DuckDBPyConnection, query: str) -> Any:  # noqa: ANN401
    row = engine.execute(query).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("query", "answer", "guard"),
    [
        (
            f"SELECT '{{\"a\":{LONG}}}'::JSON ->> 'a'",
            "0.12345678901234568",
            "readers never use ->> : it sends numbers through double",
        ),
        ("SELECT '{\"a\":1.10}'::JSON ->> 'a'", "1.1", "the broker's zeros are lost by ->>"),
        (
            f"""SELECT json_transform('{{"a":{LONG}}}', '{{"a":"DECIMAL(38,19)"}}').a""",
            Decimal(LONG),
            "numbers go straight to DECIMAL by json_transform",
        ),
        ("SELECT '0.12345678'::DECIMAL(18,6)", dec("0.123457"), "the pattern refuses more places"),
        ("SELECT TRY_CAST('0.12345678' AS DECIMAL(18,6))", dec("0.123457"), "TRY_CAST rounds too"),
        ("SELECT TRY_CAST('1e3' AS DECIMAL(18,6))", Decimal(1000), "the pattern refuses 1e3"),
        ("SELECT TRY_CAST(' 1' AS DECIMAL(18,6))", Decimal(1), "the pattern refuses blanks"),
        ("SELECT '1.5'::BIGINT", 2, "the pattern of integers refuses a fraction"),
        ("SELECT '1_000'::BIGINT", 1000, "the pattern refuses 1_000"),
        ("SELECT '0x10'::BIGINT", 16, "the pattern refuses 0x10"),
        (
            """SELECT json_transform('{"a":1.5}', '{"a":"BIGINT"}').a""",
            2,
            "a JSON number with a fraction is rounded: its shape says number, not integer",
        ),
        (
            """SELECT json_transform('{"a":"x"}', '{"a":"BIGINT"}').a""",
            None,
            "a wrong type becomes NULL: the shape is checked before, the NULL behind it",
        ),
        (
            """SELECT json_transform('{"a":1,"a":2}', '{"a":"BIGINT"}').a""",
            1,
            "DuckDB keeps the first of two equal keys, Python the last: such events are unreadable",
        ),
        (
            """SELECT json_transform('{"a":99999999999999999999}', '{"a":"BIGINT"}').a""",
            None,
            "an integer of more than 64 bits becomes NULL: integers are decoded as text",
        ),
        (
            """SELECT json_transform('{"a":99999999999999999999}', '{"a":"VARCHAR"}').a""",
            "99999999999999999999",
            "as text an integer of any length is what the broker wrote",
        ),
        (
            """SELECT TRY(json_transform('{"a":"\\ud800"}', '{"a":"VARCHAR"}'))""",
            None,
            "half a surrogate pair is no JSON to DuckDB: the event is not_json, and alone",
        ),
        (
            "SELECT ('yes', NULL) NOT IN (('yes', 'bid'), ('no', 'ask'))",
            True,
            "rows are compared as if NULL were a value: ask for IS NOT NULL first",
        ),
        (
            "SELECT '2026-01-13T20:00:00+05:00'::TIMESTAMP::VARCHAR",
            "2026-01-13 20:00:00",
            "a TIMESTAMP ignores the offset: times are TIMESTAMPTZ",
        ),
        (
            "SELECT '2026-01-13T20:00:00+05:00'::TIMESTAMPTZ::VARCHAR",
            "2026-01-13 15:00:00+00",
            "a TIMESTAMPTZ minds the offset",
        ),
        (
            "SELECT '2026-01-13T20:00:00.1234567Z'::TIMESTAMPTZ::VARCHAR",
            "2026-01-13 20:00:00.123456+00",
            "finer digits are cut in silence: the pattern refuses them",
        ),
        ("SELECT typeof(1::DECIMAL(18,6) / 3)", "DOUBLE", "no / in ledger SQL (tidy holds it)"),
        ("SELECT (-7) // 2", -3, "// cuts towards zero: shares of rebates do too"),
    ],
)
def test_the_engine_does_what_the_guards_rely_on(
    engine: duckdb.DuckDBPyConnection, query: str, answer: object, guard: str
) -> None:
    assert ask(engine, query) == answer, guard


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 9223372036854775807::BIGINT + 1::BIGINT",
        "SELECT (sum(x))::BIGINT FROM (VALUES (9223372036854775807), (1)) AS t(x)",
        "SELECT 170141183460469231731687303715884105727::HUGEINT + 1",
        "SELECT 99999999999999999.9::DECIMAL(18,1) * 99999999999999999.9::DECIMAL(18,1) * 999",
    ],
)
def test_overflow_is_an_error_and_never_wraps(
    engine: duckdb.DuckDBPyConnection, query: str
) -> None:
    with pytest.raises((duckdb.OutOfRangeException, duckdb.ConversionException)):
        ask(engine, query)


def test_a_division_by_zero_is_an_error(engine: duckdb.DuckDBPyConnection) -> None:
    """Steps divide by quantities: every one of them is kept above zero before."""
    with pytest.raises(duckdb.InvalidInputException, match="Division by zero"):
        ask(engine, "SELECT 5 // 0")


@pytest.mark.parametrize("word", ["at", "fetch"])
def test_new_words_of_the_grammar_need_as_before_an_alias(
    engine: duckdb.DuckDBPyConnection, word: str
) -> None:
    """DuckDB 2.0 took these words; cash_ledger and report_activity have a column `at`."""
    with pytest.raises(duckdb.ParserException):
        ask(engine, f"SELECT 1 {word}")
    assert ask(engine, f"SELECT 1 AS {word}") == 1


def test_arg_max_skips_nulls_and_arg_max_null_does_not(engine: duckdb.DuckDBPyConnection) -> None:
    """That is how merging inherits what a newer rendering is silent about."""
    tellings = "(VALUES ('bot-1', 1), (NULL, 2)) AS t(said, telling)"
    assert ask(engine, f"SELECT arg_max(said, telling) FROM {tellings}") == "bot-1"
    assert ask(engine, f"SELECT arg_max_null(said, telling) FROM {tellings}") is None


def test_equal_rows_do_not_cancel_in_a_sum_of_hashes(engine: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT sum(hash(x, y)::HUGEINT) FROM (VALUES (1, NULL), (1, NULL)) AS t(x, y)"
    single = "SELECT 2 * hash(1, NULL)::HUGEINT"
    assert ask(engine, query) == ask(engine, single) != 0


@pytest.mark.parametrize(
    "places", [units.QUANTITY, units.PRICE, units.FEE, units.MONEY], ids=lambda p: p.sql
)
def test_a_text_that_passes_the_guard_is_stored_exactly(
    engine: duckdb.DuckDBPyConnection, places: units.Places
) -> None:
    whole, fraction = "9" * (places.width - places.scale), "9" * places.scale
    for text in (f"{whole}.{fraction}", f"-{whole}.{fraction}0000", "0", "0.0", f"0.{fraction}"):
        passes = f"SELECT regexp_full_match('{text}', '{places.pattern}')"
        assert ask(engine, passes) is True
        assert ask(engine, f"SELECT '{text}'::{places.sql}") == Decimal(text)
    for text in (f"1{whole}", f"0.{fraction}1", "1e1", " 1", "1 ", "", "-", ".", "1.", "+1"):
        assert ask(engine, f"SELECT regexp_full_match('{text}', '{places.pattern}')") is False


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Built:
    kind, text = BASES["fill"]
    changes = [
        {"yes_price_dollars": "0.123456789", "no_price_dollars": "0.876543211"},
        {"count_fp": "1234567.12345678"},
        {"count_fp": "1.10000000000000"},
        {"created_time": "2026-01-13T20:00:00.123456+05:00"},
        {"created_time": "2026-01-13T20:00:00.1Z"},
        {"count_fp": "10000000.00000000"},
    ]
    return shelf.build(
        [
            event(kind, json.dumps(json.loads(text) | change | {"fill_id": f"exact-{number}"}))
            for number, change in enumerate(changes)
        ]
    )


@pytest.mark.parametrize(
    ("number", "column", "answer"),
    [
        (0, "price", "0.123456789"),
        (1, "quantity", "1234567.12345678"),
        (2, "quantity", "1.10000000"),
        (3, "executed_at", "2026-01-13 15:00:00.123456+00"),
        (4, "executed_at", "2026-01-13 20:00:00.1+00"),
        (5, "quantity", "10000000.00000000"),
    ],
)
def test_our_path_gives_the_exact_answer(
    book: Built, number: int, column: str, answer: str
) -> None:
    query = f"SELECT {column}::VARCHAR FROM fill WHERE fill_id = 'exact-{number}'"
    assert book.value(query) == answer
    assert BASES["fill"][0] == FILL


def test_the_module_that_duckdb_needs_for_times_is_installed_with_us() -> None:
    """Without pytz DuckDB cannot give a TIMESTAMPTZ to Python, and no projection can be read."""
    lock = Path(__file__).resolve().parents[2] / "requirements.lock"
    assert any(line.startswith("pytz==") for line in lock.read_text().splitlines())
