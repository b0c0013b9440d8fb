"""The upper half of `explain`: what the user named, as a tree.

At every level the figures shown are the sum of those below, what the limit cuts off included as
"n more"; that is asserted, not hoped for. A walk goes down to the recorded bytes where one thing
was asked for (a fill, a trade, one cell of a day); of many things it shows figures, and each can be
asked for in turn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from domain.facts import Fill
from domain.kinds import BY_NAME
from domain.statements import Commission
from replay.explain.evidence import (
    cash_facts,
    event_node,
    facts_of,
    instrument_name,
    more_rows,
    owner_of,
)
from replay.explain.executions import fact_node, fact_nodes, fill_evidence
from replay.explain.lots import (
    assert_trade,
    figures_query,
    open_lots,
    ranked,
    rest_node,
    trade_figures,
)
from replay.explain.nodes import ZERO, Figures, Node, exact_sum, total, value_text
from replay.explain.origins import Side, action_title, side_node
from replay.explain.sources import OWN, OWNER, Row, Sources, equal, owner_is, owner_values

_HOLDING: Final = equal(*OWNER, "subaccount", "instrument_id")


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
    where = {"fill_id": unquote(rest[-1]), "venue": venue, "account": account, "mode": mode}
    return [
        fact_node(sources, "fill", row)
        for row in sources.find("fill", where)
        if row["position"] not in positions
    ]


def _numbers(sources: Sources, order: Row) -> list[str]:
    """Return by which numbers statements call an order, and it alone."""
    if order["order_id"] is None:
        return [order["asked"]]
    rows = sources.rows(
        f"SELECT statement_order_id FROM fill WHERE {OWN} AND statement_order_id IN"
        f" (SELECT statement_order_id FROM fill WHERE {OWN} AND order_id = ?)"
        " GROUP BY statement_order_id HAVING count(DISTINCT order_id) = 1"
        " ORDER BY statement_order_id",
        [*owner_values(order), *owner_values(order), order["order_id"]],
    )
    return [row["statement_order_id"] for row in rows]


def order_node(sources: Sources, order: Row) -> Node:
    """Explain an order: its state, its fills, their bytes.

    Statements of IBKR number orders in their own way: `statement_order_id`. Where a fill is known
    under both numbers, the rows that only statements tell of belong to the order too.
    """
    owner, numbers = owner_is(order), _numbers(sources, order)
    states, lives = (
        sources.find(table, {**owner, "order_id": order["order_id"]})
        for table in ("order_state", "order_life")
    )
    fills = sources.rows(
        f"SELECT * FROM fill WHERE {OWN} AND (order_id = ? OR ((order_id IS NULL OR ? IS NULL)"
        " AND statement_order_id IN (SELECT unnest(?::VARCHAR[]))))"
        " ORDER BY executed_at, fill_id",
        [
            *owner_values(order),
            order["order_id"],
            order["order_id"],
            numbers,
        ],
    )
    told = [entry for state in states for entry in facts_of(state, state)]
    if numbers:
        told.append(("statement_order_id", ", ".join(numbers)))
    told += [entry for life in lives for entry in facts_of(life, ("state", "agreement", "cost"))]
    told.append(("quantity in fills", _quantity(sources, fills)))
    children = [fill_evidence(sources, fill, "filled by") for fill in fills[: sources.limit]]
    rest = fills[sources.limit :]
    children += more_rows(sources, fills, "fills", (("quantity", _quantity(sources, rest)),))
    children += [event_node(sources, state["position"]) for state in states]
    name = order["order_id"] or f"{', '.join(numbers)} of statements"
    return Node(f"order {name}", "order", tuple(told), tuple(children), order.query)


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
    same = {**owner_is(movement), "action_id": movement["action_id"]}
    related = [
        row
        for row in sources.find("cash_movement", same, "created_at, movement_id")
        if row["position"] != movement["position"]
    ]
    children = [event_node(sources, movement["position"])]
    children += [
        Node(
            f"of the same action: {row['category']} {row['movement_id']}",
            "cash",
            facts_of(row, ("direction", "amount", "currency", "created_at", "description")),
            query=row.query,
        )
        for row in related[: sources.limit]
    ]
    children += more_rows(sources, related, "movements of the same action")
    return Node(title, "cash", tuple(told), tuple(children), movement.query)


def instrument_node(sources: Sources, instrument: Row) -> Node:
    """Explain all that was done in an instrument, holding by holding."""
    own = {"venue": instrument["venue"], "instrument_id": instrument["instrument_id"]}
    children = [
        *(holding_node(sources, row) for row in holdings_of(sources, own)),
        *_settled(sources, own),
        *_rearranged(sources, own),
    ]
    title = f"instrument {instrument['instrument_id']}"
    if instrument["venue"] == "ibkr":
        title += f": {instrument['symbol']}, {instrument['asset_class'] or 'of unknown sort'}"
    named = (name for name, value in instrument.items() if value != "")
    told = facts_of(instrument, named)
    return Node(title, "instrument", told, tuple(children), instrument.query)


def holdings_of(sources: Sources, where: Mapping[str, object]) -> list[Row]:
    """Return by whom an instrument is or was held: account, subaccount and instrument."""
    names = ", ".join((*OWNER, "subaccount", "instrument_id"))
    tables = ("fill", "opening", "lot_match", "open_lot")
    held = " UNION ".join(f"SELECT {names} FROM {table} WHERE {equal(*where)}" for table in tables)
    return sources.rows(f"{held} ORDER BY ALL", [*where.values()] * len(tables))


def _settled(sources: Sources, own: Mapping[str, object]) -> list[Node]:
    rows = sources.find("settlement", own, "account, mode, position")
    return [
        replace(
            fact_node(sources, "settlement", row),
            children=(event_node(sources, row["position"]),),
        )
        for row in rows
    ]


def _rearranged(sources: Sources, own: Mapping[str, object]) -> list[Node]:
    """Return what corporate actions and transfers did to an instrument."""
    actions = sources.find("corporate_action", own, "happened_at, account, row_id")
    moved = sources.find("transfer", own, "moved_at, account, transfer_id")
    names = ("account", "action_id", "happened_at", "proceeds", "currency", "description")
    nodes = [
        Node(
            action_title(sources, row),
            "corporate_action",
            facts_of(row, names),
            query=row.query,
        )
        for row in actions[: sources.limit]
    ]
    nodes += more_rows(sources, actions, "rows of corporate actions")
    nodes += [
        side_node(sources, Side("transfer", row), "moved by") for row in moved[: sources.limit]
    ]
    return nodes + more_rows(sources, moved, "transfers")


def holding_node(sources: Sources, holding: Row, *, deep: bool = False) -> Node:
    """Explain what an account did in an instrument: its round trips, and what is held now.

    With `deep` what is held is followed to the bytes of what opened it.
    """
    own = [holding[name] for name in (*OWNER, "subaccount", "instrument_id")]
    by_trade = trade_figures(sources, _HOLDING, own)
    # what a merger carried here belongs to the round trip that went into it
    trades = sources.rows(
        f"SELECT * FROM trade WHERE ({_HOLDING})"
        f" OR ({OWN} AND trade_id IN (SELECT unnest(?::VARCHAR[])))"
        " ORDER BY opened_at, trade_id",
        [*own, *own[:3], list(by_trade)],
    )
    everywhere = trade_figures(
        sources,
        f"{OWN} AND trade_id IN (SELECT unnest(?::VARCHAR[]))",
        [*own[:3], [trade["trade_id"] for trade in trades]],
    )
    parts = []
    for trade in trades:
        assert_trade(trade, everywhere.get(trade["trade_id"], total(())))
        parts.append((by_trade.pop(trade["trade_id"], total(())), trade))
    assert not by_trade, f"lots of no trade: {by_trade}"
    whole = total(figures for figures, _ in parts)
    children = _trades(sources, holding, parts)
    where = {**owner_is(holding), "subaccount": own[3], "instrument_id": own[4]}
    held = sources.find("position", where)
    names = ("quantity", "average_price", "cost", "currency")
    told = [*whole.facts(), *(fact for row in held for fact in facts_of(row, names))]
    if held and held[0]["cost"] is None:
        told.append(("cost", "basis missing of a part"))
    title = f"{owner_of(holding)}, subaccount {holding['subaccount']}"
    children += open_lots(sources, _HOLDING, own, deep=deep)
    children += _before(sources, where)
    return Node(title, "holding", tuple(told), tuple(children), holding.query)


def _trades(sources: Sources, holding: Row, parts: Sequence[tuple[Figures, Row]]) -> list[Node]:
    """Return the round trips of a holding, by the lots that they have in it."""
    own = [holding[name] for name in (*OWNER, "subaccount", "instrument_id")]
    shown, rest = ranked(parts, sources.limit)
    nodes = []
    for figures, trade in shown:
        title = f"trade {trade['trade_id']}"
        if trade["instrument_id"] != holding["instrument_id"]:
            title += f", begun in {instrument_name(sources, trade)}"
        query = figures_query(f"{_HOLDING} AND trade_id = ?", [*own, trade["trade_id"]])
        nodes.append(Node(title, "trade", figures.facts(), query=query))
    others = f"{_HOLDING} AND trade_id NOT IN (SELECT unnest(?::VARCHAR[]))"
    ids = [trade["trade_id"] for _, trade in shown]
    return nodes + rest_node(rest, "trades", figures_query(others, [*own, ids]))


def _before(sources: Sources, where: Mapping[str, object]) -> list[Node]:
    """Return what was held before the ledger's first row, and conversions, which are no trades."""
    openings = sources.find("opening", where)
    conversions = {**where, "asset_class": "CASH"}
    fills = sources.find("fill", conversions, "executed_at, fill_id")
    nodes = [side_node(sources, Side("opening", row), "opened by") for row in openings]
    nodes += [fact_node(sources, "fill", row) for row in fills[: sources.limit]]
    return nodes + more_rows(sources, fills, "conversions")
