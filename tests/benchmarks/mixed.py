"""A large mixed log: what bots do at Kalshi and at Interactive Brokers over months.

Of the events about 62 % are fills at Kalshi, told by every generation of the API, 13 % states of
orders and settlements, 25 % executions at Interactive Brokers and their commission reports.
Positions are opened, added to, closed, now and then turned round, and flat again and again. Markets
at Kalshi end and settle, wave after wave. Some markets are traded far more than others.

Time runs with the log, except for a few events that arrive late. The last BEHIND positions are
special: first IN_ORDER events behind everything else in time, then LATE ones that are long late.
Both, and all before them, are sealed apart.

Spelled with templates, for speed; `test_mixed.py` holds keys and shapes against the real makers.
"""

import heapq
import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from itertools import count as counting
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from adapters.log.sqlite import SQLiteLog
from domain import jsontext
from domain.event import NewEvent, Origin, Owner, make_event
from domain.rules import Rules
from domain.shapes import shape_of

# No autumn in which a local hour comes twice lies in the months of ten million events.
START: Final = datetime(2025, 11, 3, tzinfo=UTC)
STEP: Final = timedelta(seconds=3)
EASTERN: Final = ZoneInfo("US/Eastern")
INSTRUMENTS: Final = 10_000
PAGE: Final = 5_000
IN_ORDER: Final = 1_000
LATE: Final = 10
BEHIND: Final = IN_ORDER + LATE

KALSHI: Final = Owner("main", "live")
BROKER_ACCOUNTS: Final = (Owner("U7654321", "live"), Owner("U7654322", "live"))
STRATEGIES: Final = ("favourites", "longshots", "weather", "ladder", "momentum", "pairs")
RULES: Final = Rules.of_prefixes({f"{name[:3]}-": name for name in STRATEGIES})

_GENERATIONS: Final = ("0", "1", "2", "3a", "3b", "4", "5")
_WEIGHTS: Final = tuple(accumulate((5, 8, 20, 25, 14, 14, 14)))
_NAMING: Final = frozenset({"1", "2", "3a"})
"""Generations whose fills carry the bot's own id of the order."""
_SERIES: Final = ("KXHIGHNY", "KXHIGHCHI", "KXHIGHMIA", "KXHIGHDEN", "KXBTCD", "KXETHD")
_WAVES: Final = 50
_KALSHI_SHARE: Final = 0.832
_ORDER_SHARE: Final = 0.66
_LATE_SHARE: Final = 0.005
_UNSET: Final = "1.7976931348623157E308"


class Told(NamedTuple):
    """One payload and what its envelope needs to know."""

    at: datetime
    owner: Owner
    kind: str
    spelling: str
    """Names the template: payloads of one spelling are of one shape."""
    identity: str
    text: str


@dataclass(slots=True)
class Market:
    """A market at Kalshi: what is held and what was ever bought."""

    ticker: str
    held: int = 0
    yes: int = 0
    no: int = 0
    yes_cents: int = 0
    no_cents: int = 0
    fees: int = 0
    """Ten-thousandths of a dollar."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What is traded at Interactive Brokers, spelled."""

    text: str
    multiplier: int
    commission: int
    """Of one unit, in thousandths of a dollar."""
    size: int


@dataclass(slots=True)
class Held:
    """A holding of a contract in one account: lots of signed quantity and price in cents."""

    contract: Contract
    owner: Owner
    quantity: int = 0
    lots: deque[list[int]] = field(default_factory=deque)

    def trade(self, signed: int, cents: int) -> int | None:
        """Trade first in, first out; return the realized P&L in thousandths, None if it opens.

        A trade either opens or closes, never both.
        """
        opens = self.quantity * signed >= 0
        self.quantity += signed
        if opens:
            self.lots.append([signed, cents])
            return None
        left, gross = -signed, 0
        while left:
            lot = self.lots[0]
            part = lot[0] if abs(lot[0]) <= abs(left) else left
            gross += part * (cents - lot[1])
            lot[0] -= part
            left -= part
            if not lot[0]:
                self.lots.popleft()
        commissions = 2 * abs(signed) * self.contract.commission
        return gross * self.contract.multiplier * 10 - commissions


