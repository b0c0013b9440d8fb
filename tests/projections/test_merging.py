"""One fact for each identity, however often, in whatever order and from whatever book told."""

import json
import re
from typing import Any, Final

import pytest

from domain.event import NewEvent, Owner
from domain.facts import FACTS
from projections import merging
from tests.books import FILL, NOW, SETTLEMENT, BookMaker, dec, event, ledger
from tools.fake_kalshi.payloads import Cash, deposit_json

(FIRST,) = ledger("A 10:00 yes 10 @ 0.62 fee 0.17 as bot-1")
PAYLOAD: Final[dict[str, Any]] = json.loads(FIRST.state)["payload"]


def telling(**changes: object) -> NewEvent:
    """Return another rendering of the fill."""
    kept = {key: value for key, value in (PAYLOAD | changes).items() if value is not None}
    return event(FILL, json.dumps(kept))


@pytest.mark.parametrize(
    ("changes", "columns", "cash"),
    [
        ({"count_fp": "9.00"}, "quantity", "0.62"),
        ({"fee_cost": "0.200000"}, "fee", "-0.03"),
        ({"yes_price_dollars": "0.6000", "no_price_dollars": "0.4000"}, "price", "0.20"),
        ({"created_time": "2026-06-01T10:00:01Z"}, "executed_at", "0"),
        ({"client_order_id": "other"}, "client_order_id", "0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rendering_that_reads_differently_is_a_restatement_with_the_money_between(
    books: BookMaker, changes: dict[str, object], columns: str, cash: str
) -> None:
    built = books.build([telling()], [telling(**changes)])
    row = built.one("SELECT columns, cash_difference FROM restatement")
    assert row == {"columns": columns, "cash_difference": dec(cash)}


def test_a_corrected_quantity_of_no_says_what_it_does_to_cash(books: BookMaker) -> None:
    """One NO at 0.38 fewer: the cash ledger pays 3.42 instead of 3.80."""
    no = {"outcome_side": "no", "side": "no", "book_side": "ask"}
    built = books.build([telling(**no), telling(**no, count_fp="9.00")])
    assert built.value("SELECT amount FROM cash_ledger WHERE cause = 'fill'") == dec("-3.42")
    assert built.value("SELECT cash_difference FROM restatement") == dec("0.38")


def test_each_rendering_that_changed_something_is_a_row_of_its_own(books: BookMaker) -> None:
    """0.17, then 0.20, then 0.20 in other words, then 0.19."""
    tellings = [
        telling(),
        telling(fee_cost="0.200000"),
        telling(fee_cost="0.2000"),
        telling(fee_cost="0.190000"),
    ]
    built = books.build(tellings)
    rows = built.rows("SELECT old_position, new_position, cash_difference FROM restatement")
    assert [tuple(row.values()) for row in rows] == [(1, 2, dec("-0.03")), (3, 4, dec("0.01"))]
    assert built.value("SELECT fee FROM fill") == dec("0.19")
    assert built.value("SELECT position FROM fill") == 4


def test_silence_about_an_inherited_value_takes_nothing_back(books: BookMaker) -> None:
    built = books.build([telling(), telling(client_order_id=None, subaccount_number=0)])
    assert built.rows("restatement") == []
    assert built.value("SELECT client_order_id FROM fill") == "bot-1"


def test_a_rendering_that_cannot_be_read_changes_no_fact(books: BookMaker) -> None:
    built = books.build([telling(), telling(count_fp="10.00x")])
    assert built.value("SELECT quantity FROM fill") == 10
    assert built.value("SELECT reason FROM unreadable") == "bad_number"
    assert built.rows("restatement") == []


def test_a_settlement_whose_revenue_is_corrected_says_what_that_does_to_cash(
    books: BookMaker,
) -> None:
    fill, wrong = ledger("A 10:00 yes 10 @ 0.62 fee 0 \n A 12:00 settles yes revenue 0.00")
    _, right = ledger("A 10:00 yes 10 @ 0.62 fee 0 \n A 12:00 settles yes")
    built = books.build([fill, wrong, right])
    row = built.one("SELECT fact, fact_id, columns, cash_difference FROM restatement")
    assert row == {
        "fact": "settlement",
        "fact_id": "kalshi|main|live|A",
        "columns": "revenue_reported",
        "cash_difference": dec("10"),
    }
    assert built.value("SELECT revenue_state FROM settlement") == "agrees"


def test_what_lives_through_states_is_restated_only_in_money(books: BookMaker) -> None:
    """pending -> applied is life; a fee that changed is a restatement."""
    pending = Cash("d", 10_000, 0, "pending", "ach", NOW)
    applied = Cash("d", 10_000, 0, "applied", "ach", NOW, NOW)
    dearer = Cash("d", 10_000, 200, "applied", "ach", NOW, NOW)
    events = [event("kalshi.deposit", deposit_json(cash)) for cash in (pending, applied, dearer)]
    row = books.build(events).one("SELECT columns, cash_difference FROM restatement")
    assert row == {"columns": "fee", "cash_difference": dec("-2")}


@pytest.mark.parametrize("other", [Owner("second", "live"), Owner("main", "paper")])
def test_two_accounts_and_two_modes_never_mix(books: BookMaker, other: Owner) -> None:
    fill, settled = ledger("A 10:00 yes 10 @ 0.62 fee 0.17 \n A 12:00 settles yes")
    again = [
        event(new.kind, json.dumps(json.loads(new.state)["payload"]), owner=other)
        for new in (fill, settled)
    ]
    built = books.build([fill, settled, *again])
    assert built.value("SELECT count(*) FROM fill") == 2
    assert built.value("SELECT count(*) FROM settlement") == 2
    assert built.rows("restatement") == []
    sums = built.rows("SELECT account, mode, sum(realized_net) AS net FROM lot_match GROUP BY ALL")
    assert [row["net"] for row in sums] == [dec("3.63"), dec("3.63")]


def test_a_settlement_of_generation_0_does_not_erase_the_fee_of_an_earlier_rendering(
    books: BookMaker,
) -> None:
    fill, told = ledger("A 10:00 yes 10 @ 0.60 gen 1 \n A 12:00 settles yes fee 0.30")
    _, silent = ledger("A 10:00 yes 10 @ 0.60 gen 1 \n A 12:00 settles yes fee -")
    assert silent.kind == SETTLEMENT
    built = books.build([fill, told, silent])
    assert built.value("SELECT fee_reported FROM settlement") == dec("0.30")
    assert built.value("SELECT fee_state FROM fill") == "from_settlement"
    # generation 0 was silent about the fee, whenever it was fetched: 1 completes it
    assert [row["change"] for row in built.rows("restatement")] == ["completed"]


def test_it_is_counted_how_often_facts_were_told_and_how_many_there_are(books: BookMaker) -> None:
    fill, settled = ledger("A 10:00 yes 10 @ 0.62 fee 0.17 \n A 12:00 settles yes")
    built = books.build([telling(), fill, telling(fee_cost="0.2"), telling(count_fp="x"), settled])
    told = built.rows("SELECT * FROM fact_count WHERE tellings > 0")
    assert [tuple(row.values()) for row in told] == [("fill", 3, 1), ("settlement", 1, 1)]


def test_a_book_in_which_nothing_happened_counts_every_fact_table_at_zero(
    books: BookMaker,
) -> None:
    counted = books.build([]).rows("fact_count")
    assert {row["fact"] for row in counted} == {fact.table for fact in FACTS}
    assert {(row["tellings"], row["facts"]) for row in counted} == {(0, 0)}
    assert len(counted) == len(FACTS)


def test_two_identities_of_one_hash_are_not_taken_for_one(
    books: BookMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    tellings = [telling(), telling(fee_cost="0.200000"), *ledger("B 10:00 yes 3 @ 0.5 id other")]
    honest = books.build(tellings)
    exact = merging.contested
    monkeypatch.setattr(
        merging, "contested", lambda fact: re.sub(r"hash\([^)]*\)", "1", exact(fact))
    )
    alike = books.build(tellings)
    assert alike.rebuilt.meta.fingerprint == honest.rebuilt.meta.fingerprint
    assert alike.value("SELECT count(*) FROM fill") == 2
