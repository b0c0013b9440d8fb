"""Fresh facts into the tables: the rows of the instruments concerned, and of the whole book.

The steps are those of a full rebuild. Over the facts of the instruments concerned they fill
temporary tables that hide the published ones; then their rows take the place of the old ones.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import duckdb

from domain.columns import Fact, columns_of
from domain.facts import FACTS, CashMovement, Fill, Settlement
from domain.recorded import BotExit, Decision
from domain.results import DailyPnl
from domain.statements import Commission
from projections import STEPS, TEMPORARY, Step, driven_steps, merging, sql
from replay import flow
from replay.incremental.additions import Additions, Intake, shadow, unshadow
from replay.incremental.scopes import BROKER, Scope
from replay.incremental.tables import Tables

PUBLISHED: Final = tuple(
    dict.fromkeys(
        name for step in STEPS if not step.whole for name in step.outputs if name not in TEMPORARY
    )
)
STREAMS: Final = ("stream_coverage", "stream_status")
_WHOLE_RULES: Final = ", ".join(sql.literal(rule) for step in STEPS for rule in step.rules)
_LOST: Final = "no_event_lost"
# what checks read beside the published results
_CHECKED: Final = ("decision", "corporate_action", "transfer", "cash_movement")
_NO_CHANGE: Final = """
    CREATE TEMP TABLE strategy_change (
        venue VARCHAR, account VARCHAR, mode VARCHAR, strategy VARCHAR, fills BIGINT,
        last_new_at TIMESTAMPTZ, last_old_at TIMESTAMPTZ
    )
