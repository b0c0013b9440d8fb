"""What real rows of real accounts come out as. The numbers are pinned; see reference/kalshi.md."""

from collections import Counter
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.books import FILL, SETTLEMENT, BookMaker, Built, Row, dec
from tests.oracle.payloads import replay_payloads
from tests.projections import real_rows
from tests.shared_data import needs_shared_data

pytestmark = needs_shared_data

BY_FORMULA = """
    SELECT count(*) FROM settlement WHERE revenue_reported * 100 = floor(100 * (
        payout * greatest(yes_quantity - no_quantity, 0)
        + (1 - payout) * greatest(no_quantity - yes_quantity, 0)
    ))
"""
COMPLETE = "SEMI JOIN (FROM settlement WHERE fills_state = 'complete') USING (instrument_id)"
DAYS = {
    # settlements, complete ones, gross, fees over complete markets
    "13": (93, 92, dec("-0.22"), dec("5.99")),
    "17": (89, 88, dec("13.36"), dec("11.76")),
}


@pytest.fixture(scope="module", params=DAYS)
def january(request: pytest.FixtureRequest, shelf: BookMaker) -> tuple[str, Built]:
    day: str = request.param
    fills = real_rows.dumped(real_rows.GEN1 / f"kalshi_fills_2026-01-{day}.csv", FILL)
    ends = real_rows.GEN1 / f"kalshi_settlements_2026-01-{day}.csv"
    return day, shelf.build(fills, real_rows.dumped(ends, SETTLEMENT))


def test_every_row_of_january_is_read_by_the_first_generation(
    january: tuple[str, Built],
) -> None:
    _, built = january
    drift = built.rows("SELECT DISTINCT reader, status FROM drift")
    assert drift == [{"reader": "1", "status": "known"}]
    assert built.rows("unreadable") == []


def test_the_revenue_formula_holds_on_every_settlement_row(january: tuple[str, Built]) -> None:
    day, built = january
    assert built.value(BY_FORMULA) == DAYS[day][0]


def test_revenue_from_fills_agrees_in_every_market_that_the_window_does_not_cut(
    january: tuple[str, Built],
) -> None:
    day, built = january
    settlements, complete, *_ = DAYS[day]
    states = built.rows("SELECT fills_state, count(*) AS n FROM settlement GROUP BY ALL")
    assert states == [
        {"fills_state": "complete", "n": complete},
        {"fills_state": "none", "n": settlements - complete},
    ]
    from_fills = "revenue_computed = revenue_reported AND fills_state = 'complete'"
    assert built.value(f"SELECT count(*) FROM settlement WHERE {from_fills}") == complete
    agreeing = "SELECT count(*) FROM settlement WHERE revenue_state IN ('agrees', 'netted')"
    assert built.value(agreeing) == settlements


def test_lots_cash_and_settlement_rows_say_the_same_profit(january: tuple[str, Built]) -> None:
    day, built = january
    gross = DAYS[day][2]
    by_lots = built.value(f"SELECT sum(realized_gross) FROM lot_match {COMPLETE}")
    by_cash = built.value(f"SELECT sum(amount) FROM cash_ledger {COMPLETE} WHERE cause <> 'fee'")
    by_rows = built.value("""
        SELECT sum(least(yes_quantity, no_quantity) + revenue_reported - yes_cost - no_cost)
        FROM settlement WHERE fills_state = 'complete'
    """)
    assert (by_lots, by_cash, by_rows) == (gross, gross, gross)


def test_fees_of_complete_markets_are_those_of_their_settlements(
    january: tuple[str, Built],
) -> None:
    day, built = january
    by_lots = built.value(f"SELECT sum(fees) FROM lot_match {COMPLETE}")
    by_rows = built.value("SELECT sum(fee_reported) FROM settlement WHERE fills_state = 'complete'")
    assert (by_lots, by_rows) == (DAYS[day][3], DAYS[day][3])


