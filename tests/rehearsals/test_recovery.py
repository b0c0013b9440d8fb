"""What REST does not say is recovered: the bot's order, and what the live channel missed.

REST fills name no client_order_id any more. The order does, for as long as it is told; the live
channel does for every fill that was heard. What was not heard comes from REST, and whatever comes
twice is one fill.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from adapters.kalshi.follow import Pauses
from tests.rehearsal import Rehearsal, rehearsal
from tools import fetch, following
from tools.fake_kalshi.clock import SimulatedClock
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.truths import Execution
from tools.fake_kalshi.world import RICH, World
from tools.outcome import FAILED, FOUND, GOOD, Outcome

START: Final = datetime(2026, 9, 1, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
ORDERS: Final = ("/portfolio/orders", "/historical/orders")
MESSAGE: Final = "kalshi.fill_message"
# Messages come at once; nothing that is waited for takes that long.
LOOKS_MAX: Final = 3000
ATTRIBUTED: Final = "SELECT fill_id, client_order_id, evidence, evidence_positions FROM attribution"
CHANGED: Final = "SELECT * FROM restatement WHERE change = 'changed'"

Steps: TypeAlias = Iterator[Callable[[], bool]]
FIRST: Final = Execution(
    fill_id="fill-1",
    order_id="order-1",
    client_order_id="mm_1",
    ticker="KXHIGHNY-26SEP01-T71",
    acquired="yes",
    action="buy",
    quantity=Decimal(10),
    yes_price=Decimal("0.62"),
    taker=True,
    fee=Decimal("0.17"),
    at=START + 2 * HOUR + timedelta(microseconds=123_456),
)
FILLS: Final = tuple(
    replace(
        FIRST,
        fill_id=f"fill-{number}",
        order_id=f"order-{number}",
        client_order_id=f"mm_{number}",
        at=FIRST.at + number * HOUR,
    )
    for number in range(6)
)


def play(steps: Steps, told: list[str]) -> Callable[[], bool]:
    """Return a condition that plays a script while it is asked, and is true when that ends."""
    waiting, looks = next(steps), 0

    def stop() -> bool:
        nonlocal waiting, looks
        looks += 1
        assert looks < LOOKS_MAX, told
        try:
            while waiting():
                waiting, looks = next(steps), 0
        except StopIteration:
            return True
        return False

    return stop


def follow(book: Rehearsal, steps: Steps, told: list[str]) -> Outcome:
    return following.follow(
        book.book,
        fetch.Wanted(),
        book.entry,
        stop=play(steps, told),
        # hours go by, and no catch-up is due for that alone
        pauses=Pauses(listening=0.02, catch_up=10**6),
        say=told.append,
    )


def number(told: list[str], beginning: str) -> int:
    return sum(line.startswith(beginning) for line in told)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Rehearsal]:
    """Follow six fills in one market, an hour apart."""
    clock = SimulatedClock(START)
    clock.advance(HOUR)
    exchange = Exchange(World.by_hand(FILLS), clock=clock)
    with rehearsal(tmp_path, exchange, clock) as made:
        yield made


def hear(book: Rehearsal, told: list[str], count: int) -> Steps:
    """Let the next fills happen, and wait until they are heard."""
    heard = number(told, "fill ")
    for _ in range(count):
        book.clock.advance(HOUR)
        if book.clock.now() < FILLS[0].at:
            book.clock.advance(FILLS[0].at - book.clock.now())
        book.exchange.announce()
    yield lambda: number(told, "fill ") == heard + count


def caught_up(told: list[str], reason: str, times: int = 1) -> Callable[[], bool]:
    return lambda: number(told, f"caught up ({reason})") == times


def test_orders_name_the_bots_order_where_fills_do_not(tmp_path: Path) -> None:
    world = World.made(5, start=START, days=5, style=RICH)
    clock = SimulatedClock(START + timedelta(days=3))
    exchange = Exchange(world, clock=clock, live_window=timedelta(days=1))
    with rehearsal(tmp_path, exchange, clock) as book:
        # settlements of before the live window are gone, and it says so
        assert book.fetch().exit_code == FOUND
        named = {row.fill_id: row.client_order_id for row in world.at(exchange.as_of).executions}
        assert {
            fill: (client, evidence) for fill, client, evidence, _ in book.rows(ATTRIBUTED)
        } == {fill: (client, "order" if client else "none") for fill, client in named.items()}
        assert None in named.values()


def test_messages_name_the_bots_order_where_orders_are_not_told(tmp_path: Path) -> None:
    world = World.made(5, start=START, days=5, style=RICH)
    clock = SimulatedClock(START)
    clock.advance(timedelta(days=2))
    exchange = Exchange(world, clock=clock, closed=ORDERS)
    with rehearsal(tmp_path, exchange, clock) as book:
        told: list[str] = []
        heard: dict[str, str | None] = {}

        def script() -> Steps:
            yield caught_up(told, "subscribed")
            since = clock.now()
            clock.advance(6 * HOUR)
            count = exchange.announce()
            rows = world.at(clock.now()).executions
            # the stream begins with the exchange, a little before the catch-up ended
            heard.update({row.fill_id: row.client_order_id for row in rows[-count:]})
            assert sum(row.at > since for row in rows) > 3
            yield lambda: number(told, "fill ") == count

        done = follow(book, script(), told)
        assert done.exit_code == FAILED
        assert any(line.startswith("INCOMPLETE orders: GET /portfolio/orders") for line in told)
        assert book.fetch().exit_code == FAILED
        with book.book.open_log() as log:
            for fill, client, evidence, positions in book.rows(ATTRIBUTED):
                if heard.get(fill) is None:
                    assert (client, evidence, positions) == (None, "none", [])
                    continue
                assert (client, evidence) == (heard[fill], "message")
                event = log.event(positions[0])
                assert event is not None
                assert (event.kind, event.key.rpartition("|")[2]) == (MESSAGE, fill)
        assert book.differences() == []
        assert book.rows(CHANGED) == []


@pytest.mark.parametrize("reset", [False, True], ids=["farewell", "reset"])
def test_what_happens_while_nobody_listens_is_caught_up(book: Rehearsal, *, reset: bool) -> None:
    told: list[str] = []

    def script() -> Steps:
        yield caught_up(told, "subscribed")
        yield from hear(book, told, 2)
        book.exchange.stream.drop(reset=reset)
        book.clock.advance(2 * HOUR)
        book.exchange.announce()
        yield caught_up(told, "subscribed", times=2)
        assert book.differences() == []
        yield from hear(book, told, 1)

    done = follow(book, script(), told)
    assert (done.exit_code, done.data["connections"]) == (GOOD, 2)
    assert book.keys(MESSAGE) == [
        f"kalshi|main|live|{MESSAGE}|fill-{number}" for number in (0, 1, 4)
    ]
    assert book.fetch().exit_code == GOOD
    assert book.differences() == []


def test_a_lost_message_is_noticed_by_the_position_behind_it(book: Rehearsal) -> None:
    told: list[str] = []

    def script() -> Steps:
        yield caught_up(told, "subscribed")
        yield from hear(book, told, 1)
        book.exchange.stream.swallow(1)
        book.clock.advance(HOUR)
        assert book.exchange.announce() == 1
        assert number(told, "caught up (a message is missing)") == 0
        yield from hear(book, told, 1)
        yield caught_up(told, "a message is missing")
        assert book.differences() == []

    done = follow(book, script(), told)
    assert (done.exit_code, done.data["fill_messages"], done.data["catch_ups"]) == (GOOD, 2, 2)
    assert book.rows("SELECT count(*) FROM fill") == [(3,)]


def test_a_broken_message_is_told_and_caught_up(book: Rehearsal) -> None:
    told: list[str] = []

    def script() -> Steps:
        yield caught_up(told, "subscribed")
        book.exchange.stream.say_broken()
        yield caught_up(told, "a message that cannot be read")
        yield from hear(book, told, 1)

    assert follow(book, script(), told).exit_code == GOOD
    assert number(told, "WebSocket fill: a message that is not JSON") == 1


def test_a_message_of_an_unknown_type_is_told_and_left_aside(book: Rehearsal) -> None:
    told: list[str] = []

    def script() -> Steps:
        yield caught_up(told, "subscribed")
        book.exchange.stream.say_unknown()
        yield lambda: any("made_unknown" in line for line in told)
        yield from hear(book, told, 1)

    done = follow(book, script(), told)
    assert (done.exit_code, done.data["catch_ups"], done.data["connections"]) == (GOOD, 1, 1)


def test_a_fill_that_was_heard_first_is_refined_by_rest_and_stays_one(book: Rehearsal) -> None:
    told: list[str] = []

    def script() -> Steps:
        yield caught_up(told, "subscribed")
        yield from hear(book, told, 3)

    follow(book, script(), told)
    assert book.project().exit_code == GOOD
    moment = "SELECT fill_id, executed_at FROM fill ORDER BY fill_id"
    heard = book.rows(moment)
    milliseconds = timedelta(microseconds=FIRST.at.microsecond % 1000)
    assert heard == [(row.fill_id, row.at - milliseconds) for row in FILLS[:3]]
    assert book.differences() == []
    assert book.fetch().exit_code == GOOD
    assert book.rows(moment) == [(row.fill_id, row.at) for row in FILLS[:3]]
    assert len(book.keys(MESSAGE)) == len(book.keys("kalshi.fill")) == 3
    assert book.rows(CHANGED) == []
    assert book.differences() == []


def test_a_message_of_a_new_shape_is_reported(book: Rehearsal) -> None:
    told: list[str] = []

    def script() -> Steps:
        yield caught_up(told, "subscribed")
        book.exchange.stream.say('{"type":"fill","sid":1,"msg":{"trade_id":"x","made_new":1}}')
        yield lambda: number(told, "fill ") == 1

    done = follow(book, script(), told)
    assert done.exit_code == FOUND
    assert any(line.startswith(f"DRIFT ALERT {MESSAGE}") for line in told)
