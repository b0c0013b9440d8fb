"""The exact number types of the ledger and the SQL types that hold them.

| type | SQL | holds |
|---|---|---|
| Quantity | DECIMAL(18,8) | contracts, shares, units of a currency |
| Volume | DECIMAL(38,8) | quantities of many fills together |
| Price | DECIMAL(18,9) | price of one unit in the currency |
| Multiplier | DECIMAL(12,3) | what one unit stands for: 1 (event contract), 100 (option) |
| Fee | DECIMAL(18,9) | fees as brokers state them; split over lots to a billionth |
| Statistic | DECIMAL(38,26) | probabilities, forecasts: a float's digits, never money |
| Money | DECIMAL(38,20) | amounts; 20 = 8 + 9 + 3 places: quantity * price * multiplier |

Measured on real statements: at most 8 places in a quantity and 9 in a price or an amount.
More places than these are refused, never rounded.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final


@dataclass(frozen=True, slots=True)
class Places:
    """Width and scale of a decimal column."""

    width: int
    scale: int

    @property
    def sql(self) -> str:
        """The DuckDB type."""
        return f"DECIMAL({self.width},{self.scale})"

    @property
    def pattern(self) -> str:
        """A regular expression that a text must match in full to fit without rounding."""
        fraction = rf"(\.[0-9]{{1,{self.scale}}}0*)?"
        return rf"-?[0-9]{{1,{self.width - self.scale}}}{fraction}"


QUANTITY: Final = Places(18, 8)
VOLUME: Final = Places(38, 8)
PRICE: Final = Places(18, 9)
MULTIPLIER: Final = Places(12, 3)
FEE: Final = Places(18, 9)
MONEY: Final = Places(38, 20)
STATISTIC: Final = Places(38, 26)

Quantity = Annotated[Decimal, QUANTITY]
Volume = Annotated[Decimal, VOLUME]
Price = Annotated[Decimal, PRICE]
Multiplier = Annotated[Decimal, MULTIPLIER]
Fee = Annotated[Decimal, FEE]
Money = Annotated[Decimal, MONEY]
Statistic = Annotated[Decimal, STATISTIC]
