"""Log positions that explain why a lot is otherwise in another projection.

What a lot rests on is looked up in both files, and what only one of them rests on explains the
change. What each position is of decides how near it stands, not its age:

    own       its fills in all they tell, their commissions, what closed it
    holding   a late fill moves all lots behind it: fills, settlements, corporate actions and
              transfers of the holding, where the lot is made or measured otherwise
    claim     a word of the operator, where the lot counts for another strategy
    told      orders and decisions, likewise

Where both files rest on the same events, other rules or other code read them otherwise, and all
that the lot itself rests on is told.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from projections.sql import identifier
from replay.diff.sides import NAMES, Pair

LEAST_POSITIONS: Final = 5
"""As many positions a line tells, however few examples are asked for."""

_HOLDING: Final = "venue, account, mode, instrument_id"
_FILL: Final = "venue, account, mode, fill_id"
LOT_KEY: Final = (
    "venue", "account", "mode", "subaccount", "instrument_id", "open_fill_id", "close_id",
)  # fmt: skip
OPEN_KEY: Final = LOT_KEY[:-1]
_OWN, _OF_HOLDING, _CLAIM, _TOLD, _TOLD_OF_HOLDING = range(5)
# How near, table, its column with positions, whether that is a list.
_OF_FILLS: Final = (
    (_OWN, "fill", "position", False),
    (_OWN, "commission", "position", False),
    (_OWN, "set_aside", "position", False),
    (_OWN, "carried_premium", "position", False),
    (_CLAIM, "attribution_claim", "position", False),
    (_TOLD, "fill", "client_order_position", False),
    (_TOLD, "attribution", "evidence_positions", True),
)
_OF_HOLDINGS: Final = (
    (_OF_HOLDING, "fill", "position"),
    (_OF_HOLDING, "settlement", "position"),
    (_OF_HOLDING, "set_aside", "position"),
    (_OF_HOLDING, "opening", "position"),
    (_OF_HOLDING, "corporate_action", "position"),
    (_OF_HOLDING, "transfer", "position"),
    (_TOLD_OF_HOLDING, "fill", "client_order_position"),
)
# What a lot is, without whose it is and what it cost in fees.
_MEASURES: Final = (
    "close_kind", "trade_id", "direction", "quantity", "open_price", "close_price", "multiplier",
    "rounding", "premium", "basis_state", "opened_at", "closed_at",
)  # fmt: skip
_LOTS: Final = (("lot_match", LOT_KEY, "close_id"), ("open_lot", OPEN_KEY, "NULL"))


@dataclass(frozen=True, slots=True)
class Asked:
    """A line that some lots explain, which are named by the hashes of their keys.

    A lot is a row of `lot_match`, or of `open_lot`. `by_strategy` says whether the line changes
    where a lot counts for another strategy.
    """

    lots: Sequence[int]
    by_strategy: bool


@dataclass(frozen=True, slots=True)
class Explained:
    """Positions that explain a line, the nearest first, and how many more there are."""

    positions: tuple[int, ...] = ()
    more: int = 0


def explain(pair: Pair, lines: Sequence[Asked], limit: int) -> list[Explained]:
    """Return for each line the positions that explain its lots, `limit` of them but at least 5."""
    found = [Explained()] * len(lines)
    if not any(line.lots for line in lines):
        return found
    _ask(pair, lines)
    _tell(pair)
    rows = pair.connection.execute(
        "WITH told AS ("
        "SELECT line, position, bool_or(by_strategy) AS by_strategy, min(near) AS near FROM ("
        "SELECT line, by_strategy, near, position "
        "FROM asked_line INNER JOIN lot_evidence USING (lot) UNION ALL "
        "SELECT line, by_strategy, near, position "
        "FROM line_holding INNER JOIN holding_evidence USING (holding, near)"
        ") GROUP BY line, position), "
        "used AS (SELECT * FROM told "
        f"QUALIFY by_strategy OR near <= {_OF_HOLDING} "
        f"OR NOT bool_or(near <= {_OF_HOLDING}) OVER (PARTITION BY line)) "
        "SELECT line, count(*), "
        f"min({{'near': near, 'newest': -position}}, {max(limit, LEAST_POSITIONS)}) "
        "FROM used GROUP BY line"
    ).fetchall()
    for line, count, nearest in rows:
        ordered = sorted((one["near"], -one["newest"]) for one in nearest)
        positions = tuple(position for _, position in ordered)
        found[line] = Explained(positions, count - len(positions))
    return found


def _ask(pair: Pair, lines: Sequence[Asked]) -> None:
    """Keep the lots of the lines, what both files hold of them, and their fills and holdings."""
    pairs = [
        (number, lot, line.by_strategy) for number, line in enumerate(lines) for lot in line.lots
    ]
    numbers, lots, by_strategy = (list(values) for values in zip(*pairs, strict=True))
    pair.connection.execute(
        "CREATE OR REPLACE TEMP TABLE asked_line AS SELECT unnest($lines::BIGINT[]) AS line, "
        "unnest($lots::UBIGINT[]) AS lot, unnest($by_strategy::BOOLEAN[]) AS by_strategy",
        {"lines": numbers, "lots": lots, "by_strategy": by_strategy},
    )
    parts = [
        f"SELECT hash({', '.join(key)}) AS lot, '{name}' AS side, {', '.join(OPEN_KEY)}, "
        f"{close} AS close_id, {_hash_of_both(pair, table, _MEASURES)} AS measures, "
        f"{_hash_of_both(pair, table, ('strategy',))} AS strategy, hash({_HOLDING}) AS holding "
        f"FROM {name}.{table} WHERE hash({', '.join(key)}) IN (SELECT lot FROM asked_line)"
        for table, key, close in _LOTS
        if pair.both_have(table, *key)
        for name in NAMES
    ]
    pair.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE asked_lot AS {' UNION ALL '.join(parts)}"
    )
    pair.connection.execute(
        "CREATE OR REPLACE TEMP TABLE asked_fill AS "
        "SELECT lot, venue, account, mode, open_fill_id AS fill_id FROM asked_lot "
        "UNION SELECT lot, venue, account, mode, close_id FROM asked_lot WHERE close_id IS NOT NULL"
    )
    pair.connection.execute(
        "CREATE OR REPLACE TEMP TABLE asked_holding AS "
        f"SELECT DISTINCT holding, {_HOLDING} FROM asked_lot"
    )


def _hash_of_both(pair: Pair, table: str, columns: Sequence[str]) -> str:
    kept = [identifier(column) for column in columns if pair.both_have(table, column)]
    return f"hash({', '.join(kept)})" if kept else "0"


def _tell(pair: Pair) -> None:
    """Keep what explains each lot, and of which holdings what happened explains which line."""
    own = _rested_on("lot", _of_lots(pair))
    holding = _rested_on("holding", _of_holdings(pair))
    for name, query in (
        ("rested_on", own),
        ("holding_evidence", f"SELECT * FROM ({holding}) WHERE files = 1"),
        ("lot_change", _CHANGES.format(own=_OWN, reassigned=_reassigned_fills(pair))),
        ("lot_evidence", _EVIDENCE),
        ("holding_of_lot", _HOLDINGS),
        ("line_holding", _LINE_HOLDINGS),
    ):
        pair.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
    pair.connection.execute(f"INSERT INTO lot_evidence {_REST}")


# A lot of one file alone is remade where something that it rests on is known to the other.
_CHANGES: Final = """
    WITH sides AS (
        SELECT
            lot,
            count(DISTINCT side) = 1 AS alone,
            count(DISTINCT measures) > 1 AS measured,
            count(DISTINCT strategy) > 1 AS moved
        FROM asked_lot
        GROUP BY lot
    )

    SELECT
        lot,
        measured
        OR alone AND lot IN (SELECT lot FROM rested_on WHERE near = {own} AND files = 2) AS remade,
        moved OR lot IN ({reassigned}) AS reassigned
    FROM sides
