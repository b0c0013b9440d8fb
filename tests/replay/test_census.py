"""Which shapes were seen, how often, and which reader takes each."""

import json

from tests.books import FILL, NOW, BookMaker, event, ledger
from tools.fake_kalshi.payloads import Holding, position_json
from tools.fake_kalshi.truths import ZERO

(GOOD,) = ledger("A 10:00 yes 1 @ 0.5 fee 0")
PAYLOAD = json.loads(GOOD.state)["payload"]


def test_a_known_shape_is_counted_with_its_first_and_last_position(books: BookMaker) -> None:
    events = ledger("""
        A 10:00 yes 1 @ 0.5 fee 0
        A 10:01 yes 1 @ 0.5
        A 10:02 yes 1 @ 0.5 fee 0
    """)
    rows = books.build(events, chunk_events=1).rows(
        "SELECT reader, status, events, first_position, last_position FROM drift"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("2", "known", 1, 2, 2),
        ("5", "known", 2, 1, 3),
    ]


def test_a_new_key_is_read_and_reported_until_somebody_lists_it(books: BookMaker) -> None:
    new = event(FILL, json.dumps(PAYLOAD | {"mood": {"today": "good"}}))
    built = books.build([new])
    row = built.one("drift")
    assert (row["status"], row["reader"]) == ("additive", "5")
    assert row["keys_added"] == "mood.today:string, mood:object"
    assert built.rebuilt.additive_shapes == 1
    assert built.value("SELECT count(*) FROM fill") == 1


def test_a_required_key_that_vanished_is_an_unknown_shape_with_its_nearest_reader(
    books: BookMaker,
) -> None:
    payload = {key: value for key, value in PAYLOAD.items() if key != "count_fp"}
    built = books.build([event(FILL, json.dumps(payload))])
    row = built.one("drift")
    assert (row["status"], row["reason"]) == ("unknown", "unknown_shape")
    assert (row["nearest"], row["keys_missing"]) == ("5", "count_fp")
    assert built.rebuilt.unknown_shapes == 1
    assert built.rebuilt.unreadable == 1


def test_a_kind_that_is_kept_and_not_read_is_known_and_makes_no_fact(books: BookMaker) -> None:
    text = '{"event_ticker":"E","event_exposure_dollars":"1.00"}'
    built = books.build([event("kalshi.event_position", text, as_of=NOW)])
    assert built.one("SELECT status, reader FROM drift") == {"status": "known", "reader": None}
    assert built.rebuilt.unreadable == 0
    assert built.rebuilt.facts == 0


def test_a_page_that_nobody_knows_a_place_for_is_drift_and_unreadable(books: BookMaker) -> None:
    text = '{"cursor":"","surprises":[{"a":1}]}'
    built = books.build([event("kalshi.page", text), GOOD])
    row = built.one("SELECT status, reader, reason FROM drift WHERE kind = 'kalshi.page'")
    assert row == {"status": "unknown", "reader": None, "reason": "unknown_page"}
    assert built.one("SELECT kind, reason, reader FROM unreadable") == {
        "kind": "kalshi.page",
        "reason": "unknown_page",
        "reader": None,
    }
    assert built.rebuilt.unknown_shapes == 1
    assert built.value("SELECT count(*) FROM fill") == 1


def test_all_generations_of_a_kind_are_told_apart_in_one_log(books: BookMaker) -> None:
    holding = Holding("A", ZERO, ZERO, ZERO, ZERO, ZERO, NOW)
    phases = ("0", "1", "2", "3a", "5")
    events = [
        event("kalshi.position", position_json(holding, phase), as_of=NOW.replace(hour=hour))
        for hour, phase in enumerate(phases)
    ]
    built = books.build(events)
    readers = [row["reader"] for row in built.rows("SELECT reader FROM drift")]
    assert readers == ["0", "1", "2", "3", "5"]
    assert built.value("SELECT count(*) FROM position_snapshot") == 5
