"""A world: all that ever happens to one account, sorted once, looked at from any moment."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TypeVar

from tools.fake_kalshi import bulk, making
from tools.fake_kalshi.history import History, listings_behind, orders_behind, series_behind
from tools.fake_kalshi.making import PLAIN, RICH, Style
from tools.fake_kalshi.running import (
    Flow,
    Step,
    ending_flow,
    fill_flows,
    movement_flows,
    steps,
)
from tools.fake_kalshi.series import Series
from tools.fake_kalshi.truths import (
    ZERO,
    Cash,
    Ending,
    Execution,
    Listing,
    Order,
    in_time_order,
)
from tools.fake_kalshi.views import View

__all__ = ["PLAIN", "RICH", "Style", "World"]

Row = TypeVar("Row")


@dataclass(frozen=True, eq=False)
class World:
    """An immutable history with its indexes; nothing is ever seen to happen after `ends`."""

    history: History
    style: Style = PLAIN
    ends: datetime | None = None

    @classmethod
    def made(
        cls,
        seed: int,
        *,
        start: datetime,
        days: int,
        style: Style = PLAIN,
        fills_per_day: int = 24,
    ) -> "World":
        """Return the life of an account over some days; the same seed makes the same world."""
        return cls(making.made(seed, start, days, style, fills_per_day), style)

    @classmethod
    def of_size(
        cls, fills: int = 100_000, seed: int = 0, *, start: datetime = bulk.START
    ) -> "World":
        """Return a plain world of exactly so many fills, made fast."""
        return cls(bulk.history(fills, seed, start))

    @classmethod
    def by_hand(
        cls,
        executions: Iterable[Execution] = (),
        endings: Iterable[Ending] = (),
        *,
        orders: Iterable[Order] | None = None,
        deposits: Iterable[Cash] = (),
        withdrawals: Iterable[Cash] = (),
        listings: Iterable[Listing] | None = None,
        series: Iterable[Series] | None = None,
    ) -> "World":
        """Return a world of these truths; what is not given is derived from the executions."""
        fills, ended = in_time_order(executions), tuple(endings)
        markets = tuple(listings_behind(fills, ended) if listings is None else listings)
        history = History(
            executions=fills,
            endings=ended,
            orders=tuple(orders_behind(fills) if orders is None else orders),
            deposits=tuple(deposits),
            withdrawals=tuple(withdrawals),
            listings=markets,
            series=tuple(series_behind(markets) if series is None else series),
        )
        _refuse_what_cannot_be(history)
        return cls(history, _style_of(history))

    def ending_at(self, moment: datetime) -> "World":
        """Return this world stopped at a moment: time goes on, nothing more happens."""
        return replace(self, ends=moment)

    def at(self, moment: datetime) -> View:
        """Return what can be seen of the world at a moment."""
        return View(self, moment if self.ends is None else min(moment, self.ends))

    @cached_property
    def executions(self) -> tuple[Execution, ...]:
        """All fills in time order."""
        return in_time_order(self.history.executions)

    @cached_property
    def fills_of_market(self) -> dict[str, tuple[Execution, ...]]:
        """The fills of each market, in time order."""
        return _grouped((row.ticker, row) for row in self.executions)

    @cached_property
    def fills_of_order(self) -> dict[str, tuple[Execution, ...]]:
        """The fills of each order, in time order."""
        return _grouped((row.order_id, row) for row in self.executions)

    @cached_property
    def orders(self) -> tuple[Order, ...]:
        """All orders in the order of their making."""
        return tuple(sorted(self.history.orders, key=lambda row: (row.created_at, row.order_id)))

    def orders_parted(self, bound: datetime, *, archived: bool) -> tuple[Order, ...]:
        """Return the orders that were finished before a bound, or all the others."""
        # The bound moves once a day, and every page asks for it.
        known = self._parts_of_orders.get((bound, archived))
        if known is None:
            known = tuple(
                row
                for row in self.orders
                if (row.status != "resting" and row.updated_at < bound) is archived
            )
            self._parts_of_orders[bound, archived] = known
        return known

    @cached_property
    def _parts_of_orders(self) -> dict[tuple[datetime, bool], tuple[Order, ...]]:
        return {}

    @cached_property
    def orders_of_market(self) -> dict[str, tuple[Order, ...]]:
        """The orders of each market, in the order of their making."""
        return _grouped((row.ticker, row) for row in self.orders)

    @cached_property
    def endings(self) -> tuple[Ending, ...]:
        """All settlement rows in time order."""
        return tuple(sorted(self.history.endings, key=lambda row: (row.settled_at, row.ticker)))

    @cached_property
    def ending_of(self) -> dict[str, Ending]:
        """The settlement row of each market that has one."""
        return {row.ticker: row for row in self.endings}

    @cached_property
    def listings(self) -> tuple[Listing, ...]:
        """All markets in the order in which they open."""
        return tuple(sorted(self.history.listings, key=lambda row: (row.opens_at, row.ticker)))

    @cached_property
    def series(self) -> dict[str, Series]:
        """The series by their tickers."""
        return {row.ticker: row for row in self.history.series}

    @cached_property
    def steps_of_market(self) -> dict[str, tuple[Step, ...]]:
        """How each market runs, fill by fill."""
        return {ticker: steps(rows) for ticker, rows in self.fills_of_market.items()}

    @cached_property
    def flows(self) -> dict[tuple[int, int], tuple[tuple[Flow, ...], tuple[Flow, ...]]]:
        """The cash flows of each subaccount and shard in time order, and their running sums."""
        places: dict[tuple[int, int], list[Flow]] = {(0, 0): []}
        for row in self._all_flows():
            places.setdefault((row.subaccount, row.exchange_index), []).append(row)
        return {place: _with_sums(rows) for place, rows in sorted(places.items())}

    def _all_flows(self) -> Iterable[Flow]:
        for ticker, rows in self.fills_of_market.items():
            yield from fill_flows(rows, self.steps_of_market[ticker])
        for ending in self.endings:
            yield ending_flow(ending, self.fills_of_market.get(ending.ticker, ()))
        yield from movement_flows(self.history.deposits, self.history.withdrawals)

    @cached_property
    def paid(self) -> dict[str, Decimal]:
        """What each settlement paid, in dollars."""
        return {
            row.ticker: ending_flow(row, self.fills_of_market.get(row.ticker, ())).amount
            for row in self.endings
        }

    def place_of(self, ticker: str) -> tuple[int, int]:
        """Return the subaccount and the shard that a market is traded in."""
        fills = self.fills_of_market.get(ticker)
        if fills:
            return fills[0].subaccount, fills[0].exchange_index
        orders = self.orders_of_market.get(ticker)
        return (orders[0].subaccount, orders[0].exchange_index) if orders else (0, 0)

    def step_after(self, execution: Execution) -> Step:
        """Return its market as one execution left it."""
        run = self.steps_of_market[execution.ticker]
        return next(step for step in run if step.fill_id == execution.fill_id)


def _grouped(pairs: Iterable[tuple[str, Row]]) -> dict[str, tuple[Row, ...]]:
    groups: dict[str, list[Row]] = {}
    for key, row in pairs:
        groups.setdefault(key, []).append(row)
    return {key: tuple(rows) for key, rows in groups.items()}


def _with_sums(rows: list[Flow]) -> tuple[tuple[Flow, ...], tuple[Flow, ...]]:
    ordered = sorted(rows, key=lambda row: row.at)
    total, sums = ZERO, []
    for row in ordered:
        total += row.amount
        sums.append(replace(row, amount=total))
    return tuple(ordered), tuple(sums)


def _refuse_what_cannot_be(history: History) -> None:
    """Raise ValueError where a settlement row could not say whom it belongs to."""
    places: dict[str, tuple[int, int]] = {}
    for row in history.executions:
        place = (row.subaccount, row.exchange_index)
        if places.setdefault(row.ticker, place) != place:
            raise ValueError(f"{row.ticker}: keep a market in one subaccount and on one shard")
    for ids, what in (
        ([row.fill_id for row in history.executions], "fill_id"),
        ([row.ticker for row in history.endings], "ending of a ticker"),
    ):
        if len(set(ids)) != len(ids):
            raise ValueError(f"the same {what} twice")


def _style_of(history: History) -> Style:
    rows = history.executions
    return Style(
        fractional=any(row.quantity % 1 for row in rows),
        subcent=any(row.yes_price * 100 % 1 or row.fee * 100 % 1 for row in rows),
        subaccounts=any(row.subaccount for row in rows),
        shards=any(row.exchange_index for row in rows),
        scalars=any(row.result == "scalar" for row in history.endings),
    )
