"""The made world: the same for the same seed, whole at every moment, sayable where it should be."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.tools.fake_kalshi.serving import START, fill, minutes
from tools.fake_kalshi.payloads import (
    PHASES,
    fill_json,
    market_json,
    order_json,
    position_json,
    settlement_json,
)
from tools.fake_kalshi.truths import Cash, Order
from tools.fake_kalshi.world import PLAIN, RICH, Style, World

DAYS = 12


def made(seed: int = 3, style: Style = PLAIN) -> World:
    return World.made(seed, start=START, days=DAYS, style=style)


@pytest.mark.parametrize("style", [PLAIN, RICH])
def test_the_same_seed_makes_the_same_world_and_another_one_another(style: Style) -> None:
    assert made(3, style).history == made(3, style).history
    assert made(3, style).history != made(4, style).history
    assert World.of_size(300, 1).history == World.of_size(300, 1).history
    assert World.of_size(300, 1).history != World.of_size(300, 2).history


def test_a_made_world_has_everything_that_a_ledger_has_to_cope_with() -> None:
    world = made()
    orders = {row.order_id: row for row in world.orders}
    named = {row.client_order_id.rpartition("_")[0] for row in orders.values()}
    assert named == {"", "mm", "mm_xb", "mm_xb_exit"}
    assert max(len(rows) for rows in world.fills_of_order.values()) == 3
    rests = max(row.at - orders[row.order_id].created_at for row in world.executions)
    assert rests > timedelta(days=1)
    assert {row.status for row in orders.values()} == {"executed", "canceled"}
    assert any(row.status == "canceled" and row.filled for row in orders.values())
    assert any(row.ticker not in world.fills_of_market for row in world.endings)
    assert len(world.listings) > len(world.endings)
    fee_free = [row for row in world.executions if row.ticker.startswith("KXFREE")]
    assert fee_free
    assert not any(row.fee for row in fee_free)
    nets = {ticker: run[-1].net for ticker, run in world.steps_of_market.items()}
    both = [
        ticker
        for ticker, rows in world.fills_of_market.items()
        if {row.acquired for row in rows} == {"yes", "no"}
    ]
    assert any(nets[ticker] == 0 for ticker in both)
    assert any(nets[ticker] != 0 for ticker in both)
    late = {row.ticker: row.settled_at for row in world.endings}
    closes = {row.ticker: row.closes_at for row in world.listings}
    assert max(at - closes[ticker] for ticker, at in late.items()) > timedelta(days=1)
    assert {row.status for row in world.history.deposits} == {"applied", "failed"}
    assert any(row.fee_cents for row in world.history.deposits)
    assert world.history.withdrawals


def test_a_rich_world_says_more_and_each_market_stays_in_one_place() -> None:
    world = made(style=RICH)
    rows = world.executions
    assert any(row.quantity % 1 for row in rows)
    assert any(row.yes_price * 100 % 1 for row in rows)
    assert {row.subaccount for row in rows} == {0, 1, 2}
    assert {row.exchange_index for row in rows} == {0, 1}
    assert any(row.result == "scalar" for row in world.endings)
    for fills in world.fills_of_market.values():
        assert len({(row.subaccount, row.exchange_index) for row in fills}) == 1


@pytest.mark.parametrize("style", [PLAIN, RICH])
def test_fills_lie_within_their_market_and_their_order_adds_up(style: Style) -> None:
    world = made(style=style)
    markets = {row.ticker: row for row in world.listings}
    assert all(
        markets[row.ticker].opens_at <= row.at <= markets[row.ticker].closes_at
        for row in world.executions
    )
    assert len({row.fill_id for row in world.executions}) == len(world.executions)
    for order in world.orders:
        fills = world.fills_of_order.get(order.order_id, ())
        assert order.filled == sum(row.quantity for row in fills)
        assert order.fill_cost == sum(row.cost for row in fills)
        assert order.fees == sum(row.fee for row in fills)
        assert all(order.created_at <= row.at <= order.updated_at for row in fills)


def test_cash_never_runs_out() -> None:
    for style in (PLAIN, RICH):
        world = made(style=style)
        moments = [row.at for row in world.executions]
        assert min(world.at(at).cash() for at in moments) >= 0


@pytest.mark.parametrize("generation", PHASES)
def test_every_generation_can_say_a_plain_world(generation: str) -> None:
    for world in (made(), World.of_size(200)):
        view = world.at(START + timedelta(days=DAYS / 2))
        for row in world.executions:
            fill_json(row, generation)
        for ending in world.endings:
            settlement_json(ending, world.fills_of_market.get(ending.ticker, ()), generation)
        for order in view.begun(world.orders):
            order_json(view.order(order), generation)
        for listing in view.listings:
            market_json(view.listing(listing), generation)
        for ticker in view.traded(settled=False) + view.traded(settled=True):
            position_json(view.holding(ticker), generation)


def test_an_old_generation_has_no_words_for_a_rich_world() -> None:
    rich = made(style=RICH)
    for phase in ("0", "1", "3b"):
        with pytest.raises(ValueError, match=r"cannot say"):
            render_fills(rich, phase)
    render_fills(rich, "5")


def render_fills(world: World, generation: str) -> None:
    for row in world.executions:
        fill_json(row, generation)


def test_a_view_ends_at_its_moment() -> None:
    world = minutes(5)
    assert not world.at(START).executions
    assert len(world.at(START + timedelta(minutes=2)).executions) == 2
    assert len(world.at(START + timedelta(minutes=2, microseconds=-1)).executions) == 1
    stopped = world.ending_at(START + timedelta(minutes=3))
    assert len(stopped.at(START + timedelta(days=9)).executions) == 3


def order(status: str, **changes: object) -> Order:
    values: dict[str, object] = {
        "order_id": "order-0001",
        "client_order_id": "mm_1",
        "ticker": "KXHIGHNY-26JAN05-B43.5",
        "acquires": "yes",
        "action": "buy",
        "status": status,
        "yes_price": Decimal("0.40"),
        "initial": Decimal(5),
        "filled": Decimal(3),
        "remaining": Decimal(0),
        "created_at": START,
        "updated_at": START + timedelta(hours=3),
    }
    return Order(**{**values, **changes})  # type: ignore[arg-type]


def test_an_order_rests_until_its_last_change_filled_so_far() -> None:
    fills = [
        fill(1, START + timedelta(hours=1), order_id="order-0001", quantity=Decimal(1)),
        fill(2, START + timedelta(hours=2), order_id="order-0001", quantity=Decimal(2)),
    ]
    final = order("canceled", fill_cost=Decimal("1.2"), fees=Decimal("0.04"))
    world = World.by_hand(fills, orders=[final])

    def told(hours: float) -> tuple[str, Decimal, Decimal]:
        row = world.at(START + timedelta(hours=hours)).order(final)
        return row.status, row.filled, row.remaining

    assert told(0) == ("resting", Decimal(0), Decimal(5))
    assert told(1) == ("resting", Decimal(1), Decimal(4))
    assert told(2.5) == ("resting", Decimal(3), Decimal(2))
    assert told(3) == ("canceled", Decimal(3), Decimal(0))
    assert not world.at(START - timedelta(seconds=1)).begun(world.orders)


def test_a_deposit_is_pending_before_it_is_applied_and_counts_only_then() -> None:
    applied = Cash("d", 10_000, 200, "applied", "debit", START, START + timedelta(days=3))
    failed = Cash("f", 5_000, 0, "failed", "ach", START, START + timedelta(days=1))
    world = World.by_hand(deposits=[applied, failed])
    early = world.at(START + timedelta(days=2))
    assert [row.status for row in early.deposits] == ["pending", "failed"]
    assert early.deposits[0].finalized_at is None
    assert early.cash() == 0
    assert world.at(START + timedelta(days=3)).cash() == Decimal(98)


def test_a_market_is_kept_in_one_subaccount() -> None:
    rows = [fill(1, START), fill(2, START, subaccount=1)]
    with pytest.raises(ValueError, match="one subaccount"):
        World.by_hand(rows)


def test_a_world_of_a_size_has_exactly_that_size() -> None:
    world = World.of_size(1_003, 5)
    assert len(world.executions) == len(world.orders) == 1_003
    assert len({row.fill_id for row in world.executions}) == 1_003
