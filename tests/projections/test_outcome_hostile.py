"""No record of a bot stops a rebuild or moves money, whatever it says."""

from collections.abc import Mapping
from random import Random
from typing import Any, Final

import pytest

from domain.event import NewEvent
from domain.rules import Rules
from tests.books import BookMaker, Row, ledger
from tests.projections.bot_events import decided, posted, quoted, recorded
from tests.projections.ibkr.test_socket_readers import told
from tests.regressions.options_engine import recorded as at_ibkr

ROUND_TRIP: Final = "A 10:00 yes 10 @ 0.50 fee 0 order o1\nA 11:00 no 10 @ 0.40 fee 0 order o2"
AT: Final = "2026-04-17T14:%s:00Z"
LARGEST: Final = "999999999.999999999"


# --- a posted order leads to a decision that was posted, of its own instrument and side ----------


@pytest.mark.parametrize(
    "decision",
    [
        decided("d1", "A", "09:59", outcome="shadow"),
        decided("d1", "A", "09:59", outcome="skipped"),
        decided("d1", "B", "09:59"),
        decided("d1", "A", "09:59", side="no"),
        decided("another", "B", "09:59"),
    ],
    ids=["shadow", "skipped", "another market", "another side", "never recorded"],
)
def test_a_posted_order_leads_to_no_decision_that_could_not_be_its_own(
    books: BookMaker, decision: NewEvent
) -> None:
    order = posted("alpha", "A", "09:59", order="o1", decision="d1")
    built = books.build(ledger(ROUND_TRIP), [decision, order])
    assert built.value("SELECT strategy FROM attribution WHERE fill_id = 'f1'") == "alpha"
    assert built.value("SELECT count(decision_id) FROM attribution") == 0
    assert built.value("SELECT count(decision_id) FROM outcome") == 0
    row = built.one("SELECT fills, result, hit_tp, linked_by FROM decision_outcome")
    assert row == {"fills": 0, "result": None, "hit_tp": None, "linked_by": "none"}


# --- numbers at the limits -----------------------------------------------------------------------


@pytest.mark.parametrize(("side", "empty", "other"), [("yes", "mae", "mfe"), ("no", "mfe", "mae")])
def test_a_quote_beyond_measure_leaves_its_own_excursion_empty(
    books: BookMaker, side: str, empty: str, other: str
) -> None:
    back = "no" if side == "yes" else "yes"
    text = f"A 10:00 {side} 10 @ 0.50 fee 0\nA 11:00 {back} 10 @ 0.50 fee 0\n"
    text += text.replace("A ", "B ")
    quotes = [quoted("A", "10:30", mid=f"-{LARGEST}"), quoted("B", "10:30", mid="0.50")]
    built = books.build(ledger(text), quotes)
    row = built.one("SELECT quotes, mae, mfe FROM outcome WHERE instrument_id = 'A'")
    assert row == {"quotes": 1, empty: None, other: 0}
    row = built.one("SELECT quotes, mae, mfe FROM outcome WHERE instrument_id = 'B'")
    assert row == {"quotes": 1, "mae": 0, "mfe": 0}


def execution(number: int, **fields: str) -> NewEvent:
    """Return an execution of the socket, of an order of its own."""
    return told(
        "ibkr.execution",
        execId=f"{number:08x}.aa.01.01",
        permId=str(number),
        orderRef="r",
        side="BOT",
        time="20260417 14:30:00 UTC",
        **fields,
    )


YEN: Final = execution(
    1, conId="77", secType="FUT", symbol="J", localSymbol="JX", lastTradeDate="20261218",
    multiplier="12500000", shares="100", price="0.0065", currency="USD",
)  # fmt: skip


@pytest.mark.parametrize(
    ("records", "quality"),
    [
        ({"quantity": "100", "price": "999999999"}, "lost"),
        ({"quantity": "100", "price": f"-{LARGEST}"}, "lost"),
        ({"price": LARGEST}, "lost"),
        ({"quantity": "9999999999.99999999", "price": "0.0070"}, "healed_from_partials"),
    ],
)
def test_what_no_number_can_hold_is_lost(
    books: BookMaker, records: Mapping[str, str], quality: str
) -> None:
    exits = at_ibkr(
        "bot.exit", instrument="77", exited_at=AT % "32", reason="TP", last=True, **records
    )
    row = books.build([YEN], [exits]).one("outcome")
    assert row["quality"] == quality
    assert (row["result"], row["unknown_because"]) == (
        ("unknown", "executions_missing") if quality == "lost" else ("win", None)
    )


def test_a_trade_that_only_a_quote_beyond_measure_could_value_is_lost(books: BookMaker) -> None:
    quote = at_ibkr("market.quote", instrument="77", quoted_at=AT % "31", mid="999999999")
    exits = at_ibkr("bot.exit", instrument="77", exited_at=AT % "32", reason="TP", last=True)
    assert books.build([YEN], [quote, exits]).value("SELECT quality FROM outcome") == "lost"


def currencies() -> list[NewEvent]:
    """Return two purchases of dollars that together are more than a quantity holds."""
    return [
        execution(
            number, conId="15016059", secType="CASH", symbol="USD", localSymbol="USD.JPY",
            shares="6000000000", price="150", currency="JPY",
        )
        for number in (9, 10)
    ]  # fmt: skip


