"""`drift --spec`: a difference is found where there is one, and nowhere else."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import kinds
from domain.errors import NotUnderstoodError
from domain.kinds import KINDS, Kind
from domain.shapes import Reader
from tests.shared_data import SHARED, needs_shared_data
from tools.outcome import Outcome
from tools.schemas import Specification
from tools.specification import SCHEMAS, Comparison, compare, compare_kind
from tools.trial import declared

OPENAPI: Final = SCHEMAS["OpenAPI"]
EVERY_READER: Final = [(kind, reader) for kind in KINDS for reader in kind.readers]
EXAMPLES: Final = 8

OLD: Final = Reader(
    kind="made.thing",
    name="old",
    spoken="2025",
    required={"id": "string", "count": "integer"},
    absent=frozenset({"count_fp"}),
)
NEW: Final = Reader(
    kind="made.thing",
    name="new",
    spoken="2026",
    required={"id": "string", "count_fp": "string", "at": "string"},
    optional={"note": "string", "price": "number|integer"},
    ignored={
        "count": "integer",
        "parts": "array|null",
        "parts[]": "object",
        "parts[].size": "string",
    },
    opaque=frozenset({"free"}),
)
THING: Final = Kind(name="made.thing", readers=(OLD, NEW), fact=None)

TEXT: Final = {"type": "string"}
INTEGER: Final = {"type": "integer"}
THING_NEW: Final[Mapping[str, object]] = {"id": TEXT, "count_fp": TEXT, "at": TEXT}


def specification(named: Mapping[str, object]) -> Specification:
    return Specification("made", "OpenAPI", "Made", "1", {"components": {"schemas": named}})


def compared(
    properties: Mapping[str, object],
    *,
    promised: Iterable[str] | None = None,
    kind: Kind = THING,
) -> Comparison:
    """Compare a schema Thing; it promises every key unless told otherwise."""
    required = list(properties if promised is None else promised)
    schema = {"type": "object", "properties": dict(properties), "required": required}
    return compare_kind(specification({"Thing": schema}), "Thing", kind)


# --- one difference at a time --------------------------------------------------------------------


def test_what_is_read_as_it_is_has_no_difference() -> None:
    told = compared({**THING_NEW, "note": TEXT, "count": INTEGER}, promised=THING_NEW)
    assert told == Comparison("Thing", "made.thing", "new", "known")


def test_a_schema_that_is_not_there_is_a_difference() -> None:
    told = compare_kind(specification({}), "Thing", THING)
    assert (told.status, told.reader) == ("missing", None)
    assert told.differences == ("Thing is not in this specification",)


def test_a_key_that_nobody_has_listed_is_told_once_with_its_types() -> None:
    brand_new = {"type": "number", "nullable": True}
    told = compared({**THING_NEW, "brand_new": brand_new}, promised=THING_NEW)
    assert (told.status, told.reader) == ("additive", "new")
    assert told.keys_added == ("brand_new:integer", "brand_new:null", "brand_new:number")
    assert told.differences == (
        "Thing.brand_new (integer or null or number) is new to generation new",
    )


def test_a_type_that_a_key_is_not_listed_with_is_new_too() -> None:
    told = compared({**THING_NEW, "count": {**INTEGER, "nullable": True}})
    assert (told.status, told.keys_added) == ("additive", ("count:null",))
    assert told.differences == ("Thing.count (null) is new to generation new",)


def test_a_key_that_is_gone_is_told_with_the_generation_that_requires_it() -> None:
    told = compared({"id": TEXT, "count_fp": TEXT})
    assert (told.status, told.reader, told.keys_missing) == ("unknown", None, ("at",))
    assert told.differences == ("Thing.at is gone; generation new requires it",)
    assert told.notes == ("Thing is not read as it is; the nearest generation is new",)


def test_a_key_that_another_generation_must_not_have_is_told() -> None:
    told = compared({"id": TEXT, "count": INTEGER, "count_fp": TEXT}, kind=_only(OLD))
    assert (told.status, told.keys_added) == ("unknown", ("count_fp:string",))
    assert told.differences == ("Thing.count_fp (string) is new to generation old",)


def test_a_required_key_of_another_type_is_told() -> None:
    told = compared({**THING_NEW, "count_fp": INTEGER, "extra": TEXT})
    assert (told.status, told.types_differing) == ("unknown", ("count_fp:integer",))
    assert told.differences == (
        "Thing.count_fp may be integer; generation new reads string",
        "Thing.extra (string) is new to generation new",
    )


@pytest.mark.parametrize(
    "either",
    [
        {"oneOf": [TEXT, {"type": "integer"}]},
        {"anyOf": [{"type": "integer"}, TEXT]},
        {"type": ["integer", "string"]},
    ],
)
def test_a_type_among_others_that_no_generation_reads_is_told(either: object) -> None:
    told = compared({**THING_NEW, "at": either})
    assert (told.status, told.reader) == ("partly", "new")
    assert told.differences == ("Thing.at may be integer; generation new reads string",)


@pytest.mark.parametrize(
    "nullable",
    [
        {"type": "string", "nullable": True},
        {"type": ["string", "null"]},
        {"oneOf": [{"type": "null"}, TEXT]},
        {"allOf": [TEXT], "nullable": True},
    ],
)
def test_a_required_key_that_may_be_null_is_told_and_an_optional_one_is_not(
    nullable: object,
) -> None:
    told = compared({**THING_NEW, "at": nullable, "note": nullable})
    assert (told.status, told.types_differing) == ("partly", ("at:null",))
    assert told.differences == ("Thing.at may be null; generation new reads string",)


def test_a_number_may_be_written_without_a_fraction() -> None:
    number = {"type": "number"}
    assert compared({**THING_NEW, "price": number}).status == "known"
    strict = Reader(kind="made.thing", name="strict", spoken="", required={"price": "number"})
    told = compared({"price": number}, kind=_only(strict))
    assert told.differences == ("Thing.price may be integer; generation strict reads number",)


def test_a_required_key_that_is_not_promised_is_told() -> None:
    told = compared(THING_NEW, promised=["id", "count_fp"])
    assert (told.status, told.may_be_absent) == ("partly", ("at",))
    assert told.differences == ("Thing.at may be absent; no generation reads the rest then",)


def test_a_key_without_which_another_generation_reads_the_rest_is_a_note() -> None:
    later = Reader(
        kind="made.thing", name="later", spoken="", required={**NEW.required, "shard": "integer"}
    )
    told = compared(
        {**THING_NEW, "shard": INTEGER}, promised=THING_NEW, kind=_only(OLD, NEW, later)
    )
    assert (told.status, told.reader, told.differences) == ("known", "later", ())
    assert told.notes == ("Thing.shard may be absent; generation new reads the rest then",)


def test_keys_that_may_be_left_out_singly_and_not_together_are_told() -> None:
    by_name = Reader(kind="made.thing", name="1", spoken="", required={"a": "string"})
    by_number = Reader(kind="made.thing", name="2", spoken="", required={"b": "string"})
    both = Reader(kind="made.thing", name="3", spoken="", required={"a": "string", "b": "string"})
    kind = _only(by_name, by_number, both)
    told = compared({"a": TEXT, "b": TEXT}, promised=[], kind=kind)
    assert (told.status, told.reader) == ("partly", "3")
    assert told.differences == ("Thing with the promised keys only is not read (unknown_shape)",)
    assert len(told.notes) == 2


def test_what_two_generations_read_is_ambiguous() -> None:
    told = compared(
        {"a": TEXT},
        kind=_only(
            Reader(kind="made.thing", name="1", spoken="", required={"a": "string"}),
            Reader(kind="made.thing", name="2", spoken="", required={"a": "string"}),
        ),
    )
    assert (told.status, told.reader) == ("ambiguous", None)
    assert told.differences == ("Thing is read by more than one generation",)


def test_what_keeps_every_generation_off_without_a_key_of_its_own_is_told() -> None:
    """The one leaves the key to itself, the other reads it, and needs more."""
    told = compared(
        {"free": {}},
        kind=_only(
            Reader(kind="made.thing", name="1", spoken="", required={}, opaque=frozenset({"free"})),
            Reader(
                kind="made.thing",
                name="2",
                spoken="",
                required=dict.fromkeys("abcd", "string"),
                optional={"free": "object"},
            ),
        ),
    )
    assert told.differences == ("Thing is read by no generation",)


@pytest.mark.parametrize(
    ("omitempty", "promised", "status"),
    [
        (None, True, "known"),
        (None, False, "partly"),
        (False, False, "known"),
        (True, True, "partly"),
    ],
)
def test_a_server_that_leaves_nothing_out_promises_the_key(
    *, omitempty: bool | None, promised: bool, status: str
) -> None:
    at = TEXT if omitempty is None else {**TEXT, "x-omitempty": omitempty}
    keys = [key for key in THING_NEW if key != "at" or promised]
    assert compared({**THING_NEW, "at": at}, promised=keys).status == status


def test_below_a_listed_key_every_key_is_looked_at() -> None:
    size = {"size": {"type": "string", "nullable": True}, "weight": INTEGER, "more": {"items": {}}}
    parts = {"type": "array", "items": {"type": "object", "properties": size}}
    told = compared({**THING_NEW, "parts": parts})
    assert told.keys_added == (
        "parts[].more:array",
        "parts[].size:null",
        "parts[].weight:integer",
    )
    assert "Thing.parts[].weight (integer) is new to generation new" in told.differences


def test_below_a_key_that_is_new_or_free_nothing_is_looked_at() -> None:
    deep = {"type": "object", "properties": {"inner": {"$ref": "nowhere"}}}
    told = compared({**THING_NEW, "free": deep, "list": {"type": "array", "items": deep}})
    assert told.keys_added == ("list:array",)


def test_a_key_without_a_type_is_what_the_newest_generation_reads() -> None:
    told = compared({key: {} for key in (*THING_NEW, "count", "parts")})
    assert told.status == "known"


def test_a_schema_that_contains_itself_is_read_as_far_as_it_is_listed() -> None:
    thing: dict[str, Any] = {"properties": dict(THING_NEW), "required": list(THING_NEW)}
    itself = {"$ref": "#/components/schemas/Thing"}
    thing["properties"]["parts"] = {"type": "array", "items": itself}
    told = compare_kind(specification({"Thing": thing}), "Thing", THING)
    assert told.keys_added == (
        "parts[].at:string",
        "parts[].count_fp:string",
        "parts[].id:string",
        "parts[].parts:array",
    )


def test_a_schema_that_is_no_object_lacks_every_key() -> None:
    told = compare_kind(specification({"Thing": TEXT}), "Thing", THING)
    assert (told.status, told.keys_missing) == ("unknown", ("count", "id"))


def test_keys_that_move_the_cursor_stay_text() -> None:
    told = compared({**THING_NEW, "\x1b[31m:\n": TEXT})
    assert told.keys_added == ('"\\u001b[31m:\\n":string',)


def _only(*readers: Reader) -> Kind:
    return Kind(name="made.thing", readers=readers, fact=None)


# --- what readers declare ------------------------------------------------------------------------


def schema_of(reader: Reader, spelling: int, left_out: frozenset[str]) -> dict[str, Any]:
    """Return the schema that a reader's own declaration amounts to, but for some keys."""
    tree: dict[str, Any] = {}
    for path, types in declared(reader).items():
        if path not in left_out | reader.absent:
            _grow(tree, path, types)
    schema = {"type": "object", "properties": tree, "required": list(reader.required)}
    for path in reader.optional.keys() & tree.keys():
        tree[path]["type"].append("null")
    return dict(_spelled(schema, spelling))


