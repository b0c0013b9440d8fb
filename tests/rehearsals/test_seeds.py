"""Whatever happens on the way, the book ends where the truth is.

Every seed is another account, told with faults on every sixth request, in small pages. Time goes on
between two requests, so rows come in and move to the archive while they are paged, and the API
changes its generation between two fetches and between two pages. In the end fills, positions,
realized P&L and cash are those of the exchange's truth, and the fills are published word for word
as after fetches in which nothing went wrong.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import pytest

from domain.facts import Fill
from tests.made.profile import thorough
from tests.rehearsal import Rehearsal, lines, rehearsal
from tools.fake_kalshi.clock import SimulatedClock
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.faults import PASSING, REPEATED_CURSOR, FaultPlan
from tools.fake_kalshi.queries import Cursors
from tools.fake_kalshi.seen import Seen
from tools.fake_kalshi.world import PLAIN, RICH, World
from tools.outcome import FOUND

START: Final = datetime(2026, 3, 1, tzinfo=UTC)
SEEDS: Final = thorough(20, 200)
FAULT_RATE: Final = 0.15
FAULTS: Final = (*PASSING, *PASSING, REPEATED_CURSOR)
# A fetch that meets a circle of cursors is not complete; a scheduler tries again.
ATTEMPTS: Final = 40
TICK: Final = timedelta(milliseconds=700)


@dataclass(frozen=True, slots=True)
class Day:
    """One fetch: the generation it begins in, and the one that its later pages are told in."""

    begins: str
    ends: str
    full: bool = False
    # Nothing happens after the beginning of this day, until a day that is not quiet.
    quiet: bool = False


# Generation 3a is the last one that names the bot's order: what was traded before its day is read
# again then, as a whole, so that it does not depend on a moment which fills ever named theirs.
PLAIN_DAYS: Final = (
    Day("0", "1"),
    Day("1", "2-early"),
    Day("2-early", "2"),
    Day("2", "3a", full=True, quiet=True),
    Day("3a", "3b", quiet=True),
    Day("3b", "4"),
    Day("4", "5", quiet=True),
    Day("5", "5", full=True, quiet=True),
)
RICH_DAYS: Final = (
    Day("4", "4"),
    Day("4", "5"),
    Day("5", "4"),
    Day("4", "5", quiet=True),
    Day("5", "5", full=True, quiet=True),
)


@dataclass(slots=True)
class Trouble:
    """Called at every request: moves time on, and changes the generation at one of them."""

    exchange: Exchange
    clock: SimulatedClock
    generation: str = ""
    after: int = 0
    asked: int = 0
    pages: set[str] = field(default_factory=set)
    """Paths of which a later page than the first was told in another generation."""

    def __call__(self, phase: Literal["before", "after"], seen: Seen) -> None:
        """Hear of a request."""
        if phase == "after":
            return
        self.clock.advance(TICK)
        self.asked += 1
        if self.asked > self.after and "cursor" in seen.query:
            if self.exchange.generation != self.generation:
                self.pages.add(seen.path)
            self.exchange.switch(self.generation)


@contextmanager
def account(
    folder: Path, seed: int, days: int, *, troubled: bool
) -> Iterator[tuple[Rehearsal, Trouble]]:
    world = World.made(
        seed, start=START, days=days + 2, style=RICH if seed % 2 else PLAIN, fills_per_day=12
    )
    # Late in the evening: a fetch goes on past midnight, when a day moves to the archive.
    clock = SimulatedClock(START + timedelta(days=1, hours=23, minutes=59, seconds=50))
    exchange = Exchange(
        world,
        clock=clock,
        page_cap=6 + seed % 7 if troubled else None,
        cursors="key" if seed % 4 > 1 else "offset",
        live_window=timedelta(days=2),
        staleness=timedelta(minutes=seed * 7 % 90),
        faults=FaultPlan(rate=FAULT_RATE if troubled else 0, seed=seed, choices=FAULTS),
    )
    trouble = Trouble(exchange, clock)
    if troubled:
        exchange.on_request = trouble
    with rehearsal(folder, exchange, clock) as book:
        yield book, trouble


def run(book: Rehearsal, trouble: Trouble, days: tuple[Day, ...], seed: int) -> None:
    world, exchange, clock = book.exchange.world, book.exchange, book.clock
    # what happens on a quiet day turns up a day late: then a fetch has to reach back
    overlap_days = seed % 3 if days is RICH_DAYS else 2 + seed % 3
    for number, day in enumerate(days):
        began = START + timedelta(days=number + 1, hours=23, minutes=59, seconds=50)
        clock.advance(began - clock.now())
        before = days[number - 1] if number else None
        if day.quiet and not (before and before.quiet):
            exchange.world = world.ending_at(began - timedelta(hours=2))
        elif not day.quiet:
            exchange.world = world
        exchange.switch(day.begins)
        trouble.generation, trouble.after, trouble.asked = day.ends, seed * 5 % 23, 0
        book.fetch_whole(ATTEMPTS, full=day.full, overlap_days=overlap_days, and_project=False)
        if number == len(days) - 2:
            # what every fetch read on from the one before is the truth already
            everything_is_read(book)
            assert book.differences() == []
    everything_is_read(book)


def everything_is_read(book: Rehearsal) -> None:
    made = book.project().data
    assert (made["unreadable"], made["unknown_shapes"], made["additive_shapes"]) == (0, 0, 0)
    # a quiet day's statement vouches for a balance that does not have everything
    assert {one["rule"] for one in made["new_canaries"]} <= {"balance_unexplained"}


def days_of(seed: int) -> tuple[Day, ...]:
    return RICH_DAYS if seed % 2 else PLAIN_DAYS


def undisturbed(folder: Path, seed: int) -> list[tuple[object, ...]]:
    days = days_of(seed)
    with account(folder, seed, len(days), troubled=False) as (book, trouble):
        run(book, trouble, days, seed)
        assert book.differences() == []
        return book.published(Fill)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_truth_is_met_whatever_goes_wrong_on_the_way(tmp_path: Path, seed: int) -> None:
    days = days_of(seed)
    with account(tmp_path / "troubled", seed, len(days), troubled=True) as (book, trouble):
        run(book, trouble, days, seed)
        fills = book.published(Fill)
        assert book.differences() == []
        # nothing twice: as many facts as identities, and no two identities for one execution
        assert len(set(book.keys("kalshi.fill"))) == len(fills) > 30
        seen = book.exchange.requests
        assert any(one.path == "/historical/fills" and "cursor" in one.query for one in seen)
        assert any(one.status != 200 for one in seen)
        assert len(trouble.pages) > 0
    assert fills == undisturbed(tmp_path / "undisturbed", seed)


@pytest.mark.parametrize("cursors", ["key", "offset"])
@pytest.mark.parametrize("requests", range(2, 60, thorough(6, 1)))
def test_what_moves_to_the_archive_while_it_is_paged_is_not_lost(
    tmp_path: Path, requests: int, cursors: Cursors
) -> None:
    world = World.made(1, start=START, days=8, style=RICH, fills_per_day=12)
    # midnight comes after so many requests: a whole day moves from one data set to the other
    clock = SimulatedClock(START + timedelta(days=6) - requests * TICK)
    exchange = Exchange(
        world, clock=clock, page_cap=8, cursors=cursors, live_window=timedelta(days=2)
    )
    exchange.on_request = Trouble(exchange, clock, generation="5")
    with rehearsal(tmp_path, exchange, clock) as book:
        cutoff = exchange.cutoff
        done = book.fetch(and_project=False)
        # what settled before the live window is gone, and it says so
        assert [line.partition(":")[0] for line in lines(done)] == ["GAP settlements"]
        assert done.exit_code == FOUND
        assert exchange.cutoff > cutoff
        rows = world.at(START + timedelta(days=6) - requests * TICK)
        for kind, identities in (
            ("kalshi.fill", {row.fill_id for row in rows.executions}),
            (
                "kalshi.order",
                {row.order_id for row in world.orders if row.created_at < rows.moment},
            ),
        ):
            assert identities <= {key.rpartition("|")[2] for key in book.keys(kind)}
