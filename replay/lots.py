"""The middle of `explain`: lots, and the fills and trades that are made of them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from replay.evidence import (
    Row,
    Sources,
    attribution_events,
    event_node,
    facts_of,
    fill_evidence,
    fill_facts,
    fill_title,
    owner_of,
    settlement_evidence,
)
from replay.nodes import (
    Figures,
    Node,
    decimal_text,
    exact_product,
    exact_sum,
    total,
    value_text,
)

_TRADE: Final = "(venue, account, mode, trade_id) = (?, ?, ?, ?)"
_FIGURES: Final = """
    count(*) AS lots,
    count(*) FILTER (fee_state = 'pending') AS pending,
    coalesce(sum(realized_gross), 0) AS gross,
    coalesce(sum(fees), 0) AS fees,
    coalesce(sum(realized_net), 0) AS net
"""
_LARGEST: Final = """
    ORDER BY abs(coalesce(realized_net, realized_gross)) DESC,
        closed_at, venue, account, mode, subaccount, instrument_id, open_fill_id, close_id
"""
_LOT: Final = (
    "instrument_id", "direction", "quantity", "open_price", "close_price", "strategy",
    "opened_at", "closed_at", "open_fill_id", "close_id", "trade_id", "currency",
)  # fmt: skip
_OPEN_LOT: Final = (
    "direction", "quantity", "open_price", "cost", "fees", "fee_state", "strategy", "opened_at",
    "open_fill_id", "currency",
)  # fmt: skip


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
    """Return the condition that picks the lots of a row of daily_pnl, both fee states."""
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
    known = row["fees"] is not None
    return Figures(
        lots=1,
        pending=0 if known else 1,
        gross=row["realized_gross"],
        fees=row["fees"] if known else Decimal(0),
        net=row["realized_net"] if known else Decimal(0),
    )


def _lot(sources: Sources, row: Row, *, deep: bool) -> Node:
    title = (
        f"{row['direction']} {value_text(row['quantity'])} {row['instrument_id']}, closed by "
        f"{'the settlement' if row['close_kind'] == 'settlement' else 'fill ' + row['close_id']}"
    )
    told = [
        *facts_of(row, _LOT),
        ("gross", _worked_out(row)),
        ("fees", "pending" if row["fees"] is None else decimal_text(row["fees"])),
        ("net", "pending" if row["realized_net"] is None else decimal_text(row["realized_net"])),
    ]
    children: list[Node] = []
    if deep:
        children.append(fill_evidence(sources, row["open_position"], "opened by"))
        if row["close_kind"] == "settlement":
            children.append(settlement_evidence(sources, row["close_position"]))
        else:
            children.append(fill_evidence(sources, row["close_position"], "closed by"))
    return Node(title, "lot", tuple(told), tuple(children))


def _worked_out(row: Row) -> str:
    """Return the gross P&L of a lot with the arithmetic that leads to it."""
    sign = 1 if row["direction"] == "long" else -1
    moved = row["close_price"] - row["open_price"]
    priced = exact_product(Decimal(sign), row["quantity"], moved, row["multiplier"])
    gross = row["realized_gross"]
    assert exact_sum([priced, row["rounding"]]) == gross, f"a lot of {row['trade_id']}"
    terms = [value_text(row[name]) for name in ("quantity", "close_price", "open_price")]
    text = f"{terms[0]} * ({terms[1]} - {terms[2]})"
    text = text if sign == 1 else f"-{text}"
    if row["multiplier"] != 1:
        text += f" * {value_text(row['multiplier'])}"
    if row["rounding"]:
        text += f" - {decimal_text(-row['rounding'])} cut off by the exchange"
    return f"{decimal_text(gross)} = {text}"


def fill_node(sources: Sources, fill: Row) -> Node:
    """Explain a fill: the lots that it opened and closed, and its bytes."""
    own = [fill[name] for name in ("venue", "account", "mode", "fill_id")]
    lots = "(venue, account, mode, {}) = (?, ?, ?, ?)"
    opened, closed = lots.format("open_fill_id"), lots.format("close_id")
    closed += " AND close_kind = 'fill'"
    (row,) = sources.rows(
        f"SELECT (SELECT coalesce(sum(quantity), 0) FROM lot_match WHERE {opened})"
        f" + (SELECT coalesce(sum(quantity), 0) FROM lot_match WHERE {closed})"
        f" + (SELECT coalesce(sum(quantity), 0) FROM open_lot WHERE {opened}) AS quantity",
        [*own, *own, *own],
    )
    assert row["quantity"] == fill["quantity"], f"lots of fill {fill['fill_id']}"
    children: list[Node] = []
    for condition, told in ((opened, "lots that it opened"), (closed, "lots that it closed")):
        whole, nodes = lot_nodes(sources, condition, own, deep=False)
        if whole.lots:
            children.append(Node(told, "lots", whole.facts(), nodes))
    children += open_lots(sources, opened, own)
    children.append(event_node(sources, fill["position"]))
    children += attribution_events(sources, fill)
    return Node(fill_title(fill), "fill", fill_facts(sources, fill), tuple(children))


def open_lots(sources: Sources, condition: str, parameters: Sequence[object]) -> list[Node]:
    """Return what is still open of the lots that a condition picks, the oldest first."""
    rows = sources.rows(
        f"SELECT * FROM open_lot WHERE {condition} ORDER BY opened_at, open_fill_id", parameters
    )
    nodes = [
        Node(f"still open: {value_text(row['quantity'])}", "open_lot", facts_of(row, _OPEN_LOT))
        for row in rows[: sources.limit]
    ]
    rest = rows[sources.limit :]
    if rest:
        told = (
            ("quantity", decimal_text(exact_sum(row["quantity"] for row in rest))),
            ("cost", decimal_text(exact_sum(row["cost"] for row in rest))),
        )
        nodes.append(Node(f"{len(rest)} more open lots", "more", told))
    return nodes


def trade_node(sources: Sources, trade: Row) -> Node:
    """Explain a round trip: its lots, down to the bytes."""
    own = [trade[name] for name in ("venue", "account", "mode", "trade_id")]
    whole, nodes = lot_nodes(sources, _TRADE, own, deep=True)
    assert whole.gross == trade["realized_gross"], f"lots of trade {trade['trade_id']}"
    if trade["realized_net"] is not None:
        assert whole.net == trade["realized_net"], f"lots of trade {trade['trade_id']}"
    names = ("instrument_id", "direction", "quantity", "strategy", "opened_at", "closed_at")
    told = (*facts_of(trade, names), *whole.facts(), ("currency", trade["currency"]))
    children = (*nodes, *open_lots(sources, _TRADE, own))
    return Node(f"trade {trade['trade_id']} of {owner_of(trade)}", "trade", told, children)
