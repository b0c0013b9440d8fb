"""Known failures S0-1 to S0-17 of an options engine on IBKR: they cannot happen here.

Each test carries the number of its row; docs/known-failures.md maps rows to tests.
"""

import shutil
import sqlite3
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from adapters.log.sqlite import SQLiteLog
from domain.errors import ProjectionError
from domain.event import NewEvent
from replay.database import transaction
from tests.books import BookMaker, Built, dec
from tests.projections.ibkr.test_replaced import stated
from tests.projections.ibkr.test_socket_readers import told
from tests.regressions.options_engine import (
    FEE,
    PREFIX,
    STRATEGY,
    RoundTrip,
    all_of,
)
from tests.tools.command import bytes_of, run, small_book, written
from tools import book as books_of
from tools.fake_kalshi.payloads import fill_json, page
from tools.fake_kalshi.truths import Execution

RULES = {PREFIX: STRATEGY}
RESOLVED = "SELECT count(*) FROM decision_outcome WHERE state = 'resolved'"
NEWEST_LABEL = "SELECT max(known_at_position) FROM decision_outcome WHERE state = 'resolved'"


# --- S0-1: labels that did not grow --------------------------------------------------------------


def test_s0_1_an_error_inside_a_transaction_is_loud_and_nothing_is_half_written(
    tmp_path: Path,
) -> None:
    with duckdb.connect(str(tmp_path / "labels.duckdb")) as connection:
        connection.execute("CREATE TABLE label (decision_id VARCHAR PRIMARY KEY)")
        with pytest.raises(duckdb.Error, match="duplicate key"):
            label_twice(connection)
        assert connection.execute("SELECT count(*) FROM label").fetchall() == [(0,)]


def label_twice(connection: duckdb.DuckDBPyConnection) -> None:
    with transaction(connection):
        for _ in range(2):
            connection.execute("INSERT INTO label VALUES ('d1')")


def test_s0_1_labels_grow_with_the_log_and_say_from_which_position_they_are_known(
    books: BookMaker,
) -> None:
    """36 decisions were resolved for weeks; 125 were due, and 130 after the heal."""
    trips = [RoundTrip(number) for number in range(125)]
    decisions = [trip.decision() for trip in trips]
    frozen = books.build(decisions, all_of(trips[:36]), strategies=RULES)
    whole = books.build(decisions, all_of(trips), strategies=RULES)
    assert (frozen.value(RESOLVED), whole.value(RESOLVED)) == (36, 125)
    assert frozen.value(NEWEST_LABEL) == frozen.rebuilt.events
    assert whole.value(NEWEST_LABEL) == whole.rebuilt.events > frozen.rebuilt.events
    # what is not resolved says why, and is no zero
    left = frozen.rows("SELECT DISTINCT state, result FROM decision_outcome WHERE fills = 0")
    assert left == [{"state": "unknown", "result": None}]


def test_s0_1_the_same_labels_have_the_same_fingerprint_so_that_a_retrain_can_refuse(
    books: BookMaker,
) -> None:
    trips = [RoundTrip(number) for number in range(3)]
    events = [*(trip.decision() for trip in trips), *all_of(trips)]
    one = books.build(events, strategies=RULES)
    again = books.build(events, events, strategies=RULES)
    more = books.build(events, [RoundTrip(9).decision(), *RoundTrip(9).executions()])
    label = "decision_outcome"
    assert one.content()[label] == again.content()[label] != more.content()[label]


# --- S0-3: the dry run that wrote, the counter that lied -----------------------------------------


def trades(number: int) -> str:
    rows = (
        Execution(
            fill_id=f"trade-{one}",
            order_id=f"order-{one}",
            client_order_id=None,
            ticker=f"KXMADE-26JUN01-T{one}",
            acquired="yes",
            action="buy",
            quantity=dec("1"),
            yes_price=dec("0.5"),
            taker=True,
            fee=dec("0.02"),
            at=RoundTrip(one).entered_at,
        )
        for one in range(number)
    )
    return page("fills", [fill_json(one, "5") for one in rows])


def test_s0_3_a_dry_run_writes_nothing_and_says_so_and_counts_are_read_back(
    tmp_path: Path,
) -> None:
    pages, book = written(tmp_path / "pages", fills=trades(106)), tmp_path / "book"
    run(book, "init")
    before = bytes_of(book)
    dry = run(book, "ingest", pages, "--dry-run", "--json")
    assert "(dry run: nothing was written)" in dry.json["verdict"]
    assert bytes_of(book) == before
    assert run(book, "ingest", pages, "--json").json["new"] == 106
    held = run(book, "query", "SELECT count(*) AS fills FROM fill", "--json").json["rows"]
    assert held == [{"fills": 106}]
    again = run(book, "ingest", pages, "--json").json
    assert (again["new"], again["duplicates"]) == (0, 106)


