"""Published specifications: OpenAPI 3 and AsyncAPI 3, YAML or JSON, read without any network.

Of YAML only what JSON can say is understood, as both standards ask: no tags, no merge keys; numbers
and dates stay text. A schema is resolved when somebody asks for it:

    $ref          within the document; one that leads back to itself is cut there
    allOf         what all of the parts allow, with the keys of all of them
    oneOf, anyOf  what any of the parts allows; promised are the keys that all of them promise
    null          by `nullable`, by a list of types, or by a part that is null
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import unquote

import yaml

from adapters.files import shown
from domain.errors import NotUnderstoodError, UsageError

BYTES_MAX: Final = 20 * 1024 * 1024
NODES_MAX: Final = 1_000_000
RESOLVED_MAX: Final = 20_000
DEPTH_MAX: Final = 64

_SAFE: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

FAMILIES: Final[Mapping[str, str]] = {"openapi": "OpenAPI", "asyncapi": "AsyncAPI"}
TYPES: Final = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})


@dataclass(frozen=True, slots=True)
class Schema:
    """What a value may be. Parts that are not resolved yet are as they stand in the document.

    types       JSON types; empty where the specification does not say
    required    keys that it promises
    omitempty   whether an empty value is left out, where it says so (`x-omitempty`)
    """

    types: tuple[str, ...] = ()
    properties: Mapping[str, object] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    items: object = None
    omitempty: bool | None = None


@dataclass(slots=True)
class Specification:
    """One document, with the name of the file that it came from."""

    file: str
    family: str
    title: str
    version: str
    document: Mapping[str, Any]
    resolved: int = 0

    @property
    def name(self) -> str:
        """Title and version, as people say them."""
        return f"{self.title} {self.version}".strip()

    def find(self, name: str) -> object | None:
        """Return the schema with a name like `Fill` or `fillPayload.msg`, None where it is not."""
        root, *keys = name.split(".")
        node: object = self.document["components"]["schemas"].get(root)
        for key in keys:
            if node is None:
                return None
            node = self.resolve(node).properties.get(key)
        return node

    def resolve(self, node: object) -> Schema:
        """Return what a schema says, its references and alternatives followed."""
        return self._resolve(node, ()) or Schema()

    def _resolve(self, node: object, within: tuple[object, ...]) -> Schema | None:
        """Return what a schema says, None for a reference that leads back to where it stands."""
        self.resolved += 1
        if self.resolved > RESOLVED_MAX or len(within) > DEPTH_MAX:
            raise self._wrong("its schemas are nested in too many others")
        if node is True:
            return Schema()
        if not isinstance(node, dict):
            raise self._wrong(f"{str(node)[:40]!r} stands where a schema is expected")
        within = (*within, node)
        parts = [self._own(node)]
        if "$ref" in node:
            meant = self._parts([self._target(node["$ref"])], within)
            if not meant:
                return None
            parts += meant
        parts += self._parts(self._listed(node, "allOf"), within)
        for word in ("oneOf", "anyOf"):
            alternatives = self._parts(self._listed(node, word), within)
            parts += [_any(alternatives)] if alternatives else []
        whole = _all(parts)
        if node.get("nullable") is True and whole.types and "null" not in whole.types:
            whole = replace(whole, types=(*whole.types, "null"))
        return whole

    def _parts(self, nodes: Iterable[object], within: tuple[object, ...]) -> list[Schema]:
        """Resolve the parts of a schema, except those that it is itself a part of."""
        resolved = (
            self._resolve(node, within)
            for node in nodes
            if not any(node is outer for outer in within)
        )
        return [schema for schema in resolved if schema is not None]

    def _own(self, node: Mapping[str, Any]) -> Schema:
        properties = node.get("properties", {})
        if not isinstance(properties, dict):
            raise self._wrong("`properties` is no mapping")
        named = node.get("type")
        types = (named,) if isinstance(named, str) else tuple(self._listed(node, "type"))
        if not TYPES.issuperset(map(str, types)):
            raise self._wrong(f"type {str(named)[:40]!r} is no type of JSON")
        if not types and (properties or "items" in node):
            types = ("object",) if properties else ("array",)
        required = node.get("required")
        omitempty = node.get("x-omitempty")
        return Schema(
            types,
            {str(key): value for key, value in properties.items()},
            frozenset(map(str, required)) if isinstance(required, list) else frozenset(),
            node.get("items"),
            omitempty if isinstance(omitempty, bool) else None,
        )

    def _listed(self, node: Mapping[str, Any], word: str) -> Sequence[Any]:
        listed = node.get(word, [])
        if not isinstance(listed, list):
            raise self._wrong(f"`{word}` is no list")
        return listed

    def _target(self, reference: object) -> object:
        """Return what a reference points at."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            told = "bundle the specification into one file first"
            raise self._wrong(f"reference {str(reference)[:80]!r} leaves the document: {told}")
        target: object = self.document
        for step in unquote(reference[1:]).split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(target, dict) and key in target:
                target = target[key]
            elif isinstance(target, list) and key in map(str, range(len(target))):
                target = target[int(key)]
            else:
                raise self._wrong(f"reference {reference[:80]!r} points at nothing")
        return target

    def _wrong(self, what: str) -> NotUnderstoodError:
        return NotUnderstoodError(f"{self.file}: {what}")


def _all(parts: Sequence[Schema]) -> Schema:
    """Return what satisfies every part."""
    return Schema(
        reduce(_common, (part.types for part in parts)),
        _merged("allOf", parts),
        frozenset().union(*(part.required for part in parts)),
        _joined("allOf", [part.items for part in parts if part.items is not None]),
        next((part.omitempty for part in parts if part.omitempty is not None), None),
    )


