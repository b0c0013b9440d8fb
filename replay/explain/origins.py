"""What opened a lot and what closed it: a fill, a settlement, or what only IBKR knows of.

A lot names both by id and log position. Its opening may also be what was there before the ledger's
first row, a transfer, or the row of a corporate action.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from replay.explain.evidence import event_node, facts_of, instrument_name
from replay.explain.executions import fill_evidence, fill_title
from replay.explain.nodes import Node, value_text
from replay.explain.sources import OWN, OWNER, Row, Sources, owner_is, owner_values

_EVIDENCE: Final = {
    "statement": "a statement of open positions says so",
    "closing": "a fill that the broker calls closing closes more than all rows before it leave",
}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a lot. `price` and `multiplier` are its own, empty where nobody told them."""

    kind: str
    row: Row
    price: Decimal | None = None
    multiplier: Decimal | None = None


def opening_of(sources: Sources, lot: Row) -> Side:
    """Find what opened a lot."""
    return _side(sources, lot, lot["open_fill_id"], lot["open_position"])


def closing_of(sources: Sources, lot: Row) -> Side:
    """Find what closed a lot."""
    return _side(sources, lot, lot["close_id"], lot["close_position"])


def _side(sources: Sources, lot: Row, own_id: str, position: int) -> Side:
    at = {"position": position, **owner_is(lot)}
    for table, name in (("fill", "fill_id"), ("settlement", "instrument_id")):
        for row in sources.find(table, {**at, name: own_id}):
            return Side(table, row, row.get("price"), row.get("multiplier"))
    for row in sources.find("transfer", {**at, "transfer_id": own_id}):
        return Side("transfer", row, row["price"], row["multiplier"] or Decimal(1))
    for row in sources.find("corporate_action", {**at, "row_id": own_id}):
        return Side("action", row)
    for row in sources.find("opening", at):
        if own_id == f"opening-{row['instrument_id']}":
            return Side("opening", row)
    message = f"nothing at log position {position} is called {own_id}"
    raise AssertionError(message)


def side_node(sources: Sources, side: Side, role: str) -> Node:
    """Explain one side of a lot, down to its bytes."""
    row = side.row
    if side.kind == "fill":
        return fill_evidence(sources, row, role)
    told = facts_of(row, (name for name in row if name not in OWNER))
    if side.kind == "opening":
        told = (("evidence", _EVIDENCE[row["evidence"]]), *facts_of(row, ("quantity", "before")))
    return Node(
        f"{role} {_title(sources, side)}" if side.kind != "settlement" else _title(sources, side),
        side.kind,
        told,
        (event_node(sources, row["position"]),),
        row.query,
    )


def _title(sources: Sources, side: Side) -> str:
    row = side.row
    name = instrument_name(sources, row)
    if side.kind == "fill":
        return fill_title(sources, row)
    if side.kind == "settlement":
        return f"settlement of {row['instrument_id']}: {row['result']}"
    if side.kind == "opening":
        held = value_text(row["quantity"])
        return f"nothing in the ledger: {held} {name} were there before its first row"
    if side.kind == "action":
        return action_title(sources, row)
    return f"transfer {row['transfer_id']}: {value_text(row['quantity'])} {name} {row['direction']}"


def action_title(sources: Sources, row: Row) -> str:
    """Return a row of a corporate action in one line."""
    signed = value_text(row["quantity"])
    signed = signed if signed.startswith("-") else f"+{signed}"
    sort = f", {row['action_type']}" if row["action_type"] else ""
    name = instrument_name(sources, row)
    return f"corporate action row {row['row_id']}: {signed} {name}{sort}"


def missing_because(sources: Sources, lot: Row, opening: Side, closing: Side | None) -> str:
    """Say why a lot has no P&L."""
    own = [*owner_values(lot), lot["open_fill_id"], lot.get("close_id")]
    if opening.kind == "opening":
        before = value_text(opening.row["before"])
        return f"opened before the ledger's first row ({before}); nobody has told what it cost"
    if opening.price is None:
        return f"nobody has told what it cost when it came by {_title(sources, opening)}"
    options = sources.rows(
        f"SELECT fill_id FROM carried_premium WHERE {OWN} AND into_fill_id IN (?, ?)"
        " AND premium IS NULL",
        own,
    )
    if options:
        which = ", ".join(str(row["fill_id"]) for row in options)
        return f"the premium of the option that {which} ended is not known, its opening is missing"
    if closing is not None and closing.row["currency"] != lot["currency"]:
        return f"opened in {lot['currency']}, closed in {closing.row['currency']}"
    if closing is not None and closing.kind == "action":
        return f"nobody has told what it was worth to {_title(sources, closing)}"
    return "nobody has told at what price it was closed"