# --- S0-2: a winner that was called a loss -------------------------------------------------------


def test_s0_2_take_profits_count_whatever_they_are_called(books: BookMaker) -> None:
    """A search for "TP" missed TAKE_PROFIT: 22 of 27 winners were shown as losses."""
    words = ["TAKE_PROFIT"] * 22 + ["TP"] * 3 + ["TP1", "HEALED_TP"] + ["STOP"] * 30
    trips = [RoundTrip(number, "1.50" if number < 27 else "0.80") for number in range(57)]
    told_why = [trip.left(word) for trip, word in zip(trips, words, strict=True)]
    built = books.build(all_of(trips), told_why, strategies=RULES)
    query = "SELECT hit_tp, result, count(*) AS n FROM outcome GROUP BY ALL"
    assert built.rows(query) == [
        {"hit_tp": False, "result": "loss", "n": 30},
        {"hit_tp": True, "result": "win", "n": 27},
    ]


def test_s0_2_a_winner_without_a_reason_is_a_winner(books: BookMaker) -> None:
    built = books.build(RoundTrip(1).executions(), strategies=RULES)
    found = built.one("SELECT result, exit_reason, hit_tp FROM outcome")
    assert found == {"result": "win", "exit_reason": "not_told", "hit_tp": None}


# --- S0-5: a partial fill, then a reject ---------------------------------------------------------


def test_s0_5_a_partial_fill_and_then_a_reject_is_a_whole_position_with_cost_and_stop(
    books: BookMaker,
) -> None:
    trip = RoundTrip(1, sold_at=None)
    rejected = order_states(trip)
    built = books.build(
        [trip.decision(stop_price="0.70"), *trip.executions(), *rejected], strategies=RULES
    )
    held = built.one("SELECT quantity, cost, average_price FROM position")
    assert held == {"quantity": 1, "cost": 100, "average_price": 1}
    life = built.one("SELECT state, filled_quantity, fills FROM order_life")
    assert life == {"state": "partly_filled", "filled_quantity": 1, "fills": 1}
    found = built.one(
        "SELECT o.state, o.filled_quantity, d.stop_price"
        " FROM decision_outcome AS o INNER JOIN decision AS d USING (decision_id)"
    )
    assert found == {"state": "open", "filled_quantity": 1, "stop_price": dec("0.70")}


def order_states(trip: RoundTrip) -> list[NewEvent]:
    order = f"{trip.number}1"
    return [
        told(
            "ibkr.open_order", orderId="5", conId=trip.conid, action="BUY", totalQuantity="3",
            orderType="LMT", lmtPrice="1.00", orderRef=f"{PREFIX}1-in", clientId="1", permId=order,
        ),
        told(
            "ibkr.order_status", orderId="5", status="Inactive", filled="1", remaining="2",
            permId=order, clientId="1",
        ),
    ]  # fmt: skip


# --- S0-6, S0-12: closed by a status -------------------------------------------------------------


def test_s0_6_fourteen_that_only_a_status_closed_heal_to_five_and_nine_stay_lost(
    books: BookMaker,
) -> None:
    closed = [RoundTrip(number) for number in range(125)]
    unsold = [RoundTrip(200 + number, sold_at=None) for number in range(14)]
    words = [
        *(
            trip.left("HEALED_TP", quantity="1", price="1.40", exit_id="a", last=True)
            for trip in unsold[:4]
        ),
        unsold[4].quoted("1.20"),
        *(trip.left("HEALED_FORCE_CLOSE", last=True) for trip in unsold[4:]),
    ]
    decisions = [trip.decision() for trip in (*closed, *unsold)]
    built = books.build(decisions, all_of([*closed, *unsold]), words, strategies=RULES)
    graded = {row["quality"]: row["n"] for row in built.rows(
        "SELECT quality, count(*) AS n FROM outcome GROUP BY quality"
    )}  # fmt: skip
    assert graded == {
        "broker": 125,
        "healed_from_partials": 4,
        "healed_from_quote": 1,
        "lost": 9,
    }
    assert built.value(RESOLVED) == 130
    lost = built.rows("SELECT DISTINCT result, unknown_because FROM outcome WHERE quality = 'lost'")
    assert lost == [{"result": "unknown", "unknown_because": "executions_missing"}]


