"""Rules as tables: whatever the rules may say can be written."""

from decimal import Decimal
from typing import Final

import duckdb
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.exits import TOLD_BY_BOTS
from domain.rules import Outcomes, Rules, Strategy
from replay import rules as tables

NUMBERS: Final = {
    "decision_window_seconds": ("heuristics", "decision_window_seconds"),
    "exit_price_max": ("heuristics", "exit_price_max"),
    "exit_window_seconds": ("heuristics", "exit_window_seconds"),
    "alarm_window_seconds": ("alarms", "decision_window_seconds"),
    "order_grace_seconds": ("alarms", "order_grace_seconds"),
    "decisions_without_fill": ("alarms", "decisions_without_fill"),
    "fills_without_posted_order": ("alarms", "fills_without_posted_order"),
    "breakeven_return": ("outcomes", "breakeven_return"),
}
"""Column of `rule_setting` -> section and name of the setting."""


def written(rules: Rules) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    tables.write(connection, rules)
    return connection


@given(
    column=st.sampled_from(sorted(NUMBERS)),
    number=st.integers(-1, 2**70)
    | st.sampled_from((0, 1, 10**9, 2**63))
    | st.decimals()
    | st.decimals(0, 1, places=9)
    | st.integers(-12, 0).map(lambda exponent: Decimal(1).scaleb(exponent)),
)
def test_a_number_that_the_rules_take_is_written_as_it_is(
    column: str, number: int | Decimal
) -> None:
    section, name = NUMBERS[column]
    try:
        rules = Rules.model_validate({section: {name: number}})
    except ValidationError:
        return
    with written(rules) as connection:
        assert connection.execute(f"SELECT {column} FROM rule_setting").fetchone() == (number,)


@given(
    st.dictionaries(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5), max_size=5),
    st.dictionaries(st.text(min_size=1, max_size=5), st.sampled_from(TOLD_BY_BOTS), max_size=5),
)
def test_names_that_the_rules_take_are_written_as_they_are(
    prefixes: dict[str, str], reasons: dict[str, str]
) -> None:
    try:
        told = {name: Strategy(prefixes=(prefix,)) for prefix, name in prefixes.items()}
        rules = Rules(strategies=told, outcomes=Outcomes(exit_reasons=reasons))
    except ValidationError:
        return
    with written(rules) as connection:
        assert sorted(connection.execute("FROM strategy_prefix").fetchall()) == rules.prefixes()
        assert sorted(connection.execute("FROM exit_spelling").fetchall()) == rules.spellings()


def test_tens_of_thousands_of_prefixes_are_written() -> None:
    told = {f"s{n}": Strategy(prefixes=tuple(f"p{n}_{m}" for m in range(10))) for n in range(4000)}
    with written(Rules(strategies=told)) as connection:
        assert connection.execute("SELECT count(*) FROM strategy_prefix").fetchone() == (40_000,)
