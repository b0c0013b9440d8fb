"""Known failures S1-1, S1-2 and S1-7: whose fills without client_order_id are."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from domain.event import NewEvent
from tests.books import BookMaker, Built, dec
from tests.regressions.weather_bot import (
    BACKLOG,
    ENTRIES,
    EXITS,
    EXTERNAL,
    LEFT_MANUAL,
    MAY_11,
    ORDERS,
    SECOND_PARTS,
    TWELVE,
    WITHOUT_HEURISTICS,
    Traded,
    backlog_decisions,
    decision,
    decisions,
    fills,
    posted_order,
    posted_orders,
    rules,
    settlements,
)

RULES: Final = rules()
POSTED: Final = [posted_order(order) for order in ORDERS]
DECIDED: Final = [decision(order) for order in ORDERS]
DAY: Final = (*TWELVE, *EXTERNAL)
TOLD: Final = [*fills(DAY), *settlements(DAY)]


def by_rule(built: Built) -> dict[tuple[str, ...], int]:
    """Return how many fills each rule attributed, by strategy, rule, evidence and confidence."""
    columns = ("strategy", "rule", "evidence", "confidence")
    query = f"SELECT {', '.join(columns)}, count(*) AS fills FROM attribution GROUP BY ALL"
    return {tuple(row[name] for name in columns): row["fills"] for row in built.rows(query)}


def strategy_of(built: Built) -> dict[str, str]:
    rows = built.rows("SELECT fill_id, strategy FROM attribution")
    return {row["fill_id"]: row["strategy"] for row in rows}


MANUAL: Final = ("unattributed", "manual", "none", "none")
BY_POST: Final = ("cross_bracket", "prefix", "posted_order", "strong")
BY_DECISION: Final = ("cross_bracket", "decision", "decision", "likely")
BY_EXIT: Final = ("cross_bracket_exit", "exit", "exit", "guessed")


# --- S1-1: twelve fills of 11 May ----------------------------------------------------------------


def test_s1_1_nine_posted_decisions_stood_beside_no_fill_of_the_strategy(books: BookMaker) -> None:
    """What the weather bot saw: nothing tells whose the twelve are."""
    blind = books.build(TOLD, decisions(DECIDED), rules=rules(WITHOUT_HEURISTICS))
    assert blind.value("SELECT count(*) FROM decision WHERE outcome = 'posted'") == 9
    assert by_rule(blind) == {MANUAL: 14}


@pytest.fixture(scope="module")
def recovered(shelf: BookMaker) -> Built:
    return shelf.build(TOLD, posted_orders(POSTED), decisions(DECIDED), rules=RULES)


def test_s1_1_twelve_fills_without_an_id_are_recovered_by_the_nine_posted_orders(
    recovered: Built,
) -> None:
    assert by_rule(recovered) == {BY_POST: 12, MANUAL: 2}
    assert recovered.value("SELECT count(*) FROM fill WHERE client_order_id IS NOT NULL") == 0
    rows = recovered.rows("SELECT * FROM attribution WHERE strategy = 'cross_bracket'")
    assert {row["client_order_id"] for row in rows} == {one["client_order_id"] for one in POSTED}


def test_s1_1_fills_that_no_bot_posted_stay_manual(recovered: Built) -> None:
    told = strategy_of(recovered)
    assert {told[one.fill_id] for one in EXTERNAL} == {"unattributed"}


def test_s1_1_their_money_is_that_of_the_strategy(recovered: Built) -> None:
    """Nine times ten and thrice five NO that won 0.12 each, 0.07 of fees a fill."""
    query = "SELECT strategy, sum(realized_net) AS net FROM lot_match GROUP BY ALL"
    told = {row["strategy"]: row["net"] for row in recovered.rows(query)}
    assert told["cross_bracket"] == 105 * dec("0.12") - 12 * dec("0.07")


def test_s1_1_a_late_post_changes_the_past_and_the_change_is_shown(books: BookMaker) -> None:
    late = posted_orders(POSTED)
    built = books.build(TOLD, late, rules=RULES)
    rows = built.rows("SELECT * FROM restatement WHERE fact = 'attribution'")
    assert len(rows) == 12
    told = {(row["old_values"], row["new_values"], row["change"]) for row in rows}
    assert told == {('{"strategy":"unattributed"}', '{"strategy":"cross_bracket"}', "changed")}
    assert {row["new_position"] for row in rows} == set(
        range(len(TOLD) + 1, len(TOLD) + len(late) + 1)
    )


def test_s1_1_recording_a_post_twice_changes_nothing(books: BookMaker, recovered: Built) -> None:
    again = [*posted_orders(POSTED), *decisions(DECIDED)]
    built = books.build(TOLD, again, again, rules=RULES)
    assert built.content()["attribution"] == recovered.content()["attribution"]
    assert built.value("SELECT count(*) FROM posted_order") == 9


def test_s1_1_a_post_without_ids_is_refused_and_one_of_another_market_is_not_believed(
    books: BookMaker,
) -> None:
    partial = posted_order(ORDERS[0], order_id=None, client_order_id=None)
    elsewhere = posted_order(ORDERS[1], instrument="KXHIGHNY-26MAY11-T99")
    wrong_side = posted_order(ORDERS[2], side="yes")
    told = posted_orders([elsewhere, wrong_side])
    built = books.build(fills(ORDERS[:3]), told, rules=RULES)
    assert by_rule(built) == {MANUAL: 3}
    assert "order_id" not in partial
    refused = books.build(fills(ORDERS[:1]), raw_post(partial), rules=RULES)
    assert refused.value("SELECT count(*) FROM unreadable WHERE kind = 'bot.order_posted'") == 1
    assert by_rule(refused) == {MANUAL: 1}


def raw_post(told: dict[str, object]) -> list[NewEvent]:
    return posted_orders([told])


def test_s1_1_orders_whose_post_was_not_recorded_are_found_by_their_decision(
    books: BookMaker,
) -> None:
    """Four posts were recorded, five were not; both parts of an order follow its decision."""
    built = books.build(TOLD, posted_orders(POSTED[:4]), decisions(DECIDED), rules=RULES)
    assert by_rule(built) == {BY_POST: 5, BY_DECISION: 7, MANUAL: 2}
    assert {strategy_of(built)[one.fill_id] for one in SECOND_PARTS} == {"cross_bracket"}


# --- S1-7: heuristics, named as such, and only where nothing better is known ---------------------


@pytest.fixture(scope="module")
def backlog(shelf: BookMaker) -> Built:
    return shelf.build(fills(BACKLOG), decisions(backlog_decisions()), rules=RULES)


def test_s1_7_of_34_fills_26_follow_decisions_5_leave_entries_and_3_stay_manual(
    backlog: Built,
) -> None:
    assert by_rule(backlog) == {BY_DECISION: 26, BY_EXIT: 5, MANUAL: 3}
    told = strategy_of(backlog)
    assert {told[one.fill_id] for one in ENTRIES} == {"cross_bracket"}
    assert {told[one.fill_id] for one in EXITS} == {"cross_bracket_exit"}
    assert {told[one.fill_id] for one in LEFT_MANUAL} == {"unattributed"}


def test_s1_7_every_guess_names_the_events_that_it_rests_on(backlog: Built) -> None:
    rows = backlog.rows("SELECT * FROM attribution WHERE rule IN ('decision', 'exit')")
    decided = backlog.rows("SELECT decision_id, position FROM decision")
    positions = {row["decision_id"]: row["position"] for row in decided}
    entered = backlog.rows("SELECT fill_id, position FROM fill")
    entries = {row["fill_id"]: row["position"] for row in entered}
    for row in rows:
        first = row["evidence_positions"][0]
        if row["rule"] == "decision":
            assert row["decision_id"] == f"decision-of-{row['fill_id']}"
            assert first == positions[row["decision_id"]]
        else:
            assert first == entries[row["fill_id"].replace("leaving", "entry")]


def test_s1_7_a_second_or_a_cent_beyond_the_window_is_no_evidence(books: BookMaker) -> None:
    near, far, other_side = ENTRIES[:3]
    told = [
        decision(near, seconds_before=60),
        decision(far, seconds_before=61),
        decision(other_side, side="yes"),
    ]
    built = books.build(fills([near, far, other_side]), decisions(told), rules=RULES)
    assert strategy_of(built) == {
        near.fill_id: "cross_bracket",
        far.fill_id: "unattributed",
        other_side.fill_id: "unattributed",
    }


def test_s1_7_a_guess_never_overrides_what_the_fill_or_its_order_says(books: BookMaker) -> None:
    """Each of the four has a decision of cross_bracket beside it."""
    legacy = replace(ENTRIES[0], client_order_id="mm_17")
    stranger = replace(ENTRIES[1], client_order_id="web-17")
    posted, plain = ENTRIES[2:4]
    built = books.build(
        fills([legacy, stranger], "3a"),
        fills([posted, plain]),
        posted_orders([posted_order(posted, client_order_id="mm_18", strategy="legacy")]),
        decisions(decision(one) for one in (legacy, stranger, posted, plain)),
        rules=RULES,
    )
    rows = built.rows("SELECT fill_id, strategy, rule, evidence FROM attribution")
    assert {row.pop("fill_id"): tuple(row.values()) for row in rows} == {
        legacy.fill_id: ("legacy", "prefix", "fill"),
        stranger.fill_id: ("unattributed", "unknown_prefix", "fill"),
        posted.fill_id: ("legacy", "prefix", "posted_order"),
        plain.fill_id: ("cross_bracket", "decision", "decision"),
    }


def test_s1_7_the_heuristics_can_be_switched_off(books: BookMaker) -> None:
    off = rules(WITHOUT_HEURISTICS)
    built = books.build(fills(BACKLOG), decisions(backlog_decisions()), rules=off)
    assert by_rule(built) == {MANUAL: 34}


# --- S1-2: prefixes that are prefixes of others --------------------------------------------------

NAMED: Final = {
    "mm_xb_71": "cross_bracket",
    "mm_xb_exit_71": "cross_bracket_exit",
    "mm_xbexit_71": "cross_bracket_exit",
    "mm_71": "legacy",
    "mm_xbx_71": "legacy",
    "web-71": "unattributed",
}


@pytest.mark.parametrize("seen", ["in the fill", "in the posted order"])
def test_s1_2_the_longest_prefix_wins_in_both_spellings_of_exits(
    books: BookMaker, seen: str
) -> None:
    traded = [
        Traded(name, f"KXHIGHNY-26MAY09-B{number}", "no", "0.70", MAY_11, client_order_id=name)
        for number, name in enumerate(NAMED)
    ]
    if seen == "in the fill":
        built = books.build(fills(traded, "3a"), rules=RULES)
    else:
        posts = [
            posted_order(one, client_order_id=one.client_order_id, strategy="unattributed")
            for one in traded
        ]
        built = books.build(fills(traded), posted_orders(posts), rules=RULES)
    assert strategy_of(built) == NAMED


def test_s1_2_money_of_an_exit_is_that_of_the_strategy_that_it_leaves(books: BookMaker) -> None:
    """Ten NO at 0.70 and ten YES at 0.10 to leave them: 10 * (1 - 0.80) less 0.14 of fees each."""
    entered = [replace(one, client_order_id=f"mm_xb_{one.fill_id}") for one in ENTRIES[:2]]
    left = [
        Traded(
            f"left-{one.fill_id}", one.ticker, "yes", "0.10", one.at + timedelta(hours=1),
            client_order_id=f"{spelling}{one.fill_id}",
        )
        for one, spelling in zip(entered, ("mm_xb_exit_", "mm_xbexit_"), strict=True)
    ]  # fmt: skip
    built = books.build(fills([*entered, *left], "3a"), rules=RULES)
    columns = ("strategy", "open_strategy", "close_strategy", "realized_net")
    rows = [tuple(row.values()) for row in built.rows("lot_match", columns)]
    told = ("cross_bracket", "cross_bracket", "cross_bracket_exit", dec("1.86"))
    assert rows == [told] * 2
