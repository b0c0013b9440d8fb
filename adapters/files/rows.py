"""What an input held, before it becomes events, and how it becomes events."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

from domain import jsontext, ledger
from domain.errors import UsageError
from domain.event import NewEvent, Origin, make_event, time_text
from domain.jsontext import Integer
from domain.kalshi.account import BALANCE
from domain.kinds import BY_NAME, Kind, identity_of
from domain.shapes import shape_of

ADAPTER: Final = "files/1"
# The last second of the year 9999. Milliseconds of this century are beyond it.
_SECOND_LAST: Final = 253_402_300_799


class Row(NamedTuple):
    """One row of an input: its kind, its parsed value, its text, and the line of a CSV file."""

    kind: Kind
    value: object
    text: str
    raw: str | None = None


@dataclass(slots=True)
class Found:
    """Everything that was found in one input, in its order."""

    form: str = ""
    rows: list[Row] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    """Kind -> rows; a container without rows counts as 0."""
    pages: int = 0
    """Answers of the API; rows that stand by themselves are of no page."""
    cursors: dict[tuple[str, ...], bool | None] = field(default_factory=dict)
    """What a page listed -> whether the last page of that sort was the last; None: not said."""
    unread: dict[str, int] = field(default_factory=dict)
    """Names beside the rows that no importer knows -> rows (objects) under them."""
    remarks: list[str] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Take one row."""
        self.rows.append(row)
        self.counts[row.kind.name] = self.counts.get(row.kind.name, 0) + 1

    def leave(self, name: str, rows: int) -> None:
        """Remember a member that is not read."""
        self.unread[name] = self.unread.get(name, 0) + rows

    @property
    def left_out(self) -> int:
        """How many rows stood under names that no importer knows."""
        return sum(self.unread.values())

    @property
    def cursor_ended(self) -> bool | None:
        """Whether all sorts of pages ran to their end; None where one does not say."""
        answers = list(self.cursors.values())
        if False in answers:
            return False
        return None if not answers or None in answers else True

    def notes(self) -> list[str]:
        """Return what the user should know, the loud things first."""
        loud = [
            f"{rows} row(s) under {name!r} were NOT taken in: no importer knows that name"
            for name, rows in self.unread.items()
            if rows
        ]
        quiet = [
            f"{name!r} stands beside the rows and was not taken in"
            for name, rows in self.unread.items()
            if not rows
        ]
        if self.cursor_ended is False:
            quiet.append("the last page names a next one (cursor): this file does not hold it")
        return [*loud, *self.remarks, *quiet]


def build_events(found: Found, origin: Origin, as_of: datetime | None) -> list[NewEvent]:
    """Return one event a row, in order. Raise UsageError where a snapshot has no moment."""
    seen: Counter[tuple[str, str]] = Counter()
    origins: dict[str, Origin] = {}
    events: list[NewEvent] = []
    for kind, value, text, raw in found.rows:
        moment = _moment(kind, value, as_of) if kind.snapshot else None
        as_of_text = None if moment is None else time_text(moment)
        identity = identity_of(kind, value, as_of_text=as_of_text)
        if "content-" in identity:
            # no id of its own: equal rows of one input are told apart by their number
            seen[kind.name, identity] += 1
            nth = seen[kind.name, identity]
            identity = identity_of(kind, value, as_of_text=as_of_text, nth=nth)
        if kind.venue not in origins:
            origins[kind.venue] = replace(origin, venue=kind.venue)
        shape = shape_of(value)
        source = origins[kind.venue]
        events.append(make_event(source, kind.name, identity, shape, text, as_of=moment, row=raw))
    return events


def build_fetch(found: Found, origin: Origin, name: str) -> NewEvent:
    """Return the event that says what was taken in."""
    payload: dict[str, object] = {
        "pages": Integer(found.pages),
        "rows": Integer(len(found.rows)),
    }
    if found.cursor_ended is not None:
        payload["cursor_ended"] = found.cursor_ended
    if found.left_out:
        payload["rows_left_out"] = Integer(found.left_out)
    return fetch_event(origin, name, payload)


def fetch_event(origin: Origin, name: str, counts: Mapping[str, object]) -> NewEvent:
    """Return the event of one document, with what its importer counted in it.

    Its payload depends on the document and on what the importer makes of it: the same document
    under another name at another time is a duplicate. Name and time are in the envelope.
    """
    payload: dict[str, object] = {
        "document": str(origin.source["document"]),
        "adapter": str(origin.source["adapter"]),
        **counts,
    }
    members = (f"{jsontext.quote(key)}:{jsontext.canonical(it)}" for key, it in payload.items())
    own = replace(origin, venue="ledger", source={**origin.source, "name": name})
    identity = identity_of(BY_NAME[ledger.FETCH], payload)
    text = f"{{{','.join(members)}}}"
    return make_event(own, ledger.FETCH, identity, shape_of(payload), text)


def _moment(kind: Kind, value: object, as_of: datetime | None) -> datetime:
    if as_of is not None:
        return as_of
    if kind.name != BALANCE or not isinstance(value, dict):
        message = (
            f"{kind.name} rows do not say at which moment they were true; give it with --as-of, "
            "for example --as-of 2026-01-13T20:00:00Z"
        )
        raise UsageError(message)
    second = value.get("updated_ts")
    if isinstance(second, Integer) and len(second) <= len(str(_SECOND_LAST)):
        number = int(second)
        if 0 < number <= _SECOND_LAST:
            return datetime.fromtimestamp(number, UTC)
    told = "no updated_ts" if second is None else f"updated_ts {str(second)[:40]!r}"
    message = (
        f"the balance carries {told}; expected are whole seconds since 1970. Give the moment at "
        "which it was true with --as-of, for example --as-of 2026-01-13T20:00:00Z"
    )
    raise UsageError(message)
