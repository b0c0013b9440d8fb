"""The same fills as events of the `eventsourcing` library's own aggregates, replayed by it.

One aggregate a holding; its events are its fills in the order of time and its settlement, decoded
and typed: neither raw payloads nor generations are left. What it computes is what `per_event` does.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from tests.benchmarks.per_event import Closed, Deal, Key, Ledger, Lots


class Holding(Aggregate):
    """What an account holds of one instrument."""

    @event("Opened")
    def __init__(self, account: str, instrument: str) -> None:
        """Begin with nothing."""
        self.account, self.instrument = account, instrument
        self.lots = Lots()
        self.closed: list[Closed] = []

    @staticmethod
    def create_id(account: str, instrument: str) -> UUID:
        """Return the id of a holding."""
        return uuid5(NAMESPACE_URL, f"/{account}/{instrument}")

    @event("Filled")
    def fill(
        self, at: datetime, fill_id: str, signed: Decimal, price: Decimal, multiplier: Decimal
    ) -> None:
        """Take a fill."""
        self.closed += self.lots.take(Deal(at, fill_id, signed, price, multiplier))

    @event("Settled")
    def settle(self, payout: Decimal) -> None:
        """End."""
        self.closed += self.lots.settle(self.instrument, payout)


class Holdings(Application[UUID]):
    """All holdings, in one SQLite file."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it."""
        super().__init__({"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)})

    def write(self, ledger: Ledger) -> int:
        """Save everything that was told; return how many events that are."""
        written = 0
        for key, deals in ledger.deals.items():
            holding = Holding(*key)
            for deal in sorted(deals):
                holding.fill(*deal)
            if key in ledger.settled:
                holding.settle(ledger.settled[key][1])
            written += len(holding.pending_events)
            self.save(holding)
        return written

    def replay(self, keys: list[Key]) -> Iterator[tuple[Key, list[Closed]]]:
        """Load each holding from its events."""
        for key in keys:
            holding: Any = self.repository.get(Holding.create_id(*key))
            yield key, holding.closed
