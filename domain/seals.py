"""Seals: a digest over a run of events, chained to the seal before it.

Every append adds one seal over exactly the bytes that it stored. Whoever changes, removes, adds or
reorders an event afterwards would have to replace every later seal too, and an anchor kept outside
the machine shows that.

The digest is the SHA-256 of the previous digest (32 bytes; GENESIS before the first seal) and, for
each event in the order of position:

    position      8 bytes   signed, big-endian, like all numbers here
    revision      8 bytes
    length of key 4 bytes   in bytes of UTF-8
    length of kind 4 bytes
    key, kind               UTF-8
    SHA-256 of state 32 bytes

Every part has a fixed length or its length in front of it, so two different runs of events never
give the same input.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from domain.event import StoredEvent

GENESIS: Final = bytes(32)
_HEAD = struct.Struct(">qqII")


@dataclass(frozen=True, slots=True)
class Seal:
    """The digest over the events at positions `first` to `last`, both included."""

    first: int
    last: int
    digest: bytes


def extend(previous: bytes, events: Iterable[StoredEvent]) -> bytes:
    """Return the digest of the seal over `events` that follows the seal with digest `previous`.

    Only one event is held at a time. Raise ValueError if `previous` is not 32 bytes long.
    """
    if len(previous) != len(GENESIS):
        message = f"a digest has {len(GENESIS)} bytes, not {len(previous)}"
        raise ValueError(message)
    digest = sha256(previous)
    for position, key, revision, kind, state in events:
        key_bytes, kind_bytes = key.encode(), kind.encode()
        head = _HEAD.pack(position, revision, len(key_bytes), len(kind_bytes))
        digest.update(head + key_bytes + kind_bytes + sha256(state).digest())
    return digest.digest()
