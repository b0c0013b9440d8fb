"""The upper half of `explain`: what the user named, as a tree.

At every level the figures shown are the sum of those below, what the limit cuts off included as
"n more"; that is asserted, not hoped for. A walk goes down to the recorded bytes where one thing
was asked for (a fill, a trade, one cell of a day); of many things it shows figures, and each can be
asked for in turn.
"""

from collections.abc import Sequence
from urllib.parse import unquote

from domain.facts import Fill
from domain.kinds import BY_NAME
from domain.statements import Commission
from replay.evidence import (
    OWNER,
    Row,
    Sources,
    cash_facts,
    event_node,
    facts_of,
    instrument_name,
    more_node,
    owner_of,
)
from replay.executions import fact_nodes, fill_evidence, fill_facts, fill_title
from replay.lots import assert_trade, cell_lots, lot_nodes, ranked, trade_figures
from replay.nodes import ZERO, Figures, Node, exact_sum, total, value_text
from replay.origins import Side, action_title, side_node


def position_node(sources: Sources, position: int) -> Node:
    """Explain an event of the log, and what became of it."""
    event = event_node(sources, position)
    stored = sources.log.event(position)
    key = stored.key if stored else ""
    positions = [other.position for other in sources.log.revisions(key)]
    became = fact_nodes(sources, positions)
    became += _told_elsewhere(sources, key, positions)
    told = (("became", f"{len(became)} rows" if became else "no row of any fact table"),)
    return Node(f"log position {position}", "position", told, (event, *became[: sources.limit]))


def _told_elsewhere(sources: Sources, key: str, positions: Sequence[int]) -> list[Node]:
    """Return the fill that an event told of, where another telling of it has the last word."""
    venue, account, mode, kind, *rest = key.split("|")
    known = BY_NAME.get(kind)
    if known is None or known.fact not in (Fill, Commission) or not rest:
        return []
    rows = sources.rows(
        "SELECT * FROM fill WHERE (venue, account, mode, fill_id) = (?, ?, ?, ?)"
        " AND position NOT IN (SELECT unnest(?))",
        [venue, account, mode, unquote(rest[-1]), list(positions)],
    )
    return [Node(fill_title(sources, row), "fill", fill_facts(sources, row)) for row in rows]


def order_node(sources: Sources, order: Row) -> Node:
    """Explain an order: its state, its fills, their bytes.

    Statements of IBKR number orders in their own way: `statement_order_id`. Where a fill is known
    under both numbers, the rows that only statements tell of belong to the order too.
    """
    owner = [order[name] for name in OWNER]
    whose = "WHERE (venue, account, mode) = ($1, $2, $3)"
    states = sources.rows(
        f"SELECT * FROM order_state {whose} AND order_id = $4", [*owner, order["order_id"]]
    )
    lives = sources.rows(
        f"SELECT * FROM order_life {whose} AND order_id = $4", [*owner, order["order_id"]]
    )
    fills = sources.rows(
        f"SELECT * FROM fill {whose}"
        " AND (order_id = $4 OR ((order_id IS NULL OR $4 IS NULL)"
        " AND statement_order_id IN (SELECT unnest($5::VARCHAR[]))))"
        " ORDER BY executed_at, fill_id",
        [*owner, order["order_id"], order["statement_order_ids"]],
    )
    told = [entry for state in states for entry in facts_of(state, state)]
    if order["statement_order_ids"]:
        told.append(("statement_order_id", ", ".join(order["statement_order_ids"])))
    told += [entry for life in lives for entry in facts_of(life, ("state", "agreement", "cost"))]
    told.append(("quantity in fills", _quantity(sources, fills)))
    children = [fill_evidence(sources, fill, "filled by") for fill in fills[: sources.limit]]
    rest = fills[sources.limit :]
    children += more_node(len(rest), "fills", (("quantity", _quantity(sources, rest)),))
    children += [event_node(sources, state["position"]) for state in states]
    name = order["order_id"] or f"{', '.join(order['statement_order_ids'])} of statements"
    return Node(f"order {name}", "order", tuple(told), tuple(children))