def test_the_fills_of_a_decision_may_be_more_than_one_fill_can_be(books: BookMaker) -> None:
    records = [
        at_ibkr(
            "bot.decision", decision_id="d1", strategy="s", instrument="15016059", side="buy",
            outcome="posted", decided_at=AT % "30", order_id="9",
        ),
        at_ibkr(
            "bot.order_posted", strategy="s", instrument="15016059", posted_at=AT % "30",
            order_id="10", decision_id="d1",
        ),
    ]  # fmt: skip
    built = books.build(currencies(), records)
    row = built.one("SELECT fills, filled_quantity, state FROM decision_outcome")
    assert row == {"fills": 2, "filled_quantity": 12_000_000_000, "state": "result_unknown"}


# --- everything at once --------------------------------------------------------------------------

PRICES: Final = ("0", "1", "-1", "0.5", LARGEST, f"-{LARGEST}", "0.000000001", "-0.000000001")
QUANTITIES: Final = ("0", "-1", "10", "0.00000001", "9999999999.99999999", "-9999999999.99999999")
TIMES: Final = (
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    *(f"2026-06-01T{hour}:{minute}:00Z" for hour in (10, 11, 12) for minute in ("00", "01", "30")),
)
DECISIONS: Final = ("d1", "d2", "f1", "o1", "d|é")
ORDERS: Final = ("o1", "o2", "o3", "none")
CLIENTS: Final = ("c1", "c2", "x-1")
MONEY: Final = {
    "trade": "SELECT * EXCLUDE (strategy) FROM trade",
    "lot": "SELECT * EXCLUDE (strategy, open_strategy, close_strategy) FROM lot_match",
    "cash": "SELECT * FROM cash_ledger",
    "position": "SELECT sum(quantity), sum(cost), instrument_id FROM position GROUP BY ALL",
    "settlement": "SELECT * FROM settlement",
    "pnl": "SELECT day, family, currency, sum(realized_net) FROM daily_pnl GROUP BY ALL",
}


def traded(random: Random) -> list[NewEvent]:
    """Return random fills of three markets, and perhaps a settlement."""
    lines = []
    for _ in range(random.randint(6, 12)):
        hour, minute = random.choice((10, 11)), random.choice(("00", "01", "30"))
        line = f"{random.choice('ABC')} {hour}:{minute} {random.choice(('yes', 'no'))}"
        line += f" {random.choice(('1', '10'))} @ {random.choice(('0', '0.5', '0.9999'))}"
        line += f" fee {random.choice(('0', '0.1'))} order {random.choice(ORDERS)}"
        lines.append(line + random.choice(("", " as c1", " as x-1")))
    if random.random() < 0.5:
        lines.append(f"A 12:00 settles {random.choice(('yes', 'no', 'scalar 37'))}")
    return ledger("\n".join(lines))


def hostile(random: Random) -> list[NewEvent]:
    """Return records of a bot that fit their columns and little else."""

    def some(values: tuple[str, ...]) -> str | None:
        return random.choice((None, random.choice(values)))

    def one() -> NewEvent:
        kind = random.choice(("bot.decision", "bot.order_posted", "bot.exit", "market.quote"))
        more: dict[str, Any] = {"instrument": random.choice("ABC")}
        if kind == "market.quote":
            prices = {name: some(PRICES) for name in ("bid", "ask", "mid")}
            return recorded(kind, **more, quoted_at=random.choice(TIMES), underlying="1", **prices)
        more |= {"order_id": some(ORDERS), "client_order_id": some(CLIENTS)}
        more |= {"price": some(PRICES), "quantity": some(QUANTITIES)}
        if kind == "bot.exit":
            more |= {"decision_id": some(DECISIONS), "reason": random.choice(("TP", "SL", "é"))}
            more |= {"exit_id": some(("e1", "e2")), "last": random.choice((None, True, False))}
            return recorded(kind, **more, exited_at=random.choice(TIMES))
        more["strategy"] = random.choice(("alpha", "beta", "unattributed"))
        if kind == "bot.order_posted":
            more |= {"decision_id": some(DECISIONS), "side": some(("yes", "no"))}
            more["client_order_id"] = random.choice(CLIENTS)
            return recorded(kind, **more, posted_at=random.choice(TIMES))
        more |= {"decision_id": random.choice(DECISIONS), "side": random.choice(("yes", "no"))}
        more["outcome"] = random.choice(("posted", "posted", "shadow", "skipped"))
        return recorded(kind, **more, decided_at=random.choice(TIMES))

    return [one() for _ in range(random.randint(30, 60))]


def plain(rows: list[Row]) -> list[str]:
    """Return rows as text, in an order of their own."""
    return sorted(map(str, rows))


@pytest.mark.parametrize("seed", range(6))
def test_hostile_records_stop_no_rebuild_and_move_no_money(books: BookMaker, seed: int) -> None:
    random = Random(seed)
    fills, records = traded(random), hostile(random)
    rules = random.choice((Rules(), Rules.of_prefixes({"c1": "alpha", "x-": "beta"})))
    alone, beside = (books.build(fills, more, rules=rules) for more in ([], records))
    assert beside.rows("unreadable") == []
    for name, query in MONEY.items():
        assert plain(beside.rows(query)) == plain(alone.rows(query)), name
