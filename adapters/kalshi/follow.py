"""Following: fills as the WebSocket tells them, with REST behind it for everything else.

The channel carries `client_order_id`, which REST does not any more, but it has no numbers to count
by and forgets what happens while nobody listens. So REST catches up

1. each time that a subscription begins (what happened before it is in REST, what happens from then
   on is in the channel);
2. when a message tells another position than the one before it leads to: something is missing;
3. when a message cannot be read;
4. at regular times, for settlements, orders and cash.
"""

import logging
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from adapters.clock import Clock
from adapters.kalshi.errors import RefusedError
from adapters.kalshi.signing import Credentials
from adapters.kalshi.sites import Site
from adapters.kalshi.streams import ADAPTER, BROKER
from adapters.kalshi.taking import Taker
from adapters.taking import Piece
from adapters.words import plain
from domain import jsontext
from domain.event import Origin, time_text
from domain.jsontext import JsonTextError, Slice
from domain.kalshi.messages import FILL_MESSAGE

ENDPOINT: Final = "WebSocket fill"
_SUBSCRIBE: Final = '{"id":1,"cmd":"subscribe","params":{"channels":["fill"]}}'
_MESSAGE_BYTES_MAX: Final = 1024 * 1024
_REFUSALS: Final = (401, 403)
_TRADES_REMEMBERED: Final = 10_000

