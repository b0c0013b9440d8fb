"""Every spelling of an exit reason that was ever met has one meaning, in Python and in SQL."""

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.exits import REASONS, SPELLINGS, TOLD_BY_BOTS, normal
from projections import sql

MET = {
    "TP": "take_profit",
    "TP1": "take_profit",
    "TP2": "take_profit",
    "TAKE_PROFIT": "take_profit",
    "take-profit": "take_profit",
    "Take Profit": "take_profit",
    "HEALED_TP": "take_profit",
    "HEALED_TAKE_PROFIT": "take_profit",
    "healed-partial tp": "take_profit",
    "STOP": "stop_loss",
    " stop ": "stop_loss",
    "SL": "stop_loss",
    "HEALED_SL": "stop_loss",
    "TRAIL": "trailing_stop",
    "EOD": "end_of_day",
    "end of day": "end_of_day",
    "KILL_SWITCH": "risk",
    "SETTLED": "settlement",
    "EXPIRED": "expiry",
}


@pytest.mark.parametrize(("spelling", "reason"), sorted({**MET, **SPELLINGS}.items()))
def test_every_spelling_means_one_thing(spelling: str, reason: str) -> None:
    assert SPELLINGS[normal(spelling)] == reason
    assert reason in TOLD_BY_BOTS


@pytest.mark.parametrize(("spelling", "reason"), sorted(SPELLINGS.items()))
def test_a_repaired_reason_means_what_it_says_behind_the_word(spelling: str, reason: str) -> None:
    assert SPELLINGS[normal(f"healed-{spelling.lower()}")] == reason


@pytest.mark.parametrize("spelling", ["STOPTP", "TP_MISSED", "NO TP", "TPX", "", "CLOSED", "tᴘ"])
def test_a_spelling_is_compared_as_a_whole_and_never_guessed(spelling: str) -> None:
    assert normal(spelling) not in SPELLINGS


def test_a_stop_is_no_take_profit() -> None:
    assert SPELLINGS[normal("STOP")] == "stop_loss"


def test_every_spelling_is_in_the_form_in_which_it_is_looked_up() -> None:
    assert {spelling for spelling in SPELLINGS if normal(spelling) != spelling} == set()
    assert set(SPELLINGS.values()) <= set(REASONS)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute(sql.text("macros", "outcomes"))
        yield made


CASES = st.one_of(
    st.text(max_size=30),
    st.text(alphabet=" -_aZß\u0131\u0130ǆ\t\n\r\v\f\x1c\x85\xa0healedHEALEDtp1", max_size=30),
    st.sampled_from(sorted(MET)).map(lambda told: f"\thealed_{told} "),
)


@given(told=CASES)
def test_python_and_sql_look_up_the_same_form(
    connection: duckdb.DuckDBPyConnection, told: str
) -> None:
    found = connection.execute("SELECT normal_spelling(?)", [told]).fetchone()
    assert found == (normal(told),)
