"""One wording of alerts, whoever finds the drift."""

from typing import Any

import pytest

from tools.alerts import of_canaries, of_canary, of_shape, of_values

SHAPE: dict[str, Any] = {
    "kind": "kalshi.fill",
    "status": "unknown",
    "reason": "unknown_shape",
    "nearest": "5",
    "keys_added": "quantity_fp:string",
    "keys_missing": "count_fp",
    "events": 1200,
    "first_position": 7,
}


def test_a_shape_that_is_not_read_says_all_that_is_known_of_it() -> None:
    assert of_shape(SHAPE | {"endpoint": "GET /portfolio/fills"}) == (
        "DRIFT ALERT kalshi.fill at GET /portfolio/fills: 1,200 events from position 7 on; "
        "missing or of another type: count_fp; new: quantity_fp:string; nearest generation: 5; "
        "not read (unknown_shape); every other shape is unaffected"
    )


def test_an_added_key_affects_nothing() -> None:
    shape = SHAPE | {"status": "additive", "reason": "", "keys_missing": "", "events": 1}
    assert of_shape(shape) == (
        "DRIFT ALERT kalshi.fill: 1 event from position 7 on; new: quantity_fp:string; "
        "nearest generation: 5; read as before; nothing is affected until somebody lists the new "
        "keys"
    )


@pytest.mark.parametrize(
    ("left_out", "not_said"),
    [
        ({"first_position": None}, "position"),
        ({"nearest": ""}, "nearest"),
        ({"keys_added": ""}, "new:"),
        ({"keys_missing": ""}, "missing"),
        ({"endpoint": ""}, " at "),
    ],
)
def test_what_is_not_known_is_left_out(left_out: dict[str, object], not_said: str) -> None:
    assert not_said not in of_shape(SHAPE | left_out)


def test_values_that_cannot_be_true_name_the_first_one() -> None:
    found: dict[str, Any] = {
        "kind": "kalshi.fill",
        "reason": "bad_number",
        "column_name": "price",
        "events": 2,
        "first_position": 3,
        "offending": "0.6x",
    }
    assert of_values(found) == (
        "DRIFT ALERT kalshi.fill: 2 events from position 3 on; not read (bad_number in price, such "
        "as 0.6x); every other event is unaffected"
    )
    assert "(bad_number)" in of_values(found | {"column_name": "", "offending": ""})


CANARY: dict[str, Any] = {
    "rule": "revenue_missing",
    "subject": "KXMADE-1",
    "position": 9,
    "found": "0",
    "expected": "6",
    "detail": "due by the fills",
}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ", stated 0, expected 6: due by the fills"),
        ({"found": None}, ", expected 6: due by the fills"),
        ({"expected": None}, ", stated 0: due by the fills"),
        ({"found": None, "expected": None}, ": due by the fills"),
    ],
)
def test_a_canary_names_its_rule_subject_and_position_and_what_was_stated(
    changes: dict[str, None], told: str
) -> None:
    assert of_canary(CANARY | changes) == (
        f"DRIFT ALERT revenue_missing KXMADE-1 at position 9{told}"
    )


def test_many_canaries_of_one_rule_are_told_in_a_few_lines() -> None:
    made = [
        {"rule": rule, "subject": f"{rule}-{n}", "found": None, "expected": None, "detail": "odd"}
        | {"position": n}
        for rule, many in (("one", 3), ("other", 5))
        for n in range(1, many + 1)
    ]
    told = of_canaries(made)
    assert [line.split(":")[0] for line in told] == [
        "DRIFT ALERT one one-1 at position 1",
        "DRIFT ALERT one one-2 at position 2",
        "DRIFT ALERT one one-3 at position 3",
        "DRIFT ALERT other other-1 at position 1",
        "DRIFT ALERT other other-2 at position 2",
        "DRIFT ALERT other other-3 at position 3",
        "DRIFT ALERT other",
    ]
    assert told[-1] == "DRIFT ALERT other: 2 more, see `query @canaries`"
