"""CSV gives rows back as the API wrote them, or as text where it was text."""

import csv
import io

import pytest

from tests.adapters.files.taking import (
    ACTIVITY_HEADER,
    EXPORT,
    fetch,
    payloads,
    refusal,
    rows,
    source,
    take,
    texts,
)
from tests.shared_data import SHARED, needs_shared_data

HEADER = "trade_id,order_id,ticker,count,price,is_taker,ts,extra"
LINE = "t1,o1,KX-A,2,0.50,True,1768335561,7"


def test_a_dump_gets_its_json_types_back_with_the_text_of_its_numbers() -> None:
    taken = take(f"{HEADER}\n{LINE}\n")
    restored = (
        '{"trade_id":"t1","order_id":"o1","ticker":"KX-A","count":2,"price":0.50,'
        '"is_taker":true,"ts":1768335561,"extra":"7"}'
    )
    assert texts(taken) == [restored]
    assert (taken.form, taken.rows) == ("csv of API rows", {"kalshi.fill": 1})
    assert fetch(taken)["pages"] == 0


@pytest.mark.parametrize(
    ("column", "cell", "text"),
    [
        ("count", "2", "2"),
        ("count", "-0", "-0"),
        ("count", "2.0", '"2.0"'),
        ("count", "02", '"02"'),
        ("count", "1_000", '"1_000"'),
        ("count", " 2", '" 2"'),
        ("count", "٣", '"٣"'),
        ("count", "NaN", '"NaN"'),
        ("price", "3", "3"),
        ("price", "1E-2", "1E-2"),
        ("price", ".5", '".5"'),
        ("price", "5.", '"5."'),
        ("price", "inf", '"inf"'),
        ("is_taker", "true", "true"),
        ("is_taker", "False", "false"),
        ("is_taker", "TRUE", '"TRUE"'),
        ("is_taker", "1", '"1"'),
        ("extra", "true", '"true"'),
        ("extra", "5", '"5"'),
        ("ticker", "5", '"5"'),
    ],
)
def test_a_cell_that_does_not_fit_its_type_stays_a_string(
    column: str, cell: str, text: str
) -> None:
    others = {"trade_id": "t", "order_id": "o", "ticker": "KX"}
    others.pop(column, None)
    taken = take(f"{','.join([*others, column])}\n{','.join([*others.values(), cell])}\n")
    assert texts(taken)[0].endswith(f'"{column}":{text}}}')


def test_an_empty_cell_of_a_dump_is_a_key_left_out() -> None:
    assert texts(take(f"{HEADER}\n,,,,,,,\n")) == ["{}"]
    assert payloads(take(f'{HEADER}\nt,"",KX,,,,,\n')) == [{"trade_id": "t", "ticker": "KX"}]


def test_an_export_is_text_and_its_empty_cells_stay() -> None:
    taken = take(f"{ACTIVITY_HEADER}\nTrade,2026-05-05,KX-A,,1\n")
    assert payloads(taken) == [
        {
            "type": "Trade",
            "Original_Date": "2026-05-05",
            "Market_Ticker": "KX-A",
            "Profit_In_Dollars": "",
            "Status": "1",
        }
    ]
    assert (taken.form, taken.rows) == ("web export", {"kalshi.report.activity": 1})


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_text_of_a_row_is_kept_even_over_several_lines(end: str) -> None:
    records = [LINE, f't2,"o{end}2","a ""b"", c",,,,,', "t3,o3,x,,,,,"]
    taken = take(end.join([HEADER, records[0], "", *records[1:], ""]))
    assert [source(event)["row"] for event in rows(taken)] == records
    assert payloads(taken)[1] == {"trade_id": "t2", "order_id": f"o{end}2", "ticker": 'a "b", c'}


@pytest.mark.parametrize("start", ["", "\ufeff", "\n\r\n", "\ufeff\n"])
def test_a_byte_order_mark_or_empty_lines_before_the_header_do_not_matter(start: str) -> None:
    assert len(rows(take(f"{start}{HEADER}\n{LINE}\n\n\n"))) == 1