def _any(parts: Sequence[Schema]) -> Schema:
    """Return what satisfies any part."""
    objects = [part.required for part in parts if not part.types or "object" in part.types]
    types = dict.fromkeys(name for part in parts for name in part.types)
    return Schema(
        tuple(types) if all(part.types for part in parts) else (),
        _merged("anyOf", parts),
        frozenset.intersection(*objects) if objects else frozenset(),
        _joined("anyOf", [part.items for part in parts if part.items is not None]),
        next((part.omitempty for part in parts if part.omitempty is not None), None),
    )


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """Return the types that both allow; all of them where the two contradict each other."""
    if not one or not other:
        return one or other
    common = [name for name in one if name in other]
    if "integer" not in common and {"integer", "number"} <= {*one, *other}:
        common.append("integer")
    return tuple(common) or (*one, *other)


def _merged(word: str, parts: Sequence[Schema]) -> Mapping[str, object]:
    keys = dict.fromkeys(key for part in parts for key in part.properties)
    return {
        key: _joined(word, [part.properties[key] for part in parts if key in part.properties])
        for key in keys
    }


def _joined(word: str, nodes: list[object]) -> object:
    return {word: nodes} if len(nodes) > 1 else next(iter(nodes), None)


# --- reading -------------------------------------------------------------------------------------


def read_specification(path: Path) -> Specification:
    """Read a document. Raise UsageError for no file, NotUnderstoodError for no specification."""
    file = shown(str(path))
    document = _parse(file, _text(file, path))
    if not isinstance(document, dict):
        raise NotUnderstoodError(f"{file}: no specification: a mapping is expected at its top")
    family = next((name for name in FAMILIES if name in document), None)
    if family is None or not str(document[family]).startswith("3."):
        version = document.get(family or "swagger", "unknown")
        told = f"neither OpenAPI 3 nor AsyncAPI 3 (version {str(version)[:20]!r})"
        raise NotUnderstoodError(f"{file}: {told}")
    components = document.get("components")
    schemas = components.get("schemas") if isinstance(components, dict) else None
    if not isinstance(schemas, dict):
        raise NotUnderstoodError(f"{file}: it has no components.schemas, so nothing to compare")
    info = document.get("info")
    title, version = (_line(info, key) for key in ("title", "version"))
    return Specification(file, FAMILIES[family], title or file, version, document)


def _line(info: object, key: str) -> str:
    value = info.get(key) if isinstance(info, dict) else None
    return " ".join(value.split()) if isinstance(value, str) else ""


def _text(file: str, path: Path) -> str:
    try:
        with path.open("rb") as opened:
            content = opened.read(BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror or error}") from error
    if len(content) > BYTES_MAX:
        raise NotUnderstoodError(f"{file}: larger than {BYTES_MAX:,} bytes; no specification is")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotUnderstoodError(f"{file}: not UTF-8 at byte {error.start}") from None


def _parse(file: str, text: str) -> object:
    try:
        if text.lstrip().startswith("{"):
            # YAML refuses some JSON: tabs, and letters written as two escapes
            try:
                return json.loads(text, parse_float=str, parse_int=str)
            except json.JSONDecodeError:
                pass
        return yaml.load(text, _Loader)  # noqa: S506 - it makes texts, lists and mappings only
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f" in line {mark.line + 1}" if mark else ""
        told = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise NotUnderstoodError(f"{file}: not readable as YAML: {told}{at}") from None
    except RecursionError:
        raise NotUnderstoodError(f"{file}: not readable: nested too deeply") from None


_TAG: Final = "tag:yaml.org,2002:"
_BOOL: Final = (f"{_TAG}bool", re.compile("^(?:true|false)$"))
_NULL: Final = (f"{_TAG}null", re.compile("^(?:null|~|)$"))


class _Loader(_SAFE):  # type: ignore[misc, valid-type]
    """The JSON of YAML: true, false, null and texts, in lists and mappings."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
        **{letter: [_BOOL] for letter in "tf"},
        **{letter: [_NULL] for letter in ("n", "~", "")},
    }
    yaml_constructors: ClassVar[dict[str | None, Any]] = {
        f"{_TAG}bool": lambda loader, node: loader.construct_scalar(node) == "true",
        f"{_TAG}null": lambda _loader, _node: None,
        **dict.fromkeys((f"{_TAG}int", f"{_TAG}float"), _SAFE.construct_yaml_str),
        f"{_TAG}str": _SAFE.construct_yaml_str,
        f"{_TAG}seq": _SAFE.construct_yaml_seq,
        f"{_TAG}map": _SAFE.construct_yaml_map,
        None: _SAFE.construct_undefined,
    }
    nodes = 0
    depth = 0

    def descend_resolver(self, _parent: object, _index: object) -> None:
        """Count; this is called before each node. Deep nesting would end the whole process."""
        self.nodes += 1
        self.depth += 1
        if self.nodes > NODES_MAX:
            raise yaml.YAMLError(f"it holds more than {NODES_MAX:,} values")
        if self.depth > DEPTH_MAX:
            raise yaml.YAMLError(f"it is nested more than {DEPTH_MAX} deep")

    def ascend_resolver(self) -> None:
        """Count; this is called after each node."""
        self.depth -= 1

    def flatten_mapping(self, node: object) -> None:
        """Merge nothing: merges of merges can grow without end."""
