"""Every payload is recognised for what it is, read by one reader, and given a key of its own."""

import itertools
import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.event import Asked
from domain.jsontext import digest, parse
from domain.kinds import (
    BY_CONTAINER,
    BY_NAME,
    BY_SINGLE,
    KINDS,
    Kind,
    column_types,
    identity_of,
    recognise,
)
from domain.shapes import Choice, choose, shape_entries
from tests.made.histories import Style, executions
from tests.made.json_values import OBJECTS, spell
from tests.made.samples import READER, RENDER, samples
from tools.fake_kalshi.payloads import PHASES, fill_json, page, sayable
from tools.fake_kalshi.truths import Execution

SAMPLES = [pytest.param(*sample, id="-".join(sample[:2])) for sample in samples()]
# Rows that no set of keys tells from others: they need their page around them.
NEEDS_ITS_PAGE = {"kalshi.deposit", "kalshi.withdrawal"}
NOT_RECOGNISED = {("kalshi.market", "0")}
# Whole hundredths of a cent, then dollars, under one name.
CHANGED_TYPE = {("kalshi.subaccount_balance", "balance")}
FILL = BY_NAME["kalshi.fill"]


def payload_of(text: str) -> dict[str, object]:
    """Return an object payload."""
    value = parse(text)
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize(("kind", "phase", "text"), SAMPLES)
def test_every_generation_is_read_by_exactly_its_reader(kind: str, phase: str, text: str) -> None:
    reader = READER[kind, phase]
    choice = choose(BY_NAME[kind].readers, shape_entries(parse(text)))
    assert choice == Choice("known", reader, None, nearest=reader)


@pytest.mark.parametrize(("kind", "phase", "text"), SAMPLES)
def test_no_other_kind_would_read_it_without_complaint(kind: str, phase: str, text: str) -> None:
    entries = shape_entries(parse(text))
    others = (other for other in KINDS if other.name != kind)
    known = [other.name for other in others if choose(other.readers, entries).status == "known"]
    assert set(known) <= NEEDS_ITS_PAGE - {kind}
    assert bool(known) == (kind in NEEDS_ITS_PAGE)


@pytest.mark.parametrize(("kind", "phase", "text"), SAMPLES)
def test_a_bare_row_is_recognised_by_its_keys(kind: str, phase: str, text: str) -> None:
    found = recognise(payload_of(text))
    if (kind, phase) in NOT_RECOGNISED or kind in NEEDS_ITS_PAGE:
        assert found is None
    else:
        assert found is BY_NAME[kind]


def test_a_balance_that_says_nothing_else_is_recognised_only_alone() -> None:
    assert recognise(payload_of('{"balance":1}')) is BY_NAME["kalshi.balance"]
    assert recognise(payload_of('{"balance":1,"ticker":"A"}')) is None


@pytest.mark.parametrize("text", ["{}", '{"ticker":"A"}', '{"id":"1"}', '{"fills":[]}'])
def test_a_row_that_says_too_little_is_not_recognised(text: str) -> None:
    assert recognise(payload_of(text)) is None


def test_a_row_that_could_be_two_things_is_not_recognised() -> None:
    both = {"trade_id", "order_id", "ticker", "market_result", "revenue"}
    assert recognise(dict.fromkeys(both, "x")) is None


@settings(max_examples=40)
@given(executions(style=Style(fractional=True, subcent=True, subaccounts=True, shards=True)))
def test_every_made_fill_is_known_wherever_it_can_be_said(rows: tuple[Execution, ...]) -> None:
    for row in rows:
        phases = sayable([row])
        assert set(phases) >= {"4", "5"}
        for phase in phases:
            choice = choose(FILL.readers, shape_entries(parse(fill_json(row, phase))))
            assert (choice.status, choice.reader) == ("known", READER[FILL.name, phase])


@settings(max_examples=40)
@given(executions())
def test_a_fill_has_one_key_in_whatever_generation_it_is_told(
    rows: tuple[Execution, ...],
) -> None:
    keys = [{identity_of(FILL, parse(fill_json(row, phase))) for phase in PHASES} for row in rows]
    assert all(len(one) == 1 for one in keys)
    assert len(set().union(*keys)) == len(rows)


@pytest.mark.parametrize("kind", sorted(set(RENDER) - {"kalshi.subaccount_balance"}))
def test_one_thing_has_one_key_through_all_generations(kind: str) -> None:
    found = {
        identity_of(BY_NAME[kind], parse(text), as_of_text="2026-01-12T00:00:00.000000Z")
        for name, _, text in samples()
        if name == kind
    }
    assert len(found) == 1


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("kalshi.fill", '{"fill_id":"a","trade_id":"b","created_time":"2026-05-12T01:02:03Z"}',
         "20260512|a"),
        ("kalshi.fill", '{"trade_id":"b","created_time":"2026-05-12T01:02:03Z"}', "20260512|b"),
        ("kalshi.fill", '{"fill_id":"","trade_id":"b"}', "b"),
        ("kalshi.fill", '{"fill_id":null,"trade_id":"b"}', "b"),
        ("kalshi.fill", '{"fill_id":"a|b %\\n"}', "a%7Cb%20%25%0A"),
        ("kalshi.settlement", '{"ticker":"KX-1"}', "KX-1"),
        ("kalshi.order", '{"order_id":"o","created_time":"2026-05-12T01:02:03Z"}', "20260512|o"),
        ("kalshi.deposit", '{"id":"d"}', "d"),
        ("kalshi.position", '{"ticker":"KX-1"}', "T|KX-1"),
        ("kalshi.balance", '{"balance":1}', "T"),
        ("ledger.fetch", '{"document":"sha256:ab"}', "sha256:ab"),
        ("kalshi.fill_message", '{"trade_id":"b"}', "b"),
        ("kalshi.series", '{"ticker":"KX"}', "KX"),
        ("kalshi.subaccount_balance", '{"subaccount_number":3,"balance":"1.00"}',
         "T|subaccount_number-3"),
        ("kalshi.subaccount_balance", '{"subaccount_number":3,"exchange_index":1}',
         "T|subaccount_number-3|exchange_index-1"),
        ("kalshi.subaccount_balance", '{"subaccount_number":[],"exchange_index":1}',
         "T|exchange_index-1"),
    ],
)  # fmt: skip
def test_the_identity_of_a_payload(kind: str, text: str, expected: str) -> None:
    snapshot = BY_NAME[kind].snapshot
    assert identity_of(BY_NAME[kind], parse(text), as_of_text="T" if snapshot else None) == expected


