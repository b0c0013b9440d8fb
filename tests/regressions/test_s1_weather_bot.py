"""Known failures S1-4, S1-9, S1-17 and S1-19 of a weather bot on Kalshi: they cannot happen here.

The rows about hedges and about the source of fills have modules of their own.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from domain.event import NewEvent, payload_bytes
from domain.results import TABLES
from replay import meta
from tests.books import BookMaker, dec, event, ledger
from tests.tools.command import run, written
from tools.book import load

RULES: Final = {"mm_xb_": "cross_bracket", "mm_xb_exit_": "cross_bracket_exit"}
MAY_11: Final = datetime(2026, 5, 11, 14, tzinfo=UTC)

# the keys that a fill had in May 2026
KEYS: Final = (
    "action count_fp created_time fee_cost fill_id is_taker market_ticker no_price_dollars "
    "order_id side subaccount_number ticker trade_id ts yes_price_dollars"
)
FILL: Final[dict[str, Any]] = {
    "action": "buy",
    "count_fp": "7.00",
    "created_time": "2026-05-11T14:00:03.5Z",
    "fee_cost": "0.0500",
    "fill_id": "3b0e",
    "is_taker": True,
    "market_ticker": "KXHIGHNY-26MAY11-B71.5",
    "no_price_dollars": "0.8800",
    "order_id": "order-1",
    "side": "no",
    "subaccount_number": 0,
    "ticker": "KXHIGHNY-26MAY11-B71.5",
    "trade_id": "3b0e",
    "ts": 1778508003,
    "yes_price_dollars": "0.1200",
}


# --- S1-4: payloads that drift -------------------------------------------------------------------


def test_s1_4_the_fill_of_may_2026_is_read_without_the_key_that_it_lost(tmp_path: Path) -> None:
    assert sorted(FILL) == KEYS.split()
    book = ingested(tmp_path, FILL)
    assert run(book, "drift", "--json").json["shapes"][0]["status"] == "known"
    asked = "SELECT client_order_id, quantity, price, side FROM fill"
    (found,) = run(book, "query", asked, "--json").json["rows"]
    assert found == {"client_order_id": None, "quantity": "7", "price": "0.12", "side": "sell"}


def test_s1_4_a_new_key_is_a_drift_on_the_first_page_and_the_payload_is_kept_whole(
    tmp_path: Path,
) -> None:
    row = FILL | {"fee_tier": "gold"}
    book = ingested(tmp_path, row, code=1)
    (shape,) = drifted(book)
    assert (shape["status"], shape["keys_added"]) == ("additive", "fee_tier:string")
    with load(book).open_log() as log:
        told = log.event(1)
    assert told is not None
    assert json.loads(payload_bytes(told.state)) == row


@pytest.mark.parametrize("key", ["count_fp", "yes_price_dollars", "side", "fee_cost", "order_id"])
def test_s1_4_a_key_that_vanished_is_a_drift_on_the_first_page_and_never_a_default(
    tmp_path: Path, key: str
) -> None:
    row = {name: value for name, value in FILL.items() if name != key}
    book = ingested(tmp_path, row, code=1)
    (shape,) = drifted(book)
    assert (shape["status"], key in shape["keys_missing"]) == ("unknown", True)
    assert run(book, "query", "SELECT * FROM fill", "--json").json["rows"] == []
    assert run(book, "unreadable", "--json").json["unreadable"][0]["reason"] == "unknown_shape"


def ingested(folder: Path, row: dict[str, Any], *, code: int = 0) -> Path:
    pages = written(folder / "pages", fills=json.dumps({"fills": [row], "cursor": ""}))
    run(folder / "book", "init")
    done = run(folder / "book", "ingest", pages)
    assert done.code == code, done.out
    return folder / "book"


def drifted(book: Path) -> list[dict[str, Any]]:
    shapes: list[dict[str, Any]] = run(book, "drift", "--json").json["shapes"]
    return [shape for shape in shapes if shape["status"] != "known"]


# --- S1-9: a family is blocked, its fills are not forgotten --------------------------------------


def test_s1_9_fills_of_a_blocked_family_keep_their_strategy_and_stand_in_their_own_row(
    books: BookMaker,
) -> None:
    built = books.build(
        ledger("""
            KXHIGHDEN-26MAY06-B38.5 10:00 no 10 @ 0.05 fee 0.01 as mm_xb_den
            KXHIGHDEN-26MAY06-B38.5 20:00 settles yes
            KXHIGHNY-26MAY06-B71.5 10:00 no 10 @ 0.60 fee 0.17 as mm_xb_ny
            KXHIGHNY-26MAY06-B71.5 20:00 settles no
        """),
        strategies=RULES,
    )
    rows = built.rows("SELECT strategy, family, realized_net FROM daily_pnl")
    assert rows == [
        {"strategy": "cross_bracket", "family": "KXHIGHDEN", "realized_net": dec("-0.51")},
        {"strategy": "cross_bracket", "family": "KXHIGHNY", "realized_net": dec("3.83")},
    ]


# --- S1-17: what the backtest read ---------------------------------------------------------------


def decisions(outcomes: Iterable[str]) -> list[NewEvent]:
    return [
        event(
            "bot.decision",
            json.dumps(
                {
                    "decision_id": f"d{number}",
                    "strategy": "cross_bracket",
                    "instrument": f"KXHIGHNY-26MAY11-B{number}",
                    "side": "no",
                    "outcome": outcome,
                    "decided_at": (MAY_11 + timedelta(minutes=number)).isoformat(),
                }
            ),
        )
        for number, outcome in enumerate(outcomes)
    ]


def test_s1_17_every_decision_is_counted_posted_shadow_and_skipped_alike(books: BookMaker) -> None:
    told = ["posted"] * 9 + ["shadow"] * 20 + ["skipped"] * 3
    built = books.build(decisions(told))
    found = built.rows("SELECT outcome, state, count(*) AS n FROM decision_outcome GROUP BY ALL")
    assert found == [
        # nobody has asked the broker: what became of them is unknown, not nothing
        {"outcome": "posted", "state": "unknown", "n": 9},
        {"outcome": "shadow", "state": "shadow", "n": 20},
        {"outcome": "skipped", "state": "skipped", "n": 3},
    ]
    (status,) = built.rows("SELECT state, realized_net FROM strategy_status")
    assert status == {"state": "unknown", "realized_net": None}


# --- S1-19: tables that nobody had written down --------------------------------------------------


def test_s1_19_every_table_of_a_projection_is_declared_and_posted_orders_come_from_the_log(
    books: BookMaker,
) -> None:
    posted = [
        event(
            "bot.order_posted",
            json.dumps(
                {
                    "order_id": f"order-{number}",
                    "client_order_id": f"mm_xb_{number}",
                    "strategy": "cross_bracket",
                    "instrument": "KXHIGHNY-26MAY11-B71.5",
                    "posted_at": MAY_11.isoformat(),
                }
            ),
        )
        for number in range(30)
    ]
    built = books.build(posted)
    assert built.value("SELECT count(*) FROM posted_order") == 30
    stamps = {"projection_meta", "table_fingerprint"}
    names = {row["table_name"] for row in built.rows("SELECT table_name FROM duckdb_tables()")}
    assert names == {model.table for model in TABLES} | stamps
    assert meta.read(built.connection).code_digest == meta.code_digest()
