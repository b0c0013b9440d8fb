"""Tables as text: exact, aligned, safe to print and safe to open in a spreadsheet."""

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.cells import cell_len

from domain.errors import CannotDoError
from tools.render import as_csv, as_json, as_rows, as_table, csv_pieces, json_pieces, write_parquet

MONEY = pa.decimal128(38, 20)
UTC_TIME = pa.timestamp("us", tz="UTC")


def money(*values: str | None) -> pa.Array:
    return pa.array([None if value is None else Decimal(value) for value in values], MONEY)


def answer_to(text: str) -> pa.Table:
    with duckdb.connect(":memory:") as connection:
        relation = connection.sql(text)
        assert relation is not None
        return relation.to_arrow_table()


def cells(table: pa.Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO(as_csv(table), newline=""), strict=True))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("1.50", "1.5"),
        ("100", "100"),
        ("-0.00000000000000000001", "-0.00000000000000000001"),
        ("0.0000001", "0.0000001"),
        ("123456789012345678.00000000000000000001", "123456789012345678.00000000000000000001"),
        ("-999999999999999999.99999999999999999999", "-999999999999999999.99999999999999999999"),
    ],
)
def test_a_decimal_keeps_its_digits_and_gets_no_exponent(value: str, text: str) -> None:
    table = pa.table({"a": money(value)})
    assert cells(table) == [["a"], [text]]
    assert json.loads(as_json(table)) == [{"a": text}]
    assert as_table(table).splitlines()[2].strip() == text


def test_numbers_stand_to_the_right_and_null_is_a_dot() -> None:
    table = pa.table({"name": ["a", None], "n": pa.array([5, None]), "m": money("-1.5", None)})
    assert as_table(table).splitlines() == [
        "name  n     m",
        "────  ─  ────",
        "a     5  -1.5",
        "·     ·     ·",
        "2 rows",
    ]


def test_microseconds_are_shown_only_where_there_are_any() -> None:
    whole = datetime(2026, 1, 13, 20, 19, 21, tzinfo=UTC)
    table = pa.table({"t": pa.array([whole, whole.replace(microsecond=500)], UTC_TIME)})
    lines = as_table(table).splitlines()
    assert lines[2:4] == ["2026-01-13 20:19:21Z", "2026-01-13 20:19:21.000500Z"]
    assert json.loads(as_json(table)) == [
        {"t": "2026-01-13T20:19:21Z"},
        {"t": "2026-01-13T20:19:21.000500Z"},
    ]


def test_long_ids_lose_their_middle_only_where_the_screen_is_too_narrow() -> None:
    table = pa.table({"id": ["0723490f-6f49-af20-40da-6da7dac4e68c"], "gross": money("12345.678")})
    assert "0723490f-6f49-af20-40da-6da7dac4e68c" in as_table(table)
    narrow = as_table(table, width=30).splitlines()
    assert narrow[2] == "0723490f-…7dac4e68c  12345.678"
    assert max(map(len, narrow)) <= 30


def test_numbers_are_never_cut_and_a_table_too_wide_goes_row_by_row() -> None:
    numbers = {f"n{index}": money("123456789.123456789") for index in range(8)}
    text = as_table(pa.table({"id": ["a-long-identifier"], **numbers}))
    assert text.splitlines()[0] == "── row 1"
    assert text.count("123456789.123456789") == 8
    assert "a-long-identifier" in text
    assert text.endswith("1 row")


def test_the_last_line_counts_the_rows_and_says_what_was_cut() -> None:
    table = pa.table({"a": list(range(30))})
    assert as_table(table).endswith("\n30 rows")
    assert as_table(table, limit=7).endswith("\nfirst 7 of 30 rows")
    assert as_table(table, limit=30).endswith("\n30 rows")
    assert as_table(table.slice(0, 0)) == "a\n─\n0 rows"


def test_wide_characters_keep_their_columns() -> None:
    lines = as_table(pa.table({"a": ["東京東京東京東京", "x"], "n": [1, 2]}), width=15).splitlines()
    assert [cell_len(line) for line in lines[:4]] == [15, 15, 15, 15]
    assert "…" in lines[2]


