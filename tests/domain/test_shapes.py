"""Shapes see structure and nothing else; a shape is accepted by one reader or by none."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import shapes
from domain.jsontext import parse
from domain.kinds import KINDS, Kind
from domain.shapes import Choice, Reader, choose, shape_entries, shape_name, shape_of
from tests.made.json_values import FLAT_OBJECTS, KEYS, NUMBER_TEXTS, OBJECTS, VALUES, Raw, spell

READERS = (
    Reader("made", "old", "then", {"id": "string", "count": "integer"}, absent=frozenset({"fp"})),
    Reader(
        "made",
        "new",
        "now",
        {"id": "string", "fp": "string"},
        optional={"note": "string"},
        ignored={"count": "integer", "legs": "array|null", "legs[]": "object"},
        opaque=frozenset({"free"}),
    ),
)


def entries(text: str) -> frozenset[str]:
    """Return the entries of a payload text."""
    return shape_entries(parse(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", set()),
        ("[]", {":array"}),
        ("1", {":integer"}),
        ('{"a":1,"b":1.0,"c":"","d":true,"e":null}',
         {"a:integer", "b:number", "c:string", "d:boolean", "e:null"}),
        ('{"a":{"b":[{"c":1},[2]]}}',
         {"a:object", "a.b:array", "a.b[]:object", "a.b[].c:integer", "a.b[]:array",
          "a.b[][]:integer"}),
        ('{"a.b":1,"c[]":2,"d\\"":3,"":4}',
         {'"a.b":integer', '"c[]":integer', '"d\\"":integer', '"":integer'}),
        ('{"a":1,"a":2}', {":repeated", "a:integer"}),
        ('{"r":{"a":1,"a":"2"}}', {"r:repeated", "r.a:string"}),
    ],
)  # fmt: skip
def test_entries_are_paths_with_types(text: str, expected: set[str]) -> None:
    assert entries(text) == expected


def with_other_values(value: object) -> object:
    """Return the value with every scalar replaced by another one of its type."""
    if isinstance(value, dict):
        return {key: with_other_values(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_other_values(item) for item in value]
    if isinstance(value, Raw):
        return Raw("7" if value.lstrip("-").isdigit() else "7.25")
    return f"{value}!" if isinstance(value, str) else (not value if value is not None else None)


@given(VALUES)
def test_a_shape_ignores_values(value: object) -> None:
    assert entries(spell(value)) == entries(spell(with_other_values(value)))


@given(OBJECTS)
def test_a_shape_ignores_key_order(value: dict[str, object]) -> None:
    assert shape_of(parse(spell(value))) == shape_of(parse(spell(value, backwards=True)))


@given(OBJECTS, KEYS, st.sampled_from(("1", "1.5", '"x"', "true", "null", "[]", "{}")))
def test_a_shape_notices_every_other_type(value: dict[str, object], key: str, other: str) -> None:
    names = {
        shape_of(parse(spell({**value, key: Raw(text)})))
        for text in ("1", "1.5", '"x"', "true", "null", "[]", "{}")
    }
    without = shape_of(parse(spell({name: inner for name, inner in value.items() if name != key})))
    assert len(names | {without}) == 8
    assert shape_of(parse(spell({**value, key: Raw(other)}))) in names


@given(OBJECTS, OBJECTS)
def test_objects_with_other_keys_have_other_shapes(
    one: dict[str, object], other: dict[str, object]
) -> None:
    if set(one) != set(other):
        assert shape_of(parse(spell(one))) != shape_of(parse(spell(other)))


def test_a_key_that_looks_like_a_path_is_not_that_path() -> None:
    texts = ['{"a":{"b":1}}', '{"a":{},"a.b":1}', '{"a":[1]}', '{"a":[],"a[]":1}', '{"a:string":1}']
    assert len({shape_of(parse(text)) for text in texts}) == len(texts)


@given(st.one_of(FLAT_OBJECTS, OBJECTS))
def test_the_quick_way_for_flat_objects_gives_the_same_shape(value: dict[str, object]) -> None:
    payload = parse(spell(value))
    expected = shape_name(shape_entries(payload))
    assert shape_of(payload) == expected
    assert shape_of(payload) == expected


@given(NUMBER_TEXTS)
def test_only_the_spelling_of_a_number_makes_it_an_integer(text: str) -> None:
    kind = "integer" if text.lstrip("-").isdigit() else "number"
    assert entries(f'{{"n":{text}}}') == {f"n:{kind}"}


def test_repeated_keys_do_not_pass_for_the_same_shape_without() -> None:
    assert shape_of(parse('{"a":1,"a":1}')) != shape_of(parse('{"a":1}'))


def test_a_name_is_32_hex_digits_and_does_not_depend_on_order() -> None:
    name = shape_name(["b:string", "a:integer"])
    assert name == shape_name(["a:integer", "b:string"])
    assert len(name) == 32
    assert int(name, 16) >= 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"id":"x","count":1}', Choice("known", "old", None, nearest="old")),
        ('{"id":"x","fp":"1.00"}', Choice("known", "new", None, nearest="new")),
        ('{"id":"x","fp":"1.00","count":1}', Choice("known", "new", None, nearest="new")),
        ('{"id":"x","fp":"1.00","note":null}', Choice("known", "new", None, nearest="new")),
        ('{"id":"x","fp":"1.00","legs":[{}]}', Choice("known", "new", None, nearest="new")),
        ('{"id":"x","fp":"1.00","free":{"any":[1]}}',
         Choice("known", "new", None, nearest="new")),
        ('{"id":"x","fp":"1.00","count":"1"}',
         Choice("additive", "new", None, ("count:string",), nearest="new")),
        ('{"id":"x","fp":"1.00","legs":[{"px":1}]}',
         Choice("additive", "new", None, ("legs[].px:integer",), nearest="new")),
        ('{"id":"x","count":1,"new.key":2}',
         Choice("additive", "old", None, ('"new.key":integer',), nearest="old")),
        ('{"id":"x","count":1,"note":"n"}',
         Choice("unknown", None, "unknown_shape", (), ("fp",), "new")),
        ('{"id":"x","count":1,"note":"n","more":1}',
         Choice("unknown", None, "unknown_shape", ("more:integer",), ("fp",), "new")),
        ('{"id":"x","fp":null}',
         Choice("unknown", None, "unknown_shape", (), ("fp:null",), "new")),
        ('{"id":"x","fp":"1","note":5}',
         Choice("unknown", None, "unknown_shape", (), ("note:integer",), "new")),
        ('{"id":"x","count":1,"count":1}',
         Choice("unknown", None, "repeated_key", (":repeated",), (), "old")),
        ('{"id":"x","fp":"1","legs":[{"a":1,"a":1}]}',
         Choice("unknown", None, "repeated_key",
                ("legs[].a:integer", "legs[]:repeated"), (), "new")),
        ('[{"id":"x","count":1}]',
         Choice("unknown", None, "unknown_shape",
                (":array", "[].count:integer", "[].id:string", "[]:object"),
                ("fp", "id"), "new")),
    ],
)  # fmt: skip
def test_the_choice_for_a_shape(text: str, expected: Choice) -> None:
    assert choose(READERS, entries(text)) == expected


def test_of_equally_near_readers_the_newest_is_named() -> None:
    """Readers are declared in the order of their generations."""
    twins = [Reader("made", name, "then", {"id": "string"}) for name in ("one", "two", "three")]
    for readers in (twins, twins[::-1]):
        assert choose(readers, entries("{}")).nearest == readers[-1].name


def test_a_shape_that_two_readers_accept_is_read_by_none() -> None:
    loose = Reader("made", "loose", "ever", {"id": "string"}, ignored={"count": "integer"})
    found = choose((*READERS, loose), entries('{"id":"x","count":1}'))
    assert (found.status, found.reader, found.reason) == ("unknown", None, "ambiguous_shape")


def test_a_kind_without_readers_has_no_known_shape() -> None:
    assert choose((), entries("{}")) == Choice("unknown", None, "unknown_kind")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_two_readers_of_a_kind_can_accept_the_same_shape(kind: Kind) -> None:
    for one, other in combinations(kind.readers, 2):
        refused = (one.absent & other.required.keys()) | (other.absent & one.required.keys())
        apart = [
            key
            for key in one.required.keys() & other.required.keys()
            if not set(one.required[key].split("|")) & set(other.required[key].split("|"))
        ]
        assert refused or apart, f"{one.kind}: {one.name} and {other.name}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_reader_does_not_contradict_itself(kind: Kind) -> None:
    known_types = {*shapes.TYPE_NAMES.values()} - {"repeated"}
    for reader in kind.readers:
        read = reader.required.keys() | reader.optional.keys()
        assert not reader.required.keys() & reader.optional.keys()
        assert not reader.optional.keys() & reader.ignored.keys()
        assert not reader.absent & read
        assert not reader.opaque & reader.ignored.keys()
        for key in reader.opaque & read:
            assert {**reader.required, **reader.optional}[key] == "object"
        for types in (*reader.required.values(), *reader.optional.values()):
            assert set(types.split("|")) <= known_types - {"null"}
        for types in reader.ignored.values():
            assert set(types.split("|")) <= known_types


def test_readers_have_names_of_their_own_within_their_kind() -> None:
    for kind in KINDS:
        names = [reader.name for reader in kind.readers]
        assert len(names) == len(set(names))
        assert {reader.kind for reader in kind.readers} <= {kind.name}
