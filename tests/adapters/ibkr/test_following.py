"""Staying connected: what is pushed is kept, what was missed is asked for, the day is closed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from adapters.ibkr.asking import Asked as Round
from adapters.ibkr.following import Following, Pauses
from domain.errors import UsageError
from tests.adapters.ibkr.desk import SHORT, Desk, desk, executed, filled, reported
from tests.fakes.gateway import Asked, Drop, Position, Refuse, Silence, World, stock

EXECUTION = "ibkr.execution"
REPORT = "ibkr.commission_report"
# Every look at the clock takes a millisecond of its time, and none of ours.
BRISK = Pauses(listening=0.01, catch_up=3600, again=3600, first=0.01, longest=0.01)


@dataclass
class Watch:
    """A following under way, and what came of its rounds."""

    at_desk: Desk
    pauses: Pauses = BRISK
    stopped: bool = False
    rounds: list[tuple[Round, str]] = field(default_factory=list)
    happened: asyncio.Event = field(default_factory=asyncio.Event)
    following: Following = field(init=False)

    async def caught_up(self, asked: Round, reason: str) -> None:
        """Note a round."""
        self.rounds.append((asked, reason))
        self.happened.set()

    async def until(self, so: Callable[[], bool]) -> None:
        """Wait until something is so, and look whenever something happened."""
        async with asyncio.timeout(10):
            while not so():
                self.happened.clear()
                await self.happened.wait()

    async def round(self, number: int) -> str:
        """Wait for so many rounds, and return why the last of them was asked."""
        await self.until(lambda: len(self.rounds) >= number)
        return self.rounds[number - 1][1]

    async def told(self, kind: str, number: int) -> None:
        """Wait until so many events of a kind lie in the log."""
        await self.until(lambda: len(self.at_desk.stored(kind)) >= number)


def follow(
    at_desk: Desk, happening: Callable[[Watch], Awaitable[None]], pauses: Pauses = BRISK
) -> Watch:
    """Follow while something happens, then stop."""

    async def work() -> Watch:
        watch = Watch(at_desk, pauses)
        at_desk.happened = watch.happened.set
        watch.following = Following(
            connect=at_desk.connect,
            caught_up=watch.caught_up,
            tell=at_desk.tell,
            stop=lambda: watch.stopped,
            now=at_desk.now,
            zones=at_desk.plan.zones,
            pauses=pauses,
            jitter=lambda: 1.0,
        )
        running = asyncio.create_task(watch.following.run())
        happens = asyncio.ensure_future(happening(watch))
        await asyncio.wait({running, happens}, return_when=asyncio.FIRST_COMPLETED)
        if not happens.done():
            happens.cancel()
            with suppress(asyncio.CancelledError):
                await happens
        watch.stopped = True
        await running
        await happens
        return watch

    return asyncio.run(work())


def test_what_is_pushed_is_kept_at_once_and_once(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:

        async def happening(watch: Watch) -> None:
            assert await watch.round(1) == "connected"
            pushed = executed(2, client_id="44")
            await asyncio.to_thread(at_desk.gateway.push, pushed, reported(2))
            await watch.told(REPORT, 2)

        watch = follow(at_desk, happening)
        assert at_desk.keys(EXECUTION) == [executed(1).exec_id, executed(2).exec_id]
        assert at_desk.keys(REPORT) == [executed(1).exec_id, executed(2).exec_id]
        assert (watch.following.connections, watch.following.rounds) == (1, 1)
        (_, told), *_ = at_desk.ask().streams
        assert (told.new, told.duplicates) == (0, 4)


def test_what_happened_during_a_drop_is_asked_for(tmp_path: Path) -> None:
    world = filled(1)
    with desk(tmp_path, world) as at_desk:

        async def happening(watch: Watch) -> None:
            await watch.round(1)
            await asyncio.to_thread(at_desk.gateway.stop)
            world.fill(executed(2))
            await asyncio.to_thread(at_desk.gateway.start)
            assert await watch.round(2) == "connected"

        watch = follow(at_desk, happening)
        assert watch.following.connections == 2
        assert watch.following.failures == 1
        assert at_desk.keys(EXECUTION) == [executed(1).exec_id, executed(2).exec_id]
        assert any("connecting again in 0.0 s" in line for line in at_desk.said)


@pytest.mark.parametrize("after_messages", range(6))
def test_wherever_an_answer_breaks_off_the_log_converges(
    tmp_path: Path, after_messages: int
) -> None:
    with desk(tmp_path, filled(1, 2, 3), pieces=(5, 700)) as at_desk:
        at_desk.gateway.on(Asked.EXECUTIONS, Drop(after_messages, after_bytes=9), times=1)

        async def happening(watch: Watch) -> None:
            await watch.round(2)

        watch = follow(at_desk, happening)
        assert [asked.complete for asked, _ in watch.rounds] == [False, True]
        assert at_desk.keys(EXECUTION) == [executed(n).exec_id for n in (1, 2, 3)]
        assert sorted(at_desk.keys(REPORT)) == [executed(n).exec_id for n in (1, 2, 3)]


def test_all_is_asked_again_at_regular_times_and_sooner_where_a_round_failed(
    tmp_path: Path,
) -> None:
    with desk(tmp_path, filled(1)) as at_desk:
        at_desk.gateway.on(Asked.POSITIONS, Refuse(321, "not now"), times=1)

        async def happening(watch: Watch) -> None:
            assert await watch.round(2) == "regular"
            assert [asked.complete for asked, _ in watch.rounds] == [False, True]

        follow(at_desk, happening, Pauses(listening=0.01, catch_up=3600, again=0.005))


def test_a_regular_round_is_of_executions_and_orders_alone(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:

        async def happening(watch: Watch) -> None:
            assert await watch.round(3) == "regular"

        watch = follow(at_desk, happening, Pauses(listening=0.01, catch_up=0.005))
        assert [told.stream for _, told in watch.rounds[1][0].streams] == [
            "executions",
            "open_orders",
        ]
        once = (Asked.POSITIONS, Asked.ACCOUNT_SUMMARY)
        assert [len(at_desk.gateway.asked(kind)) for kind in once] == [1, 1]
        assert len(at_desk.gateway.asked(Asked.EXECUTIONS)) >= 3


def test_everything_is_asked_again_when_its_time_has_come(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:

        async def happening(watch: Watch) -> None:
            await watch.round(3)

        follow(at_desk, happening, Pauses(listening=0.01, catch_up=0.005, fully=0))
        assert len(at_desk.gateway.asked(Asked.ACCOUNT_SUMMARY)) >= 3


def test_what_is_never_answered_is_asked_once_more_and_then_at_its_time(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:
        at_desk.gateway.on(Asked.POSITIONS, Refuse(321, "never"))

        async def happening(watch: Watch) -> None:
            await watch.round(4)

        watch = follow(at_desk, happening, Pauses(listening=0.01, catch_up=0.005, again=0.005))
        complete = [asked.complete for asked, _ in watch.rounds]
        assert complete[:4] == [False, False, True, True]
        assert len(at_desk.gateway.asked(Asked.POSITIONS)) == 2


def test_a_clock_that_goes_back_delays_no_round(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:
        at_desk.ticks = count(0, -1000)

        async def happening(watch: Watch) -> None:
            assert await watch.round(3) == "regular"

        follow(at_desk, happening, Pauses(listening=0.01, catch_up=0.05))


@pytest.mark.parametrize(
    "malformed", [("54", "1"), ("4", "2", "x", "y", "z")], ids=["end marker", "error"]
)
def test_after_a_malformed_message_everything_is_asked_over_a_new_connection(
    tmp_path: Path, malformed: tuple[str, ...]
) -> None:
    world = filled(1)
    with desk(tmp_path, world) as at_desk:

        async def happening(watch: Watch) -> None:
            await watch.round(1)
            messages = (executed(2, shares="7"), malformed)
            await asyncio.to_thread(at_desk.gateway.push, *messages, remember=False)
            assert await watch.round(2) == "connected"

        watch = follow(at_desk, happening)
        assert watch.following.connections == 2
        assert at_desk.keys(EXECUTION) == [executed(1).exec_id, executed(2).exec_id]
        words = " ".join(malformed)
        expected = f"a message {malformed[0]} that nobody can read: {words}; connecting"
        assert [line for line in at_desk.said if expected in line]


@pytest.mark.parametrize(("lasting", "failures"), [(3600, 3), (0, 1)])
def test_a_gateway_that_drops_after_each_round_is_asked_more_and_more_rarely(
    tmp_path: Path, lasting: float, failures: int
) -> None:
    with desk(tmp_path, filled(1)) as at_desk:

        async def happening(watch: Watch) -> None:
            for number in (1, 2, 3):
                await watch.round(number)
                await asyncio.to_thread(at_desk.gateway.push, ("55", "1"), remember=False)
            await watch.round(4)

        pauses = Pauses(listening=0.01, catch_up=3600, first=0.06, longest=60, lasting=lasting)
        watch = follow(at_desk, happening, pauses)
        assert all(asked.complete for asked, _ in watch.rounds)
        assert watch.following.failures == failures
        seconds = ["0.1", "0.1", "0.2"] if failures > 1 else ["0.1"] * 3
        said = [line.rpartition("; ")[2] for line in at_desk.said]
        assert said == [f"connecting again in {one} s" for one in seconds]


def test_all_is_asked_shortly_before_midnight_of_the_gateways_day(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:
        # 23:57:59 in New York; a look takes 100 ms
        begun = timedelta(hours=8, minutes=27, seconds=59) // timedelta(milliseconds=1)
        at_desk.ticks = iter(range(begun, 10**9, 100))

        async def happening(watch: Watch) -> None:
            assert await watch.round(2) == "before the gateway's day ends"

        follow(at_desk, happening, Pauses(listening=0.01, catch_up=3600, before_midnight=90))
        started = at_desk.fetches()["DU1234567", "executions"]["started_at"]
        assert "2026-01-06T04:58:30" < started < "2026-01-06T05:00:00"


def test_all_is_asked_when_the_gateway_has_ibkr_again(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:

        async def happening(watch: Watch) -> None:
            await watch.round(1)
            words = "Connectivity has been restored - data maintained"
            told = ("4", "2", "-1", "1102", words, "")
            await asyncio.to_thread(at_desk.gateway.push, told, remember=False)
            assert await watch.round(2) == "the gateway has IBKR again"

        follow(at_desk, happening)
        assert any("error 1102" in line for line in at_desk.said)


def test_a_position_that_is_pushed_is_of_its_own_moment(tmp_path: Path) -> None:
    world = World(positions=[Position(stock(), "100", "10.5", "DU1234567")])
    with desk(tmp_path, world) as at_desk:

        async def happening(watch: Watch) -> None:
            await watch.round(1)
            pushed = Position(stock(), "200", "10.6", "DU1234567")
            await asyncio.to_thread(at_desk.gateway.push, pushed, remember=False)
            await watch.told("ibkr.position", 2)

        follow(at_desk, happening)
        first, second = at_desk.envelopes("ibkr.position")
        assert first["as_of"] < second["as_of"]
        assert second["as_of"] == second["received_at"]


def test_stopping_does_not_wait_for_an_answer(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:
        at_desk.gateway.on(Asked.POSITIONS, Silence())

        async def happening(_watch: Watch) -> None:
            await asyncio.to_thread(at_desk.gateway.wait_for, Asked.POSITIONS)

        watch = follow(at_desk, happening)
        assert watch.rounds == []
        assert at_desk.keys(EXECUTION) == [executed(1).exec_id]
        at_desk.gateway.wait_for_connections(0)


def test_a_gateway_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:
        at_desk.gateway.stop()

        async def happening(watch: Watch) -> None:
            await watch.until(lambda: bool(at_desk.said))
            await asyncio.to_thread(at_desk.gateway.start)
            await watch.round(1)

        follow(at_desk, happening)
        assert "nobody listens there" in at_desk.said[0]


def test_attempts_are_further_and_further_apart(tmp_path: Path) -> None:
    with desk(tmp_path) as at_desk:
        at_desk.gateway.stop()

        async def happening(watch: Watch) -> None:
            await watch.until(lambda: len(at_desk.said) >= 5)

        watch = follow(at_desk, happening, Pauses(listening=0.01, first=0.001, longest=0.004))
        assert watch.following.failures >= 5
        assert watch.following.connections == 0


def test_an_account_of_another_mode_ends_the_following(tmp_path: Path) -> None:
    with desk(tmp_path, World(accounts=("U1234567",))) as at_desk:

        async def happening(watch: Watch) -> None:
            await watch.round(1)

        with pytest.raises(UsageError, match="U1234567 is a live account"):
            follow(at_desk, happening)


def test_a_silent_gateway_is_left_and_asked_anew(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:
        at_desk.gateway.on(Asked.START_API, Silence(), times=1)
        at_desk.plan = at_desk.plan.__class__(at_desk.plan.address, "paper", SHORT)

        async def happening(watch: Watch) -> None:
            await watch.round(1)

        watch = follow(at_desk, happening)
        assert watch.rounds[0][0].complete
        assert any("no connection within" in line for line in at_desk.said)


def test_the_last_round_of_a_day_is_put_right_before_its_end_whatever_the_clocks_do() -> None:
    """On the days on which clocks change, midnight is 23 or 25 hours behind midnight."""
    for month, day, hour in ((3, 8, 4), (11, 1, 5)):
        evening = datetime.fromisoformat(f"2026-{month:02}-{day + 1:02}T0{hour - 1}:50:00+00:00")
        following = Following(
            connect=lambda: pytest.fail("not asked"),
            caught_up=lambda *_: pytest.fail("not asked"),
            tell=lambda _: None,
            stop=lambda: False,
            now=lambda evening=evening: evening,  # type: ignore[misc]
            zones=frozenset({"America/New_York"}),
        )
        due, reason = following._due(Round((), 0))
        assert reason == "before the gateway's day ends"
        assert due == evening + timedelta(minutes=8)


@pytest.mark.parametrize(
    ("at", "minutes"),
    [("23:50", 8), ("23:59", 15), ("04:50", 8)],
    ids=["before the first", "behind it", "before the second"],
)
def test_where_there_are_two_midnights_a_round_is_due_before_each(at: str, minutes: int) -> None:
    now = datetime.fromisoformat(f"2026-01-05T{at}:00+00:00")
    following = Following(
        connect=lambda: pytest.fail("not asked"),
        caught_up=lambda *_: pytest.fail("not asked"),
        tell=lambda _: None,
        stop=lambda: False,
        now=lambda: now,
        zones=frozenset({"America/New_York", "UTC"}),
    )
    due, reason = following._due(Round((), 0))
    assert due == now + timedelta(minutes=minutes)
    assert (reason == "regular") == (minutes == 15)
