"""A big plain history, made fast: many markets of a quarter of an hour, one fill an order."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from tools.fake_kalshi.history import History, orders_behind
from tools.fake_kalshi.series import Series
from tools.fake_kalshi.truths import Cash, Ending, Execution, Listing, Result

START: Final = datetime(2026, 1, 5, tzinfo=UTC)
FILLS_A_MARKET: Final = 25
QUARTER: Final = timedelta(minutes=15)

_SERIES: Final = Series("KXBTC15M", title="made", category="Crypto")
_QUANTITIES: Final = tuple(Decimal(number) for number in range(1, 21))
_PRICES: Final = tuple(Decimal(cents) / 100 for cents in range(5, 96))
_FEES: Final = {
    (quantity, price): _SERIES.fee(quantity, price, taker=True)
    for quantity in _QUANTITIES
    for price in _PRICES
}


def history(fills: int, seed: int, start: datetime) -> History:
    """Return a history of exactly so many fills."""
    rng = random.Random(seed)  # noqa: S311 - a made world, the same for the same seed
    executions: list[Execution] = []
    listings: list[Listing] = []
    opens_at = start
    while len(executions) < fills:
        listings.append(_listing(rng, opens_at))
        for index in range(min(FILLS_A_MARKET, fills - len(executions))):
            at = opens_at + timedelta(seconds=35 * index)
            executions.append(_fill(rng, len(executions), listings[-1].ticker, at))
        opens_at += QUARTER
    return History(
        executions=tuple(executions),
        endings=tuple(_ending(listing) for listing in listings),
        orders=orders_behind(executions),
        deposits=(Cash("deposit-1", 10**9, 0, "applied", "wire", start, start),),
        listings=tuple(listings),
        series=(_SERIES,),
    )


def _listing(rng: random.Random, opens_at: datetime) -> Listing:
    return Listing(
        ticker=f"KXBTC15M-{opens_at:%y%b%d%H%M}-{opens_at:%M}".upper(),
        status="finalized",
        opens_at=opens_at,
        closes_at=opens_at + QUARTER,
        updated_at=opens_at + QUARTER + timedelta(seconds=41),
        result="yes" if rng.getrandbits(1) else "no",
    )


def _ending(listing: Listing) -> Ending:
    result: Result = "yes" if listing.result == "yes" else "no"
    return Ending(listing.ticker, result, None, listing.updated_at)


def _fill(rng: random.Random, count: int, ticker: str, second: datetime) -> Execution:
    price, quantity, number = rng.choice(_PRICES), rng.choice(_QUANTITIES), rng.getrandbits(48)
    return Execution(
        fill_id=f"{count:08x}-0000-4000-8000-{number:012x}",
        order_id=f"{count:08x}-0000-4000-9000-{number:012x}",
        client_order_id=f"mm_{number:012x}",
        ticker=ticker,
        acquired="yes" if number % 3 else "no",
        action="buy",
        quantity=quantity,
        yes_price=price,
        taker=True,
        fee=_FEES[quantity, price],
        at=second + timedelta(microseconds=number % 10**6),
    )
