"""What came of a trade: by money alone, with the reason as it was told, and graded."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.event import NewEvent
from domain.exits import SPELLINGS
from domain.rules import Outcomes, Rules
from projections import sql
from tests.books import BookMaker, Built, Row, dec, ledger
from tests.projections.bot_events import decided, left, quoted
from tests.projections.ibkr.account_rows import events as rows_of_account
from tests.projections.ibkr.examples import account, traded
from tests.projections.ibkr.test_socket_readers import told

# --- by money alone ------------------------------------------------------------------------------

MONEY: Final = """
    WIN    10:00 yes 10 @ 0.40 fee 0.10
    WIN    11:00 no 10 @ 0.40 fee 0.10
    LOSS   10:00 yes 10 @ 0.40 fee 0
    LOSS   11:00 no 10 @ 0.70 fee 0
    EXACT  10:00 yes 100 @ 0.50 fee 0.7500
    EXACT  11:00 no 100 @ 0.49 fee 0
    MORE   10:00 yes 100 @ 0.50 fee 0.7499
    MORE   11:00 no 100 @ 0.49 fee 0
    UNDER  10:00 yes 100 @ 0.50 fee 0.2500
    UNDER  11:00 no 100 @ 0.50 fee 0
    WORSE  10:00 yes 100 @ 0.50 fee 0.2501
    WORSE  11:00 no 100 @ 0.50 fee 0
    FEES   10:00 yes 10 @ 0.40
    FEES   11:00 no 10 @ 0.40
    SHORT  10:00 no 10 @ 0.30 fee 0
    SHORT  12:00 settles no
    OPEN   10:00 yes 1 @ 0.40 fee 0
