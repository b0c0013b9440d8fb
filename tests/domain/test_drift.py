"""Drift: every way to spoil every key of every generation, and what the ledger makes of it.

Never `known` with a changed meaning. The expected answer follows from the reader that the whole
payload had: a required key that is gone or of another type is `unknown`, unless another
generation never had it and what is left is all its own; those cases are all listed below. The
payloads are made.
"""

import itertools
from collections.abc import Callable
from typing import Final

import pytest

from domain.jsontext import canonical, parse
from domain.kinds import BY_NAME
from domain.shapes import TYPE_NAMES, Choice, Reader, choose, shape_entries
from tests.made.samples import READER, RENDER, samples

TEXTS: Final = ("1", "1.5", '"x"', "true", "null", "[]", "{}", '[{"deep":1}]')

PAYLOADS = pytest.mark.parametrize(
    ("kind", "phase", "payload"),
    [
        pytest.param(kind, phase, parse(text), id=f"{kind}-{phase}")
        for kind, phase, text in samples()
    ],
)

# A required key is dropped, and what is left is exactly what an older generation said. What it read
# is all there, and it read nothing else; the last words say why that is the truth.
KNOWN_ELSEWHERE: Final = """
kalshi.fill       2-early  count_fp            1   count says it, and fees were not stated yet
kalshi.fill       5        exchange_index      4   a shard is no part of price, quantity and fee
kalshi.settlement 5        exchange_index      3b  a shard is no part of what was paid
kalshi.market     1        last_price_dollars  0   no fact holds a quote
kalshi.market     2-early  last_price_dollars  0   no fact holds a quote
kalshi.market     2        last_price_dollars  0   no fact holds a quote
kalshi.position   2-early  position_fp         1   position says it
kalshi.position   2        position_fp         1   position says it
kalshi.position   5        exchange_index      3   a shard is no part of what is held
kalshi.fill_message 5      exchange_index      4   a shard is no part of price, quantity and fee
kalshi.subaccount_balance 5 exchange_index     2   the cash is there; of which shard is not said
"""
# Another generation had it not, but keys remain that this one never heard of and that no generation
# reads: read and reported.
ADDITIVE_ELSEWHERE: Final = """
kalshi.market     1        last_price          3   no fact holds a quote; more in cents remain
kalshi.market     2-early  last_price          3   no fact holds a quote; more in cents remain
kalshi.market     2        last_price          3   no fact holds a quote; more in cents remain
kalshi.balance    1        portfolio_value     0   the cash is there; updated_ts remains
kalshi.balance    2-early  portfolio_value     0   the cash is there; updated_ts remains
kalshi.balance    2        portfolio_value     0   the cash is there; updated_ts remains
kalshi.balance    3a       portfolio_value     0   the cash is there; updated_ts remains
kalshi.balance    3b       portfolio_value     0   the cash is there; updated_ts remains
"""
# Unknown, but the next generation lacks nothing: it is as near and newer, so the report names what
# it has never heard of, the other half of the pair, and not what is gone.
NAMED_BY_ITS_OTHER_HALF: Final = {
    ("kalshi.fill", "3a", "yes_price_fixed"): ("3b", "no_price_fixed"),
    ("kalshi.settlement", "3a", "yes_total_cost"): ("3b", "no_total_cost"),
}

# The type alone tells two units apart under one name. Whole hundredths of a cent that come as a
# text are taken for dollars, and refused by the reader: dollars have places.
TOLD_BY_TYPE: Final = ("kalshi.subaccount_balance", "2-early", "balance")

# Each value that a fact needs, and the keys that can say it. Known means: all are still read.
NEEDED: Final = {
    "kalshi.fill": (
        "fill_id|trade_id order_id ticker side|outcome_side count|count_fp is_taker created_time "
        "yes_price|yes_price_dollars"
    ),
    "kalshi.settlement": (
        "ticker market_result revenue settled_time yes_count|yes_count_fp no_count|no_count_fp "
        "yes_total_cost|yes_total_cost_dollars no_total_cost|no_total_cost_dollars"
    ),
    "kalshi.order": (
        "order_id ticker status created_time side|outcome_side yes_price|yes_price_dollars "
        "place_count|initial_count|initial_count_fp remaining_count|remaining_count_fp "
        "taker_fill_count|fill_count|fill_count_fp"
    ),
    "kalshi.market": "ticker event_ticker status result",
    "kalshi.position": (
        "ticker position|position_fp market_exposure|market_exposure_dollars "
        "realized_pnl|realized_pnl_dollars fees_paid|fees_paid_dollars "
        "total_traded|total_traded_dollars"
    ),
    "kalshi.balance": "balance|balance_dollars",
    "kalshi.deposit": "id status type amount_cents fee_cents created_ts",
    "kalshi.withdrawal": "id status type amount_cents fee_cents created_ts",
    "kalshi.fill_message": (
        "trade_id order_id market_ticker outcome_side book_side count_fp yes_price_dollars "
        "fee_cost is_taker ts_ms"
    ),
    "kalshi.series": "ticker fee_type fee_multiplier",
    "kalshi.subaccount_balance": "subaccount_number balance",
}


