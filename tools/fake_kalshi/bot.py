"""The bot that trades on the made exchange, and the owner who meddles: orders and fills."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from tools.fake_kalshi.series import CENT, FINE, Series
from tools.fake_kalshi.truths import ZERO, Action, Execution, Listing, Order, Side


@dataclass(frozen=True, slots=True)
class Style:
    """What may occur; each flag needs words that older generations lack.

    A market stays within one subaccount and on the shard of its series.
    """

    fractional: bool = False
    subcent: bool = False
    subaccounts: bool = False
    shards: bool = False
    scalars: bool = False


PLAIN: Final = Style()
RICH: Final = Style(fractional=True, subcent=True, subaccounts=True, shards=True, scalars=True)

_BY_HAND: Final = 0.12
_CANCELLED: Final = 0.12
_CUT_SHORT: Final = 0.12
_TAKER: Final = 0.6
_SWEEP: Final = 0.2
_FRACTION: Final = 0.4


@dataclass(frozen=True, slots=True)
class _Plan:
    """One order before anything of it is filled."""

    acquires: Side
    action: Action
    quantity: Decimal
    yes_price: Decimal
    taker: bool
    exits: bool


class Bot:
    """Trades market by market; what it did is in `orders` and `executions`."""

    def __init__(self, rng: random.Random, style: Style) -> None:
        """Trade with the luck of `rng`, within the style."""
        self.orders: list[Order] = []
        self.executions: list[Execution] = []
        self._rng = rng
        self._style = style

    def trade(self, series: Series, listing: Listing, *, orders: int) -> None:
        """Place so many orders in a market, the earlier of them first."""
        subaccount = self._rng.randint(0, 2) if self._style.subaccounts else 0
        middle = self._rng.randint(8, 92)
        net = ZERO
        for at in sorted(self._moment(listing.opens_at, listing.closes_at) for _ in range(orders)):
            plan = self._plan(net, middle)
            filled = self._work(plan, series, listing, at, subaccount)
            net += filled if plan.acquires == "yes" else -filled

    def _moment(self, first: datetime, last: datetime) -> datetime:
        """Draw a moment between the two; now and then it is a whole second."""
        microseconds = (last - first) // timedelta(microseconds=1)
        gone = self._rng.randint(0, max(microseconds * 9 // 10, 0))
        if self._rng.random() < 0.1:  # noqa: PLR2004 - a tenth
            gone -= gone % 10**6
        return first + timedelta(microseconds=gone)

    def _plan(self, net: Decimal, middle: int) -> _Plan:
        """Draw what to do next: anything, or reduce, close or turn round what is held."""
        rng = self._rng
        how = rng.choice(("enter", "enter", "part", "close", "flip", "hedge")) if net else "enter"
        side: Side = "yes" if rng.getrandbits(1) else "no"
        quantity = self._quantity()
        if how == "enter":
            action: Action = "buy"
        else:
            side = "no" if net > 0 else "yes"
            action = "buy" if how == "hedge" else "sell"
            held = abs(net)
            quantity = {"part": min(held, quantity), "close": held, "flip": held + quantity}.get(
                how, quantity
            )
        return _Plan(
            acquires=side,
            action=action,
            quantity=quantity,
            yes_price=self._price(middle),
            taker=rng.random() < _TAKER,
            exits=how in {"part", "close", "flip"},
        )

    def _quantity(self) -> Decimal:
        if self._style.fractional and self._rng.random() < _FRACTION:
            return Decimal(self._rng.randint(1, 2500)) / 100
        return Decimal(self._rng.randint(1, 25))

    def _price(self, middle: int) -> Decimal:
        cents = min(max(middle + self._rng.randint(-7, 7), 1), 99)
        if self._style.subcent and self._rng.random() < _FRACTION:
            return Decimal(cents * 100 + self._rng.randint(-99, 99)) / 10_000
        return Decimal(cents) / 100

    def _work(
        self, plan: _Plan, series: Series, listing: Listing, at: datetime, subaccount: int
    ) -> Decimal:
        """Place one order, fill some of it and record both; return what was filled."""
        order_id, client_order_id = self._id(), self._client_order_id(plan)
        luck = self._rng.random()
        parts = [] if luck < _CANCELLED else self._parts(plan.quantity)
        if luck > 1 - _CUT_SHORT and len(parts) > 1:
            parts.pop()
        moments = self._moments(plan, at, listing.closes_at, len(parts))
        fills = [
            Execution(
                fill_id=self._id(),
                order_id=order_id,
                client_order_id=client_order_id or None,
                ticker=listing.ticker,
                acquired=plan.acquires,
                action=plan.action,
                quantity=quantity,
                yes_price=plan.yes_price,
                taker=plan.taker,
                fee=self._fee(series, plan, quantity),
                at=moment,
                subaccount=subaccount,
                exchange_index=series.exchange_index,
            )
            for quantity, moment in zip(parts, moments, strict=True)
        ]
        last = fills[-1].at if fills else at
        placed = Order(
            order_id=order_id,
            client_order_id=client_order_id,
            ticker=listing.ticker,
            acquires=plan.acquires,
            action=plan.action,
            status="resting",
            yes_price=plan.yes_price,
            initial=plan.quantity,
            filled=ZERO,
            remaining=plan.quantity,
            created_at=at,
            updated_at=at,
            taker=plan.taker,
            subaccount=subaccount,
            exchange_index=series.exchange_index,
        )
        self.executions += fills
        self.orders.append(_ended(placed, fills, self._moment(last, listing.closes_at)))
        return self.orders[-1].filled

    def _parts(self, quantity: Decimal) -> list[Decimal]:
        """Break a quantity into one to three fills."""
        parts = []
        for _ in range(self._rng.choice((0, 0, 0, 1, 1, 2))):
            part = Decimal(self._rng.randint(1, 10))
            if part < quantity:
                parts.append(part)
                quantity -= part
        return [*parts, quantity]

    def _moments(
        self, plan: _Plan, placed_at: datetime, closes_at: datetime, fills: int
    ) -> list[datetime]:
        """Draw when it is filled: a taker at once, a maker some time; a sweep has one moment."""
        if plan.taker:
            closes_at = min(closes_at, placed_at + timedelta(seconds=2))
        if self._rng.random() < _SWEEP:
            return [self._moment(placed_at, closes_at)] * fills
        return sorted(self._moment(placed_at, closes_at) for _ in range(fills))

    def _fee(self, series: Series, plan: _Plan, quantity: Decimal) -> Decimal:
        step = FINE if self._style.subcent else CENT
        return series.fee(quantity, plan.yes_price, taker=plan.taker, step=step)

    def _id(self) -> str:
        digits = f"{self._rng.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def _client_order_id(self, plan: _Plan) -> str:
        """Name the strategy as a bot does; an order by hand has no name."""
        if self._rng.random() < _BY_HAND:
            return ""
        prefix = "mm_xb_exit_" if plan.exits else self._rng.choice(("mm_", "mm_xb_"))
        return f"{prefix}{self._rng.getrandbits(48):012x}"


def _ended(placed: Order, fills: Sequence[Execution], given_up_at: datetime) -> Order:
    """Return an order as it ends: executed by its fills, or given up where they fall short."""
    filled = sum((row.quantity for row in fills), ZERO)
    executed = filled == placed.initial
    return replace(
        placed,
        status="executed" if executed else "canceled",
        filled=filled,
        remaining=ZERO,
        updated_at=fills[-1].at if executed else given_up_at,
        fill_cost=sum((row.cost for row in fills), ZERO),
        fees=sum((row.fee for row in fills), ZERO),
    )