"""


@pytest.fixture(scope="module")
def money(shelf: BookMaker) -> Built:
    return shelf.ledger(MONEY)


def outcome(book: Built, market: str) -> Row:
    return book.one(f"SELECT * FROM outcome WHERE instrument_id = '{market}'")


@pytest.mark.parametrize(
    ("market", "result", "return_on_cost"),
    [
        ("WIN", "win", "0.45"),
        ("LOSS", "loss", "-0.25"),
        ("EXACT", "breakeven", "0.005"),
        ("MORE", "win", "0.005002"),
        ("UNDER", "breakeven", "-0.005"),
        ("WORSE", "loss", "-0.005002"),
        ("SHORT", "win", "2.333333333"),
    ],
)
def test_win_or_loss_comes_of_return_after_fees(
    money: Built, market: str, result: str, return_on_cost: str
) -> None:
    row = outcome(money, market)
    assert (row["result"], row["return_on_cost"]) == (result, dec(return_on_cost))
    assert (row["quality"], row["unknown_because"]) == ("broker", None)


def test_a_trade_without_an_exit_reason_is_no_loss(money: Built) -> None:
    row = outcome(money, "WIN")
    assert (row["result"], row["exit_reason"], row["hit_tp"]) == ("win", "not_told", None)


def test_a_fee_that_nobody_stated_makes_the_result_unknown_and_not_zero(money: Built) -> None:
    row = outcome(money, "FEES")
    assert (row["result"], row["unknown_because"]) == ("unknown", "fee_pending")
    assert (row["realized_net"], row["return_on_cost"]) == (None, None)


def test_a_short_yes_costs_what_its_no_did_and_a_settlement_is_its_reason(money: Built) -> None:
    row = outcome(money, "SHORT")
    assert (row["cost"], row["realized_net"], row["direction"]) == (3, 7, "short")
    assert (row["exit_reason"], row["hit_tp"]) == ("settlement", False)
    assert row["executions"] == f"{row['trade_id']}, SHORT"
    assert row["holding_seconds"] == 7200


def test_an_open_trade_has_no_outcome(money: Built) -> None:
    assert money.rows("SELECT * FROM outcome WHERE instrument_id = 'OPEN'") == []


def test_the_threshold_is_the_users(books: BookMaker) -> None:
    rules = Rules(outcomes=Outcomes(breakeven_return=Decimal("0.45")))
    assert outcome(books.ledger(MONEY, rules=rules), "WIN")["result"] == "breakeven"


def test_a_fee_told_late_is_what_the_result_waits_for(books: BookMaker) -> None:
    text = "A 10:00 yes 10 @ 0.40\nA 11:00 no 10 @ 0.40"
    ended = f"{text}\nA 12:00 settles yes fee 0.20"
    filler = ledger("Z 10:00 yes 1 @ 0.10 fee 0 id filler")
    built = books.build(ledger(text), filler, ledger(ended)[2:])
    row = outcome(built, "A")
    assert (row["realized_net"], row["known_at_position"]) == (dec("1.8"), 4)


def test_a_long_round_trip_names_its_first_rows_and_how_many_more(books: BookMaker) -> None:
    lines = [f"A 10:{n:02} yes 1 @ 0.40 fee 0 id b{n:02}" for n in range(30)]
    row = outcome(books.ledger("\n".join([*lines, "A 11:00 no 30 @ 0.40 fee 0 id out"])), "A")
    assert row["executions"] == ", ".join([*(f"b{n:02}" for n in range(20)), "11 more"])
    assert row["known_at_position"] == 31


# --- exact arithmetic ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def macros() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(sql.text("macros", "outcomes"))
        yield connection


COUNTS = st.integers(0, 10**35)


@given(size=COUNTS, billionths=st.integers(0, 10**9 - 1), whole=COUNTS)
def test_a_return_is_compared_exactly(
    macros: duckdb.DuckDBPyConnection, size: int, billionths: int, whole: int
) -> None:
    limit = whole * billionths // 10**9
    for tried in (size, limit, limit + 1):
        query = f"SELECT exceeds({tried}::HUGEINT, {billionths}::HUGEINT, {whole}::HUGEINT)"
        expected = Fraction(tried) > Fraction(whole * billionths, 10**9)
        assert macros.execute(query).fetchone() == (expected,)


@given(size=st.integers(0, 10**35), whole=st.integers(1, 10**35))
def test_a_return_is_cut_and_never_rounded(
    macros: duckdb.DuckDBPyConnection, size: int, whole: int
) -> None:
    size = min(size, whole * 10**6)
    query = f"SELECT billionths_in({size}::HUGEINT, {whole}::HUGEINT)"
    assert macros.execute(query).fetchone() == (size * 10**9 // whole,)


# --- reasons -------------------------------------------------------------------------------------


def told_reasons(books: BookMaker, reasons: list[str], **rules: Any) -> Built:  # noqa: ANN401
    """Return a book in which trade n was left for the n-th reason."""
    lines, exits = [], []
    for number, reason in enumerate(reasons):
        lines.append(f"M{number} 10:00 yes 1 @ 0.40 fee 0\nM{number} 11:00 no 1 @ 0.40 fee 0")
        exits.append(left(f"M{number}", "11:00", reason, last=True))
    return books.build(ledger("\n".join(lines)), exits, **rules)


def test_every_spelling_has_its_reason(books: BookMaker) -> None:
    spellings = sorted(SPELLINGS)
    told = [*spellings, *(f"healed-{spelling.lower()}" for spelling in spellings)]
    built = told_reasons(books, told)
    found = {row["exit_reason_told"]: row for row in built.rows("outcome")}
    assert {one: row["exit_reason"] for one, row in found.items()} == {
        one: SPELLINGS[one.upper().removeprefix("HEALED-")] for one in told
    }
    assert {one for one, row in found.items() if row["hit_tp"]} == {
        one for one in told if SPELLINGS[one.upper().removeprefix("HEALED-")] == "take_profit"
    }
    assert built.rows("canary") == []


def test_27_take_profits_are_27_of_which_22_are_spelled_in_full(books: BookMaker) -> None:
    built = told_reasons(books, ["TP"] * 5 + ["TAKE_PROFIT"] * 22 + ["STOP"] * 9)
    assert built.value("SELECT count(*) FROM outcome WHERE hit_tp") == 27
    assert built.value("SELECT count(*) FROM outcome WHERE NOT hit_tp") == 9


def test_a_spelling_in_no_list_is_kept_reported_once_and_never_guessed(books: BookMaker) -> None:
    built = told_reasons(books, ["ZAPPED", "zapped", "STOPTP"])
    rows = built.rows("SELECT DISTINCT exit_reason, hit_tp FROM outcome")
    assert rows == [{"exit_reason": "undeclared", "hit_tp": None}]
    canaries = built.rows("SELECT rule, subject, position FROM canary")
    assert canaries == [
        {"rule": "exit_undeclared", "subject": "STOPTP", "position": 9},
        {"rule": "exit_undeclared", "subject": "ZAPPED", "position": 7},
    ]
    own = Rules(outcomes=Outcomes(exit_reasons={"zapped": "risk", "stoptp": "stop_loss"}))
    declared = told_reasons(books, ["ZAPPED", "zapped", "STOPTP"], rules=own)
    assert declared.rows("canary") == []
    assert declared.value("SELECT count(*) FROM outcome WHERE exit_reason = 'risk'") == 2


TIED: Final = """
    A 10:00 yes 2 @ 0.40 fee 0
    A 10:30 no 1 @ 0.40 fee 0 order first as x-1
    A 11:00 no 1 @ 0.40 fee 0 order second as x-2
    A 12:00 yes 1 @ 0.40 fee 0
    A 13:00 no 1 @ 0.40 fee 0 order third
