"""A book in a few lines: events in, a rebuilt projection out, rows as dicts.

A ledger is text, one movement a line, everything made:

    A 10:00 yes 10 @ 0.62 fee 0.17 as bot-1     ten YES of market A at 0.62 each
    A 11:00 no 4 @ 0.35                          four NO at 0.35 each, fee not stated
    A 12:00 settles scalar 45 fee 0.17           what the broker says follows from the lines

Words behind a fill: `fee 0.17`, `as CLIENT`, `sub 2`, `id FILL`, `order ORDER`, `gen 3a`. Behind a
settlement: `gen 5`, and what the broker says instead of the truth: `revenue 0.00`, `fee 0.17`,
`fee -` (none), `yes 3`, `no 3` (counts). Prices are of the side acquired; `06-02T10:00` is a day
other than 06-01. Fills are called f1, f2, … in the order of their lines.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

import duckdb

from adapters.log.sqlite import SQLiteLog
from domain import jsontext, kinds, shapes
from domain.event import EVERYTHING, Asked, NewEvent, Origin, Owner, make_event, time_text
from domain.recorded import RECORDED
from domain.rules import Rules
from replay.database import Resources, open_for_reading
from replay.plan import CHUNK_EVENTS, AsOf, Plan
from replay.ports import EventLog
from replay.rebuild import Rebuilt, rebuild
from tools.fake_kalshi.payloads import fill_json, settlement_json
from tools.fake_kalshi.truths import Ending, Execution

Row = dict[str, Any]

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
MAIN: Final = Owner("main", "live")
SOURCE: Final = {"adapter": "tests/1", "document": "made"}
FILL: Final = "kalshi.fill"
SETTLEMENT: Final = "kalshi.settlement"


def event(
    kind: str,
    payload: str,
    *,
    owner: Owner = MAIN,
    received_at: datetime = NOW,
    as_of: datetime | None = None,
    asked: Asked = EVERYTHING,
    nth: int = 1,
    shape: str | None = None,
    venue: str | None = None,
) -> NewEvent:
    """Wrap a payload as an importer would; what a bot recorded is of Kalshi unless told."""
    parsed = jsontext.parse(payload)
    known = kinds.BY_NAME.get(kind, kinds.Kind(kind, (), None))
    identity = kinds.identity_of(
        known, parsed, as_of_text=time_text(as_of) if as_of else None, asked=asked, nth=nth
    )
    told_by_bot = known.fact in RECORDED
    venue = venue or ("kalshi" if told_by_bot else known.venue)
    origin = Origin(owner, venue, received_at, SOURCE)
    own = shape or shapes.shape_of(parsed)
    return make_event(origin, kind, identity, own, payload, as_of=as_of, asked=asked)


@dataclass(slots=True)
class Built:
    """A projection file, open for queries."""

    rebuilt: Rebuilt
    path: Path
    connection: duckdb.DuckDBPyConnection

    def rows(self, query: str, columns: Sequence[str] | None = None) -> list[Row]:
        """Return the rows of a query, or of a table, as dicts in the order of their text."""
        if " " not in query:
            query = f"SELECT * FROM {query}"
        found: list[Row] = self.connection.sql(query).to_arrow_table().to_pylist()
        if columns is not None:
            found = [{name: row[name] for name in columns} for row in found]
        return sorted(found, key=lambda row: [str(value) for value in row.values()])

    def one(self, query: str) -> Row:
        """Return the only row."""
        (row,) = self.rows(query)
        return row

    def value(self, query: str) -> Any:  # noqa: ANN401 - whatever the query gives
        """Return the only value of the only row."""
        (value,) = self.one(query).values()
        return value

    def content(self) -> dict[str, str]:
        """Return the content fingerprint of every table."""
        query = "SELECT table_name, content_fingerprint FROM table_fingerprint ORDER BY 1"
        return dict(self.connection.execute(query).fetchall())

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


@dataclass(slots=True)
class BookMaker:
    """Makes books in a folder, each in files of its own, and closes them in the end."""

    folder: Path
    opened: list[Built] = field(default_factory=list)
    made: int = 0

    def log(self, *pages: Iterable[NewEvent]) -> SQLiteLog:
        """Return a log with the pages appended one after the other."""
        self.made += 1
        log = SQLiteLog.open(self.folder / f"log{self.made}.db", create=True)
        for page in pages:
            log.append(list(page))
        return log

    def build(
        self,
        *pages: Iterable[NewEvent],
        strategies: Mapping[str, str] | None = None,
        rules: Rules | None = None,
        threads: int = 0,
        chunk_events: int = CHUNK_EVENTS,
        until: int | None = None,
        received: datetime | None = None,
        happened: datetime | None = None,
    ) -> Built:
        """Append the pages to a new log and rebuild."""
        plan = Plan(
            built_at=NOW,
            rules=rules or Rules.of_prefixes(strategies or {}),
            resources=Resources(threads=threads),
            as_of=AsOf(until, received, happened),
            chunk_events=chunk_events,
        )
        with self.log(*pages) as log:
            return self.project(log, plan)

    def project(self, log: EventLog, plan: Plan) -> Built:
        """Rebuild the log that was made last."""
        target = self.folder / f"book{self.made}.duckdb"
        rebuilt = rebuild(log, target, plan)
        built = Built(rebuilt, target, open_for_reading(target))
        self.opened.append(built)
        return built

    def ledger(self, text: str, **options: Any) -> Built:  # noqa: ANN401 - those of build
        """Build the book of a ledger in text."""
        return self.build(ledger(text), **options)

    def close(self) -> None:
        """Close all that was opened."""
        for built in self.opened:
            built.close()


def ledger(text: str) -> list[NewEvent]:
    """Return the events of a ledger in text."""
    executions: list[Execution] = []
    events: list[NewEvent] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        ticker, moment, *words = line.split()
        if words[0] == "settles":
            made = [row for row in executions if row.at <= _moment(moment)]
            events.append(event(SETTLEMENT, _settlement(ticker, moment, words[1:], made)))
            continue
        execution, payload = _fill(ticker, moment, words, len(executions) + 1)
        executions.append(execution)
        events.append(event(FILL, payload))
    return events


def _moment(text: str) -> datetime:
    day, _, time = text.rpartition("T")
    return datetime.fromisoformat(f"2026-{day or '06-01'}T{time}+00:00")


def _fill(ticker: str, moment: str, words: list[str], number: int) -> tuple[Execution, str]:
    side, quantity, at, price, *rest = words
    assert side in ("yes", "no"), side
    assert at == "@", at
    said = dict(zip(rest[::2], rest[1::2], strict=True))
    assert said.keys() <= {"fee", "as", "sub", "id", "order", "gen"}, said
    own = Decimal(price)
    execution = Execution(
        fill_id=said.get("id", f"f{number}"),
        order_id=said.get("order", f"order-{number}"),
        client_order_id=said.get("as"),
        ticker=ticker,
        acquired="yes" if side == "yes" else "no",
        action="buy",
        quantity=Decimal(quantity),
        yes_price=own if side == "yes" else 1 - own,
        taker=True,
        fee=Decimal(said.get("fee", "0")),
        at=_moment(moment),
        subaccount=int(said.get("sub", "0")),
    )
    payload = json.loads(fill_json(execution, said.get("gen", "5")), parse_float=Decimal)
    if "fee" not in said and "gen" not in said:
        payload = json.loads(fill_json(execution, "2-early"), parse_float=Decimal)
        payload.pop("price")
    if "as" in said:
        payload["client_order_id"] = said["as"]
    return execution, json.dumps(payload, default=str)


def _settlement(ticker: str, moment: str, words: list[str], made: list[Execution]) -> str:
    result, *rest = words
    value = int(rest.pop(0)) if result == "scalar" else None
    said = dict(zip(rest[::2], rest[1::2], strict=True))
    assert said.keys() <= {"revenue", "fee", "yes", "no", "gen"}, said
    ending = Ending(ticker, result, value, _moment(moment))  # type: ignore[arg-type]
    payload = json.loads(settlement_json(ending, made, said.get("gen", "5")))
    if "revenue" in said:
        payload["revenue"] = int(100 * Decimal(said["revenue"]))
    if said.get("fee") == "-":
        payload = json.loads(settlement_json(ending, made, "0"))
    elif "fee" in said:
        payload["fee_cost"] = said["fee"]
    for side in ("yes", "no"):
        if side in said:
            payload[f"{side}_count_fp"] = said[side]
    return json.dumps(payload)


def dec(text: str) -> Decimal:
    """Say a number shortly."""
    return Decimal(text)
