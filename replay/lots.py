"""The middle of `explain`: lots, and the fills and trades that are made of them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from replay.arithmetic import carried_into, opened_as, options_named, worked_out
from replay.evidence import OWNER, Row, Sources, event_node, facts_of, instrument_name, owner_of
from replay.executions import (
    fill_evidence,
    fill_facts,
    fill_key,
    fill_title,
    replaced_nodes,
    tellings,
)
from replay.nodes import ZERO, Figures, Node, decimal_text, exact_sum, total, value_text
from replay.origins import closing_of, missing_because, opening_of, side_node
from replay.outcomes import outcome_nodes

_TRADE: Final = "(venue, account, mode, trade_id) = (?, ?, ?, ?)"
_FIGURES: Final = """
    count(*) AS lots,
    count(*) FILTER (fee_state = 'pending') AS pending,
    count(*) FILTER (basis_state = 'missing') AS missing,
    count(*) FILTER (fee_state = 'pending' OR basis_state = 'missing') AS unknown,
    coalesce(sum(realized_gross) FILTER (basis_state = 'known'), 0) AS gross,
    coalesce(sum(fees), 0) AS fees,
    coalesce(sum(realized_net) FILTER (basis_state = 'known'), 0) AS net
"""
_LARGEST: Final = """
    ORDER BY abs(coalesce(realized_net, realized_gross)) DESC NULLS LAST,
        closed_at, venue, account, mode, subaccount, instrument_id, open_fill_id, close_id,
        close_kind, quantity
"""
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
    parts: Sequence[tuple[Figures, Node]], limit: int, things: str
) -> tuple[Figures, tuple[Node, ...]]:
    """Return the sum of the parts, and the largest of them with the rest as one node."""
    ordered = sorted(parts, key=lambda part: abs(part[0].net or part[0].gross), reverse=True)
    nodes = [node for _, node in ordered[:limit]]
    rest = ordered[limit:]
    if rest:
        facts = total(figures for figures, _ in rest).facts()
        nodes.append(Node(f"{len(rest)} more {things}", "more", facts))
    return total(figures for figures, _ in parts), tuple(nodes)


def cell_lots(row: Row) -> tuple[str, list[object]]:
    """Return the condition that picks the lots of a row of daily_pnl, known and unknown ones."""
    condition = (
        "(closed_at AT TIME ZONE 'UTC')::DATE = ?"
        " AND (venue, account, mode, strategy, currency) = (?, ?, ?, ?, ?)"
        " AND (venue, instrument_id) IN"
        " (SELECT (venue, instrument_id) FROM instrument WHERE family = ?)"
    )
    names = ("day", "venue", "account", "mode", "strategy", "currency", "family")
    return condition, [row[name] for name in names]


def lot_nodes(
    sources: Sources, condition: str, parameters: Sequence[object], *, deep: bool
) -> tuple[Figures, tuple[Node, ...]]:
    """Return the figures of the lots that a condition picks, and the largest lots as nodes.

    With `deep` each lot is followed to the bytes of what opened and what closed it.
    """
    whole = _lot_figures(sources, condition, parameters)
    top = sources.rows(
        f"SELECT * FROM lot_match WHERE {condition} {_LARGEST} LIMIT ?",
        [*parameters, sources.limit],
    )
    parts = [_figures_of(row) for row in top]
    nodes = [_lot(sources, row, deep=deep) for row in top]
    if whole.lots > len(top):
        (row,) = sources.rows(
            f"SELECT {_FIGURES} FROM"
            f" (SELECT * FROM lot_match WHERE {condition} {_LARGEST} OFFSET ?)",
            [*parameters, sources.limit],
        )
        rest = Figures(**row)
        parts.append(rest)
        nodes.append(Node(f"{rest.lots} more lots", "more", rest.facts()))
    assert total(parts) == whole, f"lots add up to {total(parts)}, not {whole}"
    return whole, tuple(nodes)


def _lot_figures(sources: Sources, condition: str, parameters: Sequence[object]) -> Figures:
    """Return the figures of the lots that a condition picks."""
    (row,) = sources.rows(f"SELECT {_FIGURES} FROM lot_match WHERE {condition}", parameters)
    return Figures(**row)


def trade_figures(
    sources: Sources, condition: str, parameters: Sequence[object]
) -> dict[str, Figures]:
    """Return the figures of the lots that a condition picks, by trade."""
    rows = sources.rows(
        f"SELECT trade_id, {_FIGURES} FROM lot_match WHERE {condition} GROUP BY trade_id",
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
        fees=row["fees"] if has_fees else ZERO,
        net=row["realized_net"] if has_fees and has_basis else ZERO,
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
        ("fees", figures["fees"]),
        ("net", figures["net"]),
    )
    children: list[Node] = []
    if deep:
        children.append(side_node(sources, opening_of(sources, row), "opened by"))
        children.append(side_node(sources, closing_of(sources, row), "closed by"))
    title = f"{row['direction']} {value_text(row['quantity'])} {name}, {closed_by}"
    return Node(title, "lot", told, tuple(children))


def fill_node(sources: Sources, fill: Row) -> Node:
    """Explain a fill: the lots that it opened and closed, and its bytes."""
    own = [*fill_key(fill), fill["position"]]
    lots = "(venue, account, mode, {}, {}) = (?, ?, ?, ?, ?)"
    opened = lots.format("open_fill_id", "open_position")
    closed = lots.format("close_id", "close_position")
    _assert_whole(sources, fill, opened, closed)
    children: list[Node] = []
    for condition, told in ((opened, "lots that it opened"), (closed, "lots that it closed")):
        whole, nodes = lot_nodes(sources, condition, own, deep=False)
        if whole.lots:
            children.append(Node(told, "lots", whole.facts(), nodes))
    children += open_lots(sources, opened, own)
    children += _premiums(sources, fill)
    children += replaced_nodes(sources, fill)
    children += _commentary(sources, fill)
    children += tellings(sources, fill)
    return Node(fill_title(sources, fill), "fill", fill_facts(sources, fill), tuple(children))


def _assert_whole(sources: Sources, fill: Row, opened: str, closed: str) -> None:
    """Assert that the lots of a fill are all of it: counted as it was, nothing scaled them."""
    own = [*fill_key(fill), fill["position"]]
    owner = [fill[name] for name in (*OWNER, "instrument_id")]
    (row,) = sources.rows(
        f"SELECT (SELECT coalesce(sum(quantity), 0) FROM lot_match WHERE {opened})"
        f" + (SELECT coalesce(sum(quantity), 0) FROM lot_match WHERE {closed})"
        f" + (SELECT coalesce(sum(quantity), 0) FROM open_lot WHERE {opened}) AS quantity,"
        " (SELECT count(*) FROM corporate_action"
        " WHERE (venue, account, mode, instrument_id) = (?, ?, ?, ?)) AS actions",
        [*own, *own, *own, *owner],
    )
    if fill["asset_class"] == "CASH":
        assert not row["quantity"], f"lots of currencies: fill {fill['fill_id']}"
    elif not row["actions"]:
        assert row["quantity"] == fill["quantity"], f"lots of fill {fill['fill_id']}"


def _premiums(sources: Sources, fill: Row) -> list[Node]:
    """Explain the premium that a fill handed over, or took over, with the other fill of the two."""
    rows = sources.rows(
        "SELECT * FROM carried_premium WHERE (venue, account, mode) = (?, ?, ?)"
        " AND (fill_id = ? OR into_fill_id = ?) ORDER BY fill_id",
        [*fill_key(fill), fill["fill_id"]],
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
        nodes.append(Node(title, "premium", told, _premium_sources(sources, row, gives=gives)))
    return nodes


def _premium_sources(sources: Sources, carried: Row, *, gives: bool) -> tuple[Node, ...]:
    """Return the other fill, and where that is the option's the lots that the premium is of."""
    own = [carried[name] for name in OWNER]
    (other,) = sources.rows(
        "SELECT * FROM fill WHERE (venue, account, mode, fill_id) = (?, ?, ?, ?)",
        [*own, carried["into_fill_id" if gives else "fill_id"]],
    )
    if gives:
        return (fill_evidence(sources, other, "taken over by"),)
    condition = "(venue, account, mode, close_id) = (?, ?, ?, ?)"
    parameters = [*own, carried["fill_id"]]
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
    rows = sources.rows(
        "SELECT * FROM option_event WHERE (venue, account, mode, trade_id) = (?, ?, ?, ?)"
        " ORDER BY event_type",
        [*(fill[name] for name in OWNER), fill["broker_trade_id"]],
    )
    names = ("instrument_id", "quantity", "price", "mark_price", "realized_reported", "day")
    return [
        Node(
            f"option event: {row['event_type']}",
            "fact",
            facts_of(row, names),
            (event_node(sources, row["position"]),),
        )
        for row in rows
    ]


