"""What the projections publish of an IBKR account's lots, as the oracle sees it."""

from collections import defaultdict
from decimal import ROUND_DOWN, Decimal, localcontext

from tests.oracle.ibkr_lots import (
    BILLIONTH,
    EXACT,
    UNITS,
    ZERO,
    Account,
    Match,
    Replayed,
    fees_of,
    gross_of,
    premium_of,
    replay,
)

Row = dict[str, object]
Tables = dict[str, list[Row]]


def tables(account: Account) -> Tables:
    """Return every table that is compared."""
    replayed = replay(account)
    with localcontext(EXACT):
        return {
            "lot_match": [_closed(match) for match in replayed.matches],
            "open_lot": [_open(match) for match in replayed.open],
            "position": _positions(replayed),
            "trade": _trades(replayed),
            "opening": [
                {"instrument_id": name, "quantity": quantity}
                for name, quantity in replayed.openings.items()
            ],
            "carried_premium": [
                {"fill_id": row_id, "into_fill_id": into, "premium": premium, "fees": fees}
                for row_id, (into, premium, fees) in replayed.premiums.items()
            ],
        }


def _price(match: Match) -> Decimal | None:
    price, size = match.opening.price, match.opened_to - match.opened_from
    if price is None or size == match.units:
        return price
    return (price * size / match.units).quantize(BILLIONTH, ROUND_DOWN)


def _closed(match: Match) -> Row:
    closing, result = match.closing, gross_of(match)
    assert closing is not None
    premium, told = premium_of(match)
    known = result is not None and told
    if closing.gives:
        premium = ZERO if result is None else -result
    gross = (result or ZERO) + premium if known else None
    fees = fees_of(match)
    return {
        "instrument_id": match.instrument,
        "open_fill_id": match.opening.row_id,
        "close_id": closing.row_id,
        "close_kind": closing.kind,
        "trade_id": match.trade_id,
        "direction": "long" if match.opening.sign > 0 else "short",
        "quantity": Decimal(match.units) / UNITS,
        "open_price": _price(match),
        "close_price": closing.price,
        "premium": premium,
        "basis_state": "known" if known else "missing",
        "realized_gross": gross,
        "fee_state": "pending" if fees is None else "complete",
        "fees": fees,
        "realized_net": None if gross is None or fees is None else gross - fees,
    }


def _open(match: Match) -> Row:
    worth, fees = match.open_worth, fees_of(match)
    premium, told = premium_of(match)
    known = worth is not None and told
    sign = match.opening.sign
    return {
        "instrument_id": match.instrument,
        "open_fill_id": match.opening.row_id,
        "trade_id": match.trade_id,
        "direction": "long" if sign > 0 else "short",
        "quantity": Decimal(match.units) / UNITS,
        "open_price": _price(match),
        "basis_state": "known" if known else "missing",
        "cost": sign * (worth or ZERO) - premium if known else None,
        "fee_state": "pending" if fees is None else "complete",
        "fees": fees,
    }


def _positions(replayed: Replayed) -> list[Row]:
    held: dict[str, list[Row]] = defaultdict(list)
    for match in replayed.open:
        held[match.instrument].append(_open(match))
    return [
        {
            "instrument_id": name,
            "quantity": sum(
                (
                    _decimal(row["quantity"]) * (1 if row["direction"] == "long" else -1)
                    for row in rows
                ),
                ZERO,
            ),
            "cost": _sum(row["cost"] for row in rows),
        }
        for name, rows in held.items()
    ]


def _decimal(value: object) -> Decimal:
    assert isinstance(value, Decimal)
    return value


def _sum(values: object) -> Decimal | None:
    listed = list(values)  # type: ignore[call-overload]
    return None if None in listed else sum(listed, ZERO)


def _trades(replayed: Replayed) -> list[Row]:
    closed: dict[str, list[Match]] = defaultdict(list)
    open_: dict[str, list[Match]] = defaultdict(list)
    for match in replayed.matches:
        closed[match.trade_id].append(match)
    for match in replayed.open:
        open_[match.trade_id].append(match)
    made = []
    for trade_id in sorted(closed.keys() | open_.keys()):
        rows = [_closed(match) for match in closed[trade_id]]
        gross = _sum(row["realized_gross"] for row in rows)
        fees = _sum(row["fees"] for row in rows)
        lots = [match for match in closed[trade_id] + open_[trade_id] if not match.lives_on]
        made.append(
            {
                "trade_id": trade_id,
                "quantity": Decimal(sum(match.units for match in lots)) / UNITS,
                "open": bool(open_[trade_id]),
                "basis_state": "known" if gross is not None else "missing",
                "realized_gross": gross,
                "fee_state": "pending" if fees is None else "complete",
                "fees": fees,
                "realized_net": None if gross is None or fees is None else gross - fees,
            }
        )
    return made
