"""Each drift as a client sees it."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.tools.fake_kalshi.serving import START, Client, clock_at
from tools.fake_kalshi.drifts import DRIFTS, Drift, omitted
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.payloads.spelling import before
from tools.fake_kalshi.world import RICH, World

FILLS = "/portfolio/fills"
RICH_WORLD = World.made(3, start=START, days=12, style=RICH)
PLAIN_WORLD = World.made(3, start=START, days=12)
BY_NAME = {drift.name: drift for drift in DRIFTS}


def opened(generation: str = "5") -> Exchange:
    world = PLAIN_WORLD if before(generation, "4") else RICH_WORLD
    return Exchange(world, clock=clock_at(10), generation=generation, page_cap=5, rate_limits=False)


@pytest.fixture
def client() -> Iterator[Client]:
    with opened() as exchange, Client(exchange) as it:
        yield it


def drifted(client: Client, name: str, path: str = FILLS) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an answer before and after a drift begins."""
    right = client.told(path)
    client.exchange.drift(BY_NAME[name])
    return right, client.told(path)


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.name)
def test_every_drift_changes_an_answer_and_stops(drift: Drift) -> None:
    with opened(drift.generation) as exchange, Client(exchange) as client:
        if drift.name == "portfolio_value of shard 0 only":
            exchange.world = _with_a_position_on_shard_1()
        exchange.page_cap = None
        right = client.told(drift.paths[0])
        exchange.drift(drift)
        assert client.told(drift.paths[0]) != right
        exchange.stop_drifting()
        assert client.told(drift.paths[0]) == right


def _with_a_position_on_shard_1() -> World:
    rows = [row for row in RICH_WORLD.executions if row.exchange_index == 1]
    moved = (_in_the_first_subaccount(row) for row in rows)
    return World.by_hand(moved).ending_at(rows[-1].at)


def _in_the_first_subaccount(row: Any) -> Any:  # noqa: ANN401 - an execution
    values = {name: getattr(row, name) for name in row.__dataclass_fields__}
    return type(row)(**{**values, "subaccount": 0, "at": START})


def test_the_names_of_drifts_are_distinct() -> None:
    assert len(BY_NAME) == len(DRIFTS)


def test_keys_are_renamed_omitted_and_added(client: Client) -> None:
    right, wrong = drifted(client, "fill key renamed")
    assert wrong["fills"][0]["quantity_fp"] == right["fills"][0]["count_fp"]
    assert "count_fp" not in wrong["fills"][0]
    client.exchange.stop_drifting()
    _, wrong = drifted(client, "fill without side and action")
    assert not {"side", "action"} & wrong["fills"][0].keys()
    client.exchange.stop_drifting()
    _, wrong = drifted(client, "fill with an extra key")
    assert wrong["fills"][0]["made_extra"] == "new"
    client.exchange.stop_drifting()
    _, wrong = drifted(client, "page with an extra key")
    assert wrong.keys() == {"cursor", "fills", "made_extra"}


def test_types_change_and_values_vanish(client: Client) -> None:
    right, wrong = drifted(client, "fill number instead of string")
    assert [row["count_fp"] for row in wrong["fills"]] == [
        Decimal(row["count_fp"]) for row in right["fills"]
    ]
    client.exchange.stop_drifting()
    _, wrong = drifted(client, "fill string instead of number")
    assert isinstance(wrong["fills"][0]["subaccount_number"], str)
    client.exchange.stop_drifting()
    _, wrong = drifted(client, "fill key null")
    assert wrong["fills"][0]["fee_cost"] is None


def test_container_and_cursor_are_renamed(client: Client) -> None:
    right, wrong = drifted(client, "container renamed")
    assert wrong["user_fills"] == right["fills"]
    client.exchange.stop_drifting()
    right, wrong = drifted(client, "cursor renamed")
    assert wrong["next_cursor"] == right["cursor"] != ""
    assert "cursor" not in wrong


