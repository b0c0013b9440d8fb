"""The WebSocket over real sockets: the handshake, commands, fills, and what goes wrong."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.tools.fake_kalshi.serving import START, TICKER, fill
from tools.fake_kalshi.clock import SimulatedClock
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.keys import Key, process_key
from tools.fake_kalshi.streams import STREAM_PATH
from tools.fake_kalshi.world import World

OTHER = "KXHIGHNY-26JAN05-T47"
MINUTE = timedelta(minutes=1)
FIRST = fill(
    1,
    START + MINUTE,
    acquired="no",
    action="sell",
    client_order_id="mm_1",
    quantity=Decimal(3),
    exchange_index=1,
)
SECOND = fill(2, START + 2 * MINUTE, ticker=OTHER)
THIRD = fill(3, START + 3 * MINUTE, exchange_index=1)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(START)


@pytest.fixture
def exchange(clock: SimulatedClock) -> Iterator[Exchange]:
    with Exchange(World.by_hand([FIRST, SECOND, THIRD]), clock=clock) as it:
        yield it


@contextmanager
def joined(exchange: Exchange, **changes: str) -> Iterator[ClientConnection]:
    headers = exchange.key.headers("GET", STREAM_PATH, exchange.clock.now())
    with connect(exchange.stream_url, additional_headers={**headers, **changes}) as wire:
        yield wire


def command(wire: ClientConnection, cmd: str, **params: object) -> dict[str, Any]:
    wire.send(json.dumps({"id": 7, "cmd": cmd, "params": params}))
    return heard(wire)


def heard(wire: ClientConnection) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(wire.recv(timeout=10))
    return told


@contextmanager
def listening(exchange: Exchange, **params: object) -> Iterator[ClientConnection]:
    with joined(exchange) as wire:
        assert command(wire, "subscribe", channels=["fill"], **params)["type"] == "subscribed"
        exchange.stream.wait_for_subscribers()
        yield wire


def test_a_handshake_that_is_not_signed_is_refused(exchange: Exchange) -> None:
    for changes in (
        {"KALSHI-ACCESS-KEY": "nobody"},
        {"KALSHI-ACCESS-SIGNATURE": "AAAA"},
        {"KALSHI-ACCESS-TIMESTAMP": "12345"},
    ):
        with pytest.raises(InvalidStatus) as refused, joined(exchange, **changes):
            pytest.fail("the handshake was accepted")
        assert refused.value.response.status_code == 401
    with pytest.raises(InvalidStatus) as refused, connect(exchange.stream_url):
        pytest.fail("the handshake was accepted")
    assert refused.value.response.status_code == 401


def test_a_key_without_the_scope_is_refused(clock: SimulatedClock) -> None:
    blind = Key("blind", process_key("ed25519").private, scopes=frozenset())
    with (
        Exchange(World.by_hand(), clock=clock, key=blind) as exchange,
        pytest.raises(InvalidStatus) as refused,
        joined(exchange),
    ):
        pytest.fail("the handshake was accepted")
    assert refused.value.response.status_code == 403


def test_another_path_is_not_found(exchange: Exchange) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(exchange.stream_url + "/more"):
        pytest.fail("the handshake was accepted")
    assert refused.value.response.status_code == 404


def test_subscribing_is_confirmed_with_a_number_of_its_own(exchange: Exchange) -> None:
    with joined(exchange) as wire:
        first = command(wire, "subscribe", channels=["fill"])
        second = command(wire, "subscribe", channels=["fill"], market_ticker=TICKER)
    assert (first["id"], first["type"], first["msg"]) == (
        7,
        "subscribed",
        {"channel": "fill", "sid": 1},
    )
    assert second["msg"]["sid"] == 2


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 1),
        ("[]", 1),
        ('{"id":1,"cmd":"shout","params":{}}', 5),
        ('{"id":1,"cmd":"subscribe"}', 2),
        ('{"id":1,"cmd":"subscribe","params":{}}', 3),
        ('{"id":1,"cmd":"subscribe","params":{"channels":["secrets"]}}', 8),
        ('{"id":1,"cmd":"subscribe","params":{"channels":["fill"],"market_tickers":[1]}}', 11),
        ('{"id":1,"cmd":"unsubscribe","params":{}}', 4),
        ('{"id":1,"cmd":"unsubscribe","params":{"sids":[9]}}', 7),
    ],
)
def test_a_command_that_makes_no_sense_is_answered_with_its_code(
    exchange: Exchange, text: str, code: int
) -> None:
    with joined(exchange) as wire:
        wire.send(text)
        told = heard(wire)
        assert (told["type"], told["msg"]["code"]) == ("error", code)
        assert command(wire, "subscribe", channels=["fill"])["type"] == "subscribed"


def test_a_fill_is_told_by_the_convention_of_the_order(
    exchange: Exchange, clock: SimulatedClock
) -> None:
    with listening(exchange) as wire:
        clock.advance(MINUTE)
        assert exchange.announce() == 1
        told = heard(wire)
    assert told == {
        "type": "fill",
        "sid": 1,
        "sending_ts_ms": 1767571260000,
        "msg": {
            "trade_id": "fill-0001",
            "order_id": "order-0001",
            "client_order_id": "mm_1",
            "market_ticker": TICKER,
            "exchange_index": 1,
            "is_taker": True,
            "side": "yes",
            "action": "sell",
            "purchased_side": "no",
            "outcome_side": "no",
            "book_side": "ask",
            "yes_price_dollars": "0.4000",
            "count_fp": "3.00",
            "fee_cost": "0.020000",
            "ts": 1767571260,
            "ts_ms": 1767571260000,
            "post_position_fp": "-3.00",
            "subaccount": 0,
        },
    }


def test_each_fill_is_told_once_as_it_becomes_visible(
    exchange: Exchange, clock: SimulatedClock
) -> None:
    with listening(exchange) as wire:
        assert exchange.announce() == 0
        assert exchange.announce(START + 2 * MINUTE) == 2
        assert exchange.announce(START + MINUTE) == 0
        clock.advance(9 * MINUTE)
        assert exchange.announce() == 1
        told = [heard(wire)["msg"] for _ in range(3)]
    assert [row["trade_id"] for row in told] == ["fill-0001", "fill-0002", "fill-0003"]
    assert [row["post_position_fp"] for row in told] == ["-3.00", "1.00", "-2.00"]
    assert "client_order_id" not in told[1]


def test_generation_4_says_nothing_of_shards(exchange: Exchange, clock: SimulatedClock) -> None:
    shardless = World.by_hand([SECOND])
    with Exchange(shardless, clock=clock, generation="4") as older, listening(older) as wire:
        older.announce(START + 9 * MINUTE)
        assert "exchange_index" not in heard(wire)["msg"]


def test_only_the_markets_that_were_asked_for_are_told(exchange: Exchange) -> None:
    with listening(exchange, market_tickers=[OTHER]) as wire:
        exchange.announce(START + 9 * MINUTE)
        assert heard(wire)["msg"]["trade_id"] == "fill-0002"
        exchange.stream.say_unknown()
        assert heard(wire)["type"] == "made_unknown"


def test_after_unsubscribing_nothing_is_told(exchange: Exchange) -> None:
    with listening(exchange) as wire:
        told = command(wire, "unsubscribe", sids=[1])
        assert (told["type"], told["sid"], told["id"]) == ("unsubscribed", 1, 7)
        exchange.announce(START + 9 * MINUTE)
        assert command(wire, "unsubscribe", sids=[1])["msg"]["code"] == 7


def test_swallowed_messages_leave_a_gap(exchange: Exchange) -> None:
    with listening(exchange) as wire:
        exchange.stream.swallow(2)
        assert exchange.announce(START + 9 * MINUTE) == 3
        assert heard(wire)["msg"]["trade_id"] == "fill-0003"


def test_messages_may_be_unknown_broken_or_anything(exchange: Exchange) -> None:
    with listening(exchange) as wire:
        exchange.stream.say_unknown()
        assert heard(wire)["type"] == "made_unknown"
        exchange.stream.say_broken()
        with pytest.raises(json.JSONDecodeError):
            heard(wire)
        exchange.stream.say("anything")
        assert wire.recv(timeout=10) == "anything"


@pytest.mark.parametrize(("reset", "code"), [(False, 1012), (True, 1006)])
def test_a_connection_can_be_dropped_and_what_comes_meanwhile_is_missed(
    exchange: Exchange, *, reset: bool, code: int
) -> None:
    with listening(exchange) as wire:
        exchange.stream.drop(reset=reset)
        with pytest.raises(ConnectionClosed) as closed:
            wire.recv(timeout=10)
    said = closed.value.rcvd.code if closed.value.rcvd else 1006
    assert said == code
    assert isinstance(closed.value, ConnectionClosedError)
    exchange.stream.wait_until_alone()
    assert exchange.announce(START + MINUTE) == 1
    with listening(exchange) as again:
        exchange.announce(START + 2 * MINUTE)
        assert heard(again)["msg"]["trade_id"] == "fill-0002"


def test_waiting_for_a_subscriber_that_does_not_come_ends(exchange: Exchange) -> None:
    with pytest.raises(TimeoutError, match="0 subscriptions, not 1"):
        exchange.stream.wait_for_subscribers(timeout_seconds=0)
