"""The payload models agree with the columns that are to hold what they let through."""

import re
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain import bot
from domain.bot import PAYLOADS, Moment, OrderPosted, Price, Quantity, Statistic
from domain.columns import columns_of
from domain.kinds import BY_NAME
from domain.shapes import choose, shape_entries
from domain.units import PRICE, QUANTITY, STATISTIC, Places

ORDER = {"strategy": "s", "instrument": "i", "posted_at": "2026-05-11T14:30:00Z"}
NAMED = {"instrument": "instrument_id", "last": "is_last"}


def takes(hint: Any, text: str) -> bool:  # noqa: ANN401 - a type hint
    try:
        TypeAdapter[Any](hint).validate_python(text)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("kind", sorted(PAYLOADS))
def test_every_member_has_a_column_and_numbers_one_of_their_places(kind: str) -> None:
    fact = BY_NAME[kind].fact
    assert fact is not None
    columns = {column.name: column for column in columns_of(fact)}
    numbers: dict[Places, object] = {PRICE: Price, QUANTITY: Quantity, STATISTIC: Statistic}
    for name, field in PAYLOADS[kind].model_fields.items():
        column = columns[NAMED.get(name, name)]
        if column.places is None:
            assert field.annotation not in numbers.values()
            continue
        for text in ("1" * 20, "0." + "1" * 27, "1" * 9, "0.1", "-1.50", "0.1" + "0" * 40):
            payload: dict[str, object] = {name: text}
            refused = name in {
                str(error["loc"][0]) for error in errors(kind, payload) if error["loc"]
            }
            assert refused == (re.fullmatch(column.places.pattern, text) is None)


def errors(kind: str, payload: dict[str, object]) -> list[Any]:
    try:
        PAYLOADS[kind].model_validate(payload)
    except ValidationError as error:
        return list(error.errors())
    return []


@pytest.mark.parametrize("kind", sorted(PAYLOADS))
def test_the_reader_requires_what_the_model_requires(kind: str) -> None:
    fields = PAYLOADS[kind].model_fields
    (reader,) = BY_NAME[kind].readers
    assert set(reader.required) == {name for name in fields if fields[name].is_required()}
    assert set(reader.required) | set(reader.optional) == set(fields)
    assert PAYLOADS[kind].moment in reader.required


def test_a_member_that_no_model_names_is_kept_and_drift() -> None:
    payload = {**ORDER, "order_id": "o", "mood": "calm"}
    assert OrderPosted.model_validate(payload).model_extra == {"mood": "calm"}
    choice = choose(BY_NAME["bot.order_posted"].readers, shape_entries(payload))
    assert (choice.status, choice.keys_added) == ("additive", ("mood:string",))


@pytest.mark.parametrize(
    "ids", [{}, {"order_id": None}, {"order_id": "", "client_order_id": ""}, {"decision_id": "d"}]
)
def test_an_order_without_any_id_is_refused(ids: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="are both missing"):
        OrderPosted.model_validate({**ORDER, **ids})


def test_a_broker_that_has_no_id_says_nothing_with_an_empty_text() -> None:
    told = OrderPosted.model_validate({**ORDER, "order_id": "o", "client_order_id": ""})
    assert told.client_order_id == ""
    with pytest.raises(ValidationError, match="strategy"):
        OrderPosted.model_validate({**ORDER, "order_id": "o", "strategy": ""})


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-11T14:30:00Z",
        "2026-05-11 14:30:00.123456+14:00",
        "2026-05-11T14:30:00.12345600Z",
    ],
)
def test_a_time_that_the_ledger_reads_is_taken(text: str) -> None:
    assert takes(Moment, text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-11T14:30:00",
        "2026-05-11T14:30Z",
        "20260511T143000Z",
        "2026-W20-1T14:30:00Z",
        "2026-05-11T14:30:00.1234567Z",
        "2026-02-30T14:30:00Z",
        "2026-05-11T24:00:00Z",
        "2026-05-11T14:30:00+14:30",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_a_time_that_the_ledger_would_not_read_is_refused(text: str) -> None:
    assert not takes(Moment, text)


def test_a_text_holds_no_nul() -> None:
    assert not takes(bot.Text, "a\0b")
