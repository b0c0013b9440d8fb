"""Small accounts said in a few words, all of a module in one book."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any, Final

from domain.event import NewEvent
from tests.books import BookMaker, Built, Row
from tests.oracle.ibkr_lots import Account, Action, Trade
from tests.projections.ibkr.account_rows import NEW_YORK, events

_NUMBERS: Final = count(1)


def at(text: str) -> datetime:
    """Return a moment of January 2025 in New York: `06 10:00`."""
    return datetime.strptime(f"2025-01-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=NEW_YORK)


def traded(
    row_id: str,
    instrument: str,
    quantity: str,
    price: str,
    when: str = "06 10:00",
    **more: Any,  # noqa: ANN401 - fields of Trade
) -> Trade:
    """Say a row of trades."""
    moment = at(when)
    given: dict[str, Any] = {"day": moment.date(), "sequence": next(_NUMBERS)} | more
    for name in ("fee", "strike", "multiplier"):
        if given.get(name) is not None:
            given[name] = Decimal(given[name])
    return Trade(
        row_id=row_id,
        instrument=instrument,
        quantity=Decimal(quantity),
        price=Decimal(price),
        at=moment,
        **given,
    )


def acted(
    row_id: str,
    sort: str,
    instrument: str,
    quantity: str,
    when: str = "07 20:25",
    *,
    proceeds: str = "0",
    action_id: str = "action",
) -> Action:
    """Say a row of a corporate action."""
    moment = at(when)
    return Action(
        row_id=row_id,
        action_id=action_id,
        sort=sort,
        instrument=instrument,
        at=moment,
        quantity=Decimal(quantity),
        proceeds=Decimal(proceeds),
        day=moment.date(),
    )


def account(*rows: Trade | Action) -> Account:
    """Put rows into an account."""
    return Account(
        [row for row in rows if isinstance(row, Trade)],
        [row for row in rows if isinstance(row, Action)],
    )


class Book:
    """The accounts of a module in one projection."""

    def __init__(self, books: BookMaker, told: Mapping[str, Account], *more: NewEvent) -> None:
        """Build it."""
        listed = [one for name, rows in told.items() for one in events(name, rows)]
        self.built: Built = books.build([*listed, *more])
        assert self.built.rows("unreadable") == []

    def rows(self, table: str, name: str, columns: str) -> list[list[str]]:
        """Return columns of the rows of an account as short texts."""
        found: list[Row] = self.built.rows(f"SELECT * FROM {table} WHERE account = '{name}'")
        return sorted([[short(row[column]) for column in columns.split()] for row in found])

    def one(self, table: str, name: str, columns: str) -> list[str]:
        """Return columns of the only row."""
        (row,) = self.rows(table, name, columns)
        return row


def short(value: object) -> str:
    """Return a value in few letters; nothing for none."""
    if isinstance(value, Decimal):
        return f"{value.normalize() + 0:f}"
    return "" if value is None else str(value)
