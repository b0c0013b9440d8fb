"""One row of the log: a raw payload in an envelope, under a key.

    key       venue|account|mode|kind|identity     what is described
    revision  1, 2, …                              the same key with other content
    kind      kalshi.fill, ledger.fetch, …         what the payload is
    state     the envelope as JSON bytes           see below
    position  1, 2, 3, …                           given by the store; the only order replay knows

Envelope, members in this order, the payload last and spliced in verbatim:

    {"received_at", "venue", "account", "mode", "source", "shape", ["as_of",] ["asked",] "payload"}

`source` says where the bytes came from: adapter, document, and what else the adapter knows. Events
with the same `source.document` came in one piece: taking that piece in again is a retry. `asked`
is what the request named and the answer does not repeat (`Asked`).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

from domain import jsontext
from domain.errors import UsageError

MODES: Final = ("live", "paper")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_UNSAFE = re.compile("[|%\x00-\x20\x7f\ud800-\udfff]")
_PAYLOAD = b',"payload":'


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose facts these are: every key holds venue, account and mode, so no two ever mix."""

    account: str
    mode: str

    def __post_init__(self) -> None:
        """Refuse names that could not stand in a key."""
        if not _ACCOUNT.fullmatch(self.account):
            message = (
                f"account {self.account!r}: use up to 64 letters, digits, '.', '_' and '-', "
                "beginning with a letter or digit"
            )
            raise UsageError(message)
        if self.mode not in MODES:
            message = f"mode {self.mode!r}: use one of {', '.join(MODES)}"
            raise UsageError(message)


class NewEvent(NamedTuple):
    """An event that has no position yet."""

    key: str
    kind: str
    state: bytes


class StoredEvent(NamedTuple):
    """An event of the log."""

    position: int
    key: str
    revision: int
    kind: str
    state: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """The part of an account that a snapshot was asked for; None for what the request left out."""

    subaccount: int | None = None
    exchange_index: int | None = None

    def named(self) -> dict[str, int]:
        """Return what the request named."""
        parts = {"subaccount": self.subaccount, "exchange_index": self.exchange_index}
        return {name: number for name, number in parts.items() if number is not None}


EVERYTHING: Final = Asked()


@dataclass(frozen=True, slots=True)
class Origin:
    """What is the same for all rows of one piece of input.

    `source` must hold `adapter` (name and version) and `document` (what identifies the piece).
    """

    owner: Owner
    venue: str
    received_at: datetime
    source: Mapping[str, str | int]
    opening: str = field(init=False, repr=False, compare=False)
    """The envelope up to its source, the same for every row."""

    def __post_init__(self) -> None:
        """Refuse times without a zone, and a source that does not say what it is."""
        if self.received_at.tzinfo is None:
            message = f"received_at {self.received_at} has no time zone"
            raise UsageError(message)
        for name in ("adapter", "document"):
            if not self.source.get(name):
                message = f"source does not say its {name}"
                raise UsageError(message)
        if "payload" in self.source:
            message = "source must not have a member called payload"
            raise UsageError(message)
        opening = {
            "received_at": time_text(self.received_at),
            "venue": self.venue,
            "account": self.owner.account,
            "mode": self.owner.mode,
        }
        object.__setattr__(self, "opening", _compact(opening)[:-1])


def make_key(venue: str, owner: Owner, kind: str, identity: str) -> str:
    """Return the natural key. The parts of `identity` must be escaped by the caller."""
    return f"{venue}|{owner.account}|{owner.mode}|{kind}|{identity}"


def escape(text: str) -> str:
    """Percent-encode what must not stand inside a part of a key, or could not be stored in it."""
    return _UNSAFE.sub(lambda match: f"%{ord(match.group()):02X}", text)


def time_text(moment: datetime) -> str:
    """Return a moment as UTC text, microseconds and 'Z' always written."""
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def make_event(
    origin: Origin,
    kind: str,
    identity: str,
    shape: str,
    payload: str,
    *,
    as_of: datetime | None = None,
    asked: Asked = EVERYTHING,
    row: str | None = None,
) -> NewEvent:
    """Wrap a payload (JSON text, verbatim) into its envelope.

    `as_of` is the moment that a snapshot describes, `asked` the part of the account; `row` is the
    input's own text where the payload had to be restored from another form (a CSV line).
    """
    if as_of is not None and as_of.tzinfo is None:
        message = f"as_of {as_of} has no time zone"
        raise UsageError(message)
    source = _compact(origin.source if row is None else {**origin.source, "row": row})
    moment = "" if as_of is None else f',"as_of":"{time_text(as_of)}"'
    scope = f',"asked":{_compact(asked.named())}' if asked.named() else ""
    header = f'{origin.opening},"source":{source},"shape":"{shape}"{moment}{scope}'
    try:
        state = header.encode() + _PAYLOAD + payload.encode() + b"}"
    except UnicodeEncodeError as error:
        message = f"a text that is no Unicode: {error.object[error.start : error.end]!r}"
        raise UsageError(message) from error
    return NewEvent(make_key(origin.venue, origin.owner, kind, identity), kind, state)


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def payload_bytes(state: bytes) -> bytes:
    """Return the payload exactly as it was received.

    A quote inside a JSON string is always escaped, so the first bare `,"payload":` is the member.
    """
    start = state.find(_PAYLOAD)
    if start < 0:
        message = f"an envelope without a payload: {state[:80]!r}"
        raise ValueError(message)
    return state[start + len(_PAYLOAD) : -1]


def header(state: bytes) -> dict[str, object]:
    """Return the envelope without its payload."""
    start = state.find(_PAYLOAD)
    parsed = json.loads(state[:start] + b"}") if start >= 0 else None
    if not isinstance(parsed, dict):
        message = f"an envelope without a header: {state[:80]!r}"
        raise TypeError(message)
    return parsed


def document(state: bytes) -> object:
    """Return what identifies the piece of input that the event came in."""
    source = header(state).get("source")
    return source.get("document") if isinstance(source, dict) else None


def same_content(one: bytes, other: bytes) -> bool:
    """Tell whether two envelopes carry the same payload, key order and white space apart."""
    first, second = payload_bytes(one), payload_bytes(other)
    if first == second:
        return True
    return jsontext.canonical(jsontext.parse(first.decode())) == jsontext.canonical(
        jsontext.parse(second.decode())
    )
