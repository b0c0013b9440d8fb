"""Made histories are what a broker could have sent, and reach the corners that they are for."""

import json

import pytest
from hypothesis import Phase, find, given, settings

from tests.made.histories import (
    MARKETS,
    START,
    History,
    Style,
    histories,
    net_quantity,
)
from tests.made.profile import DETERMINISTIC
from tools.fake_kalshi.payloads import PHASES, fill_json, sayable, settlement_json
from tools.fake_kalshi.truths import ONE, Execution, in_time_order

# Finding an example is enough; making it the least one takes long.
SEARCH = settings(DETERMINISTIC, max_examples=2000, phases=[Phase.generate])
WILD = Style(fractional=True, subcent=True, subaccounts=True, shards=True)


def check(history: History) -> None:
    """Assert all that holds of broker data."""
    rows = history.executions
    assert len({row.fill_id for row in rows}) == len(rows)
    assert rows == in_time_order(rows)
    assert all(row.quantity > 0 and 0 < row.yes_price < 1 and row.fee >= 0 for row in rows)
    tickers = [ending.ticker for ending in history.endings]
    assert len(set(tickers)) == len(tickers)
    for ending in history.endings:
        assert ending.settled_at > START
        own = history.of(ending.ticker)
        assert all(row.at < ending.settled_at for row in own)
        assert len({(row.subaccount, row.exchange_index) for row in own}) <= 1


@settings(max_examples=40)
@given(histories())
def test_a_plain_history_is_valid_and_every_generation_can_say_it(history: History) -> None:
    check(history)
    scalar = any(ending.result == "scalar" for ending in history.endings)
    assert sayable(history.executions, history.endings) == (PHASES[1:] if scalar else PHASES)


@settings(max_examples=40)
@given(histories(style=WILD))
def test_a_wild_history_is_valid_and_the_newest_generations_can_say_it(history: History) -> None:
    check(history)
    assert {"4", "5"} <= set(sayable(history.executions, history.endings))


@settings(max_examples=40)
@given(histories(ends=("yes", "no", "scalar")))
def test_fees_of_a_settlement_are_those_of_its_fills(history: History) -> None:
    for ending in history.endings:
        told = json.loads(settlement_json(ending, history.executions, "5"))
        fees = [json.loads(fill_json(row, "5"))["fee_cost"] for row in history.of(ending.ticker)]
        micros = [int(fee.replace(".", "")) for fee in (*fees, told["fee_cost"])]
        assert sum(micros[:-1]) == micros[-1]


def held(rows: tuple[Execution, ...]) -> list[int]:
    """Return the sign of the position after each execution."""
    nets = [net_quantity(rows[: end + 1]) for end in range(len(rows))]
    return [(net > 0) - (net < 0) for net in nets]


CORNERS = {
    "a flip": lambda it: any({1, -1} <= set(held(it.of(one))) and 0 not in held(it.of(one))
                             for one in MARKETS),
    "a round trip": lambda it: any(0 in held(it.of(one)) for one in MARKETS),
    "settled at zero": lambda it: any(it.of(e.ticker) and not net_quantity(it.of(e.ticker))
                                      for e in it.endings),
    "settled without fills": lambda it: any(not it.of(e.ticker) for e in it.endings),
    "still open": lambda it: any(it.of(one) and one not in {e.ticker for e in it.endings}
                                 for one in MARKETS),
    "equal times": lambda it: len({row.at for row in it.executions}) < len(it.executions),
    "void": lambda it: any(e.result == "void" for e in it.endings),
    "scalar": lambda it: any(e.result == "scalar" for e in it.endings),
}  # fmt: skip


@pytest.mark.parametrize("corner", CORNERS)
def test_histories_reach(corner: str) -> None:
    assert find(histories(), CORNERS[corner], settings=SEARCH)


def test_wild_histories_reach_fractions_subcents_and_subaccounts() -> None:
    def wild(it: History) -> bool:
        rows = it.executions
        return (
            any(row.quantity % ONE for row in rows)
            and any(100 * row.yes_price % ONE for row in rows)
            and any(row.subaccount for row in rows)
        )

    assert find(histories(style=WILD), wild, settings=SEARCH)
