"""One fetch: every stream of an account, each asked to its end, each told how whole it came.

Snapshots come first, as close as possible to the moment that they are of; then the lists, live
and archived; then the markets and series that were met. A stream that fails leaves the others
alone: it is told as incomplete, and the next fetch begins where this one did.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

import pyarrow as pa

from adapters.kalshi.client import Client
from adapters.kalshi.errors import (
    FetchError,
    ForbiddenError,
    RefusedError,
    UnreachableError,
)
from adapters.kalshi.listings import Listings, tickers_in
from adapters.kalshi.lists import Lists, Plan, Report, values_of
from adapters.kalshi.snapshots import Snapshots
from adapters.kalshi.streams import FILLS, LISTS
from adapters.kalshi.taking import Taker
from adapters.kalshi.telling import fetch_event, prefix_of
from adapters.taking import Sink
from adapters.telling import Told, earlier, moment
from domain import jsontext
from domain.event import Owner, StoredEvent

__all__ = ["Fetched", "Fetching", "Log", "Plan", "Report"]

_TIER: Final = "/account/limits"
_DATA_UNTIL: Final = "/exchange/user_data_timestamp"
_CLOCKS_APART: Final = timedelta(minutes=1)
# How often to look whether the exchange vouches for the moment of the snapshots.
_LOOKS: Final = 5
_LOOK_SECONDS: Final = 1
# After so many streams in a row that could not be reached the rest are not asked.
_PATIENCE: Final = 2


class Log(Sink, Protocol):
    """The event log that is appended to, and asked what was fetched before."""

    def last_under(self, prefix: str) -> StoredEvent | None:
        """Return the newest revision of the last key that begins with `prefix`."""
        ...

    def revisions(self, key: str) -> list[StoredEvent]:
        """Return all revisions of a key, the oldest first."""
        ...

    def head(self) -> int:
        """Return the last position."""
        ...

    def batches(self, after: int, until: int) -> pa.RecordBatchReader:
        """Stream the events with after < position <= until."""
        ...


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

    def run(self) -> Fetched:
        """Fetch everything. Raise RefusedError if the exchange does not accept the key."""
        self._set_pace()
        behind = self._listings_behind()
        self.fetched.data_until = self._data_until()
        snapshots = Snapshots(self.client, self.taker, self.plan.started_at, self.data_until)
        self._stream("subaccount_balances", snapshots.subaccount_balances)
        self._stream("balance", snapshots.balance)
        self._stream("positions", lambda told: snapshots.positions(told, self.tickers))
        self.fetched.data_until = self._data_beyond(snapshots.received_at)
        lists = Lists(
            self.client, self.taker, self.plan, self.report, self.data_until, self.tickers
        )
        for stream in LISTS:
            self._stream(stream.name, partial(lists.read, stream))
        lists.tell_given_up()
        if behind:
            self.tickers |= tickers_in(self.log)
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
            told = values_of(self.client.get(_TIER, {})).get("read")
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
        told = moment(values_of(answer).get("as_of_time"))
        # by its clock; ours may be slow, and a moment that lies far ahead is no moment
        return None if told is None else min(told, answer.received_at + _CLOCKS_APART)

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
        site, ended_at = self.client.site.name, self.client.now()
        event = fetch_event(told, self.owner, site, self.plan.started_at, ended_at)
        self.log.append([event], dry_run=self.plan.dry_run)

    def _work(self, told: Told, work: Callable[[Told], None]) -> None:
        try:
            work(told)
        except FetchError as error:
            refused = isinstance(error, RefusedError) and not isinstance(error, ForbiddenError)
            if refused and not any(one.pages for one in self.fetched.streams):
                raise
            told.complete, told.reason = False, str(error)
            self.unreachable = self.unreachable + 1 if isinstance(error, UnreachableError) else 0
        else:
            self.unreachable = 0

    def _listings_behind(self) -> bool:
        """Tell whether the fetch before met markets that it did not get to describe."""
        lists, *listings = (
            earlier(self.log.last_under(prefix_of(stream, self.owner)))
            for stream in (FILLS.name, "markets", "series")
        )
        return bool(lists) and any(
            one.get("state") != "complete" or one.get("started_at") != lists.get("started_at")
            for one in listings
        )

    def _first_today(self, stream: str) -> bool:
        before = earlier(self.log.last_under(prefix_of(stream, self.owner)))
        last = moment(before.get("started_at"))
        whole = last is not None and before.get("state") == "complete"
        return last is None or not whole or last.date() < self.plan.started_at.date()