def _quantity(sources: Sources, fills: Sequence[Row]) -> str:
    """Return how much was filled: a cancel takes away; instruments are not added up."""
    by_name: dict[str, list[Row]] = {}
    for row in fills:
        by_name.setdefault(instrument_name(sources, row), []).append(row)
    sums = {
        name: abs(exact_sum(row["quantity"] * (1 if row["side"] == "buy" else -1) for row in rows))
        for name, rows in by_name.items()
    }
    if len(sums) <= 1:
        return value_text(sum(sums.values(), ZERO))
    return ", ".join(f"{value_text(quantity)} {name}" for name, quantity in sums.items())


def movement_node(sources: Sources, movement: Row) -> Node:
    """Explain money that came or went apart from trading."""
    title = f"{movement['category']} {movement['movement_id']}: {movement['status']}"
    told = [*facts_of(movement, movement)]
    told += cash_facts(sources, movement, movement["movement_id"])
    related = sources.rows(
        "SELECT * FROM cash_movement WHERE (venue, account, mode, action_id) = (?, ?, ?, ?)"
        " AND position <> ? ORDER BY created_at, movement_id",
        [*(movement[name] for name in (*OWNER, "action_id")), movement["position"]],
    )
    children = [event_node(sources, movement["position"])]
    children += [
        Node(
            f"of the same action: {row['category']} {row['movement_id']}",
            "cash",
            facts_of(row, ("direction", "amount", "currency", "created_at", "description")),
        )
        for row in related[: sources.limit]
    ]
    children += more_node(len(related) - sources.limit, "movements of the same action")
    return Node(title, "cash", tuple(told), tuple(children))


def instrument_node(sources: Sources, instrument: Row) -> Node:
    """Explain all that was done in an instrument, holding by holding."""
    own = [instrument["venue"], instrument["instrument_id"]]
    where = "WHERE (venue, instrument_id) = (?, ?)"
    tables = ("fill", "opening", "lot_match", "open_lot")
    held = " UNION ".join(
        f"SELECT venue, account, mode, subaccount FROM {table} {where}" for table in tables
    )
    holdings = sources.rows(f"{held} ORDER BY ALL", own * len(tables))
    settlements = sources.rows(
        f"SELECT position FROM settlement {where} ORDER BY account, mode", own
    )
    children = [_holding(sources, holding, instrument) for holding in holdings]
    children += [fact for row in settlements for fact in _settled(sources, row["position"])]
    children += _rearranged(sources, where, own)
    title = f"instrument {instrument['instrument_id']}"
    if instrument["venue"] == "ibkr":
        title += f": {instrument['symbol']}, {instrument['asset_class'] or 'of unknown sort'}"
    named = (name for name, value in instrument.items() if value != "")
    return Node(title, "instrument", facts_of(instrument, named), tuple(children))


def _settled(sources: Sources, position: int) -> list[Node]:
    (fact,) = fact_nodes(sources, [position])
    return [Node(fact.title, fact.kind, fact.facts, (event_node(sources, position),))]


def _rearranged(sources: Sources, where: str, own: list[object]) -> list[Node]:
    """Return what corporate actions and transfers did to an instrument."""
    actions = sources.rows(
        f"SELECT * FROM corporate_action {where} ORDER BY happened_at, account, row_id", own
    )
    moved = sources.rows(
        f"SELECT * FROM transfer {where} ORDER BY moved_at, account, transfer_id", own
    )
    names = ("account", "action_id", "happened_at", "proceeds", "currency", "description")
    nodes = [
        Node(action_title(sources, row), "corporate_action", facts_of(row, names))
        for row in actions[: sources.limit]
    ]
    nodes += more_node(len(actions) - sources.limit, "rows of corporate actions")
    nodes += [
        side_node(sources, Side("transfer", row), "moved by") for row in moved[: sources.limit]
    ]
    return nodes + more_node(len(moved) - sources.limit, "transfers")


