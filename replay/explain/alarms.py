"""What looks wrong, in `explain`: canaries, restatements, events that could not be read."""

from collections.abc import Sequence

from replay.explain.evidence import event_node, facts_of, more_rows, owner_of
from replay.explain.executions import fact_node, fact_nodes
from replay.explain.nodes import Node
from replay.explain.sources import Row, Sources, owner_is
from replay.explain.walks import holding_node, holdings_of


def canaries_node(sources: Sources, rule: str, canaries: Sequence[Row]) -> Node:
    """Explain all that one rule found."""
    children = [canary_node(sources, one) for one in canaries[: sources.limit]]
    children += more_rows(sources, canaries, "canaries")
    told = (("canaries", str(len(canaries))),)
    return Node(f"canaries of {rule}", "canaries", told, tuple(children), canaries[0].query)


def canary_node(sources: Sources, canary: Row) -> Node:
    """Explain a canary: what it is about, what was stated, and the bytes that state it."""
    names = ("found", "expected", "detail")
    told = facts_of(canary, names)
    about = _subject(sources, canary)
    stated = fact_nodes(sources, [canary["position"]])
    titles = {node.title for node in about}
    stated = [node for node in stated if node.title not in titles]
    children = (*about, *stated, event_node(sources, canary["position"]))
    title = f"{canary['rule']} {canary['subject']} of {owner_of(canary)}"
    return Node(title, "canary", told, children, canary.query)


def _subject(sources: Sources, canary: Row) -> list[Node]:
    """Return what the subject of a canary names: an instrument with its holding, a fill, …."""
    owner, subject = owner_is(canary), canary["subject"]
    held = holdings_of(sources, {**owner, "instrument_id": subject})
    nodes = [holding_node(sources, row) for row in held[: sources.limit]]
    for table, name in (
        ("settlement", "instrument_id"),
        ("fill", "fill_id"),
        ("decision", "decision_id"),
        ("posted_order", "order_id"),
    ):
        found = sources.find(table, {**owner, name: subject}, "position")
        nodes += [fact_node(sources, table, row) for row in found[: sources.limit]]
    return nodes


def restatement_node(sources: Sources, row: Row) -> Node:
    """Explain what a later rendering changed: before, after, the fact as it stands, the bytes."""
    names = ("change", "columns", "old_values", "new_values", "cash_difference")
    positions = (row["old_position"], row["new_position"])
    told = (
        *facts_of(row, names),
        *((f"{w}_position", str(p)) for w, p in zip(("old", "new"), positions, strict=True)),
    )
    stands = [
        fact_node(sources, row["fact"], one)
        for position in positions
        for one in sources.find(row["fact"], {"position": position})
    ]
    events = [event_node(sources, position) for position in positions]
    title = f"restatement of {row['fact']} {row['fact_id']}"
    return Node(title, "restatement", told, (*stands, *events), row.query)


def unreadable_node(sources: Sources, row: Row) -> Node:
    """Explain an event that no reader could turn into a fact."""
    told = facts_of(row, ("reason", "column_name", "offending", "kind", "shape", "reader"))
    event = event_node(sources, row["position"])
    return Node(f"unreadable: {row['key']}", "unreadable", told, (event,), row.query)
