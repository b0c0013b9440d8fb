"""Whole inputs: real files as the broker wrote them, limits, names."""

import json
from itertools import chain

import pytest

from adapters.files import read_input
from domain.errors import NotUnderstoodError
from domain.jsontext import parse
from domain.kinds import BY_NAME
from domain.shapes import choose, shape_entries
from tests.adapters.files.taking import (
    FILL,
    GOLDEN,
    NOON,
    OWNER,
    RECEIVED,
    fetch,
    payloads,
    refusal,
    rows,
    source,
    take,
    texts,
)
from tests.shared_data import SHARED, needs_shared_data

RECORDED = {
    "portfolio_fills_response.json": {"kalshi.fill": 5},
    "portfolio_settlements_response.json": {"kalshi.settlement": 1},
    "portfolio_orders_response.json": {"kalshi.order": 5},
    "portfolio_order_single_response.json": {"kalshi.order": 1},
    "portfolio_positions_response.json": {"kalshi.event_position": 11, "kalshi.position": 12},
    "portfolio_balance_response.json": {"kalshi.balance": 1},
    "market_single_response.json": {"kalshi.market": 1},
    "markets_list_response.json": {"kalshi.market": 5},
}
KALSHI = SHARED / "kalshi"
COLLECTED = {
    "payloads/gen1_2026-01/kalshi_fills_2026-01-13.csv": {"kalshi.fill": 269},
    "payloads/gen1_2026-01/kalshi_fills_2026-01-17.csv": {"kalshi.fill": 553},
    "payloads/gen1_2026-01/kalshi_settlements_2026-01-13.csv": {"kalshi.settlement": 93},
    "payloads/gen1_2026-01/kalshi_settlements_2026-01-17.csv": {"kalshi.settlement": 89},
    "payloads/gen4_2026-03_to_2026-07/fills_oldest_rows.csv": {"kalshi.fill": 17},
    "payloads/gen4_2026-03_to_2026-07/settlements_sample.csv": {"kalshi.settlement": 40},
    "payloads/gen4_2026-03_to_2026-07/market_settled_2026-07-07.json": {"kalshi.market": 1},
    "payloads/gen4_2026-03_to_2026-07/orders_demo_2026-07-18.json": {"kalshi.order": 1},
    "payloads/gen4_2026-03_to_2026-07/positions_2026-07-25.json": {
        "kalshi.position": 7,
        "kalshi.event_position": 0,
    },
    "payloads/gen5_2026-09/fills_btc15m_sample.csv": {"kalshi.fill": 35},
    "payloads/gen5_2026-09/settlements_scalar_and_netted.json": {"kalshi.settlement": 8},
    "payloads/gen5_2026-09/deposits_2026-09.json": {"kalshi.deposit": 5},
    "payloads/gen5_2026-09/fills_settlement_cashout_2026-08-31.json": {
        "kalshi.fill": 2,
        "kalshi.settlement": 1,
    },
    "exports/crypto_may2026_Kalshi-Recent-Activity-All.csv": {"kalshi.report.activity": 795},
    "exports/weather_may2026_Kalshi-Recent-Activity-All.csv": {"kalshi.report.activity": 410},
    "exports/weather_may2026_Kalshi-Recent-Activity-Settlement.csv": {"kalshi.report.activity": 74},
    "exports/weather_may2026_Kalshi-Transactions-2026.csv": {"kalshi.report.transaction": 82},
    "exports/weather_jan_may2026_Kalshi-Transactions-2026.csv": {
        "kalshi.report.transaction": 14_244
    },
}
UNKNOWN = [
    "markets/kxhigh_settlement_truth_2026-08.csv",
    "payloads/gen1_2026-01/golden_sanitized/trades_list_response.json",
    "payloads/gen1_2026-01/golden_sanitized/user_data_timestamp_response.json",
    "payloads/gen4_2026-03_to_2026-07/create_order_v2_response_2026-07-18.json",
]


def statuses(kind: str, found: list[str]) -> set[str]:
    readers = BY_NAME[kind].readers
    return {choose(readers, shape_entries(parse(text))).status for text in found}


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_recorded_answers_are_taken_in_row_for_row(name: str) -> None:
    data = (GOLDEN / name).read_bytes()
    taken = take(data, as_of=NOON)
    assert taken.rows == RECORDED[name]
    assert fetch(taken)["rows"] == sum(taken.rows.values())
    assert all(text in data.decode() for text in texts(taken))
    answer = json.loads(data)["response"]
    lists = [rows_ for rows_ in answer.values() if isinstance(rows_, list)]
    singles = [answer[key] for key in ("order", "market") if key in answer]
    assert payloads(taken) == (list(chain(*lists)) or singles or [answer])


def test_recorded_answers_are_understood_by_one_reader_each() -> None:
    for name in sorted(RECORDED):
        taken = take((GOLDEN / name).read_bytes(), as_of=NOON)
        for event, text in zip(rows(taken), texts(taken), strict=True):
            if event.kind != "kalshi.event_position":
                assert statuses(event.kind, [text]) == {"known"}, (name, text)


@needs_shared_data
@pytest.mark.parametrize("name", sorted(COLLECTED))
def test_collected_files_are_taken_in_row_for_row(name: str) -> None:
    data = (KALSHI / name).read_bytes()
    taken = take(data, as_of=NOON)
    assert taken.rows == COLLECTED[name]
    assert len(rows(taken)) == sum(taken.rows.values())
    assert len({event.key for event in taken.events}) == len(taken.events)
    held = texts(taken) if name.endswith(".json") else [source(row)["row"] for row in rows(taken)]
    assert all(str(text) in data.decode("utf-8-sig") for text in held)


@needs_shared_data
@pytest.mark.parametrize(
    "name", sorted(name for name in COLLECTED if name.endswith(".csv") and "orders" not in name)
)
def test_rows_restored_from_csv_are_understood_by_one_reader(name: str) -> None:
    taken = take((KALSHI / name).read_bytes())
    (kind,) = taken.rows
    assert statuses(kind, texts(taken)) == {"known"}


@needs_shared_data
@pytest.mark.parametrize("name", UNKNOWN)
def test_collected_files_of_other_things_are_refused(name: str) -> None:
    assert "known" in refusal((KALSHI / name).read_bytes())


@needs_shared_data
def test_a_list_under_an_unknown_name_in_a_real_file_is_named_with_its_rows() -> None:
    name = "payloads/gen5_2026-09/fills_settlement_cashout_2026-08-31.json"
    taken = take((KALSHI / name).read_bytes())
    assert "1 row(s) under 'market_positions_before_settlement'" in taken.notes[0]


def test_more_bytes_than_the_limit_are_refused() -> None:
    data = FILL.encode()
    read_input(data, name="x", owner=OWNER, received_at=RECEIVED, bytes_max=len(data))
    with pytest.raises(NotUnderstoodError, match="split the file"):
        read_input(data, name="x", owner=OWNER, received_at=RECEIVED, bytes_max=len(data) - 1)


def test_the_name_is_said_and_never_believed() -> None:
    assert take(FILL, name="fills.xml").rows == {"kalshi.fill": 1}
    with pytest.raises(NotUnderstoodError, match=r"^broken\.json: "):
        take("{", name="broken.json")


def test_a_file_name_that_is_no_text_breaks_nothing() -> None:
    taken = take(FILL, name="fills\udcff.json")
    assert source(taken.events[-1])["name"] == "fills\\udcff.json"
