"""Every field of a message is in its payload, as the text that came, and in its order."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ibkr.payloads import KINDS, Message, payload
from domain.ibkr import messages
from tests.adapters.ibkr.desk import executed

AT = datetime(2026, 1, 5, tzinfo=UTC)
FIELDS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))


def message(number: int, fields: list[str], version: int = 176) -> Message:
    return Message(number, (str(number), *fields), version, AT)


@given(st.sampled_from(sorted(KINDS)), FIELDS, st.integers(157, 178))
def test_no_field_is_lost_changed_or_moved(number: int, fields: list[str], version: int) -> None:
    named = message(number, fields, version).named()
    assert list(named.values()) == fields
    row = payload(named, None)
    assert json.loads(row.text) == row.value
    kept = [text for name, text in named.items() if name != messages.REQUEST]
    assert list(json.loads(row.text).values()) == kept


@given(st.sampled_from(sorted(KINDS)), FIELDS)
def test_what_stands_behind_the_named_fields_is_called_by_its_place(
    number: int, fields: list[str]
) -> None:
    told = message(number, fields)
    for name, text in told.named().items():
        if name.startswith("field_"):
            assert told.fields[int(name.removeprefix("field_"))] == text


@pytest.mark.parametrize(("version", "name"), [(176, "field_31"), (178, "pendingPriceRevision")])
def test_the_last_field_of_an_execution_has_a_name_from_version_178_on(
    version: int, name: str
) -> None:
    fields = [str(place) for place in range(1, 32)]
    assert list(message(11, fields, version).named())[-2:] == ["lastLiquidity", name]


def test_the_names_are_those_of_the_fields() -> None:
    told = executed(7, order_ref="bot-7").fields(176)
    named = message(11, list(told[1:])).named()
    assert (named["execId"], named["side"], named["shares"]) == (
        "0000e0d5.6a59af07.01.01",
        "BOT",
        "7",
    )
    assert (named["permId"], named["orderRef"], named["lastLiquidity"]) == ("1007", "bot-7", "1")


def test_the_zone_of_the_gateway_comes_last_where_it_is_known() -> None:
    row = payload({"reqId": "-1", "execId": "x"}, "UTC")
    assert row.text == '{"execId":"x","gateway_zone":"UTC"}'
