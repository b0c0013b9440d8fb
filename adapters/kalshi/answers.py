"""What a reply of the exchange means: an answer, a failure that may pass, or a refusal.

An answer is handed on only if it is whole: one JSON object, to its last brace.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Final, NamedTuple

import httpx

from adapters.kalshi.errors import (
    BadRequestError,
    FetchError,
    ForbiddenError,
    NotThereError,
    RefusedError,
    said,
)
from adapters.words import plain
from domain import jsontext
from domain.jsontext import JsonTextError, Slice

OK: Final = 200
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_PASSING: Final = frozenset({408, 425, 429, *(500, 502, 503, 504), *range(520, 525)})

_SECONDS_DIGITS_MAX: Final = 9
# Date is told in whole seconds, and an answer takes its time.
_CLOCK_SECONDS_MAX: Final = 5
_CLOCK_WORDS: Final = ("timestamp", "clock", "expired", "time")


class Question(NamedTuple):
    """What was asked, without parameters that only say where to go on; of whom; with which key.

    The key is the beginning of its id, or nothing.
    """

    request: str
    site: str
    key: str


class Reply(NamedTuple):
    """What came back, without the request: that one carries the signature.

    `broken` says why the body is not whole; it is empty where it is.
    """

    status: int
    headers: httpx.Headers
    body: bytes
    broken: str
    received_at: datetime


class Failure(NamedTuple):
    """Why an attempt gave no answer, whether that may pass, and when to come again."""

    cause: str
    passing: bool = True
    retry_after_seconds: float = 0


@dataclass(frozen=True)
class Answer:
    """A whole answer: one JSON object.

    request      what was asked, as `GET /portfolio/fills?limit=1000`: without the cursor, so
                 that all pages of one stream have the same
    text         the body, as it came
    received_at  when its last byte was there
    attempts     how many it took
    """

    request: str
    text: str = field(repr=False)
    received_at: datetime
    attempts: int

    @cached_property
    def members(self) -> dict[str, Slice | list[Slice]]:
        """The members of the object. Raise JsonTextError if the text is not one object."""
        start = jsontext.skip_space(self.text, 0)
        if self.text[start : start + 1] != "{":
            raise JsonTextError(f"no JSON object at character {start}")
        found, end = jsontext.members(self.text, start)
        end = jsontext.skip_space(self.text, end)
        if end != len(self.text):
            raise JsonTextError(f"more text after the JSON object, at character {end}")
        return found


def judge(question: Question, reply: Reply, attempts: int) -> Answer | Failure:
    """Return what the reply means. Raise FetchError for what no repetition can help."""
    if reply.status == OK:
        return _answer(question, reply, attempts)
    status, words = reply.status, said(reply.body.decode("utf-8", "replace"))
    cause = f"status {status}{': ' if words else ''}{words}"
    if status in _PASSING:
        return Failure(cause, retry_after_seconds=_retry_after_seconds(reply))
    if httpx.codes.is_redirect(status):
        target = plain(reply.headers.get("Location", "nowhere"))
        return Failure(f"{cause}, a redirect to {target}; check the site", passing=False)
    if httpx.codes.is_client_error(status):
        raise _refusal(question, reply, words, f"{question.request}: {cause}")
    return Failure(cause, passing=httpx.codes.is_success(status))


def _answer(question: Question, reply: Reply, attempts: int) -> Answer | Failure:
    if reply.broken:
        return Failure(reply.broken)
    sort = plain(reply.headers.get("Content-Type", "no type"), 40)
    described = f"status 200 with {len(reply.body)} bytes ({sort})"
    try:
        text = reply.body.decode()
    except UnicodeDecodeError as error:
        return Failure(f"{described} that are not UTF-8, at byte {error.start}")
    answer = Answer(question.request, text, reply.received_at, attempts)
    try:
        # Parsed here once; paging reads the same members.
        _ = answer.members
    except JsonTextError as error:
        return Failure(f"{described} that are not one JSON object: {plain(str(error))}")
    return answer


def _refusal(question: Question, reply: Reply, words: str, what: str) -> FetchError:
    if reply.status == _NOT_FOUND:
        return NotThereError(f"{what}. {question.site} knows no such address or thing")
    if reply.status not in (_UNAUTHORIZED, _FORBIDDEN):
        return BadRequestError(f"{what}. The request is wrong; repeating it cannot help")
    if not question.key:
        return RefusedError(f"{what}. This needs a key, and none was given")
    if reply.status == _FORBIDDEN:
        return ForbiddenError(
            f"{what}. Check the scope of key id {question.key}: it must allow to read the portfolio"
        )
    return RefusedError(
        f"{what}. Check that key id {question.key} belongs to this private key and to "
        f"{question.site} (demo has keys of its own), that it still exists, and that the clock "
        f"of this machine is right{_about_clock(reply, words)}"
    )


def _retry_after_seconds(reply: Reply) -> float:
    """Return how long the exchange asks us to stay away; 0 where it does not say."""
    told = reply.headers.get("Retry-After", "").strip()
    if told.isascii() and told.isdecimal() and len(told) <= _SECONDS_DIGITS_MAX:
        return int(told)
    moment = _moment(told)
    return 0 if moment is None else max((moment - reply.received_at).total_seconds(), 0)


def _about_clock(reply: Reply, words: str) -> str:
    """Return what the server's clock says about ours, where that can be why."""
    suspected = any(word in words.lower() for word in _CLOCK_WORDS)
    theirs = _moment(reply.headers.get("Date", ""))
    if theirs is None:
        return " (the server did not tell its time)" if suspected else ""
    seconds = round((reply.received_at - theirs).total_seconds())
    if abs(seconds) > _CLOCK_SECONDS_MAX:
        direction = "ahead of" if seconds > 0 else "behind"
        return f": it is {abs(seconds)} s {direction} the server's; set it"
    return f" (it differs from the server's by {abs(seconds)} s)" if suspected else ""


def _moment(told: str) -> datetime | None:
    """Return the moment that an HTTP header names."""
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
