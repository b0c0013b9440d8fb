"""Real rows as events: CSV dumps of API rows, recorded pages, and the site's exports."""

import csv
import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from domain import kinds
from domain.event import NewEvent
from tests.books import FILL, NOW, SETTLEMENT, event
from tests.shared_data import SHARED
from tools.fake_kalshi.payloads import Ending, Execution, fill_json, settlement_json

PAYLOADS: Final = SHARED / "kalshi" / "payloads"
EXPORTS: Final = SHARED / "kalshi" / "exports"
GEN1: Final = PAYLOADS / "gen1_2026-01"
GEN4: Final = PAYLOADS / "gen4_2026-03_to_2026-07"
GEN5: Final = PAYLOADS / "gen5_2026-09"
ACTIVITY: Final = EXPORTS / "weather_may2026_Kalshi-Recent-Activity-All.csv"
TRANSACTIONS: Final = EXPORTS / "weather_may2026_Kalshi-Transactions-2026.csv"


def table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def dumped(path: Path, kind: str) -> list[NewEvent]:
    """Return the API rows of a flat dump; an empty cell was a missing key."""
    types = kinds.column_types(kinds.BY_NAME[kind])
    return [
        event(kind, _object({key: (cell, types.get(key, "string")) for key, cell in row.items()}))
        for row in table(path)
    ]


def _object(cells: dict[str, tuple[str, str]]) -> str:
    members = [f"{json.dumps(key)}:{_cell(*cell)}" for key, cell in cells.items() if cell[0]]
    return "{" + ",".join(members) + "}"


def _cell(text: str, kind: str) -> str:
    if kind in ("integer", "number"):
        return text
    return text.lower() if kind == "boolean" else json.dumps(text)


def recorded(path: Path) -> list[NewEvent]:
    """Return the rows of a recorded page."""
    page: dict[str, Any] = json.loads(path.read_text())
    found: list[NewEvent] = []
    for container, rows in page.items():
        kind = kinds.BY_CONTAINER.get(container) or kinds.BY_SINGLE.get(container)
        if kind is None:
            continue
        for row in rows if isinstance(rows, list) else [rows]:
            as_of = NOW if kind.snapshot else None
            found.append(event(kind.name, json.dumps(row), as_of=as_of))
    return found


def traded() -> Iterator[Execution]:
    """Yield the trades of the activity export in the markets of the tax export, as made fills.

    The export has no ids. Trades of the same moment keep the order in which it lists them.
    """
    wanted = {row["market_ticker"] for row in table(TRANSACTIONS)}
    for number, row in enumerate(table(ACTIVITY)):
        if row["type"] == "Trade" and row["Market_Ticker"] in wanted:
            yield Execution(
                fill_id=f"made-{number:04d}",
                order_id="made",
                client_order_id=None,
                ticker=row["Market_Ticker"],
                acquired="yes" if row["Direction"] == "Yes" else "no",
                action="buy",
                quantity=Decimal(row["Amount_In_Dollars"]),
                yes_price=Decimal(row["Price_In_Cents"]) / 100,
                taker=row["Order_Type"] == "Taker",
                fee=Decimal(row["Fee_In_Dollars"]),
                at=datetime.fromisoformat(row["Original_Date"]),
            )


def weather_events() -> list[NewEvent]:
    """Return the activity export's fills and settlements of the tax export's markets."""
    executions = list(traded())
    tickers = {row.ticker for row in executions}
    events = [event(FILL, fill_json(row, "4")) for row in executions]
    for row in table(ACTIVITY):
        if row["type"] == "Settlement" and row["Market_Ticker"] in tickers:
            moment = datetime.fromisoformat(row["Original_Date"])
            ending = Ending(row["Market_Ticker"], row["Result"], None, moment)  # type: ignore[arg-type]
            events.append(event(SETTLEMENT, settlement_json(ending, executions, "3b")))
    return events


def cash_out() -> list[NewEvent]:
    """Return the fills and the settlement of a position that was sold before the end.

    The source left ids, taker and a side out; what is added here is made.
    """
    page = json.loads((GEN5 / "fills_settlement_cashout_2026-08-31.json").read_text())
    events: list[NewEvent] = []
    for number, row in enumerate(page["fills"]):
        made = {"fill_id": f"made-{number}", "order_id": "made", "is_taker": True}
        events.append(event(FILL, json.dumps(row | made)))
    events += [event(SETTLEMENT, json.dumps(row)) for row in page["settlements"]]
    return events
