"""One kind of payload: what identifies it, who reads it, how it is recognised.

A key is natural: the broker's own id, behind the day of an immutable time of the broker's where
there is one (neighbours in time are then neighbours in the store). A payload that lacks its id is
still kept, under a digest of its content, and found unreadable later: nothing is dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.columns import Fact
from domain.event import EVERYTHING, Asked, escape
from domain.jsontext import digest
from domain.shapes import Reader


@dataclass(frozen=True, slots=True)
class Kind:
    """What there is to know about one kind of payload.

    identity   keys that identify it, the first one present counts; empty for content-addressed
    otherwise  where none of them is there: names of sets of keys that identify it together, the
               first set present counts, and its name is part of the key
    day        keys of a broker's time that never changes, the first one present counts
    container  key under which an API page lists such rows
    single     key under which the API returns one such row
    signature  keys that, together, only this kind has: to recognise a bare row
    whole      keys that, where there is no other, are a row of this kind
    snapshot   whether it describes a moment, which then is part of its key
    several    whether rows without an id are several even at one moment
    also       keys that tell rows of one identity apart, all that are present count
    fact       what its readers make of it; None for a kind that is kept and not read
    expected   whether such a payload is nothing unusual; if not, each is drift
    authority  of several kinds that tell of one fact the highest counts; below zero a telling is
               provisional
    """

    name: str
    readers: tuple[Reader, ...]
    fact: type[Fact] | None
    identity: tuple[str, ...] = ()
    otherwise: tuple[tuple[str, tuple[str, ...]], ...] = ()
    day: tuple[str, ...] = ()
    container: str | None = None
    single: str | None = None
    signature: tuple[frozenset[str], ...] = ()
    whole: frozenset[str] = frozenset()
    snapshot: bool = False
    several: bool = False
    also: tuple[str, ...] = ()
    expected: bool = True
    authority: int = 0

    @property
    def venue(self) -> str:
        """The broker or exchange; `ledger` for the ledger's own events."""
        return self.name.partition(".")[0]

    @property
    def provisional(self) -> bool:
        """Whether any rendering of the same fact by a kind of authority outranks it."""
        return self.authority < 0

    def fits(self, payload: Mapping[str, object]) -> bool:
        """Tell whether the keys of a bare row are those of this kind."""
        if any(keys <= payload.keys() for keys in self.signature):
            return True
        return bool(payload) and self.whole == payload.keys()


def signatures(*alternatives: str) -> tuple[frozenset[str], ...]:
    """Return signatures from texts of keys."""
    return tuple(frozenset(keys.split()) for keys in alternatives)


def identity_of(
    kind: Kind,
    payload: object,
    *,
    as_of_text: str | None = None,
    asked: Asked = EVERYTHING,
    nth: int = 1,
) -> str:
    """Return what identifies the payload within its kind, account and mode, parts escaped.

    `as_of_text` is the moment that a snapshot describes, `asked` the part of the account; `nth`
    counts equal rows of one file, for kinds that have no id of their own and for rows that lack it.
    """
    parts: list[str] = []
    if kind.snapshot and as_of_text is not None:
        parts.append(as_of_text)
    parts += [f"{name}-{number}" for name, number in asked.named().items()]
    if not isinstance(payload, dict):
        return "|".join([*parts, _content(payload), str(nth)])
    day = _first(kind.day, payload)
    if day is not None:
        parts.append(escape(day[:10].replace("-", "")))
    own = _own(kind, payload)
    if own is not None:
        parts.append(own)
    elif kind.identity or kind.several or not kind.snapshot:
        parts += [_content(payload), str(nth)]
    parts += [f"{key}-{escape(str(payload[key]))}" for key in kind.also if _is_plain(payload, key)]
    return "|".join(parts)


def _is_plain(payload: Mapping[str, object], key: str) -> bool:
    value = payload.get(key)
    return isinstance(value, str) and 0 < len(value) <= _PART_LENGTH


_PART_LENGTH: Final = 64
_NO_ID: Final = frozenset({"", "-", "--", "N/A", "0"})


def _own(kind: Kind, payload: Mapping[str, object]) -> str | None:
    own = _first(kind.identity, payload)
    if own is not None:
        return escape(own)
    for name, keys in kind.otherwise:
        values = [_first((key,), payload) for key in keys]
        present = [escape(value) for value in values if value is not None]
        if len(present) == len(keys):
            return "-".join([name, *present])
    return None


def _first(keys: tuple[str, ...], payload: Mapping[str, object]) -> str | None:
    for key in keys:
        value = payload.get(key)
        if isinstance(value, str) and value not in _NO_ID:
            return str(value)
    return None


def _content(payload: object) -> str:
    return f"content-{digest(payload)[:32]}"


def column_types(kind: Kind) -> Mapping[str, str]:
    """Return the JSON type that each top-level key of a kind has in any generation.

    Used to restore types where a row comes as text (a CSV dump of API rows). Of a key that changed
    its type under one name it is the newest.
    """
    types: dict[str, str] = {}
    for reader in kind.readers:
        for declared in (reader.ignored, reader.optional, reader.required):
            types.update({key: _widest(alternatives) for key, alternatives in declared.items()})
    return types


def _widest(alternatives: str) -> str:
    """Return the type to restore a text as; a number may be written like an integer."""
    names = alternatives.split("|")
    return "number" if "number" in names else names[0]
