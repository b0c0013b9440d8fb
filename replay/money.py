"""What one projection says otherwise than another: realized P&L, strategies, lots, days.

Both files are read, neither is changed. Where both are of the same events, all that differs comes
of other rules or other code; where they are not, what only the second one holds is new and not
counted as moved.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

import duckdb

from domain.errors import ProjectionError
from replay.amounts import Amounts
from replay.database import Resources, is_damage
from replay.diff.attaching import attach, config_of, lock


@dataclass(frozen=True, slots=True)
class Line:
    """One strategy of one account in one currency; `before` is None where nothing tells it."""

    account: str
    strategy: str
    currency: str
    before: Amounts | None
    after: Amounts

    @property
    def difference(self) -> Amounts | None:
        """What came to it."""
        return None if self.before is None else self.after - self.before


@dataclass(frozen=True, slots=True)
class Moved:
    """The difference between two projections.

    lines      realized P&L by account, strategy and currency, strategies of either projection
    fills      fills of both whose strategy differs
    lots       lot matches whose amounts differ, or that are gone, or (of the same events) have come
    lots_reassigned  lot matches of both that count for another strategy
    days       days of an account on which the money of a strategy differs, likewise
    same_log   whether both are of the same events
    same_rules whether both are of the same rules and code
    unknown    why there is nothing before; all counts are then None
    """

    lines: tuple[Line, ...]
    fills: int | None
    lots: int | None
    lots_reassigned: int | None
    days: int | None
    same_log: bool
    same_rules: bool
    unknown: str | None = None

    @property
    def anything(self) -> bool:
        """Whether a strategy or an amount moved."""
        return bool(self.fills or self.lots or self.lots_reassigned or self.days)

    @property
    def by_rules(self) -> bool:
        """Whether it may have moved by anything else than new events."""
        return self.unknown is None and (self.same_log or not self.same_rules)

    def totals(self) -> Iterator[Line]:
        """Yield the sums over all strategies, one for each account and currency."""
        ordered = sorted(self.lines, key=_account)
        for (account, currency), group in groupby(ordered, key=_account):
            lines = list(group)
            before = [line.before for line in lines if line.before is not None]
            yield Line(
                account=account,
                strategy="",
                currency=currency,
                before=None if self.unknown else sum(before, Amounts()),
                after=sum((line.after for line in lines), Amounts()),
            )


def _account(line: Line) -> tuple[str, str]:
    return line.account, line.currency


NONE_YET: Final = "there is no projection yet"
UNREADABLE: Final = "the projection before cannot be read"

_PNL: Final = """
    SELECT
        concat_ws('/', venue, account, mode) AS account,
        strategy,
        currency,
        coalesce(sum(realized_gross), 0),
        coalesce(sum(fees) FILTER (basis_state = 'known'), 0),
        coalesce(sum(realized_net), 0),
        (coalesce(sum(lots) FILTER (fee_state = 'pending' OR basis_state = 'missing'), 0))::BIGINT
    FROM {projection}.daily_pnl
    GROUP BY ALL
    ORDER BY ALL
"""

# Millions of rows are matched by hashes of their keys: several times faster than by the keys, and
# two keys of one hash would make a count wrong by one.
_FILLS: Final = """
    WITH b AS (
        SELECT hash(venue, account, mode, fill_id) AS fill, strategy FROM before.attribution
    ),

    a AS (SELECT hash(venue, account, mode, fill_id) AS fill, strategy FROM after.attribution)

    SELECT count(*) FROM b INNER JOIN a ON a.fill = b.fill WHERE a.strategy <> b.strategy
"""

_LOTS: Final = """
    WITH b AS ({before}),

    a AS ({after})

    SELECT count(*)
    FROM b
    FULL JOIN a ON a.lot = b.lot
    WHERE (b.lot IS NOT NULL OR $same_log)
        AND (
            a.currency IS DISTINCT FROM b.currency
            OR a.realized_gross IS DISTINCT FROM b.realized_gross
            OR a.fees IS DISTINCT FROM b.fees
            OR a.realized_net IS DISTINCT FROM b.realized_net
        )
"""

_LOTS_OF: Final = """
        SELECT
            hash(
                venue, account, mode, subaccount::BIGINT, instrument_id, open_fill_id, close_id
            ) AS lot,
            strategy,
            currency,
            realized_gross,
            fees,
            realized_net
        FROM {projection}.lot_match
"""

_LOTS_REASSIGNED: Final = """
    WITH b AS ({before}),

    a AS ({after})

    SELECT count(*) FROM b INNER JOIN a ON a.lot = b.lot WHERE a.strategy <> b.strategy
