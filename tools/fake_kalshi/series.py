"""Series and what trading in them costs."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from tools.fake_kalshi.truths import ONE, ZERO, Execution

TAKER_RATE: Final = Decimal("0.07")
MAKER_RATE: Final = Decimal("0.0175")
CENT: Final = Decimal("0.01")
FINE: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Series:
    """A template of markets, with the rule by which its fees are charged."""

    ticker: str
    fee_type: str = "quadratic"
    fee_multiplier: Decimal = ONE
    title: str = "made"
    category: str = "made"
    frequency: str = "daily"
    exchange_index: int = 0

    def fee(
        self, quantity: Decimal, yes_price: Decimal, *, taker: bool, step: Decimal = CENT
    ) -> Decimal:
        """Return the fee of one fill, rounded up to the step."""
        rate = TAKER_RATE if taker else MAKER_RATE
        if not taker and self.fee_type != "quadratic_with_maker_fees":
            rate = ZERO
        exact = rate * self.fee_multiplier * quantity * yes_price * (ONE - yes_price)
        return (exact / step).to_integral_value(ROUND_CEILING) * step

    def charges(self, execution: Execution) -> bool:
        """Tell whether the series asks a fee for such a fill at all."""
        return self.fee(execution.quantity, execution.yes_price, taker=execution.taker) > 0


def series_of(ticker: str) -> str:
    """Return the ticker of the series: all before the first dash."""
    return ticker.partition("-")[0]
