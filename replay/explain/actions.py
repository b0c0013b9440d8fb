"""Corporate actions in `explain`: what each row took out and put in, and the lots that live on.

What an action turned into something else, or into more or less of the same, keeps its opening: such
lots have one instrument where they were opened and another where they ended, and the way between
leads through rows of actions.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from replay.explain.evidence import cash_facts, event_node, facts_of, instrument_name, more_rows
from replay.explain.lots import figures_query, lot_nodes, lots_node, open_lots
from replay.explain.nodes import Node, exact_sum, value_text
from replay.explain.origins import action_title
from replay.explain.sources import OWN, OWNER, Row, Sources, equal, owner_is, owner_values

_ROW: Final = (
    "instrument_id", "symbol", "quantity", "proceeds", "realized_reported", "currency",
    "description", "happened_at", "report_date", "position",
)  # fmt: skip
# everything that can open a lot, by the instrument that it opens
_OPENED: Final = f"""
    open_fill_id IN (
        SELECT id
        FROM (
            SELECT venue, account, mode, fill_id AS id, instrument_id FROM fill
            UNION ALL
            SELECT venue, account, mode, 'opening-' || instrument_id, instrument_id FROM opening
            UNION ALL
            SELECT venue, account, mode, transfer_id, instrument_id FROM transfer
            UNION ALL
            SELECT venue, account, mode, row_id, instrument_id FROM corporate_action
        )
        WHERE {OWN} AND instrument_id IN (SELECT unnest(?))
    )
"""


def action_node(sources: Sources, row: Row) -> Node:
    """Explain a corporate action by any of its rows: all rows, and the lots that it carried on."""
    rows = [row]
    if row["action_id"] is not None:
        where = {**owner_is(row), "action_id": row["action_id"]}
        rows = sources.find("corporate_action", where, "row_id")
    children = [_row_node(sources, one) for one in rows[: sources.limit]]
    children += more_rows(sources, rows, "rows")
    children += _carried(sources, rows)
    told = facts_of(row, ("action_id", "action_type", "happened_at", "description"))
    name = row["action_id"] or f"of row {row['row_id']}"
    sort = f": {row['action_type']}" if row["action_type"] else ""
    title = f"corporate action {name}{sort}"
    return Node(title, "corporate_action", told, tuple(children), row.query)


def _row_node(sources: Sources, row: Row) -> Node:
    before = _held_before(sources, row)
    after = value_text(exact_sum([before, row["quantity"]]))
    told = [
        *facts_of(row, _ROW),
        ("held", f"{value_text(before)} before, {after} after"),
        *cash_facts(sources, row, row["row_id"]),
    ]
    own = [row["position"], *owner_values(row), row["row_id"]]
    opened = equal("open_position", *OWNER, "open_fill_id")
    closed = equal("close_position", *OWNER, "close_id")
    children = (
        *lots_node(sources, "lots that it closed", closed, own),
        *lots_node(sources, "lots that it opened", opened, own),
        *open_lots(sources, opened, own),
        event_node(sources, row["position"]),
    )
    return Node(action_title(sources, row), "action_row", tuple(told), children, row.query)


def _held_before(sources: Sources, row: Row) -> Decimal:
    """Return how much was held of the instrument of a row by everything that came before it."""
    own = [*owner_values(row), row["instrument_id"]]
    held = equal(*OWNER, "instrument_id")
    moment = row["happened_at"]
    (row_before,) = sources.rows(
        f"""
        SELECT coalesce(sum(quantity), 0) AS quantity
        FROM (
            SELECT quantity FROM opening WHERE {held}
            UNION ALL
            SELECT CASE side WHEN 'buy' THEN quantity ELSE -quantity END
            FROM fill WHERE {held} AND executed_at <= ?
            UNION ALL
            SELECT quantity FROM transfer WHERE {held} AND moved_at <= ?
            UNION ALL
            SELECT quantity FROM corporate_action
            WHERE {held} AND (happened_at, row_id) < (?, ?)
        )
        """,
        [*own, *own, moment, *own, moment, *own, moment, row["row_id"]],
    )
    return Decimal(row_before["quantity"])


def _carried(sources: Sources, rows: Sequence[Row]) -> list[Node]:
    """Return the lots that were opened before an action and ended, or are, in what it put in."""
    went, came = _ends(sources, rows)
    if not went or not came:
        return []
    own = owner_values(rows[0])
    moment = rows[0]["happened_at"]
    condition = f"{OWN} AND opened_at <= ? AND instrument_id IN (SELECT unnest(?)) AND {_OPENED}"
    parameters = [*own, moment, sorted(came), *own, sorted(went)]
    ids = [row["row_id"] for row in rows]
    closed = f"closed_at >= ? AND close_id NOT IN (SELECT unnest(?)) AND {condition}"
    whole, nodes = lot_nodes(sources, closed, [moment, ids, *parameters], deep=False)
    children = [*nodes, *open_lots(sources, condition, parameters)]
    if not children:
        return []
    names = " and ".join(sorted({instrument_name(sources, row) for row in rows}))
    title = f"lots that were carried on through {names}"
    query = figures_query(closed, [moment, ids, *parameters])
    told = whole.facts() if whole.lots else ()
    return [Node(title, "lots", told, tuple(children), query)]


def _ends(sources: Sources, rows: Sequence[Row]) -> tuple[set[str], set[str]]:
    """Return where the lots of an action may have been opened, and where they may have ended."""
    others = sources.rows(
        f"SELECT * FROM corporate_action WHERE {OWN} ORDER BY happened_at, row_id",
        owner_values(rows[0]),
    )
    moment = rows[0]["happened_at"]
    went = {row["instrument_id"] for row in rows if row["quantity"] < 0 or len(rows) == 1}
    came = {row["instrument_id"] for row in rows if row["quantity"] > 0 or len(rows) == 1}
    earlier = [row for row in reversed(others) if row["happened_at"] < moment]
    later = [row for row in others if row["happened_at"] > moment]
    for _, taken, given in _steps(earlier):
        if given & went:
            went |= taken
    for _, taken, given in _steps(later):
        if taken & came:
            came |= given
    return went, came


def _steps(rows: Iterable[Row]) -> list[tuple[datetime, set[str], set[str]]]:
    """Return what each action turned into what, in the order of the rows."""
    actions: dict[str, tuple[datetime, set[str], set[str]]] = {}
    for row in rows:
        name = row["action_id"] or f"row {row['row_id']}"
        _, taken, given = actions.setdefault(name, (row["happened_at"], set(), set()))
        (taken if row["quantity"] < 0 else given).add(row["instrument_id"])
    return list(actions.values())