def test_january_comes_out_as_in_the_oracle(january: tuple[str, Built]) -> None:
    day, built = january
    payloads = [
        (new.kind, new.state.partition(b',"payload":')[2][:-1])
        for kind, name in ((FILL, "fills"), (SETTLEMENT, "settlements"))
        for new in real_rows.dumped(real_rows.GEN1 / f"kalshi_{name}_2026-01-{day}.csv", kind)
    ]
    oracle = replay_payloads(payloads)
    for table in ("lot_match", "open_lot", "trade", "settlement", "cash_ledger"):
        assert built.value(f"SELECT count(*) FROM {table}") == len(oracle[table])
    nets = [row["realized_net"] for row in oracle["lot_match"]]
    net = built.value("SELECT sum(realized_net) FROM lot_match")
    assert net == sum(value for value in nets if isinstance(value, Decimal))


@pytest.fixture(scope="module")
def later(shelf: BookMaker) -> Built:
    """Generations 4 and 5 on disk, but for the cash-out file, whose rows are partial (below)."""
    folder4, folder5 = real_rows.GEN4, real_rows.GEN5
    return shelf.build(
        real_rows.dumped(folder4 / "fills_oldest_rows.csv", FILL),
        real_rows.dumped(folder4 / "settlements_sample.csv", SETTLEMENT),
        real_rows.dumped(folder5 / "fills_btc15m_sample.csv", FILL),
        real_rows.recorded(folder4 / "market_settled_2026-07-07.json"),
        real_rows.recorded(folder4 / "orders_demo_2026-07-18.json"),
        real_rows.recorded(folder4 / "positions_2026-07-25.json"),
        real_rows.recorded(folder5 / "deposits_2026-09.json"),
        real_rows.recorded(folder5 / "settlements_scalar_and_netted.json"),
    )


def test_the_fills_of_the_cash_out_file_lack_their_ids_and_are_unreadable(
    books: BookMaker,
) -> None:
    path = real_rows.GEN5 / "fills_settlement_cashout_2026-08-31.json"
    built = books.build(real_rows.recorded(path))
    rows = built.rows("SELECT reason, column_name FROM unreadable")
    assert rows == 2 * [{"reason": "unknown_shape", "column_name": "fill_id, is_taker, order_id"}]
    assert built.value("SELECT revenue_state FROM settlement") == "netted"


def test_all_complete_rows_of_generations_4_and_5_are_read_and_two_partial_ones_are_not(
    later: Built,
) -> None:
    rows = later.rows("SELECT key, reason, column_name FROM unreadable")
    assert rows == [
        {
            "key": "kalshi|main|live|kalshi.settlement|KXCLUBFBTTS-26JUL26ERKHIL-BTTS",
            "reason": "unknown_shape",
            "column_name": "fee_cost, no_total_cost_dollars, settled_time, yes_total_cost_dollars",
        },
        {
            "key": "kalshi|main|live|kalshi.settlement|KXNPBTOTAL-26AUG130500HIRYAK-12",
            "reason": "unknown_shape",
            "column_name": "fee_cost, no_total_cost_dollars, yes_total_cost_dollars",
        },
    ]
    read = later.rows("""
        SELECT kind, reader, sum(events)::BIGINT AS n FROM drift WHERE status = 'known'
        GROUP BY ALL
    """)
    assert [(row["kind"], row["reader"], row["n"]) for row in read] == [
        ("kalshi.deposit", "1", 5),
        ("kalshi.fill", "4", 17),
        ("kalshi.fill", "5", 35),
        ("kalshi.market", "3", 1),
        ("kalshi.order", "4", 1),
        ("kalshi.position", "3", 7),
        ("kalshi.settlement", "3b", 42),
        ("kalshi.settlement", "5", 4),
    ]


def test_the_revenue_formula_holds_on_all_46_later_rows(later: Built) -> None:
    assert later.value("SELECT count(*) FROM settlement") == 46
    assert later.value(BY_FORMULA) == 46


def test_the_fees_of_complete_later_markets_add_up_to_the_settlements_fee(later: Built) -> None:
    rows = later.rows(f"""
        SELECT instrument_id, sum(fee) AS by_fills, any_value(fee_reported) AS by_settlement
        FROM fill {COMPLETE} JOIN settlement USING (instrument_id) GROUP BY ALL
    """)
    assert len(rows) == 5
    assert all(row["by_fills"] == row["by_settlement"] for row in rows)


