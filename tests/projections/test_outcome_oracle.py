"""Outcomes against an oracle that looks at one trade after the other, over random histories."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest

from domain.event import NewEvent
from tests.books import BookMaker, Row, event
from tests.oracle.outcomes import Exit, Quote, moment, outcomes
from tests.oracle.payloads import replay_payloads
from tests.projections.bot_events import recorded
from tests.projections.random_markets import STRATEGIES, markets

REASONS: Final = {
    "TP": "take_profit",
    "HEALED_TAKE-PROFIT": "take_profit",
    "stop": "stop_loss",
    "EOD": "end_of_day",
    "ZAPPED": "undeclared",
}
BACK: Final = (-60, -1, 0, 0, 0, 30, 60, 61, 3600)


def order_of(fill_id: str) -> str:
    """Return the order of a fill of a random market, whose id holds it."""
    return fill_id.partition("-")[2]


def exits_of(random: Random, trade: Row, tables: Any) -> list[tuple[Exit, str]]:  # noqa: ANN401
    """Return what a bot may say about leaving a trade, each with its spelling."""
    at = trade["closed_at"] or moment(trade, "opened_at") + timedelta(hours=2)
    closings = [
        str(lot["close_id"])
        for lot in tables["lot_match"]
        if lot["trade_id"] == trade["trade_id"] and lot["close_kind"] == "fill"
    ]
    told = []
    for number in range(random.randint(0, 3)):
        spelling = random.choice(list(REASONS))
        order = order_of(random.choice(closings)) if closings and random.random() < 0.3 else None
        size = Decimal(random.randint(1, 40))
        row = Exit(
            instrument_id=str(trade["instrument_id"]),
            exited_at=at + timedelta(seconds=random.choice(BACK)),
            exit_id=f"{trade['trade_id']}/{number}",
            reason=REASONS[spelling],
            last=random.random() < 0.5,
            order_id=order,
            quantity=random.choice((None, size, Decimal(str(trade["quantity"])))),
            price=random.choice((None, Decimal(random.randint(1, 99)) / 100)),
        )
        told.append((row, spelling))
    return told


def quotes_of(random: Random, trade: Row) -> list[Quote]:
    """Return quotes around a trade, some of one side, some of the middle alone."""
    at = moment(trade, "opened_at")
    end = trade["closed_at"] or at + timedelta(hours=2)
    assert not isinstance(end, str)
    kinds: list[dict[str, Decimal]] = [
        {"mid": Decimal(random.randint(1, 99)) / 100},
        {"bid": Decimal(random.randint(1, 50)) / 100, "ask": Decimal(random.randint(51, 99)) / 100},
        {"bid": Decimal("0.01")},
    ]
    only = random.choice((kinds, kinds[1:], kinds[:1]))
    times = {at, end, *(at + (end - at) * n / 4 for n in range(-1, 6))}
    chosen = [one for one in sorted(times) if random.random() < 0.6]
    ticker = str(trade["instrument_id"])
    return [Quote(ticker, one, **random.choice(only)) for one in chosen]


def events_of(exits: list[tuple[Exit, str]], quotes: list[Quote]) -> list[NewEvent]:
    """Return what the bot recorded."""

    def text(value: object) -> str | None:
        return None if value is None else str(value)

    told = [
        recorded(
            "bot.exit",
            instrument=one.instrument_id,
            exited_at=one.exited_at.isoformat(),
            exit_id=one.exit_id,
            reason=spelling,
            last=one.last,
            order_id=one.order_id,
            quantity=text(one.quantity),
            price=text(one.price),
        )
        for one, spelling in exits
    ]
    return told + [
        recorded(
            "market.quote",
            instrument=one.instrument_id,
            quoted_at=one.quoted_at.isoformat(),
            mid=text(one.mid),
            bid=text(one.bid),
            ask=text(one.ask),
        )
        for one in quotes
    ]


def plain(row: Row) -> tuple[object, ...]:
    """Return the values of a row in the order of its columns, numbers as fractions."""
    return tuple(
        (name, str(Fraction(value)) if isinstance(value, Decimal | Fraction) else value)
        for name, value in sorted(row.items())
    )


@pytest.mark.parametrize("seed", range(5))
def test_random_histories_have_the_oracles_outcomes(seed: int) -> None:
    random = Random(seed)
    payloads = [one for made in markets(seed, 300).values() for one in made]
    tables = replay_payloads([(kind, text.encode()) for kind, text in payloads], STRATEGIES)
    fills = {str(lot["open_fill_id"]) for lot in tables["lot_match"]}
    fills |= {str(lot["close_id"]) for lot in tables["lot_match"] if lot["close_kind"] == "fill"}
    trades = [trade for trade in tables["trade"] if random.random() < 0.8]
    exits = [one for trade in trades for one in exits_of(random, trade, tables)]
    quotes = {
        (one.instrument_id, one.quoted_at): one
        for trade in trades
        if random.random() < 0.6
        for one in quotes_of(random, trade)
    }
    wanted, alone = outcomes(
        tables,
        {fill: order_of(fill) for fill in fills},
        [one for one, _ in exits],
        list(quotes.values()),
    )
    events = [event(kind, text) for kind, text in payloads]
    events += events_of(exits, list(quotes.values()))
    random.shuffle(events)
    with TemporaryDirectory() as folder:
        books = BookMaker(Path(folder))
        try:
            built = books.build(events, strategies=STRATEGIES)
            assert built.rows("unreadable") == []
            seen = {plain(row) for row in built.rows("outcome", list(wanted[0]))}
            expected = {plain(row) for row in wanted}
            assert sorted(seen - expected, key=str)[:3] == sorted(expected - seen, key=str)[:3]
            assert len(built.rows("outcome")) == len(wanted)
            canaries = "SELECT count(*) FROM canary WHERE rule = 'exit_without_executions'"
            assert built.value(canaries) >= len(alone)
        finally:
            books.close()
    qualities = {row["quality"] for row in wanted}
    assert qualities == {"broker", "healed_from_partials", "healed_from_quote", "lost"}
