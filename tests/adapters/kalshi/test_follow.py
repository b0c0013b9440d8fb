"""Following the channel: every fill at once to the disk, REST whenever something may be missing.

The channels are real sockets. Time is simulated, and what happens next is decided where the
follower asks whether to stop: nothing here waits for a length of time.
"""

import random
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.sync.server import ServerConnection, serve

from adapters.clock import Clock
from adapters.kalshi import signing
from adapters.kalshi.errors import RefusedError
from adapters.kalshi.follow import Following, Pauses, Positions
from adapters.kalshi.sites import Site, site
from adapters.kalshi.taking import Taker
from adapters.log.sqlite import SQLiteLog
from domain.event import Owner, payload_bytes
from tests.tools.fake_kalshi.serving import START, TICKER, minutes
from tools.fake_kalshi.clock import SimulatedClock
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.keys import new_key

OWNER = Owner("main", "live")
QUICK = Pauses(listening=0.01)
CONFIRMED = '{"type":"subscribed","id":1,"msg":{"channel":"fill","sid":1}}'
TURNS_MAX = 1500


@dataclass(slots=True)
class Listener:
    """Follows a channel and remembers all that it was told."""

    log: SQLiteLog
    clock: SimulatedClock
    site: Site
    credentials: signing.Credentials
    reasons: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    on_catch_up: Callable[[str], None] = lambda _: None
    whole: bool = True
    """Whether catching up gets everything."""
    on_line: Callable[[str], None] = lambda _: None

    def follow(
        self, until: Callable[[Following], bool], pauses: Pauses = QUICK, jitter: float = 1
    ) -> Following:
        """Follow until something holds."""
        turns = iter(range(TURNS_MAX))

        def stop() -> bool:
            assert next(turns, None) is not None, (self.reasons, self.lines)
            return until(following)

        following = Following(
            site=self.site,
            credentials=self.credentials,
            clock=Clock(self.clock.now, self.clock.monotonic, self._sleep),
            taker=Taker(self.log, OWNER),
            catch_up=self._catch_up,
            tell=self._tell,
            stop=stop,
            pauses=pauses,
            jitter=lambda: jitter,
        )
        following.run()
        return following

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.sleep(seconds)

    def _catch_up(self, reason: str) -> bool:
        self.reasons.append(reason)
        self.on_catch_up(reason)
        return self.whole

    def _tell(self, line: str) -> None:
        self.lines.append(line)
        self.on_line(line)

    @property
    def payloads(self) -> list[str]:
        """The messages in the log, as they came."""
        states = self.log.batches(0, self.log.head()).read_all().column("state").to_pylist()
        return [payload_bytes(state).decode() for state in states]

    @property
    def waits(self) -> list[str]:
        """What was told of the pauses between two attempts."""
        return [line.rpartition("again in ")[2] for line in self.lines if "again in" in line]


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(START)


@pytest.fixture
def exchange(clock: SimulatedClock) -> Iterator[Exchange]:
    with Exchange(minutes(30), clock=clock) as exchange:
        yield exchange


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SQLiteLog]:
    with SQLiteLog.open(tmp_path / "log.sqlite", create=True) as log:
        yield log


@pytest.fixture
def listener(exchange: Exchange, clock: SimulatedClock, log: SQLiteLog) -> Listener:
    credentials = signing.load(exchange.key_id, pem=exchange.key_pem, file=None)
    return Listener(log, clock, site(exchange.url, exchange.stream_url), credentials)


def fills(exchange: Exchange, clock: SimulatedClock, count: int = 1) -> None:
    """Let so many fills happen and be told."""
    exchange.stream.wait_for_subscribers()
    clock.advance(timedelta(minutes=count))
    assert exchange.announce() == count


@contextmanager
def channel(talk: Callable[[ServerConnection], None]) -> Iterator[str]:
    """Serve a channel of one's own; return its address."""
    with serve(talk, "127.0.0.1", 0, close_timeout=1) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        port = server.socket.getsockname()[1]
        try:
            yield f"ws://127.0.0.1:{port}/trade-api/ws/v2"
        finally:
            server.shutdown()
            thread.join()