def test_the_numbers_of_a_fill_contradict_each_other(client: Client) -> None:
    _, wrong = drifted(client, "prices that are not 1 together")
    row = wrong["fills"][0]
    assert Decimal(row["yes_price_dollars"]) + Decimal(row["no_price_dollars"]) != 1
    _, wrong = drifted(client, "book_side against outcome_side")
    assert {(row["outcome_side"], row["book_side"]) for row in wrong["fills"]} <= {
        ("yes", "ask"),
        ("no", "bid"),
    }


def test_fees_vanish_only_where_there_were_some(client: Client) -> None:
    client.exchange.page_cap = None
    right, wrong = drifted(client, "fee of 0 where the series charges")
    assert {Decimal(row["fee_cost"]) for row in wrong["fills"]} == {Decimal(0)}
    assert len({Decimal(row["fee_cost"]) for row in right["fills"]}) > 2


def test_a_net_winner_is_told_without_revenue(client: Client) -> None:
    path = "/portfolio/settlements"
    right, wrong = drifted(client, "revenue of 0 for a net winner", path)
    assert any(row["revenue"] for row in right["settlements"])
    assert {row["revenue"] for row in wrong["settlements"]} == {0}


def test_a_balance_is_shifted_in_all_of_its_spellings(client: Client) -> None:
    right, wrong = drifted(client, "balance shifted", "/portfolio/balance")
    assert wrong["balance"] - right["balance"] == 1234
    shift = Decimal(wrong["balance_dollars"]) - Decimal(right["balance_dollars"])
    assert shift == Decimal("12.34")


def test_a_subaccount_balance_keeps_name_and_type_and_changes_its_unit(client: Client) -> None:
    path, container = "/portfolio/subaccounts/balances", "subaccount_balances"
    right, wrong = drifted(client, "subaccount balance in other units", path)
    for was, now in zip(right[container], wrong[container], strict=True):
        assert isinstance(now["balance"], str)
        assert Decimal(now["balance"]) == 10_000 * Decimal(was["balance"])


def test_the_portfolio_value_is_scoped_to_shard_0() -> None:
    world = _with_a_position_on_shard_1()
    with (
        Exchange(world, clock=clock_at(1), rate_limits=False) as exchange,
        Client(exchange) as client,
    ):
        right, wrong = drifted(client, "portfolio_value of shard 0 only", "/portfolio/balance")
    assert right["portfolio_value"] > 0
    assert wrong["portfolio_value"] == 0
    assert wrong["balance"] == right["balance"]


def test_a_drift_begins_with_a_request_or_after_so_many_rows(client: Client) -> None:
    drift = Drift("without fee_cost", (FILLS,), omitted("fee_cost"))

    def pages_with_fees(count: int) -> list[list[bool]]:
        asked = client.pages(FILLS, "fills")
        return [["fee_cost" in row for row in next(asked)] for _ in range(count)]

    client.exchange.drift(drift, from_request=2)
    assert pages_with_fees(2) == [[True] * 5, [False] * 5]
    client.exchange.stop_drifting()
    client.exchange.drift(drift, from_row=7)
    assert pages_with_fees(3) == [[True] * 5, [True] * 2 + [False] * 3, [False] * 5]


def test_a_drift_can_be_turned_to_other_paths(client: Client) -> None:
    client.exchange.drift(BY_NAME["fill without exchange_index"], paths=["/portfolio/orders"])
    assert "exchange_index" in client.told(FILLS)["fills"][0]
    assert "exchange_index" not in client.told("/portfolio/orders")["orders"][0]


def test_what_is_not_drifted_is_told_byte_for_byte(client: Client) -> None:
    right = client.ask(FILLS).content
    client.exchange.drift(BY_NAME["balance shifted"])
    assert client.ask(FILLS).content == right


def test_a_view_of_a_later_time_drifts_too(client: Client) -> None:
    client.exchange.drift(BY_NAME["fill with an extra key"])
    client.exchange.staleness = timedelta(days=1)
    assert all("made_extra" in row for row in client.told(FILLS)["fills"])
