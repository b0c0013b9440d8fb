"""The saved audit queries: each runs, says what it answers, and adds up to the lots."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import duckdb
import pytest

from domain.event import NewEvent, Owner
from replay import query
from replay.query import SavedQuery
from tests.books import NOW, BookMaker, Built, Row, event, ledger
from tests.made.samples import BALANCE, CASH, FILL, LISTING, ORDER, message_json
from tests.projections.account_events import balance as stated
from tests.projections.account_events import fetch
from tests.projections.bot_events import decided, left
from tests.tools.render_help import shown_width
from tools.fake_kalshi.payloads import (
    balance_json,
    deposit_json,
    fill_json,
    market_json,
    order_json,
)

SAVED = query.saved()
LEDGER = """
    KXHIGHNY-26JUN01-T80 10:00 yes 10 @ 0.62 fee 0.17 as bot-1
    KXHIGHNY-26JUN01-T80 11:00 no 4 @ 0.35 fee 0.10
    KXHIGHNY-26JUN01-T80 12:00 settles yes
    KXBTC15M-26JUN011000-00 09:00 yes 5 @ 0.40
    KXBTC15M-26JUN011000-00 09:30 no 5 @ 0.30
    KXBTC15M-26JUN011000-00 10:00 settles no fee -
    KXBTC15M-26JUN021000-00 06-02T09:00 no 3 @ 0.55 fee 0.06 as bot-2
    KXBTC15M-26JUN031000-00 06-03T09:00 yes 2 @ 0.50 fee 0.04 as other-1
    KXBTC15M-26JUN031000-00 06-03T10:00 settles yes revenue 0.00
