"""Which instruments new events concern, and the rows of the book that belong to them.

The rows of an instrument are made of that instrument's facts alone, except where instruments share
an order: these are taken together (`projections/scopes`). Of an instrument of which nothing but
executions, commissions and orders is told, rows are made anew from its last flat moment on that
fresh facts do not reach behind: `cut` says from when on. What statements tell of Interactive
Brokers hangs together in more ways (corporate actions, exercises, the base currency): where there
are any, a fact of that broker concerns all of its instruments.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import duckdb

from domain.columns import Fact, columns_of
from domain.facts import (
    BalanceSnapshot,
    CashMovement,
    Fetch,
    Fill,
    Market,
    OrderState,
    PositionSnapshot,
    Settlement,
)
from domain.recorded import AttributionClaim, BotExit, Decision, PostedOrder, Quote
from domain.statements import STATEMENTS, AccountValue, Commission
from projections import schema, sql
from projections.merging import merged_table

BROKER: Final = "ibkr"
_OF_BROKER: Final = sql.literal(BROKER)
OF_INSTRUMENT: Final[frozenset[type[Fact]]] = frozenset(
    {Settlement, Market, OrderState, PositionSnapshot, PostedOrder, Decision, BotExit, Quote}
)
_OF_FILL: Final = (AttributionClaim, Commission)
_TOGETHER: Final[tuple[type[Fact], ...]] = (
    *(fact for fact in STATEMENTS if fact is not AccountValue),
    CashMovement,
    AttributionClaim,
)
_INSTRUMENT: Final = "venue, instrument_id"
# what makes an instrument's rows depend on more than its fills, from the beginning on
_HISTORIES: Final = tuple(
    f"SELECT {_INSTRUMENT} FROM stored_{name}"
    for name in (
        "settlement", "decision", "posted_order", "bot_exit", "quote", "set_aside", "opening"
    )
)  # fmt: skip
_DIVIDED: Final = """
    SELECT venue, account, mode, min(as_of) AS since
    FROM stored_balance_snapshot WHERE subaccount <> 0 GROUP BY ALL
