"""A bad event is one row of `unreadable`, says what is wrong, and disturbs nobody."""

import json
from decimal import Decimal
from typing import Any, Final, NamedTuple

import pytest

from domain.event import NewEvent
from tests.books import FILL, NOW, SETTLEMENT, BookMaker, Built, event
from tools.fake_kalshi.payloads import (
    PHASES,
    Cash,
    Ending,
    Execution,
    deposit_json,
    fill_json,
    settlement_json,
)

DEPOSIT: Final = "kalshi.deposit"
GONE: Final = object()
GOOD: Final = Execution(
    fill_id="good",
    order_id="order",
    client_order_id=None,
    ticker="KXGOOD-26JUN01-T1",
    acquired="yes",
    action="buy",
    quantity=Decimal(2),
    yes_price=Decimal("0.62"),
    taker=True,
    fee=Decimal("0.04"),
    at=NOW,
)
ENDED: Final = Ending(GOOD.ticker, "yes", None, NOW)
BASES: Final = {
    "fill": (FILL, fill_json(GOOD, "5")),
    "old fill": (FILL, fill_json(GOOD, "0")),
    "fill of 2": (FILL, fill_json(GOOD, "2")),
    "settlement": (SETTLEMENT, settlement_json(ENDED, [GOOD], "5")),
    "deposit": (DEPOSIT, deposit_json(Cash("good", 100, 2, "applied", "ach", NOW, NOW))),
}
ID_OF: Final = {
    "fill": "fill_id",
    "old fill": "trade_id",
    "fill of 2": "fill_id",
    "settlement": "ticker",
    "deposit": "id",
}


class Case(NamedTuple):
    """What is changed in a good payload, and what the row of `unreadable` says."""

    base: str
    changes: dict[str, Any]
    reason: str
    column: str | None
    offending: str | None


def numbers() -> list[Case]:
    """Texts that are no number of the column: none of them is rounded, none is guessed."""
    texts = ["1.123456789", "1e3", " 1", "1 ", "", "NaN", "Infinity", "+1", ".5", "5.", "1_000"]
    texts += ["0x10", "1,000", "\u0661", "1\n", "1\u0000", "1" * 20, "12345678901"]
    cases = [Case("fill", {"count_fp": x}, "bad_number", "quantity", x) for x in texts]
    cases += [
        Case("fill", {"yes_price_dollars": x}, "bad_number", "price", x)
        for x in ("0.1234567891", "", "62c", "-")
    ]
    cases += [
        Case("fill", {"fee_cost": x}, "bad_number", "fee", x)
        for x in ("", "0.1234567891", "1000000000", "free")
    ]
    cases += [
        Case("settlement", {"yes_total_cost_dollars": x}, "bad_number", "yes_cost", x)
        for x in ("1e2", "1" * 19, "0.123456789012345678901")
    ]
    cases += [
        Case("old fill", {"count": 2**63 - 1}, "bad_number", "quantity", str(2**63 - 1)),
        Case("old fill", {"yes_price": 2**63 - 1}, "bad_number", "price", f"{2**63 - 1} cents"),
    ]
    return cases


def integers_too_long() -> list[Case]:
    """Integers of more than 18 digits, in a key that must be there or in one that may."""
    long, longer = 10**20, int("1234567890" * 4)
    return [
        Case("old fill", {"count": long}, "bad_number", "quantity", f"{long}"),
        Case("old fill", {"count": longer}, "bad_number", "quantity", f"{longer}"),
        Case("old fill", {"count": 2**63}, "bad_number", "quantity", f"{2**63}"),
        Case("old fill", {"yes_price": long}, "bad_number", "price", f"{long} cents"),
        Case(
            "settlement", {"revenue": 10**18}, "bad_number", "revenue_reported", f"{10**18} cents"
        ),
        Case("settlement", {"revenue": long}, "bad_number", "revenue_reported", f"{long} cents"),
        Case("settlement", {"exchange_index": long}, "bad_number", "exchange_index", f"{long}"),
        Case(
            "settlement",
            {"market_result": "scalar", "value": long},
            "bad_number",
            "payout",
            f"{long} cents",
        ),
        Case(
            "deposit",
            {"amount_cents": -(2**63) - 1},
            "bad_number",
            "amount",
            f"{-(2**63) - 1} cents",
        ),
        Case("deposit", {"created_ts": long}, "bad_time", "created_at", f"{long} seconds"),
        Case("deposit", {"finalized_ts": long}, "bad_time", "finalized_at", f"{long} seconds"),
        Case("fill", {"subaccount_number": 10**18}, "bad_number", "subaccount", f"{10**18}"),
        Case("fill", {"subaccount_number": longer}, "bad_number", "subaccount", f"{longer}"),
        Case("fill", {"exchange_index": long}, "bad_number", "exchange_index", f"{long}"),
    ]