"""

_DAYS: Final = """
    WITH pnl AS (
        {days}
    ),

    differing AS (
        SELECT day, venue, account, mode
        FROM pnl
        GROUP BY day, venue, account, mode, strategy, currency
        HAVING sum(gross * sign) <> 0 OR sum(fees * sign) <> 0 OR sum(net * sign) <> 0
            OR sum(lots_pending * sign) <> 0
    ),

    told_before AS (SELECT DISTINCT day, venue, account, mode FROM before.daily_pnl)

    SELECT count(*)
    FROM (SELECT DISTINCT * FROM differing) AS d
    LEFT JOIN told_before AS t
        ON t.day = d.day AND t.venue = d.venue AND t.account = d.account AND t.mode = d.mode
    WHERE t.day IS NOT NULL OR $same_log
"""

_DAYS_OF: Final = """
        SELECT
            day,
            venue,
            account,
            mode,
            strategy,
            currency,
            {sign} AS sign,
            coalesce(realized_gross, 0) AS gross,
            coalesce(fees, 0) AS fees,
            coalesce(realized_net, 0) AS net,
            CASE WHEN realized_net IS NULL THEN lots ELSE 0 END AS lots_pending
        FROM {projection}.daily_pnl
"""


def compare(before: Path | None, after: Path, *, resources: Resources) -> Moved:
    """Return what `after` says otherwise than `before`.

    Where there is no `before`, or one that cannot be read or is of another layout, there is `after`
    alone. Raise ProjectionError where `after` cannot be read, or somebody interrupts.
    """
    try:
        with duckdb.connect(config=config_of(after, "compare", resources)) as connection:
            attach(connection, "after", after)
            lines = _lines(connection, "after")
            if before is None:
                lock(connection)
                return _without_before(lines, NONE_YET)
            return _compared(connection, before, lines)
    except duckdb.Error as error:
        message = f"cannot compare with {after}: {error}"
        raise ProjectionError(message) from error


_Pnl = dict[tuple[str, str, str], Amounts]


def _lines(connection: duckdb.DuckDBPyConnection, projection: str) -> _Pnl:
    rows = connection.execute(_PNL.format(projection=projection)).fetchall()
    return {(row[0], row[1], row[2]): Amounts(*row[3:]) for row in rows}


def _without_before(lines: _Pnl, unknown: str) -> Moved:
    told = tuple(Line(*names, before=None, after=amounts) for names, amounts in lines.items())
    return Moved(told, None, None, None, None, same_log=False, same_rules=False, unknown=unknown)


def _compared(connection: duckdb.DuckDBPyConnection, before: Path, lines: _Pnl) -> Moved:
    try:
        attach(connection, "before", before)
        lock(connection)
        return _moved(connection, lines)
    except duckdb.InterruptException:
        raise
    except (duckdb.BinderException, duckdb.CatalogException):
        return _without_before(lines, "the projection before is of another layout")
    except duckdb.OutOfMemoryException:
        return _without_before(lines, "the projection before needs more memory to be read")
    except duckdb.Error as error:
        # a block that is damaged shows when it is read, as an error of no particular kind
        unknown = UNREADABLE if is_damage(error) else f"the projection before: {error}"
        return _without_before(lines, unknown)


def _moved(connection: duckdb.DuckDBPyConnection, after: _Pnl) -> Moved:
    before = _lines(connection, "before")
    none = Amounts()
    lines = tuple(
        Line(*names, before=before.get(names, none), after=after.get(names, none))
        for names in sorted({*before, *after})
    )
    same_log = _agree(connection, "watermark, seal_digest")
    lots = {name: _LOTS_OF.format(projection=name) for name in ("before", "after")}
    days = " UNION ALL ".join(
        _DAYS_OF.format(projection=name, sign=sign) for name, sign in (("before", -1), ("after", 1))
    )
    asked = {"same_log": same_log}
    return Moved(
        lines,
        fills=_count(connection, "attribution", _FILLS),
        lots=_count(connection, "lot_match", _LOTS.format(**lots), asked),
        lots_reassigned=_count(connection, "lot_match", _LOTS_REASSIGNED.format(**lots)),
        days=_count(connection, "daily_pnl", _DAYS.format(days=days), asked),
        same_log=same_log,
        same_rules=_agree(connection, "rules_digest, code_digest"),
    )


def _agree(connection: duckdb.DuckDBPyConnection, columns: str) -> bool:
    """Say whether both files say the same about themselves."""
    rows = connection.execute(
        f"SELECT {columns} FROM before.projection_meta "
        f"UNION SELECT {columns} FROM after.projection_meta"
    ).fetchall()
    return len(rows) == 1


def _count(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    query: str,
    asked: dict[str, bool] | None = None,
) -> int:
    """Return what a query counts; tables of the same content need not be asked."""
    prints: Sequence[tuple[str]] = connection.execute(
        "SELECT content_fingerprint FROM before.table_fingerprint WHERE table_name = $table "
        "UNION SELECT content_fingerprint FROM after.table_fingerprint WHERE table_name = $table",
        {"table": table},
    ).fetchall()
    if len(prints) == 1:
        return 0
    ((number,),) = connection.execute(query, asked).fetchall()
    return int(number)