def listed(table: str) -> dict[tuple[str, ...], str]:
    """Return a table from above: kind, phase and key, to the reader that takes what is left."""
    return {tuple(line.split()[:3]): line.split()[3] for line in table.strip().splitlines()}


KNOWN = listed(KNOWN_ELSEWHERE)
ADDITIVE = listed(ADDITIVE_ELSEWHERE)


def dropped(payload: dict[str, object], key: str) -> dict[str, object]:
    """Leave the key out."""
    return {name: value for name, value in payload.items() if name != key}


def renamed(payload: dict[str, object], key: str) -> dict[str, object]:
    """Give the key another name."""
    return {**dropped(payload, key), f"{key}_v2": payload[key]}


def nulled(payload: dict[str, object], key: str) -> dict[str, object]:
    """Say nothing under the key."""
    return {**payload, key: None}


def wrapped(payload: dict[str, object], key: str) -> dict[str, object]:
    """Put the value into a list."""
    return {**payload, key: [payload[key]]}


def swapped(payload: dict[str, object], key: str) -> dict[str, object]:
    """Make a number of a text, and a text of all else."""
    text = canonical(payload[key])
    return {**payload, key: parse("17.25") if text.startswith('"') else text}


WAYS: Final[tuple[Callable[[dict[str, object], str], dict[str, object]], ...]] = (
    dropped,
    renamed,
    nulled,
    wrapped,
    swapped,
)


def judge(kind: str, payload: dict[str, object]) -> Choice:
    """Return the choice for a payload."""
    return choose(BY_NAME[kind].readers, shape_entries(payload))


def payload_of(kind: str, phase: str) -> dict[str, object]:
    """Return the sample of a kind in the words of a phase."""
    payload = parse(RENDER[kind](phase))
    assert isinstance(payload, dict)
    return payload


def reader_of(kind: str, name: str | None) -> Reader:
    """Return the reader of a kind by name."""
    return next(reader for reader in BY_NAME[kind].readers if reader.name == name)


def names(entries: tuple[str, ...]) -> set[str]:
    """Return the keys of entries, without their types."""
    return {entry.partition(":")[0] for entry in entries}


@PAYLOADS
def test_a_required_key_that_is_gone_is_never_silent(
    kind: str, phase: str, payload: dict[str, object]
) -> None:
    for key in reader_of(kind, READER[kind, phase]).required:
        case = (kind, phase, key)
        without, other = judge(kind, dropped(payload, key)), judge(kind, renamed(payload, key))
        if case in KNOWN or case in ADDITIVE:
            taker = KNOWN.get(case) or ADDITIVE[case]
            assert (without.reader, other.reader) == (taker, taker), case
            assert without.status == ("known" if case in KNOWN else "additive"), case
            assert other.status == "additive", case
            assert f"{key}_v2" in names(other.keys_added), case
            continue
        for choice in (without, other):
            assert (choice.status, choice.reader) == ("unknown", None), case
            assert choice.reason == "unknown_shape", case
            if case in NAMED_BY_ITS_OTHER_HALF:
                nearest, half = NAMED_BY_ITS_OTHER_HALF[case]
                assert (choice.nearest, choice.keys_missing) == (nearest, ()), case
                assert half in names(choice.keys_added), case
            else:
                assert key in names(choice.keys_missing), case


def test_every_listed_case_is_a_required_key_of_its_generation() -> None:
    for kind, phase, key in (*KNOWN, *ADDITIVE, *NAMED_BY_ITS_OTHER_HALF):
        assert key in reader_of(kind, READER[kind, phase]).required


@pytest.mark.parametrize("gone", ["count_fp", "count_fp price", "count_fp subaccount_number"])
def test_a_fill_of_generation_2_that_states_its_fee_is_unknown_without_count_fp(gone: str) -> None:
    """Read as generation 1 it would lose the fee and the fraction of a contract."""
    whole = payload_of("kalshi.fill", "2")
    assert "fee_cost" in whole
    left = {key: value for key, value in whole.items() if key not in gone.split()}
    choice = judge("kalshi.fill", left)
    assert (choice.status, choice.reason) == ("unknown", "unknown_shape")
    assert (choice.nearest, choice.keys_missing) == ("2", ("count_fp",))


@pytest.mark.parametrize("key", ["balance_dollars", "portfolio_value"])
def test_a_balance_with_a_breakdown_is_not_read_by_a_generation_that_had_none(key: str) -> None:
    """Without balance_dollars it would be read in whole cents."""
    choice = judge("kalshi.balance", dropped(payload_of("kalshi.balance", "5"), key))
    assert (choice.status, choice.nearest, choice.keys_missing) == ("unknown", "4", (key,))


