"""What the fake gateway can do wrong, and what the client library that is installed makes of it."""

import asyncio

import pytest

from tests.fakes.gateway import (
    Asked,
    Drop,
    Execution,
    Gateway,
    Hold,
    Refuse,
    Silence,
    World,
    stock,
)
from tests.fakes.gateway.examples import three_fills
from tests.fakes.gateway.library import client_library, connected, run

library = client_library()
IS_SYNC = library.__name__ == "ib_insync"


@pytest.mark.parametrize("pieces", [(1,), (3, 1000, 1), (7,), (5000,)])
def test_messages_arrive_whole_however_they_are_cut(pieces: tuple[int, ...]) -> None:
    async def test() -> None:
        async with connected(library, gateway, 1, 11, 59) as (client, told):
            gateway.push(*world.fill(Execution("0000e0d5.6a59af45.01.01", stock())))
            await client.reqCurrentTimeAsync()
            assert len(client.fills()) == 4
            assert len(told) == 8

    world = three_fills()
    with Gateway(world, pieces=pieces) as gateway:
        run(test)


@pytest.mark.parametrize("size", [0, 2, 40])
def test_the_socket_drops_in_the_middle_of_an_answer(size: int) -> None:
    async def test() -> None:
        async with connected(library, gateway, 1, 11, 59) as (client, told):
            told.clear()
            with pytest.raises(ConnectionError):
                await client.reqExecutionsAsync()
            assert [fields[0] for fields in told] == ["11", "11"]
        async with connected(library, gateway) as (client, _):
            assert len(client.fills()) == 3

    with Gateway(three_fills()) as gateway:
        gateway.on(Asked.EXECUTIONS, Drop(after_messages=2, after_bytes=size), skip=1, times=1)
        run(test)


def test_all_sockets_drop_at_once_and_clients_may_come_back() -> None:
    async def test() -> None:
        async with (
            connected(library, gateway, 1) as (one, _),
            connected(library, gateway, 2) as (two, _),
        ):
            gateway.drop()
            assert gateway.connections == 0
            for client in (one, two):
                with pytest.raises(ConnectionError):
                    await client.reqCurrentTimeAsync()
        async with connected(library, gateway, 1):
            assert gateway.connections == 1

    with Gateway() as gateway:
        run(test)


def test_a_request_without_an_answer_does_not_stop_the_others() -> None:
    async def test() -> None:
        async with connected(library, gateway) as (client, _):
            waiting = asyncio.ensure_future(client.reqExecutionsAsync())
            await client.reqCurrentTimeAsync()
            assert not waiting.done()
            gateway.drop()
            with pytest.raises(ConnectionError):
                await waiting

    with Gateway(three_fills()) as gateway:
        gateway.on(Asked.EXECUTIONS, Silence(), skip=1)
        run(test)


def test_an_answer_is_held_until_it_is_released() -> None:
    async def test() -> None:
        async with connected(library, gateway) as (client, _):
            waiting = asyncio.ensure_future(client.reqExecutionsAsync())
            await client.reqCurrentTimeAsync()
            assert not waiting.done()
            gateway.release()
            assert len(await waiting) == 3

    with Gateway(three_fills()) as gateway:
        gateway.on(Asked.EXECUTIONS, Hold(), skip=1)
        run(test)


@pytest.mark.parametrize("code", [162, 200, 321])
def test_a_refusal_names_the_request_and_a_library_may_wait_for_ever(code: int) -> None:
    async def test() -> None:
        async with connected(library, gateway, 1, 4) as (client, told):
            told.clear()
            waiting = asyncio.ensure_future(client.reqExecutionsAsync())
            await client.reqCurrentTimeAsync()
            request_id = gateway.asked(Asked.EXECUTIONS)[1][2]
            assert told == [("4", "2", request_id, str(code), "refused", "")]
            if code == 321 and not IS_SYNC:
                assert not waiting.done()
                gateway.drop()
                with pytest.raises(ConnectionError):
                    await waiting
            else:
                assert await waiting == []

    with Gateway(three_fills()) as gateway:
        gateway.on(Asked.EXECUTIONS, Refuse(code, "refused"), skip=1)
        run(test)


def test_what_a_gateway_does_not_know_is_refused() -> None:
    async def test() -> None:
        async with connected(library, gateway, 1, 4) as (client, told):
            client.client.send(80)
            await client.reqCurrentTimeAsync()
            assert [fields[3] for fields in told] == ["2104", "505"]

    with Gateway() as gateway:
        run(test)


@pytest.mark.parametrize("noticed", [True, False])
def test_a_gateway_that_fails_says_so_at_the_end(*, noticed: bool) -> None:
    async def test() -> None:
        async with connected(library, gateway):
            pytest.fail("connected")

    gateway = Gateway()

    def converse() -> None:
        nonlocal gateway
        with Gateway(World(zone="Nowhere")) as gateway:
            with pytest.raises(ConnectionError) as failed:
                run(test)
            if noticed:
                raise failed.value

    with pytest.raises((KeyError, ConnectionError)) as ended:
        converse()
    assert isinstance(ended.value, ConnectionError) == noticed
    assert not noticed or "Nowhere" in ended.value.__notes__[0]
