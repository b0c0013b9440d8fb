"""The middle of `explain`: lots, and the fills and trades that are made of them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, TypeVar

from replay.explain.arithmetic import carried_into, opened_as, options_named, worked_out
from replay.explain.evidence import event_node, facts_of, fetch_events, instrument_name, owner_of
from replay.explain.executions import (
    fill_evidence,
    fill_facts,
    fill_title,
    replaced_nodes,
    tellings,
)
from replay.explain.nodes import ZERO, Figures, Node, decimal_text, less, total, value_text
from replay.explain.origins import closing_of, missing_because, opening_of, side_node
from replay.explain.outcomes import outcome_nodes
from replay.explain.sources import OWN, OWNER, Row, Sources, bound, equal, owner_is, owner_values

_TRADE: Final = equal(*OWNER, "trade_id")
_TABLES: Final = ("fill", "settlement", "attribution", "cash_ledger", "realized_comparison")
"""What is asked about either side of a lot, by log position."""
_Part = TypeVar("_Part")
FIGURES: Final = """
    count(*) AS lots,
    count(*) FILTER (fee_state = 'pending') AS pending,
    count(*) FILTER (basis_state = 'missing') AS missing,
    count(*) FILTER (fee_state = 'pending' OR basis_state = 'missing') AS unknown,
    coalesce(sum(realized_gross) FILTER (basis_state = 'known'), 0) AS gross,
    coalesce(sum(fees) FILTER (basis_state = 'known'), 0) AS fees,
    coalesce(sum(realized_net) FILTER (basis_state = 'known'), 0) AS net,
    coalesce(sum(fees) FILTER (basis_state = 'missing'), 0) AS fees_without_basis
"""
_LARGEST: Final = """
    ORDER BY abs(coalesce(realized_net, realized_gross)) DESC NULLS LAST,
        closed_at, venue, account, mode, subaccount, instrument_id, open_fill_id, close_id,
        close_kind, quantity
"""
_OPEN_FIGURES: Final = """
    count(*) AS lots,
    count(*) FILTER (cost IS NULL) AS missing,
    coalesce(sum(quantity), 0) AS quantity,
    coalesce(sum(cost), 0) AS cost
