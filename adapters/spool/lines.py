"""One line of the spool: an event, or the reason why it is none.

    {"v":1,"kind":…,"venue":…,["account":…,]["mode":…,]["key":…,]"recorded_at":…,"payload":{…}}

The payload goes into the log as it was written.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.words import plain
from domain import jsontext
from domain.bot import PAYLOADS, REJECTED, Moment
from domain.errors import NotUnderstoodError, UsageError
from domain.event import NewEvent, Origin, Owner, escape, make_event
from domain.jsontext import Integer, JsonTextError, Number, Slice
from domain.kinds import BY_NAME, identity_of
from domain.shapes import shape_entries, shape_of

ADAPTER: Final = "recorder/1"
VENUES: Final = ("ibkr", "kalshi")
LINE_BYTES_MAX: Final = 1_000_000
KEY_LENGTH_MAX: Final = 500
REASON_LENGTH_MAX: Final = 1000
TEXT_BYTES_MAX: Final = 64 * 1024
"""How much of a rejected line is kept in the log; the file has all of it."""
_MARK: Final = b"\xef\xbb\xbf"
"""What some editors put before UTF-8."""


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    v: Literal[1]
    kind: str
    venue: Literal["ibkr", "kalshi"]
    account: str | None = None
    mode: str | None = None
    key: Annotated[str, Field(min_length=1, max_length=KEY_LENGTH_MAX)] | None = None
    recorded_at: Moment


@dataclass(frozen=True, slots=True)
class Raw:
    """A line as it lies in its file; of a very long one only the beginning.

    number      from 1
    text        its bytes, without the line break
    size_bytes  of all of it, with the line break
    sha256      of all of it, without the line break, where `text` is only the beginning
    ended       whether it ends in a line break
    """

    number: int
    text: bytes
    size_bytes: int
    sha256: str | None = None
    ended: bool = True


def line_event(raw: Raw, file: str, book: Owner, received_at: datetime) -> NewEvent:
    """Return the event of a line. Raise NotUnderstoodError with what is wrong with it."""
    if not raw.ended:
        raise NotUnderstoodError("torn: the line has no end, so it was never acknowledged")
    if raw.sha256 is not None or len(raw.text) > LINE_BYTES_MAX:
        raise NotUnderstoodError(f"longer than {LINE_BYTES_MAX:,} bytes")
    members = _members(raw.text.removeprefix(_MARK) if raw.number == 1 else raw.text)
    payload = members.pop("payload", None)
    told = {name: _plain(name, member) for name, member in members.items()}
    try:
        envelope = _Envelope.model_validate(told)
    except ValidationError as error:
        raise NotUnderstoodError(_about(error)) from None
    if not isinstance(payload, Slice):
        raise NotUnderstoodError("payload: an object is expected")
    try:
        owner = Owner(
            book.account if envelope.account is None else envelope.account,
            book.mode if envelope.mode is None else envelope.mode,
        )
    except UsageError as error:
        raise NotUnderstoodError(str(error)) from None
    source: dict[str, str | int] = {
        "adapter": ADAPTER,
        "document": file,
        "line": raw.number,
        "recorded_at": envelope.recorded_at,
    }
    origin = Origin(owner, envelope.venue, received_at, source)
    return payload_event(envelope.kind, payload, origin, envelope.key)


def payload_event(kind: str, payload: Slice, origin: Origin, key: str | None) -> NewEvent:
    """Return the event of a payload. Raise NotUnderstoodError with what is wrong with it."""
    _refuse_no_text(payload)
    check(kind, payload.value)
    identity = escape(key) if key is not None else identity_of(BY_NAME[kind], payload.value)
    return make_event(origin, kind, identity, shape_of(payload.value), payload.text)


def check(kind: str, payload: object) -> None:
    """Raise NotUnderstoodError where a payload, parsed by `jsontext`, is none of its kind."""
    model = PAYLOADS.get(kind)
    if model is None:
        message = f"kind {kind[:40]!r} is not known; there are {', '.join(PAYLOADS)}"
        raise NotUnderstoodError(message)
    if not isinstance(payload, dict):
        raise NotUnderstoodError("payload: an object is expected")
    if any(entry.endswith(":repeated") for entry in shape_entries(payload)):
        raise NotUnderstoodError("payload: a member comes twice; which one counts?")
    try:
        model.model_validate({name: _number_apart(value) for name, value in payload.items()})
    except ValidationError as error:
        raise NotUnderstoodError(_about(error)) from None


def _refuse_no_text(payload: Slice) -> None:
    # only an escape can bring half a character into a text that was UTF-8
    if "\\ud" in payload.text.lower():
        try:
            jsontext.canonical(payload.value).encode()
        except UnicodeEncodeError as error:
            message = f"payload: half a character (\\u{ord(error.object[error.start]):04x})"
            raise NotUnderstoodError(message) from None


def rejected_event(
    raw: Raw, reason: str, file: str, owner: Owner, received_at: datetime
) -> NewEvent:
    """Return the event that keeps a line that is none, with the reason."""
    text = raw.text[:TEXT_BYTES_MAX].decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    payload = {
        "file": file,
        "line": Integer(raw.number),
        "reason": plain(reason, REASON_LENGTH_MAX),
        "text": text,
        "sha256": raw.sha256 or hashlib.sha256(raw.text).hexdigest(),
    }
    source: dict[str, str | int] = {"adapter": ADAPTER, "document": file, "line": raw.number}
    origin = Origin(owner, "ledger", received_at, source)
    identity = identity_of(BY_NAME[REJECTED], payload)
    return make_event(origin, REJECTED, identity, shape_of(payload), jsontext.canonical(payload))


def _members(line: bytes) -> dict[str, Slice | list[Slice]]:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        message = f"not UTF-8 text: byte 0x{line[error.start]:02x} at byte {error.start}"
        raise NotUnderstoodError(message) from None
    start = jsontext.skip_space(text, 0)
    if text[start : start + 1] != "{":
        raise NotUnderstoodError("no JSON object")
    try:
        members, end = jsontext.members(text, start)
    except JsonTextError as error:
        raise NotUnderstoodError(str(error)) from None
    if jsontext.skip_space(text, end) != len(text):
        raise NotUnderstoodError(f"more text after the JSON object, at character {end}")
    return members


def _plain(name: str, member: Slice | list[Slice]) -> object:
    value = member.value if isinstance(member, Slice) else member
    if name == "v":
        return int(isinstance(value, Integer) and value == "1")
    return _number_apart(value)


def _number_apart(value: object) -> object:
    """Return a value as pydantic is to see it: our numbers are texts, theirs are none."""
    return 0 if isinstance(value, Number) else value


def _about(error: ValidationError) -> str:
    wrong = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in wrong["loc"])
    told = wrong["msg"].removeprefix("Value error, ")
    return f"{where}: {told}" if where else told
