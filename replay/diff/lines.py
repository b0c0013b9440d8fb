"""Lines of a comparison of money: what one thing had before and has after."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from replay.amounts import Amounts
from replay.explain.nodes import exact_sum


def newest(positions: Iterable[int], limit: int) -> tuple[int, ...]:
    """Return the last of some log positions, in their order."""
    return tuple(sorted(frozenset(positions), reverse=True)[:limit][::-1])


@dataclass(frozen=True, slots=True)
class Line:
    """Realized P&L of one thing (`names` say which) in one account and currency.

    lots_before, lots_after  its lots that differ: those it had, and those it has
    positions                log positions that explain those that moved it most, the nearest first
    positions_more           how many more there are
    """

    account: str
    currency: str
    names: tuple[tuple[str, str], ...]
    before: Amounts
    after: Amounts
    lots_before: int = 0
    lots_after: int = 0
    positions: tuple[int, ...] = ()
    positions_more: int = 0

    @property
    def moved(self) -> Amounts:
        """What came to it."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Sum:
    """One sum of money that is no P&L: cash by cause, cost of what is open by strategy."""

    account: str
    currency: str
    name: str
    before: Decimal
    after: Decimal
    rows_before: int
    rows_after: int
    positions: tuple[int, ...] = ()
    positions_more: int = 0

    @property
    def moved(self) -> Decimal:
        """What came to it."""
        return exact_sum((self.after, self.before.copy_negate()))


@dataclass(frozen=True, slots=True)
class Money:
    """All of it.

    totals, strategies, days  every one, moved or not
    families, cells, trades   the largest that moved; `moved` counts all of them. A cell is a day of
                              a strategy in a family
    moved                     how many families, days, cells and trades moved; of how many lots the
                              amounts did (`lots`), and how many of both files count for another
                              strategy (`lots_reassigned`)
    notes                     what could not be compared
    """

    totals: tuple[Line, ...] = ()
    strategies: tuple[Line, ...] = ()
    families: tuple[Line, ...] = ()
    days: tuple[Line, ...] = ()
    cells: tuple[Line, ...] = ()
    trades: tuple[Line, ...] = ()
    cash: tuple[Sum, ...] = ()
    open_cost: tuple[Sum, ...] = ()
    moved: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()

    def positions(self) -> list[int]:
        """Return all log positions that explain anything, in their order."""
        lines = (
            *self.totals,
            *self.strategies,
            *self.families,
            *self.days,
            *self.cells,
            *self.trades,
        )
        told = {position for line in lines for position in line.positions}
        told |= {position for one in (*self.cash, *self.open_cost) for position in one.positions}
        return sorted(told)
