"""Events that no honest broker sends must not stop a rebuild, nor be read as something else."""

import json
from typing import Any, Final

import pytest

from domain.event import NewEvent
from projections import sql
from tests.books import NOW, BookMaker, event
from tests.made.samples import RENDER
from tests.projections.test_unreadable import BASES, ID_OF


@pytest.mark.parametrize("bad_first", [True, False])
def test_an_envelope_that_names_a_shape_of_others_is_unreadable_alone(
    books: BookMaker, *, bad_first: bool
) -> None:
    kind, text = BASES["fill"]
    good = event(kind, text)
    shape = json.loads(good.state)["shape"]
    liar = event(kind, '{"fill_id":"liar","a":1}', shape=shape)
    built = books.build([liar, good] if bad_first else [good, liar])
    assert [row["fill_id"] for row in built.rows("fill")] == ["good"]
    assert built.value("SELECT count(*) FROM unreadable") == 1


@pytest.mark.parametrize("bad_first", [True, False])
@pytest.mark.parametrize("damage", ["cut", "bytes"])
def test_a_state_that_is_no_json_is_unreadable_alone(
    books: BookMaker, damage: str, *, bad_first: bool
) -> None:
    kind, text = BASES["fill"]
    good, other = event(kind, text), event(kind, text.replace("good", "bad"))
    if damage == "cut":
        bad = other._replace(state=other.state[:-40] + b"}")
    else:
        bad = other._replace(state=other.state.replace(b"KXGOOD", b"KX\xff\xfe"))
    built = books.build([bad, good] if bad_first else [good, bad])
    assert [row["fill_id"] for row in built.rows("fill")] == ["good"]
    assert built.value("SELECT reason FROM unreadable") == "not_json"


@pytest.mark.parametrize("side", ["yes", "alternating"])
def test_quantities_that_add_up_beyond_all_measure_do_not_stop_the_rebuild(
    books: BookMaker, side: str
) -> None:
    kind, text = BASES["fill"]
    events = [event(kind, text)]
    for number in range(20):
        payload = json.loads(text)
        payload |= {"fill_id": f"huge-{number}", "count_fp": "9999999999", "ticker": "KXHUGE-1-T1"}
        if side == "alternating" and number % 2:
            payload |= {"outcome_side": "no", "book_side": "ask"}
        events.append(event(kind, json.dumps(payload)))
    built = books.build(events)
    assert built.value("SELECT count(*) FROM open_lot WHERE open_fill_id = 'good'") == 1
    told = built.value("SELECT count(*) FROM fill") + built.value("SELECT count(*) FROM unreadable")
    assert told == 21


@pytest.mark.parametrize("base", ["deposit", "settlement", "fill"])
def test_amounts_at_the_edge_of_their_type_do_not_stop_the_rebuild(
    books: BookMaker, base: str
) -> None:
    kind, text = BASES[base]
    edge: dict[str, dict[str, Any]] = {
        "deposit": {"amount_cents": 2**63 - 1},
        "settlement": {"revenue": 2**63 - 1, "fee_cost": "999999999.999999999"},
        "fill": {"fee_cost": "999999999.999999999", "count_fp": "9999999999"},
    }
    events = []
    for number in range(30):
        payload = json.loads(text) | edge[base] | {ID_OF[base]: f"edge-{number}"}
        if base == "fill":
            payload["ticker"] = f"KXEDGE-1-T{number}"
        events.append(event(kind, json.dumps(payload)))
    rebuilt = books.build(events).rebuilt
    assert (rebuilt.facts + rebuilt.unreadable, rebuilt.facts) == (30, 0)


@pytest.mark.parametrize("key", ["subaccount_number", "exchange_index"])
def test_an_optional_integer_that_is_too_long_is_not_taken_for_absent(
    books: BookMaker, key: str
) -> None:
    kind, text = BASES["fill"]
    payload = json.loads(text) | {key: 10**20}
    assert books.build([event(kind, json.dumps(payload))]).rebuilt.unreadable == 1


