"""The arithmetic of one lot, written out.

gross = direction * (worth at closing - worth at opening) + rounding + premium

Where a split or a merger lies between, the published opening price is cut at 9 places and the exact
worth is told instead, by the price and the part of what opened the lot.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from replay.explain.nodes import (
    ZERO,
    decimal_text,
    exact_product,
    exact_sum,
    exact_units,
    value_text,
)
from replay.explain.origins import Side, closing_of, missing_because, opening_of
from replay.explain.sources import OWN, Row, Sources, owner_values

_WORD: Final = {"exercise": "exercised", "assignment": "assigned"}
_CUT: Final = Decimal("0.0000000001")
"""Far more than what is cut off an amount that is spread over lots, far less than money."""


def worked_out(sources: Sources, lot: Row) -> str:
    """Return the gross P&L of a lot with the arithmetic that leads to it."""
    sign = Decimal(1 if lot["direction"] == "long" else -1)
    gross = lot["realized_gross"]
    if lot["venue"] == "kalshi":
        assert _product(lot, sign) == gross, f"a lot of {lot['trade_id']}"
        return f"{decimal_text(gross)} = {_priced(lot, sign)}{_rounded(lot)}"
    opening, closing = opening_of(sources, lot), closing_of(sources, lot)
    if lot["basis_state"] == "missing":
        why = missing_because(sources, lot, opening, closing)
        return f"basis missing: {why}{_cash_alone(gross)}"
    premium = _premium(sources, lot)
    if lot["close_kind"] == "corporate_action":
        return f"{decimal_text(gross)} = {_by_action(sources, lot, opening, closing)}{premium}"
    if _product(lot, sign) == gross:
        part = opened_as(
            opening, exact_product(lot["quantity"], lot["open_price"], lot["multiplier"])
        )
        note = f", {part}" if part and opening.price != lot["open_price"] else ""
        return f"{decimal_text(gross)} = {_priced(lot, sign)}{premium}{note}"
    return f"{decimal_text(gross)} = {_exactly(lot, sign, opening, closing)}{premium}"


def _product(lot: Row, sign: Decimal) -> Decimal:
    moved = exact_sum([lot["close_price"], lot["open_price"].copy_negate()])
    priced = exact_product(sign, lot["quantity"], moved, lot["multiplier"])
    return exact_sum([priced, lot["rounding"], lot["premium"]])


def _result(lot: Row) -> Decimal:
    """Return what the two worths alone make."""
    return exact_sum(
        [lot["realized_gross"], lot["rounding"].copy_negate(), lot["premium"].copy_negate()]
    )


def _is_cut(amount: Decimal, share: Decimal) -> bool:
    """Tell whether two amounts differ by what is cut off a share and no more."""
    return exact_sum([amount, share.copy_negate()]).copy_abs() <= _CUT


def _priced(lot: Row, sign: Decimal) -> str:
    terms = [value_text(lot[name]) for name in ("quantity", "close_price", "open_price")]
    text = f"{terms[0]} * ({terms[1]} - {terms[2]})"
    text = text if sign == 1 else f"-{text}"
    return text if lot["multiplier"] == 1 else f"{text} * {value_text(lot['multiplier'])}"


def _rounded(lot: Row) -> str:
    if not lot["rounding"]:
        return ""
    return f" - {decimal_text(lot['rounding'].copy_negate())} cut off by the exchange"


def _cash_alone(gross: Decimal | None) -> str:
    return "" if gross is None else f"; {decimal_text(gross)} came with it in cash"


def opened_as(opening: Side, worth: Decimal) -> str:
    """Say which part of its opening a lot is: so many units at the price of that time.

    Nothing if the worth is no part of it, or nobody told the price.
    """
    if not opening.price or opening.multiplier is None:
        return ""
    units = exact_units(worth, exact_product(opening.price, opening.multiplier))
    if exact_product(units, opening.price, opening.multiplier) != worth:
        return ""
    text = f"{value_text(units)} * {value_text(opening.price)}"
    if opening.multiplier != 1:
        text += f" * {value_text(opening.multiplier)}"
    return f"opened as {text}"


def _exactly(lot: Row, sign: Decimal, opening: Side, closing: Side) -> str:
    """Return the arithmetic by the exact worth at opening and at closing."""
    factor = lot["multiplier"] if closing.multiplier is None else closing.multiplier
    closed = exact_product(lot["quantity"], lot["close_price"], factor)
    result = _result(lot)
    worth = exact_sum([closed, exact_product(-sign, result)])
    part = opened_as(opening, worth)
    assert part or not opening.price, f"a lot of {lot['trade_id']}: {worth} is no part of {opening}"
    close = f"{value_text(lot['quantity'])} * {value_text(lot['close_price'])}"
    close = close if factor == 1 else f"{close} * {value_text(factor)}"
    opened = f"{decimal_text(worth)} ({part})" if part else decimal_text(worth)
    return f"{close} - {opened}" if sign == 1 else f"{opened} - {close}"


def _by_action(sources: Sources, lot: Row, opening: Side, closing: Side) -> str:
    """Return the arithmetic of a lot that a corporate action ended, or paid for."""
    sign = Decimal(1 if lot["direction"] == "long" else -1)
    result = _result(lot)
    share = _share(sources, lot, closing.row["proceeds"])
    if share and _is_cut(result, share):
        return f"{decimal_text(result)} in cash that came with it; the lot lives on"
    worth = exact_product(lot["quantity"], lot["open_price"], lot["multiplier"])
    if opening.price:
        # what is left of the proceeds is exactly a part of the opening at its own price
        one = exact_product(opening.price, opening.multiplier or Decimal(1))
        owed = exact_product(sign, exact_sum([share, result.copy_negate()]))
        worth = exact_product(exact_units(owed, one), one)
    cash = exact_sum([result, exact_product(sign, worth)])
    assert _is_cut(cash, share), f"a lot of {lot['trade_id']}: {cash}, {share}"
    part = opened_as(opening, worth)
    opened = f"{decimal_text(worth)} ({part})" if part else decimal_text(worth)
    return f"{decimal_text(cash)} in cash {'-' if sign == 1 else '+'} {opened}"


def _share(sources: Sources, lot: Row, proceeds: Decimal) -> Decimal:
    """Return the share of the cash of a row that falls on a lot, but for what is cut off."""
    (row,) = sources.rows(
        f"SELECT sum(quantity) AS quantity FROM lot_match WHERE {OWN} AND close_id = ?"
        " AND close_kind = 'corporate_action'",
        [*owner_values(lot), lot["close_id"]],
    )
    return (proceeds * lot["quantity"] / row["quantity"]) if proceeds else ZERO


def _premium(sources: Sources, lot: Row) -> str:
    """Return the premium that moved into a lot or out of it, and the options that it is of."""
    if not lot["premium"]:
        return ""
    rows = carried_into(sources, lot)
    amount = decimal_text(lot["premium"].copy_abs())
    text = f" {'+' if lot['premium'] > 0 else '-'} {amount} premium"
    if any(row["fill_id"] == lot["close_id"] for row in rows):
        return f"{text} that moved into {', '.join(row['into_fill_id'] for row in rows)}"
    return f"{text} of {options_named(rows)}"


def carried_into(sources: Sources, lot: Row) -> list[Row]:
    """Return the premiums that the opening or the closing of a lot took over or handed over."""
    return sources.rows(
        "SELECT p.*, f.booking FROM carried_premium AS p"
        " INNER JOIN fill AS f USING (venue, account, mode, fill_id)"
        " WHERE p.venue = $1 AND p.account = $2 AND p.mode = $3"
        " AND (p.fill_id = $5 OR p.into_fill_id IN ($4, $5)) ORDER BY p.fill_id",
        [*owner_values(lot), lot["open_fill_id"], lot.get("close_id")],
    )


def options_named(rows: Sequence[Row]) -> str:
    """Name the options whose premium was carried."""
    return " and ".join(f"the {_WORD[row['booking']]} option {row['fill_id']}" for row in rows)