def saying(*texts: str | bytes) -> Callable[[ServerConnection], None]:
    """Say this to everybody who subscribes, and nothing more."""

    def talk(connection: ServerConnection) -> None:
        connection.recv()
        for text in texts:
            connection.send(text)
        for _ in connection:
            pass

    return talk


# --- fills ---------------------------------------------------------------------------------------


def test_every_fill_is_on_the_disk_before_the_next_one_is_listened_to(
    listener: Listener, exchange: Exchange, clock: SimulatedClock, log: SQLiteLog
) -> None:
    heads: list[int] = []
    listener.on_catch_up = lambda _: fills(exchange, clock, 5)
    listener.on_line = lambda _: heads.append(log.head())
    following = listener.follow(lambda following: following.fills == 5)
    assert heads == [1, 2, 3, 4, 5]
    assert (following.fills, following.connections, listener.reasons) == (5, 1, ["subscribed"])
    assert all(line.startswith(f"fill {TICKER} yes 1.00 ") for line in listener.lines)
    event = log.event(1)
    assert event is not None
    assert event.key == "kalshi|main|live|kalshi.fill_message|fill-0001"


def test_a_message_is_kept_byte_for_byte(listener: Listener) -> None:
    body = '{"trade_id" : "a",\t"count_fp":1.10,"x":[{}]}'
    text = f'{{"type":"fill","sid":1,"msg": {body} }}'
    with channel(saying(CONFIRMED, text, text.encode())) as address:
        listener.site = Site(listener.site.rest, address, paper=False)
        following = listener.follow(lambda following: following.fills == 2)
    assert (listener.payloads, following.fills) == ([body], 2)


@pytest.mark.parametrize("body", ["5", '"text"', "null", "{}", '{"trade_id":7,"count_fp":{}}'])
def test_a_fill_of_another_form_is_kept_all_the_same(listener: Listener, body: str) -> None:
    with channel(saying(CONFIRMED, f'{{"type":"fill","msg":{body}}}')) as address:
        listener.site = Site(listener.site.rest, address, paper=False)
        listener.follow(lambda following: following.fills == 1)
    assert listener.payloads == [body]


def test_what_the_channel_says_moves_no_cursor_and_colours_nothing(listener: Listener) -> None:
    hostile = r'{"type":"fill","msg":{"market_ticker":"\u001b[31mX\u0007\nY"}}'
    with channel(saying(CONFIRMED, hostile, r'{"type":"\u001b[2J"}')) as address:
        listener.site = Site(listener.site.rest, address, paper=False)
        listener.follow(lambda _: len(listener.lines) == 2)
    assert listener.lines[0] == "fill [31mX Y"
    assert "\x1b" not in "".join(listener.lines)


# --- when REST is asked --------------------------------------------------------------------------


def test_a_message_that_never_came_is_noticed_by_the_position_of_the_next(
    listener: Listener, exchange: Exchange, clock: SimulatedClock
) -> None:
    def subscribed(reason: str) -> None:
        if reason == "subscribed":
            fills(exchange, clock, 2)
            exchange.stream.swallow(1)
            fills(exchange, clock, 3)

    listener.on_catch_up = subscribed
    listener.follow(lambda following: following.fills == 4)
    assert listener.reasons == ["subscribed", "a message is missing"]


@pytest.mark.parametrize("reset", [False, True])
def test_after_a_lost_connection_it_subscribes_again_and_rest_catches_up(
    listener: Listener,
    exchange: Exchange,
    clock: SimulatedClock,
    reset: bool,  # noqa: FBT001
) -> None:
    def subscribed(_: str) -> None:
        if len(listener.reasons) == 1:
            fills(exchange, clock)

    def heard(line: str) -> None:
        if line.startswith("fill"):
            exchange.stream.swallow(1)
            fills(exchange, clock)
            exchange.stream.drop(reset=reset)

    listener.on_catch_up, listener.on_line = subscribed, heard
    following = listener.follow(lambda _: len(listener.reasons) == 2)
    assert (following.connections, following.fills) == (2, 1)
    assert (listener.reasons, listener.waits) == (["subscribed", "subscribed"], ["1 s"])


