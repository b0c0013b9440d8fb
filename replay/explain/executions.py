"""Executions in `explain`: what is known of a fill, and everybody who told of it.

Interactive Brokers tells of one execution up to four times: on its socket, in a commission report
behind it, in a confirmation and in an activity statement. All of them are shown, the one that has
the last word first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from domain import facts
from domain.event import Owner, escape, make_key
from domain.ibkr.messages import COMMISSION_REPORT, EXECUTION
from domain.ibkr.trades import TRADE, TRADE_CONFIRM
from replay.explain.evidence import cash_facts, event_node, facts_of, instrument_name
from replay.explain.nodes import Node, value_text
from replay.explain.sources import Row, Sources, owner_is

_FILL: Final = (
    "fill_id", "order_id", "client_order_id", "subaccount", "instrument_id", "side",
    "outcome_side", "quantity", "price", "fee", "fee_state", "currency", "executed_at",
    "liquidity", "position",
)  # fmt: skip
_IBKR: Final = (
    "symbol", "asset_class", "multiplier", "booking", "open_close", "told_by",
    "statement_order_id", "broker_trade_id", "cancels_trade_id", "fee_currency", "proceeds",
    "net_cash", "report_date",
)  # fmt: skip
_WHOSE: Final = {
    "fill": "its own client_order_id",
    "order": "its order's client_order_id",
    "posted_order": "the order as the bot recorded it",
    "message": "its live message's client_order_id",
    "decision": "a decision near to it",
    "exit": "the entry that it leaves",
    "claim": "an operator's claim",
    "none": "no client_order_id",
}
_PLAIN: Final = ("execution", "booked")
_TELLERS: Final = {
    TRADE: "the activity statement",
    TRADE_CONFIRM: "the trade confirmation",
    EXECUTION: "the socket",
    COMMISSION_REPORT: "the commission report",
}
_ASIDE: Final = {
    "combination": "its legs have executions of their own, which count",
    "replaced": "a correction took its place before any statement told of either",
}


def fill_facts(sources: Sources, row: Row) -> tuple[tuple[str, str], ...]:
    """Return what is known of a fill, its strategy and its cash among it."""
    told = list(facts_of(row, _FILL))
    if row["venue"] == "ibkr":
        told += facts_of(row, _IBKR)
    for found in attribution_of(sources, row):
        rule = found["rule"].replace("_", " ")
        rule += "" if found["prefix"] is None else f" {found['prefix']!r}"
        told.append(("strategy", f"{found['strategy']} ({rule}, {_WHOSE[found['evidence']]})"))
        if found["decision_id"] is not None:
            told.append(("decision", found["decision_id"]))
    told += cash_facts(sources, row, row["fill_id"])
    told += _realized(sources, row)
    return tuple(told)


def _realized(sources: Sources, row: Row) -> list[tuple[str, str]]:
    """Return the broker's own P&L of a fill beside the ledger's."""
    found = sources.find("realized_comparison", fill_is(row))
    told = []
    for one in found:
        lots = "unknown" if one["computed"] is None else value_text(one["computed"])
        text = f"{value_text(one['stated'])} as the broker states it, {lots} by its lots"
        told.append(("realized", f"{text}: {one['state']}"))
    return told


def fill_is(row: Row) -> dict[str, object]:
    """Return what finds a fill in every table that has its log position, and it alone."""
    return {"position": row["position"], **owner_is(row), "fill_id": row["fill_id"]}


def attribution_of(sources: Sources, fill: Row) -> list[Row]:
    """Return the attribution of a fill."""
    return sources.find("attribution", fill_is(fill))


def fill_title(sources: Sources, row: Row) -> str:
    """Return a fill in one line."""
    quantity, price = value_text(row["quantity"]), value_text(row["price"])
    ibkr = row["venue"] == "ibkr"
    word = row["booking"] if ibkr and row["booking"] not in _PLAIN else "fill"
    name = instrument_name(sources, row)
    return f"{word} {row['fill_id']}: {row['side']} {quantity} {name} at {price}"


def fill_evidence(sources: Sources, row: Row, role: str) -> Node:
    """Explain a fill down to its bytes, without its lots."""
    title = f"{role} {fill_title(sources, row)}"
    children = (*tellings(sources, row),)
    return Node(title, "fill", fill_facts(sources, row), children, row.query)


def tellings(sources: Sources, fill: Row) -> list[Node]:
    """Explain every event that told of a fill, and those that its attribution rests on."""
    told = _tellings(sources, fill) if fill["venue"] == "ibkr" else []
    nodes = [_telling(sources, teller, position) for teller, position in told]
    positions = {position for _, position in told}
    if fill["position"] not in positions:
        positions.add(fill["position"])
        nodes.append(event_node(sources, fill["position"]))
    others = {
        position
        for found in attribution_of(sources, fill)
        for position in found["evidence_positions"]
    }
    nodes += [event_node(sources, other) for other in sorted(others - positions)]
    return nodes


def _telling(sources: Sources, teller: str, position: int) -> Node:
    event = event_node(sources, position)
    return replace(event, title=f"{event.title}, {teller}")


def _tellings(sources: Sources, fill: Row) -> list[tuple[str, int]]:
    """Return who told of an execution of IBKR and where, the most authoritative first."""
    owner = Owner(fill["account"], fill["mode"])
    told = []
    for kind, teller in _TELLERS.items():
        key = make_key(fill["venue"], owner, kind, escape(fill["fill_id"]))
        revisions = sources.log.revisions(key)
        positions = [event.position for event in revisions if event.position <= sources.watermark]
        if positions:
            own = fill["position"]
            told.append((teller, own if own in positions else positions[-1]))
    fills = [teller for teller, _ in told if teller != _TELLERS[COMMISSION_REPORT]]
    return [(f"{teller}{_weight(teller, fills)}", position) for teller, position in told]


def _weight(teller: str, fills: Sequence[str]) -> str:
    """Say which of several tellings counts."""
    if teller not in fills:
        return ": its fee counts where no other telling states one"
    if teller != fills[0]:
        return ": counts for what those above leave out"
    return ", the most authoritative: what it states counts" if len(fills) > 1 else ""


def aside_title(sources: Sources, row: Row) -> str:
    """Return an execution that does not count, in one line."""
    quantity, price = value_text(row["quantity"]), value_text(row["price"])
    name = instrument_name(sources, row)
    said = f"execution {row['fill_id']}: {row['side']} {quantity} {name} at {price}"
    return f"{said}, does not count"


def aside_facts(row: Row) -> tuple[tuple[str, str], ...]:
    """Say why an execution does not count."""
    why = f"{row['reason']}: {_ASIDE[row['reason']]}"
    names = ("replaced_by", "instrument_id", "executed_at", "position")
    return (("why", why), *facts_of(row, names))


def aside_node(sources: Sources, row: Row) -> Node:
    """Explain an execution that does not count, and what counts instead."""
    children = tellings(sources, row)
    if row["replaced_by"] is not None:
        where = {**owner_is(row), "fill_id": row["replaced_by"]}
        instead = sources.find("fill", where)
        children += [fill_evidence(sources, one, "replaced by") for one in instead]
    title = aside_title(sources, row)
    return Node(title, "set_aside", aside_facts(row), tuple(children), row.query)


def replaced_nodes(sources: Sources, fill: Row) -> list[Node]:
    """Return the executions whose place a fill took."""
    where = {**owner_is(fill), "replaced_by": fill["fill_id"]}
    rows = sources.find("set_aside", where, "fill_id")
    return [
        Node(aside_title(sources, row), "set_aside", aside_facts(row), query=row.query)
        for row in rows
    ]


def fact_nodes(sources: Sources, positions: Iterable[int]) -> list[Node]:
    """Return the facts that were read from any of the positions."""
    listed = list(positions)
    tables = [*(fact.table for fact in facts.FACTS), "set_aside"]
    sources.fetch(tables, "position", listed)
    return [
        fact_node(sources, table, row)
        for table in tables
        for position in sorted(listed)
        for row in sources.find(table, {"position": position})
    ]


def fact_node(sources: Sources, table: str, row: Row) -> Node:
    """Return a fact alone, without what it rests on."""
    if table == "fill":
        told = fill_facts(sources, row)
        return Node(fill_title(sources, row), "fill", told, query=row.query)
    if table == "set_aside":
        return Node(aside_title(sources, row), "set_aside", aside_facts(row), query=row.query)
    return Node(table, "fact", facts_of(row, row), query=row.query)
