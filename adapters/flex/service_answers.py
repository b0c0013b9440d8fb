"""What came back from the Flex web service: a look through all of it, and what that means.

A statement is handed on only if its XML is whole, to the last bracket.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

from adapters.flex.parsing import steps
from adapters.flex.service_errors import PASSING
from domain.errors import NotUnderstoodError

_ANSWER: Final = "FlexStatementResponse"
_QUERY: Final = "FlexQueryResponse"
_STATEMENT: Final = "FlexStatement"
_CHUNK_BYTES: Final = 1024 * 1024
_HEAD_BYTES: Final = 512
_CODE_DIGITS_MAX: Final = 6
_OK: Final = 200
_PASSING_STATUS: Final = frozenset({408, 425, 429})
_SERVER_ERRORS: Final = range(500, 600)
_REDIRECTS: Final = range(300, 400)


class Reply(NamedTuple):
    """What came back beside the body; `broken` says why that is not all there, else it is empty."""

    status: int
    redirect: str
    broken: str


class Failure(NamedTuple):
    """Why an attempt gave no answer.

    passing   whether asking again may help
    unusable  whether it was an answer, and none that makes sense: that is borne a few times only
    code      the service's own
    """

    cause: str
    passing: bool = True
    unusable: bool = False
    code: str | None = None


class Ticket(NamedTuple):
    """A statement was ordered: its reference, and where it will be; "" where that is not said."""

    reference: str
    address: str


@dataclass(frozen=True, slots=True)
class Statement:
    """Whose statement, of which days, made when, of which sort: the texts as they stand there.

    type  AF for account activity, TCF for trade confirmations; that of the whole document
    """

    account: str
    from_date: str
    to_date: str
    made: str
    type: str


@dataclass(frozen=True, slots=True)
class Document:
    """A whole answer with statements in it."""

    size_bytes: int
    sha256: str
    statements: tuple[Statement, ...]


_ATTRIBUTES: Final = ("accountId", "fromDate", "toDate", "whenGenerated")


def judge(reply: Reply, file: BinaryIO) -> Failure | Ticket | Document:
    """Return what a reply means; its body is all that the file holds."""
    if reply.status != _OK:
        return _refusal(reply)
    if reply.broken:
        return Failure(reply.broken)
    file.seek(0)
    head = file.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head:
        return Failure("an empty answer", unusable=True)
    if head[:5].lower() in (b"<html", b"<!doc"):
        return Failure("an HTML page instead of an answer", unusable=True)
    if not head.startswith(b"<"):
        return Failure("no XML: choose XML as the format, in the query's settings", passing=False)
    return _looked_through(file)


def _refusal(reply: Reply) -> Failure:
    cause = f"HTTP status {reply.status}"
    if reply.status in _REDIRECTS:
        return Failure(f"{cause}, a redirect to {reply.redirect}: not followed", passing=False)
    return Failure(cause, reply.status in _PASSING_STATUS or reply.status in _SERVER_ERRORS)


def _looked_through(file: BinaryIO) -> Failure | Ticket | Document:
    bytes_seen = _Bytes(file)
    root, type_of_all = "", ""
    members, statements = dict[str, str](), list[Statement]()
    try:
        for step in steps(bytes_seen):
            if step.depth == 1 and step.attributes is not None:
                root, type_of_all = step.tag, step.attributes.get("type", "")
            elif root == _ANSWER and step.closes:
                members[step.tag.lower()] = step.text
            elif step.tag == _STATEMENT and step.attributes is not None:
                statements.append(_statement(step.attributes, type_of_all))
    except NotUnderstoodError as error:
        return Failure(f"an answer that is cut off or broken: {error}", unusable=True)
    if root == _ANSWER:
        return _answer(members)
    if root != _QUERY:
        return Failure(f"an answer of an unknown sort: <{root}>", unusable=True)
    if not statements:
        return Failure("an answer without a single statement", unusable=True)
    return Document(bytes_seen.count, bytes_seen.digest.hexdigest(), tuple(statements))


def _statement(attributes: Mapping[str, str], type_of_all: str) -> Statement:
    account, from_date, to_date, made = (attributes.get(name, "") for name in _ATTRIBUTES)
    return Statement(account, from_date, to_date, made, type_of_all)


class _Bytes:
    """The bytes of a file, piece by piece; counted and digested on their way."""

    def __init__(self, file: BinaryIO) -> None:
        self.count = 0
        self.digest = hashlib.sha256()
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(_CHUNK_BYTES):
            self.count += len(chunk)
            self.digest.update(chunk)
            yield chunk


def _answer(members: Mapping[str, str]) -> Failure | Ticket:
    told = {name: text.strip() for name, text in members.items()}
    code, message = told.get("errorcode", ""), told.get("errormessage", "").rstrip(".")
    if code:
        cause = f"error {code}: {message}" if message else f"error {code}"
        # anything else would be repeated unseen
        known = code if code.isdecimal() and len(code) <= _CODE_DIGITS_MAX else None
        return Failure(cause, code in PASSING, code=known)
    if told.get("status", "").lower() == "success" and told.get("referencecode"):
        # what such an address asks for is no business of ours, and might hold the token
        return Ticket(told["referencecode"], told.get("url", "").partition("?")[0])
    status = told.get("status") or "none"
    return Failure(f"neither a reference nor an error code (status {status})", unusable=True)
