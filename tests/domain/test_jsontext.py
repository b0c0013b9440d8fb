"""JSON as text: nothing that a broker wrote is changed, and what is not JSON is refused."""

import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import jsontext
from domain.jsontext import (
    DEPTH_MAX,
    Integer,
    JsonTextError,
    Number,
    Real,
    RepeatedKeys,
    canonical,
    digest,
    elements,
    members,
    parse,
)
from tests.made.json_values import NUMBER_TEXTS, OBJECTS, SCALARS, SPACES, VALUES, Raw, spell

WAYS = st.tuples(st.booleans(), st.booleans())


def plain(value: object) -> object:
    """Return what was spelled, with numbers as their text."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return ("number", str(value)) if isinstance(value, Raw | Number) else value


@given(NUMBER_TEXTS)
def test_a_number_keeps_its_text_byte_for_byte(text: str) -> None:
    value = parse(text)
    assert value == text
    assert type(value) is (Integer if re.fullmatch(r"-?[0-9]+", text) else Real)
    assert canonical(value) == text


@given(VALUES, SPACES, WAYS)
def test_parsing_returns_what_was_spelled(
    value: object, space: str, ways: tuple[bool, bool]
) -> None:
    text = spell(value, space, backwards=ways[0], ascii_only=ways[1])
    assert plain(parse(f"{space}{text}{space}")) == plain(value)


@given(VALUES, SPACES, WAYS)
def test_canonical_text_ignores_key_order_and_white_space(
    value: object, space: str, ways: tuple[bool, bool]
) -> None:
    other = spell(value, space, backwards=ways[0], ascii_only=ways[1])
    assert canonical(parse(other)) == canonical(parse(spell(value)))
    assert digest(parse(other)) == digest(parse(spell(value)))


@given(VALUES)
def test_canonical_text_parses_to_the_same_value(value: object) -> None:
    first = parse(spell(value))
    assert plain(parse(canonical(first))) == plain(first)


@given(VALUES, VALUES)
def test_different_values_have_different_canonical_texts(one: object, other: object) -> None:
    first, second = parse(spell(one)), parse(spell(other))
    assert (canonical(first) == canonical(second)) == (plain(first) == plain(second))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.0", "1.00"),
        ("1", "1.0"),
        ("1e2", "100"),
        ("1E2", "1e2"),
        ("0", "-0"),
        ("1", '"1"'),
        ("null", '"null"'),
        ('{"a":null}', "{}"),
        ("true", "1"),
        ("[]", "{}"),
    ],
)
def test_canonical_text_tells_spellings_and_types_apart(one: str, other: str) -> None:
    assert canonical(parse(one)) != canonical(parse(other))
    assert digest(parse(one)) != digest(parse(other))


def test_an_escaped_character_is_the_same_content_as_the_character() -> None:
    assert canonical(parse('"\\u00e9\\/"')) == canonical(parse('"é/"')) == '"é/"'


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '{"a":[NaN]}'])
def test_numbers_that_json_does_not_have_are_refused(text: str) -> None:
    with pytest.raises(JsonTextError, match="is not JSON"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "[1,]",
        '{"a":1,}',
        "{a:1}",
        "{'a':1}",
        "01",
        "+1",
        ".5",
        "1.",
        "0x1",
        "1_000",
        "\u0661",
        '"\t"',
        '"\\x41"',
        "nul",
        "True",
        "1 2",
        "[] []",
        "\ufeff{}",
        "\u00a0{}",
        "{}\u2028",
        "\x0b1",
        "\x0c1",
        "1\x00",
        "//x\n1",
    ],
)
def test_what_is_not_json_is_refused_with_the_place(text: str) -> None:
    with pytest.raises(JsonTextError, match=r"at character \d+"):
        parse(text)


def test_a_repeated_key_is_remembered_at_any_depth() -> None:
    value = parse('{"a":[{"b":1,"b":2}]}')
    assert isinstance(value, dict)
    assert type(value) is dict
    inner = value["a"][0]
    assert type(inner) is RepeatedKeys
    assert inner == {"b": "2"}
    assert inner.pairs == [("b", "1"), ("b", "2")]
    assert canonical(value) == '{"a":[!{"b":1,"b":2}]}'
    assert canonical(value) != canonical(parse('{"a":[{"b":2}]}'))


@given(*[st.lists(st.tuples(st.sampled_from("ab"), SCALARS), min_size=3, max_size=4)] * 2)
def test_objects_with_repeated_keys_have_one_text_only_if_they_say_the_same_in_the_same_order(
    one: list[tuple[str, object]], other: list[tuple[str, object]]
) -> None:
    texts = [
        "{" + ",".join(f"{spell(key)}:{spell(value)}" for key, value in pairs) + "}"
        for pairs in (one, other)
    ]
    first, second = (parse(text) for text in texts)
    assert (canonical(first) == canonical(second)) == (texts[0] == texts[1])
    assert (digest(first) == digest(second)) == (texts[0] == texts[1])


@pytest.mark.parametrize("levels", [DEPTH_MAX, 900])
def test_depth_does_not_hide_behind_a_key_that_comes_twice(levels: int) -> None:
    with pytest.raises(JsonTextError, match="nested"):
        parse('{"a":' + "[" * levels + "]" * levels + ',"a":1}')


def test_the_greatest_depth_is_accepted_and_one_more_is_refused() -> None:
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        last = "{}" if opening.startswith("{") else "[]"
        parse(opening * (DEPTH_MAX - 1) + last + closing * (DEPTH_MAX - 1))
        with pytest.raises(JsonTextError, match=f"deeper than {DEPTH_MAX} levels"):
            parse(opening * DEPTH_MAX + last + closing * DEPTH_MAX)


@pytest.mark.parametrize("levels", [900, 100_000, 1_000_000])
def test_absurd_depth_is_an_error_and_not_a_crash(levels: int) -> None:
    with pytest.raises(JsonTextError, match="nested"):
        parse("[" * levels + "]" * levels)


def seconds_for(text: str) -> float:
    """Return the least time of three to parse the text."""
    times = []
    for _ in range(3):
        start = process_time()
        parse(text)
        times.append(process_time() - start)
    return min(times)


def test_the_depth_check_takes_time_in_proportion_to_the_text() -> None:
    branch = '{"a":' * 30 + "[]" + "}" * 30
    small, great = (f"[{','.join([branch] * count)}]" for count in (300, 3000))
    assert seconds_for(great) < 60 * seconds_for(small) + 0.5


@given(st.lists(VALUES, max_size=4), SPACES)
def test_elements_are_cut_out_of_their_array_as_written(values: list[object], space: str) -> None:
    text = f"{space}[{space}" + f"{space},{space}".join(map(spell, values)) + f"{space}]"
    found, end = elements(text, len(space))
    assert end == len(text)
    assert [part.text for part in found] == [spell(value) for value in values]
    assert all(part.text in text for part in found)
    assert [parse(part.text) for part in found] == [part.value for part in found]


@given(OBJECTS, SPACES)
def test_members_are_cut_out_of_their_object_as_written(
    value: dict[str, object], space: str
) -> None:
    text = spell(value, space) + "tail"
    found, end = members(text)
    assert text[end:] == "tail"
    assert list(found) == list(value)
    for key, part in found.items():
        whole = value[key]
        if isinstance(part, list):
            assert isinstance(whole, list)
            assert [piece.text for piece in part] == [spell(item, space) for item in whole]
        else:
            assert part.text == spell(whole, space)
            assert plain(part.value) == plain(whole)


def test_an_element_keeps_its_inner_white_space_and_loses_the_outer() -> None:
    found, end = elements('[ {"a" : 1.10 } ,\n2 ] x', 0)
    assert [part.text for part in found] == ['{"a" : 1.10 }', "2"]
    assert end == 21


@pytest.mark.parametrize("text", ["[", "[1", "[1 2]", "[1,]", "[,1]", '[{"a":1]', "[1}"])
def test_a_broken_array_is_refused(text: str) -> None:
    with pytest.raises(JsonTextError, match="character"):
        elements(text, 0)


@pytest.mark.parametrize(
    "text",
    ["{", '{"a"', '{"a"}', '{"a":', '{"a":1', '{"a":1,}', "{1:2}", '{"a":1 "b":2}', '{"a":[1}'],
)
def test_a_broken_object_is_refused(text: str) -> None:
    with pytest.raises(JsonTextError, match="character"):
        members(text)


def test_a_page_that_names_its_rows_twice_is_refused() -> None:
    with pytest.raises(JsonTextError, match="'fills' comes twice"):
        members('{"fills":[1],"fills":[2]}')


def test_a_key_spelled_in_two_ways_still_comes_twice() -> None:
    with pytest.raises(JsonTextError, match="comes twice"):
        members('{"fills":[1],"\\u0066ills":[2]}')


def test_rows_of_a_page_are_parsed_in_time_proportional_to_the_page() -> None:
    row = '{"a":' + "1" * 200 + ',"b":"x"}'
    start = process_time()
    found, _ = members('{"cursor":"","rows":[' + ",".join([row] * 20_000) + "]}")
    assert process_time() - start < 5
    rows = found["rows"]
    assert isinstance(rows, list)
    assert len(rows) == 20_000
    assert rows[-1] == jsontext.Slice({"a": "1" * 200, "b": "x"}, row)
