"""Markets and series that the account has touched: asked for once, and again when they end.

Quotes change all the time and are no facts of the account, so a market that is known and not yet
final is not asked for again before it settles.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import pyarrow as pa

from adapters.kalshi.client import Client
from adapters.kalshi.errors import NotThereError
from adapters.kalshi.paging import Page, pages
from adapters.kalshi.streams import BROKER
from adapters.kalshi.taking import Taker
from adapters.kalshi.telling import document_of
from adapters.telling import Told
from domain import jsontext
from domain.event import Owner, StoredEvent, escape, make_key, payload_bytes
from domain.jsontext import Slice
from domain.kalshi import account, fills, markets, orders, series, settlements

# Anything else would be another address.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.]*[A-Za-z0-9_][A-Za-z0-9_.]*")
_NAMING_MARKETS: Final = (fills.KIND, orders.KIND, settlements.KIND, account.POSITION)
_ENDED: Final = ("finalized", "settled")
_TICKERS_A_REQUEST: Final = 100
_LIMIT: Final = 1000


class Events(Protocol):
    """All that is in an event log."""

    def head(self) -> int:
        """Return the last position."""
        ...

    def batches(self, after: int, until: int) -> pa.RecordBatchReader:
        """Stream the events with after < position <= until."""
        ...


class Known(Protocol):
    """What is known already: an event log."""

    def revisions(self, key: str) -> list[StoredEvent]:
        """Return all revisions of a key, the oldest first."""
        ...


@dataclass(slots=True)
class Listings:
    """The listings of one fetch."""

    client: Client
    taker: Taker
    known: Known
    owner: Owner
    started_at: datetime

    def markets(self, told: Told, tickers: Iterable[str]) -> None:
        """Take the markets that are new, or that have settled since they were last described."""
        # an empty name would ask for all the markets there are
        wanted = sorted(ticker for ticker in tickers if ticker and self._is_wanted(ticker))
        missing: list[str] = []
        for at in range(0, len(wanted), _TICKERS_A_REQUEST):
            some = wanted[at : at + _TICKERS_A_REQUEST]
            met = self._markets(told, "/markets", some)
            archived = [ticker for ticker in some if ticker not in met]
            met |= self._markets(told, "/historical/markets", archived)
            missing += [ticker for ticker in some if ticker not in met]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            told.notes.append(f"the exchange does not describe {missing[0]}{more}")
        told.complete = told.reason is None

    def _is_wanted(self, ticker: str) -> bool:
        newest = _newest(self.known, self.owner, markets.KIND, ticker)
        if newest is None:
            return True
        if newest.get("status") in _ENDED:
            return False
        return _newest(self.known, self.owner, settlements.KIND, ticker) is not None

    def _markets(self, told: Told, path: str, tickers: list[str]) -> set[str]:
        """Take what a path says of some markets, and return which of them it knows."""
        if not tickers:
            return set()
        met: set[str] = set()
        params = {"tickers": ",".join(tickers)}
        try:
            for page in pages(self.client, path, params, ("markets",), limit=_LIMIT):
                met |= self._take(told, page)
        except NotThereError:
            return met
        return met

    def _take(self, told: Told, page: Page) -> set[str]:
        told.pages += 1
        piece = self.taker.piece(page.answer, self._document(told))
        rows = page.containers["markets"]
        told.add(self.taker.take(markets.KIND, rows or [], piece))
        self.taker.take_beside(page.beside, piece)
        if rows is None and told.reason is None:
            told.reason = f"{piece.endpoint} has no 'markets'"
        return {
            str(row.value["ticker"])
            for row in rows or []
            if isinstance(row.value, dict) and isinstance(row.value.get("ticker"), str)
        }

    def series(self, told: Told, tickers: Iterable[str], *, again: bool) -> None:
        """Take the series of these markets: those that are not known, or all of them `again`."""
        names = sorted({ticker.partition("-")[0] for ticker in tickers})
        for name in names:
            if not _PLAIN.fullmatch(name):
                told.notes.append(f"series {name!r} is not asked for: its name is no plain word")
            elif again or _newest(self.known, self.owner, series.KIND, name) is None:
                self._series(told, name)
        told.complete = told.reason is None

    def _series(self, told: Told, name: str) -> None:
        try:
            answer = self.client.get(f"/series/{name}", {})
        except NotThereError:
            told.notes.append(f"the exchange does not describe series {name}")
            return
        told.pages += 1
        piece = self.taker.piece(answer, self._document(told))
        row = answer.members.get("series")
        if isinstance(row, Slice):
            told.add(self.taker.take(series.KIND, [row], piece))
        elif told.reason is None:
            told.reason = f"{piece.endpoint} has no 'series'"

    def _document(self, told: Told) -> str:
        return f"{document_of(told.stream, self.started_at)}/{told.pages}"


def tickers_in(log: Events) -> set[str]:
    """Return every market that a row in the log names; reads the whole log."""
    found: set[str] = set()
    for batch in log.batches(0, log.head()):
        kinds, states = batch.column("kind").to_pylist(), batch.column("state").to_pylist()
        for kind, state in zip(kinds, states, strict=True):
            if kind in _NAMING_MARKETS:
                payload = jsontext.parse(payload_bytes(state).decode())
                ticker = payload.get("ticker") if isinstance(payload, dict) else None
                if isinstance(ticker, str) and ticker:
                    found.add(str(ticker))
    return found


def _newest(known: Known, owner: Owner, kind: str, identity: str) -> Mapping[str, object] | None:
    """Return the newest payload under a key; None if there is none."""
    events = known.revisions(make_key(BROKER, owner, kind, escape(identity)))
    if not events:
        return None
    payload = jsontext.parse(payload_bytes(events[-1].state).decode())
    return payload if isinstance(payload, dict) else {}
