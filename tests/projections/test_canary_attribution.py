"""What tells that attribution, or the records that it rests on, are lost.

"No data" is unknown: no alarm says that something is missing which nobody has asked for.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.log.sqlite import SQLiteLog
from domain.event import NewEvent, Owner
from domain.rules import Heuristics, Rules, Strategy
from projections import sql
from tests.books import BookMaker, Built, Row, dec, event, ledger
from tests.projections.account_events import fetch
from tests.projections.bot_records import at, claim, decision, decisions, posted
from tests.tools.command import bytes_of, run, small_book
from tools.fake_kalshi.payloads import Order, order_json

PREFIXES: Final = {"a-": "alpha"}
MANUAL: Final = "A 10:00 yes 1 @ 0.40 fee 0"


def alarms(built: Built) -> list[Row]:
    return built.rows("SELECT rule, subject FROM canary")


def rules_of(built: Built) -> list[str]:
    return [row["rule"] for row in alarms(built)]


# --- S1-8: a manual fill beside a posted decision ------------------------------------------------


@pytest.mark.parametrize("seconds", [-600, -61, 61, 600])
def test_s1_8_fires_for_a_manual_fill_beside_a_posted_decision(
    books: BookMaker, seconds: int
) -> None:
    built = books.build([*ledger(MANUAL), decision(at(10, seconds))])
    row = built.one("SELECT rule, subject, position, detail FROM canary")
    direction = "before" if seconds > 0 else "after"
    assert row == {
        "rule": "manual_beside_decision",
        "subject": "f1",
        "position": 1,
        "detail": f"nothing says whose it is, {abs(seconds)} s {direction} the posted decision d1 "
        "of alpha on A, buy",
    }


def test_s1_8_is_silent_for_external_fills(books: BookMaker) -> None:
    """Nothing was decided on its market, or what was decided was not posted, or not here."""
    others = [
        decision(at(10, 90), instrument="B"),
        decision(at(10, 91), decision_id="d2", outcome="shadow"),
        decision(at(10, 92), decision_id="d3", outcome="skipped"),
        decision(at(10, 93), decision_id="d4", owner=Owner("other", "live")),
        decision(at(10, 94), decision_id="d5", owner=Owner("main", "paper")),
    ]
    built = books.build([*ledger(MANUAL), *others])
    assert alarms(built) == []
    assert built.value("SELECT rule FROM attribution") == "manual"


@pytest.mark.parametrize("sign", [-1, 1])
def test_s1_8_is_silent_past_10_minutes(books: BookMaker, sign: int) -> None:
    past = at(10) + sign * timedelta(seconds=600, microseconds=1)
    assert alarms(books.build([*ledger(MANUAL), decision(past)])) == []
    reach = Rules.model_validate({"alarms": {"decision_window_seconds": 601}})
    wider = books.build([*ledger(MANUAL), decision(past)], rules=reach)
    assert rules_of(wider) == ["manual_beside_decision"]


def test_s1_8_is_silent_on_the_opposite_side(books: BookMaker) -> None:
    assert alarms(books.build([*ledger(MANUAL), decision(at(10, 90), side="no")])) == []


def test_s1_8_the_canarys_own_failure_is_recorded_and_the_old_projection_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = small_book(tmp_path)
    before = run(book, "status", "--json").json
    kept = bytes_of(book)["ledger.duckdb"]
    with SQLiteLog.open(book / "log.sqlite") as log:
        log.append([decision(at(10))])
    text = sql.text

    def broken(folder: str, name: str) -> str:
        dies = name == "canary_decision"
        return "SELECT error('the canary died')" if dies else text(folder, name)

    with monkeypatch.context() as patched:
        patched.setattr(sql, "text", broken)
        failed = run(book, "project")
        assert failed.code == 3
        assert "could not be applied, and nothing changed" in failed.out + failed.err
        assert "the canary died" in failed.out + failed.err
    assert bytes_of(book)["ledger.duckdb"] == kept
    after = run(book, "status", "--json")
    assert after.code == 1
    assert after.json["fingerprint"] == before["fingerprint"]
    assert after.json["stale_because"] == "it covers 5 of 6 events"


def test_the_nearest_decision_is_named_and_a_fill_is_one_alarm(books: BookMaker) -> None:
    events = [
        decision(at(10, 300), decision_id="far"),
        decision(at(10, -90), decision_id="near", strategy="beta"),
        decision(at(10, -91), decision_id="further"),
        # of two as near as each other, the first by name
        decision(at(10, 90), decision_id="later"),
        decision(at(10, 90), decision_id="other"),
    ]
    row = books.build([*ledger(MANUAL), *events]).one("SELECT detail FROM canary")
    assert "90 s before the posted decision later of alpha" in row["detail"]


def test_fills_that_are_explained_or_of_a_foreign_bot_are_no_alarm(books: BookMaker) -> None:
    events = ledger("""
        A 10:00 yes 1 @ 0.40 fee 0 as a-1
        A 10:01 yes 1 @ 0.40 fee 0 as stranger
    """)
    built = books.build([*events, decision(at(10, 300))], strategies=PREFIXES)
    assert alarms(built) == []


def test_a_fill_between_decisions_of_two_strategies_is_told_with_one_of_them(
    books: BookMaker,
) -> None:
    events = [
        decision(at(10, 30), decision_id="d1"),
        decision(at(10, -30), decision_id="d2", strategy="beta"),
    ]
    built = books.build([*ledger(MANUAL), *events])
    assert built.value("SELECT rule FROM attribution") == "ambiguous"
    assert rules_of(built) == ["manual_beside_decision"]


# --- decisions of a time that had not come -------------------------------------------------------


@pytest.mark.parametrize(("microseconds", "alarm"), [(0, False), (1, True), (10**15, True)])
def test_a_decision_that_was_taken_in_before_it_was_made_is_an_alarm(
    books: BookMaker, microseconds: int, *, alarm: bool
) -> None:
    ahead = timedelta(minutes=5, microseconds=microseconds)
    built = books.build([decision(at(10) + ahead, received_at=at(10))])
    assert alarms(built) == [{"rule": "decision_in_future", "subject": "d1"}] * alarm


# --- orders that the broker does not know --------------------------------------------------------

GRACE: Final = timedelta(seconds=600)


def listed(start: float, end: float, **said: Any) -> NewEvent:  # noqa: ANN401 - those of fetch
    """Return a fetch of orders that covers hours of the day."""
    return fetch("orders", (at(start), at(end)), at=at(end), **said)


def test_an_order_that_the_broker_was_asked_for_and_does_not_know_is_an_alarm(
    books: BookMaker,
) -> None:
    built = books.build([posted(at(10), "o-1"), listed(0, 11)])
    row = built.one("SELECT rule, subject, position, detail FROM canary")
    assert row == {
        "rule": "order_not_seen",
        "subject": "o-1",
        "position": 1,
        "detail": "posted at 2026-06-01T10:00:00.000000Z by alpha on A; the broker, asked for its "
        "orders up to 2026-06-01T11:00:00.000000Z, has none of this id",
    }


@pytest.mark.parametrize(
    ("start", "end", "alarm"),
    [
        (at(0), at(10) + GRACE, True),
        # it may still show up
        (at(0), at(10) + GRACE - timedelta(microseconds=1), False),
        (at(10), at(12), True),
        # it may have been there before
        (at(10) + timedelta(microseconds=1), at(12), False),
    ],
)
def test_an_order_is_missed_only_where_the_broker_was_asked_for_its_time(
    books: BookMaker, start: datetime, end: datetime, *, alarm: bool
) -> None:
    built = books.build([posted(at(10), "o-1"), fetch("orders", (start, end), at=end)])
    assert rules_of(built) == ["order_not_seen"] * alarm


def test_an_order_is_not_missed_where_nobody_asked(books: BookMaker) -> None:
    order = posted(at(10), "o-1")
    for asked in (
        [],
        # a resting order has no fills
        [fetch("fills", (at(0), at(12)), at=at(12))],
        [fetch("orders", None, at=at(12))],
        [listed(0, 12, owner=Owner("other", "live"))],
        [listed(0, 9), listed(11, 12)],
    ):
        assert alarms(books.build([order, *asked])) == []


def order_of(order_id: str, client_order_id: str) -> NewEvent:
    order = Order(
        order_id=order_id,
        client_order_id=client_order_id,
        ticker="A",
        acquires="yes",
        action="buy",
        status="resting",
        yes_price=dec("0.40"),
        initial=dec("1"),
        filled=dec("0"),
        remaining=dec("1"),
        created_at=at(10),
        updated_at=at(10),
    )
    return event("kalshi.order", order_json(order, "5"))


@pytest.mark.parametrize(
    "seen",
    [
        [order_of("o-1", "c-0")],
        [order_of("o-0", "c-1")],
        ledger("A 10:00 yes 1 @ 0.40 fee 0 order o-1"),
        ledger("A 10:00 yes 1 @ 0.40 fee 0 order o-0 as c-1"),
    ],
    ids=["order", "client id of an order", "fill", "client id of a fill"],
)
def test_an_order_is_known_by_either_id_to_an_order_or_a_fill(
    books: BookMaker, seen: list[NewEvent]
) -> None:
    order = posted(at(10), "o-1", client_order_id="c-1")
    assert alarms(books.build([order, listed(0, 12), *seen])) == []
    alone = posted(at(10), None, client_order_id="c-9")
    missed = books.build([alone, listed(0, 12), *seen])
    assert alarms(missed) == [{"rule": "order_not_seen", "subject": "client:c-9"}]


def test_an_order_at_interactive_brokers_is_never_missed(books: BookMaker) -> None:
    """The socket lists what works at the moment; an order that ended unfilled is nowhere."""
    order = posted(at(10), "700", instrument="756733", venue="ibkr")
    asked = [
        fetch(stream, (at(0), at(12)), at=at(12), broker="ibkr", adapter="ibkr/1")
        for stream in ("executions", "flex", "open_orders", "orders")
    ]
    assert alarms(books.build([order, *asked])) == []


@pytest.mark.parametrize(
    ("more", "alarm"),
    [
        ({"side": "yes"}, False),
        ({}, False),
        ({"side": "no"}, True),
        ({"side": "yes", "instrument": "B"}, True),
    ],
)
@pytest.mark.parametrize(
    "told",
    [ledger("A 10:00 yes 1 @ 0.40 fee 0 order o-1"), [order_of("o-1", "c-0")]],
    ids=["fill", "order"],
)
def test_a_posted_order_of_another_instrument_or_side_is_an_alarm(
    books: BookMaker, told: list[NewEvent], more: dict[str, Any], *, alarm: bool
) -> None:
    built = books.build([*told, posted(at(10), "o-1", **more)])
    assert alarms(built) == [{"rule": "posted_order_differs", "subject": "o-1"}] * alarm
    if alarm:
        row = built.one("SELECT position, detail FROM canary")
        assert row["position"] == 2
        assert row["detail"].endswith("known to the broker as buy of A")


# --- what goes on while something else has stopped -----------------------------------------------


def covered(start: float, end: float) -> NewEvent:
    """Return a fetch of fills that covers hours of the day."""
    return fetch("fills", (at(start), at(end)), at=at(end))


FILLED: Final = "A 09:00 yes 1 @ 0.40 fee 0 as a-1"


@pytest.mark.parametrize(
    ("fetches", "alarm"),
    [
        ([covered(0, 16)], True),
        ([covered(0, 12), covered(12, 16)], True),
        # of the fifth nobody knows
        ([covered(0, 15)], False),
        ([], False),
        # what was filled in the hole nobody knows
        ([covered(0, 12), covered(12.5, 16)], False),
        ([fetch("orders", (at(0), at(16)), at=at(16))], False),
    ],
)
def test_a_strategy_whose_fills_stop_is_an_alarm_where_all_fills_are_known(
    books: BookMaker, fetches: list[NewEvent], *, alarm: bool
) -> None:
    events = [*ledger(FILLED), *decisions(11, 12, 13, 14, 15), *fetches]
    built = books.build(events, strategies=PREFIXES)
    assert alarms(built) == [{"rule": "fills_stopped", "subject": "alpha"}] * alarm
    if alarm:
        row = built.one("SELECT position, detail FROM canary")
        assert row["position"] == 6
        assert row["detail"].startswith("5 posted decisions since its last fill at 2026-06-01T09:0")


def test_fewer_decisions_or_none_that_were_posted_are_no_alarm(books: BookMaker) -> None:
    four = decisions(11, 12, 13, 14)
    for others in (
        [],
        decisions(15, outcome="shadow"),
        decisions(8, 9),
        decisions(15, strategy="beta"),
    ):
        events = [*ledger(FILLED), *four, *others, covered(0, 16)]
        assert alarms(books.build(events, strategies=PREFIXES)) == []


def test_a_strategy_that_never_had_a_fill_has_not_stopped(books: BookMaker) -> None:
    assert alarms(books.build([*decisions(11, 12, 13, 14, 15), covered(0, 16)])) == []


def test_fills_of_an_exit_are_those_of_its_parent(books: BookMaker) -> None:
    rules = Rules(
        strategies={
            "alpha": Strategy(prefixes=("a-",)),
            "alpha_exit": Strategy(prefixes=("x-",), exit_of="alpha"),
        }
    )
    leaves = ledger(f"{FILLED}\nA 14:30 no 1 @ 0.40 fee 0 as x-1")
    events = [*decisions(11, 12, 13, 14, 15), covered(0, 16)]
    assert alarms(books.build([*leaves, *events], rules=rules)) == []
    assert rules_of(books.build([*leaves[:1], *events], rules=rules)) == ["fills_stopped"]


BOTS: Final = """
    A 11:00 yes 1 @ 0.40 fee 0 as a-1 order o-2
    A 11:01 yes 1 @ 0.40 fee 0 as a-2 order o-3
    A 11:02 yes 1 @ 0.40 fee 0 as a-3 order o-4
