"""What can be seen of a world at one moment: rows as they stand then, sums up to then."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tools.fake_kalshi.truths import ONE, ZERO, Balance, Cash, Holding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from tools.fake_kalshi.running import Step
    from tools.fake_kalshi.truths import Ending, Execution, Listing, Order
    from tools.fake_kalshi.world import World


@dataclass(frozen=True, eq=False)
class View:
    """A world at a moment. All listings are oldest first."""

    world: World
    moment: datetime

    @property
    def executions(self) -> tuple[Execution, ...]:
        """The fills so far."""
        rows = self.world.executions
        return rows[: bisect_right(rows, self.moment, key=lambda row: row.at)]

    @property
    def endings(self) -> tuple[Ending, ...]:
        """The settlement rows so far."""
        rows = self.world.endings
        return rows[: bisect_right(rows, self.moment, key=lambda row: row.settled_at)]

    def begun(self, orders: Sequence[Order]) -> Sequence[Order]:
        """Cut a listing of orders to those placed so far, in their final state: see `order`."""
        return orders[: bisect_right(orders, self.moment, key=lambda row: row.created_at)]

    def bound(self, cutoff: datetime) -> datetime:
        """Return the cutoff, or the end of what can be seen where that is earlier."""
        return min(cutoff, self.moment + timedelta(microseconds=1))

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The markets that have opened, in their final state: see `listing`."""
        rows = self.world.listings
        return rows[: bisect_right(rows, self.moment, key=lambda row: row.opens_at)]

    @property
    def deposits(self) -> tuple[Cash, ...]:
        """The deposits so far, each as it stands."""
        return self._movements(self.world.history.deposits)

    @property
    def withdrawals(self) -> tuple[Cash, ...]:
        """The withdrawals so far, each as it stands."""
        return self._movements(self.world.history.withdrawals)

    def _movements(self, rows: Iterable[Cash]) -> tuple[Cash, ...]:
        begun = (row for row in rows if row.created_at <= self.moment)
        ordered = sorted(begun, key=lambda row: (row.created_at, row.movement_id))
        return tuple(self._movement(row) for row in ordered)

    def _movement(self, row: Cash) -> Cash:
        if row.finalized_at is None or row.finalized_at <= self.moment:
            return row
        return replace(row, status="pending", finalized_at=None)

    def order(self, final: Order) -> Order:
        """Return an order as it stands: until its last change it rests, filled so far."""
        if final.updated_at <= self.moment:
            return final
        fills = [
            row
            for row in self.world.fills_of_order.get(final.order_id, ())
            if row.at <= self.moment
        ]
        filled = sum((row.quantity for row in fills), ZERO)
        return replace(
            final,
            status="resting",
            filled=filled,
            remaining=final.initial - filled,
            updated_at=fills[-1].at if fills else final.created_at,
            fill_cost=sum((row.cost for row in fills), ZERO),
            fees=sum((row.fee for row in fills), ZERO),
        )

    def status(self, final: Order) -> str:
        """Return the status of an order, without working out the rest of it."""
        return final.status if final.updated_at <= self.moment else "resting"

    def listing(self, final: Listing) -> Listing:
        """Return a market as it stands: undecided until it is settled."""
        if final.result is None:
            closed = final.closes_at <= self.moment
            return replace(final, status="closed" if closed else final.status)
        if final.updated_at <= self.moment:
            return final
        closed = final.closes_at <= self.moment
        return replace(
            final,
            status="closed" if closed else "active",
            updated_at=final.closes_at if closed else final.opens_at,
            result=None,
        )

    def traded(self, *, settled: bool) -> list[str]:
        """Return the markets that the account has traded in, by ticker: settled or not yet."""
        tickers = (
            ticker
            for ticker, rows in self.world.fills_of_market.items()
            if rows[0].at <= self.moment and self.is_settled(ticker) is settled
        )
        return sorted(tickers)

    def is_settled(self, ticker: str) -> bool:
        """Tell whether the market has paid out."""
        ending = self.world.ending_of.get(ticker)
        return ending is not None and ending.settled_at <= self.moment

    def step(self, ticker: str) -> Step | None:
        """Return the market after the latest of its fills; None before the first."""
        run = self.world.steps_of_market.get(ticker, ())
        index = bisect_right(run, self.moment, key=lambda row: row.at)
        return run[index - 1] if index else None

    def holding(self, ticker: str) -> Holding:
        """Return the position in a market that was traded; nothing is held once it is settled.

        Realized P&L is without fees, as Kalshi tells it.
        """
        step = self.step(ticker)
        if step is None:
            raise ValueError(f"{ticker}: not traded before {self.moment}")
        ending = self.world.ending_of.get(ticker)
        settled = ending is not None and ending.settled_at <= self.moment
        realized, updated_at = step.realized, step.at
        if ending is not None and settled:
            paid = self.world.paid[ticker]
            realized, updated_at = realized + paid - step.open_cost, ending.settled_at
        return Holding(
            ticker=ticker,
            quantity=ZERO if settled else step.net,
            exposure=ZERO if settled else step.open_cost,
            realized_pnl=realized,
            fees_paid=step.fees,
            total_traded=step.traded,
            updated_at=updated_at,
            resting_orders=self._resting(ticker),
            exchange_index=self.world.place_of(ticker)[1],
        )

    def _resting(self, ticker: str) -> int:
        orders = self.world.orders_of_market.get(ticker, ())
        begun = (row for row in orders if row.created_at <= self.moment)
        return sum(self.status(row) == "resting" for row in begun)

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """The pairs of subaccount and shard that ever hold anything."""
        return tuple(self.world.flows)

    def cash(self, subaccount: int | None = None, exchange_index: int | None = None) -> Decimal:
        """Return the cash, of all or of one subaccount, of all or of one shard."""
        total = ZERO
        for place, (_, sums) in self.world.flows.items():
            if subaccount in {None, place[0]} and exchange_index in {None, place[1]}:
                index = bisect_right(sums, self.moment, key=lambda row: row.at)
                total += sums[index - 1].amount if index else ZERO
        return total

    def value(self, subaccount: int | None = None, exchange_index: int | None = None) -> Decimal:
        """Return what the open positions are worth at the last price of each market."""
        total = ZERO
        for ticker in self.traded(settled=False):
            place = self.world.place_of(ticker)
            step = self.step(ticker)
            if step and subaccount in {None, place[0]} and exchange_index in {None, place[1]}:
                price = step.yes_price if step.net > 0 else ONE - step.yes_price
                total += abs(step.net) * price
        return total

    def balance(self, subaccount: int = 0, exchange_index: int | None = None) -> Balance:
        """Return the balance of a subaccount, over all shards unless one is named."""
        shards = tuple(
            (shard, self.cash(subaccount, shard))
            for shard in sorted({place[1] for place in self.places})
            if exchange_index in {None, shard}
        )
        return Balance(
            cash=self.cash(subaccount, exchange_index),
            portfolio_value=self.value(subaccount, exchange_index),
            at=self.moment,
            shards=shards,
        )