"""
# what a fill said by itself, before a settlement or a commission report said more
_TOLD: Final = {
    "subaccount": "CASE WHEN subaccount_named THEN subaccount END AS subaccount",
    "fee": "CASE WHEN fee_state = 'stated' THEN fee END AS fee",
    "fee_currency": (
        "CASE WHEN fee_state = 'stated' OR venue <> 'ibkr' THEN fee_currency END AS fee_currency"
    ),
}


@dataclass(slots=True)
class Scope:
    """The instruments that fresh facts concern: `touched`, and the orders in `touched_order`.

    fresh      the facts that have fresh_* and gone_* tables
    present    the facts of which anything is in the book
    together   whether all instruments of IBKR are concerned; they are not in `touched` then
    """

    connection: duckdb.DuckDBPyConnection
    fresh: Collection[type[Fact]]
    present: Collection[type[Fact]]
    together: bool = False

    def remember(self) -> None:
        """Keep what decides over many instruments, as it is before the fresh facts are there."""
        if BalanceSnapshot in self.fresh:
            self.connection.execute(f"CREATE TEMP TABLE divided_before AS {_DIVIDED}")
        if self._asked_for_orders():
            self.connection.execute(
                f"CREATE TEMP TABLE reached_before AS {sql.text('scopes', 'reached')}"
            )

    def _asked_for_orders(self) -> bool:
        return Fetch in self.fresh and Decision in self.present

    def touch(self) -> None:
        """Find the instruments, once the facts that no step publishes are in the book."""
        self._tell()
        plain, others = self._sources()
        self.connection.execute(f"""
            CREATE TEMP TABLE touched AS SELECT DISTINCT venue, instrument_id
            FROM ({_all([*plain, *others], _INSTRUMENT)}) WHERE instrument_id IS NOT NULL;
            CREATE TEMP TABLE plainly AS FROM touched
            ANTI JOIN ({_all([*others, *_HISTORIES], _INSTRUMENT)}) USING ({_INSTRUMENT})
        """)
        self.together = self._concerns_broker() and not self._is_plain()
        if self.together:
            for name in ("touched", "told_order", "plainly"):
                self.connection.execute(f"DELETE FROM {name} WHERE venue = {_OF_BROKER}")
        self._close()

    def _tell(self) -> None:
        """Make told_order and told_commission: what is told of orders, of which commissions."""
        for name, fact, columns in (
            ("told_order", OrderState, "venue, order_id, client_order_id"),
            ("told_commission", Commission, "venue, fill_id"),
        ):
            told = [
                f"SELECT {columns} FROM {part}_{fact.table}"
                for part in ("fresh", "gone")
                if fact in self.fresh
            ]
            self.connection.execute(
                f"CREATE TEMP TABLE {name} AS"
                f" SELECT DISTINCT {columns} FROM ({_all(told, columns)})"
            )
        self.connection.execute(f"""
            CREATE TEMP TABLE IF NOT EXISTS gone_fill AS SELECT * FROM fresh_fill LIMIT 0;
            CREATE TEMP TABLE reach AS {sql.text("scopes", "reach")}
        """)

    def _sources(self) -> tuple[list[str], list[str]]:
        """Return SQL for the instruments of what may be cut from before it, and of all else."""
        named = [(fact, name) for fact in self.fresh for name in ("fresh", "gone")]
        plain = [f"SELECT {_INSTRUMENT} FROM reach"]
        plain += [
            f"SELECT {_INSTRUMENT} FROM {name}_order_state"
            for fact, name in named
            if fact is OrderState
        ]
        others = [
            f"SELECT {_INSTRUMENT} FROM {name}_{fact.table}"
            for fact, name in named
            if fact in OF_INSTRUMENT and fact is not OrderState
        ]
        others += [
            f"SELECT {_INSTRUMENT} FROM stored_fill SEMI JOIN {name}_{fact.table}"
            " USING (venue, fill_id)"
            for fact, name in named
            if fact is AttributionClaim
        ]
        if BalanceSnapshot in self.fresh:
            others.append(
                f"SELECT {_INSTRUMENT} FROM stored_fill SEMI JOIN"
                f" ({_difference(_DIVIDED, 'divided_before')}) USING (venue, account, mode)"
                " WHERE NOT subaccount_named"
            )
        if self._asked_for_orders():
            reached = _difference(sql.text("scopes", "reached"), "reached_before")
            others.append(f"SELECT {_INSTRUMENT} FROM ({reached})")
        return plain, others

    def _concerns_broker(self) -> bool:
        sources = ["SELECT venue FROM touched", "SELECT venue FROM told_order"]
        for name in ("fresh", "gone"):
            sources += [
                f"SELECT venue FROM {name}_{fact.table}" for fact in self.fresh if fact in _TOGETHER
            ]
            if Fetch in self.fresh:
                sources.append(f"SELECT broker FROM {name}_fetch_log WHERE stream = 'positions'")
        found = self.connection.execute(
            f"SELECT 1 FROM ({_all(sources, 'venue')}) WHERE venue = {_OF_BROKER} LIMIT 1"
        )
        return found.fetchone() is not None

    def _is_plain(self) -> bool:
        ((plain,),) = self.connection.execute(sql.text("scopes", "plain")).fetchall()
        return bool(plain)

    def _close(self) -> None:
        """Cut histories, and take in the instruments that hang together with those concerned."""
        kept = f"AND venue <> {_OF_BROKER}" if self.together else ""
        while True:
            self._cut()
            found = [sql.text("scopes", "execution")]
            torn = [sql.text("scopes", name) for name in ("torn", "unfit")]
            if Decision in self.present:
                found.append(sql.text("scopes", "decision"))
                torn.append(found[-1])
            added = self._changed(f"""
                INSERT INTO touched
                SELECT DISTINCT {_INSTRUMENT} FROM ({_all(found, _INSTRUMENT)})
                ANTI JOIN touched USING ({_INSTRUMENT})
                WHERE instrument_id IS NOT NULL {kept}
            """)
            left = self._changed(
                f"DELETE FROM plainly WHERE ({_INSTRUMENT}) IN"
                f" (SELECT ({_INSTRUMENT}) FROM ({_all(torn, _INSTRUMENT)}))"
            )
            # an order that is on both sides of a cut moves it back
            moved = self._changed("""
                INSERT INTO reach
                SELECT o.venue, o.instrument_id, o.executed_at
                FROM ordered AS o
                SEMI JOIN cut AS c
                    ON c.venue = o.venue AND c.instrument_id = o.instrument_id
                    AND o.executed_at < c.since
            """)
            if not (added or left or moved):
                return

    def _cut(self) -> None:
        """Make cut, wholly, extent, old_fill, touched_order and ordered, as far as is known."""
        self.connection.execute(f"""
            {sql.text("scopes", "cut")}
            CREATE OR REPLACE TEMP TABLE wholly AS FROM touched ANTI JOIN cut USING ({_INSTRUMENT});
            CREATE OR REPLACE TEMP TABLE extent AS
            SELECT *, TIMESTAMPTZ '-infinity' AS since FROM wholly UNION ALL FROM cut;
            CREATE OR REPLACE TEMP TABLE old_fill AS
            {self.rows_since("executed_at", "stored_fill", "row, position")};
            {sql.text("scopes", "order")}
            {sql.text("scopes", "shared")}
        """)

    def _changed(self, statement: str) -> int:
        ((count,),) = self.connection.execute(statement).fetchall()
        return int(count)

    def is_cut(self) -> bool:
        """Tell whether of any instrument only what lies behind a cut is made anew."""
        return self.connection.execute("SELECT 1 FROM cut LIMIT 1").fetchone() is not None

    def is_empty(self) -> bool:
        """Tell whether no instrument and no order is concerned."""
        found = self.connection.execute(
            "SELECT venue FROM touched UNION ALL SELECT venue FROM touched_order LIMIT 1"
        )
        return not self.together and found.fetchone() is None

    def venues(self) -> set[str]:
        """Return the venues concerned."""
        found = self.connection.execute(
            "SELECT venue FROM touched UNION SELECT venue FROM touched_order"
        ).fetchall()
        return {venue for (venue,) in found} | ({BROKER} if self.together else set())

    def rows_of(self, source: str, select: str = "*") -> str:
        """Return SQL for the rows of a table or view that belong to the instruments concerned."""
        rows = f"SELECT {select} FROM {source} SEMI JOIN touched USING (venue, instrument_id)"
        return f"{rows} UNION ALL {self.of_broker(source, select)}" if self.together else rows

    def rows_since(self, moment: str, source: str, select: str) -> str:
        """Return SQL for the rows of a table that lie behind the cut of their instrument, if any.

        `moment` is the column that says when a row was; all columns are read of those rows alone.
        """
        return f"""
            SELECT {select} FROM {source} WHERE row IN (
                SELECT s.row FROM {source} AS s
                INNER JOIN extent AS e
                    ON e.venue = s.venue AND e.instrument_id = s.instrument_id
                WHERE s.{sql.identifier(moment)} >= e.since
                UNION ALL {self.of_broker(source, "row")}
            )
        """

    def of_broker(self, source: str, select: str = "*") -> str:
        """Return SQL for all rows of IBKR, none where they are not taken together."""
        return f"SELECT {select} FROM {source} WHERE {self.together} AND venue = {_OF_BROKER}"

    def load(self, fact: type[Fact]) -> bool:
        """Make merged_* of the facts that the steps read; return whether there may be any."""
        name = merged_table(fact)
        if fact not in self.present:
            columns = [(column.name, column.sql_type) for column in columns_of(fact)]
            self.connection.execute(schema.absent(name, columns))
            return False
        if fact in {Fetch, BalanceSnapshot}:
            self.connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS FROM {_stored(fact)}")
            return True
        ((rows,),) = self.connection.execute(
            f"CREATE TEMP TABLE {name} AS {self._loaded(fact)}"
        ).fetchall()
        return bool(rows)

    def _loaded(self, fact: type[Fact]) -> str:
        names = [column.name for column in columns_of(fact)]
        columns = ", ".join(sql.identifier(name) for name in names)
        stored = f"stored_{fact.table}"
        if fact in {Fill, Settlement}:
            return self._replaced(fact)
        if fact is OrderState:
            return f"""
                SELECT {columns} FROM {stored} SEMI JOIN wholly USING ({_INSTRUMENT})
                UNION ALL
                SELECT {columns} FROM {stored}
                SEMI JOIN touched_order USING (venue, order_id)
                ANTI JOIN wholly USING ({_INSTRUMENT})
                UNION ALL {self.of_broker(stored, columns)}
            """
        if fact in OF_INSTRUMENT:
            return self.rows_of(stored, columns)
        if fact in _OF_FILL:
            return f"SELECT {columns} FROM {stored} SEMI JOIN merged_fill USING (venue, fill_id)"
        if fact is CashMovement and fact in self.fresh:
            fresh = f"SELECT {columns} FROM fresh_cash_movement WHERE venue <> {_OF_BROKER}"
            return f"{self.of_broker(stored, columns)} UNION ALL {fresh}"
        return self.of_broker(stored, columns)

    def _replaced(self, fact: type[Fact]) -> str:
        """Return SQL for the facts that a step publishes: those that stay as they were told."""
        names = [column.name for column in columns_of(fact)]
        columns = ", ".join(sql.identifier(name) for name in names)
        fresh = f"SELECT {columns} FROM fresh_{fact.table}"
        kept = f"stored_{fact.table} ANTI JOIN replaced_{fact.table} USING (position)"
        if fact is Settlement:
            return f"{self.rows_of(f'(FROM {kept})', columns)} UNION ALL {fresh}"
        told = ", ".join(_TOLD.get(name, sql.identifier(name)) for name in names)
        return f"""
            SELECT {told} FROM {kept} WHERE row IN (SELECT row FROM old_fill)
            UNION ALL {fresh}
            UNION ALL FROM aside_fill
        """


def _stored(fact: type[Fact]) -> str:
    return f"(SELECT * EXCLUDE (row) FROM stored_{fact.table})"


def _difference(now: str, before: str) -> str:
    now = now.rstrip().removesuffix(";")
    return f"(({now}) EXCEPT FROM {before}) UNION ALL (FROM {before} EXCEPT ({now}))"


def _all(sources: Collection[str], columns: str) -> str:
    """Return SQL for the rows of all sources, of which there may be none."""
    nothing = ", ".join(f"NULL::VARCHAR AS {name}" for name in columns.split(", "))
    return " UNION ALL ".join([f"(SELECT {nothing} WHERE false)", *(f"({s})" for s in sources)])
