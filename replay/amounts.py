"""Realized P&L of some lots as one sum, exact to the last place."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from replay.explain.nodes import exact_sum


@dataclass(frozen=True, slots=True)
class Amounts:
    """Realized P&L of some lots, in one currency.

    fees and net are those of the lots whose fees and openings are known; `lots_pending` counts the
    others.
    """

    gross: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    net: Decimal = Decimal(0)
    lots_pending: int = 0

    def __add__(self, other: Self) -> Self:
        """Return both together."""
        return type(self)(
            exact_sum((self.gross, other.gross)),
            exact_sum((self.fees, other.fees)),
            exact_sum((self.net, other.net)),
            self.lots_pending + other.lots_pending,
        )

    def __neg__(self) -> Self:
        """Return it with the other sign."""
        # copy_negate is exact whatever the context; 0 keeps no sign
        gross, fees, net = (
            value.copy_negate() if value else value for value in (self.gross, self.fees, self.net)
        )
        return type(self)(gross, fees, net, -self.lots_pending)

    def __sub__(self, other: Self) -> Self:
        """Return what came to the other."""
        return self + -other

    def __bool__(self) -> bool:
        """Say whether anything of it is not 0."""
        return bool(self.gross or self.fees or self.net or self.lots_pending)
