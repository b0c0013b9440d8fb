"""The fake gateway against the client library that is installed, over real sockets."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.gateway import (
    DASHED_UTC,
    EPOCH,
    UNSET_DOUBLE,
    AccountSummary,
    AccountValue,
    Asked,
    CommissionReport,
    Contract,
    Error,
    Execution,
    Gateway,
    Leg,
    OpenOrder,
    OrderStatus,
    PortfolioValue,
    Position,
    Silence,
    World,
    combo,
    currency,
    future,
    option,
    stock,
    time_text,
)
from tests.fakes.gateway.examples import FIRST, SECOND, THIRD, ids, three_fills
from tests.fakes.gateway.gateway import HOST
from tests.fakes.gateway.library import client_library, close, connected, run, stopped, tap
from tests.fakes.gateway.messages import ACCOUNT, MORNING

library = client_library()
IS_SYNC = library.__name__ == "ib_insync"
HIGHEST = 176 if IS_SYNC else 178
HOUR = timedelta(hours=1)


# --- connecting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [157, 165, 176, 177, 178, 200])
def test_client_and_gateway_agree_on_the_lower_version(version: int) -> None:
    async def test() -> None:
        async with connected(library, gateway, 1, 11) as (client, told):
            assert client.client.serverVersion() == min(version, HIGHEST)
            assert client.client.getAccounts() == [ACCOUNT]
            assert len(client.fills()) == len(told) == 3
            assert [len(order) for order in told] == [
                32 if version >= 178 and not IS_SYNC else 31
            ] * 3

    with Gateway(three_fills(server_version=version)) as gateway:
        run(test)
        asked = [request.kind for request in gateway.requests]
        assert asked == [0, 71, 61, 5, 99, 6, 76, 7]
        assert gateway.asked(Asked.EXECUTIONS)[0][3:] == ("0", "", "", "", "", "", "")
        assert gateway.asked(Asked.HANDSHAKE) == [("0", "157", str(HIGHEST))]


def test_several_accounts_are_all_told() -> None:
    async def test() -> None:
        async with connected(library, gateway) as (client, _):
            assert client.client.getAccounts() == ["DU1", "DU2"]
            assert [it.value for it in client.accountValues("DU2")] == ["7.10"]

    world = World(("DU1", "DU2"), account_values=[AccountValue("Cash", "7.10", account="DU2")])
    with Gateway(world) as gateway:
        run(test)
        assert {fields[3] for fields in gateway.asked(Asked.ACCOUNT_UPDATES_MULTI)} == {
            "DU1",
            "DU2",
        }


def test_a_client_id_in_use_is_told_and_closed() -> None:
    async def test() -> None:
        async with connected(library, gateway) as (client, _):
            other, refused = library.IB(), asyncio.Event()
            told: list[tuple[str, ...]] = []
            tap(other, 4, told)
            other.errorEvent += lambda *_: refused.set()
            connecting = asyncio.ensure_future(other.connectAsync(HOST, gateway.port, 1))
            await refused.wait()
            await stopped(connecting)
            await close(other)
            assert [fields[3] for fields in told] == ["326"]
            assert client.isConnected()
            async with connected(library, gateway, 2):
                assert gateway.connections == 2
        await asyncio.to_thread(gateway.wait_for_connections, 0)

    with Gateway() as gateway:
        run(test)
        assert gateway.accepted == 3


def test_a_silent_handshake_leaves_the_client_waiting() -> None:
    async def test() -> None:
        silenced = library.IB()
        connecting = asyncio.ensure_future(silenced.connectAsync(HOST, gateway.port, 1))
        await asyncio.to_thread(gateway.wait_for, Asked.HANDSHAKE)
        async with connected(library, gateway, 2):
            assert not connecting.done()
        await stopped(connecting)
        await close(silenced)

    with Gateway() as gateway:
        gateway.on(Asked.HANDSHAKE, Silence(), times=1)
        run(test)
        assert [request.client_id for request in gateway.requests[:3]] == [None, None, 2]


def test_a_stopped_gateway_refuses_and_starts_again_on_its_port() -> None:
    async def test() -> None:
        async with connected(library, gateway) as (client, _):
            gateway.stop()
            with pytest.raises(ConnectionError):
                await client.reqCurrentTimeAsync()
        with pytest.raises(ConnectionRefusedError):
            await library.IB().connectAsync(HOST, gateway.port, 1)
        gateway.start()
        async with connected(library, gateway) as (client, _):
            assert len(client.fills()) == 3

    with Gateway(three_fills()) as gateway:
        port = gateway.port
        run(test)
        assert gateway.port == port


# --- what is told --------------------------------------------------------------------------------


def test_executions_come_first_then_reports_then_the_end_with_their_text_untouched() -> None:
    async def test() -> None:
        async with connected(library, gateway, 1, 11, 59, 55) as (_, told):
            assert [fields[0] for fields in told] == ["11", "11", "11", "59", "59", "59", "55"]
            sold = told[1]
            assert sold[2:14] == (
                *("1", "712345601", "AAPL", "OPT", "20260116", "250", "C", "100", "SMART", "USD"),
                *("AAPL  260116C00250000", "AAPL"),
            )
            assert sold[14:] == (
                *(SECOND, "20260105 10:00:01 US/Eastern", ACCOUNT, "NASDAQ", "SLD", "2", "3.15"),
                *("1001", "1", "0", "2", "3.15", "spread-1", "", "", "", "1"),
            )
            assert told[3] == ("59", "1", FIRST, "1.0049", "USD", UNSET_DOUBLE, UNSET_DOUBLE, "")

    with Gateway(three_fills()) as gateway:
        run(test)


@pytest.mark.parametrize("version", [157, 176, 178])
def test_open_orders_are_read_whole_in_every_version(version: int) -> None:
    async def test() -> None:
        async with connected(library, gateway) as (client, _):
            assert [it.order.permId for it in client.openTrades()] == [11, 12]
            await client.reqAllOpenOrdersAsync()
            plain, spread, foreign = client.openTrades()
            assert (plain.order.lmtPrice, plain.order.tif, plain.order.orderRef) == (
                10.5,
                "GTC",
                "x",
            )
            assert plain.orderStatus.remaining == 100
            assert [leg.action for leg in spread.contract.comboLegs] == ["BUY", "SELL"]
            assert (foreign.order.clientId, foreign.orderStatus.filled) == (7, 40)
            assert not plain.order.duration or plain.order.duration > 2**30

    bag = Contract("28812380", "AAPL", "BAG")
    world = World(
        server_version=version,
        open_orders=[
            OpenOrder(stock(), perm_id="11", tif="GTC", order_ref="x"),
            OpenOrder(bag, "2", "12", legs=(Leg("1", "BUY"), Leg("2", "SELL"))),
            OpenOrder(stock(), "3", "13", client_id="7"),
        ],
        order_statuses=[OrderStatus("3", "Submitted", "40", "60", perm_id="13", client_id="7")],
    )
    with Gateway(world) as gateway:
        run(test)


def test_positions_values_summary_and_clock_are_told() -> None:
    async def test() -> None:
        async with connected(library, gateway) as (client, _):
            assert [it.position for it in client.positions()] == [100, 2500.5]
            assert [it.marketValue for it in client.portfolio()] == [1100]
            assert [it.value for it in client.accountValues()] == ["100000.12"]
            assert [it.value for it in await client.accountSummaryAsync()] == ["100000.12"]
            assert await client.reqCurrentTimeAsync() == datetime(2026, 1, 5, 20, 30, tzinfo=UTC)

    world = World(
        positions=[Position(stock(), "100", "10.51"), Position(currency(), "2500.5", "1.08")],
        portfolio=[PortfolioValue(stock(), "100", "11", "1100", "10.51")],
        account_values=[AccountValue("NetLiquidation", "100000.12")],
        account_summary=[AccountSummary("NetLiquidation", "100000.12")],
    )
    with Gateway(world) as gateway:
        run(test)


def filtered(world: World, wanted: dict[str, Any]) -> list[str]:
    """Ask for executions with a filter; name those of the answer."""
    found: list[str] = []

    async def test() -> None:
        async with connected(library, gateway, 1, 11) as (client, told):
            told.clear()
            await client.reqExecutionsAsync(library.ExecutionFilter(**wanted))
            found.extend(ids(told))

    with Gateway(world) as gateway:
        run(test)
    return found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [FIRST, SECOND, THIRD]),
        ({"clientId": 1}, [FIRST, SECOND]),
        ({"clientId": 7}, [THIRD]),
        ({"symbol": "MES"}, [THIRD]),
        ({"secType": "OPT"}, [SECOND]),
        ({"side": "SELL"}, [SECOND]),
        ({"acctCode": "DU2"}, []),
        ({"time": "20260105-15:30:00"}, [SECOND, THIRD]),
        ({"time": "20260105 11:30:00 US/Eastern"}, [THIRD]),
        ({"time": "20260105 11:30:00"}, [THIRD]),
    ],
)
def test_a_filter_narrows_and_a_client_id_hides_other_clients(
    wanted: dict[str, Any], found: list[str]
) -> None:
    world = World()
    world.fill(Execution(FIRST, stock()))
    world.fill(Execution(SECOND, option(), "SLD", at=MORNING + HOUR))
    world.fill(Execution(THIRD, future(), client_id="7", at=MORNING + 2 * HOUR))
    assert filtered(world, wanted) == found


@pytest.mark.parametrize(("since_midnight", "found"), [(True, [SECOND]), (False, [FIRST, SECOND])])
def test_only_executions_since_midnight_in_the_zone_of_the_gateway(
    *, since_midnight: bool, found: list[str]
) -> None:
    world = World(since_midnight=since_midnight)
    world.fill(Execution(FIRST, stock(), at=datetime(2026, 1, 5, 4, 59, 59, tzinfo=UTC)))
    world.fill(Execution(SECOND, stock(), at=datetime(2026, 1, 5, 5, 0, tzinfo=UTC)))
    assert filtered(world, {}) == found


@pytest.mark.parametrize(
    ("zone", "text", "read"),
    [
        ("US/Eastern", "20260105 10:00:01 US/Eastern", MORNING),
        ("US/Central", "20260105 09:00:01 US/Central", MORNING),
        (EPOCH, "1767625201", MORNING),
        (DASHED_UTC, "20260105-15:00:01", None),
        ("", "20260105  10:00:01", None),
        ("CEST", "20260105 10:00:01 CEST", "dropped"),
    ],
)
def test_times_come_in_every_shape_that_was_seen(zone: str, text: str, read: object) -> None:
    async def test() -> None:
        async with connected(library, gateway, 1, 11) as (client, told):
            assert [fields[15] for fields in told] == [text]
            assert len(client.fills()) == (0 if read == "dropped" else 1)
            if isinstance(read, datetime):
                assert client.fills()[0].execution.time == read

    with Gateway(
        World(executions=[Execution(FIRST, stock(), time=time_text(MORNING, zone))])
    ) as gateway:
        run(test)


def test_an_extra_field_reaches_the_tap_though_a_library_may_drop_the_fill() -> None:
    async def test() -> None:
        async with connected(library, gateway, 1, 11) as (client, told):
            assert told[0][31:] == ("new",)
            assert len(client.fills()) == (0 if IS_SYNC else 1)

    with Gateway(World(executions=[Execution(FIRST, stock(), extra=("new",))])) as gateway:
        run(test)


# --- commission reports --------------------------------------------------------------------------


def test_late_reports_come_when_they_are_released() -> None:
    async def test() -> None:
        async with connected(library, gateway, 1, 59) as (client, told):
            assert ids(told, "59") == [SECOND]
            assert [it.commissionReport.commission for it in client.fills()] == [0, 1, 0]
            gateway.release()
            await client.reqCurrentTimeAsync()
            assert ids(told, "59") == [SECOND, FIRST, THIRD]
            assert [it.commissionReport.commission for it in client.fills()] == [1.0049, 1, 0.62]

    with Gateway(three_fills(), late_reports=[FIRST, THIRD]) as gateway:
        run(test)


def test_late_reports_come_some_requests_later() -> None:
    async def test() -> None:
        async with connected(library, gateway, 1, 59) as (client, told):
            await client.reqCurrentTimeAsync()
            await client.reqCurrentTimeAsync()
            assert ids(told, "59") == [SECOND, THIRD]
            # The report follows the answer to the third.
            await client.reqCurrentTimeAsync()
            await client.reqCurrentTimeAsync()
            assert ids(told, "59") == [SECOND, THIRD, FIRST]

    with Gateway(three_fills(), late_reports=[FIRST], late_after_requests=3) as gateway:
        run(test)


def test_reports_may_come_before_their_executions() -> None:
    async def test() -> None:
        async with connected(library, gateway, 1, 11, 59) as (client, told):
            assert [fields[0] for fields in told] == ["59", "59", "59", "11", "11", "11"]
            assert [it.commissionReport.execId for it in client.fills()] == ["", "", ""]

    with Gateway(three_fills(), reports_first=True) as gateway:
        run(test)


def test_with_a_master_only_the_owner_and_the_master_are_told_what_a_fill_cost() -> None:
    async def test() -> None:
        async with (
            connected(library, gateway, 1, 59) as (owner, to_owner),
            connected(library, gateway, 2, 59) as (master, to_master),
            connected(library, gateway, 3, 59) as (other, to_other),
        ):
            gateway.push(*world.fill(Execution(SECOND, stock(), client_id="1")))
            for client in (owner, master, other):
                await client.reqCurrentTimeAsync()
            assert len(client.fills()) == 2
            assert (len(to_owner), len(to_master), len(to_other)) == (2, 2, 0)

    world = World(master_client_id=2)
    world.fill(Execution(FIRST, stock(), client_id="1"))
    with Gateway(world) as gateway:
        run(test)


# --- live messages -------------------------------------------------------------------------------


def test_a_correction_is_pushed_and_later_answers_tell_both() -> None:
    async def test() -> None:
        async with connected(library, gateway, 1, 11, 59) as (client, told):
            told.clear()
            gateway.push(corrected, CommissionReport(corrected.exec_id, "0.50"))
            await client.reqCurrentTimeAsync()
            assert [fields[1] for fields in told] == ["-1", "1"]
            told.clear()
            await client.reqExecutionsAsync()
            assert ids(told) == [FIRST, SECOND, corrected.exec_id]

    world = World()
    world.fill(Execution(FIRST, stock(), shares="60", price="10"))
    world.fill(Execution(SECOND, stock(), shares="40", price="10"))
    corrected = Execution(FIRST[:-1] + "2", stock(), shares="50", price="10.01")
    with Gateway(world) as gateway:
        run(test)
    truth = world.truth()
    assert truth.quantities == {(ACCOUNT, "265598"): 90}
    assert truth.cash == {(ACCOUNT, "USD"): Decimal("-900.50")}
    assert truth.fees == {(ACCOUNT, "USD"): Decimal("1.50")}
    assert truth.fees_unknown == frozenset()


def test_a_push_may_be_forgotten_addressed_or_made_of_bare_fields() -> None:
    async def test() -> None:
        async with (
            connected(library, gateway, 1, 4, 11) as (one, to_one),
            connected(library, gateway, 2, 4, 11) as (two, to_two),
        ):
            to_one.clear()
            to_two.clear()
            gateway.push(Execution(FIRST, stock()), remember=False, client_id=2)
            gateway.push(Error(1100, "Connectivity lost"), ("11", "-1", "garbage"))
            await one.reqCurrentTimeAsync()
            await two.reqCurrentTimeAsync()
            assert [fields[0] for fields in to_one] == ["4", "11"]
            assert [fields[0] for fields in to_two] == ["11", "4", "11"]
            assert to_one[-1] == ("11", "-1", "garbage")

    world = World()
    with Gateway(world) as gateway:
        run(test)
    assert world.executions == []


def test_orders_and_their_status_are_pushed_and_kept() -> None:
    async def test() -> None:
        async with connected(library, gateway) as (client, _):
            gateway.push(order, OrderStatus("1", "Submitted", "40", "60"))
            await client.reqCurrentTimeAsync()
            assert [it.orderStatus.filled for it in client.openTrades()] == [40]
        async with connected(library, gateway, 1, 3) as (client, told):
            assert [fields[3] for fields in told] == ["40"]

    order = OpenOrder(stock())
    with Gateway() as gateway:
        run(test)


def test_a_combination_is_a_row_of_the_whole_and_a_row_for_each_leg() -> None:
    rows = combo(
        FIRST,
        [(option(), "BOT", "1", "3.00"), (option(strike="260", con_id="7"), "SLD", "1", "1.75")],
        perm_id="2002",
    )
    assert [row.contract.sec_type for row in rows] == ["BAG", "OPT", "OPT"]
    assert len({row.exec_id for row in rows}) == 3
    assert {row.perm_id for row in rows} == {"2002"}
    truth = World(executions=rows).truth()
    assert truth.quantities == {(ACCOUNT, "712345601"): 1, (ACCOUNT, "7"): -1}
    assert truth.cash == {(ACCOUNT, "USD"): -125}


def test_a_pending_commission_is_not_known() -> None:
    world = World()
    world.fill(Execution(FIRST, stock()), CommissionReport(FIRST, "-1.0"))
    world.keep(Execution(SECOND, stock()))
    assert world.truth().fees_unknown == {FIRST, SECOND}
    world.keep(CommissionReport(FIRST, "-0.25"))
    assert world.truth().fees == {(ACCOUNT, "USD"): Decimal("-0.25")}
