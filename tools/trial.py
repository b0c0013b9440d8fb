"""Payloads made from a schema, offered to the readers exactly as real ones are.

    whole       every key is there, each with the first of its types that is not null
    variants    the whole with one key of another type, null, or absent where it is not promised
    promised    only the keys that the specification promises

Below a key the payloads go as far as some reader lists what is there. A `number` may be written
without a fraction, so it is tried as an integer too. A key that is not in `required` is not
promised, unless `x-omitempty: false` says that its server always writes it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from domain.jsontext import Integer, Real
from domain.shapes import TYPE_NAMES, Choice, Reader, choose, shape_entries
from tools.schemas import Schema, Specification

_SCALARS: Final[Mapping[str, tuple[object, ...]]] = {
    "string": ("",),
    "integer": (Integer("0"),),
    "number": (Real("0.5"), Integer("0")),
    "boolean": (False,),
    "null": (None,),
}


@dataclass(slots=True)
class Found:
    """What the payloads of one schema bring to light."""

    added: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    elsewhere: dict[str, str] = field(default_factory=dict)
    """Keys without which another generation reads the payload, and which one."""
    promised: str | None = None
    """Why the promised keys alone are not read, where no single key explains it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A whole payload, what each of its keys may be, and the reader that is nearest to it."""

    readers: tuple[Reader, ...]
    values: Mapping[str, list[object]]
    promised: frozenset[str]
    whole: Mapping[str, object]
    choice: Choice
    nearest: Reader

    def find(self) -> Found:
        """Offer every payload to the readers."""
        found = Found(added=set(self.nearest.added(shape_entries(self.whole))))
        top = _top(self.whole)
        if self.choice.reader is None:
            found.added |= {f"{key}:{top[key]}" for key in self.nearest.unexpected(top)}
            for wrong in self.choice.keys_missing:
                (found.types if ":" in wrong else found.missing).add(wrong)
        named = _named(self.readers)
        for key in named & self.values.keys():
            self._vary(key, found)
            if key not in self.promised:
                self._leave_out(key, found)
        unnamed = {key: values for key, values in self.values.items() if key not in named}
        for others in _objects(unnamed):
            found.added |= set(self.nearest.added(shape_entries({**self.whole, **others})))
        self._promised_alone(found)
        return found

    def _vary(self, key: str, found: Found) -> None:
        for value in self.values[key]:
            payload = {**self.whole, key: value}
            reader = self._reads(payload)
            if reader is None:
                found.types.add(f"{key}:{TYPE_NAMES[type(value)]}")
            elif reader == self.nearest.name:
                found.added |= set(self.nearest.added(shape_entries(payload)))

    def _leave_out(self, key: str, found: Found) -> None:
        reader = self._reads({other: self.whole[other] for other in self.whole if other != key})
        if reader is None:
            found.absent.add(key)
        elif reader != self.nearest.name:
            found.elsewhere[key] = reader

    def _promised_alone(self, found: Found) -> None:
        payload = {key: value for key, value in self.whole.items() if key in self.promised}
        if self._reads(payload) is None and not found.absent:
            found.promised = choose(self.readers, shape_entries(payload)).reason

    def _reads(self, payload: Mapping[str, object]) -> str | None:
        """Return which generation reads a payload.

        Where the whole is not read, the nearest counts as long as nothing else keeps it off.
        """
        if self.choice.reader is not None:
            return choose(self.readers, shape_entries(payload)).reader
        wrong = set(self.nearest.missing(_top(payload)))
        return self.nearest.name if wrong <= set(self.choice.keys_missing) else None


def make_trial(specification: Specification, node: object, readers: tuple[Reader, ...]) -> Trial:
    """Make the whole payload of a schema, and find the reader that is nearest to it."""
    schema = specification.resolve(node)
    listed = _listed(readers)
    values = {
        key: _values(specification, inner, key, listed) for key, inner in schema.properties.items()
    }
    whole = {key: alternatives[0] for key, alternatives in values.items()}
    choice = choose(readers, shape_entries(whole))
    if choice.reader is None:
        known = declared(_by_name(readers, choice.nearest))
        for key, alternatives in values.items():
            wanted = known.get(key, "").split("|")
            fitting = (value for value in alternatives if TYPE_NAMES[type(value)] in wanted)
            whole[key] = next(fitting, alternatives[0])
        choice = choose(readers, shape_entries(whole))
    promised = {key for key in values if _is_promised(specification, schema, key)}
    nearest = _by_name(readers, choice.nearest)
    return Trial(readers, values, frozenset(promised), whole, choice, nearest)


def _is_promised(specification: Specification, schema: Schema, key: str) -> bool:
    omitempty = specification.resolve(schema.properties[key]).omitempty
    return key in schema.required if omitempty is None else not omitempty


def _values(
    specification: Specification, node: object, path: str, listed: Mapping[str, str]
) -> list[object]:
    """Return values that have, between them, every type that a schema allows; null comes last."""
    schema = specification.resolve(node)
    values: list[object] = []
    for name in sorted(schema.types or (listed.get(path, "string"),), key="null".__eq__):
        if name == "object":
            inner = schema.properties.items() if path in listed else ()
            values += _objects(
                {
                    key: _values(specification, below, f"{path}.{key}", listed)
                    for key, below in inner
                }
            )
        elif name == "array":
            known = path in listed and schema.items is not None
            below = _values(specification, schema.items, f"{path}[]", listed) if known else []
            values.append(below)
        else:
            values += _SCALARS[name]
    return values


def _objects(values: Mapping[str, list[object]]) -> list[dict[str, object]]:
    """Return objects that have, between them, every value of every key."""
    width = max(map(len, values.values()), default=1)
    return [
        {key: alternatives[min(nth, len(alternatives) - 1)] for key, alternatives in values.items()}
        for nth in range(width)
    ]


def _top(payload: Mapping[str, object]) -> dict[str, str]:
    return {key: TYPE_NAMES[type(value)] for key, value in payload.items()}


def _by_name(readers: Iterable[Reader], name: str | None) -> Reader:
    return next(reader for reader in readers if reader.name == name)


def declared(reader: Reader) -> dict[str, str]:
    """Return each path that a reader lists, with its types."""
    return {**reader.ignored, **reader.optional, **reader.required}


def _listed(readers: Iterable[Reader]) -> dict[str, str]:
    """Return each path that a generation lists, with its first type in the newest of them."""
    return {
        path: types.partition("|")[0]
        for reader in readers
        for path, types in declared(reader).items()
    }


def _named(readers: Iterable[Reader]) -> set[str]:
    """Return the keys that have to do with which generation reads a payload."""
    return {
        key for reader in readers for key in (*declared(reader), *reader.absent, *reader.opaque)
    }
