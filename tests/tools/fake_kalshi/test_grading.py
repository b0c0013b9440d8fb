"""The truth that ledgers are graded by: against sums done by hand, and against the server's."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.tools.fake_kalshi.serving import START, TICKER, fill
from tools.fake_kalshi.grading import truth, write_truth
from tools.fake_kalshi.truths import Cash, Ending, Execution, Result
from tools.fake_kalshi.world import PLAIN, RICH, Style, World

HOUR = timedelta(hours=1)


def bought(number: int, side: str, quantity: str, yes_price: str) -> Execution:
    return fill(
        number,
        START + number * HOUR,
        acquired=side,
        quantity=Decimal(quantity),
        yes_price=Decimal(yes_price),
        fee=Decimal("0.01"),
    )


def graded(rows: list[Execution], *endings: Ending, hours: int = 99) -> dict[str, Any]:
    return truth(World.by_hand(rows, endings), START + hours * HOUR)


def ended(result: Result, value: int | None = None) -> Ending:
    return Ending(TICKER, result, value, START + 50 * HOUR)


def market(told: dict[str, Any]) -> tuple[str, str, str, str]:
    (row,) = told["markets"]
    return row["position"], row["realized_gross"], row["fees"], row["revenue"]


def test_a_position_that_is_held_has_cost_cash_and_realized_nothing() -> None:
    told = graded([bought(1, "yes", "10", "0.40")])
    assert market(told) == ("10", "0", "0.01", "0")
    assert told["cash"]["total"] == "-4.01"
    assert told["positions"] == [{"subaccount": 0, "ticker": TICKER, "position": "10"}]


def test_the_first_contracts_bought_are_the_first_to_be_paired() -> None:
    rows = [
        bought(1, "yes", "10", "0.40"),
        bought(2, "yes", "10", "0.50"),
        bought(3, "no", "12", "0.70"),
    ]
    told = graded(rows)
    # 10 x (1 - 0.40 - 0.30) + 2 x (1 - 0.50 - 0.30)
    assert market(told) == ("8", "3.4", "0.03", "0")
    # -4 -5 -3.6 + 12 pairs - 0.03
    assert told["cash"]["total"] == "-0.63"


def test_a_flip_turns_the_position_round() -> None:
    rows = [bought(1, "yes", "4", "0.40"), bought(2, "no", "6", "0.60")]
    told = graded(rows, ended("no"))
    # 4 x (1 - 0.40 - 0.40) and then 2 NO bought at 0.40 that pay 1
    assert market(told) == ("0", "2", "0.02", "2")
    assert graded(rows)["positions"][0]["position"] == "-2"


@pytest.mark.parametrize(
    ("result", "value", "revenue", "realized"),
    [
        ("yes", None, "10", "6"),
        ("no", None, "0", "-4"),
        ("scalar", 45, "4.5", "0.5"),
        ("void", None, "4", "0"),
    ],
)
def test_what_is_held_at_the_end_is_paid_out(
    result: Result, value: int | None, revenue: str, realized: str
) -> None:
    told = graded([bought(1, "yes", "10", "0.40")], ended(result, value))
    assert market(told) == ("0", realized, "0.01", revenue)
    assert told["positions"] == []


def test_a_scalar_pays_the_no_side_the_rest_and_floors_to_cents() -> None:
    told = graded([bought(1, "no", "0.11", "0.40")], ended("scalar", 45))
    # 0.11 x 0.55 = 0.0605
    assert market(told)[3] == "0.06"


def test_an_ending_without_a_position_is_a_market_of_nothing() -> None:
    told = graded([], ended("yes"))
    assert market(told) == ("0", "0", "0", "0")
    assert told["settlements"] == 1


def test_nothing_after_the_moment_counts() -> None:
    rows = [bought(1, "yes", "10", "0.40"), bought(3, "no", "10", "0.60")]
    told = graded(rows, ended("yes"), hours=2)
    assert told["fill_ids"] == ["fill-0001"]
    assert told["settlements"] == 0
    assert market(told)[0] == "10"


def test_only_applied_movements_count_with_their_fees() -> None:
    later = START + HOUR
    world = World.by_hand(
        deposits=[
            Cash("d1", 10_000, 200, "applied", "debit", START, later),
            Cash("d2", 7_000, 0, "failed", "ach", START, later),
            Cash("d3", 7_000, 0, "applied", "ach", START, START + 100 * HOUR),
        ],
        withdrawals=[Cash("w1", 1_000, 50, "applied", "wire", START, later)],
    )
    told: Any = truth(world, START + 2 * HOUR)["cash"]
    assert (told["deposited"], told["withdrawn"], told["total"]) == ("98", "10.5", "87.5")


@pytest.mark.parametrize("style", [PLAIN, RICH])
@pytest.mark.parametrize("seed", range(3))
def test_cash_is_deposits_less_costs_and_fees_plus_pairs_and_revenue(
    seed: int, style: Style
) -> None:
    world = World.made(seed, start=START, days=9, style=style)
    for days in (2, 5, 30):
        moment = START + timedelta(days=days)
        view, told = world.at(moment), truth(world, moment)
        markets: Any = told["markets"]
        cash: Any = told["cash"]
        pairs = sum(_pairs(view.executions, row["ticker"]) for row in markets)
        expected = (
            Decimal(cash["deposited"])
            - Decimal(cash["withdrawn"])
            - sum(row.cost + row.fee for row in view.executions)
            + pairs
            + sum(Decimal(row["revenue"]) for row in markets)
        )
        assert Decimal(cash["total"]) == expected == view.cash()
        for name, amount in cash["by_subaccount"].items():
            assert Decimal(amount) == view.cash(int(name))
        for row in markets:
            if row["fills"]:
                holding = view.holding(row["ticker"])
                assert Decimal(row["position"]) == holding.quantity
                assert Decimal(row["realized_gross"]) == holding.realized_pnl
                assert Decimal(row["fees"]) == holding.fees_paid


def _pairs(rows: tuple[Execution, ...], ticker: str) -> Decimal:
    sides = {"yes": Decimal(0), "no": Decimal(0)}
    for row in rows:
        if row.ticker == ticker:
            sides[row.acquired] += row.quantity
    return min(sides.values())


def test_the_truth_is_written_as_json(tmp_path: Path) -> None:
    world = World.made(1, start=START, days=3)
    moment = START + timedelta(days=2)
    write_truth(world, moment, tmp_path / "truth.json")
    read = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert read == truth(world, moment)
    assert read["fills"] == len(read["fill_ids"]) > 0
    assert read["moment"] == "2026-01-07T00:00:00Z"
