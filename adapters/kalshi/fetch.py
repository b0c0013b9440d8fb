"""One fetch: every stream of an account, each asked to its end, each told how whole it came.

Snapshots come first, as close as possible to the moment that they are of; then the lists, live
and archived; then the markets and series that were met. A stream that fails leaves the others
alone: it is told as incomplete, and the next fetch begins where this one did.

A list is whole from its start up to the moment that the exchange vouches for, because
1. every page was appended, and the last one said that it is the last;
2. the archive is asked after the live data set: a row that moves meanwhile is found there, and
   where rows moved, the live data set is read again for those that slipped between two pages;
3. the next fetch begins before the end of this one (`overlap`), for rows that turn up late.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

from adapters.kalshi.answers import Answer
from adapters.kalshi.client import Client
from adapters.kalshi.errors import FetchError, NotThereError, RefusedError, UnreachableError
from adapters.kalshi.listings import Listings
from adapters.kalshi.paging import Page, pages
from adapters.kalshi.snapshots import Snapshots
from adapters.kalshi.streams import LISTS, ORDERS, Stream
from adapters.kalshi.taking import Sink, Taker
from adapters.kalshi.telling import (
    THE_BEGINNING,
    Told,
    document_of,
    earlier,
    fetch_event,
    moment,
    prefix_of,
)
from domain import jsontext
from domain.event import Owner, StoredEvent, time_text
from domain.jsontext import Slice

_FINAL_ORDERS: Final = ("canceled", "executed")
_TIER: Final = "/account/limits"
_DATA_UNTIL: Final = "/exchange/user_data_timestamp"
_CUTOFF: Final = "/historical/cutoff"
# How often to look whether the exchange vouches for the moment of the snapshots.
_LOOKS: Final = 5
_LOOK_SECONDS: Final = 1
# After so many streams in a row that could not be reached the rest are not asked.
_PATIENCE: Final = 2

Report = Callable[[str, int, int], None]
"""Called with the stream, its pages and its rows so far."""


class Log(Sink, Protocol):
    """The event log that is appended to, and asked what was fetched before."""

    def last_under(self, prefix: str) -> StoredEvent | None:
        """Return the newest revision of the last key that begins with `prefix`."""
        ...

    def revisions(self, key: str) -> list[StoredEvent]:
        """Return all revisions of a key, the oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What to fetch."""

    started_at: datetime
    full: bool = False
    since: datetime | None = None
    overlap: timedelta = timedelta(days=3)
    dry_run: bool = False


@dataclass(slots=True)
class Fetched:
    """What a fetch came to."""

    data_until: datetime | None = None
    streams: list[Told] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Tell whether every stream was asked to its end."""
        return all(told.complete for told in self.streams)


