"""What a fetch tells of a stream, and what the next one reads out of it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kalshi.streams import KINDS, LISTS
from adapters.kalshi.telling import document_of, fetch_event, prefix_of
from adapters.log.appending import Appended
from adapters.telling import THE_BEGINNING, Told, earlier, moment
from domain import jsontext, ledger
from domain.event import NewEvent, Owner, StoredEvent, header, payload_bytes, time_text
from domain.kinds import BY_NAME
from domain.shapes import choose, shape_entries

OWNER = Owner("main", "live")
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)


def event_of(told: Told, owner: Owner = OWNER) -> NewEvent:
    return fetch_event(told, owner, "kalshi.com", AT, LATER)


def payload_of(told: Told) -> dict[str, object]:
    payload = jsontext.parse(payload_bytes(event_of(told).state).decode())
    assert isinstance(payload, dict)
    return payload


def test_a_complete_fetch_says_for_which_time() -> None:
    told = Told("fills", complete=True, pages=2, rows=7, asked=["/a", "/b?min_ts=1"])
    told.covered_from, told.covered_until, told.resume_from = THE_BEGINNING, AT, AT
    assert payload_of(told) == {
        "document": "kalshi.fills/2026-11-21T12:00:00.000000Z",
        "adapter": "kalshi/1",
        "broker": "kalshi",
        "site": "kalshi.com",
        "stream": "fills",
        "state": "complete",
        "started_at": "2026-11-21T12:00:00.000000Z",
        "ended_at": "2026-11-21T12:01:00.000000Z",
        "pages": "2",
        "rows": "7",
        "covered_from": "1970-01-01T00:00:00.000000Z",
        "covered_until": "2026-11-21T12:00:00.000000Z",
        "resume_from": "2026-11-21T12:00:00.000000Z",
        "asked": "/a; /b?min_ts=1",
    }


def test_an_incomplete_fetch_covers_nothing_and_says_why() -> None:
    told = Told("fills", reason="no answer", covered_from=AT, covered_until=AT, resume_from=AT)
    payload = payload_of(told)
    assert (payload["state"], payload["reason"]) == ("incomplete", "no answer")
    assert "covered_from" not in payload
    assert "covered_until" not in payload
    assert payload["resume_from"] == time_text(AT)


@given(
    st.builds(
        Told,
        st.sampled_from(sorted(KINDS)),
        complete=st.booleans(),
        pages=st.integers(0, 10**6),
        rows=st.integers(0, 10**9),
        covered_from=st.none() | MOMENTS,
        covered_until=st.none() | MOMENTS,
        resume_from=st.none() | MOMENTS,
        reason=st.none() | st.text(st.characters(codec="utf-8")),
        asked=st.lists(st.sampled_from(["/a", "/b"])),
    )
)
def test_every_telling_is_read_by_the_newest_reader_and_by_the_next_fetch(told: Told) -> None:
    payload = payload_of(told)
    choice = choose(ledger.FETCH_READERS, shape_entries(payload))
    assert (choice.status, choice.reader) == ("known", "2")
    event = event_of(told)
    told_before = earlier(StoredEvent(1, event.key, 1, event.kind, event.state))
    assert moment(told_before.get("resume_from")) == told.resume_from
    assert moment(told_before.get("covered_until")) == (
        told.covered_until if told.complete else None
    )
    assert moment(told_before["started_at"]) == AT


@given(MOMENTS, MOMENTS, st.sampled_from(sorted(KINDS)), st.sampled_from(sorted(KINDS)))
def test_the_keys_of_the_fetches_of_one_stream_and_of_no_other_lie_under_its_prefix_in_time_order(
    one: datetime, other: datetime, stream: str, another: str
) -> None:
    keys = [fetch_event(Told(stream), OWNER, "kalshi.com", at, at).key for at in (one, other)]
    assert all(key.startswith(prefix_of(stream, OWNER)) for key in keys)
    assert (keys[0] < keys[1]) == (one < other)
    assert keys[0].startswith(prefix_of(another, OWNER)) == (stream == another)
    for owner in (Owner("main", "paper"), Owner("mai", "live")):
        assert not keys[0].startswith(prefix_of(stream, owner))


def test_the_event_belongs_to_the_ledger_and_came_in_as_its_document() -> None:
    event = event_of(Told("fills"))
    document = document_of("fills", AT)
    assert event.key == f"ledger|main|live|ledger.fetch|{document}"
    told = header(event.state)
    assert (told["venue"], told["received_at"]) == ("ledger", time_text(LATER))
    assert told["source"] == {"adapter": "kalshi/1", "document": document}


def test_counts_add_up() -> None:
    told = Told("fills")
    told.add(Appended(1, 2, 3, 1, 3))
    told.add(Appended(10, 20, 30, 4, 33))
    assert (told.rows, told.new, told.revisions, told.duplicates) == (66, 11, 22, 33)


def test_nothing_was_told_before_the_first_fetch() -> None:
    assert earlier(None) == {}
    event = event_of(Told("fills"))
    odd = event.state[: event.state.index(b'"payload":')] + b'"payload":[1]}'
    assert earlier(StoredEvent(1, event.key, 1, event.kind, odd)) == {}


@pytest.mark.parametrize(
    "value",
    [
        None, 5, "", "soon", "2026-11-21", "2026-11-21T12:00:00", jsontext.Integer("20261121"),
        [], {}, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-13-01T00:00:00Z",
    ],
)  # fmt: skip
def test_what_names_no_moment_is_none(value: object) -> None:
    assert moment(value) is None


@given(MOMENTS, st.integers(-14 * 60, 14 * 60))
def test_a_moment_is_the_same_in_every_zone(at: datetime, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    read = moment(at.astimezone(zone).isoformat())
    assert read == at
    assert read is not None
    assert read.tzinfo is UTC


def test_every_list_has_its_kinds_and_every_kind_is_known() -> None:
    assert {stream.name for stream in LISTS} <= KINDS.keys()
    assert all(stream.kind in KINDS[stream.name] for stream in LISTS)
    assert all(kind in BY_NAME for kinds in KINDS.values() for kind in kinds)
    containers = [BY_NAME[stream.kind].container for stream in LISTS]
    assert containers == [stream.container for stream in LISTS]
