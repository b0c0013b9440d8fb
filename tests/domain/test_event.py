"""Envelopes carry the payload byte for byte, and keys never let two things become one."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import jsontext
from domain.errors import UsageError
from domain.event import (
    EVERYTHING,
    MODES,
    Asked,
    Origin,
    Owner,
    document,
    escape,
    header,
    make_event,
    make_key,
    payload_bytes,
    same_content,
    time_text,
)
from domain.kinds import BY_NAME, identity_of
from tests.made.json_values import OBJECTS, SPACES, VALUES, spell

OWNER = Owner("main", "live")
AT = datetime(2026, 5, 12, 1, 2, 3, 4, tzinfo=UTC)
SOURCE = {"adapter": "made/1", "document": "sha256:abc"}
# What can stand in a header: any text but half a surrogate pair; a document says something.
TEXTS = st.one_of(
    st.sampled_from(
        (',"payload":', '"payload":{}', "\\", '\\",\\"payload\\":', "}", '","payload":1', "|", "")
    ),
    st.text(max_size=8),
)
NAMES = TEXTS.filter(bool)

# What a broker can put into an id.
ANY_TEXT = st.one_of(
    TEXTS, st.text(st.characters(codec=None), max_size=4), st.sampled_from(("\ud800", "%D800"))
)


def state_of(payload: str, *, document: str = "d", row: str | None = None) -> bytes:
    """Return the envelope of a payload."""
    origin = Origin(OWNER, "kalshi", AT, {**SOURCE, "document": document})
    return make_event(origin, "kalshi.fill", "x", "s", payload, row=row).state


@given(VALUES, SPACES, NAMES, TEXTS)
def test_the_payload_comes_back_byte_for_byte(
    value: object, space: str, name: str, row: str
) -> None:
    text = spell(value, space)
    assert payload_bytes(state_of(text, document=name, row=row)) == text.encode()


@pytest.mark.parametrize(
    "payload", ['{"a":1,"payload":{"b":2,"payload":3}}', '"x,\\"payload\\":"', "{}", "null"]
)
def test_a_payload_that_holds_a_payload_is_not_cut_short(payload: str) -> None:
    state = state_of(payload, document=',"payload":', row=',"payload":')
    assert payload_bytes(state) == payload.encode()
    assert header(state)["shape"] == "s"


@given(VALUES, NAMES, TEXTS)
def test_the_header_comes_back_whatever_it_says(value: object, name: str, row: str) -> None:
    state = state_of(spell(value), document=name, row=row)
    assert header(state)["source"] == {"adapter": "made/1", "document": name, "row": row}
    assert document(state) == name


@given(OBJECTS, NAMES)
def test_the_envelope_is_one_json_object(value: dict[str, object], name: str) -> None:
    envelope = json.loads(state_of(spell(value), document=name), parse_int=str)
    assert list(envelope) == [
        "received_at", "venue", "account", "mode", "source", "shape", "payload"
    ]  # fmt: skip
    assert envelope["payload"] == json.loads(spell(value), parse_int=str)


def test_the_bytes_of_an_envelope_are_these() -> None:
    origin = Origin(Owner("main", "paper"), "kalshi", AT, SOURCE)
    event = make_event(
        origin, "kalshi.balance", "id", "ab12", '{"balance": 1.10}', as_of=AT + timedelta(days=1)
    )
    assert event.key == "kalshi|main|paper|kalshi.balance|id"
    assert event.kind == "kalshi.balance"
    assert event.state == (
        b'{"received_at":"2026-05-12T01:02:03.000004Z","venue":"kalshi","account":"main",'
        b'"mode":"paper","source":{"adapter":"made/1","document":"sha256:abc"},"shape":"ab12",'
        b'"as_of":"2026-05-13T01:02:03.000004Z","payload":{"balance": 1.10}}'
    )


NUMBERS = st.none() | st.integers(0, 10**6)
ASKED = st.builds(Asked, NUMBERS, NUMBERS)


def envelope(asked: Asked, payload: str = "{}", at: datetime | None = None) -> bytes:
    """Return the envelope of a snapshot of a part of an account."""
    origin = Origin(OWNER, "kalshi", AT, SOURCE)
    return make_event(origin, "kalshi.balance", "x", "s", payload, as_of=at, asked=asked).state


@given(ASKED, VALUES, st.sampled_from((None, AT)))
def test_what_was_asked_for_is_in_the_envelope_and_the_payload_is_untouched(
    asked: Asked, value: object, at: datetime | None
) -> None:
    state = envelope(asked, spell(value), at)
    assert payload_bytes(state) == spell(value).encode()
    told = header(state)
    assert told.get("asked", {}) == asked.named()
    assert ("asked" in told) == (asked != EVERYTHING)
    assert list(told)[6:] == [name for name in ("as_of", "asked") if name in told]


@given(ASKED, ASKED)
def test_parts_of_an_account_are_named_apart(one: Asked, other: Asked) -> None:
    assert (one.named() == other.named()) == (one == other)
    assert Asked(**one.named()) == one


@given(ASKED, ASKED, st.sampled_from(sorted(BY_NAME)), OBJECTS)
def test_one_payload_told_of_two_parts_of_an_account_has_two_identities(
    one: Asked, other: Asked, kind: str, payload: dict[str, object]
) -> None:
    parsed = jsontext.parse(spell(payload))
    identities = [
        identity_of(BY_NAME[kind], parsed, as_of_text="T", asked=asked) for asked in (one, other)
    ]
    assert (identities[0] == identities[1]) == (one == other)
    assert identity_of(BY_NAME[kind], parsed, as_of_text="T", asked=EVERYTHING) == identity_of(
        BY_NAME[kind], parsed, as_of_text="T"
    )


PART = st.dictionaries(
    st.sampled_from(("subaccount_number", "exchange_index")), st.integers(0, 12), max_size=2
)


@given(PART, PART, st.integers(0, 3), st.integers(0, 3))
def test_rows_of_one_moment_are_told_apart_by_exactly_the_keys_that_their_kind_names(
    one: dict[str, int], other: dict[str, int], balance: int, other_balance: int
) -> None:
    kind = BY_NAME["kalshi.subaccount_balance"]
    assert set(kind.also) == {"subaccount_number", "exchange_index"}
    rows = [
        jsontext.parse(json.dumps(row))
        for row in ({**one, "balance": balance}, {"balance": other_balance, **other})
    ]
    identities = [identity_of(kind, row, as_of_text="T") for row in rows]
    assert (identities[0] == identities[1]) == (one == other)


@pytest.mark.parametrize("odd", [None, True, [], {}, "", "x" * 65])
def test_what_is_no_plain_value_tells_nothing_apart(odd: object) -> None:
    kind = BY_NAME["kalshi.subaccount_balance"]
    row = jsontext.parse(json.dumps({"subaccount_number": odd, "exchange_index": 1}))
    assert identity_of(kind, row, as_of_text="T") == "T|exchange_index-1"


def test_the_bytes_of_an_envelope_of_a_part_are_these() -> None:
    state = envelope(Asked(subaccount=0, exchange_index=12), at=AT)
    assert state.partition(b'"shape":"s",')[2] == (
        b'"as_of":"2026-05-12T01:02:03.000004Z","asked":{"subaccount":0,"exchange_index":12},'
        b'"payload":{}}'
    )
    assert (
        envelope(EVERYTHING)
        == envelope(Asked())
        == state_of("{}").replace(b'"document":"d"', b'"document":"sha256:abc"')
    )


@pytest.mark.parametrize("state", [b"", b"{}", b'{"payload":1}', b"not an envelope"])
def test_bytes_without_a_payload_member_are_no_envelope(state: bytes) -> None:
    with pytest.raises(ValueError, match="without a payload"):
        payload_bytes(state)
    with pytest.raises(TypeError, match="without a header"):
        header(state)


@given(OBJECTS, SPACES, st.booleans())
def test_white_space_and_key_order_do_not_make_other_content(
    value: dict[str, object],
    space: str,
    backwards: bool,  # noqa: FBT001
) -> None:
    other = spell(value, space, backwards=backwards)
    assert same_content(state_of(spell(value)), state_of(other, document="other"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1.0}', '{"a":1.00}'),
        ('{"a":1}', '{"a":"1"}'),
        ('{"a":null}', "{}"),
        ('{"a":[1,2]}', '{"a":[2,1]}'),
        ('{"a":1}', '{"a":1,"a":1}'),
        ('{"a":1,"a":2}', '{"a":2,"a":2}'),
        ('{"a":1,"a":2}', '{"a":2,"a":1}'),
        ('{"a":2}', '{"a":1,"a":2}'),
        ('{"a":1,"a":2,"b":3}', '{"a":1,"b":3,"a":2}'),
        ('[{"a":1,"a":2}]', '[{"a":3,"a":2}]'),
        ('{"a":"x"}', '{"a":"X"}'),
    ],
)
def test_any_other_difference_makes_other_content(one: str, other: str) -> None:
    assert not same_content(state_of(one), state_of(other))


def test_the_envelope_around_it_does_not_count_as_content() -> None:
    later = Origin(OWNER, "kalshi", AT + timedelta(days=9), {**SOURCE, "document": "another"})
    event = make_event(later, "kalshi.fill", "x", "s", '{"a":1}', row="a\n1")
    assert same_content(state_of('{"a":1}'), event.state)


@given(ANY_TEXT, ANY_TEXT)
def test_escaping_keeps_texts_apart_and_out_of_the_way(one: str, other: str) -> None:
    assert (escape(one) == escape(other)) == (one == other)
    assert not set(escape(one)) & set("|\x00\t\n\r \x7f")
    escape(one).encode("utf-8")


PARTS = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(("|", "%7C", "a|b", ""))


@given(st.tuples(PARTS, PARTS), st.tuples(PARTS, PARTS))
def test_different_identities_make_different_keys(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    keys = [
        make_key("kalshi", OWNER, "kalshi.fill", "|".join(map(escape, it))) for it in (one, other)
    ]
    assert (keys[0] == keys[1]) == (one == other)


def test_books_kinds_and_venues_never_share_a_key() -> None:
    keys = {
        make_key(venue, Owner(account, mode), kind, "1")
        for venue in ("kalshi", "ibkr")
        for account in ("a", "b", "a.live", "a-live")
        for mode in MODES
        for kind in ("kalshi.fill", "kalshi.order")
    }
    assert len(keys) == 32


@pytest.mark.parametrize("account", ["a", "A1", "a.b_c-d", "0", "x" * 64])
def test_a_plain_account_name_is_taken(account: str) -> None:
    assert Owner(account, "live").account == account


@pytest.mark.parametrize(
    "account", ["", " ", "a|b", "a b", "-a", ".a", "_a", "a\n", "\u00e9", "a/b", "x" * 65, "a%7Cb"]
)
def test_an_account_name_that_could_break_a_key_is_refused(account: str) -> None:
    with pytest.raises(UsageError, match="account"):
        Owner(account, "live")


@pytest.mark.parametrize("mode", ["", "LIVE", "demo", "live|paper"])
def test_a_mode_that_is_neither_live_nor_paper_is_refused(mode: str) -> None:
    with pytest.raises(UsageError, match="mode"):
        Owner("a", mode)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(UsageError, match="no time zone"):
        Origin(OWNER, "kalshi", AT.replace(tzinfo=None), SOURCE)


def test_the_moment_of_a_snapshot_without_a_zone_is_refused() -> None:
    origin = Origin(OWNER, "kalshi", AT, SOURCE)
    with pytest.raises(UsageError, match=r"as_of .* has no time zone"):
        make_event(origin, "kalshi.balance", "x", "s", "{}", as_of=AT.replace(tzinfo=None))


@pytest.mark.parametrize("name", ["adapter", "document"])
def test_a_source_must_say_what_it_is(name: str) -> None:
    without = {key: value for key, value in SOURCE.items() if key != name}
    for source in (without, {**SOURCE, name: ""}):
        with pytest.raises(UsageError, match=f"source does not say its {name}"):
            Origin(OWNER, "kalshi", AT, source)


def test_a_source_with_a_member_called_payload_is_refused() -> None:
    """It would be taken for the payload."""
    with pytest.raises(UsageError, match="payload"):
        Origin(OWNER, "kalshi", AT, {**SOURCE, "payload": "{}"})


@pytest.mark.parametrize(
    ("payload", "name", "row"),
    [('"\ud800"', "d", None), ("{}", "\udfff", None), ("{}", "d", "a\ud800")],
    ids=["payload", "document", "row"],
)
def test_a_text_that_cannot_be_stored_is_refused(payload: str, name: str, row: str | None) -> None:
    with pytest.raises(UsageError, match="no Unicode"):
        state_of(payload, document=name, row=row)


def test_half_a_surrogate_pair_in_an_id_is_escaped_and_in_a_payload_is_kept_as_written() -> None:
    assert escape("a\ud800|") == "a%D800%7C"
    payload = '{"id":"\\ud800"}'
    assert payload_bytes(state_of(payload)) == payload.encode()


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_a_moment_has_one_text_in_whatever_zone_it_is_said(at: datetime, minutes: int) -> None:
    moment = at.replace(tzinfo=UTC)
    text = time_text(moment.astimezone(timezone(timedelta(minutes=minutes))))
    assert text == time_text(moment)
    assert datetime.fromisoformat(text) == moment
    assert len(text) == 27


def test_a_year_is_always_written_with_four_digits() -> None:
    assert time_text(datetime(5, 1, 2, tzinfo=UTC)) == "0005-01-02T00:00:00.000000Z"
