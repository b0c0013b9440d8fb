"""Books of everything: what may come of two brokers, a bot and an operator, from one seed.

All of it in any order: messages behind pages, commissions before executions, settlements before
fills, states of an order from its end to its beginning.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from domain.event import NewEvent
from domain.ibkr import messages
from domain.rules import Rules
from tests.books import event
from tests.projections.account_events import FIRST_ROW, balance, fetch
from tests.projections.bot_events import left, quoted
from tests.projections.ibkr.account_rows import events as flex_events
from tests.projections.ibkr.random_accounts import account
from tests.projections.ibkr.test_socket_readers import PAPER, told
from tests.projections.random_markets import markets
from tests.projections.test_attribution_oracle import history
from tools.fake_kalshi.payloads import fill_json, order_json
from tools.fake_kalshi.truths import Execution, Order

RULES: Final = Rules.of_prefixes({"a": "alpha", "a-long": "alpha-long", "b": "beta", "c-": "gamma"})
STREAMS: Final = ("fills", "settlements", "deposits", "withdrawals", "orders")
DAY: Final = datetime(2026, 6, 1, tzinfo=UTC)
UNSET: Final = "1.7976931348623157E308"


def life(seed: int, size: int = 4, *, statements: bool = False) -> list[NewEvent]:
    """Return the events of a book; with `statements` IBKR tells of its account in Flex, too."""
    random = Random(seed)
    made = history(seed, size)
    events = made.events
    events += [event(*row) for rows in markets(seed, size).values() for row in rows]
    names = [*(f"KXTWO-26JUN01-T{number}" for number in range(size)), *markets(seed, size)]
    for make in (_money, _looking, _asking):
        events += make(random, names)
    events += _shared_orders(random, names, sorted({fill.order_id for fill in made.fills}))
    events += _socket(random, size)
    if statements:
        told_by_flex = flex_events("U1", account(seed))
        start = random.randrange(len(told_by_flex))
        events += told_by_flex[start : start + 12 * size]
    random.shuffle(events)
    return events


def _money(random: Random, _names: list[str]) -> Iterator[NewEvent]:
    """Return deposits and withdrawals in their states, and balances."""
    for number in range(random.randint(0, 3)):
        kind = random.choice(("deposit", "withdrawal"))
        for status in random.sample(("pending", "applied", "returned"), random.randint(1, 3)):
            finalized = 1789801739 + random.choice((0, 60)) if status != "pending" else None
            row = {
                "id": f"{kind}{number}",
                "status": status,
                "type": "ach",
                "amount_cents": 1000,
                "fee_cents": random.choice((0, 25)),
                "created_ts": 1789801739,
                "finalized_ts": finalized,
            }
            yield event(f"kalshi.{kind}", json.dumps(row))
    for _ in range(random.randint(0, 4)):
        at = DAY + timedelta(hours=random.randint(0, 72))
        yield balance(f"{random.randint(0, 99)}.50", at, subaccount=random.choice((None, 0, 1)))


def _shared_orders(random: Random, names: list[str], orders: list[str]) -> Iterator[NewEvent]:
    """Return states and fills of orders that name another market than the order's own."""
    for number in range(random.randint(0, 3)):
        order_id, ticker = random.choice(orders), random.choice(names)
        if random.random() < 0.5:
            order = Order(
                order_id=order_id,
                client_order_id=random.choice(("a-1", "zz", "")),
                ticker=ticker,
                acquires="yes",
                action="buy",
                status=random.choice(("executed", "canceled")),
                yes_price=Decimal("0.5"),
                initial=Decimal(2),
                filled=Decimal(1),
                remaining=Decimal(0),
                created_at=DAY,
                updated_at=DAY + timedelta(minutes=number),
            )
            yield event("kalshi.order", order_json(order, "5"))
        else:
            execution = Execution(
                fill_id=f"shared-{number}",
                order_id=order_id,
                client_order_id=None,
                ticker=ticker,
                acquired="no",
                action="buy",
                quantity=Decimal(1),
                yes_price=Decimal("0.4"),
                taker=True,
                fee=Decimal(0),
                at=DAY + timedelta(hours=number),
            )
            yield event("kalshi.fill", fill_json(execution, "5"))


def _looking(random: Random, names: list[str]) -> Iterator[NewEvent]:
    """Return quotes, and what the bot says about leaving."""
    for number in range(random.randint(0, 6)):
        hour = f"{random.randint(0, 23):02}:{random.randint(0, 59):02}"
        name = random.choice(names)
        if random.random() < 0.5:
            yield quoted(name, hour, mid=f"0.{random.randint(1, 9)}")
        else:
            reason = random.choice(("TP", "STOP", "ZAPPED"))
            yield left(name, hour, reason, exit_id=f"x{number}", last=random.random() < 0.5)


def _asking(random: Random, _names: list[str]) -> Iterator[NewEvent]:
    """Return fetches, some of which cover what decisions wait for."""
    for number in range(random.randint(0, 5)):
        at = DAY + timedelta(hours=random.randint(-30, 48), seconds=number)
        start = random.choice((FIRST_ROW, at - timedelta(hours=random.randint(1, 40))))
        covered = (start, at) if random.random() < 0.8 else None
        yield fetch(random.choice(STREAMS), covered, at=at)


def _socket(random: Random, size: int) -> Iterator[NewEvent]:
    """Return executions of IBKR, corrected at times, with commissions, orders and combinations."""
    for number in range(size):
        stem, order = f"0000e0d5.{number:08x}.01", str(random.choice((number, 0)) + 1)
        fields = {
            "conId": str(random.randint(1, 3)),
            "permId": random.choice((order, "0")),
            "orderRef": random.choice(("", "a-1", "c-7", "zz")),
            "side": random.choice(("BOT", "SLD")),
        }
        for suffix in range(random.choice((1, 1, 1, 2))):
            shares = str(random.randint(1, 9))
            yield told(
                messages.EXECUTION, **fields, execId=f"{stem}.{suffix + 1:02}", shares=shares
            )
        if random.random() < 0.15:
            whole = {"secType": "BAG", "conId": "9", "permId": order}
            yield told(messages.EXECUTION, **fields | whole, execId=f"{stem}9.01")
        for _ in range(random.choice((0, 1, 1, 2))):
            yield told(
                messages.COMMISSION_REPORT,
                execId=f"{stem}.01",
                commission=random.choice(("1.0", "0.35")),
                currency="USD",
                realizedPNL=random.choice((UNSET, "2.5")),
            )
        if random.random() < 0.4:
            status = random.choice(("Submitted", "Filled", "Cancelled"))
            yield told(
                messages.ORDER_STATUS,
                random.randint(0, 9),
                permId=order,
                clientId="1",
                orderId=order,
                status=status,
                filled="1",
                remaining="2",
            )
    if random.random() < 0.3:
        yield event(
            "bot.order_posted",
            json.dumps(
                {
                    "strategy": "gamma",
                    "instrument": "1",
                    "posted_at": "2026-01-05T15:00:00Z",
                    "order_id": "1",
                }
            ),
            owner=PAPER,
            venue="ibkr",
        )