"""
_OLDEST: Final = "ORDER BY opened_at, open_fill_id, instrument_id, quantity"
_LOT: Final = (
    "instrument_id", "direction", "quantity", "open_price", "close_price", "strategy",
    "opened_at", "closed_at", "open_fill_id", "close_id", "trade_id", "currency",
)  # fmt: skip
_OPEN_LOT: Final = (
    "direction", "quantity", "open_price", "cost", "fees", "fee_state", "strategy", "opened_at",
    "open_fill_id", "currency",
)  # fmt: skip
_CLOSED_BY: Final = {
    "fill": "closed by fill",
    "cancel": "taken back by the broker with",
    "expiry": "closed by the expiry",
    "exercise": "closed by the exercise",
    "assignment": "closed by the assignment",
    "corporate_action": "closed by row",
    "transfer": "went to another account with",
}


def ranked(
    parts: Sequence[tuple[Figures, _Part]], limit: int
) -> tuple[list[tuple[Figures, _Part]], list[tuple[Figures, _Part]]]:
    """Return the parts that moved most money, and the rest."""

    def size(part: tuple[Figures, _Part]) -> Decimal:
        return abs(part[0].net or part[0].gross)

    ordered = sorted(parts, key=size, reverse=True)
    return ordered[:limit], ordered[limit:]


def rest_node(rest: Sequence[tuple[Figures, _Part]], things: str, query: str) -> list[Node]:
    """Return one node for the parts that a limit cuts off, with their sum."""
    if not rest:
        return []
    figures = total(figures for figures, _ in rest)
    return [Node(f"{len(rest)} more {things}", "more", figures.facts(), query=query)]


def lot_nodes(
    sources: Sources, condition: str, parameters: Sequence[object], *, deep: bool
) -> tuple[Figures, tuple[Node, ...]]:
    """Return the figures of the lots that a condition picks, and the largest lots as nodes.

    With `deep` each lot is followed to the bytes of what opened and what closed it.
    """
    lots = f"SELECT * FROM lot_match WHERE {condition} {_LARGEST}"
    whole = lot_figures(sources, condition, parameters)
    top = sources.rows(f"{lots} LIMIT ?", [*parameters, sources.limit]) if whole.lots else []
    if deep:
        sides = [row[name] for row in top for name in ("open_position", "close_position")]
        _fetch(sources, sides)
    nodes = [_lot(sources, row, deep=deep) for row in top]
    if whole.lots > len(top):
        rest = less(whole, total(_figures_of(row) for row in top))
        query = f"SELECT {FIGURES} FROM ({lots} OFFSET ?)"
        text = bound(query, [*parameters, sources.limit])
        nodes.append(Node(f"{rest.lots} more lots", "more", rest.facts(), query=text))
    return whole, tuple(nodes)


def _fetch(sources: Sources, positions: Sequence[int]) -> None:
    """Read at once what will be asked about the sides of some lots."""
    sources.fetch(_TABLES, "position", positions)
    fetch_events(sources, positions)


def lots_node(
    sources: Sources, title: str, condition: str, parameters: Sequence[object]
) -> list[Node]:
    """Return a node of all lots that a condition picks, if it picks any."""
    whole, nodes = lot_nodes(sources, condition, parameters, deep=False)
    query = figures_query(condition, parameters)
    return [Node(title, "lots", whole.facts(), nodes, query)] if whole.lots else []


def figures_query(condition: str, parameters: Sequence[object]) -> str:
    """Return the SELECT of the figures of the lots that a condition picks."""
    return bound(f"SELECT {FIGURES} FROM lot_match WHERE {condition}", parameters)


def lot_figures(sources: Sources, condition: str, parameters: Sequence[object]) -> Figures:
    """Return the figures of the lots that a condition picks."""
    (row,) = sources.rows(f"SELECT {FIGURES} FROM lot_match WHERE {condition}", parameters)
    return Figures(**row)


def trade_figures(
    sources: Sources, condition: str, parameters: Sequence[object]
) -> dict[str, Figures]:
    """Return the figures of the lots that a condition picks, by trade."""
    rows = sources.rows(
        f"SELECT trade_id, {FIGURES} FROM lot_match WHERE {condition} GROUP BY trade_id",
        parameters,
    )
    return {row.pop("trade_id"): Figures(**row) for row in rows}


def _figures_of(row: Row) -> Figures:
    has_fees, has_basis = row["fees"] is not None, row["basis_state"] == "known"
    return Figures(
        lots=1,
        pending=0 if has_fees else 1,
        missing=0 if has_basis else 1,
        unknown=0 if has_fees and has_basis else 1,
        gross=row["realized_gross"] if has_basis else ZERO,
        fees=row["fees"] if has_fees and has_basis else ZERO,
        net=row["realized_net"] if has_fees and has_basis else ZERO,
        fees_without_basis=row["fees"] if has_fees and not has_basis else ZERO,
    )


def _lot(sources: Sources, row: Row, *, deep: bool) -> Node:
    name = instrument_name(sources, row)
    kind, closed_by = row["close_kind"], f"closed by {row['close_id']}"
    if kind == "settlement":
        closed_by = "closed by the settlement"
    elif kind in _CLOSED_BY:
        closed_by = f"{_CLOSED_BY[kind]} {row['close_id']}"
    figures = dict(_figures_of(row).facts())
    told = (
        *facts_of(row, _LOT),
        ("gross", worked_out(sources, row)),
        ("fees", "pending" if row["fees"] is None else decimal_text(row["fees"])),
        ("net", figures["net"]),
    )
    children: list[Node] = []
    if deep:
        children.append(side_node(sources, opening_of(sources, row), "opened by"))
        children.append(side_node(sources, closing_of(sources, row), "closed by"))
    title = f"{row['direction']} {value_text(row['quantity'])} {name}, {closed_by}"
    return Node(title, "lot", told, tuple(children), row.query)


def fill_node(sources: Sources, fill: Row) -> Node:
    """Explain a fill: the lots that it opened and closed, and its bytes."""
    own = [fill["position"], *owner_values(fill), fill["fill_id"]]
    opened = equal("open_position", *OWNER, "open_fill_id")
    closed = equal("close_position", *OWNER, "close_id")
    _assert_whole(sources, fill, opened, closed)
    children = [
        *lots_node(sources, "lots that it opened", opened, own),
        *lots_node(sources, "lots that it closed", closed, own),
        *open_lots(sources, opened, own),
        *_premiums(sources, fill),
        *replaced_nodes(sources, fill),
        *_commentary(sources, fill),
        *tellings(sources, fill),
    ]
    told = fill_facts(sources, fill)
    return Node(fill_title(sources, fill), "fill", told, tuple(children), fill.query)


def _assert_whole(sources: Sources, fill: Row, opened: str, closed: str) -> None:
    """Assert that the lots of a fill are all of it: counted as it was, nothing scaled them."""
    own = [fill["position"], *owner_values(fill), fill["fill_id"]]
    actions = equal(*OWNER, "instrument_id")
    (row,) = sources.rows(
        f"SELECT (SELECT coalesce(sum(quantity), 0) FROM lot_match WHERE {opened})"
        f" + (SELECT coalesce(sum(quantity), 0) FROM lot_match WHERE {closed})"
        f" + (SELECT coalesce(sum(quantity), 0) FROM open_lot WHERE {opened}) AS quantity,"
        f" (SELECT count(*) FROM corporate_action WHERE {actions}) AS actions",
        [*own, *own, *own, *owner_values(fill), fill["instrument_id"]],
    )
    if fill["asset_class"] == "CASH":
        assert not row["quantity"], f"lots of currencies: fill {fill['fill_id']}"
    elif not row["actions"]:
        assert row["quantity"] == fill["quantity"], f"lots of fill {fill['fill_id']}"


def _premiums(sources: Sources, fill: Row) -> list[Node]:
    """Explain the premium that a fill handed over, or took over, with the other fill of the two."""
    rows = sources.rows(
        f"SELECT * FROM carried_premium WHERE {OWN} AND (fill_id = ? OR into_fill_id = ?)"
        " ORDER BY fill_id",
        [*owner_values(fill), fill["fill_id"], fill["fill_id"]],
    )
    nodes = []
    for row in rows:
        gives = row["fill_id"] == fill["fill_id"]
        amount = "of unknown amount" if row["premium"] is None else decimal_text(row["premium"])
        other = row["into_fill_id"] if gives else row["fill_id"]
        title = f"premium {amount} {'moved into' if gives else 'came from'} {other}"
        told = facts_of(row, ("premium", "fees", "currency"))
        if row["premium"] is None:
            told = (("premium", "basis missing: the option's opening is not known"), *told)
        children = _premium_sources(sources, row, gives=gives)
        nodes.append(Node(title, "premium", told, children, row.query))
    return nodes


def _premium_sources(sources: Sources, carried: Row, *, gives: bool) -> tuple[Node, ...]:
    """Return the other fill, and where that is the option's the lots that the premium is of."""
    other_id = carried["into_fill_id" if gives else "fill_id"]
    (other,) = sources.find("fill", {**owner_is(carried), "fill_id": other_id})
    if gives:
        return (fill_evidence(sources, other, "taken over by"),)
    condition = equal(*OWNER, "close_id")
    parameters = [*owner_values(carried), carried["fill_id"]]
    (row,) = sources.rows(
        f"SELECT -sum(premium) AS premium FROM lot_match WHERE {condition}", parameters
    )
    if carried["premium"] is not None:
        assert row["premium"] == carried["premium"], f"premium of {carried['fill_id']}"
    _, nodes = lot_nodes(sources, condition, parameters, deep=True)
    return nodes or (fill_evidence(sources, other, "handed over by"),)