def test_the_part_of_an_account_that_was_asked_for_is_part_of_the_key() -> None:
    row = parse('{"ticker":"KX-1"}')
    found = {
        identity_of(BY_NAME["kalshi.position"], row, as_of_text="T", asked=asked)
        for asked in (Asked(), Asked(0), Asked(1), Asked(1, 0), Asked(exchange_index=0))
    }
    assert found == {
        "T|KX-1",
        "T|subaccount-0|KX-1",
        "T|subaccount-1|KX-1",
        "T|subaccount-1|exchange_index-0|KX-1",
        "T|exchange_index-0|KX-1",
    }


def test_a_payload_without_its_id_is_kept_under_its_content_and_its_count() -> None:
    for text in ('{"order_id":"o"}', "[1]", '"text"', "null", "1.10"):
        content = f"content-{digest(parse(text))[:32]}"
        assert identity_of(FILL, parse(text)) == f"{content}|1"
        assert identity_of(FILL, parse(text), nth=2) == f"{content}|2"
    dated = parse('{"created_time":"2026-05-12T01:02:03Z"}')
    assert identity_of(FILL, dated) == f"20260512|content-{digest(dated)[:32]}|1"


def test_no_id_can_pass_for_a_payload_that_lacks_its_id() -> None:
    kind = BY_NAME["kalshi.settlement"]
    nameless = identity_of(kind, parse("{}"))
    assert identity_of(kind, {"ticker": nameless}) != nameless


def test_equal_rows_of_a_report_are_told_apart_by_their_count() -> None:
    kind = BY_NAME["kalshi.report.transaction"]
    row = parse('{"type":"trade"}')
    first, second = identity_of(kind, row), identity_of(kind, row, nth=2)
    assert first != second
    assert re.fullmatch(r"content-[0-9a-f]{32}\|1", first)


IDS = st.text(st.characters(codec=None), min_size=1, max_size=6) | st.sampled_from(
    ("|", "a|b", "%7C", "20260512|a", "20260512", " ", "a b", "a%20b")
)


@given(IDS, IDS, st.sampled_from(sorted(set(BY_NAME) - {"kalshi.balance"})))
def test_hostile_ids_never_share_a_key(one: str, other: str, name: str) -> None:
    kind = BY_NAME[name]
    assume(kind.identity)
    rows = [{kind.identity[0]: it} for it in (one, other)]
    keys = [identity_of(kind, row, as_of_text="T") for row in rows]
    assert all(key.encode("utf-8") for key in keys)
    assert (keys[0] == keys[1]) == (one == other)
    dated = [identity_of(kind, {**row, **dict.fromkeys(kind.day, "2026-05-12")}) for row in rows]
    assert (dated[0] == dated[1]) == (one == other)
    assert not kind.day or not set(dated) & set(keys)


@given(OBJECTS, OBJECTS)
def test_rows_without_ids_share_a_key_only_if_they_are_equal(
    one: dict[str, object], other: dict[str, object]
) -> None:
    rows = [parse(spell(it)) for it in (one, other)]
    kind = BY_NAME["kalshi.report.activity"]
    keys = [identity_of(kind, row) for row in rows]
    assert (keys[0] == keys[1]) == (digest(rows[0]) == digest(rows[1]))


def test_the_tables_of_kinds_agree_with_each_other() -> None:
    assert len(BY_NAME) == len(KINDS)
    assert len(BY_CONTAINER) == sum(kind.container is not None for kind in KINDS)
    assert len(BY_SINGLE) == sum(kind.single is not None for kind in KINDS)
    assert {kind.venue for kind in KINDS} == {"bot", "ibkr", "kalshi", "ledger", "market"}


def test_a_signature_of_one_kind_never_contains_that_of_another() -> None:
    for one, other in itertools.permutations(KINDS, 2):
        for mine, theirs in itertools.product(one.signature, other.signature):
            assert not mine <= theirs, (one.name, other.name)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.readers], ids=lambda k: k.name)
def test_a_key_is_of_one_type_in_all_generations_of_a_kind(kind: Kind) -> None:
    restored = column_types(kind)
    for reader in kind.readers:
        for declared in (reader.required, reader.optional, reader.ignored):
            for key, types in declared.items():
                if (kind.name, key) in CHANGED_TYPE:
                    assert restored[key] == "string"
                else:
                    assert restored[key] in types.split("|"), f"{kind.name} {reader.name} {key}"


def test_a_page_lists_its_rows_and_says_whether_it_is_the_last() -> None:
    rows = [RENDER["kalshi.fill"](phase) for phase in PHASES]
    whole = payload_of(page("fills", rows, "next"))
    assert whole == {"cursor": "next", "fills": [parse(row) for row in rows]}
    assert payload_of(page("fills", [])) == {"cursor": "", "fills": []}