@pytest.mark.parametrize(
    ("key", "reason"),
    [("fill_id", "missing_value"), ("ticker", "missing_value"), ("order_id", "contradiction")],
)
def test_an_empty_id_is_no_id(books: BookMaker, key: str, reason: str) -> None:
    kind, text = BASES["fill"]
    payload = json.loads(text) | {key: ""}
    built = books.build([event(kind, json.dumps(payload))])
    assert built.value("SELECT reason FROM unreadable") == reason


@pytest.mark.parametrize(
    "text", ["0000-01-13T20:19:21Z", "9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+14:00"]
)
def test_a_time_outside_of_the_calendar_of_python_is_a_bad_time(
    books: BookMaker, text: str
) -> None:
    kind, good = BASES["fill"]
    payload = json.loads(good) | {"created_time": text}
    built = books.build([event(kind, json.dumps(payload))])
    assert built.value("SELECT reason FROM unreadable") == "bad_time"


def test_a_complement_that_is_no_number_is_not_passed_over(books: BookMaker) -> None:
    kind, good = BASES["fill"]
    payload = json.loads(good) | {"no_price_dollars": "abc"}
    assert books.build([event(kind, json.dumps(payload))]).rebuilt.unreadable == 1


def lone_surrogate(text: str, key: str) -> str:
    """Return the payload with half a surrogate pair behind a value."""
    value = json.loads(text).get(key, "")
    payload = json.loads(text) | {key: f"{value}HALF"}
    return json.dumps(payload).replace("HALF", "\\ud800")


@pytest.mark.parametrize("chunk_events", [1, 250_000])
@pytest.mark.parametrize("key", ["fill_id", "ticker", "client_order_id", "trade_id", "brand_new"])
def test_half_a_surrogate_pair_makes_one_row_unreadable_and_its_neighbours_are_read(
    books: BookMaker, key: str, chunk_events: int
) -> None:
    """Python reads it, DuckDB does not; a key that nobody reads is no exception."""
    kind, text = BASES["fill"]
    events = [
        event(kind, text.replace("good", "one")),
        event(kind, lone_surrogate(text, key)),
        event(kind, text.replace("good", "two")),
    ]
    built = books.build(events, chunk_events=chunk_events)
    row = built.one("SELECT position, reason, column_name, offending FROM unreadable")
    assert row == {"position": 2, "reason": "not_json", "column_name": None, "offending": None}
    assert [row["fill_id"] for row in built.rows("SELECT fill_id FROM fill")] == ["one", "two"]


def test_repeated_keys_with_other_first_values_are_two_revisions(books: BookMaker) -> None:
    """Python would keep the last value and see no difference; DuckDB the first."""
    kind, text = BASES["fill"]
    texts = [
        text.replace('"count_fp":"2.00"', f'"count_fp":"{count}","count_fp":"7.00"')
        for count in ("2.00", "3.00", "2.00")
    ]
    first, second, again = (event(kind, each) for each in texts)
    assert first.state != second.state
    with books.log([first], [second], [again]) as log:
        revisions = log.revisions(first.key)
    assert [one.revision for one in revisions[:2]] == [1, 2]
    assert [one.state for one in revisions[:2]] == [first.state, second.state]
    built = books.build([first], [second])
    assert built.rows("SELECT position, reason FROM unreadable") == [
        {"position": 1, "reason": "repeated_key"},
        {"position": 2, "reason": "repeated_key"},
    ]
    assert built.rows("fill") == []


def test_problems_of_two_kinds_that_tell_of_one_fact_are_one_row_each(books: BookMaker) -> None:
    texts = [
        event(kind, RENDER[kind]("5").replace('"amount_cents":37800', '"amount_cents":-1'))
        for kind in ("kalshi.deposit", "kalshi.withdrawal")
    ]
    built = books.build(texts)
    rows = built.rows("SELECT position, kind, reason FROM unreadable")
    assert [tuple(row.values()) for row in rows] == [
        (1, "kalshi.deposit", "contradiction"),
        (2, "kalshi.withdrawal", "contradiction"),
    ]