def _commentary(sources: Sources, fill: Row) -> list[Node]:
    """Return what statements say of the end of an option beside its booking."""
    if fill["broker_trade_id"] is None:
        return []
    where = {**owner_is(fill), "trade_id": fill["broker_trade_id"]}
    rows = sources.find("option_event", where, "event_type")
    names = ("instrument_id", "quantity", "price", "mark_price", "realized_reported", "day")
    return [
        Node(
            f"option event: {row['event_type']}",
            "fact",
            facts_of(row, names),
            (event_node(sources, row["position"]),),
            row.query,
        )
        for row in rows
    ]


def open_lots(
    sources: Sources, condition: str, parameters: Sequence[object], *, deep: bool = False
) -> list[Node]:
    """Return what is still open of the lots that a condition picks, the oldest first.

    With `deep` each is followed to the bytes of what opened it.
    """
    lots = f"SELECT * FROM open_lot WHERE {condition}"
    (whole,) = sources.rows(f"SELECT {_OPEN_FIGURES} FROM open_lot WHERE {condition}", parameters)
    if not whole["lots"]:
        return []
    rows = sources.rows(f"{lots} {_OLDEST} LIMIT ?", [*parameters, sources.limit])
    if deep:
        _fetch(sources, [row["open_position"] for row in rows])
    nodes = [_open_lot(sources, row, deep=deep) for row in rows]
    count = whole["lots"] - len(rows)
    if count:
        query = f"SELECT {_OPEN_FIGURES} FROM ({lots} {_OLDEST} OFFSET ?)"
        (rest,) = sources.rows(query, [*parameters, sources.limit])
        cost, missing = decimal_text(rest["cost"]), rest["missing"]
        told = (
            ("quantity", decimal_text(rest["quantity"])),
            ("cost", f"{cost} (of {missing} lots the basis is missing)" if missing else cost),
        )
        nodes.append(Node(f"{count} more open lots", "more", told, query=rest.query))
    return nodes