def test_a_header_without_rows_is_an_empty_answer() -> None:
    taken = take(f"{HEADER}\n")
    assert (rows(taken), taken.rows) == ([], {"kalshi.fill": 0})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,station,city\n2026,KNYC,New York\n", "'station'"),
        ("trade_id;order_id;ticker\n", "separator must be a comma"),
        ("just some words", "neither JSON nor a known CSV"),
        ("5", "neither JSON nor a known CSV"),
        ("null\n", "neither JSON nor a known CSV"),
        ("Statement,Header,Field Name,Field Value\n", "Flex statements are read, as XML"),
        ('"ClientAccountID","Symbol"\n', "Flex statements are read, as XML"),
        (f"{HEADER},ticker\n", "names 'ticker' more than once"),
        (f"{HEADER}\n{LINE}\n{LINE},9\n", "row 2 (line 3) has 9 cells under a header of 8"),
        (f"{HEADER}\n{LINE}\nt,o\n{LINE}\n", "row 2 (line 3) has 2 cells"),
        (f'{HEADER}\n{LINE}\nt,"o\n\n",KX\n', "row 2 (line 3) has 3 cells"),
        (f"{HEADER}\n{LINE}\nt,o", "last row (2, line 3) breaks off: 2 of 8"),
        (f'{HEADER}\n{LINE}\nt,"o\n{LINE}\n', "row 2, from line 3, cannot be read"),
        (f'{HEADER}\n"t"x,o,KX,,,,,\n', "row 1, from line 2, cannot be read"),
        ('"trade_id,order_id\n', "the header, from line 1"),
        (f'{HEADER}\n"' + "x" * 200_000, "cannot be read"),
        (f"{HEADER}\nt\x00,o,KX,,,,,\n", "NUL byte in line 2"),
        (f"{HEADER}\n{LINE}", "does not end with a line break"),
        (HEADER, "does not end with a line break"),
        (ACTIVITY_HEADER, "does not end with a line break"),
    ],
)
def test_a_broken_table_is_refused_with_its_place(text: str, said: str) -> None:
    assert said in refusal(text)


@needs_shared_data
def test_a_csv_of_interactive_brokers_is_refused_with_what_is_read_instead() -> None:
    data = (SHARED / "ibkr" / "cgt-calc_transaction_history_test_basic.csv").read_bytes()
    assert "of Interactive Brokers, Flex statements are read, as XML" in refusal(data)


@pytest.mark.parametrize(
    "cell", ['"0.10"', '""', "2026-05-05T07:33:01-04:00", "2026-05-05T07:33:01.5Z"]
)
def test_an_end_without_a_line_break_is_accepted_where_it_proves_itself_whole(cell: str) -> None:
    assert len(rows(take(f"{ACTIVITY_HEADER}\nTrade,,,,x\nTrade,,,,{cell}"))) == 2


@pytest.mark.parametrize("cell", ["", "0.1", '0"', "2026-05-05T07:33:01-04:0", "2026-05-05"])
def test_any_other_end_without_a_line_break_is_refused(cell: str) -> None:
    assert "line break" in refusal(f"{ACTIVITY_HEADER}\nTrade,,,,{cell}")


def test_the_whole_header_of_an_export_needs_no_line_break(export: bytes) -> None:
    header = export.splitlines()[0]
    assert take(header).rows == {"kalshi.report.activity": 0}
    assert "line break" in refusal(header.rpartition(b",")[0])


def test_a_real_export_is_read_cell_by_cell(export: bytes) -> None:
    taken = take(export)
    wanted = list(csv.DictReader(io.StringIO(export.decode("utf-8-sig"), newline="")))
    assert payloads(taken) == wanted
    assert len(wanted) == 795
    lines = export.decode("utf-8-sig").split("\n")[1:]
    assert [source(event)["row"] for event in rows(taken)] == lines
    assert len({event.key for event in taken.events}) == 796


@pytest.fixture(name="export")
def fixture_export() -> bytes:
    return EXPORT.read_bytes()
