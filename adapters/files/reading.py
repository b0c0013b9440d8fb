"""One input from bytes to events: all of it, or a refusal that says where it broke."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.files import content, csvrows, jsonrows
from adapters.files.paths import shown
from adapters.files.rows import ADAPTER, Found, build_events, build_fetch
from domain import jsontext
from domain.errors import NotUnderstoodError, UsageError
from domain.event import NewEvent, Origin, Owner, time_text

# Parsing takes about eleven times the input's size in memory.
BYTES_MAX: Final = 512 * 1024**2


@dataclass(frozen=True, slots=True)
class Input:
    """The events of one input, and what is to be said about it.

    events   the rows in file order, then exactly one `ledger.fetch`
    rows     kind -> rows; a list that was there and empty counts as 0
    form     "json page", "json pages", "json rows", "json row", "json lines",
             "csv of API rows", "web export"
    notes    for the user, what was not taken in first
    left_out rows under names that no importer knows; they are not among the events
    """

    events: list[NewEvent]
    rows: Mapping[str, int]
    form: str
    notes: list[str]
    left_out: int = 0


def read_input(
    data: bytes,
    *,
    name: str,
    owner: Owner,
    received_at: datetime,
    as_of: datetime | None = None,
    bytes_max: int = BYTES_MAX,
) -> Input:
    """Turn the bytes of one input into events.

    The form is recognised by content, never by `name`. `as_of` is the moment that snapshots
    (positions, balances) describe; the same bytes at another moment are another document. Raise
    NotUnderstoodError for bytes that are of no known form or broken anywhere, UsageError for a
    snapshot without a moment.
    """
    named = shown(name)
    if as_of is not None and as_of.tzinfo is None:
        message = f"as_of {as_of} has no time zone"
        raise UsageError(message)
    try:
        found = _find(data, bytes_max)
        origin = Origin(
            owner=owner,
            venue="ledger",
            received_at=received_at,
            source={"adapter": ADAPTER, "document": _document(data, found, as_of)},
        )
        events = build_events(found, origin, as_of)
    except UsageError as error:
        raise type(error)(f"{named}: {error}") from error.__cause__
    events.append(build_fetch(found, origin, named))
    return Input(events, found.counts, found.form, found.notes(), found.left_out)


def _document(data: bytes, found: Found, as_of: datetime | None) -> str:
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    if as_of is not None and any(row.kind.snapshot for row in found.rows):
        return f"{digest}@{time_text(as_of)}"
    return digest


def _find(data: bytes, bytes_max: int) -> Found:
    if len(data) > bytes_max:
        message = (
            f"{len(data):,} bytes, at most {bytes_max:,} are read in one piece; split the file "
            "(JSON lines and CSV between rows, JSON between pages)"
        )
        raise NotUnderstoodError(message)
    text = content.decode(data)
    start = jsontext.skip_space(text, 0)
    if start == len(text):
        message = (
            "the file is empty; fetch it again: an empty answer of Kalshi's API reads "
            '{"fills":[]}, and a Flex statement without rows still has its XML'
        )
        raise NotUnderstoodError(message)
    if text[start] in "{[":
        return jsonrows.find_rows(text)
    return csvrows.find_rows(text)
