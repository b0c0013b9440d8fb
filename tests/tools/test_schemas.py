"""Specifications as files: every form that is understood, and every one that is refused."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.errors import NotUnderstoodError, UsageError
from tools import schemas
from tools.schemas import Schema, Specification, read_specification

HEAD = "openapi: 3.0.0\ninfo: {title: Made, version: '1'}\n"
EMPTY = HEAD + "components: {schemas: {}}\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "made.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def specification(named: dict[str, Any]) -> Specification:
    document = {"components": {"schemas": named}}
    return Specification("made.yaml", "OpenAPI", "Made", "1", document)


def resolved(node: object, **named: object) -> Schema:
    return specification(named).resolve(node)


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


# --- documents -----------------------------------------------------------------------------------


def test_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    document = {
        "openapi": "3.1.0",
        "info": {"title": "A  title\nof two lines", "version": "3.10"},
        "components": {"schemas": {"Fill": {"type": ["string", "null"], "nullable": True}}},
    }
    for text in (
        yaml.safe_dump(document),
        json.dumps(document),
        json.dumps(document, indent="\t"),
        "\ufeff" + json.dumps(document).replace('"openapi"', '\n"openapi"'),
        "%YAML 1.2\n---\n" + yaml.safe_dump(document),
    ):
        read = read_specification(written(tmp_path, text))
        assert (read.family, read.name) == ("OpenAPI", "A title of two lines 3.10")
        assert read.resolve(read.find("Fill")).types == ("string", "null")


def test_a_mapping_in_braces_may_be_yaml(tmp_path: Path) -> None:
    text = "{asyncapi: 3.0.0, components: {schemas: {yes: {type: string}}}}"
    read = read_specification(written(tmp_path, text))
    assert (read.family, read.find("yes")) == ("AsyncAPI", {"type": "string"})
    assert read.name == str(tmp_path / "made.yaml")


@pytest.mark.parametrize("version", ["1.10", "'1.10'", "!!str 1.10", "!!float 1.10"])
def test_a_version_is_told_as_it_is_written(tmp_path: Path, version: str) -> None:
    text = f"openapi: 3.0\ninfo: {{version: {version}, title: Made}}\ncomponents: {{schemas: {{}}}}"
    assert read_specification(written(tmp_path, text)).name == "Made 1.10"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a mapping is expected"),
        ("- openapi", "a mapping is expected"),
        ("[1", "not readable as YAML: did not find expected"),
        ("a: [\n  1\nb: 2", "in line 3"),
        ("a: \x01", "not readable as YAML: unacceptable character"),
        ("a: 1\n---\nb: 2", "another document"),
        ("? [a]\n: b", "unhashable key in line 1"),
        ("a: *b", "undefined alias"),
        ("a: !!python/object:os.system b", "determine a constructor"),
        ("a: !!timestamp b", "determine a constructor"),
        ("a: &a {b: c}\n!!merge <<: *a", "determine a constructor"),
        ("[" * 100_000, "nested more than 64 deep"),
        ("- " * 100_000, "nested more than 64 deep"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("{}", "neither OpenAPI 3 nor AsyncAPI 3 .version 'unknown'"),
        ("swagger: '2.0'", "version '2.0'"),
        ("openapi: 2.0.0", "version '2.0.0'"),
        ("asyncapi: 2.6.0", "version '2.6.0'"),
        ("openapi: [3.0]", "neither OpenAPI 3"),
        ("openapi: 3.0.0", "no components.schemas"),
        ("openapi: 3.0.0\ncomponents: []", "no components.schemas"),
        ("openapi: 3.0.0\ncomponents: {schemas: []}", "no components.schemas"),
    ],
)
def test_what_is_no_specification_is_refused_with_the_reason(
    tmp_path: Path, text: str, told: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(NotUnderstoodError, match=told) as caught:
        read_specification(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_file_that_cannot_be_read_is_a_wrong_request(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_specification(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="directory"):
        read_specification(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.yaml")
    path.write_bytes(b"openapi: \xff")
    with pytest.raises(NotUnderstoodError, match="not UTF-8 at byte 9") as caught:
        read_specification(path)
    assert str(caught.value).encode().isascii()


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(schemas.BYTES_MAX + 1)
    with pytest.raises(NotUnderstoodError, match="larger than 20,971,520 bytes"):
        read_specification(path)


def test_a_file_of_too_many_values_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schemas, "NODES_MAX", 1000)
    read_specification(written(tmp_path, EMPTY + f"more: [{'a,' * 900}]"))
    with pytest.raises(NotUnderstoodError, match="more than 1,000 values"):
        read_specification(written(tmp_path, EMPTY + f"more: [{'a,' * 1000}]"))


def test_merge_keys_merge_nothing(tmp_path: Path) -> None:
    levels = [f"l{n}: &l{n} {{<<: [{', '.join([f'*l{n - 1}'] * 50)}]}}" for n in range(1, 20)]
    text = HEAD + "components: {schemas: {}}\nl0: &l0 {a: b}\n" + "\n".join(levels)
    read = read_specification(written(tmp_path, text))
    assert list(read.document["l19"]) == ["<<"]


def test_aliases_of_aliases_are_cut_off_where_they_grow(tmp_path: Path) -> None:
    levels = [f"    l{n}: &l{n} {{allOf: [*l{n - 1}, *l{n - 1}]}}" for n in range(1, 40)]
    text = HEAD + "components:\n  schemas:\n    l0: &l0 {type: string}\n" + "\n".join(levels)
    read = read_specification(written(tmp_path, text))
    assert read.resolve(read.find("l3")).types == ("string",)
    with pytest.raises(NotUnderstoodError, match="nested in too many others"):
        read.resolve(read.find("l39"))


def test_an_alias_within_itself_is_cut(tmp_path: Path) -> None:
    text = HEAD + "components:\n  schemas:\n    A: &a {type: object, allOf: [*a]}\n"
    read = read_specification(written(tmp_path, text))
    assert read.resolve(read.find("A")) == Schema(types=("object",))


# --- schemas -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("node", "types"),
    [
        ({"type": "string"}, ("string",)),
        ({"type": "string", "nullable": True}, ("string", "null")),
        ({"type": "string", "nullable": "yes"}, ("string",)),
        ({"type": ["string", "null"], "nullable": True}, ("string", "null")),
        ({"nullable": True}, ()),
        ({}, ()),
        (True, ()),
        ({"properties": {"a": {}}}, ("object",)),
        ({"items": {}}, ("array",)),
        (reference("Text"), ("string",)),
        ({**reference("Text"), "nullable": True}, ("string", "null")),
        (reference("Link"), ("string",)),
        ({"allOf": [reference("Text")], "nullable": True}, ("string", "null")),
        ({"allOf": [{"type": "number"}, {"type": "integer"}]}, ("integer",)),
        ({"allOf": [{"type": "string"}, {"type": "boolean"}]}, ("string", "boolean")),
        ({"type": ["null", "string"], "allOf": [reference("Text")]}, ("string",)),
        ({"oneOf": [reference("Text"), {"type": "null"}]}, ("string", "null")),
        ({"anyOf": [{"type": "integer"}, reference("Text")]}, ("integer", "string")),
        ({"anyOf": [{"type": "integer"}, {}]}, ()),
        ({"type": "string", "oneOf": [{}, {"type": "null"}]}, ("string",)),
        ({"type": "string", "oneOf": []}, ("string",)),
        ({"$ref": "#"}, ()),
        (reference("Loop"), ()),
        (reference("Ring"), ("string",)),
        (reference("To"), ()),
        ({"anyOf": [reference("To"), {"type": "string"}]}, ("string",)),
        (reference("a~1b"), ("boolean",)),
        (reference("a%20b"), ("null",)),
        ({"$ref": "#/components/schemas/Ring/oneOf/1"}, ("string",)),
    ],
)
def test_types_are_resolved(node: object, types: tuple[str, ...]) -> None:
    named = {
        "Text": {"type": "string"},
        "Link": reference("Text"),
        "Loop": {"allOf": [reference("Loop")]},
        "Ring": {"oneOf": [reference("Ring"), {"type": "string"}]},
        "To": reference("Fro"),
        "Fro": reference("To"),
        "a/b": {"type": "boolean"},
        "a b": {"type": "null"},
    }
    assert resolved(node, **named).types == types


def test_parts_that_all_hold_promise_the_keys_of_all() -> None:
    parts = [
        {"properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"properties": {"a": {"minLength": 1}, "b": {}}, "required": ["b"]},
    ]
    schema = resolved({"allOf": parts, "required": ["c"]})
    assert schema.required == {"a", "b", "c"}
    assert schema.properties == {"a": {"allOf": [{"type": "string"}, {"minLength": 1}]}, "b": {}}


def test_alternatives_promise_the_keys_that_each_of_them_promises() -> None:
    parts = [
        {"properties": {"a": {"type": "string"}, "b": {}}, "required": ["a", "b"]},
        {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
        {"type": "null"},
    ]
    schema = resolved({"oneOf": parts})
    assert schema.types == ("object", "null")
    assert schema.required == {"a"}
    assert resolved(schema.properties["a"]).types == ("string", "integer")


def test_a_promise_that_is_no_list_is_that_of_a_parameter() -> None:
    assert resolved({"type": "string", "required": "true"}) == Schema(types=("string",))


def test_what_is_left_out_when_empty_is_told_by_the_nearest_word() -> None:
    named = {"Text": {"type": "string", "x-omitempty": True}}
    assert resolved(reference("Text"), **named).omitempty is True
    assert resolved({**reference("Text"), "x-omitempty": False}, **named).omitempty is False
    assert resolved({"type": "string", "x-omitempty": "no"}).omitempty is None


def test_a_schema_can_be_found_below_another() -> None:
    payload = {"properties": {"msg": reference("Text")}}
    found = specification({"Payload": {"allOf": [payload]}, "Text": {"type": "string"}})
    assert found.find("Payload.msg") == reference("Text")
    assert found.find("Payload.other") is None
    assert found.find("Other.msg") is None


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (None, "'None' stands where a schema is expected"),
        ([], r"'\[\]' stands where"),
        (reference("None"), "points at nothing"),
        ({"$ref": "#/components/schemas/List/2"}, "points at nothing"),
        ({"$ref": "#/components/schemas/Text/type/0"}, "points at nothing"),
        ({"$ref": "other.yaml#/Fill"}, "leaves the document: bundle"),
        ({"$ref": ["#/a"]}, "leaves the document"),
        ({"type": "file"}, "type 'file' is no type of JSON"),
        ({"type": ["string", ["null"]]}, "is no type of JSON"),
        ({"type": {}}, "`type` is no list"),
        ({"allOf": {}}, "`allOf` is no list"),
        ({"anyOf": ["a"]}, "'a' stands where"),
        ({"properties": []}, "`properties` is no mapping"),
    ],
)
def test_schemas_that_make_no_sense_are_refused(node: object, told: str) -> None:
    with pytest.raises(NotUnderstoodError, match=told) as caught:
        resolved(node, Text={"type": "string"}, List=[{}, {}])
    assert str(caught.value).startswith("made.yaml: ")


def test_a_long_chain_of_references_is_refused() -> None:
    chain = {f"L{n}": reference(f"L{n + 1}") for n in range(100)}
    with pytest.raises(NotUnderstoodError, match="nested in too many others"):
        resolved(reference("L0"), **chain)
