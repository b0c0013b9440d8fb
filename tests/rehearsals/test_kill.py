"""A fetch that is killed at any request loses nothing and doubles nothing; the next makes it good.

The real console script runs against the exchange and is killed with SIGKILL at every boundary: as
a request arrives, and as its answer is sent. What was in the log stays in the log.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import Popen
from typing import Final, Literal

import pytest

from tests.made.profile import NIGHTLY
from tests.rehearsal import Rehearsal, rehearsal
from tests.tools.command import finish, start
from tools import book as books
from tools import integrity
from tools.fake_kalshi.clock import SimulatedClock
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.seen import Seen
from tools.fake_kalshi.world import World
from tools.outcome import GOOD

KILLED: Final = -9
# A fetch of this account, from the first request to the last.
REQUESTS_LEAST: Final = 14


@dataclass(slots=True)
class Killer:
    """Kills the client at one boundary, counted from the beginning of its run."""

    boundary: int = 0
    passed: int = 0
    process: Popen[str] | None = None
    where: list[tuple[str, str]] = field(default_factory=list)

    def aim(self, boundary: int) -> None:
        self.boundary, self.passed, self.process = boundary, 0, None

    def __call__(self, phase: Literal["before", "after"], seen: Seen) -> None:
        self.passed += 1
        if self.passed == self.boundary and self.process is not None:
            self.where.append((phase, seen.path))
            self.process.kill()
            self.process.wait()


@contextmanager
def exchange(folder: Path) -> Iterator[tuple[Rehearsal, Killer]]:
    """Serve, on the real clock, an account that came to rest before now."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    world = World.made(8, start=today - timedelta(days=4), days=2, fills_per_day=16)
    killer = Killer()
    served = Exchange(
        world.ending_at(today - timedelta(days=1)),
        page_cap=15,
        tier="prestige",
        on_request=killer,
    )
    # nobody asks this clock: the console script has its own
    with rehearsal(folder, served, SimulatedClock(today)) as made:
        yield made, killer


def run(made: Rehearsal, killer: Killer, boundary: int, folder: Path) -> tuple[int, str]:
    """Fetch with the console script, killed at a boundary (0: never)."""
    killer.aim(boundary)
    killer.process = start(
        *("--book", str(folder), "fetch", "kalshi"),
        folder=folder,
        environment={
            "BROKERTRUTH_KALSHI_SITE": made.exchange.url,
            "BROKERTRUTH_KALSHI_STREAM": made.exchange.stream_url,
            "BROKERTRUTH_KALSHI_KEY_ID": made.exchange.key_id,
            "BROKERTRUTH_KALSHI_KEY": made.exchange.key_pem,
        },
    )
    ran = finish(killer.process)
    return ran.code, ran.out + ran.err


def sound(made: Rehearsal) -> list[tuple[int, str, int]]:
    """Return what the log holds, which is found in order."""
    checked = integrity.verify(made.book, None)
    assert checked.exit_code == GOOD, checked.data["problems"]
    with made.book.open_log() as log:
        events = log.batches(0, log.head()).read_all()
    names = ("position", "key", "revision")
    return list(zip(*(events[name].to_pylist() for name in names), strict=True))


def assert_whole(made: Rehearsal) -> None:
    """Show that the book is the truth, and holds nothing twice."""
    assert made.differences() == []
    fills = made.keys("kalshi.fill")
    assert len(fills) == len(set(fills)) == len(made.rows("SELECT fill_id FROM fill")) > 10


def test_one_book_survives_a_kill_at_every_request(tmp_path: Path) -> None:
    with exchange(tmp_path) as (made, killer):
        boundary, held = 0, sound(made)
        while True:
            boundary += 1
            code, told = run(made, killer, boundary, made.book.folder)
            now = sound(made)
            # what was acknowledged once is there for good
            assert now[: len(held)] == held
            held = now
            if code != KILLED:
                break
        # the last run was not aimed at early enough: it went through
        assert code == GOOD, told
        assert len(killer.where) == boundary - 1 >= 2 * REQUESTS_LEAST
        assert {phase for phase, _ in killer.where} == {"before", "after"}
        assert_whole(made)


@pytest.mark.skipif(not NIGHTLY, reason="a book for every boundary takes minutes")
def test_a_new_book_survives_a_kill_at_any_request(tmp_path: Path) -> None:
    with exchange(tmp_path) as (made, killer):
        boundary, code = 0, KILLED
        while code == KILLED:
            boundary += 1
            book = books.create(tmp_path / str(boundary), account="main", mode="live")
            one = Rehearsal(book, made.exchange, made.clock, made.entry)
            code, told = run(made, killer, boundary, book.folder)
            held = sound(one)
            if code == KILLED:
                again, told = run(made, killer, 0, book.folder)
                assert again == GOOD, told
                assert sound(one)[: len(held)] == held
            assert_whole(one)
        assert (code, len(killer.where)) == (GOOD, boundary - 1)
        assert boundary > 2 * REQUESTS_LEAST
