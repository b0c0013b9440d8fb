"""Everything that happens on the made exchange, from first to last: what a world is built from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from tools.fake_kalshi.series import Series, series_of
from tools.fake_kalshi.truths import Cash, Ending, Execution, Listing, Order


@dataclass(frozen=True, slots=True)
class History:
    """The final state of all things; an order, movement or market is told by how it ended.

    Endings are the settlement rows of the account; a market that it never touched has none and
    ends by its listing alone, whose `updated_at` is the time of settlement once it has a result.
    """

    executions: tuple[Execution, ...] = ()
    endings: tuple[Ending, ...] = ()
    orders: tuple[Order, ...] = ()
    deposits: tuple[Cash, ...] = ()
    withdrawals: tuple[Cash, ...] = ()
    listings: tuple[Listing, ...] = ()
    series: tuple[Series, ...] = ()


def orders_behind(executions: Iterable[Execution]) -> tuple[Order, ...]:
    """Return, for each order id, the order that was filled by exactly these executions."""
    rows: dict[str, list[Execution]] = {}
    for row in executions:
        rows.setdefault(row.order_id, []).append(row)
    return tuple(_order_behind(fills) for fills in rows.values())


def _order_behind(fills: list[Execution]) -> Order:
    first, filled = fills[0], sum((row.quantity for row in fills), 0 * fills[0].quantity)
    return Order(
        order_id=first.order_id,
        client_order_id=first.client_order_id or "",
        ticker=first.ticker,
        acquires=first.acquired,
        action=first.action,
        status="executed",
        yes_price=first.yes_price,
        initial=filled,
        filled=filled,
        remaining=0 * filled,
        created_at=min(row.at for row in fills),
        updated_at=max(row.at for row in fills),
        taker=first.taker,
        fill_cost=sum((row.cost for row in fills), 0 * filled),
        fees=sum((row.fee for row in fills), 0 * filled),
        subaccount=first.subaccount,
        exchange_index=first.exchange_index,
    )


def listings_behind(
    executions: Iterable[Execution], endings: Iterable[Ending]
) -> tuple[Listing, ...]:
    """Return a market for each ticker; it opens an hour before anything happens in it."""
    ended = {row.ticker: row for row in endings}
    moments = {row.ticker: [row.settled_at] for row in ended.values()}
    shards: dict[str, int] = {}
    for row in executions:
        moments.setdefault(row.ticker, []).append(row.at)
        shards[row.ticker] = row.exchange_index
    return tuple(
        Listing(
            ticker=ticker,
            status="finalized" if ticker in ended else "active",
            opens_at=min(times) - timedelta(hours=1),
            closes_at=max(times) if ticker in ended else max(times) + timedelta(days=365),
            updated_at=ended[ticker].settled_at if ticker in ended else min(times),
            result=ended[ticker].result if ticker in ended else None,
            exchange_index=shards.get(ticker, 0),
        )
        for ticker, times in moments.items()
    )


def series_behind(listings: Iterable[Listing]) -> tuple[Series, ...]:
    """Return an ordinary series for each one that the markets name."""
    names = dict.fromkeys(series_of(row.ticker) for row in listings)
    return tuple(Series(name) for name in names)
