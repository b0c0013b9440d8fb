"""Raw payloads into the oracle: pydantic checks each event, whatever generation it wears.

This is the usual way to write such a program: one model a payload, one event after the other. Of
several renderings of a fill the last one wins, except that silence about the fee or the bot's id
takes nothing back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tests.oracle.lots import ONE, ZERO, Fill, Settlement
from tests.oracle.tables import Ledger, Tables

CENTS = Decimal(100)


class FillPayload(BaseModel):
    """A fill of any generation: what it may say, and under which names."""

    model_config = ConfigDict(extra="ignore")

    order_id: str
    ticker: str
    created_time: datetime
    is_taker: bool
    fill_id: str | None = None
    trade_id: str | None = None
    client_order_id: str | None = None
    side: Literal["yes", "no"] | None = None
    outcome_side: Literal["yes", "no"] | None = None
    count: int | None = None
    count_fp: Decimal | None = None
    yes_price: int | None = None
    yes_price_fixed: Decimal | None = None
    yes_price_dollars: Decimal | None = None
    fee_cost: Decimal | None = None
    subaccount_number: int | None = None

    def fill(self) -> Fill:
        """Return what it says."""
        side = self.outcome_side or self.side
        if side is None:
            raise ValueError(f"{self.ticker}: a fill without a side")
        return Fill(
            fill_id=self.fill_id or self.trade_id or "",
            order_id=self.order_id,
            instrument_id=self.ticker,
            side=side,
            quantity=_first(self.count_fp, self.count),
            yes_price=self._yes_price(),
            executed_at=self.created_time,
            fee=self.fee_cost,
            client_order_id=self.client_order_id or None,
            subaccount=self.subaccount_number or 0,
        )

    def _yes_price(self) -> Decimal:
        if self.yes_price_fixed is None and self.yes_price_dollars is None:
            return _first(self.yes_price) / CENTS
        return _first(self.yes_price_dollars, self.yes_price_fixed)


class SettlementPayload(BaseModel):
    """A settlement of any generation."""

    model_config = ConfigDict(extra="ignore")

    ticker: str
    market_result: Literal["yes", "no", "scalar", "void", ""]
    settled_time: datetime
    revenue: int
    value: int | None = None
    yes_count: int | None = None
    no_count: int | None = None
    yes_count_fp: Decimal | None = None
    no_count_fp: Decimal | None = None
    fee_cost: Decimal | None = None

    def settlement(self) -> Settlement:
        """Return what it says."""
        result = self.market_result or "scalar"
        payout = {"yes": ONE, "no": ZERO, "void": None}.get(result)
        if result == "scalar":
            payout = _first(self.value) / CENTS
        return Settlement(
            instrument_id=self.ticker,
            result=result,
            payout=payout,
            yes_quantity=_first(self.yes_count_fp, self.yes_count),
            no_quantity=_first(self.no_count_fp, self.no_count),
            revenue=self.revenue / CENTS,
            settled_at=self.settled_time,
            fee=self.fee_cost,
        )


def _first(*values: Decimal | int | None) -> Decimal:
    for value in values:
        if value is not None:
            return Decimal(value)
    raise ValueError("none of the names that this value has had is there")


def replay_payloads(
    events: Iterable[tuple[str, bytes]], strategies: Mapping[str, str] | None = None
) -> Tables:
    """Replay raw payloads (kind, JSON) one by one and return the tables."""
    ledger = Ledger(strategies=strategies or {})
    for kind, payload in events:
        if kind == "kalshi.fill":
            take_fill(ledger, FillPayload.model_validate_json(payload).fill())
        elif kind == "kalshi.settlement":
            settlement = SettlementPayload.model_validate_json(payload).settlement()
            ledger.settlements[settlement.instrument_id] = settlement
    return ledger.tables()


def take_fill(ledger: Ledger, fill: Fill) -> None:
    """Add a fill, or another rendering of one."""
    known = ledger.fills.get(fill.fill_id)
    if known is not None:
        fill = replace(
            fill,
            fee=known.fee if fill.fee is None else fill.fee,
            client_order_id=fill.client_order_id or known.client_order_id,
        )
    ledger.fills[fill.fill_id] = fill