"""


def test_the_last_exit_gives_the_reason_and_any_of_them_may_be_the_take_profit(
    books: BookMaker,
) -> None:
    exits = [
        left("A", "10:30", "TP1", order_id="first"),
        # told late, and still of the trade that its order closed
        left("A", "12:30", "SL", client_order_id="x-2"),
        left("A", "13:00", "EOD", order_id="third"),
    ]
    rows = books.build(ledger(TIED), exits).rows(
        "SELECT exit_reason, hit_tp, known_at_position FROM outcome"
    )
    assert rows == [
        {"exit_reason": "end_of_day", "hit_tp": False, "known_at_position": 8},
        {"exit_reason": "stop_loss", "hit_tp": True, "known_at_position": 7},
    ]


@pytest.mark.parametrize(
    ("at", "more", "trade"),
    [
        ("11:01:00", {}, "f1"),
        ("11:01:01", {}, None),
        ("11:00:30", {"decision_id": "d1"}, "f1"),
        ("11:30", {"decision_id": "d1"}, None),
        ("09:59:59", {}, None),
        ("13:00:59", {}, "f4"),
        ("11:00", {"order_id": "no such order"}, "f1"),
    ],
)
def test_an_exit_is_matched_by_order_by_decision_and_then_by_time(
    books: BookMaker, at: str, more: dict[str, str], trade: str | None
) -> None:
    decision = decided("d1", "A", "09:59", order_id="order-1")
    built = books.build([decision], ledger(TIED), [left("A", at, "TP", **more)])
    rows = built.rows("SELECT trade_id FROM outcome WHERE exit_reason = 'take_profit'")
    assert [row["trade_id"] for row in rows] == [trade] * (trade is not None)
    lost = built.rows("SELECT rule FROM canary")
    assert lost == ([] if trade else [{"rule": "exit_without_executions"}])


# --- the bot's word ------------------------------------------------------------------------------


def held_closed() -> list[Any]:
    """Return 14 trades that only the bot closed: 4 with partial exits, one with a quote."""
    events = []
    for number in range(14):
        market = f"H{number:02}"
        events += ledger(f"{market} 10:00 yes 4 @ 0.40 fee 0.04 id {market}")
        if number < 4:
            events.append(left(market, "10:30", "TP1", quantity="3", price="0.60", exit_id="a"))
            events.append(left(market, "11:00", "HEALED_TP", quantity="1", price="0.50", last=True))
            continue
        events.append(left(market, "11:00", "HEALED_SL", quantity="4", last=True))
    events.append(quoted("H04", "10:59", mid="0.30"))
    events.append(quoted("H05", "11:01", mid="0.30"))
    events.append(quoted("H06", "09:59", mid="0.30"))
    events.append(quoted("H07", "10:30", bid="0.30", underlying="5100"))
    return events


def test_of_14_that_only_the_bot_closed_5_are_healed_and_9_stay_lost(books: BookMaker) -> None:
    built = books.build(held_closed())
    rows = built.rows("SELECT quality, result, count(*) AS trades FROM outcome GROUP BY ALL")
    assert rows == [
        {"quality": "healed_from_partials", "result": "win", "trades": 4},
        {"quality": "healed_from_quote", "result": "loss", "trades": 1},
        {"quality": "lost", "result": "unknown", "trades": 9},
    ]
    healed = outcome(built, "H00")
    assert (healed["estimated_gross"], healed["cost"]) == (dec("0.7"), dec("1.6"))
    assert healed["return_on_cost"] == dec("0.4375")
    assert outcome(built, "H04")["estimated_gross"] == dec("-0.4")
    lost = outcome(built, "H05")
    assert (lost["unknown_because"], lost["estimated_gross"]) == ("executions_missing", None)
    # nothing of it is money, and nothing is closed by it
    assert built.value("SELECT count(realized_net) FROM outcome") == 0
    assert built.rows("lot_match") == []
    assert built.value("SELECT count(*) FROM trade WHERE closed_at IS NOT NULL") == 0
    assert built.value("SELECT count(*) FROM canary WHERE rule = 'exit_without_executions'") == 14


def test_late_executions_turn_an_estimate_into_money_by_replay(books: BookMaker) -> None:
    late = ledger("H00 10:00 yes 4 @ 0.40 fee 0.04\nH00 11:00 no 4 @ 0.55 fee 0 id late")[1:]
    before, after = books.build(held_closed()), books.build(held_closed(), late)
    assert outcome(before, "H00")["quality"] == "healed_from_partials"
    row = outcome(after, "H00")
    assert (row["quality"], row["realized_net"]) == ("broker", dec("0.16"))
    assert (row["estimated_gross"], row["result"], row["exit_reason"]) == (
        None,
        "win",
        "take_profit",
    )
    assert row["known_at_position"] == after.rebuilt.events
    assert after.value("SELECT count(*) FROM canary WHERE subject LIKE 'H00%'") == 0


SHORT: Final = "A 10:00 no 4 @ 0.30 fee 0"


@pytest.mark.parametrize(
    ("exits", "quality", "gross"),
    [
        # a NO at 0.30 is a short YES at 0.70: YES at 0.50 is 0.20 better
        ([("11:00", "4", "0.50", True)], "healed_from_partials", "0.8"),
        (
            [("10:30", "1", "0.40", None), ("11:00", "9", "0.60", True)],
            "healed_from_partials",
            "0.6",
        ),
        ([("11:00", "3", "0.50", True)], "lost", None),
        # without a quantity it is of all that is open
        ([("11:00", None, "0.50", True)], "healed_from_partials", "0.8"),
        (
            [("10:30", "3", "0.40", None), ("11:00", None, "0.60", True)],
            "healed_from_partials",
            "1",
        ),
        ([("11:00", "4", None, True)], "lost", None),
    ],
)
def test_exits_value_what_is_open_only_in_full(
    books: BookMaker, exits: list[Any], quality: str, gross: str | None
) -> None:
    told = [
        left("A", at, "EOD", quantity=quantity, price=price, last=last)
        for at, quantity, price, last in exits
    ]
    row = books.build(ledger(SHORT), told).one("outcome")
    assert (row["quality"], row["cost"]) == (quality, dec("1.2"))
    assert row["estimated_gross"] == (None if gross is None else dec(gross))


def test_what_was_opened_after_the_exit_is_open(books: BookMaker) -> None:
    told = [left("A", "11:00", "EOD", last=True)]
    built = books.build(ledger(f"{SHORT}\nA 12:00 no 1 @ 0.30 fee 0"), told)
    assert built.rows("outcome") == []
    assert built.value("SELECT rule FROM canary") == "exit_without_executions"


def test_an_exit_that_the_broker_answered_does_not_value_what_is_left(books: BookMaker) -> None:
    text = "A 10:00 yes 6 @ 0.40 fee 0\nA 10:30 no 3 @ 0.40 fee 0 order part"
    told = [
        left("A", "10:30", "TP1", quantity="3", price="0.60", order_id="part"),
        left("A", "11:00", "EOD", last=True),
    ]
    row = books.build(ledger(text), told).one("outcome")
    assert (row["quality"], row["cost"], row["hit_tp"]) == ("lost", dec("2.4"), True)


def test_a_word_of_the_bot_alone_makes_no_trade(books: BookMaker) -> None:
    built = books.build([left("NEVER", "11:00", "TP", quantity="5", price="0.9", last=True)])
    assert (built.rows("outcome"), built.rows("trade")) == ([], [])
    assert built.value("SELECT rule FROM canary") == "exit_without_executions"


# --- excursions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quotes", "expected"),
    [
        ([("10:00", {"mid": "0.30"}), ("11:00", {"mid": "0.55"})], (2, "-0.1", "0.15")),
        ([("09:59:59", {"mid": "0.1"}), ("11:00:01", {"mid": "0.9"})], (0, None, None)),
        # one kind of price a path: where a middle was recorded, bid and ask do not count
        ([("10:10", {"mid": "0.41"}), ("10:20", {"bid": "0.1", "ask": "0.2"})], (1, "0", "0.01")),
        (
            [("10:10", {"bid": "0.31", "ask": "0.36"}), ("10:20", {"bid": "0.1"})],
            (1, "-0.065", "0"),
        ),
        # S0-4: a path of nothing but the price of the underlying is no path
        ([("10:10", {"underlying": "5100"}), ("10:20", {"underlying": "5000"})], (0, None, None)),
        ([], (0, None, None)),
    ],
)
def test_an_excursion_is_the_middle_against_the_average_opening_price(
    books: BookMaker, quotes: list[Any], expected: tuple[int, str | None, str | None]
) -> None:
    text = "A 10:00 yes 1 @ 0.30 fee 0\nA 10:00 yes 1 @ 0.50 fee 0\nA 11:00 no 2 @ 0.50 fee 0"
    told = [quoted("A", at, **prices) for at, prices in quotes]
    row = books.build(ledger(text), told).one("outcome")
    count, mae, mfe = expected
    assert row["quotes"] == count
    assert row["mae"] == (None if mae is None else dec(mae))
    assert row["mfe"] == (None if mfe is None else dec(mfe))


def test_a_short_suffers_from_a_rise_and_a_flip_is_in_both_trades(books: BookMaker) -> None:
    text = "A 10:00 no 3 @ 0.70 fee 0\nA 11:00 yes 5 @ 0.50 fee 0\nA 12:00 no 2 @ 0.20 fee 0"
    told = [quoted("A", "10:30", mid="0.20"), quoted("A", "11:00", mid="0.5000")]
    rows = books.build(ledger(text), told).rows("SELECT direction, mae, mfe, quotes FROM outcome")
    assert rows == [
        {"direction": "long", "mae": dec("0"), "mfe": dec("0"), "quotes": 1},
        {"direction": "short", "mae": dec("-0.2"), "mfe": dec("0.1"), "quotes": 2},
    ]


# --- Interactive Brokers -------------------------------------------------------------------------


def of_ibkr(books: BookMaker, *rows: Any) -> Row:  # noqa: ANN401 - trades
    return books.build(rows_of_account("Umade", account(*rows))).one(
        "SELECT * FROM outcome ORDER BY opened_at LIMIT 1"
    )


OPTION: Final[dict[str, Any]] = {
    "strike": "30",
    "underlying": "101",
    "call": True,
    "multiplier": "100",
}


def test_a_sold_option_cost_what_it_was_sold_for_and_expires(books: BookMaker) -> None:
    sold = traded("f1", "201", "-2", "1.5", fee="1", **OPTION)
    ended = traded("f2", "201", "2", "0", "07 16:20", booking="expiry", **OPTION)
    row = of_ibkr(books, sold, ended)
    assert (row["cost"], row["realized_net"], row["result"]) == (300, 299, "win")
    assert (row["exit_reason"], row["hit_tp"]) == ("expiry", False)
    assert row["return_on_cost"] == dec("0.996666666")


def execution(exec_id: str, side: str, price: str, fee_currency: str) -> list[NewEvent]:
    """Return an execution of the socket and its commission."""
    return [
        told("ibkr.execution", execId=exec_id, side=side, price=price),
        told(
            "ibkr.commission_report",
            execId=exec_id,
            commission="1",
            currency=fee_currency,
            realizedPNL="1.7976931348623157E308",
        ),
    ]


@pytest.mark.parametrize(("fee_currency", "because"), [("EUR", "two_currencies"), ("USD", None)])
def test_a_fee_in_another_currency_leaves_the_result_unknown(
    books: BookMaker, fee_currency: str, because: str | None
) -> None:
    rows = [
        *execution("a1.01.01.01", "BOT", "10", "USD"),
        *execution("a2.01.01.01", "SLD", "12", fee_currency),
    ]
    row = books.build(rows).one("outcome")
    assert (row["unknown_because"], row["result"] == "unknown") == (because, bool(because))
    # the commission is the last that the result rests on
    assert row["known_at_position"] == 4


def test_a_missing_opening_leaves_cost_and_result_unknown(books: BookMaker) -> None:
    row = of_ibkr(books, traded("f2", "101", "-5", "30", flag="close"))
    assert (row["result"], row["unknown_because"], row["cost"]) == (
        "unknown",
        "basis_missing",
        None,
    )
