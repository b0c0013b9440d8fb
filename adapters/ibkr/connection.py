"""One connection to TWS or IB Gateway: raw messages come out of it, and questions go in.

The library does the handshake, the framing and its own decoding; we stand before its decoder. Each
message that matters is handed on with its raw fields before the library looks at it: it drops what
it cannot parse, rounds what it parses and turns "no value" into 0. Answers are complete when their
end marker comes, which we see ourselves too, so that an error, a drop or silence is never taken for
an empty answer.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any, Final

from adapters.ibkr import library
from adapters.ibkr.errors import GatewayError, LostError, RefusedError, SilentError
from adapters.ibkr.payloads import KINDS, Message
from adapters.words import plain

_ERROR: Final = 4
_POSITION_END: Final = ("positions", "")
_OPEN_ORDER_END: Final = ("open orders", "")
_CLOCK: Final = ("clock", "")
_CLOCK_NUMBER: Final = 49
_CLOCK_SECONDS: Final = 5
"""How long to wait for the gateway's time: without it there is still ours."""
# End markers: what they end, and the place of the number or account that tells which one.
_ENDS: Final = {
    _CLOCK_NUMBER: ("clock", None),
    53: ("open orders", None),
    54: ("account values", 2),
    55: ("executions", 2),
    62: ("positions", None),
    64: ("account summary", 2),
}
# Not about a request: data farms come and go, orders are warned about.
_NOTICES: Final = range(2100, 2200)
_RESTORED: Final = (1101, 1102)
"""The gateway was cut off from IBKR, and is not any more."""
SUMMARY_TAGS: Final = (
    "AccountType,NetLiquidation,TotalCashValue,SettledCash,AccruedCash,BuyingPower,"
    "EquityWithLoanValue,GrossPositionValue,InitMarginReq,MaintMarginReq,AvailableFunds,"
    "ExcessLiquidity,Cushion,Leverage,$LEDGER:ALL"
)

Question = tuple[str, str]
"""What was asked for, and the number or account of the request; '' where it has none."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the gateway listens, and as whom to come."""

    host: str = "127.0.0.1"
    port: int = 4001
    client_id: int = 0

    @property
    def shown(self) -> str:
        """Return it for people."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in seconds, for a connection to open and for a whole answer."""

    open: float = 20
    answer: float = 60


DEFAULT: Final = Limits()