class Life:
    """Everything that happens, in the order of time."""

    def __init__(self, count: int, instruments: int, seed: int) -> None:
        """Lay out so many instruments for about so many events."""
        self.draw = random.Random(seed)
        self.at = START
        self.number = 0
        self.count = count
        markets = max(_WAVES, instruments * 13 // 20)
        self.wave_markets = -(-markets // _WAVES)
        self.wave = -1
        self.markets: list[Market] = []
        self.market_weights = _skewed(self.wave_markets)
        contracts = [_contract(at) for at in range(max(2, instruments - markets))]
        self.held = [
            Held(contract, BROKER_ACCOUNTS[at % len(BROKER_ACCOUNTS)])
            for at, contract in enumerate(contracts)
        ]
        self.draw.shuffle(self.held)
        self.held_weights = _skewed(len(self.held))

    def events(self) -> Iterator[Told]:
        """Yield all that is told, without end."""
        while True:
            wave = min(self.number * _WAVES // max(self.count, 1), _WAVES - 1)
            if wave > self.wave:
                yield from self._settlements()
                self.wave = wave
                self.markets = [self._market(at) for at in range(self.wave_markets)]
            if self.draw.random() < _KALSHI_SHARE:
                yield from self._kalshi_order()
            else:
                yield from self._broker_order()

    def _next(self) -> datetime:
        self.number += 1
        self.at += STEP
        return self.at.replace(microsecond=self.draw.randrange(1_000_000))

    def _id(self) -> str:
        digits = f"{self.draw.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def _bot_order(self, nth: int) -> str:
        """Return the bot's own id of an order; of some strategies nobody wrote the rules."""
        name = STRATEGIES[nth % len(STRATEGIES)] if nth % 16 else "unknown"
        return f"{name[:3]}-{self.number:x}"

    def _market(self, nth: int) -> Market:
        number = self.wave * self.wave_markets + nth
        ends = START + STEP * (self.count * (self.wave + 1) // _WAVES)
        day = f"{ends:%y%b%d}".upper()
        return Market(f"{_SERIES[number % len(_SERIES)]}-{day}-B{number}.5")

    def _kalshi_order(self) -> Iterator[Told]:
        draw = self.draw
        nth = draw.choices(range(self.wave_markets), cum_weights=self.market_weights)[0]
        market = self.markets[nth]
        signed = _move(draw, market.held, draw.randrange(2, 40))
        generation = draw.choices(_GENERATIONS, cum_weights=_WEIGHTS)[0]
        cents = draw.randrange(1, 100)
        order_id, bot_id = self._id(), self._bot_order(nth)
        for part in _parts(draw, signed):
            drawn = _Fill(self._id(), order_id, bot_id, market.ticker, part, cents, self._next())
            drawn.count_into(market)
            yield drawn.told(generation)
        if generation not in _NAMING and draw.random() < _ORDER_SHARE:
            yield _order(order_id, bot_id, market.ticker, signed, cents, drawn.at, self._next())

    def _settlements(self) -> Iterator[Told]:
        for market in self.markets:
            if market.yes or market.no:
                yield _settlement(market, self.draw.choice(("yes", "no")), self._next())

    def _broker_order(self) -> Iterator[Told]:
        draw = self.draw
        nth = draw.choices(range(len(self.held)), cum_weights=self.held_weights)[0]
        held = self.held[nth]
        contract = held.contract
        signed = _move(draw, held.quantity, draw.randrange(2, contract.size), flips=False)
        cents = draw.randrange(500, 50_000)
        order = _BrokerOrder(held.owner, contract, 100_000 + self.number, self._bot_order(nth))
        for part in _parts(draw, signed):
            exec_id = f"0000e0d5.{self.number:08x}.01.01"
            realized = held.trade(part, cents)
            yield order.execution(exec_id, part, cents, self._next().replace(microsecond=0))
            yield order.commission_report(exec_id, part, realized, self._next())


def _skewed(count: int) -> list[float]:
    return list(accumulate(1 / (at + 3) for at in range(count)))


def _move(draw: random.Random, held: int, size: int, *, flips: bool = True) -> int:
    """Return what is bought (or sold, below zero) next: mostly what makes it flat again."""
    if not held:
        return size if draw.random() < 0.7 else -size
    chance = draw.random()
    if chance < 0.25:
        return size if held > 0 else -size
    if chance < 0.35 and abs(held) > 1:
        return -held // 2
    if chance < 0.4 and flips:
        return -held + (-size if held > 0 else size)
    return -held


def _parts(draw: random.Random, signed: int) -> tuple[int, ...]:
    """Split an order into its executions."""
    if abs(signed) < 2 or draw.random() < 0.5:
        return (signed,)
    first = signed // 3 or signed // abs(signed)
    return (first, signed - first)


@dataclass(frozen=True, slots=True)
class _Fill:
    """An execution at Kalshi; above zero YES is acquired, below zero NO."""

    fill_id: str
    order_id: str
    bot_id: str
    ticker: str
    signed: int
    yes_cents: int
    at: datetime

    @property
    def fee(self) -> int:
        """By the quadratic formula, in ten-thousandths, cut."""
        return 7 * abs(self.signed) * self.yes_cents * (100 - self.yes_cents) // 100

    def count_into(self, market: Market) -> None:
        """Add it to the sums that the settlement will tell."""
        market.held += self.signed
        market.fees += self.fee
        if self.signed > 0:
            market.yes += self.signed
            market.yes_cents += self.signed * self.yes_cents
        else:
            market.no -= self.signed
            market.no_cents -= self.signed * (100 - self.yes_cents)

    def told(self, generation: str) -> Told:
        """Spell it as a generation of the API does."""
        cents, count = self.yes_cents, abs(self.signed)
        side = "yes" if self.signed > 0 else "no"
        yes, no = f"0.{cents:02d}00", f"0.{100 - cents:02d}00"
        taker = "true" if cents % 3 else "false"
        text = (
            f'{{"action":"buy","created_time":"{_utc(self.at)}","is_taker":{taker},'
            f'"order_id":"{self.order_id}","side":"{side}","ticker":"{self.ticker}",'
            f'"trade_id":"{self.fill_id}"'
        )
        if generation != "0":
            text += (
                f',"fill_id":"{self.fill_id}","market_ticker":"{self.ticker}",'
                f'"ts":{int(self.at.timestamp())}'
            )
        if generation in _NAMING:
            text += f',"client_order_id":"{self.bot_id}"'
        if generation in ("0", "1", "2"):
            text += (
                f',"count":{count},"price":0.{cents:02d},"yes_price":{cents},'
                f'"no_price":{100 - cents}'
            )
        if generation in ("1", "2", "3a"):
            text += f',"yes_price_fixed":"{yes}","no_price_fixed":"{no}"'
        if generation not in ("0", "1"):
            fee = f"{self.fee // 10_000}.{self.fee % 10_000:04d}"
            text += f',"count_fp":"{count}.00","fee_cost":"{fee}","subaccount_number":0'
        if generation in ("3a", "3b", "4", "5"):
            text += f',"yes_price_dollars":"{yes}","no_price_dollars":"{no}"'
        if generation in ("4", "5"):
            book_side = "bid" if self.signed > 0 else "ask"
            text += f',"outcome_side":"{side}","book_side":"{book_side}"'
        text += ',"exchange_index":0}' if generation == "5" else "}"
        identity = f"{self.at:%Y%m%d}|{self.fill_id}"
        return Told(self.at, KALSHI, "kalshi.fill", generation, identity, text)


def _utc(at: datetime) -> str:
    return f"{at.isoformat(timespec='microseconds')[:26]}Z"


def _order(
    order_id: str, bot_id: str, ticker: str, signed: int, cents: int, made: datetime, at: datetime
) -> Told:
    side, book_side = ("yes", "bid") if signed > 0 else ("no", "ask")
    count = abs(signed)
    text = (
        f'{{"action":"buy","book_side":"{book_side}","client_order_id":"{bot_id}",'
        f'"created_time":"{_utc(made)}","exchange_index":0,"fill_count_fp":"{count}.00",'
        f'"initial_count_fp":"{count}.00","last_update_time":"{_utc(at)}",'
        f'"no_price_dollars":"0.{100 - cents:02d}00","order_id":"{order_id}",'
        f'"outcome_side":"{side}","remaining_count_fp":"0.00",'
        f'"self_trade_prevention_type":"taker_at_cross","side":"{side}","status":"executed",'
        f'"subaccount_number":0,"ticker":"{ticker}","type":"limit",'
        f'"user_id":"00000000-0000-4000-8000-000000000001","yes_price_dollars":"0.{cents:02d}00"}}'
    )
    return Told(at, KALSHI, "kalshi.order", "5", f"{made:%Y%m%d}|{order_id}", text)


def _settlement(market: Market, won: str, at: datetime) -> Told:
    net = market.held if won == "yes" else -market.held
    text = (
        f'{{"event_ticker":"{market.ticker.rpartition("-")[0]}","exchange_index":0,'
        f'"fee_cost":"{market.fees // 10_000}.{market.fees % 10_000:04d}",'
        f'"market_result":"{won}","no_count_fp":"{market.no}.00",'
        f'"no_total_cost_dollars":"{market.no_cents // 100}.{market.no_cents % 100:02d}0000",'
        f'"revenue":{100 * max(net, 0)},"settled_time":"{_utc(at)}","ticker":"{market.ticker}",'
        f'"value":{100 if won == "yes" else 0},"yes_count_fp":"{market.yes}.00",'
        f'"yes_total_cost_dollars":"{market.yes_cents // 100}.{market.yes_cents % 100:02d}0000"}}'
    )
    return Told(at, KALSHI, "kalshi.settlement", "5", market.ticker, text)


def _contract(nth: int) -> Contract:
    """Spell a contract: of twenty a dozen are stocks, six options, two futures."""
    symbol = "".join(chr(65 + nth // 26**place % 26) for place in (2, 1, 0))
    sort, day, strike, right, multiplier = "STK", "", "0.0", "", ""
    local, venue, commission, size = symbol, "NASDAQ", 5, 400
    if nth % 20 >= 18:
        sort, day, multiplier, local = "FUT", "20261218", "50", f"{symbol}Z6"
        venue, commission, size = "CME", 850, 6
    elif nth % 20 >= 12:
        sort, day, strike, right, multiplier = "OPT", "20261218", f"{20 + nth}.0", "C", "100"
        local, commission, size = f"{symbol:<6}261218C{20 + nth:05d}000", 650, 12
    text = (
        f'"conId":"{200_000 + nth}","symbol":"{symbol}","secType":"{sort}","lastTradeDate":"{day}",'
        f'"strike":"{strike}","right":"{right}","multiplier":"{multiplier}","exchange":"{venue}",'
        f'"currency":"USD","localSymbol":"{local}","tradingClass":"{symbol}"'
    )
    return Contract(text, int(multiplier or 1), commission, size)


@dataclass(frozen=True, slots=True)
class _BrokerOrder:
    """An order at Interactive Brokers, whose executions the socket tells."""

    owner: Owner
    contract: Contract
    number: int
    bot_id: str

    def execution(self, exec_id: str, signed: int, cents: int, at: datetime) -> Told:
        """Spell one execution, all fields of the message."""
        local = at.astimezone(EASTERN).isoformat(sep=" ")
        price = f"{cents // 100}.{cents % 100:02d}"
        text = (
            f'{{"orderId":"{self.number}",{self.contract.text},"execId":"{exec_id}",'
            f'"time":"{local[:4]}{local[5:7]}{local[8:19]} US/Eastern",'
            f'"account":"{self.owner.account}","exchangeOfExecution":"ARCA",'
            f'"side":"{"BOT" if signed > 0 else "SLD"}","shares":"{abs(signed)}",'
            f'"price":"{price}","permId":"{1_700_000_000 + self.number}","clientId":"7",'
            f'"liquidation":"0","cumQty":"{abs(signed)}","avgPrice":"{price}",'
            f'"orderRef":"{self.bot_id}","evRule":"","evMultiplier":"","modelCode":"",'
            f'"lastLiquidity":"{1 + cents % 2}","pendingPriceRevision":"0"}}'
        )
        return Told(at, self.owner, "ibkr.execution", "1", exec_id, text)

    def commission_report(
        self, exec_id: str, signed: int, realized: int | None, at: datetime
    ) -> Told:
        """Spell what the execution cost and what it realized, in thousandths."""
        cost = abs(signed) * self.contract.commission
        earned = _UNSET if realized is None else _thousandths(realized)
        text = (
            f'{{"version":"1","execId":"{exec_id}","commission":"{_thousandths(cost)}",'
            f'"currency":"USD","realizedPNL":"{earned}","yield":"{_UNSET}",'
            f'"yieldRedemptionDate":"0"}}'
        )
        return Told(at, self.owner, "ibkr.commission_report", "1", exec_id, text)


def _thousandths(amount: int) -> str:
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 1000}.{abs(amount) % 1000:03d}"


def told(count: int, instruments: int = INSTRUMENTS, seed: int = 7) -> Iterator[Told]:
    """Yield `count` payloads as they arrive: in order of time but for the late ones."""
    draw = random.Random(seed + 1)
    stream = Life(count, instruments, seed).events()
    waiting: list[tuple[int, int, Told]] = []
    last: list[Told] = []
    every = max(1, (count - BEHIND) // (2 * LATE))
    yielded = 0
    ordinary = count - BEHIND
    order = counting()
    while yielded < ordinary:
        if waiting and (waiting[0][0] <= yielded or len(waiting) >= ordinary - yielded):
            yield heapq.heappop(waiting)[2]
            yielded += 1
            continue
        one = next(stream)
        if len(last) < LATE and one.kind == "kalshi.fill" and yielded >= len(last) * every:
            last.append(one)
        elif draw.random() < _LATE_SHARE:
            due = yielded + draw.randrange(50, 2_000)
            heapq.heappush(waiting, (due, next(order), one))
        else:
            yield one
            yielded += 1
    yield from islice(stream, IN_ORDER)
    yield from last


def pages(count: int, instruments: int = INSTRUMENTS, seed: int = 7) -> Iterator[list[NewEvent]]:
    """Yield the events in pages, each received at the moment of its newest event."""
    stream = told(count, instruments, seed)
    sizes = [PAGE] * ((count - BEHIND) // PAGE) + [(count - BEHIND) % PAGE, IN_ORDER, LATE]
    received = START
    for number, size in enumerate(filter(None, sizes)):
        page = list(islice(stream, size))
        received = max(received, max(one.at for one in page) + STEP)
        yield list(_enveloped(page, received, f"page-{number}"))


def _enveloped(page: Iterable[Told], received: datetime, document: str) -> Iterator[NewEvent]:
    openings: dict[tuple[str, str, str], tuple[str, str]] = {}
    for one in page:
        spelled = (one.owner.account, one.kind, one.spelling)
        if spelled not in openings:
            venue = one.kind.partition(".")[0]
            source = {"adapter": "benchmark/1", "document": f"{one.owner.account}-{document}"}
            origin = Origin(one.owner, venue, received, source)
            key, _, state = make_event(origin, one.kind, "", _shape(one), "")
            openings[spelled] = (key, state[:-1].decode())
        key, opening = openings[spelled]
        yield NewEvent(f"{key}{one.identity}", one.kind, f"{opening}{one.text}}}".encode())


_SHAPES: Final[dict[tuple[str, str], str]] = {}


def _shape(one: Told) -> str:
    spelled = (one.kind, one.spelling)
    if spelled not in _SHAPES:
        _SHAPES[spelled] = shape_of(jsontext.parse(one.text))
    return _SHAPES[spelled]


def write_log(path: Path, count: int, instruments: int = INSTRUMENTS) -> None:
    """Write the events into a new log."""
    with SQLiteLog.open(path, create=True) as log:
        for page in pages(count, instruments):
            log.append(page)