def _open_lot(sources: Sources, row: Row, *, deep: bool) -> Node:
    told = facts_of(row, _OPEN_LOT)
    title = f"still open: {value_text(row['quantity'])}"
    if row["venue"] == "ibkr":
        told = (*told, *_cost(sources, row))
        title += f" {instrument_name(sources, row)}"
    opened = (side_node(sources, opening_of(sources, row), "opened by"),) if deep else ()
    return Node(title, "open_lot", told, opened, row.query)


def _cost(sources: Sources, row: Row) -> list[tuple[str, str]]:
    """Say what the cost of an open lot is made of, or why there is none."""
    opening = opening_of(sources, row)
    if row["basis_state"] == "missing":
        return [("cost", f"basis missing: {missing_because(sources, row, opening, None)}")]
    premiums = carried_into(sources, row)
    if premiums:
        return [("premium", f"in the cost is that of {options_named(premiums)}")]
    part = opened_as(opening, row["cost"].copy_abs())
    return [("cost", part)] if part and opening.price != row["open_price"] else []


def trade_node(sources: Sources, trade: Row) -> Node:
    """Explain a round trip: its lots, down to the bytes."""
    own = [*owner_values(trade), trade["trade_id"]]
    # its lots were closed while it lasted, and by time they are near each other
    lasted = "closed_at >= ?" if trade["closed_at"] is None else "closed_at BETWEEN ? AND ?"
    moments = [trade[name] for name in ("opened_at", "closed_at") if trade[name] is not None]
    condition = f"{lasted} AND {_TRADE}"
    whole, nodes = lot_nodes(sources, condition, [*moments, *own], deep=True)
    assert_trade(trade, whole)
    names = ("instrument_id", "direction", "quantity", "strategy", "opened_at", "closed_at")
    told = (*facts_of(trade, names), *whole.facts(), ("currency", trade["currency"]))
    if trade["cancelled"]:
        told = (("cancelled", "the broker took it back: it is the execution and its cancel"), *told)
    children = (*nodes, *open_lots(sources, _TRADE, own), *outcome_nodes(sources, trade))
    title = f"trade {trade['trade_id']} of {owner_of(trade)}"
    return Node(title, "trade", told, children, trade.query)


def assert_trade(trade: Row, lots: Figures) -> None:
    """Assert that a round trip is the sum of its lots, and unknown where one of them is."""
    assert lots.missing == 0 or trade["realized_gross"] is None, f"trade {trade['trade_id']}"
    if lots.missing == 0:
        assert lots.gross == trade["realized_gross"], f"lots of trade {trade['trade_id']}"
    if lots.unknown == 0:
        assert lots.net == trade["realized_net"], f"lots of trade {trade['trade_id']}"
    else:
        assert trade["realized_net"] is None, f"trade {trade['trade_id']}"