"""

_EVIDENCE: Final = f"""
    SELECT r.lot, r.near, r.position
    FROM rested_on AS r
    INNER JOIN lot_change AS c USING (lot)
    WHERE r.files = 1 AND (r.near = {_OWN} OR c.reassigned)
"""

# A lot that nothing of its own explains may be explained by anything of its holding.
_HOLDINGS: Final = f"""
    SELECT DISTINCT a.lot, a.holding, h.near
    FROM asked_lot AS a
    INNER JOIN lot_change AS c USING (lot)
    INNER JOIN (SELECT DISTINCT holding, near FROM holding_evidence) AS h USING (holding)
    LEFT JOIN (SELECT lot, min(near) AS near FROM lot_evidence GROUP BY lot) AS own USING (lot)
    WHERE (h.near = {_OF_HOLDING} AND (c.remade OR own.lot IS NULL AND NOT c.reassigned))
        OR (h.near = {_TOLD_OF_HOLDING} AND own.lot IS NULL AND c.reassigned)
"""

_LINE_HOLDINGS: Final = """
    SELECT DISTINCT line, by_strategy, holding, near
    FROM asked_line
    INNER JOIN holding_of_lot USING (lot)
"""

_REST: Final = """
    SELECT DISTINCT lot, near, position
    FROM rested_on
    WHERE lot NOT IN (SELECT lot FROM lot_evidence) AND lot NOT IN (SELECT lot FROM holding_of_lot)
