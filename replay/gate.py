"""Whether a new projection leaves closed days alone: what decides if it may take the other's place.

A day is closed for an account if the old projection tells of it; with `ended_by`, only days before
that one are. Accounts, strategies, families and currencies are judged one by one, so that money
that only changed hands counts as moved.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from domain.errors import ProjectionError
from replay.amounts import Amounts
from replay.database import Resources
from replay.diff import realized, sides


@dataclass(frozen=True, slots=True)
class Cell:
    """Realized P&L of a day, strategy and family of an account, in one currency, and its move."""

    day: str
    account: str
    strategy: str
    family: str
    currency: str
    moved: Amounts


@dataclass(frozen=True, slots=True)
class Gate:
    """What moved on closed days by more than is accepted.

    cells  how many days of a strategy in a family
    worst  those that moved most
    """

    cells: int
    worst: tuple[Cell, ...]

    @property
    def accepted(self) -> bool:
        """Whether nothing did."""
        return not self.cells


def closed_days(
    before: Path,
    after: Path,
    *,
    above: Decimal,
    resources: Resources,
    ended_by: date | None = None,
    limit: int = 20,
) -> Gate:
    """Judge. A cell has moved if its gross, fees or net did by more than `above`."""
    with sides.side_by_side(before, after, resources) as pair:
        if not realized.has_days(pair):
            message = f"{before}: its days cannot be compared: it is of another layout"
            raise ProjectionError(message)
        realized.keep_daily(pair)
        rows = pair.connection.execute(
            _CELLS,
            {"above": above, "ended_by": ended_by and ended_by.isoformat(), "limit": max(limit, 1)},
        ).fetchall()
    cells = tuple(
        Cell(day, account, strategy, family, currency, Amounts(gross, fees, net, int(pending)))
        for day, account, strategy, family, currency, gross, fees, net, pending, _ in rows
    )
    return Gate(rows[0][-1] if rows else 0, cells)


_CELLS = """
    WITH signed AS (
        SELECT
            day,
            account,
            strategy,
            family,
            currency,
            CASE side WHEN 'after' THEN gross ELSE -gross END AS gross,
            CASE side WHEN 'after' THEN fees ELSE -fees END AS fees,
            CASE side WHEN 'after' THEN net ELSE -net END AS net,
            CASE side WHEN 'after' THEN lots_pending ELSE -lots_pending END AS lots_pending
        FROM daily
        WHERE $ended_by IS NULL OR day < $ended_by
    ),

    cells AS (
        SELECT
            day,
            account,
            strategy,
            family,
            currency,
            sum(gross) AS gross,
            sum(fees) AS fees,
            sum(net) AS net,
            sum(lots_pending) AS lots_pending
        FROM signed
        GROUP BY ALL
    )

    SELECT *, count(*) OVER () AS cells
    FROM cells
    WHERE greatest(abs(gross), abs(fees), abs(net)) > $above
        AND (day, account) IN (SELECT (day, account) FROM daily WHERE side = 'before')
    ORDER BY
        greatest(abs(gross), abs(fees), abs(net)) DESC, day, account, strategy, family, currency
    LIMIT $limit
"""