def _holding(sources: Sources, holding: Row, instrument: Row) -> Node:
    names = ("venue", "account", "mode", "subaccount")
    own = [*(holding[name] for name in names), instrument["instrument_id"]]
    holding_is = "(venue, account, mode, subaccount, instrument_id) = (?, ?, ?, ?, ?)"
    by_trade = trade_figures(sources, holding_is, own)
    # what a merger carried here belongs to the round trip that went into it
    trades = sources.rows(
        f"SELECT * FROM trade WHERE ({holding_is}) OR ((venue, account, mode) = (?, ?, ?)"
        " AND trade_id IN (SELECT unnest(?))) ORDER BY opened_at, trade_id",
        [*own, *own[:3], list(by_trade)],
    )
    everywhere = trade_figures(
        sources,
        "(venue, account, mode) = (?, ?, ?) AND trade_id IN (SELECT unnest(?))",
        [*own[:3], [trade["trade_id"] for trade in trades]],
    )
    parts = []
    for trade in trades:
        assert_trade(trade, everywhere.get(trade["trade_id"], total(())))
        figures = by_trade.pop(trade["trade_id"], total(()))
        title = f"trade {trade['trade_id']}"
        if trade["instrument_id"] != instrument["instrument_id"]:
            title += f", begun in {instrument_name(sources, trade)}"
        parts.append((figures, Node(title, "trade", figures.facts())))
    assert not by_trade, f"lots of no trade: {by_trade}"
    whole, children = ranked(parts, sources.limit, "trades")
    held = sources.rows(
        f"SELECT quantity, average_price, cost, currency FROM position WHERE {holding_is}", own
    )
    told = [*whole.facts(), *(fact for row in held for fact in facts_of(row, row))]
    if held and held[0]["cost"] is None:
        told.append(("cost", "basis missing of a part"))
    title = f"{owner_of(holding)}, subaccount {holding['subaccount']}"
    before = _before(sources, holding_is, own)
    return Node(title, "holding", tuple(told), (*children, *before))


def _before(sources: Sources, holding_is: str, own: list[object]) -> list[Node]:
    """Return what was held before the ledger's first row, and conversions, which are no trades."""
    openings = sources.rows(f"SELECT * FROM opening WHERE {holding_is}", own)
    fills = sources.rows(
        f"SELECT * FROM fill WHERE {holding_is} AND asset_class = 'CASH'"
        " ORDER BY executed_at, fill_id",
        own,
    )
    nodes = [side_node(sources, Side("opening", row), "opened by") for row in openings]
    nodes += [
        Node(fill_title(sources, row), "fill", fill_facts(sources, row))
        for row in fills[: sources.limit]
    ]
    return nodes + more_node(len(fills) - sources.limit, "conversions")


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
    """Explain one strategy and family of a day: rows of daily_pnl, known and unknown apart."""
    published = total(_published(row) for row in rows)
    condition, parameters = cell_lots(rows[0])
    whole, nodes = lot_nodes(sources, condition, parameters, deep=deep)
    assert whole == published, f"daily_pnl says {published}, its lots {whole}"
    title = f"{rows[0]['strategy']}/{rows[0]['family']}"
    return published, Node(title, "cell", published.facts(), nodes)


def _published(row: Row) -> Figures:
    """Return a row of daily_pnl as figures: all of its lots are known, or none."""
    pending, missing = row["fee_state"] == "pending", row["basis_state"] == "missing"
    return Figures(
        lots=row["lots"],
        pending=row["lots"] if pending else 0,
        missing=row["lots"] if missing else 0,
        unknown=row["lots"] if pending or missing else 0,
        gross=ZERO if missing else row["realized_gross"],
        fees=ZERO if pending else row["fees"],
        net=ZERO if pending or missing else row["realized_net"],
    )
