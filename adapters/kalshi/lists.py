"""Lists: fills, orders, settlements, cash movements, each read from its start to its end.

A list is whole from its start up to the moment that the exchange vouches for, because
1. every page was appended, and the last one said that it is the last;
2. the archive is asked after the live data set: a row that moves meanwhile is found there, and
   where rows moved, the live data set is read again for those that slipped between two pages;
3. the next fetch begins before the end of this one (`overlap`), for rows that turn up late.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.kalshi.answers import Answer
from adapters.kalshi.client import Client
from adapters.kalshi.errors import NotThereError
from adapters.kalshi.paging import Page, pages
from adapters.kalshi.streams import ORDERS, Stream
from adapters.kalshi.taking import Taker
from adapters.kalshi.telling import asked_text, document_of
from adapters.telling import THE_BEGINNING, Told, moment
from domain.event import time_text
from domain.jsontext import Slice

_FINAL_ORDERS: Final = ("canceled", "executed")
_CUTOFF: Final = "/historical/cutoff"

Report = Callable[[str, int, int], None]
"""Called with the stream, its pages and its rows so far."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to fetch."""

    started_at: datetime
    full: bool = False
    since: datetime | None = None
    overlap: timedelta = timedelta(days=3)
    dry_run: bool = False


@dataclass(slots=True)
class Lists:
    """The lists of one fetch. `tickers` is where the markets go that are met."""

    client: Client
    taker: Taker
    plan: Plan
    report: Report
    data_until: datetime | None
    tickers: set[str]
    cutoffs: Mapping[str, object] | None = None
    """Before when rows are archived, as it was told last."""
    given_up: tuple[Told, datetime] | None = None
    archived: int = 0
    """Rows that came out of an archive."""

    def read(self, stream: Stream, told: Told) -> None:
        """Read a list from its start to the end, live first, then what is archived."""
        start = self._start(stream, told)
        reading = _Reading(start)
        cutoff = self._read_live(stream, told, reading)
        if cutoff is not None and start < cutoff:
            if stream.archive is not None:
                self._read_archive(stream, stream.archive, told, reading)
            else:
                start = self._given_up(told, start, cutoff)
        told.complete = told.reason is None
        if told.complete and self.data_until is None:
            told.notes.append("the exchange does not say up to when its data are: covers nothing")
        elif told.complete and self.data_until is not None and self.data_until < start:
            told.notes.append(f"the data end before {time_text(start)}: covers nothing")
        elif told.complete and self.data_until is not None:
            told.covered_from, told.covered_until = start, self.data_until
            self._move_on(told, reading, self.data_until)

    def _move_on(self, told: Told, reading: "_Reading", until: datetime) -> None:
        """Say where the next fetch begins; one that began late leaves that where it was."""
        if told.resume_from is not None and reading.start > told.resume_from:
            told.gap = (told.resume_from, reading.start)
        else:
            told.resume_from = min(until, reading.oldest_open or until)

    def _read_live(self, stream: Stream, told: Told, reading: "_Reading") -> datetime | None:
        """Read the live list and return before when rows are archived, None if they are not.

        Where that moved meanwhile the list is read again: rows that left its middle may have moved
        others from a page that was still to come to one that was read.
        """
        if not stream.cutoffs:
            self._read(stream, stream.path, told, reading)
            return None
        before = self._cutoffs() if self.cutoffs is None else self.cutoffs
        self._read(stream, stream.path, told, reading)
        self.cutoffs = self._cutoffs()
        if any(self.cutoffs.get(name) != before.get(name) for name in stream.cutoffs):
            self._read(stream, stream.path, told, reading)
        if not self.cutoffs:
            return None
        moments = [moment(self.cutoffs.get(name)) for name in stream.cutoffs]
        if moments[0] is None and told.reason is None:
            told.reason = f"{_CUTOFF} does not say {stream.cutoffs[0]}"
        return max((at for at in moments if at is not None), default=None)

    def _read_archive(self, stream: Stream, path: str, told: Told, reading: "_Reading") -> None:
        rows, pages_read = told.rows, told.pages
        try:
            self._read(stream, path, told, reading)
        except NotThereError as error:
            if told.pages > pages_read:
                raise
            told.notes.append(f"no archive: {error}")
        self.archived += told.rows - rows

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
            self.given_up = (told, cutoff)
        return max(start, cutoff)

    def tell_given_up(self) -> None:
        """Tell, at the first fetch, of rows that are gone; an account without a past lost none."""
        if self.given_up is not None and self.archived:
            told, cutoff = self.given_up
            told.gap = (THE_BEGINNING, cutoff)

    def _cutoffs(self) -> Mapping[str, object]:
        """Return before when rows are archived, by list; nothing where there is no archive."""
        try:
            return values_of(self.client.get(_CUTOFF, {}))
        except NotThereError:
            return {}

    def _read(self, stream: Stream, path: str, told: Told, reading: "_Reading") -> None:
        params = {}
        if stream.timed and reading.start > THE_BEGINNING:
            # whole seconds, and one more in case that the bound itself is left out
            params["min_ts"] = int(reading.start.timestamp()) - 1
        told.asked.append(asked_text(path, params))
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
    if page.ended is not None:
        return None
    if stream.cursor_promised:
        return f"page {page.number} does not say whether it is the last: it has no cursor"
    rows = page.containers[stream.container] or []
    if page.beside or len(rows) >= stream.limit:
        return f"page {page.number} may not be the last: it has no cursor"
    return None


def values_of(answer: Answer) -> dict[str, object]:
    """Return the members of an answer that has no rows."""
    members = answer.members.items()
    return {name: one.value for name, one in members if isinstance(one, Slice)}
