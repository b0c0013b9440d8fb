"""The lower half of `explain`: from rows of published tables down to the recorded bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import duckdb

from domain.errors import LogCorruptError
from domain.event import StoredEvent, header, payload_bytes
from replay.nodes import Node, exact_sum, value_text
from replay.ports import EventLog

Row: TypeAlias = dict[str, Any]

_DIGEST_SHOWN: Final = 16
OWNER: Final = ("venue", "account", "mode")


@dataclass(frozen=True, slots=True)
class Sources:
    """What an explanation draws from. `shown` are the events whose bytes the tree holds already."""

    connection: duckdb.DuckDBPyConnection
    log: EventLog
    limit: int
    watermark: int
    shown: set[int] = field(default_factory=set)

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a query as dicts."""
        result = self.connection.execute(query, list(parameters))
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def facts_of(row: Row, names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return columns of a row as the facts of a node, those that say nothing left out."""
    return tuple((name, value_text(row[name])) for name in names if row[name] is not None)


def owner_of(row: Row) -> str:
    """Return whose row it is: venue/account/mode."""
    return "/".join(str(row[name]) for name in OWNER)


# --- events --------------------------------------------------------------------------------------


def event_node(sources: Sources, position: int) -> Node:
    """Explain an event of the log: where it came from, its revisions, its seal, its bytes."""
    event = sources.log.event(position)
    if event is None:
        message = f"the log has no position {position}, which the projection names: run `verify`"
        raise LogCorruptError(message)
    title = f"log position {position}: {event.kind}"
    if position in sources.shown:
        return Node(f"{title}, shown above", "event")
    sources.shown.add(position)
    revisions = sources.log.revisions(event.key)
    others = [other for other in revisions if other.position != position]
    children = [
        _payload_node(event),
        *_verdicts(sources, position),
        *(_revision_node(other) for other in others[: sources.limit]),
    ]
    if len(others) > sources.limit:
        children.append(Node(f"{len(others) - sources.limit} more revisions", "more"))
    return Node(title, "event", _event_facts(sources, event, len(revisions)), tuple(children))


def _event_facts(
    sources: Sources, event: StoredEvent, revisions: int
) -> tuple[tuple[str, str], ...]:
    envelope = header(event.state)
    told = [
        ("position", str(event.position)),
        ("kind", event.kind),
        ("key", event.key),
        ("revision", f"{event.revision} of {revisions}"),
        ("shape", str(envelope.get("shape"))),
        ("reader", _reader(sources, event.kind, envelope.get("shape"))),
        *_envelope_facts(envelope),
    ]
    seal = sources.log.seal_of(event.position)
    if seal is not None:
        digest = seal.digest.hex()[:_DIGEST_SHOWN]
        told.append(("seal", f"over positions {seal.first} to {seal.last}, digest {digest}…"))
    if event.position > sources.watermark:
        message = f"not yet: the projection covers positions 1 to {sources.watermark}"
        told.append(("projected", message))
    return tuple(told)


def _envelope_facts(envelope: dict[str, object]) -> list[tuple[str, str]]:
    told = [("received_at", str(envelope.get("received_at")))]
    if "as_of" in envelope:
        told.append(("as_of", str(envelope["as_of"])))
    asked = envelope.get("asked")
    if isinstance(asked, dict):
        told += [(f"asked {name}", str(value)) for name, value in asked.items()]
    source = envelope.get("source")
    if isinstance(source, dict):
        told += [(f"source {name}", str(value)) for name, value in source.items()]
    return told


def _reader(sources: Sources, kind: str, shape: object) -> str:
    found = sources.rows(
        "SELECT reader, status, reason FROM drift WHERE kind = ? AND shape = ?", [kind, str(shape)]
    )
    if not found:
        return "none: the projection has not seen this shape"
    (row,) = found
    if row["reader"] is None:
        return f"none ({row['status']}{': ' + row['reason'] if row['reason'] else ''})"
    return f"{row['reader']} ({row['status']})"


def _payload_node(event: StoredEvent) -> Node:
    payload = payload_bytes(event.state)
    text = payload.decode("utf-8", "backslashreplace")
    return Node("payload", "payload", (("bytes", str(len(payload))), ("text", text)))


def _revision_node(event: StoredEvent) -> Node:
    title = f"revision {event.revision}: log position {event.position}"
    told = tuple(_envelope_facts(header(event.state)))
    return Node(title, "revision", told, (_payload_node(event),))


def _verdicts(sources: Sources, position: int) -> list[Node]:
    """Say what the readers could not read of an event, and what it restated."""
    refused = sources.rows(
        "SELECT reason, column_name, offending, reader FROM unreadable WHERE position = ?"
        " ORDER BY ALL",
        [position],
    )
    restated = sources.rows(
        "SELECT * FROM restatement WHERE new_position = ? OR old_position = ?"
        " ORDER BY new_position, fact, fact_id LIMIT ?",
        [position, position, sources.limit],
    )
    nodes = [
        Node(f"unreadable: {row['reason']}", "unreadable", facts_of(row, row)) for row in refused
    ]
    for row in restated:
        way = "restates" if row["new_position"] == position else "was restated:"
        nodes.append(
            Node(f"{way} {row['fact']} {row['fact_id']}", "restatement", facts_of(row, row))
        )
    return nodes


# --- rows ----------------------------------------------------------------------------------------


def cash_facts(sources: Sources, owner: Row, reference: str) -> list[tuple[str, str]]:
    """Return what a fill or a movement did to cash, and the sum of it in each currency."""
    entries = sources.rows(
        "SELECT cause, currency, sum(amount) AS amount FROM cash_ledger"
        " WHERE (venue, account, mode, reference) = (?, ?, ?, ?)"
        " GROUP BY cause, currency ORDER BY cause, currency",
        [owner["venue"], owner["account"], owner["mode"], reference],
    )
    by_currency: dict[str, list[Row]] = {}
    for entry in entries:
        by_currency.setdefault(entry["currency"], []).append(entry)
    told = []
    for currency, own in by_currency.items():
        unit = f" {currency}" if len(by_currency) > 1 else ""
        told += [(f"cash {row['cause']}", value_text(row["amount"]) + unit) for row in own]
        if len(own) > 1:
            in_all = exact_sum(row["amount"] for row in own)
            told.append(("cash in all", value_text(in_all) + unit))
    return told


def instrument_name(sources: Sources, row: Row) -> str:
    """Return what to call the instrument of a row: its symbol, where its id says nothing."""
    if row["venue"] != "ibkr":
        return str(row["instrument_id"])
    found = sources.rows(
        "SELECT symbol FROM instrument WHERE (venue, instrument_id) = (?, ?)",
        [row["venue"], row["instrument_id"]],
    )
    return str(found[0]["symbol"] if found else row["instrument_id"])


def more_node(rest: int, things: str, told: tuple[tuple[str, str], ...] = ()) -> list[Node]:
    """Return a node for what a limit cuts off, if it cuts anything off."""
    return [Node(f"{rest} more {things}", "more", told)] if rest > 0 else []