def test_nothing_that_a_broker_sends_can_move_the_cursor() -> None:
    text = as_table(pa.table({"a\x1b[2J": ["\x1b[31mred\r\n\x07\u202e"]}))
    assert "\x1b" not in text
    assert "\\x1b[31mred\\r\\n\\x07\\u202e" in text


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_a_spreadsheet_would_run_is_disarmed(first: str) -> None:
    table = pa.table({f"{first}name": [f"{first}HYPERLINK(1)"], "n": money("-5")})
    header, row = cells(table)
    assert header == [f"'{first}name", "n"]
    assert row == [f"'{first}HYPERLINK(1)", "-5"]


def test_a_negative_number_and_a_harmless_text_are_not_touched() -> None:
    table = pa.table({"a": ["a=b", "2-1", "'x"], "n": pa.array([-1, 2, None])})
    assert cells(table) == [["a", "n"], ["a=b", "-1"], ["2-1", "2"], ["'x", ""]]


def test_csv_quotes_what_must_be_quoted_and_ends_lines_with_crlf() -> None:
    table = pa.table({"a": ['say "x"', "a,b", "two\r\nlines", "plain", "", None]})
    assert as_csv(table) == ('a\r\n"say ""x"""\r\n"a,b"\r\n"two\r\nlines"\r\nplain\r\n""\r\n\r\n')


def test_values_without_a_plain_form_are_json_in_csv() -> None:
    answer = answer_to(
        "SELECT [1.50, NULL] AS l, {'a': 2.0, 'b': TRUE} AS s, MAP {'k': 1} AS m,"
        " INTERVAL 1 DAY AS i, 'ab'::BLOB AS b, 'x'::ENUM ('x') AS e, TIME '10:00' AS t"
    )
    assert cells(answer)[1] == [
        '["1.5", null]',
        '{"a": "2", "b": true}',
        '[["k", 1]]',
        "0 months 1 days 0 ns",
        "6162",
        "x",
        "10:00:00",
    ]


def test_json_has_one_object_a_row_with_exact_values() -> None:
    table = pa.table(
        {
            "text": ["é\n", None],
            "n": pa.array([2**62, None]),
            "m": money("1.10", None),
            "d": pa.array([date(2026, 1, 13), None]),
            "b": [True, None],
            "f": [0.5, float("nan")],
        }
    )
    assert json.loads(as_json(table)) == [
        {"text": "é\n", "n": 2**62, "m": "1.1", "d": "2026-01-13", "b": True, "f": 0.5},
        {"text": None, "n": None, "m": None, "d": None, "b": None, "f": "nan"},
    ]
    assert as_rows(table) == json.loads(as_json(table))
    assert json.loads(as_json(table.slice(0, 0))) == []


def test_pieces_of_a_large_table_are_the_whole_of_it() -> None:
    table = answer_to("SELECT i, i::VARCHAR AS t FROM range(150000) AS r(i)")
    assert len(list(csv_pieces(table))) == 4
    assert "".join(csv_pieces(table)) == as_csv(table)
    assert as_csv(table).count("\r\n") == 150_001
    assert len(json.loads("".join(json_pieces(table)))) == 150_000


def test_parquet_keeps_the_table_as_it_is(tmp_path: Path) -> None:
    table = pa.table(
        {
            "m": money("1.10", None),
            "t": pa.array([datetime(2026, 1, 1, tzinfo=UTC), None], UTC_TIME),
        }
    )
    target = tmp_path / "x.parquet"
    target.write_text("what was there before")
    write_parquet(table, target)
    assert pq.read_table(target).equals(table)
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_parquet_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    table = pa.table({"a": [1]})
    with pytest.raises(CannotDoError, match="No such file"):
        write_parquet(table, tmp_path / "missing" / "x.parquet")
    (tmp_path / "taken").mkdir()
    with pytest.raises(CannotDoError, match="cannot write"):
        write_parquet(table, tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