def test_rest_catches_up_at_regular_times(listener: Listener, clock: SimulatedClock) -> None:
    at: list[float] = []
    listener.on_catch_up = lambda _: at.append(clock.monotonic())

    def until(_: Following) -> bool:
        if listener.reasons:
            clock.advance(timedelta(seconds=100))
        return len(listener.reasons) == 4

    listener.follow(until)
    assert listener.reasons == ["subscribed", *["regular"] * 3]
    assert [later - earlier for earlier, later in pairwise(at)] == [1000] * 3


def test_a_catch_up_that_did_not_get_everything_is_soon_repeated(
    listener: Listener, clock: SimulatedClock
) -> None:
    listener.whole = False
    at: list[float] = []
    listener.on_catch_up = lambda _: at.append(clock.monotonic())

    def until(_: Following) -> bool:
        if listener.reasons:
            clock.advance(timedelta(seconds=40))
        return len(listener.reasons) == 3

    listener.follow(until)
    assert [later - earlier for earlier, later in pairwise(at)] == [80, 80]


def test_another_catch_up_puts_the_regular_one_off(
    listener: Listener, exchange: Exchange, clock: SimulatedClock
) -> None:
    said = ["half a mess", '{"type":"fill","msg":{}}']

    def until(following: Following) -> bool:
        if len(listener.reasons) + len(said) == 3:
            exchange.stream.wait_for_subscribers()
            clock.advance(timedelta(seconds=800))
            exchange.stream.say(said.pop(0))
        return following.fills == 1

    listener.follow(until)
    assert listener.reasons == ["subscribed", "a message that cannot be read"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", '{"type":"fill","msg":{"a":1', "\x00", "{'a'}"]
)
def test_a_message_that_cannot_be_read_is_told_and_rest_catches_up(
    listener: Listener, text: str
) -> None:
    with channel(saying(CONFIRMED, text)) as address:
        listener.site = Site(listener.site.rest, address, paper=False)
        listener.follow(lambda _: len(listener.reasons) == 2)
    assert listener.reasons == ["subscribed", "a message that cannot be read"]
    assert "a message that is not JSON" in listener.lines[0]
    assert listener.payloads == []


def test_what_could_not_be_read_before_the_subscription_takes_nothing_from_it(
    listener: Listener,
) -> None:
    with channel(saying("half a mess", CONFIRMED)) as address:
        listener.site = Site(listener.site.rest, address, paper=False)
        listener.follow(lambda _: len(listener.reasons) == 2)
    assert listener.reasons == ["a message that cannot be read", "subscribed"]


def test_a_subscription_that_is_confirmed_twice_is_one(listener: Listener) -> None:
    end = '{"type":"fill","msg":{}}'
    with channel(saying(CONFIRMED, CONFIRMED, end)) as address:
        listener.site = Site(listener.site.rest, address, paper=False)
        listener.follow(lambda following: following.fills == 1)
    assert listener.reasons == ["subscribed"]


def test_messages_of_other_types_are_left_aside_and_replies_are_not_worth_a_word(
    listener: Listener, exchange: Exchange, clock: SimulatedClock
) -> None:
    def subscribed(_: str) -> None:
        exchange.stream.wait_for_subscribers()
        exchange.stream.say_unknown()
        exchange.stream.say('{"type":"ok","id":1}')
        exchange.stream.say('{"type":"unsubscribed","id":1}')
        exchange.stream.say("{}")
        fills(exchange, clock)

    listener.on_catch_up = subscribed
    listener.follow(lambda following: following.fills == 1)
    assert [line.partition("of type ")[2] for line in listener.lines[:-1]] == [
        "made_unknown, which is left aside",
        "None, which is left aside",
    ]
    assert listener.reasons == ["subscribed"]


# --- connections ---------------------------------------------------------------------------------


def nobody_there() -> str:
    """Return an address at which nobody listens any more."""
    with channel(saying()) as address:
        return address


def test_pauses_double_up_to_the_longest_while_nobody_answers(listener: Listener) -> None:
    listener.site = Site(listener.site.rest, nobody_there(), paper=False)
    following = listener.follow(lambda following: following.failures == 8, Pauses(listening=1))
    assert listener.waits[:7] == ["1 s", "2 s", "4 s", "8 s", "16 s", "32 s", "60 s"]
    assert (following.connections, listener.reasons) == (0, ["without the channel"])
    assert max(listener.slept) <= 1
    assert sum(listener.slept) == 1 + 2 + 4 + 8 + 16 + 32 + 60