def _grow(tree: dict[str, Any], path: str, types: str) -> None:
    steps = path.split(".")
    for step in steps[:-1]:
        tree = tree.setdefault(step.removesuffix("[]"), {})
        tree = tree.setdefault("items", {}) if step.endswith("[]") else tree
        tree = tree.setdefault("properties", {})
    last = steps[-1]
    node = tree.setdefault(last.removesuffix("[]"), {})
    node = node.setdefault("items", {}) if last.endswith("[]") else node
    node["type"] = types.split("|")


def _spelled(node: Any, spelling: int) -> Any:  # noqa: ANN401 - JSON
    """Write lists of types in one of the ways in which the standards let people write them."""
    if not isinstance(node, dict):
        return node
    spelled = {key: _spelled(inner, spelling) for key, inner in node.items()}
    types = spelled.get("type")
    if not isinstance(types, list) or spelling == 0:
        return spelled
    del spelled["type"]
    if spelling == 1:
        return {"oneOf": [{"type": name} for name in types], **spelled}
    if spelling == 2:
        return {"allOf": [{"type": types}, spelled]}
    rest = [name for name in types if name != "null"]
    return {"anyOf": [{"type": name} for name in rest], "nullable": "null" in types, **spelled}


@settings(max_examples=EXAMPLES)
@given(data=st.data(), spelling=st.integers(0, 3))
@pytest.mark.parametrize(
    ("kind", "reader"), EVERY_READER, ids=[f"{kind.name}-{one.name}" for kind, one in EVERY_READER]
)
def test_a_reader_reads_what_it_declares(
    kind: Kind, reader: Reader, data: st.DataObject, spelling: int
) -> None:
    spare = sorted(key for key in declared(reader).keys() - reader.required if "[" not in key)
    chosen = data.draw(st.frozensets(st.sampled_from(spare))) if spare else frozenset()
    schema = schema_of(reader, spelling, chosen)
    told = compare_kind(specification({"Thing": schema}), "Thing", kind)
    assert told == Comparison("Thing", kind.name, reader.name, "known")