def in_trouble() -> list[NewEvent]:
    """Return a book's events with every kind of trouble, and good ones among them."""
    kind, text = BASES["fill"]
    payload = json.loads(text)

    def changed(name: str, **changes: object) -> NewEvent:
        return event(kind, json.dumps(payload | {"fill_id": name} | changes))

    lacking = {key: value for key, value in payload.items() if key != "count_fp"}
    cut = changed("cut")
    blurred = changed("blurred", ticker="KXBLUR")
    exposure = '{"event_ticker":"E","event_exposure_dollars":"1.00"}'
    return [
        *(event(*BASES[name]) for name in ("fill", "settlement", "deposit")),
        *(event(name, RENDER[name]("5"), as_of=NOW) for name in REST),
        event("ledger.fetch", '{"document":"x","adapter":"tests/1","pages":1,"rows":1}'),
        event("kalshi.riddle", '{"a":1}'),
        event("kalshi.page", '{"a":1}'),
        event("kalshi.event_position", exposure, as_of=NOW),
        event(kind, json.dumps(lacking)),
        event(kind, "[1]"),
        event(kind, text[:-1] + ',"count_fp":"7.00"}'),
        event(kind, '{"fill_id":"liar","a":1}', shape=json.loads(cut.state)["shape"]),
        event(kind, '{"fill_id":"nowhere"}', shape="no such shape"),
        event(kind, lone_surrogate(text, "ticker")),
        cut._replace(state=cut.state[:-40] + b"}"),
        blurred._replace(state=blurred.state.replace(b"KXBLUR", b"KX\xff\xfe")),
        changed("number", count_fp="1e3"),
        changed("long", subaccount_number=10**20),
        changed("time", created_time="yesterday"),
        changed("word", outcome_side="maybe"),
        changed("", ticker=""),
        changed("against", no_price_dollars="0.99"),
        changed("new", brand_new={"mood": "good"}),
        changed("good", fee_cost="0.050000"),
        changed("good", client_order_id="bot-1", fee_cost="0.060000"),
        changed("good", count_fp="unreadable telling"),
    ]


REST: Final = (
    "kalshi.order",
    "kalshi.market",
    "kalshi.position",
    "kalshi.balance",
    "kalshi.withdrawal",
    "kalshi.fill_message",
    "kalshi.series",
    "kalshi.subaccount_balance",
)
COUNTED: Final = """
    SELECT
        (SELECT sum(events) FROM drift)::BIGINT AS seen,
        (SELECT count(*) FROM unreadable) AS unreadable,
        (SELECT sum(events) FROM drift WHERE kind = 'kalshi.event_position')::BIGINT AS kept,
        (SELECT sum(tellings) FROM fact_count)::BIGINT AS told,
        (SELECT sum(facts) FROM fact_count)::BIGINT AS facts
"""


@pytest.mark.parametrize("chunk_events", [1, 5, 250_000])
def test_no_event_is_lost_in_a_book_with_every_kind_of_trouble(
    books: BookMaker, chunk_events: int
) -> None:
    events = in_trouble()
    built = books.build(*([one] for one in events), chunk_events=chunk_events)
    assert built.rows(sql.text("checks", "no_event_lost")) == []
    reasons = {row["reason"] for row in built.rows("SELECT DISTINCT reason FROM unreadable")}
    assert reasons == {
        "unknown_kind", "unknown_page", "unknown_shape", "repeated_key", "not_json",
        "missing_value", "bad_number", "bad_time", "bad_value", "contradiction", "wrong_shape",
    }  # fmt: skip
    counted = built.one(COUNTED)
    assert counted == {"seen": 33, "unreadable": 17, "kept": 1, "told": 15, "facts": 13}
    assert counted["seen"] == len(events) == built.rebuilt.events
    assert counted["facts"] == built.rebuilt.facts
    positions = built.rows("SELECT DISTINCT position FROM unreadable")
    assert len(positions) == counted["unreadable"]
