"""Books that are flat again and again: histories of which new events concern only the end.

Mostly in the order of time, by orders of one or several parts, at two brokers. A few events come
late, are told twice or corrected, name no order or another's, and some of what forbids to cut a
history is there too.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from domain.event import NewEvent
from domain.ibkr import messages
from tests.books import event
from tests.projections.account_events import balance
from tests.projections.bot_events import quoted
from tests.projections.ibkr.test_socket_readers import told
from tools.fake_kalshi.payloads import fill_json, order_json
from tools.fake_kalshi.truths import Execution, Order

START: Final = datetime(2026, 6, 1, tzinfo=UTC)
EASTERN: Final = ZoneInfo("US/Eastern")
STEPS: Final = (0, 0, 7, 600, 3600, 20_000, 50_000)
NAMES: Final = (None, None, "a-1", "b-7", "c-2", "zz")


def trips(seed: int, rounds: int = 30) -> list[NewEvent]:
    """Return the events of a book."""
    random = Random(seed)
    rows = sorted(_rows(random, rounds), key=lambda row: row[0])
    events = [made for _, made in rows]
    for _ in range(random.choice((0, 0, 1, 3))):
        late = events.pop(random.randrange(len(events)))
        events.insert(random.randint(len(events) // 2, len(events)), late)
    return events


def _rows(random: Random, rounds: int) -> Iterator[tuple[datetime, NewEvent]]:
    held = dict.fromkeys(("KXA-26JUN01-T1", "KXB-26JUN01-T2", "KXC-26JUN01-T3", "1", "2", "3"), 0)
    at, orders = START, 0
    for number in range(rounds):
        name = random.choice(list(held))
        signed = _move(random, held[name])
        held[name] += signed
        orders += random.random() < 0.95
        bot_id = random.choice(NAMES)
        first = random.randint(1, abs(signed)) * (1 if signed > 0 else -1)
        for part, quantity in enumerate(filter(None, (first, signed - first))):
            at += timedelta(seconds=random.choice(STEPS))
            make = _kalshi if name.startswith("KX") else _broker
            for made in make(random, f"{number}{part}", name, quantity, f"o{orders}", bot_id, at):
                yield at, made
        if name.startswith("KX") and random.random() < 0.4:
            state = _state(random, name, signed, f"o{orders}", bot_id, at)
            yield at + timedelta(seconds=random.choice((0, 5, 5, 90_000))), state
        if random.random() < 0.03:
            yield at, quoted(name, "10:00", mid="0.5")
        if random.random() < 0.03:
            yield at, balance("5.00", at, subaccount=random.choice((None, 1)))


def _move(random: Random, held: int) -> int:
    size = random.randint(1, 6) * random.choice((1, -1))
    if not held:
        return size
    return random.choice((-held, -held, -held, size, -2 * held))


def _kalshi(
    random: Random, number: str, name: str, signed: int, order: str, bot_id: str | None,
    at: datetime,
) -> Iterator[NewEvent]:  # fmt: skip
    fill = Execution(
        fill_id=f"f{number}",
        order_id=order,
        client_order_id=bot_id,
        ticker=name,
        acquired="yes" if signed > 0 else "no",
        action="buy",
        quantity=Decimal(abs(signed)),
        yes_price=Decimal(random.choice((5, 10, 40, 70))) / 100,
        taker=True,
        fee=Decimal("0.02"),
        at=at + timedelta(microseconds=random.choice((0, 0, 1))),
    )
    generations = ("0", "1", "2", "3a", "3b", "5", "5")
    for _ in range(random.choice((1, 1, 1, 1, 2))):
        yield event("kalshi.fill", fill_json(fill, random.choice(generations)))


def _state(
    random: Random, name: str, signed: int, order: str, bot_id: str | None, at: datetime
) -> NewEvent:
    made = Order(
        order_id=order,
        client_order_id=bot_id or random.choice(("a-5", "zz")),
        ticker=name,
        acquires="yes" if signed > 0 else "no",
        action="buy",
        status="executed",
        yes_price=Decimal("0.5"),
        initial=Decimal(abs(signed)),
        filled=Decimal(abs(signed)),
        remaining=Decimal(0),
        created_at=at,
        updated_at=at,
    )
    return event("kalshi.order", order_json(made, "5"))


def _broker(
    random: Random, number: str, name: str, signed: int, order: str, bot_id: str | None,
    at: datetime,
) -> Iterator[NewEvent]:  # fmt: skip
    local = at.astimezone(EASTERN)
    stem = f"0000e0d5.{int(number):08x}.01"
    fields = {
        "conId": name,
        "symbol": random.choice(("AAPL",) * 30 + ("MSFT",)),
        "permId": order.removeprefix("o"),
        "orderRef": bot_id or "",
        "side": "BOT" if signed > 0 else "SLD",
        "time": f"{local:%Y%m%d %H:%M:%S} US/Eastern",
        "shares": str(abs(signed)),
    }
    for suffix in range(random.choice((1,) * 20 + (2,))):
        yield told(messages.EXECUTION, **fields, execId=f"{stem}.{suffix + 1:02}")
    if random.random() < 0.8:
        yield told(
            messages.COMMISSION_REPORT,
            execId=f"{stem}.01",
            commission="0.35",
            currency="USD",
            realizedPNL=random.choice(("1.7976931348623157E308", "2.5")),
        )
    if random.random() < 0.2:
        yield told(
            messages.ORDER_STATUS,
            permId=fields["permId"],
            clientId="1",
            orderId=fields["permId"],
            status="Filled",
            filled="1",
            remaining="0",
        )