@settings(max_examples=EXAMPLES)
@given(data=st.data())
@pytest.mark.parametrize(
    ("kind", "reader"), EVERY_READER, ids=[f"{kind.name}-{one.name}" for kind, one in EVERY_READER]
)
def test_no_change_of_a_declaration_goes_unseen(
    kind: Kind, reader: Reader, data: st.DataObject
) -> None:
    """Another generation may read what is left; this one does not."""
    schema = schema_of(reader, 0, frozenset())
    key = data.draw(st.sampled_from(sorted(reader.required)))
    change = data.draw(st.sampled_from(("gone", "null", "absent", "beside")))
    if change == "gone":
        del schema["properties"][key]
    elif change == "null":
        schema["properties"][key]["type"].append("null")
    elif change == "absent":
        schema["required"].remove(key)
    else:
        schema["properties"][f"{key}_beside"] = TEXT
    told = compare_kind(specification({"Thing": schema}), "Thing", kind)
    assert told.differences or told.notes or told.reader != reader.name


# --- whole documents -----------------------------------------------------------------------------


NO_TIME: Final = (
    "SPEC DRIFT kalshi.fill: Fill.created_time may be absent; no generation reads the rest then"
)


def written(folder: Path, family: str, named: Mapping[str, object]) -> Path:
    path = folder / "made.json"
    info = {"title": "Made", "version": "1.0"}
    document = {family: "3.0.0", "info": info, "components": {"schemas": named}}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def newest() -> dict[str, Any]:
    """Return the schemas that the newest readers declare."""
    return {
        name: schema_of(kinds.BY_NAME[kind].readers[-1], 0, frozenset())
        for name, kind in OPENAPI.items()
        if kind in kinds.BY_NAME
    }


