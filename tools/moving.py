"""What a rebuild moves, by strategy: compared and told."""

from typing import Any, Final

import pyarrow as pa

from domain.units import MONEY
from replay.amounts import Amounts
from replay.explain.nodes import decimal_text
from replay.money import Line, Moved
from tools import render
from tools.outcome import counted

TOTAL: Final = "= total"
"""What a sum over all strategies is called, which one of them may be called too without `=`."""

_MONEY: Final = pa.decimal128(MONEY.width, MONEY.scale)
_COLUMNS: Final = pa.schema(
    [
        ("account", pa.string()),
        ("strategy", pa.string()),
        ("ccy", pa.string()),
        ("net_before", _MONEY),
        ("net_after", _MONEY),
        ("net_moved", _MONEY),
        ("gross_moved", _MONEY),
    ]
)


def verdict(moved: Moved, *, would: bool = False) -> str:
    """Return what moved, or would move, in a few words."""
    if moved.unknown is not None:
        return f"nothing to compare with: {moved.unknown}"
    told = (
        f"{counted(moved.fills or 0, 'fill')} and "
        f"{lots_moved(moved.lots_reassigned or 0, moved.lots or 0)}, "
        f"sums of {counted(moved.days or 0, 'day')}"
    )
    if not moved.anything:
        return "nothing would move" if would else "nothing moved"
    return f"{'would move' if would else 'moved'}: {told}"


def lots_moved(reassigned: int, amounts: int) -> str:
    """Return how many lots count for another strategy, and the amounts of how many differ."""
    return f"{counted(reassigned, 'lot')} to another strategy, amounts of {counted(amounts, 'lot')}"


def as_table(moved: Moved) -> str:
    """Return realized P&L by strategy before and after, totals last, for a screen."""
    lines = list(moved.lines)
    if len(lines) > 1:
        lines += moved.totals()
    return render.as_table(
        pa.Table.from_pylist([_row(line) for line in lines], _COLUMNS), closing=False
    )


def _row(line: Line) -> dict[str, Any]:
    before, difference = line.before, line.difference
    return {
        "account": line.account,
        "strategy": line.strategy or TOTAL,
        "ccy": line.currency,
        "net_before": before.net if before is not None else None,
        "net_after": line.after.net,
        "net_moved": difference.net if difference is not None else None,
        "gross_moved": difference.gross if difference is not None else None,
    }


def as_data(moved: Moved) -> dict[str, Any]:
    """Return it for programs."""
    return {
        "moved": [
            {
                "account": line.account,
                "strategy": line.strategy,
                "currency": line.currency,
                "before": _amounts(line.before),
                "after": _amounts(line.after),
                "difference": _amounts(line.difference),
            }
            for line in moved.lines
        ],
        "fills_moved": moved.fills,
        "lots_moved": moved.lots,
        "lots_reassigned": moved.lots_reassigned,
        "days_moved": moved.days,
        "not_compared_because": moved.unknown,
    }


def _amounts(amounts: Amounts | None) -> dict[str, Any] | None:
    if amounts is None:
        return None
    return {
        "gross": decimal_text(amounts.gross),
        "fees": decimal_text(amounts.fees),
        "net": decimal_text(amounts.net),
        "lots_pending": amounts.lots_pending,
    }