def open_lots(sources: Sources, condition: str, parameters: Sequence[object]) -> list[Node]:
    """Return what is still open of the lots that a condition picks, the oldest first."""
    rows = sources.rows(
        f"SELECT * FROM open_lot WHERE {condition}"
        " ORDER BY opened_at, open_fill_id, instrument_id, quantity",
        parameters,
    )
    nodes = [_open_lot(sources, row) for row in rows[: sources.limit]]
    rest = rows[sources.limit :]
    if rest:
        missing = sum(row["cost"] is None for row in rest)
        cost = decimal_text(exact_sum(row["cost"] or Decimal(0) for row in rest))
        told = (
            ("quantity", decimal_text(exact_sum(row["quantity"] for row in rest))),
            ("cost", f"{cost} (of {missing} lots the basis is missing)" if missing else cost),
        )
        nodes.append(Node(f"{len(rest)} more open lots", "more", told))
    return nodes


def _open_lot(sources: Sources, row: Row) -> Node:
    told = facts_of(row, _OPEN_LOT)
    title = f"still open: {value_text(row['quantity'])}"
    if row["venue"] == "ibkr":
        told = (*told, *_cost(sources, row))
        title += f" {instrument_name(sources, row)}"
    return Node(title, "open_lot", told)


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
    own = [trade[name] for name in ("venue", "account", "mode", "trade_id")]
    whole, nodes = lot_nodes(sources, _TRADE, own, deep=True)
    assert_trade(trade, whole)
    names = ("instrument_id", "direction", "quantity", "strategy", "opened_at", "closed_at")
    told = (*facts_of(trade, names), *whole.facts(), ("currency", trade["currency"]))
    if trade["cancelled"]:
        told = (("cancelled", "the broker took it back: it is the execution and its cancel"), *told)
    children = (*nodes, *open_lots(sources, _TRADE, own), *outcome_nodes(sources, trade))
    return Node(f"trade {trade['trade_id']} of {owner_of(trade)}", "trade", told, children)


def assert_trade(trade: Row, lots: Figures) -> None:
    """Assert that a round trip is the sum of its lots, and unknown where one of them is."""
    assert lots.missing == 0 or trade["realized_gross"] is None, f"trade {trade['trade_id']}"
    if lots.missing == 0:
        assert lots.gross == trade["realized_gross"], f"lots of trade {trade['trade_id']}"
    if lots.unknown == 0:
        assert lots.net == trade["realized_net"], f"lots of trade {trade['trade_id']}"
    else:
        assert trade["realized_net"] is None, f"trade {trade['trade_id']}"
