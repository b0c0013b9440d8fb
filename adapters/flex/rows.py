"""Elements become rows: whose they are, which kind, of which statement, true at which moment."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from adapters.flex.parsing import Step
from adapters.flex.sections import LEVEL, kind_of
from domain.errors import NotUnderstoodError, UsageError
from domain.event import Owner
from domain.ibkr.accounts import mode_of
from domain.ibkr.cash import CASH_REPORT
from domain.ibkr.flex import OTHER
from domain.ibkr.statements import STATEMENT
from domain.kinds import BY_NAME, Kind

_NEW_YORK: Final = ZoneInfo("America/New_York")
_DAY: Final = re.compile(r"([0-9]{4})(-?)([0-9]{2})\2([0-9]{2})(?![0-9])")
_NOT_STATED: Final = ("", "-")


class Row(NamedTuple):
    """One row of a statement, or the statement itself, which comes behind its rows."""

    kind: Kind
    attributes: Mapping[str, str]
    owner: Owner
    element: str
    """Its name behind those of the elements around it, such as Trades/Trade."""
    statement: str | None
    """Account, period and time of the statement, as it tells them; None outside of any."""
    as_of: datetime | None

    @property
    def section(self) -> str:
        """The part of the statement that it stands in."""
        return self.element.partition("/")[0]


def rows(steps: Iterable[Step], book: Owner, notes: list[str]) -> Iterator[Row]:
    """Yield the rows in the order of the file; add to `notes` what was left out.

    Raise NotUnderstoodError where the file is no statement, UsageError where an account does not
    belong into this book.
    """
    placing = _Placing(book)
    for step in steps:
        row = placing.leave(step) if step.closes else placing.enter(step)
        if row is not None:
            yield row
    if placing.texts:
        notes.append(f"{placing.texts} text(s) between the elements were not taken in")


class _Placing:
    """Where in the file we are."""

    def __init__(self, book: Owner) -> None:
        self.texts = 0
        self._book = book
        self._root: Mapping[str, str] = {}
        self._answer: dict[str, str] | None = None
        self._statement: _Statement | None = None
        self._open: list[str] = []
        self._owners: dict[str, Owner] = {}

    def enter(self, step: Step) -> Row | None:
        attributes = step.attributes or {}
        self._open.append(step.tag)
        if step.depth == 1:
            self._enter_root(step.tag, attributes)
            return None
        statement = self._statement
        if self._answer is not None:
            return None
        if step.tag == "FlexStatement" and statement is None:
            self._statement = self._opened(step, attributes)
            return None
        if statement is not None and step.depth == statement.depth + 1:
            statement.sections[step.tag] = None
        if not attributes or (statement is None and attributes.keys() == {"count"}):
            return None
        return self._row(attributes)

    def leave(self, step: Step) -> Row | None:
        self._open.pop()
        if self._answer is not None:
            self._answer[step.tag] = step.text
            if step.depth == 1:
                raise NotUnderstoodError(_about_answer(self._answer))
            return None
        self.texts += bool(step.text)
        statement = self._statement
        if statement is None or step.depth != statement.depth:
            return None
        self._statement = None
        return statement.row(self._root)

    def _enter_root(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "FlexQueryResponse":
            self._root = attributes
        elif tag == "FlexStatementResponse":
            self._answer = {}
        else:
            message = (
                f"XML with the root {tag[:80]!r}; expected is a Flex statement of Interactive "
                "Brokers (FlexQueryResponse)"
            )
            raise NotUnderstoodError(message)

    def _opened(self, step: Step, attributes: Mapping[str, str]) -> "_Statement":
        account = attributes.get("accountId", "")
        if account in _NOT_STATED:
            message = "a FlexStatement without accountId: it does not say whose it is"
            raise NotUnderstoodError(message)
        return _Statement(step.depth, attributes, self._owner(account))

    def _row(self, attributes: Mapping[str, str]) -> Row:
        statement = self._statement
        account = attributes.get("accountId", "")
        if account not in _NOT_STATED:
            owner = self._owner(account)
        else:
            owner = self._book if statement is None else statement.owner
        if statement is None:
            element = "/".join(self._open[1:])
            return Row(BY_NAME[OTHER], attributes, owner, element, None, None)
        names = self._open[statement.depth :]
        kind = BY_NAME[kind_of(names[0], names[-1], attributes.get(LEVEL, ""))]
        as_of = statement.moment(kind, attributes) if kind.snapshot else None
        return Row(kind, attributes, owner, "/".join(names), statement.told, as_of)

    def _owner(self, account: str) -> Owner:
        owner = self._owners.get(account)
        if owner is None:
            owner = Owner(account, self._book.mode)
            mode = mode_of(account)
            if mode != owner.mode:
                message = (
                    f"{account} is a {mode} account, and what is taken in here is {owner.mode}: "
                    f"say --mode {mode}, or take the file into another book"
                )
                raise UsageError(message)
            self._owners[account] = owner
        return owner


class _Statement:
    """The statement that the rows stand in."""

    def __init__(self, depth: int, attributes: Mapping[str, str], owner: Owner) -> None:
        self.depth = depth
        self.attributes = attributes
        self.owner = owner
        self.sections: dict[str, None] = {}
        days = f"{attributes.get('fromDate', '')}..{attributes.get('toDate', '')}"
        self.told = f"{owner.account} {days} made {attributes.get('whenGenerated', '')}"

    def row(self, root: Mapping[str, str]) -> Row:
        sections = "".join(f"{name};" for name in self.sections)
        attributes = {**self.attributes}
        for name, value in root.items():
            attributes.setdefault(name, value)
        attributes["sections"] = f";{sections}"
        kind = BY_NAME[STATEMENT]
        return Row(kind, attributes, self.owner, "FlexStatement", self.told, None)

    def moment(self, kind: Kind, attributes: Mapping[str, str]) -> datetime:
        """Return the end of the day whose close a snapshot describes."""
        named = attributes.get("toDate" if kind.name == CASH_REPORT else "reportDate", "")
        day = self.attributes.get("toDate", "") if named in _NOT_STATED else named
        moment = _end_of_day(day)
        if moment is None:
            message = (
                f"statement {self.told}: {kind.name} rows of the day {day[:40]!r}, which cannot be "
                "read; set the date format of the Flex query to yyyyMMdd"
            )
            raise NotUnderstoodError(message)
        return moment


@lru_cache(maxsize=1024)
def _end_of_day(text: str) -> datetime | None:
    """Return the next midnight in New York, in UTC; None for what is no day."""
    found = _DAY.match(text)
    if found is None:
        return None
    try:
        day = datetime(int(found[1]), int(found[3]), int(found[4]), tzinfo=_NEW_YORK)
        return (day + timedelta(days=1)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _about_answer(told: Mapping[str, str]) -> str:
    """Say what the Flex web service answered instead of a statement; never its address."""
    code, said = told.get("ErrorCode", ""), told.get("ErrorMessage", "")
    if code or said:
        return (
            "the Flex web service's refusal was saved under the name of the file, there is no "
            f"statement in it: {said or 'no message'} (error {code or 'without a number'})"
        )
    return (
        "an answer of the Flex web service without a statement in it; ask for the statement with "
        f"the reference code that it names ({told.get('Status') or 'no status'})"
    )