def test_a_market_cut_by_the_window_is_not_called_a_difference(later: Built) -> None:
    row = later.one("SELECT * FROM settlement WHERE instrument_id = 'KXWTI-26APR02-T112.99'")
    assert (row["fills_state"], row["revenue_state"]) == ("incomplete", "agrees")
    assert (row["revenue_reported"], row["revenue_computed"]) == (5, 13)


@pytest.fixture(scope="module")
def weather(shelf: BookMaker) -> Built:
    return shelf.build(real_rows.weather_events())


def test_the_weather_tax_export_is_reproduced_row_by_row_and_cent_by_cent(weather: Built) -> None:
    """82 rows of 63 tickers; 966.72 c before rounding, 966 c in the export's whole cents."""
    mine = Counter(exported(row) for row in weather.rows("lot_match"))
    theirs = Counter(
        (
            row["market_ticker"],
            row["side"],
            int(row["quantity"]),
            int(row["entry_price_cents"]),
            int(row["exit_price_cents"]),
            datetime.fromisoformat(row["open_timestamp"]).timestamp(),
            int(row["realized_pnl_without_fees_cents"]),
        )
        for row in real_rows.table(real_rows.TRANSACTIONS)
    )
    assert len({row[0] for row in theirs}) == 63
    assert theirs.total() == 82
    assert mine == theirs
    cents = "SELECT sum(round(100 * realized_gross)) FROM lot_match"
    assert weather.value(cents) == 966
    assert weather.value("SELECT 100 * sum(realized_gross) FROM lot_match") == dec("966.72")


def exported(row: Row) -> tuple[object, ...]:
    """Return a lot match as the export prints it: whole contracts, whole cents, own side."""
    long = row["direction"] == "long"
    entry, close = row["open_price"], row["close_price"]
    cents = 100 * row["realized_gross"]
    return (
        row["instrument_id"],
        "yes" if long else "no",
        int(row["quantity"]),
        int(100 * (entry if long else 1 - entry)),
        int(100 * (close if long else 1 - close)),
        row["opened_at"].replace(microsecond=0).timestamp(),
        int(cents.quantize(Decimal(1), ROUND_HALF_UP)),
    )


def test_the_closing_times_of_the_export_are_ours_but_for_one_market(weather: Built) -> None:
    """Of one market the exports themselves differ: settled 11:34:55.003 and 11:34:54."""
    mine = Counter(
        (row["instrument_id"], row["closed_at"].replace(microsecond=0).timestamp())
        for row in weather.rows("lot_match")
    )
    theirs = Counter(
        (row["market_ticker"], datetime.fromisoformat(row["close_timestamp"]).timestamp())
        for row in real_rows.table(real_rows.TRANSACTIONS)
    )
    off = {ticker for ticker, _ in (mine - theirs)}
    assert off == {"KXLOWTSFO-26MAY07-B50.5"}


def test_the_profit_of_a_settlement_in_the_activity_export_is_its_revenue(weather: Built) -> None:
    profits = {
        row["Market_Ticker"]: dec(row["Profit_In_Dollars"])
        for row in real_rows.table(real_rows.ACTIVITY)
        if row["type"] == "Settlement"
    }
    rows = weather.rows("settlement")
    assert len(rows) == 63
    assert all(row["revenue_computed"] == profits[row["instrument_id"]] for row in rows)


def test_the_cash_out_earned_71_dollars_and_did_not_lose_26(books: BookMaker) -> None:
    """Sold out before the end, then settled with revenue 0: a naive reading books -26.74."""
    built = books.build(real_rows.cash_out())
    assert built.rows("unreadable") == []
    assert built.value("SELECT sum(realized_gross) FROM lot_match") == dec("73.92")
    assert built.value("SELECT sum(realized_net) FROM lot_match") == dec("71.111")
    assert built.value("SELECT sum(amount) FROM cash_ledger") == dec("71.111")
    assert built.value("SELECT revenue_state FROM settlement") == "netted"
    assert built.rows("position") == []
