"""Rows become events byte for byte, and what is unusual about them is noticed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kalshi.answers import Answer
from adapters.kalshi.taking import Taker
from adapters.log.appending import Appended
from domain import jsontext
from domain.event import Asked, NewEvent, Owner, header, payload_bytes
from domain.jsontext import Slice
from domain.kinds import BY_NAME
from tests.made.json_values import SPACES, VALUES, spell
from tests.tools.command import BOUGHT
from tools.fake_kalshi.payloads import fill_json

OWNER: Final = Owner("main", "live")
AT: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANSWER: Final = Answer("GET /portfolio/fills?limit=1000", "{}", AT, 1)
KNOWN: Final = fill_json(BOUGHT, "5")


class Kept(list[NewEvent]):
    """Keeps events, and says whether each time it was a dry run."""

    def __init__(self) -> None:
        super().__init__()
        self.dry_runs: list[bool] = []

    def append(self, events: Sequence[NewEvent], *, dry_run: bool = False) -> Appended:  # type: ignore[override]
        self += events
        self.dry_runs.append(dry_run)
        return Appended(len(events), 0, 0, None, None)


def taken(*texts: str, kind: str = "kalshi.fill", taker: Taker | None = None) -> list[NewEvent]:
    """Take rows out of one answer."""
    taker = Taker(Kept(), OWNER) if taker is None else taker
    rows = [Slice(jsontext.parse(text), text) for text in texts]
    taker.take(kind, rows, taker.piece(ANSWER, "made/1"))
    assert isinstance(taker.sink, Kept)
    return [*taker.sink]


@given(VALUES, SPACES, st.sampled_from(sorted(BY_NAME)))
def test_a_row_of_any_kind_is_kept_as_it_is_written(value: object, space: str, kind: str) -> None:
    text = spell(value, space)
    (event,) = taken(text, kind=kind)
    assert payload_bytes(event.state) == text.encode()
    assert event.kind == kind


@given(st.lists(VALUES.map(spell), max_size=6))
def test_rows_of_one_answer_never_share_a_key_unless_an_id_says_so(texts: list[str]) -> None:
    """None of these rows has an id, so the number of equal ones has to tell them apart."""
    events = taken(*texts)
    assert len({event.key for event in events}) == len(texts)


def test_rows_with_an_id_keep_their_key_however_often_they_come() -> None:
    one, other, again = taken(KNOWN, '{"fill_id":"content-1"}', '{"fill_id":"content-1"}')
    assert one.key == "kalshi|main|live|kalshi.fill|20260601|fill-1"
    assert other.key == again.key == "kalshi|main|live|kalshi.fill|content-1"


def test_the_envelope_says_where_and_when_and_for_what_was_asked() -> None:
    taker = Taker(Kept(), OWNER)
    asked = Asked(subaccount=3, exchange_index=1)
    piece = taker.piece(ANSWER, "kalshi.balance/x/1", as_of=AT, asked=asked)
    taker.take("kalshi.balance", [Slice({}, "{}")], piece)
    assert isinstance(taker.sink, Kept)
    (event,) = taker.sink
    assert event.key == (
        "kalshi|main|live|kalshi.balance|2026-11-21T12:00:00.000000Z|subaccount-3|exchange_index-1"
    )
    told = header(event.state)
    assert told["asked"] == {"subaccount": 3, "exchange_index": 1}
    assert (told["as_of"], told["received_at"]) == ("2026-11-21T12:00:00.000000Z",) * 2
    assert told["source"] == {
        "adapter": "kalshi/1",
        "document": "kalshi.balance/x/1",
        "request": "GET /portfolio/fills?limit=1000",
    }


def test_a_long_request_is_cut_in_every_envelope() -> None:
    taker = Taker(Kept(), OWNER)
    piece = taker.piece(Answer(f"GET /markets?tickers={'A' * 999}", "{}", AT, 1), "made/1")
    assert len(str(piece.origin.source["request"])) == 200
    assert piece.endpoint == "GET /markets"


def test_a_dry_run_is_passed_on() -> None:
    for dry_run in (False, True):
        kept = Kept()
        taken(KNOWN, taker=Taker(kept, OWNER, dry_run))
        assert kept.dry_runs == [dry_run]


def test_what_stood_beside_the_rows_is_one_event_with_its_endpoint() -> None:
    kept = Kept()
    taker = Taker(kept, OWNER)
    piece = taker.piece(ANSWER, "made/1")
    taker.take_beside({}, piece)
    assert kept == []
    taker.take_beside({"b": '{ "x" : 1.10 }', 'a"\n': "[2]", "\ud800": "null"}, piece)
    (event,) = kept
    assert payload_bytes(event.state).decode() == (
        '{"endpoint":"GET /portfolio/fills","members":'
        '{"b":{ "x" : 1.10 },"a\\"\\n":[2],"\\ud800":null}}'
    )
    (seen,) = taker.drifted()
    assert (seen.kind, seen.choice.status, seen.choice.reason) == (
        "kalshi.page",
        "unknown",
        "unknown_page",
    )


# --- sightings -----------------------------------------------------------------------------------


def test_a_known_shape_is_seen_and_is_no_drift() -> None:
    taker = Taker(Kept(), OWNER)
    taken(KNOWN, KNOWN, taker=taker)
    assert [one.rows for one in taker.census.sightings.values()] == [2]
    assert taker.drifted() == []


@pytest.mark.parametrize(
    ("text", "status", "added", "missing"),
    [
        (KNOWN[:-1] + ',"brand_new":1}', "additive", ("brand_new:integer",), ()),
        (KNOWN.replace('"count_fp"', '"quantity_fp"'), "unknown", None, ("count_fp",)),
        ("[1]", "unknown", None, None),
    ],
)
def test_a_new_shape_is_a_drift_with_its_first_key_and_endpoint(
    text: str, status: str, added: tuple[str, ...] | None, missing: tuple[str, ...] | None
) -> None:
    taker = Taker(Kept(), OWNER)
    events = taken(KNOWN, text, text, taker=taker)
    (seen,) = taker.drifted()
    assert (seen.kind, seen.choice.status, seen.rows) == ("kalshi.fill", status, 2)
    assert (seen.endpoint, seen.first_key) == ("GET /portfolio/fills", events[1].key)
    assert seen.shape == header(events[1].state)["shape"]
    if added is not None:
        assert seen.choice.keys_added == added
    if missing is not None:
        assert seen.choice.keys_missing == missing


def test_one_shape_from_two_endpoints_is_seen_twice_in_the_order_of_coming() -> None:
    taker = Taker(Kept(), OWNER)
    row = Slice({"new": True}, '{"new":true}')
    for path in ("GET /b", "GET /a", "GET /b"):
        taker.take("kalshi.fill", [row], taker.piece(Answer(path, "{}", AT, 1), "made/1"))
    assert [(one.endpoint, one.rows) for one in taker.drifted()] == [("GET /b", 2), ("GET /a", 1)]


def test_a_kind_that_is_kept_and_not_read_is_nothing_unusual() -> None:
    taker = Taker(Kept(), OWNER)
    taken('{"event_ticker":"E","anything":1}', kind="kalshi.event_position", taker=taker)
    assert (len(taker.census.sightings), taker.drifted()) == (1, [])
