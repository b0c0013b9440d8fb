"""The lower half of `explain`: from rows of published tables down to the recorded bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import duckdb

from domain import facts
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


# --- facts ---------------------------------------------------------------------------------------

_FILL: Final = (
    "fill_id", "order_id", "client_order_id", "subaccount", "instrument_id", "side",
    "outcome_side", "quantity", "price", "fee", "fee_state", "currency", "executed_at",
    "liquidity", "position",
)  # fmt: skip


_WHOSE: Final = {
    "fill": "its own",
    "message": "its live message's",
    "order": "its order's",
    "none": "no",
}


def fill_facts(sources: Sources, row: Row) -> tuple[tuple[str, str], ...]:
    """Return what is known of a fill, its strategy and its cash among it."""
    told = list(facts_of(row, _FILL))
    for found in attribution_of(sources, row):
        rule = "no rule matches" if found["rule"] is None else f"by rule {found['rule']!r}"
        whose = _WHOSE[found["evidence"]]
        told.append(("strategy", f"{found['strategy']} ({rule}, {whose} client_order_id)"))
    told += cash_facts(sources, row, row["fill_id"])
    return tuple(told)


def attribution_of(sources: Sources, fill: Row) -> list[Row]:
    """Return the attribution of a fill."""
    return sources.rows(
        "SELECT * FROM attribution WHERE (venue, account, mode, fill_id) = (?, ?, ?, ?)",
        [fill["venue"], fill["account"], fill["mode"], fill["fill_id"]],
    )


def fill_title(row: Row) -> str:
    """Return a fill in one line."""
    quantity, price = value_text(row["quantity"]), value_text(row["price"])
    return f"fill {row['fill_id']}: {row['side']} {quantity} {row['instrument_id']} at {price}"


def fill_evidence(sources: Sources, position: int, role: str) -> Node:
    """Explain the fill that was read from a position, down to its bytes."""
    (row,) = sources.rows("SELECT * FROM fill WHERE position = ?", [position])
    children = (event_node(sources, position), *attribution_events(sources, row))
    return Node(f"{role} {fill_title(row)}", "fill", fill_facts(sources, row), children)


def attribution_events(sources: Sources, fill: Row) -> list[Node]:
    """Explain the events, other than the fill's own, that its attribution rests on."""
    return [
        event_node(sources, found["evidence_position"])
        for found in attribution_of(sources, fill)
        if found["evidence_position"] not in (None, fill["position"])
    ]


def settlement_evidence(sources: Sources, position: int) -> Node:
    """Explain the settlement that was read from a position, down to its bytes."""
    (row,) = sources.rows("SELECT * FROM settlement WHERE position = ?", [position])
    told = facts_of(row, (name for name in row if name not in OWNER))
    title = f"settlement of {row['instrument_id']}: {row['result']}"
    return Node(title, "settlement", told, (event_node(sources, position),))


def cash_facts(sources: Sources, owner: Row, reference: str) -> list[tuple[str, str]]:
    """Return what a fill or a movement did to cash, and the sum of it."""
    entries = sources.rows(
        "SELECT cause, sum(amount) AS amount FROM cash_ledger"
        " WHERE (venue, account, mode, reference) = (?, ?, ?, ?) GROUP BY cause ORDER BY cause",
        [owner["venue"], owner["account"], owner["mode"], reference],
    )
    told = [(f"cash {entry['cause']}", value_text(entry["amount"])) for entry in entries]
    if len(entries) > 1:
        told.append(("cash in all", value_text(exact_sum(entry["amount"] for entry in entries))))
    return told


def fact_nodes(sources: Sources, positions: Sequence[int]) -> list[Node]:
    """Return the facts that were read from any of the positions."""
    nodes = []
    for fact in facts.FACTS:
        found = sources.rows(
            f"SELECT * FROM {fact.table} WHERE position IN (SELECT unnest(?)) ORDER BY position",
            [list(positions)],
        )
        for row in found:
            if fact is facts.Fill:
                nodes.append(Node(fill_title(row), "fill", fill_facts(sources, row)))
            else:
                nodes.append(Node(fact.table, "fact", facts_of(row, row)))
    return nodes
