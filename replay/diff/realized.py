"""Realized P&L of two projections: in total, by strategy, family, day, cell and trade.

Sums before and after are those of `daily_pnl`; what a trade moved is the sum over its lots that
differ. Every figure is computed by the engine in DECIMAL, so the parts add up to the total exactly.
Accounts, modes and currencies are never added up.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from domain.holdings import LotMatch
from domain.results import DailyPnl, Instrument
from replay.amounts import Amounts
from replay.diff.evidence import LOT_KEY, Asked, Explained, explain
from replay.diff.lines import Line, Money
from replay.diff.sides import ACCOUNT, NAMES, Pair

_SAMPLE_LOTS: Final = 10
# A lot that is only pending, or no longer, moves a line too, less than any money.
_LEAST_SIZE: Final = "0.00000000000000000001"
_FIGURES: Final = ("gross", "fees", "net", "lots_pending")
_DAILY: Final = (
    "day", "venue", "account", "mode", "strategy", "family", "currency", "fee_state",
    "basis_state", "lots", "realized_gross", "fees", "realized_net",
)  # fmt: skip
_LOTS: Final = (
    *LOT_KEY, "trade_id", "strategy", "basis_state", "fee_state", "realized_gross", "fees",
    "realized_net", "currency", "closed_at",
)  # fmt: skip


def has_days(pair: Pair) -> bool:
    """Say whether the days of both files can be compared."""
    return pair.both_hold(DailyPnl, *_DAILY)


def has_lots(pair: Pair) -> bool:
    """Say whether the lots of both files can be compared."""
    return pair.both_hold(LotMatch, *_LOTS) and pair.both_hold(Instrument, "family")


def realized(pair: Pair, found: Money, limit: int) -> Money:
    """Add the lines of realized P&L."""
    keep_daily(pair)
    with_lots = has_lots(pair)
    _keep_lots(pair, with_lots=with_lots)
    kinds = {
        "totals": _lines(pair, (), limit, every=True),
        "strategies": _lines(pair, ("strategy",), limit, every=True),
        "families": _lines(pair, ("family",), limit, every=False),
        "days": _lines(pair, ("day",), limit, every=True),
        "cells": _lines(pair, ("day", "strategy", "family"), limit, every=False),
        "trades": _trades(pair, limit) if with_lots else [],
    }
    asked = [
        Asked(lots, by_strategy="strategy" in dict(line.names))
        for lines in kinds.values()
        for line, lots in lines
    ]
    told = iter(explain(pair, asked, limit))
    made = {
        kind: tuple(_explained(line, next(told)) for line, _ in lines)
        for kind, lines in kinds.items()
    }
    return replace(
        found,
        totals=made["totals"],
        strategies=made["strategies"],
        families=made["families"],
        days=made["days"],
        cells=made["cells"],
        trades=made["trades"],
        moved=_moved(pair),
    )


def _explained(line: Line, told: Explained) -> Line:
    return replace(line, positions=told.positions, positions_more=told.more)


def keep_daily(pair: Pair) -> None:
    """Keep the cells of both files, with the side that they are of."""
    sides = " UNION ALL ".join(
        f"SELECT '{name}' AS side, day::VARCHAR AS day, {ACCOUNT}, strategy, family, currency, "
        "hash(venue, account, mode, strategy, family, currency) AS pocket, "
        "coalesce(realized_gross, 0) AS gross, "
        "CASE WHEN basis_state = 'known' THEN coalesce(fees, 0) ELSE 0 END AS fees, "
        "coalesce(realized_net, 0) AS net, "
        "CASE WHEN fee_state = 'pending' OR basis_state = 'missing' THEN lots ELSE 0 END "
        f"AS lots_pending FROM {name}.daily_pnl"
        for name in NAMES
    )
    pair.connection.execute(f"CREATE OR REPLACE TEMP TABLE daily AS {sides}")
    pair.connection.execute(
        "CREATE OR REPLACE TEMP TABLE pocket AS "
        "SELECT DISTINCT pocket, account, currency, strategy, family FROM daily"
    )


def _keep_lots(pair: Pair, *, with_lots: bool) -> None:
    """Keep the lots that differ in money, strategy, family, day or trade; before is negative."""
    same = pair.same_content("lot_match", "instrument")
    sides = " UNION ALL ".join(
        _lots_of(name, sign) for name, sign in (("before", -1), ("after", 1))
    )
    columns = (
        "0::UBIGINT AS lot, 0 AS side, 0::UBIGINT AS pocket, 0::UBIGINT AS whose, "
        "0::UBIGINT AS amounts, '' AS day, 0::UBIGINT AS trade, "
        "0 AS gross, 0 AS fees, 0 AS net, 0 AS lots_pending"
    )
    told = f"SELECT {columns} WHERE false" if same or not with_lots else sides
    pair.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE differing_lot AS WITH told AS ({told}) "
        "SELECT lot, day::VARCHAR AS day, * EXCLUDE (lot, day) FROM told WHERE lot IN ("
        "SELECT lot FROM told GROUP BY lot HAVING sum(side) <> 0 OR sum(gross) <> 0 "
        "OR sum(fees) <> 0 OR sum(net) <> 0 "
        "OR sum(side * hash(pocket, amounts, day, trade, abs(lots_pending))::HUGEINT) <> 0)"
    )


def _lots_of(name: str, sign: int) -> str:
    told = "-" if sign < 0 else ""
    key = ", ".join(f"l.{column}" for column in LOT_KEY)
    pending = "l.fee_state = 'pending' OR l.basis_state = 'missing'"
    return (
        f"SELECT hash({key}) AS lot, {sign} AS side, "
        "hash(l.venue, l.account, l.mode, l.strategy, i.family, l.currency) AS pocket, "
        "hash(l.strategy) AS whose, "
        "hash(l.currency, l.realized_gross, l.fees, l.realized_net) AS amounts, "
        "l.closed_at::DATE AS day, "
        "hash(l.venue, l.account, l.mode, l.trade_id, l.currency) AS trade, "
        f"{told}coalesce(l.realized_gross, 0) AS gross, "
        f"{told}CASE WHEN l.basis_state = 'known' THEN coalesce(l.fees, 0) ELSE 0 END AS fees, "
        f"{told}coalesce(l.realized_net, 0) AS net, "
        f"CASE WHEN {pending} THEN {sign} ELSE 0 END AS lots_pending "
        f"FROM {name}.lot_match AS l "
        f"INNER JOIN {name}.instrument AS i USING (venue, instrument_id)"
    )


_Found: TypeAlias = list[tuple[Line, tuple[int, ...]]]


def _lines(pair: Pair, names: tuple[str, ...], limit: int, *, every: bool) -> _Found:
    """Return the sums by some names, each with the lots that moved it most.

    Not `every` line: only those that moved, the largest first, `limit` of them.
    """
    by = ", ".join(("account", "currency", *names))
    sums = ", ".join(
        f"coalesce(sum({one}) FILTER (side = '{side}'), 0) AS {one}_{side}"
        for side in NAMES
        for one in _FIGURES
    )
    size = " + ".join(f"abs({one}_after - {one}_before)" for one in _FIGURES)
    pair.connection.execute(
        "CREATE OR REPLACE TEMP TABLE line AS "
        f"SELECT *, row_number() OVER (ORDER BY size DESC, {by}) AS place FROM ("
        f"SELECT *, {size} AS size FROM (SELECT {by}, {sums} FROM daily GROUP BY {by})) "
        + ("" if every else f"WHERE size > 0 QUALIFY place <= {limit}")
    )
    figures = ", ".join(f"{one}_{side}" for side in NAMES for one in _FIGURES)
    rows = pair.connection.execute(f"SELECT {by}, place, {figures} FROM line").fetchall()
    lots = _largest_lots(pair, by)
    found: list[tuple[int, Line, tuple[int, ...]]] = []
    for account, currency, *rest in sorted(rows, key=lambda row: row[: len(names) + 2]):
        told, place, values = rest[: len(names)], rest[len(names)], rest[len(names) + 1 :]
        was, now, largest = lots.get(place, (0, 0, ()))
        line = Line(
            account,
            currency,
            tuple(zip(names, told, strict=True)),
            _amounts(values[: len(_FIGURES)]),
            _amounts(values[len(_FIGURES) :]),
            was,
            now,
        )
        found.append((place, line, largest))
    if not every:
        found.sort(key=lambda one: one[0])
    return [(line, largest) for _, line, largest in found]


def _largest_lots(pair: Pair, by: str) -> dict[int, tuple[int, int, tuple[int, ...]]]:
    rows = pair.connection.execute(
        _largest(
            f"SELECT place AS line, d.* FROM differing_lot AS d INNER JOIN pocket USING (pocket) "
            f"INNER JOIN line USING ({by})"
        )
    ).fetchall()
    return {place: (was, now, _lots_among(largest)) for place, was, now, largest in rows}


def _largest(lots: str) -> str:
    """Return a query of the lots that each line had and has, and which of them moved it most."""
    sums = ", ".join(f"sum({one}) AS {one}" for one in _FIGURES)
    moved = f"abs(gross) + abs(fees) + abs(net) + {_LEAST_SIZE} * abs(lots_pending)"
    return (
        "SELECT line, sum(was)::BIGINT, sum(now)::BIGINT, "
        f"max({{'size': {moved}, 'lot': lot}}, {_SAMPLE_LOTS}) FILTER ({moved} > 0) "
        f"FROM (SELECT line, lot, {sums}, count(*) FILTER (side < 0) AS was, "
        f"count(*) FILTER (side > 0) AS now FROM ({lots}) GROUP BY line, lot) GROUP BY line"
    )


def _lots_among(largest: Sequence[Any] | None) -> tuple[int, ...]:
    return tuple(one["lot"] for one in largest or ())


def _trades(pair: Pair, limit: int) -> _Found:
    """Return the trades that moved most; what moved is the sum over their lots that differ."""
    pair.connection.execute(
        "CREATE OR REPLACE TEMP TABLE moved_trade AS "
        "SELECT trade AS line, abs(sum(gross)) + abs(sum(fees)) + abs(sum(net)) AS size "
        "FROM differing_lot GROUP BY trade HAVING sum(gross) <> 0 OR sum(fees) <> 0 "
        f"OR sum(net) <> 0 OR sum(lots_pending) <> 0 ORDER BY size DESC, trade LIMIT {limit}"
    )
    lots = "SELECT d.trade AS line, d.* FROM differing_lot AS d"
    rows = pair.connection.execute(
        f"SELECT found.* FROM ({_largest(lots)}) AS found INNER JOIN moved_trade USING (line) "
        "ORDER BY size DESC, line"
    ).fetchall()
    if not rows:
        return []
    sides = " UNION ALL ".join(
        f"SELECT '{name}' AS side, hash(venue, account, mode, trade_id, currency) AS trade, "
        f"{ACCOUNT}, currency, trade_id, instrument_id, coalesce(realized_gross, 0) AS gross, "
        "CASE WHEN basis_state = 'known' THEN coalesce(fees, 0) ELSE 0 END AS fees, "
        "coalesce(realized_net, 0) AS net, "
        "(fee_state = 'pending' OR basis_state = 'missing')::INTEGER AS lots_pending "
        f"FROM {name}.lot_match WHERE hash(venue, account, mode, trade_id, currency) "
        "IN (SELECT unnest($trades::UBIGINT[]))"
        for name in NAMES
    )
    sums = ", ".join(
        f"coalesce(sum({one}) FILTER (side = '{side}'), 0)" for side in NAMES for one in _FIGURES
    )
    named = pair.connection.execute(
        "SELECT trade, min(account), min(currency), min(trade_id), min(instrument_id), "
        f"{sums} FROM ({sides}) GROUP BY trade",
        {"trades": [row[0] for row in rows]},
    ).fetchall()
    by_trade = {trade: rest for trade, *rest in named}
    return [_trade(by_trade[trade], was, now, largest) for trade, was, now, largest in rows]


def _trade(
    told: Sequence[Any], was: int, now: int, largest: Sequence[Any] | None
) -> tuple[Line, tuple[int, ...]]:
    account, currency, trade_id, instrument_id, *values = told
    line = Line(
        account,
        currency,
        (("trade", trade_id), ("instrument", instrument_id)),
        _amounts(values[: len(_FIGURES)]),
        _amounts(values[len(_FIGURES) :]),
        was,
        now,
    )
    return line, _lots_among(largest)


def _amounts(values: Sequence[Any]) -> Amounts:
    gross, fees, net, pending = values
    return Amounts(gross, fees, net, int(pending))


def _moved(pair: Pair) -> tuple[tuple[str, int], ...]:
    """Count what moved."""
    sums = " OR ".join(
        f"sum(CASE side WHEN 'after' THEN {one} ELSE -{one} END) <> 0" for one in _FIGURES
    )
    counts = {
        kind: f"SELECT account, currency, {by} FROM daily GROUP BY ALL HAVING {sums}"
        for kind, by in (
            ("families", "family"), ("days", "day"), ("cells", "day, strategy, family"),
        )
    }  # fmt: skip
    counts["trades"] = (
        "SELECT trade FROM differing_lot GROUP BY trade HAVING sum(gross) <> 0 "
        "OR sum(fees) <> 0 OR sum(net) <> 0 OR sum(lots_pending) <> 0"
    )
    counts["lots"] = (
        "SELECT lot FROM differing_lot GROUP BY lot HAVING sum(side * amounts::HUGEINT) <> 0"
    )
    counts["lots_reassigned"] = (
        "SELECT lot FROM differing_lot GROUP BY lot "
        "HAVING count(DISTINCT side) = 2 AND sum(side * whose::HUGEINT) <> 0"
    )
    asked = ", ".join(f"(SELECT count(*) FROM ({query}))" for query in counts.values())
    ((*found,),) = pair.connection.execute(f"SELECT {asked}").fetchall()
    return tuple(zip(counts, map(int, found), strict=True))