@dataclass(slots=True)
class Connection:
    """An open connection.

    hear  takes each message that becomes an event, as it comes
    tell  is told what people may want to know
    now   is the time
    """

    gateway: Any
    """The library's object, made for this connection alone."""
    address: Address
    limits: Limits
    hear: Callable[[Message], None]
    tell: Callable[[str], None]
    now: Callable[[], datetime]
    module: Any
    lost: asyncio.Future[None] = field(init=False)
    """Fails when the connection is of no use any more, with the reason."""
    ahead: timedelta | None = None
    """By how much the gateway's clock is ahead of ours, where it has told it."""
    restored: bool = False
    """Whether the gateway was cut off from IBKR since somebody last looked."""
    waiting: dict[Question, asyncio.Future[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Stand before the library's decoder."""
        self.lost = asyncio.get_running_loop().create_future()
        # a failure that nobody waits for any more is no news
        self.lost.add_done_callback(lambda lost: lost.cancelled() or lost.exception())
        handlers = self.gateway.client.decoder.handlers
        for number in (*KINDS, *_ENDS, _ERROR):
            handlers[number] = self._tapped(number, handlers[number])
        self.gateway.client.apiError += self._on_client_error
        self.gateway.client.apiEnd += self._on_end

    @property
    def accounts(self) -> tuple[str, ...]:
        """Return the accounts that the gateway shows."""
        return tuple(self.gateway.client.getAccounts())

    async def open(self) -> None:
        """Connect and shake hands. Raise GatewayError where that fails."""
        client, address = self.gateway.client, self.address
        self.gateway.wrapper.clientId = address.client_id
        connecting = asyncio.ensure_future(
            client.connectAsync(
                address.host, address.port, address.client_id, timeout=self.limits.open
            )
        )
        try:
            await asyncio.wait({connecting, self.lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not connecting.done():
                connecting.cancel()
        failure = (await asyncio.gather(connecting, return_exceptions=True))[0]
        if isinstance(failure, ConnectionRefusedError):
            raise LostError(
                f"{address.shown}: nobody listens there: start TWS or IB Gateway, enable its API "
                "and check the port"
            ) from failure
        if isinstance(failure, TimeoutError):
            raise SilentError(
                f"{address.shown}: no connection within {self.limits.open:g} s: look whether the "
                "gateway is logged in and accepts API clients"
            ) from failure
        if isinstance(failure, Exception):
            raise LostError(f"{address.shown}: {_words(failure)}") from failure
        if self.lost.done():
            self.lost.result()

    async def close(self) -> None:
        """Hang up, and wait until that is done."""
        client = self.gateway.client
        client.disconnect()
        for _ in range(100):
            if not client.conn.isConnected():
                break
            await asyncio.sleep(0)

    def raise_fault(self) -> None:
        """Raise what ended the connection if it was a fault of ours, and not of the gateway."""
        if self.lost.done() and not isinstance(self.lost.exception(), GatewayError):
            self.lost.result()

    async def clock(self) -> None:
        """Ask what time it is for the gateway: `ahead` knows it then."""
        await self._ask(_CLOCK, self.gateway.client.reqCurrentTime, _CLOCK_SECONDS)

    async def executions(self) -> None:
        """Ask for the executions of all clients since midnight."""
        client = self.gateway.client
        number = self._number()
        await self._ask(
            ("executions", str(number)),
            lambda: client.reqExecutions(number, self.module.ExecutionFilter()),
        )

    async def positions(self) -> None:
        """Ask for all positions; from then on their changes are pushed."""
        await self._ask(_POSITION_END, self.gateway.client.reqPositions)

    async def open_orders(self) -> None:
        """Ask for the open orders of all clients."""
        await self._ask(_OPEN_ORDER_END, self.gateway.client.reqAllOpenOrders)

    async def account_values(self, account: str) -> None:
        """Ask for the values and the portfolio of one account."""
        client = self.gateway.client
        try:
            await self._ask(
                ("account values", account),
                lambda: client.reqAccountUpdates(subscribe=True, acctCode=account),
            )
        finally:
            if client.isReady():
                client.reqAccountUpdates(subscribe=False, acctCode=account)

    async def account_summary(self) -> None:
        """Ask for the summary of all accounts."""
        client = self.gateway.client
        number = self._number()
        try:
            await self._ask(
                ("account summary", str(number)),
                lambda: client.reqAccountSummary(number, "All", SUMMARY_TAGS),
            )
        finally:
            if client.isReady():
                client.cancelAccountSummary(number)

    def _number(self) -> int:
        """Return a number for a request."""
        if self.lost.done():
            self.lost.result()
        number = self.gateway.client.getReqId()
        assert isinstance(number, int), "what is sent back is compared with it"
        return number

    async def _ask(
        self, question: Question, send: Callable[[], None], seconds_max: float = inf
    ) -> None:
        """Send a request and wait until its end marker has come."""
        seconds = min(self.limits.answer, seconds_max)
        if self.lost.done():
            self.lost.result()
        answered = self.waiting[question] = asyncio.get_running_loop().create_future()
        try:
            send()
            done, _ = await asyncio.wait(
                {answered, self.lost},
                timeout=seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done:
                raise SilentError(f"{question[0]}: no end of the answer within {seconds:g} s")
            # an answer that came whole counts, whatever happened right behind it
            (answered if answered.done() else self.lost).result()
        except ConnectionError as error:
            raise LostError(f"{self.address.shown}: {_words(error)}") from error
        finally:
            del self.waiting[question]
            answered.cancel()

    def _tapped(
        self, number: int, handle: Callable[[list[str]], None]
    ) -> Callable[[list[str]], None]:
        def tapped(fields: list[str]) -> None:
            try:
                self._take(number, tuple(fields))
            except Exception as error:  # noqa: BLE001 - the library would only log it
                self.lose(error)
            try:
                handle(fields)
            except Exception as error:  # noqa: BLE001 - we have the fields
                self.tell(f"the library could not read a message {number}: {_words(error)}")

        return tapped

    def _take(self, number: int, fields: Sequence[str]) -> None:
        if number in KINDS:
            version = self.gateway.client.serverVersion()
            self.hear(Message(number, tuple(fields), version, self.now()))
            return
        try:
            about, code = _parsed(number, fields)
        except (IndexError, ValueError) as error:
            said = plain(" ".join(fields))
            reason = f"a message {number} that nobody can read: {said}"
            raise LostError(f"{self.address.shown}: {reason}") from error
        if number == _ERROR:
            self._on_error(about, code, plain(" ".join(fields[4:5])))
            return
        if number == _CLOCK_NUMBER:
            self.ahead = datetime.fromtimestamp(code, UTC) - self.now()
        self._answer((_ENDS[number][0], about), None)

    def _answer(self, question: Question, error: GatewayError | None) -> None:
        answered = self.waiting.get(question)
        if answered is None or answered.done():
            return
        if error is None:
            answered.set_result(None)
        else:
            answered.set_exception(error)

    def _on_error(self, request: str, code: int, words: str) -> None:
        if code in _NOTICES:
            return
        said = f"{self.address.shown}: error {code}: {words}"
        if code in _RESTORED:
            self.restored = True
            self.tell(said)
        elif code == _ID_IN_USE:
            self.lose(
                RefusedError(
                    f"{said} (client id {self.address.client_id}: choose another as client_id "
                    "under [ibkr])"
                )
            )
        elif not self.gateway.client.isReady():
            self.lose(RefusedError(said))
        else:
            # one question at a time is asked: an error without a number can only mean that one
            concerned = [q for q in self.waiting if request in (q[1], "-1")]
            if not concerned:
                self.tell(said)
            for question in concerned:
                self._answer(question, RefusedError(f"{question[0]}: error {code}: {words}"))

    def _on_client_error(self, words: str) -> None:
        self.lose(LostError(f"{self.address.shown}: {plain(words)}"))

    def _on_end(self) -> None:
        self.lose(LostError(f"{self.address.shown}: the connection was closed"))

    def lose(self, error: Exception) -> None:
        """Give the connection up, with the reason."""
        if not self.lost.done():
            self.lost.set_exception(error)


_ID_IN_USE: Final = 326
_LAST_SECOND: Final = 253402300799
"""The end of the year 9999."""


def _parsed(number: int, fields: Sequence[str]) -> tuple[str, int]:
    """Return what an error, or the end of an answer, is about, and its code or its time.

    Raise IndexError or ValueError where it does not say that.
    """
    if number == _ERROR:
        return fields[2], int(fields[3])
    place = _ENDS[number][1]
    about = "" if place is None else fields[place]
    if number != _CLOCK_NUMBER:
        return about, 0
    seconds = int(fields[2])
    if not 0 <= seconds <= _LAST_SECOND:
        raise ValueError(seconds)
    return about, seconds


def _words(error: BaseException) -> str:
    return plain(str(error) or type(error).__name__)


@asynccontextmanager
async def connected(
    address: Address,
    limits: Limits,
    *,
    zone: str,
    hear: Callable[[Message], None],
    tell: Callable[[str], None],
    now: Callable[[], datetime],
) -> AsyncIterator[Connection]:
    """Give an open connection, with an object of the library that was made for it alone."""
    module = library.load()
    gateway = module.IB()
    # only for what the library reads out of the messages: nothing of that is used
    gateway.TimezoneTWS = zone
    connection = Connection(gateway, address, limits, hear, tell, now, module)
    try:
        await connection.open()
        yield connection
    finally:
        with suppress(OSError):
            await connection.close()
