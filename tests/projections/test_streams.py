"""For which time a stream is complete, and how its newest fetch ended."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.event import NewEvent, Owner
from replay import query
from tests.books import NOW, BookMaker, event
from tests.projections.account_events import fetch

HOUR: Final = timedelta(hours=1)
Stretch = tuple[int, int]


def at(hour: int) -> datetime:
    return NOW + hour * HOUR


def asked(start: int, end: int, *, began: int | None = None, **changes: Any) -> NewEvent:  # noqa: ANN401 - values of JSON
    return fetch("fills", (at(start), at(end)), at=at(end if began is None else began), **changes)


def test_a_fetch_of_a_stream_is_kept_with_all_that_it_says(books: BookMaker) -> None:
    row = books.build([asked(0, 2, resume_from="2026-11-21T13:00:00Z", asked={"a": 1})]).one(
        "fetch_log"
    )
    assert (row["broker"], row["stream"], row["state"]) == ("kalshi", "fills", "complete")
    assert (row["covered_from"], row["covered_until"]) == (at(0), at(2))
    assert (row["started_at"], row["ended_at"]) == (at(2), at(2) + timedelta(seconds=1))
    assert (row["resume_from"], row["reason"], row["cursor_ended"]) == (at(1), None, None)


def test_a_file_is_a_fetch_that_speaks_of_no_stream(books: BookMaker) -> None:
    text = '{"document":"x","adapter":"a/1","pages":1,"rows":3,"cursor_ended":true}'
    built = books.build([event("ledger.fetch", text)])
    row = built.one("fetch_log")
    assert (row["cursor_ended"], row["broker"], row["state"]) == (True, None, None)
    assert built.rows("stream_status") == []
    assert built.rows("stream_coverage") == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": "perhaps"}, "bad_value"),
        ({"covered_from": "yesterday"}, "bad_time"),
        ({"covered_until": "2020-01-01T00:00:00Z"}, "contradiction"),
        ({"started_at": None}, "unknown_shape"),
        ({"cursor_ended": True}, "unknown_shape"),
    ],
)
def test_a_fetch_that_makes_no_sense_covers_nothing(
    books: BookMaker, changes: dict[str, Any], reason: str
) -> None:
    built = books.build([asked(0, 2, **changes)])
    assert built.value("SELECT reason FROM unreadable") == reason
    assert built.rows("stream_coverage") == []


def coverage(books: BookMaker, *events: NewEvent) -> list[tuple[datetime, datetime]]:
    rows = books.build(events).rows("SELECT covered_from, covered_until FROM stream_coverage")
    return [(row["covered_from"], row["covered_until"]) for row in rows]


def test_what_touches_or_overlaps_is_one_stretch(books: BookMaker) -> None:
    found = coverage(books, asked(0, 2), asked(2, 4), asked(3, 5, began=9), asked(7, 8))
    assert found == [(at(0), at(5)), (at(7), at(8))]


def test_a_fetch_within_another_does_not_end_it(books: BookMaker) -> None:
    found = coverage(books, asked(0, 9), asked(1, 2), asked(8, 10), asked(10, 10, began=11))
    assert found == [(at(0), at(10))]


def test_an_incomplete_fetch_and_one_without_bounds_cover_nothing(books: BookMaker) -> None:
    broken = fetch("fills", None, at=at(1), covered_from="2026-01-01T00:00:00Z")
    assert coverage(books, broken, asked(1, 2, covered_from=None)) == []


def test_streams_accounts_and_modes_do_not_cover_for_each_other(books: BookMaker) -> None:
    built = books.build(
        [
            asked(0, 1),
            fetch("orders", (at(1), at(2)), at=at(2)),
            fetch("fills", (at(1), at(2)), at=at(3), owner=Owner("other", "live")),
            fetch("fills", (at(1), at(2)), at=at(3), owner=Owner("main", "paper")),
        ]
    )
    assert built.value("SELECT count(*) FROM stream_coverage") == 4
    assert built.value("SELECT count(*) FROM stream_status") == 4
    assert built.rows("SELECT DISTINCT venue FROM stream_coverage") == [{"venue": "kalshi"}]


def union(stretches: list[Stretch]) -> list[Stretch]:
    """Return the union by brute force: every half hour is covered or not."""
    halves = sorted({half for start, end in stretches for half in range(2 * start, 2 * end + 1)})
    made: list[list[int]] = []
    for half in halves:
        if made and made[-1][-1] == half - 1:
            made[-1].append(half)
        else:
            made.append([half])
    return [(run[0] // 2, run[-1] // 2) for run in made]


STRETCHES: Final = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 6)).map(lambda pair: (pair[0], sum(pair))),
    max_size=12,
)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(streams=st.lists(STRETCHES, min_size=1, max_size=40))
def test_coverage_is_the_union_of_what_complete_fetches_cover(
    streams: list[list[Stretch]],
) -> None:
    events = [
        fetch(f"s{stream}", (at(start), at(end)), at=at(end) + timedelta(seconds=number))
        for stream, stretches in enumerate(streams)
        for number, (start, end) in enumerate(stretches)
    ]
    with TemporaryDirectory() as folder:
        books = BookMaker(Path(folder))
        built = books.build(events)
        found: dict[str, list[Stretch]] = {}
        for row in built.rows("SELECT stream, covered_from, covered_until FROM stream_coverage"):
            bounds = [(row[name] - NOW) // HOUR for name in ("covered_from", "covered_until")]
            found.setdefault(row["stream"], []).append((bounds[0], bounds[1]))
        status = {row["stream"]: row for row in built.rows("stream_status")}
        books.close()
    expected = {f"s{number}": union(told) for number, told in enumerate(streams) if told}
    assert {name: sorted(rows) for name, rows in found.items()} == expected
    for name, stretches in expected.items():
        assert status[name]["gaps"] == len(stretches) - 1
        newest = (status[name]["covered_from"], status[name]["covered_until"])
        assert newest == (at(stretches[-1][0]), at(stretches[-1][1]))


def test_the_status_is_that_of_the_fetch_that_began_last(books: BookMaker) -> None:
    built = books.build(
        [
            fetch("fills", None, at=at(9), rows=7),
            asked(0, 2, rows=100),
            asked(4, 5, rows=50),
        ]
    )
    assert built.one("stream_status") == {
        "venue": "kalshi",
        "account": "main",
        "mode": "live",
        "stream": "fills",
        "state": "incomplete",
        "reason": "the exchange did not answer",
        "rows": 7,
        "last_fetch_at": at(9),
        "last_complete_at": at(5),
        "covered_from": at(4),
        "covered_until": at(5),
        "gaps": 1,
    }


def test_a_stream_that_never_came_whole_says_so(books: BookMaker) -> None:
    row = books.build([fetch("fills", None, at=at(9))]).one("stream_status")
    assert (row["last_complete_at"], row["covered_until"], row["gaps"]) == (None, None, 0)


def test_of_two_fetches_that_began_together_the_later_in_the_log_counts(books: BookMaker) -> None:
    twice = [asked(0, 2, rows=1), asked(0, 2, rows=2, document="kalshi.fills/again")]
    for events, rows in ((twice, 2), (twice[::-1], 1)):
        assert books.build(events).value("SELECT rows FROM stream_status") == rows


def test_the_saved_queries_name_streams_and_their_gaps(books: BookMaker) -> None:
    built = books.build([asked(0, 2), asked(4, 5), fetch("orders", None, at=at(9))])
    streams = query.run(built.connection, query.saved_query("streams").sql).to_pylist()
    assert [(row["stream"], row["state"], row["gaps"]) for row in streams] == [
        ("fills", "complete", 1),
        ("orders", "incomplete", 0),
    ]
    (gap,) = query.run(built.connection, query.saved_query("stream-gaps").sql).to_pylist()
    assert (gap["stream"], gap["unknown_from"], gap["unknown_until"]) == (
        "fills",
        at(2).replace(tzinfo=None),
        at(4).replace(tzinfo=None),
    )


def test_a_fetch_is_listed_with_how_it_ended(books: BookMaker) -> None:
    old = {"document": "x", "adapter": "a/1", "pages": 1, "rows": 3, "cursor_ended": False}
    built = books.build(
        [asked(0, 2), fetch("fills", None, at=at(9)), event("ledger.fetch", json.dumps(old))]
    )
    rows = query.run(built.connection, query.saved_query("fetches").sql).to_pylist()
    assert [row["state"] for row in rows] == ["complete", "incomplete", "broken off"]