"""


def others() -> list[NewEvent]:
    """Return one event of the other kinds, a row of the export, a broken one, an unknown one."""
    export = {
        "type": "trade",
        "quantity": "6",
        "market_ticker": "KXHIGHNY-26JUN01-T80",
        "side": "yes",
        "entry_price_cents": "62",
        "exit_price_cents": "100",
        "open_fees_cents": "17",
        "close_fees_cents": "0",
        "realized_pnl_without_fees_cents": "228",
        "realized_pnl_with_fees_cents": "211",
        "close_timestamp": "2026-06-01T08:00:00-04:00",
        "open_timestamp": "2026-06-01T06:00:00-04:00",
    }
    return [
        event("kalshi.order", order_json(ORDER, "4")),
        event("kalshi.balance", balance_json(BALANCE, "4"), as_of=NOW),
        event("kalshi.deposit", deposit_json(CASH, "4")),
        event("kalshi.market", market_json(LISTING, "4")),
        event("kalshi.report.transaction", json.dumps(export)),
        event("kalshi.fill", '{"fill_id": "odd"}'),
        event("ledger.fetch", '{"document":"x","adapter":"tests/1","pages":1,"rows":1}'),
        *ledger("KXRE-1 10:00 yes 1 @ 0.50 fee 0.02 id re"),
        *ledger("KXRE-1 10:00 yes 1 @ 0.50 fee 0.03 id re"),
        event("kalshi.deposit", deposit_json(CASH, "4").replace('"debit"', '"wire"')),
        *(fetch("fills", (NOW + n * DAY, NOW + n * DAY), at=NOW + n * DAY) for n in (0, 2)),
        fetch("settlements", None, at=NOW),
        decided("d1", "KXBTC15M-26JUN021000-00", "06-02T08:59", side="no"),
        left("KXBTC15M-26JUN021000-00", "06-02T09:30", "TP", last=True),
    ]


DAY = timedelta(days=1)

OF_IBKR = {
    "base-pnl-by-day",
    "cancels-and-corrections",
    "cash-against-broker",
    "cash-differences",
    "conversions",
    "corporate-actions",
    "dividends-and-taxes",
    "option-ends",
    "partial-orders",
    "positions-against-broker",
    "realized-against-broker",
    "realized-differences",
}


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BookMaker]:
    # Queries cannot change a book, so one is enough for all.
    made = BookMaker(tmp_path_factory.mktemp("book"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def empty(maker: BookMaker) -> Built:
    return maker.build([])


@pytest.fixture(scope="module")
def built(maker: BookMaker) -> Built:
    elsewhere = Owner("main", "paper")
    paper = [
        event(one.kind, one.state.split(b'"payload":')[1][:-1].decode(), owner=elsewhere)
        for one in ledger("KXPAPER-A 10:00 yes 1 @ 0.20 fee 0.01\nKXPAPER-A 11:00 settles no")
    ]
    return maker.build(ledger(LEDGER), others(), paper, strategies={"bot-": "bots"})


def rows_of(built: Built, name: str) -> list[Row]:
    rows: list[Row] = query.run(built.connection, query.saved_query(name).sql).to_pylist()
    return rows


@pytest.mark.parametrize("saved", SAVED, ids=lambda saved: saved.name)
def test_a_saved_query_says_in_one_line_what_it_answers(saved: SavedQuery) -> None:
    assert saved.sql.startswith(f"-- {saved.question}\n")
    assert saved.question.endswith("?")
    assert "ORDER BY" in saved.sql


@pytest.mark.parametrize("saved", SAVED, ids=lambda saved: saved.name)
def test_a_saved_query_runs_on_an_empty_book(empty: Built, saved: SavedQuery) -> None:
    assert query.run(empty.connection, saved.sql).num_rows == 0


def test_saved_queries_answer_alike_with_one_thread_and_several(built: Built) -> None:
    for saved in SAVED:
        answers = []
        for threads in (1, 2, 8):
            with duckdb.connect(":memory:") as other:
                other.execute(f"SET threads = {threads}")
                other.execute("SET TimeZone = 'UTC'")
                other.execute(f"ATTACH '{built.path}' AS book (READ_ONLY)")
                other.execute("USE book")
                answers.append(query.run(other, saved.sql))
        assert answers[0].equals(answers[1]), saved.name
        assert answers[0].equals(answers[2]), saved.name


def test_most_saved_queries_have_something_to_say_of_a_busy_book(built: Built) -> None:
    silent = {saved.name for saved in SAVED if not rows_of(built, saved.name)}
    assert silent == {"unsettled-lots", *OF_IBKR}


def test_answers_fit_a_screen_of_100_columns(built: Built) -> None:
    wide = [
        saved.name for saved in SAVED if shown_width(query.run(built.connection, saved.sql)) > 100
    ]
    assert wide == []


@pytest.mark.parametrize("name", ["pnl-by-strategy", "pnl-by-family", "pnl-by-day"])
def test_pnl_adds_up_to_the_lots_and_says_what_is_pending(built: Built, name: str) -> None:
    for mode in ("live", "paper"):
        rows = [row for row in rows_of(built, name) if row["account"] == f"kalshi/main/{mode}"]
        lots = built.rows(f"SELECT * FROM lot_match WHERE mode = '{mode}'")
        pending = [lot for lot in lots if lot["fee_state"] == "pending"]
        assert sum(row["lots"] for row in rows) == len(lots)
        assert sum(row["gross"] for row in rows) == sum(lot["realized_gross"] for lot in lots)
        assert sum(row["net"] or 0 for row in rows) == sum(lot["realized_net"] or 0 for lot in lots)
        assert sum(row["lots_pending"] for row in rows) == len(pending)
        for row in rows:
            known = row["gross"] - row["gross_pending"]
            assert known - (row["fees"] or 0) == (row["net"] or 0)


def test_a_family_whose_fees_are_all_unknown_has_no_net_at_all(books: BookMaker) -> None:
    built = books.ledger("KXA-1 09:00 yes 5 @ 0.40\nKXA-1 09:30 no 5 @ 0.30")
    (row,) = rows_of(built, "pnl-by-family")
    assert (row["gross"], row["gross_pending"]) == (Decimal("1.5"), Decimal("1.5"))
    assert (row["fees"], row["net"], row["lots_pending"]) == (None, None, 1)


def test_pairs_of_yes_and_no_are_not_lost_money(built: Built) -> None:
    row = next(row for row in rows_of(built, "netted-settlements") if row["yes"] == row["no"])
    assert row["by_revenue"] == Decimal("-3.5")
    assert row["by_lots"] == Decimal("1.5")
    assert row["misstated"] == -5


def test_a_settlement_that_the_broker_reports_wrongly_is_listed(built: Built) -> None:
    (row,) = rows_of(built, "settlement-check")
    assert (row["state"], row["reported"], row["computed"]) == ("missing", 0, 2)
    assert row["differs"] == -2


def test_the_expected_balance_is_that_of_the_moment_that_the_broker_speaks_of(
    books: BookMaker,
) -> None:
    later = NOW + timedelta(days=1)
    balance = event("kalshi.balance", balance_json(BALANCE, "4"), as_of=NOW - timedelta(days=90))
    deposit = deposit_json(CASH, "4")
    late = deposit.replace('"dep-1"', '"dep-2"').replace(
        str(int(CASH.created_at.timestamp())), str(int(later.timestamp()))
    )
    late = late.replace(str(int(CASH.created_at.timestamp()) + 9), str(int(later.timestamp())))
    events = [event("kalshi.deposit", text) for text in (deposit, late)]
    (row,) = rows_of(books.build([balance, *events]), "expected-balance")
    assert row["expected"] == 2 * row["expected_then"]
    assert row["difference"] == row["broker"] - row["expected_then"]


def test_the_expected_balance_is_compared_with_all_subaccounts_together(books: BookMaker) -> None:
    earlier = stated("999", NOW - DAY, subaccount=0)
    parts = [stated("30", NOW, subaccount=0), stated("12.5", NOW, subaccount=1)]
    shard = stated("30", NOW, subaccount=0, shard=0)
    (row,) = rows_of(books.build([earlier, *parts, shard]), "expected-balance")
    assert (row["broker"], row["difference"]) == (Decimal("42.5"), Decimal("42.5"))


def test_a_fill_of_a_message_and_of_a_page_is_told_twice(books: BookMaker) -> None:
    message = event("kalshi.fill_message", message_json(FILL, "5"))
    paged = event("kalshi.fill", fill_json(FILL, "5"))
    (row,) = rows_of(books.build([message, paged]), "duplicates-avoided")
    assert (row["kind"], row["events"], row["facts"], row["retold"]) == ("kalshi.fill", 2, 1, 1)
    (row,) = rows_of(books.build([message]), "duplicates-avoided")
    assert (row["kind"], row["events"], row["facts"], row["retold"]) == ("kalshi.fill", 1, 1, 0)


def test_the_broker_s_export_is_compared_market_by_market(built: Built) -> None:
    rows = {row["instrument_id"]: row for row in rows_of(built, "report-against-lots")}
    row = rows["KXHIGHNY-26JUN01-T80"]
    assert (row["report"], row["ledger"]) == (Decimal("2.28"), Decimal("2.4"))
    assert row["differs"] == Decimal("-0.12")
    assert rows["KXBTC15M-26JUN031000-00"]["report"] is None
    assert "KXPAPER-A" not in rows


def test_what_was_told_twice_is_counted_as_told_twice(books: BookMaker) -> None:
    text = "A 10:00 yes 10 @ 0.62 fee 0.17 id one gen {}"
    built = books.build(ledger(text.format("2")), ledger(text.format("5")))
    (row,) = rows_of(built, "duplicates-avoided")
    assert (row["kind"], row["events"], row["facts"], row["retold"]) == ("kalshi.fill", 2, 1, 1)


def test_an_open_position_in_a_decided_market_is_found(books: BookMaker) -> None:
    decided = market_json(LISTING, "4")
    built = books.build(
        ledger(f"{LISTING.ticker} 10:00 no 4 @ 0.35 fee 0.10"), [event("kalshi.market", decided)]
    )
    (row,) = rows_of(built, "unsettled-lots")
    assert (row["instrument_id"], row["quantity"], row["result"]) == (LISTING.ticker, -4, "no")


def test_an_order_whose_fills_are_missing_is_found(built: Built) -> None:
    (row,) = rows_of(built, "orders-without-fills")
    assert (row["said"], row["in_fills"], row["lacking"]) == (13, 0, 13)
