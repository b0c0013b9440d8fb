"""Hypothesis strategies for made truths: whole histories of markets, valid as broker data.

Fill ids are distinct, fills come before the settlement of their market, prices lie inside 0 and
1, and all fills of one market are in one subaccount and one shard (settlement rows name neither).
Without flags every generation can say every history, scalar endings apart (see `kalshi.sayable`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, TypeAlias
from uuid import UUID

from hypothesis import strategies as st

from tools.fake_kalshi.truths import (
    ZERO,
    Action,
    Ending,
    Execution,
    Result,
    Side,
    gross,
    in_time_order,
)

End: TypeAlias = Result | Literal["open"]

MARKETS: Final = (
    "KXHIGHNY-26JAN12-B43.5",
    "KXHIGHNY-26JAN12-T47",
    "KXBTC15M-26JAN131530-30",
    "KXCRYPTOLEAD15M-26SEP230715-XRP",
)
ENDS: Final[tuple[End, ...]] = ("yes", "no", "scalar", "void", "open")
START: Final = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class History:
    """What happened to some markets: executions in time order, endings in ticker order."""

    executions: tuple[Execution, ...]
    endings: tuple[Ending, ...]

    def of(self, ticker: str) -> tuple[Execution, ...]:
        """Return the executions of one market."""
        return tuple(row for row in self.executions if row.ticker == ticker)


@dataclass(frozen=True, slots=True)
class Style:
    """What may occur; each flag needs words that older generations lack.

    fractional    contracts in hundredths (from generation 2-early; settlements from 3a)
    subcent       prices and fees in ten-thousandths (from generation 4)
    subaccounts   other subaccounts than the primary one (from generation 2)
    shards        other exchange indexes than 0 (said from generation 5)
    """

    fractional: bool = False
    subcent: bool = False
    subaccounts: bool = False
    shards: bool = False


PLAIN: Final = Style()


def quantities(style: Style = PLAIN) -> st.SearchStrategy[Decimal]:
    """Return numbers of contracts, small ones most of the time."""
    whole = st.integers(1, 40).map(Decimal)
    if not style.fractional:
        return whole
    return st.one_of(whole, st.integers(1, 4000).map(lambda n: Decimal(n) / 100))


def prices(style: Style = PLAIN) -> st.SearchStrategy[Decimal]:
    """Return prices of YES between, not at, 0 and 1."""
    cents = st.integers(1, 99).map(lambda n: Decimal(n) / 100)
    if not style.subcent:
        return cents
    return st.one_of(cents, st.integers(1, 9999).map(lambda n: Decimal(n) / 10_000))


def fees(style: Style = PLAIN) -> st.SearchStrategy[Decimal]:
    """Return fees; nothing is a frequent one."""
    cents = st.integers(0, 60).map(lambda n: Decimal(n) / 100)
    if not style.subcent:
        return cents
    return st.one_of(cents, st.integers(0, 9999).map(lambda n: Decimal(n) / 10_000))


def moments() -> st.SearchStrategy[timedelta]:
    """Return the time between two fills; often none, so that equal times are common."""
    return st.one_of(
        st.just(timedelta()),
        st.integers(1, 999_999).map(lambda n: timedelta(microseconds=n)),
        st.integers(1, 7200).map(lambda n: timedelta(seconds=n)),
    )


@st.composite
def _move(draw: st.DrawFn, net: Decimal, style: Style) -> tuple[Side, Decimal]:
    """Draw what is acquired next: anything, or a part, all or more of what is held."""
    free: tuple[Side, Decimal] = (draw(st.sampled_from(("yes", "no"))), draw(quantities(style)))
    how = draw(st.sampled_from(("free", "part", "close", "flip")))
    if how == "free" or not net:
        return free
    held, other = abs(net), ("no" if net > 0 else "yes")
    if how == "close":
        return (other, held)  # type: ignore[return-value]
    if how == "flip":
        return (other, held + free[1])  # type: ignore[return-value]
    return (other, min(held, free[1]))  # type: ignore[return-value]


@st.composite
def market_executions(
    draw: st.DrawFn,
    ticker: str,
    *,
    style: Style = PLAIN,
    start: datetime = START,
    min_size: int = 0,
    max_size: int = 8,
) -> tuple[Execution, ...]:
    """Draw the executions of one market, with flips, partial closes and hedges."""
    size = draw(st.integers(min_size, max_size))
    ids = draw(st.lists(st.integers(0, 2**128 - 1), min_size=size, max_size=size, unique=True))
    orders = draw(st.lists(st.integers(0, 4), min_size=size, max_size=size))
    subaccount = draw(st.integers(0, 3)) if style.subaccounts else 0
    shard = draw(st.integers(0, 2)) if style.shards else 0
    rows: list[Execution] = []
    net, at = ZERO, start
    actions: st.SearchStrategy[Action] = st.sampled_from(("buy", "sell"))
    for number, order in zip(ids, orders, strict=True):
        acquired, quantity = draw(_move(net, style))
        net += quantity if acquired == "yes" else -quantity
        at += draw(moments())
        rows.append(
            Execution(
                fill_id=str(UUID(int=number)),
                order_id=f"{ticker}-order-{order}",
                client_order_id=draw(st.sampled_from((None, f"bot-{order}"))),
                ticker=ticker,
                acquired=acquired,
                action=draw(actions),
                quantity=quantity,
                yes_price=draw(prices(style)),
                taker=draw(st.booleans()),
                fee=draw(fees(style)),
                at=at,
                subaccount=subaccount,
                exchange_index=shard,
            )
        )
    return tuple(rows)


@st.composite
def executions(
    draw: st.DrawFn,
    markets: Sequence[str] = MARKETS,
    *,
    style: Style = PLAIN,
    max_size: int = 6,
) -> tuple[Execution, ...]:
    """Draw executions of some of the markets, in time order, fill ids distinct."""
    rows: list[Execution] = []
    for ticker in markets:
        rows += draw(market_executions(ticker, style=style, max_size=max_size))
    seen = {row.fill_id: row for row in rows}
    return in_time_order(seen.values())


@st.composite
def endings(
    draw: st.DrawFn,
    ticker: str,
    rows: Sequence[Execution],
    *,
    ends: Sequence[End] = ENDS,
) -> Ending | None:
    """Draw how a market ended, after its last fill; None for a market that is still open."""
    result = draw(st.sampled_from(tuple(ends)))
    if result == "open":
        return None
    last = max((row.at for row in rows), default=START)
    return Ending(
        ticker=ticker,
        result=result,
        value_cents=draw(st.integers(1, 99)) if result == "scalar" else None,
        settled_at=last + timedelta(microseconds=draw(st.integers(1, 10**10))),
    )


@st.composite
def histories(
    draw: st.DrawFn,
    markets: Sequence[str] = MARKETS,
    *,
    style: Style = PLAIN,
    ends: Sequence[End] = ENDS,
    max_size: int = 6,
) -> History:
    """Draw whole histories; a market may settle at zero position, or without any fill."""
    rows = draw(executions(markets, style=style, max_size=max_size))
    ended = (
        draw(endings(ticker, tuple(row for row in rows if row.ticker == ticker), ends=ends))
        for ticker in markets
    )
    return History(rows, tuple(ending for ending in ended if ending is not None))


def net_quantity(rows: Sequence[Execution]) -> Decimal:
    """Return the signed number of YES contracts that the executions leave."""
    total = gross(rows)
    return total.yes - total.no
