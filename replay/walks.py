"""The upper half of `explain`: what the user named, as a tree.

At every level the figures shown are the sum of those below, what the limit cuts off included as
"n more"; that is asserted, not hoped for. A walk goes down to the recorded bytes where one thing
was asked for (a fill, a trade, one cell of a day); of many things it shows figures, and each can be
asked for in turn.
"""

from collections.abc import Sequence
from decimal import Decimal

from replay.evidence import (
    Row,
    Sources,
    cash_facts,
    event_node,
    fact_nodes,
    facts_of,
    fill_evidence,
    owner_of,
)
from replay.lots import cell_lots, lot_nodes, ranked, trade_figures
from replay.nodes import Figures, Node, exact_sum, total, value_text


def position_node(sources: Sources, position: int) -> Node:
    """Explain an event of the log, and what became of it."""
    event = event_node(sources, position)
    stored = sources.log.event(position)
    key = stored.key if stored else ""
    positions = [other.position for other in sources.log.revisions(key)]
    became = fact_nodes(sources, positions)
    told = (("became", f"{len(became)} rows" if became else "no row of any fact table"),)
    return Node(f"log position {position}", "position", told, (event, *became[: sources.limit]))


def order_node(sources: Sources, order: Row) -> Node:
    """Explain an order: its state, its fills, their bytes."""
    own = [order["venue"], order["account"], order["mode"], order["order_id"]]
    where = "WHERE (venue, account, mode, order_id) = (?, ?, ?, ?)"
    states = sources.rows(f"SELECT * FROM order_state {where}", own)
    fills = sources.rows(
        f"SELECT position, quantity FROM fill {where} ORDER BY executed_at, fill_id", own
    )
    told = [entry for state in states for entry in facts_of(state, state)]
    told.append(("quantity in fills", _quantity(fills)))
    children = [
        fill_evidence(sources, fill["position"], "filled by") for fill in fills[: sources.limit]
    ]
    rest = fills[sources.limit :]
    if rest:
        more = (("quantity", _quantity(rest)),)
        children.append(Node(f"{len(rest)} more fills", "more", more))
    children += [event_node(sources, state["position"]) for state in states]
    return Node(f"order {order['order_id']}", "order", tuple(told), tuple(children))


def _quantity(rows: Sequence[Row]) -> str:
    return value_text(exact_sum(row["quantity"] for row in rows))


def movement_node(sources: Sources, movement: Row) -> Node:
    """Explain a deposit or a withdrawal."""
    title = f"{movement['direction']} {movement['movement_id']}: {movement['status']}"
    told = [*facts_of(movement, movement)]
    told += cash_facts(sources, movement, movement["movement_id"])
    return Node(title, "cash", tuple(told), (event_node(sources, movement["position"]),))


def instrument_node(sources: Sources, instrument: Row) -> Node:
    """Explain all that was done in an instrument, holding by holding."""
    own = [instrument["venue"], instrument["instrument_id"]]
    where = "WHERE (venue, instrument_id) = (?, ?)"
    holdings = sources.rows(
        f"SELECT DISTINCT venue, account, mode, subaccount FROM fill {where} ORDER BY ALL", own
    )
    settlements = sources.rows(
        f"SELECT position FROM settlement {where} ORDER BY account, mode", own
    )
    children = [_holding(sources, holding, instrument["instrument_id"]) for holding in holdings]
    children += [fact for row in settlements for fact in _settled(sources, row["position"])]
    title = f"instrument {instrument['instrument_id']}"
    return Node(title, "instrument", facts_of(instrument, instrument), tuple(children))


def _settled(sources: Sources, position: int) -> list[Node]:
    (fact,) = fact_nodes(sources, [position])
    return [Node(fact.title, fact.kind, fact.facts, (event_node(sources, position),))]


def _holding(sources: Sources, holding: Row, instrument_id: str) -> Node:
    own = [holding[name] for name in ("venue", "account", "mode", "subaccount")]
    holding_is = "(venue, account, mode, subaccount, instrument_id) = (?, ?, ?, ?, ?)"
    own.append(instrument_id)
    trades = sources.rows(
        f"SELECT trade_id, realized_gross FROM trade WHERE {holding_is}"
        " ORDER BY opened_at, trade_id",
        own,
    )
    by_trade = trade_figures(sources, holding_is, own)
    parts = []
    for trade in trades:
        figures = by_trade.pop(trade["trade_id"], total(()))
        assert figures.gross == trade["realized_gross"], trade["trade_id"]
        parts.append((figures, Node(f"trade {trade['trade_id']}", "trade", figures.facts())))
    assert not by_trade, f"lots of no trade: {by_trade}"
    whole, children = ranked(parts, sources.limit, "trades")
    held = sources.rows(
        f"SELECT quantity, average_price, cost, currency FROM position WHERE {holding_is}", own
    )
    told = [*whole.facts(), *(fact for row in held for fact in facts_of(row, row))]
    title = f"{owner_of(holding)}, subaccount {holding['subaccount']}"
    return Node(title, "holding", tuple(told), children)


def day_node(sources: Sources, text: str, rows: Sequence[Row]) -> Node:
    """Explain the P&L of a UTC day from rows of daily_pnl."""
    books: dict[tuple[str, ...], dict[tuple[str, str], list[Row]]] = {}
    for row in rows:
        book = tuple(row[name] for name in ("venue", "account", "mode", "currency"))
        cells = books.setdefault(book, {})
        cells.setdefault((row["strategy"], row["family"]), []).append(row)
    deep = sum(len(cells) for cells in books.values()) == 1
    children = []
    for (*owner, currency), cells in sorted(books.items()):
        parts = [_cell(sources, found, deep=deep) for _, found in sorted(cells.items())]
        whole, nodes = ranked(parts, sources.limit, "cells")
        title = f"{'/'.join(owner)} in {currency}"
        children.append(Node(title, "book", whole.facts(), nodes))
    told = children[0].facts if len(children) == 1 else ()
    return Node(f"day {text} (UTC)", "day", told, tuple(children))


def _cell(sources: Sources, rows: Sequence[Row], *, deep: bool) -> tuple[Figures, Node]:
    """Explain one strategy and family of a day: rows of daily_pnl, complete and pending apart."""
    published = total(
        Figures(
            lots=row["lots"],
            pending=row["lots"] if row["fee_state"] == "pending" else 0,
            gross=row["realized_gross"],
            fees=row["fees"] if row["fees"] is not None else Decimal(0),
            net=row["realized_net"] if row["realized_net"] is not None else Decimal(0),
        )
        for row in rows
    )
    condition, parameters = cell_lots(rows[0])
    whole, nodes = lot_nodes(sources, condition, parameters, deep=deep)
    assert whole == published, f"daily_pnl says {published}, its lots {whole}"
    title = f"{rows[0]['strategy']}/{rows[0]['family']}"
    return published, Node(title, "cell", published.facts(), nodes)
