"""Outcomes in `explain`: what came of a trade, and of a decision, and what says so."""

from typing import Final

from replay.explain.evidence import event_node, facts_of, instrument_name, more_rows
from replay.explain.executions import fill_evidence
from replay.explain.nodes import Node, value_text
from replay.explain.sources import Row, Sources, owner_is, owner_values

_OUTCOME: Final = (
    "exit_reason", "exit_reason_told", "hit_tp", "cost", "realized_net", "estimated_gross",
    "return_on_cost", "currency", "holding_seconds", "quotes", "mae", "mfe", "decision_id",
    "known_at_position",
)  # fmt: skip
_DECISION: Final = (
    "strategy", "instrument_id", "outcome", "decided_at", "linked_by", "order_id", "fills",
    "filled_quantity", "trade_id", "known_at_position",
)  # fmt: skip
_GRADES: Final = {
    "broker": "closed by the broker's own rows",
    "healed_from_partials": "the bot alone holds it closed; valued from the exits that it recorded",
    "healed_from_quote": "the bot alone holds it closed; valued from the last quote",
    "lost": "the bot alone holds it closed, and nothing says at what",
}
_STATES: Final = {
    "resolved": "its trade has ended",
    "result_unknown": "its trade has ended, the result is not known",
    "open": "filled, and still held",
    "working": "its order rests",
    "not_filled": "its order ended without a fill",
    "not_seen": "the broker was asked and has no such order",
    "unknown": "nothing tells what became of it, or the broker was not asked since",
    "shadow": "never meant to become an order",
    "skipped": "never meant to become an order",
}


def outcome_nodes(sources: Sources, trade: Row) -> list[Node]:
    """Return what came of a trade, with the exits that the bot told of it."""
    rows = sources.find("outcome", {**owner_is(trade), "trade_id": trade["trade_id"]})
    return [_outcome(sources, row) for row in rows]


def _outcome(sources: Sources, outcome: Row) -> Node:
    exits = sources.rows(
        "SELECT * FROM bot_exit WHERE position IN (SELECT unnest(?::BIGINT[]))"
        " ORDER BY exited_at, exit_id, position",
        [outcome["exit_positions"]],
    )
    result = outcome["result"]
    if outcome["unknown_because"] is not None:
        result = f"{result}, {outcome['unknown_because'].replace('_', ' ')}"
    told = (
        ("quality", f"{outcome['quality']}: {_GRADES[outcome['quality']]}"),
        *facts_of(outcome, _OUTCOME),
    )
    names = ("exit_id", "order_id", "client_order_id", "decision_id", "quantity", "price")
    children = [
        Node(
            f"exit told at {value_text(one['exited_at'])}: {one['reason']}",
            "fact",
            facts_of(one, names),
            (event_node(sources, one["position"]),),
            one.query,
        )
        for one in exits[: sources.limit]
    ]
    children += more_rows(sources, exits, "exits")
    return Node(f"outcome: {result}", "outcome", told, tuple(children), outcome.query)


def decision_node(sources: Sources, decision: Row) -> Node:
    """Explain a decision: what became of it, its fills, its trade's outcome, its bytes."""
    own = {**owner_is(decision), "decision_id": decision["decision_id"]}
    (recorded,) = sources.find("decision", own)
    told = (
        ("state", f"{decision['state']}: {_STATES[decision['state']]}"),
        *facts_of(decision, _DECISION),
        *facts_of(recorded, ("reason", "probability", "stop_price", "target_price")),
    )
    children = _filled(sources, decision)
    if decision["trade_id"] is not None:
        children += outcome_nodes(sources, decision)
    children.append(event_node(sources, recorded["position"]))
    name = instrument_name(sources, decision)
    title = f"decision {decision['decision_id']}: {recorded['side']} {name}"
    return Node(title, "decision", told, tuple(children), decision.query)


def _filled(sources: Sources, decision: Row) -> list[Node]:
    """Return the fills whose attribution names the decision."""
    fills = sources.rows(
        "SELECT f.* FROM fill AS f"
        " INNER JOIN attribution AS a ON a.position = f.position"
        " WHERE a.venue = ? AND a.account = ? AND a.mode = ? AND a.decision_id = ?"
        " ORDER BY f.executed_at, f.fill_id",
        [*owner_values(decision), decision["decision_id"]],
    )
    if not decision["fills"]:
        return []
    nodes = [fill_evidence(sources, row, "filled by") for row in fills[: sources.limit]]
    return nodes + more_rows(sources, fills, "fills")
