"""Replay as one would write it first: event by event, pydantic models, a deque of Decimals.

It makes fills and closed lots, in memory, and nothing else: no order, no cash, no attribution, no
comparison, no fee of a lot, nothing written. Fills are put into the order of time before they are
matched, because some arrive late.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from tests.oracle.payloads import FillPayload, SettlementPayload

ONE: Final = Decimal(1)
Key = tuple[str, str]
"""Account and instrument."""


class Deal(NamedTuple):
    """A fill, bought above zero; NO is YES sold."""

    at: datetime
    fill_id: str
    signed: Decimal
    price: Decimal
    multiplier: Decimal = ONE


class Closed(NamedTuple):
    """A part of a lot that a fill or the settlement closed."""

    open_id: str
    close_id: str
    quantity: Decimal
    open_price: Decimal
    close_price: Decimal
    gross: Decimal


class ExecutionPayload(BaseModel):
    """An execution that the socket told."""

    model_config = ConfigDict(extra="ignore")

    execId: str  # noqa: N815 - the broker's names
    conId: str  # noqa: N815
    account: str
    time: str
    side: Literal["BOT", "SLD"]
    shares: Decimal
    price: Decimal
    multiplier: str

    def deal(self) -> Deal:
        """Return what it says."""
        moment, _, zone = self.time.rpartition(" ")
        at = datetime.strptime(moment, "%Y%m%d %H:%M:%S").replace(tzinfo=ZoneInfo(zone))
        signed = self.shares if self.side == "BOT" else -self.shares
        return Deal(at, self.execId, signed, self.price, Decimal(self.multiplier or 1))


class CommissionPayload(BaseModel):
    """What an execution cost."""

    model_config = ConfigDict(extra="ignore")

    execId: str  # noqa: N815
    commission: Decimal


@dataclass(slots=True)
class Lots:
    """What is open of one holding, first in, first out: id, signed quantity, price."""

    open: deque[tuple[str, Decimal, Decimal]] = field(default_factory=deque)

    def take(self, deal: Deal) -> Iterator[Closed]:
        """Close what it closes and open the rest."""
        left = deal.signed
        while left and self.open and (self.open[0][1] > 0) != (left > 0):
            open_id, held, price = self.open.popleft()
            part = min(abs(held), abs(left))
            sign = 1 if held > 0 else -1
            if abs(held) > part:
                self.open.appendleft((open_id, held - sign * part, price))
            left += sign * part
            gross = sign * part * (deal.price - price) * deal.multiplier
            yield Closed(open_id, deal.fill_id, part, price, deal.price, gross)
        if left:
            self.open.append((deal.fill_id, left, deal.price))

    def settle(self, instrument: str, payout: Decimal) -> Iterator[Closed]:
        """Close everything at the payout."""
        while self.open:
            open_id, held, price = self.open.popleft()
            yield Closed(open_id, instrument, abs(held), price, payout, held * (payout - price))


@dataclass(slots=True)
class Ledger:
    """All that was told: fills by holding, commissions, settlements of markets."""

    deals: defaultdict[Key, list[Deal]] = field(default_factory=lambda: defaultdict(list))
    commissions: dict[str, Decimal] = field(default_factory=dict)
    settled: dict[Key, tuple[datetime, Decimal]] = field(default_factory=dict)

    def read(self, kind: str, payload: bytes) -> None:
        """Take in one event; orders are not looked at."""
        if kind == "kalshi.fill":
            fill = FillPayload.model_validate_json(payload).fill()
            signed = fill.sign * fill.quantity
            deal = Deal(fill.executed_at, fill.fill_id, signed, fill.yes_price)
            self.deals["main", fill.instrument_id].append(deal)
        elif kind == "ibkr.execution":
            execution = ExecutionPayload.model_validate_json(payload)
            self.deals[execution.account, execution.conId].append(execution.deal())
        elif kind == "ibkr.commission_report":
            report = CommissionPayload.model_validate_json(payload)
            self.commissions[report.execId] = report.commission
        elif kind == "kalshi.settlement":
            settlement = SettlementPayload.model_validate_json(payload).settlement()
            assert settlement.payout is not None, "no market of the corpus is void"
            key = ("main", settlement.instrument_id)
            self.settled[key] = (settlement.settled_at, settlement.payout)

    def closed(self) -> dict[Key, list[Closed]]:
        """Match all holdings; nothing trades behind its settlement."""
        made: dict[Key, list[Closed]] = {}
        for key, deals in self.deals.items():
            deals.sort()
            lots = Lots()
            rows = [row for deal in deals for row in lots.take(deal)]
            if key in self.settled:
                at, payout = self.settled[key]
                assert deals[-1].at <= at, key
                rows += lots.settle(key[1], payout)
            made[key] = rows
        return made


def replay(events: Iterable[tuple[str, bytes]]) -> dict[Key, list[Closed]]:
    """Replay raw payloads one by one and return the closed lots of each holding."""
    ledger = Ledger()
    for kind, payload in events:
        ledger.read(kind, payload)
    return ledger.closed()


def digest(sums: Iterable[tuple[str, str, int, Decimal, Decimal]]) -> str:
    """Return a digest of account, instrument, closed lots, quantity and gross P&L of each.

    Two replays that come to the same figures for every instrument have the same digest.
    """
    lines = sorted(
        f"{account} {instrument} {count} {quantity:.8f} {gross:.8f}"
        for account, instrument, count, quantity, gross in sums
        if count
    )
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


def sums_of(
    closed: dict[Key, list[Closed]],
) -> Iterator[tuple[str, str, int, Decimal, Decimal]]:
    """Sum up the closed lots of each holding."""
    for (account, instrument), rows in closed.items():
        quantity = sum((row.quantity for row in rows), Decimal(0))
        yield account, instrument, len(rows), quantity, sum((row.gross for row in rows), Decimal(0))


SUMS_OF_A_PROJECTION: Final = """
    SELECT account, instrument_id, count(*), sum(quantity), sum(realized_gross)
    FROM lot_match GROUP BY ALL
"""
"""The same sums of a projection."""
