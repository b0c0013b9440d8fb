"""Rows become events: kind, key, moment, source, and one event for the input itself."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from adapters.files import read_input
from domain.event import Owner, document, header, same_content
from domain.jsontext import parse
from domain.ledger import FETCH_READERS
from domain.shapes import choose, shape_entries, shape_of
from tests.adapters.files.taking import (
    ACTIVITY_HEADER,
    FILL,
    NOON,
    OTHER,
    OWNER,
    RECEIVED,
    fetch,
    refusal,
    rows,
    source,
    take,
    texts,
)

POSITIONS = '{"market_positions":[{"ticker":"KX-A","position":3,"total_traded":10}]}'


def test_keys_hold_venue_account_mode_kind_and_the_brokers_id() -> None:
    row = '{"fill_id":"f|1","order_id":"o","ticker":"KX","created_time":"2026-01-13T20:00:00Z"}'
    event = rows(take(row))[0]
    assert event.key == "kalshi|main|live|kalshi.fill|20260113|f%7C1"


def test_every_row_carries_shape_and_source_and_the_digest_of_the_file() -> None:
    taken = take(f'{{"fills":[{FILL},{OTHER}]}}')
    sources = [source(event) for event in rows(taken)]
    assert sources[0] == sources[1]
    assert sources[0]["adapter"] == "files/1"
    assert str(sources[0]["document"]).startswith("sha256:")
    assert {document(event.state) for event in taken.events} == {sources[0]["document"]}
    for event, text in zip(rows(taken), texts(taken), strict=True):
        assert header(event.state)["shape"] == shape_of(parse(text))
        assert header(event.state)["received_at"] == "2026-11-21T07:30:00.000000Z"


def test_equal_rows_of_a_kind_without_ids_are_told_apart_by_their_count() -> None:
    line = "Trade,2026-05-05,KX-A,0.10,Filled"
    keys = [event.key for event in rows(take(f"{ACTIVITY_HEADER}\n{line}\n{line}\nOrder,,,,\n"))]
    assert [key.rsplit("|", 1)[1] for key in keys] == ["1", "2", "1"]
    assert len(set(keys)) == 3
    again = [event.key for event in rows(take(f"{ACTIVITY_HEADER}\n{line}\n"))]
    assert again == keys[:1]


def test_equal_rows_that_lack_their_id_are_told_apart_by_their_number() -> None:
    row = '{"ticker":"KX-A","count_fp":"1.00"}'
    keys = [event.key for event in rows(take(f'{{"fills":[{row},{row}]}}'))]
    assert [key[-2:] for key in keys] == ["|1", "|2"]


def test_positions_need_a_moment_and_carry_it_in_their_key() -> None:
    assert "--as-of" in refusal(POSITIONS)
    event = rows(take(POSITIONS, as_of=NOON))[0]
    assert event.key == "kalshi|main|live|kalshi.position|2026-01-13T12:00:00.000000Z|KX-A"
    assert header(event.state)["as_of"] == "2026-01-13T12:00:00.000000Z"


def test_positions_as_csv_need_a_moment_too() -> None:
    text = "ticker,position_fp\nKX-A,3.00\n"
    assert "--as-of" in refusal(text)
    assert "|2026-01-13T12:00:00.000000Z|KX-A" in rows(take(text, as_of=NOON))[0].key


def test_an_empty_list_of_positions_needs_no_moment() -> None:
    assert rows(take('{"market_positions":[],"cursor":""}')) == []


def test_the_moment_is_utc_whatever_the_zone_it_was_given_in() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-5)))
    one, other = (rows(take(POSITIONS, as_of=moment))[0] for moment in (NOON, elsewhere))
    assert one == other


def test_a_balance_brings_its_own_moment_and_the_given_one_goes_first() -> None:
    text = '{"balance":1,"portfolio_value":2,"updated_ts":1768231443}'
    assert rows(take(text))[0].key.endswith("|2026-01-12T15:24:03.000000Z")
    assert rows(take(text, as_of=NOON))[0].key.endswith("|2026-01-13T12:00:00.000000Z")


@pytest.mark.parametrize(
    "member",
    [
        "",
        ',"updated_ts":null',
        ',"updated_ts":"1768231443"',
        ',"updated_ts":1768231443.5',
        ',"updated_ts":1768231443000',
        ',"updated_ts":-1',
        ',"updated_ts":0',
        ',"updated_ts":1e9',
        ',"updated_ts":' + "9" * 5000,
    ],
)
def test_a_balance_without_a_usable_moment_needs_one(member: str) -> None:
    text = f'{{"balance":1,"portfolio_value":2{member}}}'
    assert "--as-of" in refusal(text)
    assert len(rows(take(text, as_of=NOON))) == 1


def test_the_fetch_event_says_what_was_taken_in_and_its_reader_understands_it() -> None:
    taken = take(f'{{"fills":[{FILL}],"cursor":""}}', name="fills.json")
    event = taken.events[-1]
    told = fetch(taken)
    assert told == {
        "document": document(event.state),
        "adapter": "files/1",
        "pages": 1,
        "rows": 1,
        "cursor_ended": True,
    }
    assert event.key == f"ledger|main|live|ledger.fetch|{told['document']}"
    assert header(event.state)["venue"] == "ledger"
    assert source(event)["name"] == "fills.json"
    for text in (f'{{"fills":[{FILL}],"cursor":""}}', FILL):
        payload = parse(json.dumps(fetch(take(text))))
        assert choose(FETCH_READERS, shape_entries(payload)).status == "known"


def test_the_same_bytes_under_another_name_at_another_time_are_a_pure_duplicate() -> None:
    data = f'{{"fills":[{FILL}],"cursor":"x"}}'.encode()
    later = RECEIVED + timedelta(days=3)
    first = read_input(data, name="a.json", owner=OWNER, received_at=RECEIVED)
    second = read_input(data, name="b.json", owner=OWNER, received_at=later)
    for one, other in zip(first.events, second.events, strict=True):
        assert one.key == other.key
        assert same_content(one.state, other.state)
    assert first.events != second.events


def test_the_same_snapshot_bytes_at_another_moment_are_another_document() -> None:
    first, second = (take(POSITIONS, as_of=moment) for moment in (NOON, NOON + timedelta(hours=1)))
    for one, other in zip(first.events, second.events, strict=True):
        assert one.key != other.key
        assert document(one.state) != document(other.state)
    assert str(fetch(first)["document"]).endswith("@2026-01-13T12:00:00.000000Z")
    # A moment says nothing about rows that are no snapshot.
    fills = f'{{"fills":[{FILL}]}}'
    assert fetch(take(fills, as_of=NOON)) == fetch(take(fills))


def test_rows_under_names_that_nobody_knows_are_counted_in_the_fetch_event() -> None:
    text = f'{{"fills":[{FILL}],"novelties":[{{"a":1}},{{"a":2}}],"others":[{{}}],"note":1}}'
    taken = take(text)
    assert (taken.left_out, fetch(taken)["rows_left_out"], fetch(taken)["rows"]) == (3, 3, 1)
    choice = choose(FETCH_READERS, shape_entries(parse(json.dumps(fetch(taken)))))
    assert (choice.status, choice.keys_added) == ("known", ())
    assert "rows_left_out" not in fetch(take(FILL))


def test_two_accounts_never_share_a_key() -> None:
    data = f'{{"fills":[{FILL}]}}'.encode()
    taken = [
        read_input(data, name="a", owner=owner, received_at=RECEIVED)
        for owner in (Owner("one", "live"), Owner("two", "live"), Owner("one", "paper"))
    ]
    keys = [event.key for one in taken for event in one.events]
    assert len(set(keys)) == 6


def test_times_without_a_zone_are_refused() -> None:
    bare = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    assert "time zone" in refusal(POSITIONS, as_of=bare)