def lines(told: Outcome) -> list[str]:
    return [line for line in told.body if isinstance(line, str)]


def test_a_specification_that_is_read_as_it_is_exits_0(tmp_path: Path) -> None:
    named = newest()
    told = compare(written(tmp_path, "openapi", named))
    assert told.exit_code == 0
    assert told.verdict == f"{len(named)} schemas compared with Made 1.0: all read as they are"
    assert lines(told) == []
    assert (told.data["title"], told.data["version"]) == ("Made", "1.0")
    first = told.data["schemas"][0]
    assert {name: first[name] for name in ("schema", "kind", "reader", "status")} == {
        "schema": "Fill",
        "kind": "kalshi.fill",
        "reader": kinds.BY_NAME["kalshi.fill"].readers[-1].name,
        "status": "known",
    }
    elsewhere = [each["schema"] for each in told.data["schemas"] if each["status"] == "elsewhere"]
    assert elsewhere == [
        name for name, kind in SCHEMAS["AsyncAPI"].items() if kind in kinds.BY_NAME
    ]


def test_differences_exit_1_one_a_line(tmp_path: Path) -> None:
    named = newest()
    named["Fill"]["properties"]["brand_new"] = TEXT
    named["Fill"]["required"].remove("created_time")
    named["Fill"]["required"].remove("exchange_index")
    del named["Deposit"]
    told = compare(written(tmp_path, "openapi", named))
    assert told.exit_code == 1
    assert told.verdict == f"3 differences in 2 of {len(named) + 1} schemas"
    assert lines(told) == [
        NO_TIME,
        "SPEC DRIFT kalshi.fill: Fill.brand_new (string) is new to generation 5",
        "SPEC DRIFT kalshi.deposit: Deposit is not in this specification",
        "note kalshi.fill: Fill.exchange_index may be absent; generation 4 reads the rest then",
    ]
    fill = told.data["schemas"][0]
    assert fill["keys_added"] == ("brand_new:string",)
    assert fill["may_be_absent"] == ("created_time",)
    json.dumps(dict(told.data))