@dataclass(slots=True)
class Fetching:
    """A fetch under way."""

    client: Client
    log: Log
    taker: Taker
    plan: Plan
    report: Report
    fetched: Fetched = field(default_factory=Fetched)
    tickers: set[str] = field(default_factory=set)
    unreachable: int = 0
    cutoffs: Mapping[str, object] | None = None
    """Before when rows are archived, as it was told last."""

    def run(self) -> Fetched:
        """Fetch everything. Raise RefusedError if the exchange does not accept the key."""
        self._set_pace()
        self.fetched.data_until = self._data_until()
        snapshots = Snapshots(self.client, self.taker, self.plan.started_at, self.data_until)
        self._stream("subaccount_balances", snapshots.subaccount_balances)
        self._stream("balance", snapshots.balance)
        self._stream("positions", lambda told: snapshots.positions(told, self.tickers))
        self.fetched.data_until = self._data_beyond(snapshots.received_at)
        for stream in LISTS:
            self._stream(stream.name, partial(self._list, stream))
        listings = Listings(self.client, self.taker, self.log, self.owner, self.plan.started_at)
        again = self.plan.full or self._first_today("series")
        self._stream("markets", lambda told: listings.markets(told, self.tickers))
        self._stream("series", lambda told: listings.series(told, self.tickers, again=again))
        return self.fetched

    @property
    def owner(self) -> Owner:
        """Return whose account it is."""
        return self.taker.owner

    @property
    def data_until(self) -> datetime | None:
        """Return the moment up to which the exchange vouches for its data."""
        return self.fetched.data_until

    def _set_pace(self) -> None:
        """Learn how fast this key may read; where the exchange does not tell, stay slow."""
        try:
            told = _values(self.client.get(_TIER, {})).get("read")
        except FetchError:
            # a key that is refused everywhere is met again at the first stream
            return
        rate = told.get("refill_rate") if isinstance(told, dict) else None
        if isinstance(rate, jsontext.Integer) and len(rate) < 8 and int(rate) > 0:  # noqa: PLR2004
            self.client.pace(int(rate))

    def _data_until(self) -> datetime | None:
        """Return up to when the exchange vouches for its data; None where it does not say."""
        try:
            answer = self.client.get(_DATA_UNTIL, {})
        except FetchError:
            return None
        told = moment(_values(answer).get("as_of_time"))
        return None if told is None else min(told, answer.received_at)

    def _data_beyond(self, snapshots_at: datetime | None) -> datetime | None:
        """Return up to when the exchange vouches for its data now, after the snapshots.

        A little patience: once the lists reach beyond the snapshots, what is in a balance and what
        is not can be told at once, and not only after the next fetch.
        """
        until = self.data_until
        for look in range(_LOOKS):
            if until is None or snapshots_at is None or until >= snapshots_at:
                break
            self.client.wait(_LOOK_SECONDS * (look > 0))
            until = self._data_until() or until
        return until

    def _stream(self, name: str, work: Callable[[Told], None]) -> None:
        """Work on one stream and tell what came of it, whatever that is."""
        told = Told(name)
        before = earlier(self.log.last_under(prefix_of(name, self.owner)))
        told.resume_from = moment(before.get("resume_from"))
        self.fetched.streams.append(told)
        if self.unreachable >= _PATIENCE:
            told.reason = "not asked: the exchange could not be reached for the streams before"
        else:
            self._work(told, work)
        event = fetch_event(told, self.owner, self.plan.started_at, self.client.now())
        self.log.append([event], dry_run=self.plan.dry_run)

    def _work(self, told: Told, work: Callable[[Told], None]) -> None:
        try:
            work(told)
        except RefusedError as error:
            if not any(one.pages for one in self.fetched.streams):
                raise
            told.complete, told.reason = False, str(error)
            self.unreachable = 0
        except FetchError as error:
            told.complete, told.reason = False, str(error)
            self.unreachable = self.unreachable + 1 if isinstance(error, UnreachableError) else 0
        else:
            self.unreachable = 0

    def _first_today(self, stream: str) -> bool:
        before = earlier(self.log.last_under(prefix_of(stream, self.owner)))
        last = moment(before.get("started_at"))
        whole = last is not None and before.get("state") == "complete"
        return last is None or not whole or last.date() < self.plan.started_at.date()

    def _list(self, stream: Stream, told: Told) -> None:
        """Read a list from its start to the end, live first, then what is archived."""
        start = self._start(stream, told)
        reading = _Reading(start)
        cutoff = self._read_live(stream, told, reading)
        if cutoff is not None and start < cutoff:
            if stream.archive is not None:
                self._read(stream, stream.archive, told, reading)
            else:
                start = self._given_up(told, start, cutoff)
        told.complete = told.reason is None
        if told.complete and self.data_until is None:
            told.notes.append("the exchange does not say up to when its data are: covers nothing")
        elif told.complete and self.data_until is not None and self.data_until < start:
            told.notes.append(f"the data end before {time_text(start)}: covers nothing")
        elif told.complete and self.data_until is not None:
            told.covered_from, told.covered_until = start, self.data_until
            told.resume_from = min(self.data_until, reading.oldest_open or self.data_until)

    def _read_live(self, stream: Stream, told: Told, reading: "_Reading") -> datetime | None:
        """Read the live list and return before when rows are archived, None if they are not.

        Where that moved meanwhile the list is read again: rows that left its middle may have moved
        others from a page that was still to come to one that was read.
        """
        if stream.cutoff is None:
            self._read(stream, stream.path, told, reading)
            return None
        before = self._cutoffs() if self.cutoffs is None else self.cutoffs
        self._read(stream, stream.path, told, reading)
        self.cutoffs = self._cutoffs()
        cutoff = self.cutoffs.get(stream.cutoff)
        if cutoff != before.get(stream.cutoff):
            self._read(stream, stream.path, told, reading)
        return moment(cutoff)

    def _start(self, stream: Stream, told: Told) -> datetime:
        """Return where to begin: earlier than the last fetch ended, or at the very beginning."""
        if not stream.timed or self.plan.full:
            return THE_BEGINNING
        if self.plan.since is not None:
            return self.plan.since
        if told.resume_from is None or told.resume_from - THE_BEGINNING < self.plan.overlap:
            return THE_BEGINNING
        return told.resume_from - self.plan.overlap

    def _given_up(self, told: Told, start: datetime, cutoff: datetime) -> datetime:
        """Tell what cannot be had any more, and return from when on the rest is whole."""
        if told.resume_from is not None and told.resume_from < cutoff:
            told.gap = (told.resume_from, cutoff)
        elif told.resume_from is None:
            told.notes.append(f"older than {cutoff:%Y-%m-%d %H:%M}Z is not served any more")
        return max(start, cutoff)

    def _cutoffs(self) -> Mapping[str, object]:
        try:
            return _values(self.client.get(_CUTOFF, {}))
        except NotThereError:
            return {}

    def _read(self, stream: Stream, path: str, told: Told, reading: "_Reading") -> None:
        params = {}
        if stream.timed and reading.start > THE_BEGINNING:
            # whole seconds, and one more in case that the bound itself is left out
            params["min_ts"] = int(reading.start.timestamp()) - 1
        told.asked.append("&".join([path, *(f"{name}={at}" for name, at in params.items())]))
        page = None
        asked = pages(self.client, path, params, (stream.container,), limit=stream.limit)
        for page in _one_ahead(asked):
            self._take(stream, page, told, reading)
            self.report(told.stream, told.pages, told.rows)
        if page is not None and told.reason is None:
            told.reason = _unended(stream, page)

    def _take(self, stream: Stream, page: Page, told: Told, reading: "_Reading") -> None:
        told.pages += 1
        document = f"{document_of(stream.name, self.plan.started_at)}/{told.pages}"
        piece = self.taker.piece(page.answer, document)
        rows = page.containers[stream.container]
        told.add(self.taker.take(stream.kind, rows or [], piece))
        self.taker.take_beside(page.beside, piece)
        if rows is None and told.reason is None:
            told.reason = f"page {told.pages} of {piece.endpoint} has no {stream.container!r}"
        for row in rows or []:
            self._look(stream, row.value, reading)

    def _look(self, stream: Stream, value: object, reading: "_Reading") -> None:
        """Remember the market of a row, and the oldest order that may still change."""
        if not isinstance(value, dict):
            return
        ticker = value.get("ticker")
        if isinstance(ticker, str):
            self.tickers.add(str(ticker))
        if stream is ORDERS and value.get("status") not in _FINAL_ORDERS:
            reading.still_open(moment(value.get("created_time")))