@given(st.floats(0, 1), st.integers(1, 8))
def test_pauses_are_drawn_below_their_ceiling(share: float, failures: int) -> None:
    clock = SimulatedClock(START)
    slept: list[float] = []
    following = Following(
        site=Site("", "", paper=False),
        credentials=signing.Credentials("made", new_key("ed25519", "made").private),
        clock=Clock(clock.now, clock.monotonic, slept.append),
        taker=Taker(NotImplemented, OWNER),
        catch_up=lambda _: True,
        tell=lambda _: None,
        stop=lambda: False,
        jitter=lambda: share,
        failures=failures,
    )
    following._wait(OSError("made"))
    assert sum(slept) == pytest.approx(share * min(2 ** (failures - 1), 60))


def test_a_stop_ends_a_pause(listener: Listener) -> None:
    listener.site = Site(listener.site.rest, nobody_there(), paper=False)
    listener.follow(lambda _: len(listener.slept) >= 2, Pauses(listening=1, first=60))
    assert (listener.waits, listener.slept) == (["60 s"], [1, 1])


def test_a_channel_that_reports_an_error_is_left_and_the_pauses_grow(listener: Listener) -> None:
    said = '{"type":"error","id":1,"msg":{"code":9,"msg":"made\\u001b to fail"}}'
    with channel(saying(said)) as address:
        listener.site = Site(listener.site.rest, address, paper=False)
        following = listener.follow(lambda following: following.failures == 4)
    assert listener.waits[:3] == ["1 s", "2 s", "4 s"]
    assert following.connections == 4
    assert "the channel reports an error" in listener.lines[0]
    assert '"code":9' in listener.lines[0]
    assert listener.reasons == ["without the channel"]


def test_a_subscription_that_is_confirmed_begins_the_pauses_anew(listener: Listener) -> None:
    error = '{"type":"error"}'
    said = iter([[error], [error], [CONFIRMED, error], [error]])

    def talk(connection: ServerConnection) -> None:
        saying(*next(said))(connection)

    with channel(talk) as address:
        listener.site = Site(listener.site.rest, address, paper=False)
        listener.follow(lambda following: following.connections == 4 and following.failures == 2)
    assert listener.waits[:3] == ["1 s", "2 s", "1 s"]
    assert "without a reason" in listener.lines[0]


def test_a_subscription_that_is_never_confirmed_is_given_up(
    listener: Listener, clock: SimulatedClock
) -> None:
    fill = '{"type":"fill","msg":{"trade_id":"early"}}'

    def until(following: Following) -> bool:
        if following.fills:
            clock.advance(timedelta(seconds=5))
        return bool(listener.waits)

    with channel(saying(fill)) as address:
        listener.site = Site(listener.site.rest, address, paper=False)
        listener.follow(until)
    assert "no subscription within 20 s" in listener.lines[-1]
    assert (listener.reasons, len(listener.payloads)) == ([], 1)


@pytest.mark.parametrize("scopes", [frozenset({"write"}), None], ids=["403", "401"])
def test_a_key_that_is_refused_ends_it_and_the_key_is_not_told(
    clock: SimulatedClock, log: SQLiteLog, scopes: frozenset[str] | None
) -> None:
    known, other = new_key("ed25519", "made-key-id-1"), new_key("ed25519", "made-key-id-1")
    key = known if scopes is None else type(known)(other.key_id, other.private, scopes)
    with Exchange(minutes(1), clock=clock, key=key) as exchange:
        credentials = signing.load(other.key_id, pem=other.pem, file=None)
        address = site(exchange.url, exchange.stream_url)
        listener = Listener(log, clock, address, credentials)
        with pytest.raises(RefusedError) as raised:
            listener.follow(lambda _: False)
    told = str(raised.value)
    assert f"status {401 if scopes is None else 403}" in told
    assert "made-key…" in told
    assert other.key_id not in told
    assert other.key_id not in "".join(traceback.format_exception(raised.value))
    assert (listener.lines, listener.slept) == ([], [])


