"""A book of the past: what was known then, and what had happened by then."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import pytest

from domain.event import NewEvent
from replay.plan import AsOf, Plan
from tests.books import FILL, NOW, BookMaker, Built, dec, event, ledger
from tests.projections.account_events import balance, covering, fetch
from tests.projections.bot_events import claim, posted, quoted
from tests.projections.random_markets import STRATEGIES, markets
from tools.fake_kalshi.payloads import deposit_json, order_json
from tools.fake_kalshi.truths import Cash, Order

SEED: Final = 11
DAY: Final = timedelta(days=1)
(FIRST,) = ledger("A 10:00 yes 10 @ 0.62 fee 0.17 as alpha-1")
PAYLOAD: Final = json.loads(FIRST.state)["payload"]


def told(received_at: datetime, **changes: object) -> NewEvent:
    """Return a rendering of the fill that came at a time."""
    return event(FILL, json.dumps(PAYLOAD | changes), received_at=received_at)


def order(name: str, client: str, created: datetime, updated: datetime, status: str) -> NewEvent:
    """Return an order for one YES of A."""
    done = status == "executed"
    made = Order(
        order_id=name,
        client_order_id=client,
        ticker="A",
        acquires="yes",
        action="buy",
        status=status,
        yes_price=dec("0.40"),
        initial=dec("1"),
        filled=dec("1" if done else "0"),
        remaining=dec("0" if done else "1"),
        created_at=created,
        updated_at=updated,
    )
    return event("kalshi.order", order_json(made, "5"))


def at(text: str) -> datetime:
    """Return a time of 1 June 2026."""
    return datetime.fromisoformat(f"2026-06-01T{text}+00:00")


@pytest.fixture(scope="module")
def history() -> list[tuple[datetime, NewEvent]]:
    """Return what an account lived through, received in any order, some of it corrected."""
    random = Random(SEED)
    rows = [row for payloads in markets(SEED, 40).values() for row in payloads]
    for kind, text in random.sample(rows, 30):
        rows.append((kind, json.dumps(json.loads(text) | {"fee_cost": "0.990000"})))
    random.shuffle(rows)
    moments = [NOW + timedelta(seconds=random.randrange(1000)) for _ in rows]
    return [
        (moment, event(kind, text, received_at=moment))
        for moment, (kind, text) in zip(moments, rows, strict=True)
    ]


@pytest.mark.parametrize("seconds", [-1, 0, 250, 500, 750, 1000])
def test_as_of_a_time_of_receipt_is_the_book_of_a_log_of_only_those_events(
    books: BookMaker, history: list[tuple[datetime, NewEvent]], seconds: int
) -> None:
    cut = NOW + timedelta(seconds=seconds)
    whole = [one for _, one in history]
    known = [one for moment, one in history if moment <= cut]
    then = books.build(whole, strategies=STRATEGIES, received=cut, chunk_events=37)
    plain = books.build(known, strategies=STRATEGIES)
    assert then.content() == plain.content()
    assert (then.rebuilt.meta.watermark, plain.rebuilt.meta.watermark) != (0, 0) or not known


def test_a_correction_that_came_later_is_not_known_yet(books: BookMaker) -> None:
    tellings = [told(NOW), told(NOW + DAY, fee_cost="0.200000")]
    then = books.build(tellings, received=NOW + timedelta(hours=1))
    now = books.build(tellings, received=NOW + DAY)
    assert (then.value("SELECT fee FROM fill"), now.value("SELECT fee FROM fill")) == (
        dec("0.17"),
        dec("0.20"),
    )
    assert then.rows("restatement") == []
    assert len(now.rows("restatement")) == 1


def test_a_time_of_receipt_in_another_zone_is_the_same_moment(books: BookMaker) -> None:
    tellings = [told(NOW), told(NOW + DAY, fee_cost="0.200000")]
    cut = datetime.fromisoformat("2026-11-22T13:59:00+02:00")
    assert books.build(tellings, received=cut).value("SELECT fee FROM fill") == dec("0.17")
    assert books.build(tellings, received=cut + timedelta(minutes=1)).value(
        "SELECT fee FROM fill"
    ) == dec("0.20")


@pytest.mark.parametrize(
    "state",
    [b"", b"\xff", b'{"payload":{}}', b'{"received_at":"soon","payload":{}}'],
    ids=["empty", "no UTF-8", "unsaid", "no time"],
)
def test_an_event_that_does_not_say_when_it_came_counts_and_is_unreadable(
    books: BookMaker, state: bytes
) -> None:
    with books.log([told(NOW)]) as log:
        with log.recorder.datastore.transaction(commit=True) as writing:
            log.recorder.insert_rows(writing.sqlite_cursor, [("odd", 1, FILL, state)])
        built = books.project(log, Plan(NOW, as_of=AsOf(received=NOW - DAY)))
    assert built.value("SELECT count(*) FROM fill") == 0
    assert built.rows("SELECT key FROM unreadable") == [{"key": "odd"}]


def test_as_of_a_time_of_events_what_came_later_is_not_there(books: BookMaker) -> None:
    text = "A 10:00 yes 10 @ 0.62\nA 11:00 no 4 @ 0.35\nA 12:00 settles yes"
    before = books.ledger(text, happened=at("11:59"))
    same = books.ledger("A 10:00 yes 10 @ 0.62\nA 11:00 no 4 @ 0.35")
    for table in ("fill", "settlement", "lot_match", "position", "cash_ledger", "daily_pnl"):
        assert before.content()[table] == same.content()[table], table
    later = books.ledger(text, happened=at("12:00"))
    assert later.content()["settlement"] == books.ledger(text).content()["settlement"]


def test_tellings_of_what_came_later_are_counted(books: BookMaker) -> None:
    text = "A 10:00 yes 10 @ 0.62\nA 11:00 no 4 @ 0.35"
    built = books.ledger(text, happened=at("10:00"))
    row = built.one("SELECT tellings, facts FROM fact_count WHERE fact = 'fill'")
    assert row == {"tellings": 2, "facts": 1}


def test_the_newest_telling_says_when_it_happened(books: BookMaker) -> None:
    tellings = [told(NOW), told(NOW, created_time="2026-06-01T10:00:05Z")]
    assert books.build(tellings, happened=at("10:00:04")).rows("fill") == []
    built = books.build(reversed_(tellings), happened=at("10:00:04"))
    assert built.value("SELECT executed_at FROM fill") == at("10:00")


def reversed_(events: Sequence[NewEvent]) -> list[NewEvent]:
    """Return them from the last to the first."""
    return list(reversed(events))


def test_an_order_that_changed_later_is_known_and_its_state_is_not(books: BookMaker) -> None:
    """The fill is still whose it is, because the order had been placed by then."""
    fill = event(FILL, json.dumps({k: v for k, v in PAYLOAD.items() if k != "client_order_id"}))
    late = order("order-1", "alpha-1", at("09:00"), at("18:00"), "executed")
    built = books.build([fill, late], strategies={"alpha": "alpha"}, happened=at("12:00"))
    state = built.one("SELECT status, filled_quantity, updated_at, order_id FROM order_state")
    assert state == {
        "status": None, "filled_quantity": None, "updated_at": None, "order_id": "order-1"
    }  # fmt: skip
    assert built.value("SELECT strategy FROM attribution") == "alpha"


def test_an_order_has_the_newest_state_that_it_had_by_then(books: BookMaker) -> None:
    states = [
        order("o", "a", at("09:00"), at(f"{hour}:00"), status)
        for hour, status in ((18, "executed"), (11, "resting"))
    ]
    built = books.build(states, happened=at("12:00"))
    row = built.one("SELECT status, updated_at FROM order_state")
    assert row == {"status": "resting", "updated_at": at("11:00")}
    assert books.build(states, happened=at("08:59")).rows("order_state") == []
    assert books.build(states).value("SELECT status FROM order_state") == "executed"


def test_a_deposit_that_was_applied_later_has_moved_no_cash_yet(books: BookMaker) -> None:
    pending = Cash("d", 10_000, 0, "pending", "ach", at("09:00"))
    applied = Cash("d", 10_000, 0, "applied", "ach", at("09:00"), at("15:00"))
    made = [event("kalshi.deposit", deposit_json(cash)) for cash in (pending, applied)]
    built = books.build(made, happened=at("12:00"))
    assert built.value("SELECT status FROM cash_movement") == "pending"
    assert built.rows("cash_ledger") == []
    after = books.build(made, happened=at("15:00"))
    assert len(after.rows("cash_ledger")) == 1


def test_nothing_is_covered_behind_the_time(books: BookMaker) -> None:
    cut = at("12:00")
    told_by = [
        *covering(at("18:00")),
        fetch("orders", (at("13:00"), at("14:00")), at=at("14:00")),
        fetch("orders", None, at=at("15:00")),
    ]
    built = books.build(told_by, happened=cut)
    ends = built.rows("SELECT DISTINCT covered_until FROM stream_coverage")
    assert ends == [{"covered_until": cut}]
    assert built.value("SELECT count(*) FROM fetch_log WHERE stream = 'orders'") == 0


def test_a_claim_counts_whenever_it_was_made(books: BookMaker) -> None:
    built = books.build(
        ledger("A 10:00 yes 1 @ 0.40"), [claim("f1", "alpha")], happened=at("11:00")
    )
    assert built.value("SELECT strategy FROM attribution") == "alpha"


def test_what_a_bot_recorded_later_is_not_there(books: BookMaker) -> None:
    recorded = [
        posted("alpha", "A", "10:00", order="o-1"),
        posted("alpha", "A", "14:00", order="o-2"),
        quoted("A", "10:00", bid="0.4"),
        quoted("A", "14:00", bid="0.4"),
    ]
    built = books.build(recorded, happened=at("12:00"))
    assert built.value("SELECT count(*) FROM posted_order") == 1
    assert built.value("SELECT count(*) FROM quote") == 1


def test_a_balance_is_compared_with_the_cash_of_its_time(books: BookMaker) -> None:
    events = [
        *ledger("A 10:00 yes 10 @ 0.62 fee 0.17\nA 15:00 yes 10 @ 0.62 fee 0.17"),
        balance("93.63", at("12:00")),
        balance("87.26", at("16:00")),
    ]
    built = books.build(events, happened=at("13:00"))
    assert built.value("SELECT cash FROM balance_snapshot") == dec("93.63")


def test_all_cuts_may_be_set_at_once(books: BookMaker) -> None:
    tellings = [
        told(NOW, trade_id="x", fill_id="x"),
        told(NOW + DAY, trade_id="y", fill_id="y"),
        told(NOW, trade_id="z", fill_id="z", created_time="2026-06-02T10:00:00Z"),
        told(NOW, trade_id="v", fill_id="v"),
    ]
    built = books.build(tellings, until=3, received=NOW, happened=at("12:00"))
    assert built.rows("SELECT fill_id FROM fill") == [{"fill_id": "x"}]


def test_a_cut_behind_everything_cuts_nothing(
    books: BookMaker, history: list[tuple[datetime, NewEvent]]
) -> None:
    events = [one for _, one in history]
    end = datetime(2100, 1, 1, tzinfo=UTC)
    all_of_it = books.build(events, strategies=STRATEGIES)
    cut: Built = books.build(events, strategies=STRATEGIES, received=end, happened=end)
    assert cut.rebuilt.meta.fingerprint == all_of_it.rebuilt.meta.fingerprint
