"""What a rebuild moves, by strategy: kept aside before it, compared after it, told."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from domain.errors import CannotDoError
from domain.units import MONEY
from replay.money import Amounts, Line, Moved
from replay.nodes import decimal_text
from tools import render
from tools.outcome import counted

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


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Make a folder inside a book, and remove it in the end, whatever happens.

    It is inside because there is room of the same kind, and a link can be made to the projection.
    """
    try:
        made = tempfile.TemporaryDirectory(prefix=".rebuild-", dir=folder)
    except OSError as error:
        message = f"cannot write in {folder}: {error.strerror}"
        raise CannotDoError(message) from error
    with made as name:
        yield Path(name)


def kept(projection: Path, folder: Path) -> Path | None:
    """Keep a projection under another name, so that putting a new one in its place is no loss.

    Return None where there is none.
    """
    if not projection.exists():
        return None
    target = folder / "before.duckdb"
    try:
        os.link(projection, target)
    except OSError:
        # not every file system knows links
        shutil.copyfile(projection, target)
    return target


def verdict(moved: Moved, *, would: bool = False) -> str:
    """Return what moved, or would move, in a few words."""
    if moved.unknown is not None:
        return f"nothing to compare with: {moved.unknown}"
    told = (
        f"{counted(moved.fills or 0, 'fill')} to another strategy, "
        f"money of {counted(moved.lots or 0, 'lot')} and {counted(moved.days or 0, 'day')}"
    )
    if not moved.anything:
        return "nothing would move" if would else "nothing moved"
    return f"{'would move' if would else 'moved'}: {told}"


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
        "strategy": line.strategy or "total",
        "ccy": line.currency,
        "net_before": before.net if before else None,
        "net_after": line.after.net,
        "net_moved": difference.net if difference else None,
        "gross_moved": difference.gross if difference else None,
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
