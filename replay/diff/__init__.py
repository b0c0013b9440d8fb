"""What one projection says otherwise than another, and why: rows, money, log positions.

Both files are read, neither is changed. Where both are of the same events, all that differs comes
of other rules or other code; where they are not (two moments of one log), the events that only one
of them has made the difference, and they are named.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from domain.event import header
from domain.results import TABLES
from replay.database import Resources
from replay.diff import realized, rows, sides, sums
from replay.diff.lines import Money
from replay.diff.rows import TableDifference
from replay.diff.sides import Pair, Side
from replay.ports import EventLog

_COUNTS_OF_LOTS: Final = ("lots", "lots_reassigned")


@dataclass(frozen=True, slots=True)
class Told:
    """One event of the log that explains something."""

    position: int
    kind: str
    received_at: str
    key: str


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs.

    same_events  whether both files are of the same events
    same_rules   whether both are of the same rules and code
    log_checked  whether both are known to be of one log
    tables       the tables that differ; equal_tables counts the others
    events       the events behind the positions that explain the money, if the log was there
    """

    before: Side
    after: Side
    same_events: bool
    same_rules: bool
    log_checked: bool
    tables: tuple[TableDifference, ...]
    equal_tables: int
    money: Money
    events: tuple[Told, ...]

    @property
    def anything(self) -> bool:
        """Whether anything differs."""
        return bool(self.tables)

    @property
    def money_moved(self) -> bool:
        """Whether any money moved."""
        lines = (*self.money.totals, *self.money.strategies, *self.money.days)
        sums = (*self.money.cash, *self.money.open_cost)
        return (
            any(line.moved for line in lines)
            or any(one.moved for one in sums)
            or any(count for kind, count in self.money.moved if kind not in _COUNTS_OF_LOTS)
        )


def compare(
    before: Path,
    after: Path,
    *,
    resources: Resources,
    limit: int = 20,
    log: EventLog | None = None,
) -> Difference:
    """Compare two projection files: `limit` examples of everything, and of what explains it.

    Whatever the limit, a line names five of the positions that explain it.

    With the log, both are checked against its seals, and the events that explain are named. Raise
    UsageError where they are of different logs, ProjectionError where one cannot be read.
    """
    with sides.side_by_side(before, after, resources) as pair:
        checked = sides.check_log(pair, log)
        tables = [rows.of_table(pair, model, limit) for model in TABLES]
        differing = tuple(table for table in tables if table.anything)
        money = _money(pair, {one.table for one in differing if one.rows_differ}, limit)
        return Difference(
            pair.before,
            pair.after,
            same_events=pair.same_events,
            same_rules=_rules(pair.before) == _rules(pair.after),
            log_checked=checked,
            tables=differing,
            equal_tables=len(tables) - len(differing),
            money=money,
            events=tuple(_events(log, money)) if log else (),
        )


def _money(pair: Pair, differing: Collection[str], limit: int) -> Money:
    able = {
        "daily_pnl": realized.has_days(pair),
        "lot_match": realized.has_lots(pair),
        "cash_ledger": sums.has_cash(pair),
        "open_lot": sums.has_open_lots(pair),
    }
    found = Money(
        cash=sums.cash(pair, differing, limit) if able["cash_ledger"] else (),
        open_cost=sums.open_cost(pair, differing, limit) if able["open_lot"] else (),
        notes=tuple(
            f"{table} is not in both files as this version declares it: its money is not compared"
            for table, known in able.items()
            if not known
        ),
    )
    return realized.realized(pair, found, limit) if able["daily_pnl"] else found


def _rules(side: Side) -> tuple[str, str, str]:
    return side.rules_digest, side.code_digest, side.libraries


def _events(log: EventLog, money: Money) -> Iterator[Told]:
    for position in money.positions():
        event = log.event(position)
        if event is not None:
            received_at = str(header(event.state).get("received_at", ""))
            yield Told(position, event.kind, received_at, event.key)
