"""Shapes of payloads, and the readers that accept them.

A *shape* is the set of a payload's key paths with their JSON types, for instance
`{"count:integer", "ticker:string", "legs:array", "legs[]:object", "legs[].side:string"}`.
Its name is a digest of that set. Values never matter, only structure.

A *reader* declares which shapes it understands. Dispatch is by shape, never by date: brokers
re-render old rows in new shapes.

    required   keys that it reads and that must be there, with the types that it can read
    optional   keys that it reads where they are there (a null counts as not there)
    ignored    keys that it knows and does not read
    absent     keys whose presence means that the payload is of another generation

    known      exactly one reader accepts the shape, and no key is new to it
    additive   exactly one reader accepts it; there are keys that nobody has listed yet
    unknown    no reader accepts it, or two do: its events are unreadable
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from domain.jsontext import Integer, Real, RepeatedKeys

TYPE_NAMES: Final[Mapping[type, str]] = {
    dict: "object",
    RepeatedKeys: "repeated",
    list: "array",
    str: "string",
    Integer: "integer",
    Real: "number",
    bool: "boolean",
    type(None): "null",
}


def shape_entries(payload: object) -> frozenset[str]:
    """Return the `path:type` entries of a payload parsed by `domain.jsontext`."""
    entries: set[str] = set()
    pending: list[tuple[str, object]] = [("", payload)]
    while pending:
        path, value = pending.pop()
        if path or not isinstance(value, dict) or isinstance(value, RepeatedKeys):
            entries.add(f"{path}:{TYPE_NAMES[type(value)]}")
        if isinstance(value, dict):
            prefix = f"{path}." if path else ""
            pending.extend((prefix + _step(key), inner) for key, inner in value.items())
        elif isinstance(value, list):
            pending.extend((f"{path}[]", inner) for inner in value)
    return frozenset(entries)


def _step(key: str) -> str:
    plain = key.replace("_", "").replace("-", "").isalnum() and key.isascii()
    return key if plain else json.dumps(key)


def shape_name(entries: Iterable[str]) -> str:
    """Return the digest that names a set of entries: 32 hex digits."""
    return hashlib.sha256("\n".join(sorted(entries)).encode()).hexdigest()[:32]


def shape_of(payload: object) -> str:
    """Return the shape of a payload. Flat objects of a shape seen before cost one look-up."""
    if type(payload) is dict:
        flat = tuple((key, type(value)) for key, value in payload.items())
        if not any(kind in (dict, list, RepeatedKeys) for _, kind in flat):
            return _flat_shape(flat)
    return shape_name(shape_entries(payload))


@lru_cache(maxsize=4096)
def _flat_shape(members: tuple[tuple[str, type], ...]) -> str:
    return shape_name(f"{_step(key)}:{TYPE_NAMES[kind]}" for key, kind in members)


@dataclass(frozen=True, slots=True)
class Reader:
    """One generation of one kind of payload; types are alternatives joined by '|'."""

    kind: str
    name: str
    spoken: str
    """When the API spoke it, for people; never used to choose."""
    required: Mapping[str, str]
    optional: Mapping[str, str] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()
    """Keys below which anything goes (free-form objects of the broker)."""

    def missing(self, top: Mapping[str, str]) -> list[str]:
        """Return the keys that keep this reader from accepting, each with what is wrong."""
        wrong = [
            f"{key}:{top[key]}" if key in top else key
            for key, types in self.required.items()
            if top.get(key) not in types.split("|")
        ]
        wrong += [
            f"{key}:{top[key]}"
            for key, types in self.optional.items()
            if key in top and top[key] not in (*types.split("|"), "null")
        ]
        return sorted(wrong)

    def unexpected(self, top: Mapping[str, str]) -> list[str]:
        """Return the keys that are there and must not be."""
        return sorted(self.absent & top.keys())

    def added(self, entries: Iterable[str]) -> list[str]:
        """Return the `path:type` entries that this reader has never heard of."""
        return sorted(entry for entry in entries if not self._knows(entry))

    def _knows(self, entry: str) -> bool:
        path, _, kind = entry.rpartition(":")
        root = path.split(".", 1)[0].split("[", 1)[0]
        if root in self.opaque:
            return True
        if path in self.required or path in self.optional:
            return True
        return kind in self.ignored.get(path, "").split("|")


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be done with the events of one shape."""

    status: str
    reader: str | None
    reason: str | None
    keys_added: tuple[str, ...] = ()
    keys_missing: tuple[str, ...] = ()
    nearest: str | None = None


def choose(readers: Iterable[Reader], entries: frozenset[str]) -> Choice:
    """Pick the one reader of a kind that accepts a shape."""
    candidates = list(readers)
    if not candidates:
        return Choice("unknown", None, "unknown_kind")
    top = _top_types(entries)
    repeated = sorted(entry for entry in entries if entry.endswith(":repeated"))
    accepting = [
        reader
        for reader in candidates
        if not reader.missing(top)
        and not reader.unexpected(top)
        and not _read_elsewhere(reader, candidates) & top.keys()
    ]
    if len(accepting) == 1 and not repeated:
        reader = accepting[0]
        added = tuple(reader.added(entries))
        status = "additive" if added else "known"
        return Choice(status, reader.name, None, keys_added=added, nearest=reader.name)
    # of equally near ones the newest: readers are declared in the order of their generations
    nearest = min(reversed(candidates), key=lambda reader: _distance(reader, top, entries))
    reason = "ambiguous_shape" if accepting else "unknown_shape"
    return Choice(
        "unknown",
        None,
        "repeated_key" if repeated else reason,
        keys_added=tuple(sorted({*nearest.added(entries), *nearest.unexpected(top)})),
        keys_missing=tuple(nearest.missing(top)),
        nearest=nearest.name,
    )


def _top_types(entries: Iterable[str]) -> dict[str, str]:
    split = (entry.rpartition(":") for entry in entries)
    return {path: kind for path, _, kind in split if "." not in path and "[" not in path}


def _read_elsewhere(reader: Reader, readers: Iterable[Reader]) -> set[str]:
    """Return the keys that other generations read and this one has never heard of.

    Such a key is no mere addition: it means that the payload is of another generation.
    """
    read = {key for other in readers for key in (*other.required, *other.optional)}
    return read - {*reader.required, *reader.optional, *reader.ignored}


def _distance(reader: Reader, top: Mapping[str, str], entries: frozenset[str]) -> int:
    return len(reader.missing(top)) + len(reader.unexpected(top)) + len(reader.added(entries))
