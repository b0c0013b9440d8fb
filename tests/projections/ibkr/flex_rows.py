"""Rows of Flex statements as events, and what their readers make of them before any merge."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import duckdb
import pyarrow as pa

from domain import facts, kinds
from domain.event import NewEvent, Owner
from domain.ibkr.accounts import mode_of
from projections import reading, sql
from replay.census import Census
from tests.books import event
from tests.shared_data import SHARED

Row = dict[str, Any]

IBKR: Final = SHARED / "ibkr"
FILES: Final = sorted(IBKR.glob("*.xml")) if IBKR.is_dir() else []

AS_OF: Final = datetime(2026, 1, 1, 5, tzinfo=UTC)
_KINDS: Final[Mapping[tuple[str, str], str]] = {
    ("Trade", ""): "trade",
    ("Trade", "EXECUTION"): "trade",
    ("TradeConfirm", "EXECUTION"): "trade_confirm",
    ("OptionEAE", ""): "option_event",
    ("CashTransaction", ""): "cash_transaction",
    ("CashTransaction", "DETAIL"): "cash_transaction",
    ("CorporateAction", ""): "corporate_action",
    ("CorporateAction", "DETAIL"): "corporate_action",
    ("OpenPosition", "SUMMARY"): "open_position",
    ("CashReportCurrency", ""): "cash_report",
    ("CashReportCurrency", "Currency"): "cash_report",
    ("CashReportCurrency", "BaseCurrency"): "cash_report",
    ("ConversionRate", ""): "conversion_rate",
    ("SecurityInfo", ""): "security_info",
    ("AccountInformation", ""): "account_information",
    ("FlexStatement", ""): "statement",
}


def elements(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield account and attributes of every row that is read, with its element as `_element`."""
    response = ET.parse(path).getroot()
    for statement in response.iter("FlexStatement"):
        account = statement.attrib["accountId"]
        sections = ";".join(["", *(section.tag for section in statement), ""])
        named = {name: response.attrib[name] for name in ("queryName", "type")}
        yield (
            account,
            {"_element": "FlexStatement", **statement.attrib, **named} | {"sections": sections},
        )
        for section in statement:
            for row in [section] if section.attrib else section:
                own = row.attrib.get("accountId", account)
                yield own, {"_element": row.tag, **row.attrib}


def events(path: Path) -> list[NewEvent]:
    """Return the rows of a real file as an importer would append them."""
    found = []
    for account, attributes in elements(path):
        element = attributes.pop("_element")
        name = _KINDS.get((element, attributes.get("levelOfDetail", "")))
        if name is not None:
            found.append(row(f"ibkr.flex.{name}", account=account, **attributes))
    return found


def row(kind: str, *, account: str = "U1", **attributes: str) -> NewEvent:
    """Return one row as an event."""
    return event(
        kind,
        json.dumps(attributes),
        owner=Owner(account, mode_of(account)),
        as_of=AS_OF if kinds.BY_NAME[kind].snapshot else None,
    )


class Readings:
    """What readers made of events: a temporary table for each fact, and the shapes chosen."""

    def __init__(self, told: Iterable[NewEvent]) -> None:
        """Read all of them as one chunk."""
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        for name in sql.names("macros"):
            self.connection.execute(sql.text("macros", name))
        for fact in facts.FACTS:
            self.connection.execute(reading.create_rendition_table(fact))
        listed = list(told)
        self.connection.register("events", _table(listed))
        self.connection.execute(sql.text("census", "chunk"))
        self.census = Census(self.connection)
        self.census.take()
        for name in sorted({one.kind for one in listed}):
            if kinds.BY_NAME[name].fact is not None:
                self.connection.execute(reading.read(kinds.BY_NAME[name]))

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.connection.close()

    def rows(self, table: str) -> list[Row]:
        """Return the renditions of a fact in the order of the log."""
        query = f"SELECT * FROM rendition_{table} ORDER BY position"
        found: list[Row] = self.connection.sql(query).to_arrow_table().to_pylist()
        return found

    def one(self, table: str) -> Row:
        """Return the only rendition."""
        (only,) = self.rows(table)
        return only

    def statuses(self) -> set[str]:
        """Return how the shapes were understood."""
        return {choice.status for choice in self.census.choices.values()}


def _table(listed: list[NewEvent]) -> pa.Table:
    return pa.table(
        {
            "position": pa.array(range(1, len(listed) + 1), pa.int64()),
            "key": pa.array([one.key for one in listed], pa.string()),
            "revision": pa.array([1] * len(listed), pa.int64()),
            "kind": pa.array([one.kind for one in listed], pa.string()),
            "state": pa.array([one.state for one in listed], pa.binary()),
        }
    )