def test_s0_6_an_estimate_counts_in_no_sum_of_money(books: BookMaker) -> None:
    trip = RoundTrip(1, sold_at=None)
    events = [trip.decision(), *trip.executions()]
    word = trip.left("HEALED_TP", quantity="1", price="1.40", last=True)
    bare, healed = (books.build(pages, strategies=RULES) for pages in (events, [*events, word]))
    for table in ("lot_match", "daily_pnl", "trade", "cash_ledger", "position"):
        assert bare.rows(table) == healed.rows(table), table
    assert healed.value("SELECT estimated_gross FROM outcome") == 40


def test_s0_12_a_status_never_closes_and_one_file_answers_for_labels_and_money(
    books: BookMaker,
) -> None:
    trip = RoundTrip(1, sold_at=None)
    built = books.build([*trip.executions(), trip.left("STOP", last=True)], strategies=RULES)
    assert built.value("SELECT quantity FROM position") == 1
    assert built.value("SELECT closed_at FROM trade") is None
    rules = [row["rule"] for row in built.rows("SELECT rule FROM canary")]
    assert rules == ["exit_without_executions"]
    with pytest.raises(duckdb.Error, match="disabled"):
        built.connection.execute("ATTACH 'another.db'")


# --- S0-10: the reconciler -----------------------------------------------------------------------


def test_s0_10_nothing_edits_a_figure_neither_in_the_log_nor_in_the_projection(
    tmp_path: Path,
) -> None:
    book = small_book(tmp_path)
    for change in ("UPDATE fill SET price = 0", "DELETE FROM position", "DROP TABLE trade"):
        assert run(book, "query", change).code != 0
    with sqlite3.connect(book / "log.sqlite") as log:
        (table,) = log.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%events%'"
        ).fetchone()
        for change in (f"UPDATE {table} SET state = x''", f"DELETE FROM {table}"):
            with pytest.raises(sqlite3.DatabaseError):
                log.execute(change)


def test_s0_10_what_the_day_of_executions_leaves_out_the_statement_of_all_time_adds_once(
    books: BookMaker,
) -> None:
    """The socket tells one day; an execution that it does not tell is not gone."""
    today = RoundTrip(3)
    option = {
        "assetCategory": "OPT", "strike": "600", "putCall": "C", "expiry": "20261218",
        "multiplier": "100", "ibCommission": str(-FEE), "ibCommissionCurrency": "USD",
    }  # fmt: skip
    early = [
        stated(
            "900001", quantity, ibExecID=f"e{quantity}", tradePrice=price,
            dateTime=f"20260105;{at}", **option,
        )
        for quantity, price, at in (("1", "1.00", "100001"), ("-1", "1.20", "110001"))
    ]  # fmt: skip
    alone = books.build(today.executions())
    both = books.build(early, today.executions(), early)
    assert (realized(alone), realized(both)) == (dec("48.70"), dec("48.70") + dec("18.70"))
    assert both.value("SELECT count(*) FROM fill") == 4


def realized(built: Built) -> object:
    return built.value("SELECT sum(realized_net) FROM lot_match")


# --- S0-17: the database is a projection ---------------------------------------------------------


def test_s0_17_the_database_can_be_thrown_away_and_what_was_written_into_it_is_gone(
    tmp_path: Path,
) -> None:
    book = books_of.load(small_book(tmp_path))
    before = book.projection_meta()
    assert before is not None
    with duckdb.connect(str(book.projection_path)) as connection:
        connection.execute("UPDATE lot_match SET realized_net = 1000000")
    assert run(book.folder, "rebuild").code == run(book.folder, "switch").code == 0
    after = book.projection_meta()
    book.projection_path.unlink()
    with pytest.raises(ProjectionError):
        book.open_projection()
    run(book.folder, "project")
    anew = book.projection_meta()
    assert after is not None
    assert anew is not None
    assert before.fingerprint == after.fingerprint == anew.fingerprint


def test_s0_17_a_copied_log_alone_is_the_whole_book(tmp_path: Path) -> None:
    first = small_book(tmp_path)
    second = tmp_path / "second"
    run(second, "init")
    with SQLiteLog.open(first / "log.sqlite") as log:
        kinds = Counter(log.event(n).kind for n in range(1, log.head() + 1))  # type: ignore[union-attr]
    assert kinds["kalshi.fill"] == 2
    shutil.copy(first / "log.sqlite", second / "log.sqlite")
    run(second, "project")
    prints = [
        run(folder, "status", "--json").json["content_fingerprint"] for folder in (first, second)
    ]
    assert prints[0] == prints[1]
