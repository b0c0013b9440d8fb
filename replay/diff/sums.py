"""Sums of money that are no P&L, in two projections: cash by cause, cost of what is open."""

from collections.abc import Collection
from dataclasses import replace
from typing import Final, TypeAlias

from domain.columns import Table, columns_of
from domain.holdings import OpenLot
from domain.results import CashEntry
from replay.diff.evidence import LEAST_POSITIONS, Asked, Explained, explain
from replay.diff.lines import Sum
from replay.diff.rows import suspects
from replay.diff.sides import ACCOUNT, NAMES, Pair

_SAMPLE_LOTS: Final = 10
_Name: TypeAlias = tuple[str, str, str]


def has_cash(pair: Pair) -> bool:
    """Say whether the cash of both files can be compared."""
    return pair.both_hold(CashEntry, *_key(CashEntry), "amount", "position")


def has_open_lots(pair: Pair) -> bool:
    """Say whether the open lots of both files can be compared."""
    return pair.both_hold(OpenLot, *_key(OpenLot), "strategy", "currency", "cost")


def cash(pair: Pair, differing: Collection[str], limit: int) -> tuple[Sum, ...]:
    """Compare cash by cause; the positions are of the largest entries that differ."""
    table = CashEntry.table
    told = _entries(pair, max(limit, LEAST_POSITIONS)) if table in differing else {}
    return tuple(
        _explained(one, told.get((one.account, one.currency, one.name)))
        for one in _sums(pair, table, "cause", "amount")
    )


def open_cost(pair: Pair, differing: Collection[str], limit: int) -> tuple[Sum, ...]:
    """Compare the cost of open lots by strategy; the positions are of the largest that differ."""
    table = OpenLot.table
    lots = _lots(pair) if table in differing else {}
    asked = [Asked(own, by_strategy=True) for own in lots.values()]
    told = dict(zip(lots, explain(pair, asked, limit), strict=True))
    return tuple(
        _explained(one, told.get((one.account, one.currency, one.name)))
        for one in _sums(pair, table, "strategy", "cost")
    )


def _explained(one: Sum, told: Explained | None) -> Sum:
    if told is None:
        return one
    return replace(one, positions=told.positions, positions_more=told.more)


def _key(model: type[Table]) -> list[str]:
    return [column.name for column in columns_of(model) if column.identity]


def _sums(pair: Pair, table: str, by: str, amount: str) -> list[Sum]:
    sides = " UNION ALL ".join(
        f"SELECT {ACCOUNT}, currency, {by}, "
        f"{amount if name == 'before' else 'NULL'} AS was, "
        f"{amount if name == 'after' else 'NULL'} AS now, "
        f"{int(name == 'before')} AS one_before, {int(name == 'after')} AS one_after "
        f"FROM {name}.{table}"
        for name in NAMES
    )
    rows = pair.connection.execute(
        f"SELECT account, currency, {by}, coalesce(sum(was), 0), coalesce(sum(now), 0), "
        f"sum(one_before)::BIGINT, sum(one_after)::BIGINT FROM ({sides}) "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [Sum(*row) for row in rows]


def _suspected(model: type[Table], by: str, amount: str, told: str) -> str:
    """Return a query of what is told of the rows that may differ, before negative, by name."""
    return " UNION ALL ".join(
        f"SELECT {ACCOUNT}, currency, {by} AS name, {told} AS told, {sign} AS side, "
        f"{sign} * coalesce({amount}, 0) AS amount "
        f"FROM {name}.{model.table} WHERE hash({', '.join(_key(model))}) IN "
        f"(SELECT key_hash FROM {suspects(model.table)})"
        for name, sign in zip(NAMES, (-1, 1), strict=True)
    )


def _entries(pair: Pair, limit: int) -> dict[_Name, Explained]:
    """Return the positions of the entries that only one file has; all where both have the same."""
    entries = _suspected(CashEntry, "cause", "amount", "position")
    rows = pair.connection.execute(
        "SELECT account, currency, name, count(*), "
        f"max({{'size': size, 'position': told}}, {limit}) FROM ("
        "SELECT account, currency, name, told, max(abs(amount)) AS size, "
        f"count(DISTINCT side) = 1 AS alone FROM ({entries}) "
        "WHERE told IS NOT NULL GROUP BY account, currency, name, told "
        "QUALIFY alone OR NOT bool_or(alone) OVER (PARTITION BY account, currency, name)"
        ") GROUP BY account, currency, name"
    ).fetchall()
    return {
        (account, currency, name): Explained(
            tuple(sorted(one["position"] for one in largest)), count - len(largest)
        )
        for account, currency, name, count, largest in rows
    }


def _lots(pair: Pair) -> dict[_Name, tuple[int, ...]]:
    """Return the lots that moved the cost of each strategy most."""
    lots = _suspected(OpenLot, "strategy", "cost", f"hash({', '.join(_key(OpenLot))})")
    rows = pair.connection.execute(
        "SELECT account, currency, name, "
        f"max({{'size': abs(moved), 'lot': told}}, {_SAMPLE_LOTS}) FROM ("
        f"SELECT account, currency, name, told, sum(amount) AS moved FROM ({lots}) "
        "GROUP BY ALL HAVING sum(amount) <> 0) GROUP BY account, currency, name"
    ).fetchall()
    return {
        (account, currency, name): tuple(one["lot"] for one in largest)
        for account, currency, name, largest in rows
    }
