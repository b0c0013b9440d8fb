"""The lower half of `explain`: from rows of published tables down to the recorded bytes."""

from collections.abc import Iterable, Sequence
from typing import Final

from domain.errors import LogCorruptError
from domain.event import StoredEvent, header, payload_bytes
from replay.explain.nodes import Node, exact_sum, value_text
from replay.explain.sources import OWNER, Row, Sources, owner_is

_DIGEST_SHOWN: Final = 16


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
        *_more_revisions(len(others) - sources.limit),
    ]
    envelope = header(event.state)
    shapes = _shapes(sources, event.kind, envelope.get("shape"))
    told = _event_facts(sources, event, len(revisions), envelope, shapes)
    query = shapes[0].query if shapes else ""
    return Node(title, "event", told, tuple(children), query)


def _more_revisions(rest: int) -> list[Node]:
    return [Node(f"{rest} more revisions", "revision")] if rest > 0 else []


def _event_facts(
    sources: Sources,
    event: StoredEvent,
    revisions: int,
    envelope: dict[str, object],
    shapes: list[Row],
) -> tuple[tuple[str, str], ...]:
    told = [
        ("position", str(event.position)),
        ("kind", event.kind),
        ("key", event.key),
        ("revision", f"{event.revision} of {revisions}"),
        ("shape", str(envelope.get("shape"))),
        ("reader", _reader(shapes)),
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


def _shapes(sources: Sources, kind: str, shape: object) -> list[Row]:
    return sources.find("drift", {"kind": kind, "shape": str(shape)})


def _reader(shapes: list[Row]) -> str:
    if not shapes:
        return "none: the projection has not seen this shape"
    (row,) = shapes
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


def fetch_events(sources: Sources, positions: Sequence[int]) -> None:
    """Read at once what `event_node` will ask of some events."""
    sources.fetch(["unreadable"], "position", positions)
    for way in ("new", "old"):
        sources.fetch(["restatement"], f"{way}_position", positions)


def _verdicts(sources: Sources, position: int) -> list[Node]:
    """Say what the readers could not read of an event, and what it restated."""
    refused = sources.find("unreadable", {"position": position}, "ALL")
    names = ("reason", "column_name", "offending", "reader")
    nodes = [
        Node(
            f"unreadable: {row['reason']}",
            "unreadable",
            facts_of(row, names),
            query=row.query,
        )
        for row in refused
    ]
    for way in ("new", "old"):
        restated = sources.find(
            "restatement", {f"{way}_position": position}, "new_position, fact, fact_id"
        )
        nodes += [restatement_fact(row, way) for row in restated[: sources.limit]]
        nodes += more_rows(sources, restated, "restatements")
    return nodes


def restatement_fact(row: Row, way: str) -> Node:
    """Return what a rendering changed, as seen from the new one or from the old one."""
    said = "restates" if way == "new" else "was restated:"
    title = f"{said} {row['fact']} {row['fact_id']}"
    return Node(title, "restatement", facts_of(row, row), query=row.query)


# --- rows ----------------------------------------------------------------------------------------


def cash_facts(sources: Sources, cause: Row, reference: str) -> list[tuple[str, str]]:
    """Return what a fill or a movement did to cash, and the sum of it in each currency."""
    where = {"position": cause["position"], **owner_is(cause), "reference": reference}
    by_currency: dict[str, dict[str, list[Row]]] = {}
    for row in sources.find("cash_ledger", where):
        by_currency.setdefault(row["currency"], {}).setdefault(row["cause"], []).append(row)
    told = []
    for currency, by_cause in sorted(by_currency.items()):
        unit = f" {currency}" if len(by_currency) > 1 else ""
        sums = {
            name: exact_sum(row["amount"] for row in rows)
            for name, rows in sorted(by_cause.items())
        }
        told += [(f"cash {name}", value_text(amount) + unit) for name, amount in sums.items()]
        if len(sums) > 1:
            told.append(("cash in all", value_text(exact_sum(sums.values())) + unit))
    return told


def instrument_name(sources: Sources, row: Row) -> str:
    """Return what to call the instrument of a row: its symbol, where its id says nothing."""
    if row["venue"] != "ibkr":
        return str(row["instrument_id"])
    where = {"instrument_id": row["instrument_id"], "venue": row["venue"]}
    found = sources.find("instrument", where)
    return str(found[0]["symbol"] if found else row["instrument_id"])


def more_rows(
    sources: Sources, rows: Sequence[Row], things: str, told: tuple[tuple[str, str], ...] = ()
) -> list[Node]:
    """Return a node for the rows of one SELECT that the limit cuts off, if it cuts any off."""
    rest = len(rows) - sources.limit
    if rest <= 0:
        return []
    query = f"{rows[0].query} OFFSET {sources.limit}"
    return [Node(f"{rest} more {things}", "more", told, query=query)]