"""


def _reassigned_fills(pair: Pair) -> str:
    """Return a query of the lots with a fill that both files give to different strategies."""
    if not pair.both_have("attribution", "venue", "account", "mode", "fill_id", "strategy"):
        return "SELECT lot FROM asked_lot WHERE false"
    return (
        f"SELECT asked.lot FROM asked_fill AS asked INNER JOIN before.attribution AS b "
        f"USING ({_FILL}) INNER JOIN after.attribution AS a USING ({_FILL}) "
        "WHERE a.strategy <> b.strategy"
    )


_Source = tuple[int, str, str, str, str]


def _of_lots(pair: Pair) -> Iterator[_Source]:
    """Yield how near, table, positions, what is asked, and the columns they have in common."""
    for near, table, column, is_list in _OF_FILLS:
        if pair.both_have(table, "venue", "account", "mode", "fill_id", column):
            told = f"unnest(t.{column})" if is_list else f"t.{column}"
            yield near, table, told, "asked_fill", _FILL
    for column in ("open_position", "close_position"):
        if pair.both_have("lot_match", *LOT_KEY, column):
            yield _OWN, "lot_match", f"t.{column}", "asked_lot", ", ".join(LOT_KEY)
    if pair.both_have("open_lot", *OPEN_KEY, "open_position"):
        yield _OWN, "open_lot", "t.open_position", "asked_lot", ", ".join(OPEN_KEY)


def _of_holdings(pair: Pair) -> Iterator[_Source]:
    for near, table, column in _OF_HOLDINGS:
        if pair.both_have(table, "venue", "account", "mode", "instrument_id", column):
            yield near, table, f"t.{column}", "asked_holding", _HOLDING


def _rested_on(what: str, sources: Iterator[_Source]) -> str:
    """Return a query of what rests on which position, and in how many of the files."""
    parts = [
        f"SELECT asked.{what}, '{side}' AS side, {near} AS near, {told} AS position "
        f"FROM {side}.{identifier(table)} AS t INNER JOIN {asked} AS asked USING ({common})"
        for near, table, told, asked, common in sources
        for side in NAMES
    ]
    nothing = f"SELECT 0::UBIGINT AS {what}, '' AS side, 0 AS near, 0 AS position WHERE false"
    return (
        f"SELECT {what}, min(near) AS near, position, count(DISTINCT side) AS files "
        f"FROM ({' UNION ALL '.join([nothing, *parts])}) WHERE position IS NOT NULL "
        f"GROUP BY {what}, position"
    )
