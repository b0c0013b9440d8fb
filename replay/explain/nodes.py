"""The tree that `explain` answers with: plain texts, the same for a screen and for a JSON file.

Figures of different currencies, accounts or modes are never added up.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from typing import Final

ZERO: Final = Decimal(0)
# Sums of DECIMAL(38,20) keep every digit; Python's own 28 would round them.
_DIGITS: Final = 80
_UNIT: Final = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Node:
    """One thing that is explained, what is known of it, and what it rests on.

    `query` is the SELECT on published tables that finds it, to be run as it stands; nothing where
    it is of the log, which the position in the node above names.
    """

    title: str
    kind: str
    facts: tuple[tuple[str, str], ...] = ()
    children: tuple["Node", ...] = ()
    query: str = ""

    def walk(self) -> Iterator["Node"]:
        """Yield the node and everything below it, top down."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Figures:
    """P&L of some lots: each figure is of those lots alone of which it is known.

    pending   lots whose fees nobody has stated yet
    missing   lots whose opening nobody has told: they have no gross
    unknown   lots that are one of the two, or both: they have no net

    fees are those of lots with gross, as everywhere; `fees_without_basis` those of the others.
    """

    lots: int
    pending: int
    missing: int
    unknown: int
    gross: Decimal
    fees: Decimal
    net: Decimal
    fees_without_basis: Decimal = ZERO

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Return the figures as texts; what is not known is said, not left out of a sum."""
        apart = ("fees of lots without basis", decimal_text(self.fees_without_basis))
        return (
            ("lots", str(self.lots)),
            ("gross", self._text(self.gross, 0, self.missing, self.missing)),
            ("fees", self._text(self.fees, self.pending, self.missing, self.unknown)),
            ("net", self._text(self.net, self.pending, self.missing, self.unknown)),
            *((apart,) if self.fees_without_basis else ()),
        )

    def _text(self, value: Decimal, pending: int, missing: int, unknown: int) -> str:
        """Return a figure that is unknown of so many lots, and why."""
        if not unknown:
            return decimal_text(value)
        if unknown == self.lots:
            reasons = (pending and "pending", missing and "basis missing")
            return " and ".join(reason for reason in reasons if reason)
        counted = (
            pending and f"of {pending} the fees are pending",
            missing and f"of {missing} the basis is missing",
        )
        why = ", ".join(reason for reason in counted if reason)
        return f"{decimal_text(value)} (of {self.lots - unknown} lots; {why})"


def total(parts: Iterable[Figures]) -> Figures:
    """Add figures up, exactly."""
    parts = tuple(parts)
    return Figures(
        lots=sum(part.lots for part in parts),
        pending=sum(part.pending for part in parts),
        missing=sum(part.missing for part in parts),
        unknown=sum(part.unknown for part in parts),
        gross=exact_sum(part.gross for part in parts),
        fees=exact_sum(part.fees for part in parts),
        net=exact_sum(part.net for part in parts),
        fees_without_basis=exact_sum(part.fees_without_basis for part in parts),
    )


def less(whole: Figures, part: Figures) -> Figures:
    """Take figures away from others, exactly."""
    return Figures(
        lots=whole.lots - part.lots,
        pending=whole.pending - part.pending,
        missing=whole.missing - part.missing,
        unknown=whole.unknown - part.unknown,
        gross=exact_sum([whole.gross, part.gross.copy_negate()]),
        fees=exact_sum([whole.fees, part.fees.copy_negate()]),
        net=exact_sum([whole.net, part.net.copy_negate()]),
        fees_without_basis=exact_sum(
            [whole.fees_without_basis, part.fees_without_basis.copy_negate()]
        ),
    )


def exact_sum(values: Iterable[Decimal]) -> Decimal:
    """Add decimals up without rounding."""
    with localcontext(prec=_DIGITS):
        return sum(values, ZERO)


def exact_product(*values: Decimal) -> Decimal:
    """Multiply decimals without rounding."""
    with localcontext(prec=_DIGITS):
        product = Decimal(1)
        for value in values:
            product *= value
        return product


def exact_units(worth: Decimal, price: Decimal) -> Decimal:
    """Return how many units, to 8 places, are worth so much at a price that is not 0."""
    with localcontext(prec=_DIGITS):
        return (worth / price).quantize(_UNIT)


def decimal_text(value: Decimal) -> str:
    """Return a decimal without trailing zeros, exponent or separators."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def moment_text(moment: datetime) -> str:
    """Return a moment as UTC: 2026-01-13 20:19:21Z, microseconds only where there are any."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    return f"{text}Z"


def value_text(value: object) -> str:
    """Return a value of a table as text; what is not known is a dot."""
    if value is None:
        return "·"
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
