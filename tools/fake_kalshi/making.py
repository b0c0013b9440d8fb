"""A made trading account: which markets open, how they end, what is paid in; from a seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from tools.fake_kalshi.bot import PLAIN, RICH, Bot, Style
from tools.fake_kalshi.history import History
from tools.fake_kalshi.movements import deposits_and_withdrawals
from tools.fake_kalshi.series import Series
from tools.fake_kalshi.truths import ZERO, Ending, Listing, Result, in_time_order

__all__ = ["KINDS", "PLAIN", "RICH", "Kind", "Style", "made"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A series: how many of its markets open every so many days, and how long they live."""

    series: Series
    suffixes: tuple[str, ...]
    open_for: timedelta
    decided_after: timedelta
    apart: timedelta = timedelta()
    every_days: int = 1


KINDS: Final = (
    Kind(
        Series("KXHIGHNY", title="Highest temperature in NYC", category="Climate"),
        suffixes=("B43.5", "B45.5", "T47"),
        open_for=timedelta(hours=26),
        decided_after=timedelta(hours=13),
    ),
    Kind(
        Series(
            "KXHIGHCHI",
            "quadratic_with_maker_fees",
            title="Highest temperature in Chicago",
            category="Climate",
        ),
        suffixes=("B31.5", "T35"),
        open_for=timedelta(hours=26),
        decided_after=timedelta(hours=14),
    ),
    Kind(
        Series("KXBTC15M", title="Bitcoin up or down", category="Crypto", exchange_index=1),
        suffixes=("00", "00", "00", "00"),
        open_for=timedelta(minutes=15),
        decided_after=timedelta(minutes=1),
        apart=timedelta(hours=5),
    ),
    Kind(
        Series("KXCPIYOY", title="Inflation", category="Economics", frequency="weekly"),
        suffixes=("T2.8",),
        open_for=timedelta(days=8),
        decided_after=timedelta(hours=20),
        every_days=5,
    ),
    Kind(
        Series("KXFREE", fee_multiplier=ZERO, title="A series without fees"),
        suffixes=("1",),
        open_for=timedelta(hours=12),
        decided_after=timedelta(hours=15),
    ),
)
_MARKETS_A_DAY: Final = sum(len(kind.suffixes) / kind.every_days for kind in KINDS)
_FILLS_AN_ORDER: Final = 1.3
_UNTOUCHED: Final = 0.08
_LATE: Final = 0.06
_SCALAR: Final = 0.08


def made(seed: int, start: datetime, days: int, style: Style, fills_per_day: int) -> History:
    """Return the history of so many days of opening markets; they settle in the days after."""
    rng = random.Random(seed)  # noqa: S311 - a made world, the same for the same seed
    kinds = KINDS if style.shards else tuple(_on_the_first_shard(kind) for kind in KINDS)
    bot = Bot(rng, style)
    listings: list[Listing] = []
    endings: list[Ending] = []
    most = round(2 * fills_per_day / _MARKETS_A_DAY / _FILLS_AN_ORDER) or 1
    for kind, listing in _markets(rng, kinds, start, days, style):
        listings.append(listing)
        if rng.random() < _UNTOUCHED:
            continue
        bot.trade(kind.series, listing, orders=rng.randint(1, most))
        endings.append(_ending(rng, listing))
    executions = in_time_order(bot.executions)
    deposits, withdrawals = deposits_and_withdrawals(start, days, executions, endings)
    return History(
        executions=executions,
        endings=tuple(endings),
        orders=tuple(bot.orders),
        deposits=deposits,
        withdrawals=withdrawals,
        listings=tuple(listings),
        series=tuple(kind.series for kind in kinds),
    )


def _on_the_first_shard(kind: Kind) -> Kind:
    return replace(kind, series=replace(kind.series, exchange_index=0))


def _markets(
    rng: random.Random, kinds: tuple[Kind, ...], start: datetime, days: int, style: Style
) -> Iterator[tuple[Kind, Listing]]:
    for day in range(days):
        for kind in kinds:
            if day % kind.every_days == 0:
                for number, suffix in enumerate(kind.suffixes):
                    opens_at = start + timedelta(days=day, hours=3) + number * kind.apart
                    yield kind, _listing(rng, kind, opens_at, suffix, style)


def _listing(
    rng: random.Random, kind: Kind, opens_at: datetime, suffix: str, style: Style
) -> Listing:
    closes_at = opens_at + kind.open_for
    settled_at = closes_at + kind.decided_after + timedelta(microseconds=rng.randint(0, 10**7))
    if rng.random() < _LATE:
        settled_at += timedelta(days=rng.randint(1, 4))
    result: Result = "yes" if rng.getrandbits(1) else "no"
    if style.scalars and rng.random() < _SCALAR:
        result = "scalar"
    named = f"{opens_at:%y%b%d%H%M}" if kind.apart else f"{opens_at:%y%b%d}"
    strike, between = Decimal(suffix.lstrip("BT")), suffix.startswith("B")
    return Listing(
        ticker=f"{kind.series.ticker}-{named.upper()}-{suffix}",
        status="finalized",
        opens_at=opens_at,
        closes_at=closes_at,
        updated_at=settled_at,
        result=result,
        strike_type="between" if between else "greater",
        floor_strike=strike,
        cap_strike=strike + 1 if between else None,
        exchange_index=kind.series.exchange_index,
    )


def _ending(rng: random.Random, listing: Listing) -> Ending:
    if listing.result is None:
        raise ValueError(f"{listing.ticker}: a made market ends")
    value = rng.randint(1, 99) if listing.result == "scalar" else None
    return Ending(listing.ticker, listing.result, value, listing.updated_at)