"""


def test_bots_orders_that_go_on_unrecorded_are_an_alarm(books: BookMaker) -> None:
    built = books.build([posted(at(10), "o-1"), *ledger(BOTS)], strategies=PREFIXES)
    row = built.one("SELECT rule, subject, position, detail FROM canary")
    assert row == {
        "rule": "posted_orders_stopped",
        "subject": "kalshi",
        "position": 2,
        "detail": "3 orders of bots were filled since 2026-06-01T10:00:00.000000Z, when one was "
        "recorded last",
    }


@pytest.mark.parametrize(
    ("recorded", "fills"),
    [
        # a bot that never recorded orders
        ([], BOTS),
        # two orders, one in two parts
        ([posted(at(10), "o-1")], BOTS.replace("o-4", "o-3")),
        # filled before the last was recorded
        ([posted(at(11.02), "o-1")], BOTS),
        # of another account
        ([posted(at(10), "o-1", owner=Owner("other", "live"))], BOTS),
        # recorded before, filled later
        ([posted(at(10), "o-2")], BOTS),
        ([posted(at(10), None, client_order_id="a-2")], BOTS),
        # by hand, or by somebody else
        ([posted(at(10), "o-1")], BOTS.replace(" as a-", " id m-")),
        ([posted(at(10), "o-1")], BOTS.replace(" as a-", " as stranger-")),
    ],
)
def test_what_no_bot_has_posted_or_what_was_recorded_is_no_alarm(
    books: BookMaker, recorded: list[NewEvent], fills: str
) -> None:
    built = books.build([*recorded, *ledger(fills)], strategies=PREFIXES)
    assert "posted_orders_stopped" not in rules_of(built)


def test_orders_that_only_a_decision_shows_to_be_a_bots_count(books: BookMaker) -> None:
    fills = ledger(BOTS.replace(" as a-", " id m-"))
    events = [posted(at(10), "o-1"), *fills, decision(at(11, 60))]
    rules = Rules(heuristics=Heuristics(decisions=False))
    matched, beside = books.build(events), books.build(events, rules=rules)
    assert rules_of(matched).count("posted_orders_stopped") == 1
    assert rules_of(beside).count("posted_orders_stopped") == 1


def test_an_order_posted_in_a_far_future_hides_nothing(books: BookMaker) -> None:
    odd = posted(at(10) + timedelta(days=30_000), "o-1", received_at=at(10))
    built = books.build([odd, *ledger(BOTS)], strategies=PREFIXES)
    assert rules_of(built) == ["posted_orders_stopped"]


# --- claims without effect -----------------------------------------------------------------------


def test_a_claim_for_an_unknown_fill_is_classified(books: BookMaker) -> None:
    built = books.build([claim("nowhere", "alpha")])
    row = built.one("SELECT rule, subject, position, detail FROM canary")
    assert row == {
        "rule": "claim_of_unknown_fill",
        "subject": "nowhere",
        "position": 1,
        "detail": "claimed for alpha by operator; no fill of this id counts",
    }


@pytest.mark.parametrize(
    ("fill", "claimed", "alarm"),
    [
        (FILLED, "beta", True),
        # nothing stands against it
        (FILLED, "alpha", False),
        (FILLED, None, False),
        (MANUAL, "beta", False),
        ("A 10:00 yes 1 @ 0.40 fee 0 as stranger", "beta", False),
    ],
)
def test_a_claim_that_stronger_evidence_overrules_says_so(
    books: BookMaker, fill: str, claimed: str | None, *, alarm: bool
) -> None:
    built = books.build([*ledger(fill), claim("f1", claimed)], strategies=PREFIXES)
    assert alarms(built) == [{"rule": "claim_overruled", "subject": "f1"}] * alarm
    if alarm:
        detail = built.value("SELECT detail FROM canary")
        assert detail.endswith("it is alpha by the rule prefix, evidence fill")


def test_a_claim_that_was_withdrawn_is_no_alarm(books: BookMaker) -> None:
    assert alarms(books.build([claim("nowhere", "alpha"), claim("nowhere", None)])) == []


# --- what they have in common --------------------------------------------------------------------


def test_the_pages_order_changes_no_alarm(books: BookMaker) -> None:
    events = [
        *ledger(f"{MANUAL}\n{BOTS}"),
        decision(at(10, 90)),
        posted(at(9), "o-9"),
        claim("nowhere", "alpha"),
        listed(0, 12),
    ]
    forward, backward = (
        books.build(list(pages), strategies=PREFIXES) for pages in (events, reversed(events))
    )
    assert alarms(forward) == alarms(backward)
    assert sorted(rules_of(forward)) == [
        "claim_of_unknown_fill",
        "manual_beside_decision",
        "order_not_seen",
        "posted_orders_stopped",
    ]
    fills = {row["fill_id"]: row["position"] for row in forward.rows("fill")}
    assert forward.value("SELECT position FROM canary WHERE subject = 'f1'") == fills["f1"]