def test_another_status_of_the_handshake_is_told_and_tried_again(listener: Listener) -> None:
    elsewhere = listener.site.stream.replace("/ws/v2", "/ws/v9")
    listener.site = Site(listener.site.rest, elsewhere, paper=False)
    listener.follow(lambda following: following.failures == 2)
    assert (
        listener.lines[0]
        == "WebSocket fill: status 404 (is its address right?); connecting again in 1 s"
    )


def test_a_handshake_is_signed_by_the_time_of_its_attempt(
    listener: Listener, exchange: Exchange, clock: SimulatedClock
) -> None:
    def subscribed(_: str) -> None:
        exchange.stream.drop()
        # a signature of before would be too old by far
        clock.advance(timedelta(hours=1))

    listener.on_catch_up = subscribed
    assert listener.follow(lambda _: len(listener.reasons) == 3).connections == 3


def test_a_message_larger_than_any_fill_ends_the_connection(listener: Listener) -> None:
    with channel(saying(CONFIRMED, f'{{"type":"fill","msg":"{"x" * 2**20}"}}')) as address:
        listener.site = Site(listener.site.rest, address, paper=False)
        listener.follow(lambda following: following.failures == 1)
    assert (listener.payloads, listener.reasons) == ([], ["subscribed"])


def test_who_is_told_to_stop_at_once_does_not_even_connect(listener: Listener) -> None:
    assert listener.follow(lambda _: True).connections == 0


# --- positions -----------------------------------------------------------------------------------


def message(
    number: int, change: int, after: int, ticker: str = "A", **more: object
) -> dict[str, object]:
    side = "yes" if change >= 0 else "no"
    return {
        "trade_id": f"t{number}",
        "market_ticker": ticker,
        "outcome_side": side,
        "count_fp": f"{abs(Decimal(change)) / 100}",
        "post_position_fp": f"{Decimal(after) / 100}",
        **more,
    }


TRADES = st.lists(
    st.tuples(st.sampled_from("AB"), st.sampled_from((None, 0, 1)), st.integers(-300, 300)),
    max_size=25,
)


@given(TRADES, st.sets(st.integers(0, 24)), st.randoms(use_true_random=False))
def test_it_is_noticed_exactly_when_messages_that_change_a_position_were_lost(
    trades: list[tuple[str, int | None, int]], lost: set[int], luck: random.Random
) -> None:
    """Against brute force: the sum of what was heard, since the first message of each holding."""
    true: dict[tuple[str, int], int] = {}
    known: dict[tuple[str, int], int] = {}
    positions = Positions()
    heard: list[dict[str, object]] = []
    for number, (ticker, subaccount, change) in enumerate(trades):
        holding = (ticker, subaccount or 0)
        true[holding] = true.get(holding, 0) + change
        if number in lost:
            continue
        more = {} if subaccount is None else {"subaccount": str(subaccount)}
        heard.append(message(number, change, true[holding], ticker, **more))
        expected = holding not in known or known[holding] + change == true[holding]
        assert positions.follows(heard[-1]) is expected
        known[holding] = true[holding]
        # one that is told again says nothing new, whenever that happens
        assert positions.follows(luck.choice(heard))


@pytest.mark.parametrize(
    "odd",
    [
        None, [], "text", {}, {"trade_id": "t2"},
        *(
            message(2, 100, 900) | changes
            for changes in (
                {"count_fp": "many"}, {"count_fp": None}, {"post_position_fp": "NaN"},
                {"post_position_fp": "sNaN"}, {"count_fp": "Infinity"}, {"count_fp": "1e999999"},
                {"post_position_fp": "9" * 40}, {"outcome_side": "maybe"}, {"market_ticker": None},
                {"trade_id": None},
            )
        ),
    ],
)  # fmt: skip
def test_a_message_that_says_no_position_is_no_reason_to_worry(odd: object) -> None:
    positions = Positions()
    assert positions.follows(message(1, 100, 100))
    assert positions.follows(odd)
    assert positions.follows(message(3, 100, 200))
    assert not positions.follows(message(4, 100, 400))


def test_trades_are_forgotten_in_the_end_so_that_following_can_go_on_for_ever() -> None:
    positions = Positions()
    for number in range(10_050):
        positions.follows(message(number, 1, number))
    assert len(positions.trades) == 10_000
    assert "t49" not in positions.trades
