"""What `bisect` may ask of a projection: a query that should be empty, or a figure."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Protocol

import duckdb

from domain.errors import UsageError
from projections import sql
from replay import query
from tools import render
from tools.cells import is_number, texts
from tools.outcome import counted

ROWS_TOLD: Final = 10
ABSENT: Final = "NULL"
"""How a target is spelled that is no value; a text is never it."""
_CHECKS: Final = "checks"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a projection answered: in words, for programs, and what it comes down to.

    `table` are its first rows, for a screen.
    """

    words: str
    data: Any
    value: object
    table: str = ""


class Question(Protocol):
    """Something that is asked at many positions."""

    @property
    def told(self) -> dict[str, Any]:
        """What is asked, for programs."""
        ...

    def ask(self, connection: duckdb.DuckDBPyConnection) -> Answer:
        """Ask a projection."""
        ...

    def judge(self, low: Answer, high: Answer) -> Callable[[Answer], bool] | str:
        """Return what fails, by the answers at both ends; or why there is no turn between them."""
        ...


@dataclass(frozen=True, slots=True)
class Empty:
    """A query that should have no rows."""

    name: str
    text: str

    @property
    def told(self) -> dict[str, Any]:
        """What is asked, for programs."""
        return {"query": self.name}

    def ask(self, connection: duckdb.DuckDBPyConnection) -> Answer:
        """Return its rows, the first of them for programs."""
        table = query.run(connection, self.text)
        data = {
            "rows": table.num_rows,
            "first_rows": render.as_rows(table.slice(0, ROWS_TOLD)),
        }
        shown = render.as_table(table, limit=ROWS_TOLD, closing=False) if table.num_rows else ""
        return Answer(counted(table.num_rows, "row"), data, table.num_rows, shown)

    def judge(self, low: Answer, high: Answer) -> Callable[[Answer], bool] | str:
        """Rows are a failure."""
        if low.value:
            return f"the query has {low.words} at the lower end already"
        if not high.value:
            return "the query has no rows at the upper end"
        return lambda answer: bool(answer.value)


@dataclass(frozen=True, slots=True)
class Figure:
    """A query of one value, and what that is to be compared with."""

    text: str
    target: str

    @property
    def told(self) -> dict[str, Any]:
        """What is asked, for programs."""
        return {"figure": self.text, "target": self.target}

    def ask(self, connection: duckdb.DuckDBPyConnection) -> Answer:
        """Return the value. Raise UsageError unless there is one row of one column."""
        table = query.run(connection, self.text)
        if (table.num_rows, table.num_columns) != (1, 1):
            shape = f"{counted(table.num_rows, 'row')} of {counted(table.num_columns, 'column')}"
            message = f"a figure is one value: the query gives {shape}"
            raise UsageError(message)
        column = table.column(0)
        (text,) = texts(column).to_pylist()
        value = _read(text) if text is not None and is_number(column.type) else text
        return Answer(ABSENT if text is None else text, {"value": text}, value)

    def judge(self, low: Answer, high: Answer) -> Callable[[Answer], bool] | str:
        """Find where the figure comes to be the target, or where it ceases to be that."""
        begins, ends = (self._is_target(answer) for answer in (low, high))
        if begins == ends:
            both = "is" if begins else "is not"
            return (
                f"the figure {both} {self.target} at both ends: {low.words} at the lower one, "
                f"{high.words} at the upper one"
            )
        return lambda answer: self._is_target(answer) == ends

    def _is_target(self, answer: Answer) -> bool:
        if answer.value is None or self.target == ABSENT:
            return answer.value is None and self.target == ABSENT
        if isinstance(answer.value, Decimal):
            return _same(answer.value, _read(self.target))
        return answer.value == self.target


def _read(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _same(one: Decimal, other: Decimal | None) -> bool:
    """Tell whether two numbers are the same: 1.50 is 1.5, and what is no number is itself."""
    if other is None:
        return False
    if one.is_nan() or other.is_nan():
        return one.is_nan() and other.is_nan()
    return one == other


def named(asked: str) -> Empty:
    """Return a query that should be empty: SQL, or a saved query or check by @NAME."""
    if not asked.startswith("@"):
        return Empty(asked, asked)
    check = asked.removeprefix("@").strip().lower().replace("-", "_")
    if check in sql.names(_CHECKS):
        return Empty(asked, sql.text(_CHECKS, check))
    return Empty(asked, query.saved_query(asked).sql)
