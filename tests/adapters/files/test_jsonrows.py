"""JSON is recognised by what is in it, and each row is kept as it was written."""

import pytest

from tests.adapters.files.taking import (
    FILL,
    NOON,
    OTHER,
    fetch,
    payloads,
    refusal,
    rows,
    take,
    texts,
)

SETTLEMENT = '{"ticker":"KX-A","market_result":"yes","revenue":100,"settled_time":"2026-01-13"}'
ORDER = '{"order_id":"o1","ticker":"KX-A","status":"resting","type":"limit"}'
MARKET = '{"ticker":"KX-A","event_ticker":"KX","status":"active","market_type":"binary"}'
BALANCE = '{"balance": 10000, "portfolio_value": 25000, "updated_ts": 1768231443}'
POSITION = '{"ticker":"KX-A","position":3,"total_traded":10}'


@pytest.mark.parametrize(
    ("container", "kind"),
    [
        ("fills", "kalshi.fill"),
        ("settlements", "kalshi.settlement"),
        ("orders", "kalshi.order"),
        ("markets", "kalshi.market"),
        ("market_positions", "kalshi.position"),
        ("event_positions", "kalshi.event_position"),
        ("deposits", "kalshi.deposit"),
        ("withdrawals", "kalshi.withdrawal"),
    ],
)
def test_a_page_is_known_by_the_name_of_its_list(container: str, kind: str) -> None:
    taken = take(f'{{"{container}":[{{"a":1}}],"cursor":""}}', as_of=NOON)
    assert [event.kind for event in rows(taken)] == [kind]
    assert taken.rows == {kind: 1}
    assert taken.form == "json page"


def test_one_object_may_hold_several_lists() -> None:
    taken = take(f'{{"fills":[{FILL},{OTHER}],"settlements":[{SETTLEMENT}]}}')
    assert taken.rows == {"kalshi.fill": 2, "kalshi.settlement": 1}
    assert texts(taken) == [FILL, OTHER, SETTLEMENT]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f'{{"order": {ORDER}}}', "kalshi.order"),
        (f'{{"market": {MARKET}}}', "kalshi.market"),
        (BALANCE, "kalshi.balance"),
    ],
)
def test_what_the_api_returns_alone_counts_as_a_page(text: str, kind: str) -> None:
    taken = take(text)
    assert taken.rows == {kind: 1}
    assert fetch(taken)["pages"] == 1
    assert texts(taken)[0] in text


@pytest.mark.parametrize("row", [FILL, SETTLEMENT, ORDER, MARKET, POSITION])
def test_a_bare_row_is_known_by_its_keys_and_belongs_to_no_page(row: str) -> None:
    taken = take(f"\n {row} \n", as_of=NOON)
    assert texts(taken) == [row]
    assert (taken.form, fetch(taken)["pages"]) == ("json row", 0)


def test_an_array_may_mix_rows_and_pages() -> None:
    taken = take(f'[{FILL}, {{"fills": [{OTHER}], "cursor": ""}}, {{"order":{ORDER}}}]')
    assert texts(taken) == [FILL, OTHER, ORDER]
    assert (taken.form, fetch(taken)["pages"]) == ("json pages", 2)
    assert take(f"[{FILL},{OTHER}]").form == "json rows"


def test_lines_may_be_rows_or_pages_with_blank_lines_between() -> None:
    taken = take(f'{FILL}\r\n\n  \n{{"fills":[{OTHER}],"cursor":""}}\n\n{BALANCE}')
    assert texts(taken) == [FILL, OTHER, BALANCE]
    assert (taken.form, fetch(taken)["pages"]) == ("json lines", 2)


def test_a_line_separator_inside_a_string_ends_no_line() -> None:
    row = '{"trade_id":"t1","order_id":"\u2028\u0085","ticker":"KX"}'
    assert texts(take(f"{row}\n{row}\n")) == [row, row]


def test_a_pretty_printed_row_keeps_its_line_breaks() -> None:
    row = '{\n  "trade_id" : "t1",\r\n\t"order_id":"o","ticker":"KX" }'
    assert texts(take(f'{{\n "fills": [\n {row}\n ]\n}}')) == [row]


def test_rows_that_are_no_objects_are_kept_as_they_are() -> None:
    taken = take('{"fills":[1.50,"x",null,[1, 2],true,1.50]}')
    assert texts(taken) == ["1.50", '"x"', "null", "[1, 2]", "true", "1.50"]
    assert all("|kalshi.fill|content-" in event.key for event in rows(taken))


