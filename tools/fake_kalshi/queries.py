"""What a request asks for: its parameters, checked; and the page that its cursor leads to."""

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Literal, TypeAlias, TypeVar

Query: TypeAlias = Mapping[str, str]
Cursors: TypeAlias = Literal["offset", "key"]
Key: TypeAlias = tuple[str, str]
Row = TypeVar("Row")

TICKERS_MOST = 100


class Refused(Exception):  # noqa: N818 - an answer, told in the words of the API
    """A request that is answered with an error status."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Name the status and what its body says."""
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


def bad(message: str) -> Refused:
    """Return the refusal of a parameter."""
    return Refused(400, "bad_request", message)


def whole(query: Query, name: str, *, least: int = 0, most: int | None = None) -> int | None:
    """Return a whole number, None where the request does not name it."""
    text = query.get(name, "")
    if not text:
        return None
    try:
        number = int(text)
    except ValueError:
        raise bad(f"{name}: not a whole number") from None
    if number < least or (most is not None and number > most):
        raise bad(f"{name}: out of range")
    return number


def limit_of(query: Query, *, most: int, least: int = 1) -> int:
    """Return the page size that is asked for; 100 where none is named."""
    return whole(query, "limit", least=least, most=most) or 100


def moment_of(query: Query, name: str) -> datetime | None:
    """Return the time that whole unix seconds name."""
    seconds = whole(query, name, most=253_402_300_799)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def names_of(query: Query, name: str) -> frozenset[str] | None:
    """Return a comma-separated list of names; None where there is none."""
    text = query.get(name, "")
    if not text:
        return None
    names = text.split(",")
    if len(names) > TICKERS_MOST:
        raise bad(f"{name}: more than {TICKERS_MOST}")
    return frozenset(names)


def one_of(query: Query, name: str, words: Sequence[str]) -> str | None:
    """Return a word out of a set; None where the request does not name one."""
    word = query.get(name, "")
    if word and word not in words:
        raise bad(f"{name}: use one of {', '.join(words)}")
    return word or None


def between(rows: Sequence[Row], when: Callable[[Row], datetime], query: Query) -> Sequence[Row]:
    """Cut a listing, sorted by time, to what lies after `min_ts` and before `max_ts`."""
    after, until = moment_of(query, "min_ts"), moment_of(query, "max_ts")
    low = 0 if after is None else bisect_right(rows, after, key=when)
    high = len(rows) if until is None else bisect_left(rows, until, key=when)
    return rows[low : max(low, high)]


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows, newest first, and the cursors to the next page (empty at the end) and to this one."""

    rows: tuple[Row, ...]
    cursor: str
    again: str


def turn(
    rows: Sequence[Row],
    key: Callable[[Row], Key],
    *,
    cursor: str,
    limit: int,
    cursors: Cursors,
) -> Page[Row]:
    """Return the page of a listing, oldest row first, that a cursor leads to."""
    high = len(rows)
    if cursor:
        mode, place = _read(cursor)
        if mode == "offset":
            high = max(0, high - int(place[0]))
        elif mode == "key":
            high = bisect_left(rows, (place[0], place[1]), key=key)
    low = max(0, high - limit)
    found = tuple(reversed(rows[low:high]))
    again = cursor or _written("offset", "0")
    if not low:
        return Page(found, "", again)
    if cursors == "offset":
        return Page(found, _written("offset", str(len(rows) - low)), again)
    return Page(found, _written("key", *key(found[-1])), again)


def _written(*parts: str) -> str:
    return base64.urlsafe_b64encode("\n".join(parts).encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[str, list[str]]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise bad("cursor: not one of ours") from None
    mode, *place = text.split("\n")
    wanted = {"offset": 1, "key": 2}.get(mode)
    if len(place) != wanted or (mode == "offset" and not place[0].isdecimal()):
        raise bad("cursor: not one of ours")
    return mode, place