@dataclass(slots=True)
class _Reading:
    """Reading one list."""

    start: datetime
    oldest_open: datetime | None = None

    def still_open(self, created_at: datetime | None) -> None:
        """Remember an order that is not final; one without a time is as old as can be."""
        at = self.start if created_at is None else created_at
        self.oldest_open = at if self.oldest_open is None else min(at, self.oldest_open)


def _one_ahead(asked: Iterator[Page]) -> Iterator[Page]:
    """Yield the pages; while one is appended, the next is under way."""
    with ThreadPoolExecutor(max_workers=1) as worker:
        under_way = worker.submit(next, asked, None)
        while (page := under_way.result()) is not None:
            under_way = worker.submit(next, asked, None)
            yield page


def _unended(stream: Stream, page: Page) -> str | None:
    """Say why the last page that came need not be the last there is; None if it is."""
    if page.cursor_told:
        return None
    if stream.cursor_promised:
        return f"page {page.number} does not say whether it is the last: it has no cursor"
    rows = page.containers[stream.container] or []
    if page.beside or len(rows) >= stream.limit:
        return f"page {page.number} may not be the last: it has no cursor"
    return None


def _values(answer: Answer) -> dict[str, object]:
    """Return the members of an answer that has no rows."""
    members = answer.members.items()
    return {name: one.value for name, one in members if isinstance(one, Slice)}
