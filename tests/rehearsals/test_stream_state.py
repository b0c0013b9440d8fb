"""What a fetch could not read is told, stays open, and is fetched by the next one that can.

A stream covers time only where every page of it came; where one did not, the next fetch begins
where the last complete one ended. What can never be had any more is told once, as a gap.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.rehearsal import Rehearsal, lines, rehearsal
from tools.fake_kalshi.clock import SimulatedClock
from tools.fake_kalshi.exchange import LIVE_WINDOW, Exchange
from tools.fake_kalshi.faults import Fault, FaultPlan
from tools.fake_kalshi.seen import Seen
from tools.fake_kalshi.world import RICH, World
from tools.outcome import FAILED, FOUND, GOOD, Outcome

START: Final = datetime(2026, 3, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)
OVERLAP: Final = timedelta(days=3)
DOWN: Final = Fault("down", status=503)
STATUS: Final = """
    SELECT stream, state, gaps, covered_from, covered_until FROM stream_status
"""


@contextmanager
def account(
    folder: Path,
    *,
    closed: Collection[str] = (),
    live_window: timedelta = LIVE_WINDOW,
    staleness: timedelta = timedelta(0),
) -> Iterator[Rehearsal]:
    world = World.made(3, start=START, days=30, style=RICH)
    clock = SimulatedClock(START + 6 * DAY + timedelta(hours=3))
    exchange = Exchange(
        world, clock=clock, page_cap=20, closed=closed, live_window=live_window, staleness=staleness
    )
    with rehearsal(folder, exchange, clock) as book:
        yield book


def status(book: Rehearsal) -> dict[str, tuple[Any, ...]]:
    return {row[0]: row[1:] for row in book.rows(STATUS)}


def row(done: Outcome, stream: str) -> dict[str, Any]:
    found = [one for one in done.data["streams"] if one["stream"] == stream]
    assert len(found) == 1
    return dict(found[0])


def first_asked(book: Rehearsal, path: str, since: int) -> datetime | None:
    """Return from when on a path was asked, in the first request for it behind a number."""
    seen = next(one for one in book.exchange.requests[since:] if one.path == path)
    start = seen.query.get("min_ts")
    return None if start is None else datetime.fromtimestamp(int(start), UTC)


def failing(path: str) -> FaultPlan:
    """Fail every page of a path but the first."""

    def script(seen: Seen) -> Fault | None:
        return DOWN if seen.path == path and "cursor" in seen.query else None

    return FaultPlan(script)


@pytest.mark.parametrize("stream", ["fills", "orders", "settlements"])
def test_a_stream_with_a_failed_page_is_read_again_from_where_it_was_complete(
    tmp_path: Path, stream: str
) -> None:
    path = f"/portfolio/{stream}"
    with account(tmp_path) as book:
        assert book.fetch(and_project=False).exit_code == GOOD
        complete_until = book.clock.now()
        for _ in range(4):
            book.clock.advance(2 * DAY)
            book.exchange.faults = failing(path)
            before = len(book.exchange.requests)
            done = book.fetch(and_project=False)
            assert done.exit_code == FAILED
            told = [one["stream"] for one in done.data["streams"] if one["state"] != "complete"]
            assert told == [stream]
            assert row(done, stream)["rows"] > 0
            assert row(done, stream)["covered_until"] is None
            (line,) = [line for line in lines(done) if line.startswith("INCOMPLETE")]
            assert line.startswith(f"INCOMPLETE {stream}: GET {path}?")
            begun = first_asked(book, path, before)
            assert begun is not None
            assert begun <= complete_until - OVERLAP
        book.exchange.faults = FaultPlan()
        book.clock.advance(DAY)
        before = len(book.exchange.requests)
        assert book.fetch().exit_code == GOOD
        begun = first_asked(book, path, before)
        assert begun is not None
        assert begun <= complete_until - OVERLAP
        assert status(book)[stream][:2] == ("complete", 0)
        assert book.differences() == []


def test_an_outage_of_several_days_leaves_no_hole(tmp_path: Path) -> None:
    with account(tmp_path) as book:
        assert book.fetch(and_project=False).exit_code == GOOD
        book.exchange.faults = FaultPlan(lambda _: DOWN)
        for _ in range(3):
            book.clock.advance(2 * DAY)
            done = book.fetch(and_project=False)
            assert done.exit_code == FAILED
            assert {one["state"] for one in done.data["streams"]} == {"incomplete"}
            assert all(line.startswith("INCOMPLETE ") for line in lines(done))
        book.exchange.faults = FaultPlan()
        assert book.fetch().exit_code == GOOD
        assert {(told[0], told[1]) for told in status(book).values()} == {("complete", 0)}
        assert book.differences() == []


def test_settlements_that_are_not_served_any_more_are_told_once_as_a_gap(tmp_path: Path) -> None:
    with account(tmp_path, live_window=5 * DAY) as book:
        first = book.fetch(and_project=False)
        assert first.exit_code == FOUND
        (lost,) = lines(first)
        before = f"{book.exchange.cutoff:%Y-%m-%dT%H:%M:%SZ}"
        assert lost.startswith(f"GAP settlements: what settled before {before} is not served any")
        (resumed,) = (one for one in first.data["streams"] if one["stream"] == "settlements")
        book.clock.advance(10 * DAY)
        # the archive moves at midnight
        cutoff = book.exchange.cutoff
        done = book.fetch()
        assert done.exit_code == FOUND
        (gap,) = (line for line in lines(done) if line.startswith("GAP"))
        assert gap == (
            f"GAP settlements: what happened from {resumed['covered_until']} to "
            f"{cutoff:%Y-%m-%dT%H:%M:%SZ} is not served any more and may never have been fetched; "
            "fetch more often"
        )
        assert status(book)["settlements"][:3] == ("complete", 1, cutoff)
        # everything else is archived and was fetched from there
        assert {told[1] for name, told in status(book).items() if name != "settlements"} == {0}
        book.clock.advance(DAY)
        again = book.fetch()
        assert [line for line in lines(again) if line.startswith("GAP")] == []
        assert status(book)["settlements"][1] == 1


def test_a_fetch_since_leaves_a_gap_that_the_next_one_closes(tmp_path: Path) -> None:
    with account(tmp_path) as book:
        assert book.fetch(and_project=False).exit_code == GOOD
        book.clock.advance(6 * DAY)
        since = book.clock.now() - DAY
        late = book.fetch(since=since)
        assert late.exit_code == FOUND
        assert [line.split(":")[0] for line in lines(late)] == [
            "GAP settlements",
            "GAP fills",
            "GAP orders",
        ]
        told = status(book)
        assert {name: told[name][1] for name in ("fills", "orders", "settlements")} == {
            "fills": 1,
            "orders": 1,
            "settlements": 1,
        }
        assert told["fills"][2] == since
        assert told["deposits"][1] == 0
        assert book.differences() != []
        book.clock.advance(DAY)
        assert book.fetch(overlap_days=0).exit_code == GOOD
        assert {one[1] for one in status(book).values()} == {0}
        assert book.differences() == []


def test_without_a_time_of_the_data_a_fetch_is_complete_and_covers_nothing(tmp_path: Path) -> None:
    with account(tmp_path, closed=("/exchange/user_data_timestamp",)) as book:
        assert book.fetch(and_project=False).exit_code == FOUND
        book.clock.advance(DAY)
        before = len(book.exchange.requests)
        done = book.fetch()
        assert done.exit_code == FOUND
        assert [line.split(":")[0] for line in lines(done)] == ["UNCOVERED"]
        assert done.data["data_until"] is None
        assert status(book)["fills"] == ("complete", 0, None, None)
        assert row(done, "fills")["notes"] == [
            "the exchange does not say up to when its data are: covers nothing"
        ]
        # nothing is known to be whole, so everything is read again
        assert first_asked(book, "/portfolio/fills", before) is None
        assert book.differences() == []


def test_stale_data_are_covered_only_as_far_as_the_exchange_vouches_for_them(
    tmp_path: Path,
) -> None:
    with account(tmp_path, staleness=timedelta(hours=1)) as book:
        began = book.clock.now()
        done = book.fetch()
        assert done.exit_code == GOOD
        until = status(book)["fills"][3]
        assert began - timedelta(hours=1) <= until <= book.exchange.as_of
        assert row(done, "fills")["covered_until"] == done.data["data_until"]
        # what happened in the hour is not lost: the next fetch reads on from there
        book.exchange.staleness = timedelta(0)
        book.clock.advance(timedelta(hours=2))
        before = len(book.exchange.requests)
        assert book.fetch(overlap_days=0).exit_code == GOOD
        begun = first_asked(book, "/portfolio/fills", before)
        assert begun is not None
        assert begun <= until
        assert book.differences() == []
