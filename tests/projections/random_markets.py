"""Markets by the hundred: what an account may live through, from one seed.

Hypothesis draws the seed and the size; drawing every number through it would exceed its buffer.
Each market is small (up to nine fills) and lies on one of a few themes, so that hundreds of them
fit into one rebuild. Payloads wear random generations that can say them.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from tools.fake_kalshi.payloads import fill_json, settlement_json
from tools.fake_kalshi.truths import Ending, Execution

START: Final = datetime(2026, 5, 30, 22, 0, tzinfo=UTC)
STRATEGIES: Final = {"a": "alpha", "a-long": "alpha-long", "b": "beta"}
CLIENTS: Final = (None, None, "a-1", "a-long-7", "b", "zz")
SERIES: Final = ("KXHIGHNY", "KXBTC15M", "KXTWO")
RESULTS: Final = ("yes", "no", "scalar", "void")

Payload = tuple[str, str]


def markets(seed: int, count: int) -> dict[str, list[Payload]]:
    """Return the payloads (kind, JSON) of each market, in arbitrary order."""
    random = Random(seed)
    made: dict[str, list[Payload]] = {}
    for number in range(count):
        ticker = f"{random.choice(SERIES)}-26JUN01-T{number}"
        made[ticker] = list(_market(random, ticker))
    return made


def _market(random: Random, ticker: str) -> Iterator[Payload]:
    rows = _executions(random, ticker)
    last = max(row.at for row in rows)
    # settled after the last fill, at its very moment, or in between
    back = random.choice((timedelta(hours=-1), timedelta(), timedelta(minutes=90)))
    ending = Ending(
        ticker,
        random.choice(RESULTS),
        random.randint(0, 100),
        last - back,
    )
    theme = random.choice(("whole", "whole", "open", "cut", "unfilled", "strange"))
    before = [row for row in rows if row.at <= ending.settled_at]
    if theme != "unfilled":
        told = rows[random.randrange(len(rows)) :] if theme == "cut" else rows
        yield from (("kalshi.fill", _fill(random, row)) for row in told)
    if theme != "open":
        yield "kalshi.settlement", _settlement(random, ending, before, strange=theme == "strange")


def _executions(random: Random, ticker: str) -> list[Execution]:
    quantity = random.choice((_whole, _whole, _hundredths, _one))
    places = random.choice((100, 100, 10_000))
    accounts = random.choice(((0,), (0,), (0, 1), (0, 1, 2)))
    at, rows, net = START, list[Execution](), Decimal(0)
    for number in range(random.randint(1, 9)):
        at += timedelta(seconds=random.choice((0, 0, 1, 60, 3600)))
        size = quantity(random)
        side = random.choice(("yes", "no"))
        if net and random.random() < 0.4:  # close exactly, or turn round
            side = "no" if net > 0 else "yes"
            size = abs(net) + random.choice((Decimal(0), Decimal(0), size))
        net += size if side == "yes" else -size
        rows.append(
            Execution(
                fill_id=f"{random.randrange(16**6):06x}-{ticker}-{number}",
                order_id=f"{ticker}-{number}",
                client_order_id=random.choice(CLIENTS),
                ticker=ticker,
                acquired=side,  # type: ignore[arg-type]
                action=random.choice(("buy", "sell")),
                quantity=size,
                yes_price=Decimal(random.randint(1, places - 1)) / places,
                taker=random.random() < 0.5,
                fee=Decimal(random.randint(0, 500)) / places,
                at=at,
                subaccount=random.choice(accounts),
            )
        )
    return rows


def _whole(random: Random) -> Decimal:
    return Decimal(random.randint(1, 40))


def _hundredths(random: Random) -> Decimal:
    return Decimal(random.randint(1, 3000)) / 100


def _one(_random: Random) -> Decimal:
    return Decimal(1)


def _fill(random: Random, row: Execution) -> str:
    wanted = random.choice(("0", "1", "2-early", "2", "3a", "3b", "4", "5"))
    return _first_sayable(
        [lambda: fill_json(row, wanted), lambda: fill_json(row, "2-early")]
        if random.random() < 0.5
        else [lambda: fill_json(row, wanted)],
        lambda: fill_json(row, "5"),
    )


def _settlement(random: Random, ending: Ending, rows: list[Execution], *, strange: bool) -> str:
    wanted = random.choice(("0", "1", "2", "3a", "3b", "5", "5"))
    text = _first_sayable(
        [lambda: settlement_json(ending, rows, wanted)],
        lambda: settlement_json(ending, rows, "5"),
    )
    if not strange:
        return text
    payload = json.loads(text)
    payload["revenue"] = random.choice((0, 100, payload["revenue"] + 1))
    if "fee_cost" in payload:
        payload["fee_cost"] = random.choice(("0.0000", "0.0100", "9.9900"))
    return json.dumps(payload)


def _first_sayable(tries: list[Callable[[], str]], last: Callable[[], str]) -> str:
    for attempt in tries:
        try:
            return attempt()
        except ValueError:
            continue
    return last()
