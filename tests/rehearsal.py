"""A book, an exchange and one simulated clock between them: what every test of fetching needs.

`differences` grades the book by the exchange's own truth, which shares no code with the ledger.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from adapters.clock import Clock
from adapters.kalshi import signing
from adapters.kalshi.sites import site
from domain.columns import Table, columns_of
from tools import book as books
from tools import fetch
from tools import project as projecting
from tools.book import Book
from tools.fake_kalshi.clock import SimulatedClock
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.grading import truth
from tools.outcome import FAILED, Outcome

_POSITIONS = """
    SELECT subaccount, instrument_id, sum(quantity) FROM position GROUP BY ALL
"""
_MARKETS = """
    SELECT instrument_id, sum(realized_gross) FROM lot_match GROUP BY ALL
"""
_FILLS = "SELECT fill_id FROM fill ORDER BY fill_id"
_CASH = "SELECT coalesce(sum(amount), 0) FROM cash_ledger"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A book that fetches from an exchange."""

    book: Book
    exchange: Exchange
    clock: SimulatedClock
    entry: fetch.Access

    def fetch(self, **wanted: Any) -> Outcome:  # noqa: ANN401 - theirs
        """Fetch once; the options of `fetch.Wanted`."""
        return fetch.kalshi(self.book, fetch.Wanted(**wanted), self.entry)

    def fetch_whole(
        self,
        attempts: int = 8,
        **wanted: Any,  # noqa: ANN401 - theirs
    ) -> Outcome:
        """Fetch until every stream is complete, as a scheduler would."""
        for _ in range(attempts):
            done = self.fetch(**wanted)
            if done.exit_code != FAILED:
                return done
            self.clock.advance(timedelta(minutes=1))
        raise AssertionError(f"still incomplete after {attempts} fetches: {done.data['streams']}")

    def project(self) -> Outcome:
        """Bring the projection up to the log."""
        with self.book.open_log() as log:
            return projecting.project(self.book, log)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the projection."""
        with self.book.open_projection() as connection:
            return connection.execute(sql).fetchall()

    def keys(self, kind: str) -> list[str]:
        """Return the keys of a kind in the log, each as often as it was revised."""
        with self.book.open_log() as log:
            events = log.batches(0, log.head()).read_all()
        pairs = zip(events["kind"].to_pylist(), events["key"].to_pylist(), strict=True)
        return [key for sort, key in pairs if sort == kind]

    def published(self, table: type[Table]) -> list[tuple[Any, ...]]:
        """Return a table of the projection without its provenance, in the order of its rows."""
        names = [column.name for column in columns_of(table) if not column.provenance]
        return self.rows(f"SELECT {', '.join(names)} FROM {table.table} ORDER BY ALL")

    def differences(self) -> list[str]:
        """Return what the book says otherwise than the exchange's truth of this moment."""
        world = self.exchange.world
        # a world that came to rest knows nothing of what would have followed
        told = truth(world, world.at(self.exchange.as_of).moment)
        with self.book.open_projection() as connection:
            return [*_differences(connection, told)]


def lines(done: Outcome) -> list[str]:
    """Return what an outcome says above its verdict, line by line."""
    return [line for line in done.body if isinstance(line, str)]


@contextmanager
def rehearsal(
    folder: Path,
    exchange: Exchange,
    clock: SimulatedClock,
    *,
    mode: str = "live",
    book: Book | None = None,
) -> Iterator[Rehearsal]:
    """Serve the exchange and make a book beside it, unless there is one already."""
    if book is None:
        book = books.create(folder / "book", account="main", mode=mode)
    with exchange:
        entry = fetch.Access(
            site(exchange.url, exchange.stream_url),
            signing.load(exchange.key_id, pem=exchange.key_pem, file=None),
            Clock(clock.now, clock.monotonic, clock.sleep),
        )
        yield Rehearsal(book, exchange, clock, entry)


def _differences(connection: duckdb.DuckDBPyConnection, told: dict[str, Any]) -> Iterator[str]:
    fills = [fill for (fill,) in connection.execute(_FILLS).fetchall()]
    if fills != told["fill_ids"]:
        missing = sorted(set(told["fill_ids"]) - set(fills))
        invented = sorted(set(fills) - set(told["fill_ids"]))
        yield f"fills missing: {len(missing)} {missing[:3]}; invented: {invented[:3]}"
    held = {
        (row["subaccount"], row["ticker"]): Decimal(row["position"]) for row in told["positions"]
    }
    found = {(sub, ticker): net for sub, ticker, net in connection.execute(_POSITIONS).fetchall()}
    yield from _unequal("position", held, found)
    lots = dict(connection.execute(_MARKETS).fetchall())
    for market in told["markets"]:
        gross = lots.get(market["ticker"], Decimal(0))
        if gross != Decimal(market["realized_gross"]):
            yield f"realized {market['ticker']}: {gross}, truly {market['realized_gross']}"
    ((cash,),) = connection.execute(_CASH).fetchall()
    if cash != Decimal(told["cash"]["total"]):
        yield f"cash: {cash}, truly {told['cash']['total']}"


def _unequal(what: str, true: dict[Any, Decimal], found: dict[Any, Decimal]) -> Iterator[str]:
    for key in sorted({*true, *found}):
        if true.get(key, Decimal(0)) != found.get(key, Decimal(0)):
            yield f"{what} {key}: {found.get(key)}, truly {true.get(key)}"