"""
# when a row was, where those before a cut stay
_MOMENT: Final = {
    "lot_match": "opened_at",
    "open_lot": "opened_at",
    "trade": "opened_at",
    "outcome": "opened_at",
    "base_pnl": "closed_at",
    "cash_ledger": "at",
}
# what the days are made of
_OF_DAY: Final = {
    "lot_match": (
        "venue, account, mode, instrument_id, strategy, currency, closed_at, fee_state,"
        " basis_state, realized_gross, fees, realized_net"
    ),
    "instrument": "venue, instrument_id, family",
}


@dataclass(slots=True)
class Applying:
    """One application of fresh facts to the tables of a projection."""

    connection: duckdb.DuckDBPyConnection
    tables: Tables
    taken: Intake
    added: Additions
    changed: set[str] = field(default_factory=set)

    def run(self) -> int:
        """Apply everything; return how many instruments were made anew."""
        scope = Scope(self.connection, self.added.fresh, self._present())
        scope.remember()
        self._tell()
        self._replace_facts()
        unshadow(self.connection, ("unreadable", "retelling", "drift", "shape_month"))
        self._over_the_book(STREAMS)
        scope.touch()
        self.connection.execute(_NO_CHANGE)
        holdings = 0
        if not scope.is_empty() or CashMovement in self.added.fresh:
            holdings = self._over_instruments(scope)
        unshadow(self.connection, ("restatement", "canary"))
        self._over_the_book([step.name for step in STEPS if step.name not in STREAMS])
        flow.check(self.connection, [_LOST])
        return holdings

    def _present(self) -> set[type[Fact]]:
        """Return the facts of which anything is in the book, or will be."""
        present = {fact for fact in FACTS if self.tables.sums[fact.table].rows}
        if self.tables.sums["set_aside"].rows:
            present.add(Fill)
        return present.union(self.added.fresh)

    def _tell(self) -> None:
        """Write what was told, how often, and what it restates."""
        tables = self.tables
        for fact in [fact for fact, rows in self.added.replaced.items() if rows]:
            named = f"fact = {sql.literal(fact.table)}"
            tables.take_out(
                "restatement",
                f"SELECT row FROM stored_restatement WHERE {named} AND new_position IN"
                f" (SELECT position FROM earlier_{fact.table})",
            )
            tables.take_out(
                "retelling",
                f"SELECT row FROM stored_retelling WHERE {named} AND position IN"
                f" (SELECT position FROM replaced_{fact.table})",
            )
        for name in ("restatement", "retelling", "unreadable"):
            tables.put_in(name, f"temp.{name}")
        self.connection.execute("DELETE FROM temp.restatement")
        self._count()

    def _count(self) -> None:
        """Add to the censuses what came."""
        book, connection = self.tables.book, self.connection
        connection.execute(f"""
            UPDATE {book}drift AS o SET
                first_position = least(o.first_position, n.first_position),
                last_position = greatest(o.last_position, n.last_position),
                events = o.events + n.events
            FROM temp.drift AS n WHERE n.kind = o.kind AND n.shape = o.shape;
            INSERT INTO {book}drift BY NAME
            FROM temp.drift ANTI JOIN stored_drift USING (kind, shape);
            UPDATE {book}shape_month AS o SET events = o.events + n.events
            FROM temp.shape_month AS n
            WHERE n.kind = o.kind AND n.shape = o.shape AND n.month = o.month;
            INSERT INTO {book}shape_month BY NAME
            FROM temp.shape_month ANTI JOIN stored_shape_month USING (kind, shape, month);
        """)
        for fact in self.added.fresh:
            new = self.added.fresh[fact] - self.added.replaced[fact]
            connection.execute(
                f"UPDATE {book}fact_count SET tellings = tellings + ?, facts = facts + ?"
                " WHERE fact = ?",
                [self.added.told.get(fact, 0), new, fact.table],
            )
        for name in ("drift", "shape_month", "fact_count"):
            self.tables.count_again(name)

    def _replace_facts(self) -> None:
        """Write the facts that no step publishes."""
        self.connection.execute(
            "CREATE TEMP TABLE commission_before AS SELECT position FROM stored_commission"
            if Commission in self.added.fresh
            else "CREATE TEMP VIEW commission_before AS SELECT position FROM stored_commission"
        )
        for fact in self.added.fresh:
            self.changed.add(merging.merged_table(fact))
            if fact in {Fill, Settlement}:
                continue
            self.tables.take_out(fact.table, f"SELECT row FROM gone_{fact.table}")
            self.tables.put_in(fact.table, f"fresh_{fact.table}")

    def _over_instruments(self, scope: Scope) -> int:
        """Make the rows of the instruments concerned anew; return how many these are."""
        connection = self.connection
        self._set_aside(scope)
        told = {merging.merged_table(fact) for fact in FACTS if scope.load(fact)}
        self._days("daily_before", scope)
        shadow(connection, PUBLISHED, self.tables.book)
        for name in _CHECKED:
            connection.execute(f"CREATE TEMP VIEW {name} AS FROM merged_{name}")
        self._run_steps(told, scope)
        flow.check(connection, [name for name in sql.names("checks") if name != _LOST])
        connection.execute("DROP TABLE strategy_change")
        connection.execute(sql.text("scopes", "strategy_change"))
        ((holdings,),) = connection.execute("SELECT count(*) FROM temp.instrument").fetchall()
        for name in PUBLISHED:
            self._swap(name, scope)
        self._drop()
        self.changed.update(PUBLISHED)
        return int(holdings)

    def _drop(self) -> None:
        """Show the tables of the file again."""
        connection = self.connection
        for name in _CHECKED:
            connection.execute(f"DROP VIEW {name}")
        views = connection.execute(
            "SELECT view_name FROM duckdb_views() WHERE temporary AND view_name LIKE 'merged_%'"
        ).fetchall()
        for fact in FACTS:
            name = merging.merged_table(fact)
            kind = "VIEW" if (name,) in views else "TABLE"
            connection.execute(f"DROP {kind} {name}")
        unshadow(connection, [name for name in PUBLISHED if name not in {"restatement", "canary"}])

    def _set_aside(self, scope: Scope) -> None:
        """Read the executions again that do not count: the table does not hold all of them."""
        rows = scope.rows_of("stored_set_aside", "position")
        self.taken.aside(f"FROM ({rows}) ANTI JOIN replaced_fill USING (position)")

    def _days(self, name: str, scope: Scope) -> None:
        """Make the days of the lots that are in the book now."""
        connection = self.connection
        for table, columns in _OF_DAY.items():
            rows = (
                scope.rows_since("opened_at", f"stored_{table}", columns)
                if table == "lot_match"
                else scope.rows_of(f"stored_{table}", columns)
            )
            connection.execute(f"CREATE TEMP TABLE {table} AS {rows}")
        shadow(connection, [DailyPnl.table], self.tables.book)
        connection.execute(sql.text("steps", "daily_pnl"))
        connection.execute(f"ALTER TABLE temp.daily_pnl RENAME TO {name}")
        unshadow(connection, ("lot_match", "instrument"))

    def _run_steps(self, told: set[str], scope: Scope) -> None:
        connection = self.connection
        venues = scope.venues() | {"kalshi"}
        driven = [step for step in driven_steps(told, venues) if not step.whole]
        # a working table that is asked for is made, if only without rows
        steps: list[Step] = []
        asked: set[str] = set()
        for step in reversed(STEPS):
            if step in driven or (not step.whole and not asked.isdisjoint(step.outputs)):
                steps.insert(0, step)
                asked.update(name for name in step.inputs if name in TEMPORARY)
        for step in steps:
            connection.execute(sql.text("steps", step.name))
            if step.name == "left_entry" and scope.is_cut():
                connection.execute(sql.text("scopes", "entry"))

    def _swap(self, name: str, scope: Scope) -> None:
        """Put the new rows of a table in the place of the old ones."""
        if name == DailyPnl.table:
            self._swap_days()
            return
        self.tables.swap(name, self._old_rows(name, scope), f"temp.{name}")

    def _old_rows(self, name: str, scope: Scope) -> str:
        """Return SQL that finds the rows of a table that the new ones are to replace."""
        stored = f"stored_{name}"
        found = f"row, {self.tables.digests(name)}"
        moment = _MOMENT.get(name)
        rows = scope.rows_since(moment, stored, found) if moment else scope.rows_of(stored, found)
        match name:
            case "cash_comparison":
                rows = scope.of_broker(stored, found)
            case "order_life":
                rows = f"""
                    SELECT {found} FROM {stored} WHERE row IN (
                        SELECT row FROM {stored} SEMI JOIN touched_order USING (venue, order_id)
                        UNION {scope.of_broker(stored, "row")}
                    )
                """
            case "attribution" | "realized_comparison":
                rows = f"SELECT {found} FROM {stored} SEMI JOIN old_fill USING (position)"
            case "fill":
                rows = f"SELECT {found} FROM {stored} WHERE row IN (SELECT row FROM old_fill)"
            case "cash_ledger" if CashMovement in self.added.fresh:
                rows += f"""
                    UNION ALL
                    SELECT {found} FROM {stored} SEMI JOIN replaced_cash_movement USING (position)
                    WHERE instrument_id IS NULL AND venue <> {sql.literal(BROKER)}
                """
            case "canary":
                rows = f"SELECT {found} FROM {stored} WHERE {self._old_canaries(scope)}"
            case "restatement":
                rows = f"""
                    SELECT {found} FROM {stored}
                    WHERE fact = 'attribution' AND old_position IN (SELECT position FROM old_fill)
                    UNION ALL
                    SELECT {found} FROM {stored}
                    WHERE {scope.together} AND fact = 'fill'
                        AND old_position IN (SELECT position FROM commission_before)
                """
        return rows

    def _old_canaries(self, scope: Scope) -> str:
        """Return a condition for the alarms that the steps of the instruments concerned make."""
        told = {
            fact: " UNION ALL ".join(
                f"SELECT position FROM {name}_{fact.table}"
                for name in ("merged", *(["gone"] if fact in self.added.fresh else []))
            )
            for fact in (BotExit, Decision)
        }
        return f"""
            rule NOT IN ({_WHOLE_RULES})
                AND CASE
                    WHEN {scope.together} AND venue = {sql.literal(BROKER)} THEN TRUE
                    WHEN rule = 'manual_beside_decision'
                        THEN position IN (SELECT position FROM old_fill)
                    WHEN rule = 'exit_without_executions' THEN position IN ({told[BotExit]})
                    WHEN rule = 'decision_in_future' THEN position IN ({told[Decision]})
                    WHEN rule = 'worth_differs' THEN position IN (SELECT position FROM old_fill)
                    ELSE (venue, subject) IN (SELECT (venue, instrument_id) FROM wholly)
                END
        """

    def _swap_days(self) -> None:
        """Take the old lots from the sums of their days, and add the new ones."""
        names = [column.name for column in columns_of(DailyPnl) if column.identity]
        key = ", ".join(names)
        self.connection.execute(f"""
            CREATE TEMP TABLE changed_day AS
            SELECT {key} FROM daily_before UNION SELECT {key} FROM temp.daily_pnl;
            CREATE TEMP TABLE daily_after AS
            SELECT
                {key},
                sum(lots)::BIGINT AS lots,
                sum(realized_gross) AS realized_gross,
                sum(fees) AS fees,
                sum(realized_net) AS realized_net
            FROM (
                SELECT {key}, lots, realized_gross, fees, realized_net
                FROM stored_daily_pnl SEMI JOIN changed_day USING ({key})
                UNION ALL
                SELECT {key}, lots, realized_gross, fees, realized_net FROM temp.daily_pnl
                UNION ALL
                SELECT {key}, -lots, -realized_gross, -fees, -realized_net FROM daily_before
            )
            GROUP BY {key}
            HAVING sum(lots) > 0
        """)
        self.tables.take_out(
            DailyPnl.table, f"SELECT row FROM stored_daily_pnl SEMI JOIN changed_day USING ({key})"
        )
        self.tables.put_in(DailyPnl.table, "daily_after")

    def _over_the_book(self, names: Collection[str]) -> None:
        """Run the steps that look at the whole book, where one of their inputs changed."""
        for step in STEPS:
            if step.whole and step.name in names and not self.changed.isdisjoint(step.inputs):
                self._whole_step(step)

    def _count_strategies(self) -> None:
        """Make strategy_fill of what changed, where that tells it, else over the whole book."""
        self.connection.execute(
            f"CREATE TEMP TABLE strategy_fill AS {sql.text('scopes', 'strategy_fill')}"
        )
        lost = self.connection.execute("SELECT 1 FROM strategy_fill WHERE is_lost LIMIT 1")
        if lost.fetchone() is not None:
            self.connection.execute("DROP TABLE strategy_fill")
            self.connection.execute(sql.text("steps", "strategy_fill"))

    def _whole_step(self, step: Step) -> None:
        (name,) = step.outputs
        if name == "strategy_fill":
            return
        if "strategy_fill" in step.inputs:
            self._count_strategies()
        drivers = [self._fact(driver) for driver in step.driven_by]
        if drivers and not any(self.tables.sums[driver].rows for driver in drivers):
            return
        for fact in FACTS:
            if merging.merged_table(fact) in step.inputs:
                self.connection.execute(
                    f"CREATE TEMP VIEW IF NOT EXISTS {merging.merged_table(fact)} AS"
                    f" SELECT * EXCLUDE (row) FROM stored_{fact.table}"
                )
        rules = ", ".join(sql.literal(rule) for rule in step.rules)
        where = f"WHERE rule IN ({rules})" if rules else ""
        self.tables.take_out(name, f"SELECT row FROM stored_{name} {where}")
        self.connection.execute(sql.text("steps", step.name))
        self.tables.count_again(name)
        self.changed.add(name)

    @staticmethod
    def _fact(name: str) -> str:
        return name.removeprefix("merged_")