def times() -> list[Case]:
    """Times without a zone, out of the calendar or of Python's years, finer than a microsecond."""
    texts = [
        "2026-01-13T20:19:21",
        "2026-13-13T20:19:21Z",
        "2026-02-30T20:19:21Z",
        "2026-01-13T25:19:21Z",
        "2026-01-13T20:19:60Z",
        "2026-01-13T20:19:21.1234567Z",
        "2026-01-13T20:19:21z",
        "2026-01-13",
        "1768335561",
        "yesterday",
        "",
        "0000-01-13T20:19:21Z",
        "10000-01-13T20:19:21Z",
        "9999-12-31T23:59:59-05:00",
        "0001-01-01T00:00:00+14:00",
        "2026-01-13T20:19:21+15:00",
        "2026-01-13T20:19:21-15:00",
        "2026-01-13T20:19:21+05:60",
    ]
    cases = [Case("fill", {"created_time": x}, "bad_time", "executed_at", x) for x in texts]
    cases += [
        Case("settlement", {"settled_time": "2026-01-13"}, "bad_time", "settled_at", "2026-01-13"),
        Case("deposit", {"created_ts": 2**62}, "bad_time", "created_at", f"{2**62} seconds"),
        Case("deposit", {"created_ts": -1}, "bad_time", "created_at", "-1 seconds"),
        Case("deposit", {"finalized_ts": 2**62}, "bad_time", "finalized_at", f"{2**62} seconds"),
    ]
    return cases


def words() -> list[Case]:
    """Words that are none of those that the broker has."""
    return [
        Case("fill", {"outcome_side": "maybe"}, "bad_value", "side", "maybe"),
        Case("fill", {"outcome_side": "YES"}, "bad_value", "side", "YES"),
        Case("old fill", {"side": "YES"}, "bad_value", "side", "YES"),
        Case("settlement", {"market_result": "maybe"}, "bad_value", "result", "maybe"),
    ]


def nothing_said() -> list[Case]:
    """An empty text where something must be said."""
    return [
        Case("fill", {"fill_id": ""}, "missing_value", "fill_id", None),
        Case("fill", {"ticker": ""}, "missing_value", "instrument_id", None),
        Case("old fill", {"side": ""}, "missing_value", "side", None),
        Case("settlement", {"ticker": ""}, "missing_value", "instrument_id", None),
        Case("deposit", {"id": ""}, "missing_value", "movement_id", None),
        Case("deposit", {"status": ""}, "missing_value", "status", None),
    ]