# The library logs the handshake, signature and all, for whoever wants to see everything.
_LOGGER: Final = logging.getLogger(f"{__name__}.connection")
_LOGGER.setLevel(logging.INFO)
# Sums of such numbers are exact; anything else is the business of the readers.
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long to wait, in seconds.

    listening   for a message, before looking whether to stop
    catch_up    between two regular catch-ups
    again       behind a catch-up that did not get everything
    open        for a connection to open, and for the subscription to be confirmed
    first, longest  between two attempts to connect
    """

    listening: float = 1
    catch_up: float = 900
    again: float = 60
    open: float = 20
    first: float = 1
    longest: float = 60


@dataclass(slots=True)
class Positions:
    """What the messages say is held, to notice that one of them never came."""

    held: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    trades: dict[str, None] = field(default_factory=dict)

    def follows(self, message: object) -> bool:
        """Tell whether a fill leads from the position known before to the one that it states.

        True where nothing can be said: the first of its market, one seen before, one without the
        keys that this needs.
        """
        read = _position(message)
        if read is None or read.trade in self.trades:
            return True
        self.trades[read.trade] = None
        if len(self.trades) > _TRADES_REMEMBERED:
            del self.trades[next(iter(self.trades))]
        before = self.held.get(read.holding)
        self.held[read.holding] = read.after
        return before is None or before + read.change == read.after


@dataclass(frozen=True, slots=True)
class _Step:
    trade: str
    holding: tuple[str, str]
    change: Decimal
    after: Decimal


def _position(message: object) -> _Step | None:
    if not isinstance(message, dict):
        return None
    texts = {key: str(value) for key, value in message.items() if isinstance(value, str)}
    count, after = texts.get("count_fp", ""), texts.get("post_position_fp", "")
    if not (_NUMBER.fullmatch(count) and _NUMBER.fullmatch(after)):
        return None
    try:
        change = {"yes": Decimal(count), "no": -Decimal(count)}[texts["outcome_side"]]
        holding = (texts["market_ticker"], texts.get("subaccount", "0"))
        return _Step(texts["trade_id"], holding, change, Decimal(after))
    except KeyError:
        return None


@dataclass(slots=True)
class Following:
    """Listens until it is told to stop; every fill is on the disk before the next is listened to.

    catch_up  asks REST for what is new; called with the reason, tells whether it got everything
    tell      is told what happens, for people
    stop      is asked about once a second
    """

    site: Site
    credentials: Credentials
    clock: Clock
    taker: Taker
    catch_up: Callable[[str], bool]
    tell: Callable[[str], None]
    stop: Callable[[], bool]
    pauses: Pauses = Pauses()
    jitter: Callable[[], float] = random.random
    fills: int = 0
    connections: int = 0
    failures: int = 0
    """In a row: since a subscription was confirmed."""
    positions: Positions = field(default_factory=Positions)
    due_at: float = 0
    """When the next regular catch-up is."""

    def run(self) -> None:
        """Follow until told to stop. Raise RefusedError if the key is not accepted."""
        while not self.stop():
            try:
                with self._connected() as connection:
                    self._listen(connection)
            except (OSError, InvalidHandshake, ConnectionClosed, _ChannelError) as error:
                self.failures += 1
                self._wait(error)
                # settlements do not wait for a channel that cannot be had
                if not self.stop() and self.clock.monotonic() >= self.due_at:
                    self._catch_up("without the channel")

    @contextmanager
    def _connected(self) -> Iterator[ClientConnection]:
        path = urlsplit(self.site.stream).path
        refused = None
        try:
            with connect(
                self.site.stream,
                additional_headers=self.credentials.headers("GET", path, self.clock.now()),
                open_timeout=self.pauses.open,
                close_timeout=1,
                max_size=_MESSAGE_BYTES_MAX,
                logger=_LOGGER,
                # as for REST: what the environment says was meant for other programs
                proxy=None,
            ) as connection:
                yield connection
        except InvalidStatus as error:
            refused = error.response.status_code
            if refused not in _REFUSALS:
                raise
        if refused is not None:
            raise RefusedError(
                f"{self.site.stream}: status {refused}. Check that key id {self.credentials.shown} "
                "belongs to this site and may read, and that the clock of this machine is right"
            )

    def _wait(self, error: Exception) -> None:
        ceiling = min(self.pauses.first * 2.0 ** min(self.failures - 1, 16), self.pauses.longest)
        seconds = ceiling * self.jitter()
        self.tell(f"{ENDPOINT}: {_cause(error)}; connecting again in {seconds:.0f} s")
        while seconds > 0 and not self.stop():
            self.clock.sleep(min(seconds, self.pauses.listening))
            seconds -= self.pauses.listening

    def _listen(self, connection: ClientConnection) -> None:
        connected_at = self.clock.now()
        connection.send(_SUBSCRIBE)
        self.connections += 1
        # what the channel told before may have been followed by what it did not tell
        self.positions = Positions()
        subscribed, asked_at = False, self.clock.monotonic()
        while not self.stop():
            text = _receive(connection, self.pauses.listening)
            confirmed = text is not None and self._take(text, connected_at)
            now = self.clock.monotonic()
            if confirmed and not subscribed:
                subscribed, self.failures = True, 0
                self._catch_up("subscribed")
            elif subscribed and now > self.due_at:
                self._catch_up("regular")
            elif not subscribed and now - asked_at > self.pauses.open:
                message = f"no subscription within {self.pauses.open:g} s"
                raise _ChannelError(message)

    def _catch_up(self, reason: str) -> None:
        whole = self.catch_up(reason)
        pause = self.pauses.catch_up if whole else self.pauses.again
        self.due_at = self.clock.monotonic() + pause

    def _take(self, text: str, connected_at: datetime) -> bool:
        """Take one message. Return whether it confirms the subscription."""
        try:
            members, _ = jsontext.members(text, jsontext.skip_space(text, 0))
        except JsonTextError as error:
            self.tell(f"{ENDPOINT}: a message that is not JSON ({error})")
            self._catch_up("a message that cannot be read")
            return False
        sort, body = members.get("type"), members.get("msg")
        named = sort.value if isinstance(sort, Slice) else None
        if named == "fill":
            self._fill_or_not(body, connected_at)
        elif named == "error":
            words = body.text if isinstance(body, Slice) else "without a reason"
            raise _ChannelError(f"the channel reports an error: {plain(words)}")
        elif named not in ("ok", "subscribed", "unsubscribed"):
            self.tell(f"{ENDPOINT}: a message of type {plain(str(named))}, which is left aside")
        return named == "subscribed"

    def _fill_or_not(self, body: object, connected_at: datetime) -> None:
        if isinstance(body, Slice):
            self._fill(body, connected_at)
        else:
            self.tell(f"{ENDPOINT}: a fill message without a fill")
            self._catch_up("a message that cannot be read")

    def _fill(self, body: Slice, connected_at: datetime) -> None:
        self.fills += 1
        now = self.clock.now()
        document = f"{BROKER}.fill_channel/{time_text(connected_at)}/{self.fills}"
        origin = Origin(
            owner=self.taker.owner,
            venue=BROKER,
            received_at=now,
            source={"adapter": ADAPTER, "document": document},
        )
        self.taker.take(FILL_MESSAGE, [body], Piece(origin, ENDPOINT))
        self.tell(f"fill {_described(body.value)}")
        if not self.positions.follows(body.value):
            self.tell(f"{ENDPOINT}: a position that the messages do not lead to: one is missing")
            self._catch_up("a message is missing")


class _ChannelError(Exception):
    """The connection is of no use any more; a new one may be."""


def _receive(connection: ClientConnection, seconds: float) -> str | None:
    try:
        message = connection.recv(timeout=seconds)
    except TimeoutError:
        return None
    return message if isinstance(message, str) else message.decode("utf-8", "replace")


def _cause(error: Exception) -> str:
    if isinstance(error, InvalidStatus):
        return f"status {error.response.status_code} (is its address right?)"
    return plain(str(error) or type(error).__name__)


def _described(value: object) -> str:
    if not isinstance(value, dict):
        return "of no known form"
    keys = ("market_ticker", "outcome_side", "count_fp", "yes_price_dollars", "client_order_id")
    return plain(" ".join(str(value[key]) for key in keys if isinstance(value.get(key), str)))