@pytest.mark.parametrize("empty", ['{"fills":[],"cursor":""}', '{"fills":null,"cursor":null}'])
def test_an_empty_page_is_an_answer(empty: str) -> None:
    taken = take(empty)
    assert rows(taken) == []
    assert taken.rows == {"kalshi.fill": 0}
    assert (fetch(taken)["pages"], fetch(taken)["rows"]) == (1, 0)
    assert fetch(taken)["cursor_ended"] is True


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ('{"fills":[],"cursor":""}', True),
        ('{"fills":[],"cursor":null}', True),
        ('{"fills":[],"cursor":"CgwI"}', False),
        ('{"fills":[],"cursor":0}', False),
        ('{"fills":[]}', None),
        ('[{"fills":[],"cursor":"x"},{"fills":[],"cursor":""}]', True),
        ('[{"fills":[],"cursor":""},{"fills":[],"cursor":"x"}]', False),
        ('[{"fills":[],"cursor":"x"},{"orders":[],"cursor":""}]', False),
        ('[{"fills":[],"cursor":""},{"orders":[]}]', None),
        (FILL, None),
    ],
)
def test_the_cursor_tells_whether_each_sort_of_page_came_whole(
    text: str, *, ended: bool | None
) -> None:
    taken = take(text)
    assert fetch(taken).get("cursor_ended") is ended
    assert ("cursor_ended" in fetch(taken)) == (ended is not None)
    assert any("next one" in note for note in taken.notes) == (ended is False)


def test_rows_under_an_unknown_name_are_counted_aloud() -> None:
    taken = take('[{"fills":[],"held":[{},{}],"took":5},{"fills":[],"held":[{}],"odd":[1]}]')
    assert taken.notes[0] == "3 row(s) under 'held' were NOT taken in: no importer knows that name"
    assert sorted(note.split()[0] for note in taken.notes[1:]) == ["'odd'", "'took'"]


def test_the_wrapper_of_a_recorder_is_looked_through_once() -> None:
    taken = take(f'{{"_metadata":{{"limit":5}},"response":{{"fills":[{FILL}],"cursor":""}}}}')
    assert texts(taken) == [FILL]
    assert taken.notes == ["'_metadata' stands beside the rows and was not taken in"]
    assert "nothing known" in refusal('{"response":{"response":{"fills":[]}}}')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "empty array"),
        ("{}", "empty object"),
        ('{"trades":[{"trade_id":"x"}]}', "'trades'"),
        ('{"error":{"code":"unauthorized"}}', "error answer"),
        ('{"fills":{"a":1}}', "'fills' holds an object"),
        ('{"fills":"none"}', "'fills' holds a string"),
        ('{"fills":0}', "'fills' holds a number"),
        ('{"fills":[],"fills":[]}', "comes twice"),
        ('{"order":null}', "nothing known"),
        (f"[{FILL},5]", "element 2: a number"),
        (f'[{FILL},{{"a":1}}]', "element 2: an object with 'a'"),
        (f'[{FILL},{{"fills":[],"fills":[]}}]', "element 2: the key 'fills' comes twice"),
        ('{"fills":[]} x', "more text after the JSON value, in line 1"),
        ('{"fills":[]}{"fills":[]}', "more text after"),
        (f"[{FILL}]\n[{FILL}]", "in line 2"),
        ('{"fills":[NaN]}', "NaN"),
        ('{"fills":[' + "[" * 100_000, "nested too deep"),
        ('{"fills":[' + "[" * 80 + "]" * 80 + "]}", "nested deeper"),
        ('{"fills":[{"a":1},]}', "not JSON at character 1"),
        ("{fills:[]}", "not JSON at character 1"),
        (f'{{"balance":1,"portfolio_value":2,"fills":[{FILL}]}}', "separate the two"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_place(text: str, said: str) -> None:
    assert said in refusal(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{FILL}\n{{oops}}\n{FILL}\n", "line 2: not JSON at character 1"),
        (f"{{oops}}\n{FILL}\n", "line 1: not JSON at character 1"),
        (f"{FILL}\n{FILL[:-5]}", "the last line (2) breaks off"),
        (f"{FILL}\n\n[{FILL}]\n", "line 3: an array"),
        (f'{FILL}\n{{"a":1}}\n', "line 2: an object with 'a'"),
    ],
)
def test_a_broken_line_refuses_the_file_with_its_number(text: str, said: str) -> None:
    assert said in refusal(text)


def test_a_row_with_a_repeated_key_is_kept() -> None:
    row = '{"trade_id":"a","order_id":"o","ticker":"KX","trade_id":"b"}'
    for text in (row, f"[{row}]", f'{{"fills":[{row}]}}', f"{row}\n{row}\n"):
        assert texts(take(text))[0] == row


@pytest.mark.parametrize("key", ["ticker", "fill_id", "created_time", "odd\\udfff"])
def test_half_a_character_in_escapes_is_kept_verbatim(key: str) -> None:
    row = f'{{"order_id":"o","{key}":"\\ud800","note":"\\udc00\\ud800"}}'
    kinds = ("fills", "settlements", "markets", "event_positions")
    for kind in kinds:
        taken = take(f'{{"{kind}":[{row}],"\\ud800":1}}', as_of=NOON)
        assert texts(taken) == [row]
        assert "\n".join(taken.notes).encode()
    assert len(payloads(take(f'{{"fills":[{row}]}}'))) == 1