def contradictions() -> list[Case]:
    """Each value can be read, but together they cannot be true."""
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("fill", {"order_id": ""}, "order_id is empty"),
        ("fill", {"book_side": "ask"}, "outcome_side yes with book_side ask"),
        ("fill", {"book_side": "yes"}, "outcome_side yes with book_side yes"),
        ("fill", {"no_price_dollars": "0.51"}, "yes 0.6200 + no 0.51 is not 1"),
        ("fill", {"count_fp": "-2.00"}, "quantity -2.00 is not positive"),
        ("fill", {"count_fp": "0.00"}, "quantity 0.00 is not positive"),
        ("fill", {"count_fp": "10000000.01"}, "quantity 10000000.01 is beyond measure"),
        ("fill", {"count_fp": "9999999999"}, "quantity 9999999999 is beyond measure"),
        ("fill", {"no_price_dollars": "abc"}, "the price of NO, abc, is no number"),
        ("fill", {"no_price_dollars": ""}, "the price of NO, , is no number"),
        (
            "fill",
            {"yes_price_dollars": "-0.1", "no_price_dollars": "1.1"},
            "price -0.1 is not in 0..1",
        ),
        ("settlement", {"value": 99}, "market_result yes with value 99"),
        ("settlement", {"market_result": "no", "value": 1}, "market_result no with value 1"),
        ("settlement", {"market_result": "scalar", "value": GONE}, "a scalar result without value"),
        ("settlement", {"market_result": "", "value": GONE}, "a scalar result without value"),
        ("settlement", {"market_result": "scalar", "value": 101}, "value 101 is not in 0..100"),
        ("settlement", {"market_result": "scalar", "value": -1}, "value -1 is not in 0..100"),
        ("settlement", {"yes_count_fp": "-1.00"}, "counts -1.00, 0.00 are negative"),
        ("deposit", {"fee_cents": -2}, "amount 100 or fee -2 is negative"),
    ]
    return [Case(base, changes, "contradiction", None, text) for base, changes, text in wrong]


def shapes() -> list[Case]:
    """Keys that are gone, of another type, or null: never a default value."""
    return [
        Case("fill", {"count_fp": GONE}, "unknown_shape", "count_fp", "nearest reader 5"),
        Case("fill of 2", {"count_fp": GONE}, "unknown_shape", "count_fp", "nearest reader 2"),
        Case("fill", {"count_fp": 2}, "unknown_shape", "count_fp:integer", "nearest reader 5"),
        Case("fill", {"fee_cost": None}, "unknown_shape", "fee_cost:null", "nearest reader 5"),
        Case(
            "settlement", {"revenue": "1.00"}, "unknown_shape", "revenue:string", "nearest reader 5"
        ),
    ]


CASES: Final = [
    *numbers(),
    *integers_too_long(),
    *times(),
    *words(),
    *nothing_said(),
    *contradictions(),
    *shapes(),
]


def broken(number: int, case: Case) -> NewEvent:
    """Return the event of a case, under an id of its own."""
    kind, text = BASES[case.base]
    payload = json.loads(text)
    payload[ID_OF[case.base]] = f"bad-{number}"
    payload.update(case.changes)
    kept = {key: value for key, value in payload.items() if value is not GONE}
    return event(kind, json.dumps(kept, ensure_ascii=False))


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Built:
    good = [event(*BASES[name]) for name in ("fill", "settlement", "deposit")]
    bad = [broken(number, case) for number, case in enumerate(CASES)]
    return shelf.build([good[0], *bad, *good[1:]])


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{n}-{CASES[n].reason}")
def test_a_bad_event_is_one_row_that_says_what_is_wrong(book: Built, number: int) -> None:
    case = CASES[number]
    (row,) = book.rows(f"SELECT * FROM unreadable WHERE position = {number + 2}")
    assert (row["reason"], row["column_name"], row["offending"]) == (
        case.reason,
        case.column,
        case.offending,
    )
    assert row["kind"] == BASES[case.base][0]
    assert row["key"].startswith(f"kalshi|main|live|{row['kind']}|")