def test_a_kind_that_is_not_there_or_not_read_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = newest()["Fill"]
    only = {
        "kalshi.fill": kinds.BY_NAME["kalshi.fill"],
        "kalshi.series": Kind(name="kalshi.series", readers=(), fact=None),
    }
    monkeypatch.setattr(kinds, "BY_NAME", only)
    told = compare(written(tmp_path, "openapi", {"Fill": fill}))
    assert told.verdict == "1 schema compared with Made 1.0: all read as they are"
    told = compare(written(tmp_path, "asyncapi", {}))
    assert told.exit_code == 1
    assert told.verdict == "nothing compared with Made 1.0: no reader is for what it describes"


def test_a_wrong_schema_refuses_the_document(tmp_path: Path) -> None:
    path = written(tmp_path, "openapi", {"Fill": {"$ref": "#/components/schemas/Gone"}})
    with pytest.raises(NotUnderstoodError, match="points at nothing"):
        compare(path)


# --- what Kalshi has published -------------------------------------------------------------------

NULL_TIME: Final = (
    "SPEC DRIFT kalshi.order: Order.created_time may be null; generation {} reads string"
)
PUBLISHED: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "openapi_3.13.0_2026-04": (
        "3b 3b 3 3 3 1 - - 1 2",
        (
            NO_TIME,
            NULL_TIME.format(3),
            "SPEC DRIFT kalshi.deposit: Deposit is not in this specification",
            "SPEC DRIFT kalshi.withdrawal: Withdrawal is not in this specification",
        ),
    ),
    "openapi_3.18.0_2026-05": ("4 3b 4 3 3 4 1 1 1 2", (NO_TIME, NULL_TIME.format(4))),
    "openapi_3.23.0_2026-07": ("4 3b 4 3 3 4 1 1 1 5", (NO_TIME, NULL_TIME.format(4))),
    "openapi_3.29.0_2026-08": ("5 5 4 3 5 4 1 1 1 5", (NO_TIME, NULL_TIME.format(4))),
    "openapi_3.34.0_2026-10-26": ("5 5 4 3 5 4 1 1 1 5", (NO_TIME, NULL_TIME.format(4))),
    "asyncapi_2.0.0_2026-10-26": ("5", ()),
}


@needs_shared_data
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_specifications_are_read_but_for_what_is_listed_here(name: str) -> None:
    told = compare(SHARED / "kalshi" / "openapi" / f"{name}.yaml")
    readers, differences = PUBLISHED[name]
    compared_with = [each for each in told.data["schemas"] if each["status"] != "elsewhere"]
    assert " ".join(each["reader"] or "-" for each in compared_with) == readers
    assert lines(told) == list(differences)
    assert told.exit_code == (1 if differences else 0)