@PAYLOADS
def test_a_key_that_another_generation_reads_is_no_mere_addition(
    kind: str, phase: str, payload: dict[str, object]
) -> None:
    readers = BY_NAME[kind].readers
    mine = reader_of(kind, READER[kind, phase])
    heard_of = {*mine.required, *mine.optional, *mine.ignored, *mine.absent}
    for other in readers:
        for key in {*other.required, *other.optional} - heard_of:
            choice = judge(kind, {**payload, key: "1"})
            assert (choice.status, choice.reader) == ("unknown", None), (other.name, key)


@PAYLOADS
def test_a_required_key_of_another_type_is_unknown(
    kind: str, phase: str, payload: dict[str, object]
) -> None:
    required = reader_of(kind, READER[kind, phase]).required
    for key, spoil in itertools.product(required, (nulled, wrapped, swapped)):
        choice = judge(kind, spoil(payload, key))
        if (kind, phase, key) == TOLD_BY_TYPE and spoil is swapped:
            assert (choice.status, choice.reader) == ("known", "2")
            continue
        assert (choice.status, choice.reader) == ("unknown", None), key
        assert key in names(choice.keys_missing), key


@PAYLOADS
def test_an_optional_key_may_be_gone_or_null_but_of_no_other_type(
    kind: str, phase: str, payload: dict[str, object]
) -> None:
    reader = reader_of(kind, READER[kind, phase])
    for key in reader.optional.keys() & payload.keys():
        for spoil in (dropped, nulled):
            choice = judge(kind, spoil(payload, key))
            assert (choice.status, choice.reader) == ("known", reader.name), key
        for spoil in (wrapped, swapped):
            choice = judge(kind, spoil(payload, key))
            assert choice.status == "unknown", key
            assert key in names(choice.keys_missing), key
        choice = judge(kind, renamed(payload, key))
        assert (choice.status, choice.reader) == ("additive", reader.name), key
        assert names(choice.keys_added) == {f"{key}_v2"}, key


@PAYLOADS
def test_an_ignored_key_may_be_gone_and_any_other_change_of_it_is_reported(
    kind: str, phase: str, payload: dict[str, object]
) -> None:
    reader = reader_of(kind, READER[kind, phase])
    for key in reader.ignored.keys() & payload.keys() - reader.required.keys():
        choice = judge(kind, dropped(payload, key))
        assert (choice.status, choice.reader) == ("known", reader.name), key
        listed_types = reader.ignored[key].split("|")
        for spoil in (renamed, nulled, wrapped, swapped):
            spoiled = spoil(payload, key)
            choice = judge(kind, spoiled)
            silent = spoil is not wrapped and key in spoiled
            silent = silent and TYPE_NAMES[type(spoiled[key])] in listed_types
            expected = "known" if silent else "additive"
            assert (choice.status, choice.reader) == (expected, reader.name), (key, spoil)
            assert silent or any(key in added for added in choice.keys_added), (key, spoil)


@PAYLOADS
def test_below_an_opaque_key_anything_goes(
    kind: str, phase: str, payload: dict[str, object]
) -> None:
    reader = reader_of(kind, READER[kind, phase])
    for key in reader.opaque:
        for text in TEXTS:
            choice = judge(kind, {**payload, key: parse(text)})
            assert (choice.status, choice.reader) == ("known", reader.name), key


@PAYLOADS
def test_a_new_key_is_read_past_and_reported(
    kind: str, phase: str, payload: dict[str, object]
) -> None:
    keys = ("brand_new", "brand.new", "brand[]", 'brand"new', "brand new")
    for key, text in itertools.product(keys, TEXTS):
        more: dict[str, object] = {**payload, key: parse(text)}
        choice = judge(kind, more)
        assert (choice.status, choice.reader) == ("additive", READER[kind, phase])
        assert set(choice.keys_added) == shape_entries(more) - shape_entries(payload)
        assert choice.keys_missing == ()


@PAYLOADS
def test_known_means_that_every_needed_value_is_still_read(
    kind: str, phase: str, payload: dict[str, object]
) -> None:
    known = [payload]
    for key in payload:
        known += [spoil(payload, key) for spoil in WAYS]
    for spoiled in known:
        choice = judge(kind, spoiled)
        if choice.status != "known":
            continue
        required = reader_of(kind, choice.reader).required
        for keys in NEEDED[kind].split():
            read = required.keys() & set(keys.split("|"))
            assert read, (kind, phase, keys)
            if (kind, phase, keys) == TOLD_BY_TYPE:
                continue
            assert all(type(spoiled[key]) is type(payload[key]) for key in read), (keys, read)
