"""The user's rules as tables that steps read.

strategy_prefix   every prefix of client_order_id with its strategy
strategy_named    every strategy that the rules name
strategy_exit     every strategy that closes another's positions: that other one (parent), and
                  whether its P&L is rolled up to it
exit_spelling     every spelling of an exit reason, in capitals, with the reason
rule_setting      one row: thresholds and windows
"""

from typing import Final

import duckdb

from domain.rules import Rules

_MAKE: Final = """
    CREATE TEMP TABLE strategy_prefix (prefix VARCHAR, strategy VARCHAR);
    CREATE TEMP TABLE strategy_named (strategy VARCHAR);
    CREATE TEMP TABLE strategy_exit (strategy VARCHAR, parent VARCHAR, rolls_up BOOLEAN);
    CREATE TEMP TABLE exit_spelling (spelling VARCHAR, reason VARCHAR);
    CREATE TEMP TABLE rule_setting (
        match_decisions BOOLEAN,
        decision_window_seconds BIGINT,
        match_exits BOOLEAN,
        exit_price_max DECIMAL(18, 9),
        exit_window_seconds BIGINT,
        alarm_window_seconds BIGINT,
        order_grace_seconds BIGINT,
        decisions_without_fill BIGINT,
        fills_without_posted_order BIGINT,
        breakeven_return DECIMAL(18, 9)
    );
"""


def write(connection: duckdb.DuckDBPyConnection, rules: Rules) -> None:
    """Make the tables."""
    connection.execute(_MAKE)
    rolls_up = rules.profit.exits == "parent"
    exits = [(strategy, parent, rolls_up) for strategy, parent in rules.parents()]
    for table, rows in (
        ("strategy_prefix (prefix, strategy)", rules.prefixes()),
        ("strategy_named (strategy)", [(name,) for name in sorted(rules.strategies)]),
        ("strategy_exit (strategy, parent, rolls_up)", exits),
        ("exit_spelling (spelling, reason)", rules.spellings()),
    ):
        if rows:
            places = ", ".join("unnest(?)" for _ in rows[0])
            columns = [list(column) for column in zip(*rows, strict=True)]
            connection.execute(f"INSERT INTO {table} SELECT {places}", columns)
    guess, alarms = rules.heuristics, rules.alarms
    connection.execute(
        "INSERT INTO rule_setting VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            guess.decisions,
            guess.decision_window_seconds,
            guess.exits,
            guess.exit_price_max,
            guess.exit_window_seconds,
            alarms.decision_window_seconds,
            alarms.order_grace_seconds,
            alarms.decisions_without_fill,
            alarms.fills_without_posted_order,
            rules.outcomes.breakeven_return,
        ],
    )
