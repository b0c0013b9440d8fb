"""A large log of made payloads: fills of all generations, and the settlements of their markets.

Spelled out with templates, because rendering a million truths through `tests.made` takes minutes;
`tests/benchmarks/test_corpus.py` holds the two against each other.
"""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from adapters.log.sqlite import SQLiteLog
from domain import jsontext, kinds
from domain.event import NewEvent, Origin, Owner, make_event
from domain.shapes import shape_of

GENERATIONS = ("0", "1", "2", "3a", "3b", "4", "5")
SERIES = ("KXHIGHNY", "KXHIGHCHI", "KXHIGHMIA", "KXHIGHDEN", "KXHIGHLAX", "KXHIGHAUS")
FILLS_PER_MARKET = 500
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One execution before it is spelled."""

    fill_id: str
    order_id: str
    ticker: str
    side: str
    count: int
    cents: int
    at: datetime

    @property
    def fee(self) -> str:
        """A plausible fee: the quadratic one, cut to 4 places."""
        return f"{7 * self.count * self.cents * (100 - self.cents) / 1_000_000:.4f}"


def payloads(fills: int, seed: int = 7) -> Iterator[tuple[str, str]]:
    """Yield (kind, JSON text): `fills` fills, each market followed by its settlement."""
    draw = random.Random(seed)
    markets = max(1, fills // FILLS_PER_MARKET)
    held: dict[str, list[int]] = {}
    for number in range(fills):
        drawn = _draw(draw, number, markets)
        counts = held.setdefault(drawn.ticker, [0, 0, 0, 0])
        offset = 0 if drawn.side == "yes" else 1
        counts[offset] += drawn.count
        price = drawn.cents if drawn.side == "yes" else 100 - drawn.cents
        counts[2 + offset] += drawn.count * price
        yield "kalshi.fill", fill_text(drawn, draw.choice(GENERATIONS))
    end = START + timedelta(seconds=10 * fills)
    for ticker, counts in held.items():
        yield "kalshi.settlement", _settlement(draw, ticker, counts, end)


def _draw(draw: random.Random, number: int, markets: int) -> Drawn:
    market = draw.randrange(markets)
    moment = START + timedelta(seconds=10 * number, microseconds=draw.randrange(1_000_000))
    series = SERIES[market % len(SERIES)]
    return Drawn(
        fill_id=str(uuid.UUID(int=draw.getrandbits(128))),
        order_id=str(uuid.UUID(int=draw.getrandbits(128))),
        ticker=f"{series}-26JAN{market % 28 + 1:02d}-B{market}.5",
        side=draw.choice(("yes", "no")),
        count=draw.randrange(1, 20),
        cents=draw.randrange(1, 100),
        at=moment,
    )


def fill_text(drawn: Drawn, generation: str) -> str:
    """Spell an execution as a generation of the API does."""
    yes, no = f"{drawn.cents / 100:.4f}", f"{(100 - drawn.cents) / 100:.4f}"
    parts = [
        (
            f'"action":"buy","created_time":"{drawn.at:%Y-%m-%dT%H:%M:%S.%f}Z","is_taker":true,'
            f'"order_id":"{drawn.order_id}","side":"{drawn.side}","ticker":"{drawn.ticker}",'
            f'"trade_id":"{drawn.fill_id}"'
        )
    ]
    if generation != "0":
        parts.append(
            f'"fill_id":"{drawn.fill_id}","market_ticker":"{drawn.ticker}",'
            f'"ts":{int(drawn.at.timestamp())}'
        )
    if generation in ("0", "1", "2"):
        parts.append(
            f'"count":{drawn.count},"price":{drawn.cents / 100},"yes_price":{drawn.cents},'
            f'"no_price":{100 - drawn.cents}'
        )
    if generation in ("1", "2", "3a"):
        parts.append(f'"yes_price_fixed":"{yes}","no_price_fixed":"{no}"')
    if generation in ("2", "3a", "3b", "4", "5"):
        parts.append(
            f'"count_fp":"{drawn.count}.00","fee_cost":"{drawn.fee}","subaccount_number":0'
        )
    if generation in ("3a", "3b", "4", "5"):
        parts.append(f'"yes_price_dollars":"{yes}","no_price_dollars":"{no}"')
    if generation in ("4", "5"):
        book_side = "bid" if drawn.side == "yes" else "ask"
        parts.append(f'"outcome_side":"{drawn.side}","book_side":"{book_side}"')
    if generation == "5":
        parts.append('"exchange_index":0')
    return f"{{{','.join(parts)}}}"


def _settlement(draw: random.Random, ticker: str, counts: list[int], end: datetime) -> str:
    yes, no, yes_cents, no_cents = counts
    won = draw.choice(("yes", "no"))
    revenue = 100 * max(yes - no, 0) if won == "yes" else 100 * max(no - yes, 0)
    return (
        f'{{"event_ticker":"{ticker.rpartition("-")[0]}","fee_cost":"{(yes + no) / 100:.4f}",'
        f'"market_result":"{won}","no_count_fp":"{no}.00",'
        f'"no_total_cost_dollars":"{no_cents / 100:.6f}","revenue":{revenue},'
        f'"settled_time":"{end:%Y-%m-%dT%H:%M:%S.%f}Z","ticker":"{ticker}",'
        f'"value":{100 if won == "yes" else 0},"yes_count_fp":"{yes}.00",'
        f'"yes_total_cost_dollars":"{yes_cents / 100:.6f}"}}'
    )


def events(fills: int) -> Iterator[NewEvent]:
    """Yield the corpus as events, enveloped as an importer would."""
    origin = Origin(
        owner=Owner("main", "live"),
        venue="kalshi",
        received_at=START,
        source={"adapter": "benchmark/1", "document": "made"},
    )
    for name, text in payloads(fills):
        payload = jsontext.parse(text)
        identity = kinds.identity_of(kinds.BY_NAME[name], payload)
        yield make_event(origin, name, identity, shape_of(payload), text)


def write_log(path: Path, fills: int, batch: int = 10_000) -> None:
    """Write the corpus into a new log."""
    with SQLiteLog.open(path, create=True) as log:
        stream = events(fills)
        while rows := list(islice(stream, batch)):
            log.append(rows)