def test_bad_events_do_not_disturb_their_neighbours(book: Built) -> None:
    assert book.rebuilt.unreadable == len(CASES)
    assert book.value("SELECT count(*) FROM unreadable") == len(CASES)
    assert [row["fill_id"] for row in book.rows("fill")] == ["good"]
    assert book.value("SELECT revenue_state FROM settlement") == "agrees"
    assert book.value("SELECT count(*) FROM cash_movement") == 1
    assert book.value("SELECT sum(realized_net) FROM lot_match") == Decimal("0.72")


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    ("quantity", "prices", "said"),
    [
        ("-2", None, "quantity -2"),
        ("0", None, "quantity 0"),
        ("10000001", None, "quantity 10000001"),
        (None, ("62", "37"), "+ no 0.37"),
        (None, ("101", "-1"), "price 1.01"),
    ],
)
def test_a_contradiction_is_found_in_every_generation(
    books: BookMaker,
    phase: str,
    quantity: str | None,
    prices: tuple[str, str] | None,
    said: str,
) -> None:
    payload = json.loads(fill_json(GOOD, phase))
    if quantity is not None:
        payload |= {key: int(quantity) for key in ("count",) if key in payload}
        payload |= {key: f"{quantity}" for key in ("count_fp",) if key in payload}
    for side, cents in zip(("yes", "no"), prices or (), strict=False):
        dollars = str(Decimal(cents) / 100)
        said_as = {f"{side}_price": int(cents), f"{side}_price_fixed": dollars}
        said_as[f"{side}_price_dollars"] = dollars
        payload |= {key: value for key, value in said_as.items() if key in payload}
    good = event(FILL, fill_json(GOOD, phase).replace("good", "other"))
    built = books.build([event(FILL, json.dumps(payload)), good])
    row = built.one("SELECT reason, offending FROM unreadable")
    assert row["reason"] == "contradiction"
    assert said in row["offending"]
    assert built.value("SELECT count(*) FROM fill") == 1


@pytest.mark.parametrize("result", ["yes", "no", "void"])
def test_the_value_of_a_settlement_is_not_passed_over_because_it_is_too_long(
    books: BookMaker, result: str
) -> None:
    kind, text = BASES["settlement"]
    payload = json.loads(text) | {"market_result": result, "value": 10**20}
    assert books.build([event(kind, json.dumps(payload))]).rebuilt.unreadable == 1


@pytest.mark.parametrize("offset", ["+14:01", "-14:59"])
def test_an_offset_beyond_14_hours_is_a_bad_time(books: BookMaker, offset: str) -> None:
    kind, text = BASES["fill"]
    payload = json.loads(text) | {"created_time": f"2026-01-13T20:19:21{offset}"}
    assert books.build([event(kind, json.dumps(payload))]).rebuilt.unreadable == 1


@pytest.mark.parametrize(
    ("base", "changes", "answer"),
    [
        ("fill", {"subaccount_number": 10**18 - 1}, "SELECT subaccount FROM fill"),
        ("settlement", {"revenue": 10**18 - 1}, "SELECT 100 * revenue_reported FROM settlement"),
    ],
)
def test_an_integer_of_18_digits_is_read_exactly(
    books: BookMaker, base: str, changes: dict[str, Any], answer: str
) -> None:
    kind, text = BASES[base]
    built = books.build([event(kind, json.dumps(json.loads(text) | changes))])
    assert built.value(answer) == 10**18 - 1


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00+00"),
        ("0001-01-01T00:00:00-14:00", "0001-01-01 14:00:00+00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999+00"),
        ("9999-12-31T23:59:59+14:00", "9999-12-31 09:59:59+00"),
    ],
)
def test_the_first_and_the_last_moment_are_read(books: BookMaker, text: str, answer: str) -> None:
    kind, good = BASES["fill"]
    built = books.build([event(kind, json.dumps(json.loads(good) | {"created_time": text}))])
    assert built.value("SELECT executed_at::VARCHAR FROM fill") == answer


def test_an_unknown_kind_is_unreadable_and_seen_as_drift(books: BookMaker) -> None:
    built = books.build([event("kalshi.riddle", '{"a":1}'), event(*BASES["fill"])])
    row = built.one("SELECT kind, reason, reader FROM unreadable")
    assert row == {"kind": "kalshi.riddle", "reason": "unknown_kind", "reader": None}
    drift = built.one("SELECT status, reason, events FROM drift WHERE kind = 'kalshi.riddle'")
    assert drift == {"status": "unknown", "reason": "unknown_kind", "events": 1}
    assert built.value("SELECT count(*) FROM fill") == 1


def test_a_key_that_comes_twice_makes_the_event_unreadable(books: BookMaker) -> None:
    kind, text = BASES["fill"]
    built = books.build([event(kind, text[:-1] + ',"count_fp":"7.00"}')])
    assert built.value("SELECT reason FROM unreadable") == "repeated_key"
