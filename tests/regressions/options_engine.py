"""Made payloads of an options engine on IBKR: option round trips, and what its bot recorded.

Each trade is a long call of one contract, bought at 1.00 on the socket; a fee of 0.65 a side.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from domain.event import NewEvent, Owner
from tests.books import event
from tests.projections.ibkr.test_socket_readers import told

PAPER: Final = "DU1234567"
OWNER: Final = Owner(PAPER, "paper")
STRATEGY: Final = "zero_dte"
PREFIX: Final = "zdte-"
FEE: Final = Decimal("0.65")
FIRST: Final = datetime(2026, 4, 17, 14, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One trade of the engine: number, and the price at which it was sold (None: not sold)."""

    number: int
    sold_at: str | None = "1.50"

    @property
    def conid(self) -> str:
        """Every trade is in a contract of its own."""
        return str(900_000 + self.number)

    @property
    def entered_at(self) -> datetime:
        """A quarter of an hour apart."""
        return FIRST + timedelta(minutes=15 * self.number)

    @property
    def left_at(self) -> datetime:
        """Five minutes later."""
        return self.entered_at + timedelta(minutes=5)

    def executions(self) -> list[NewEvent]:
        """Return what the socket tells: executions and their commissions."""
        events = self._execution("in", "BOT", "1.00", self.entered_at)
        if self.sold_at is not None:
            events += self._execution("out", "SLD", self.sold_at, self.left_at)
        return events

    def _execution(self, which: str, side: str, price: str, at: datetime) -> list[NewEvent]:
        exec_id = f"{self.number:08x}.{which}.01.01"
        return [
            told(
                "ibkr.execution", execId=exec_id, conId=self.conid, secType="OPT", symbol="SPY",
                localSymbol=f"SPY C{self.number}", lastTradeDate="20261218", strike="600",
                right="C", multiplier="100", shares="1", price=price, side=side,
                permId=f"{self.number}{1 if which == 'in' else 2}",
                orderRef=f"{PREFIX}{self.number}-{which}",
                time=at.strftime("%Y%m%d %H:%M:%S UTC"),
            ),
            told(
                "ibkr.commission_report", execId=exec_id, commission=str(FEE), currency="USD",
                realizedPNL="1.7976931348623157E308",
            ),
        ]  # fmt: skip

    def decision(self, **more: Any) -> NewEvent:  # noqa: ANN401 - values of JSON
        """Return the decision that went in, ENTERED in the engine's old words."""
        return recorded(
            "bot.decision",
            decision_id=f"d{self.number}",
            strategy=STRATEGY,
            instrument=self.conid,
            side="buy",
            outcome="posted",
            probability="0.61",
            client_order_id=f"{PREFIX}{self.number}-in",
            decided_at=(self.entered_at - timedelta(seconds=2)).isoformat(),
            **more,
        )

    def left(self, reason: str, **more: Any) -> NewEvent:  # noqa: ANN401 - values of JSON
        """Return the bot's word on leaving."""
        return recorded(
            "bot.exit",
            instrument=self.conid,
            exited_at=self.left_at.isoformat(),
            reason=reason,
            **more,
        )

    def quoted(self, middle: str) -> NewEvent:
        """Return a quote of the moment of leaving."""
        return recorded(
            "market.quote",
            instrument=self.conid,
            quoted_at=self.left_at.isoformat(),
            mid=middle,
        )


def recorded(kind: str, **payload: Any) -> NewEvent:  # noqa: ANN401 - values of JSON
    """Return what the bot recorded."""
    kept = {name: value for name, value in payload.items() if value is not None}
    return event(kind, json.dumps(kept), owner=OWNER, venue="ibkr")


def all_of(trips: Iterable[RoundTrip]) -> list[NewEvent]:
    """Return the executions of many trades, in order."""
    return [one for trip in trips for one in trip.executions()]
