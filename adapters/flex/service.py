"""The Flex web service: order a statement, wait until it is made, take it in whole.

SendRequest orders a query's statement and GetStatement is asked until it is there. Both say by a
code whether waiting helps. The token is a part of every address: no address leaves this module.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from io import BytesIO
from itertools import chain, repeat
from types import TracebackType
from typing import BinaryIO, Final, Self

import httpx

from adapters.clock import Clock
from adapters.flex import addresses
from adapters.flex.service_answers import Document, Failure, Reply, Ticket, judge
from adapters.flex.service_errors import (
    ABOUT_TOKEN,
    ADVICE,
    IN_PROGRESS,
    FlexError,
    RefusedError,
    TokenRefusedError,
    UnreachableError,
)
from adapters.flex.tokens import Blotting, Token
from adapters.pacing import Bucket
from adapters.words import plain

__all__ = ["DEFAULT", "Limits", "Report", "Service"]

# At most ten requests in any minute and one in any second: what the bucket holds and what flows in
# during a minute are ten together.
_BURST: Final = 4
_REQUESTS_PER_SECOND: Final = 0.1
_SPACING: Final = 0.9
_WAITS_SECONDS: Final = (2, 4, 8, 16)
_LONGEST_WAIT_SECONDS: Final = 20
# With no time at all a socket would not wait for anything.
_LEFT_SECONDS_MIN: Final = 0.001
_TICKET_BYTES_MAX: Final = 64 * 1024
_REFERENCE_CHARACTERS_MAX: Final = 64

Report = Callable[[str, bool], None]
"""Told why it waits, and whether that is more than a statement that takes its time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, how much, how often.

    connect_seconds, read_seconds  for one connection; between two pieces of an answer
    total_seconds                  for one statement, from the order to the last byte
    bytes_max                      the largest statement that is taken in, unpacked
    unusable_max                   how many answers of one call may make no sense
    """

    connect_seconds: float = 10
    read_seconds: float = 60
    total_seconds: float = 600
    bytes_max: int = 2 * 1024**3
    unusable_max: int = 3


DEFAULT: Final = Limits()


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of the service: what for, where to, and what it names beside the token."""

    name: str
    query: str
    address: httpx.URL
    subject: str
    bytes_max: int
    report: Report


def _be_quiet(_line: str, _notable: bool) -> None:  # noqa: FBT001 - a Report
    """Tell nobody."""


class Service:
    """Asks one Flex web service with one token. For one thread."""

    def __init__(
        self,
        base: httpx.URL,
        token: Token,
        clock: Clock,
        limits: Limits = DEFAULT,
    ) -> None:
        """Connect at the first request."""
        self.requests = 0
        self._base = base
        self._token = token
        self._clock = clock
        self._limits = limits
        self._minute = Bucket(_REQUESTS_PER_SECOND, _BURST, clock)
        self._second = Bucket(_SPACING, 1, clock)
        self._blotting = Blotting(token)
        # Nothing comes from the environment: a proxy or a .netrc that was meant for other programs
        # would see the token, or add a password of its own. Nor does it follow redirects.
        self._http = httpx.Client(
            headers={
                "Accept-Encoding": "gzip",
                "User-Agent": f"brokertruth/{metadata.version('brokertruth')}",
            },
            follow_redirects=False,
            trust_env=False,
        )
        self._blotting.install()

    def __enter__(self) -> Self:
        """Return the service itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; closing twice does no harm."""
        self._http.close()
        self._blotting.remove()

    def take(self, query: str, file: BinaryIO, report: Report = _be_quiet) -> Document:
        """Order the statement of a query and write it into a file; that is then all it holds.

        `report` is told of every wait between two requests.
        Raise FlexError: one of its kinds says what to do.
        """
        deadline = self._clock.monotonic() + self._limits.total_seconds
        order = _Call(
            "SendRequest",
            query,
            addresses.within(self._base, "SendRequest"),
            query,
            _TICKET_BYTES_MAX,
            report,
        )
        ticket = self._ask(order, BytesIO(), deadline, _waits())
        if not isinstance(ticket, Ticket):
            raise FlexError(f"query {query}: SendRequest: a statement instead of a reference")
        fetching = _Call(
            "GetStatement",
            query,
            self._address_of(query, ticket),
            ticket.reference,
            self._limits.bytes_max,
            report,
        )
        waits = _waits()
        # Made in no time it never is.
        document = self._ask(fetching, file, deadline, waits, wait_seconds=next(waits))
        if not isinstance(document, Document):
            raise FlexError(f"query {query}: GetStatement: a reference instead of a statement")
        return document

    def _address_of(self, query: str, ticket: Ticket) -> httpx.URL:
        """Return where the statement is. Raise FlexError where a stranger would get the token."""
        if not ticket.reference.isalnum() or len(ticket.reference) > _REFERENCE_CHARACTERS_MAX:
            told = plain(ticket.reference)
            raise FlexError(f"query {query}: SendRequest: {told!r} is no reference")
        if not ticket.address:
            return addresses.within(self._base, "GetStatement")
        found = addresses.trusted(ticket.address, self._base)
        if found is None:
            host = plain(addresses.host_of(ticket.address))
            raise FlexError(
                f"query {query}: the service tells to get the statement from {host}, which is not "
                f"{self._base.host} and no https address of the broker: the token is not sent there"
            )
        return found

    # --- one call, as often as it takes ----------------------------------------------------------

    def _ask(
        self,
        call: _Call,
        file: BinaryIO,
        deadline: float,
        waits: Iterator[int],
        wait_seconds: int = 0,
    ) -> Ticket | Document:
        """Ask after a while, and again and again; wait for nothing beyond the deadline."""
        started, attempts, unusable = self._clock.monotonic(), 0, 0
        outcome = Failure("none, the time was up before it could be asked")
        while True:
            if not self._may_wait(wait_seconds, deadline) or unusable >= self._limits.unusable_max:
                tries = "1 attempt" if attempts == 1 else f"{attempts} attempts"
                raise UnreachableError(
                    f"query {call.query}: {call.name}: no statement after {tries} over "
                    f"{self._clock.monotonic() - started:.0f} s; the last answer: {outcome.cause}",
                    outcome.code,
                )
            if attempts:
                call.report(
                    f"query {call.query}: {outcome.cause}; asking again in {wait_seconds} s",
                    outcome.code != IN_PROGRESS,
                )
            if wait_seconds:
                self._clock.sleep(wait_seconds)
            found = self._attempt(call, file, deadline)
            attempts += 1
            if not isinstance(found, Failure):
                return found
            outcome = found
            if not outcome.passing:
                raise _refusal(call, outcome)
            unusable += outcome.unusable
            wait_seconds = next(waits)

    def _may_wait(self, wait_seconds: float, deadline: float) -> bool:
        """Tell whether there is time to ask after a wait, and after that of the buckets."""
        pacing_seconds = max(bucket.wait_seconds(1) for bucket in (self._minute, self._second))
        return self._clock.monotonic() + max(wait_seconds, pacing_seconds) < deadline

    def _attempt(self, call: _Call, file: BinaryIO, deadline: float) -> Ticket | Document | Failure:
        """Ask once. What it returns holds no token."""
        self._minute.take(1)
        self._second.take(1)
        self.requests += 1
        reply = self._exchange(call, file, deadline)
        outcome = reply if isinstance(reply, Failure) else judge(reply, file)
        if isinstance(outcome, Failure):
            # Some servers repeat the request that they did not like.
            return outcome._replace(cause=plain(self._token.blotted(outcome.cause)))
        if isinstance(outcome, Ticket) and any(self._token.text in part for part in outcome):
            return Failure("a reference or an address that repeats the token", passing=False)
        return outcome

    def _exchange(self, call: _Call, file: BinaryIO, deadline: float) -> Reply | Failure:
        """Send a request and write what comes back into the file. Raise nothing: see errors."""
        url = call.address.copy_with(params={"t": self._token.text, "q": call.subject, "v": "3"})
        left_seconds = max(deadline - self._clock.monotonic(), _LEFT_SECONDS_MIN)
        read_seconds = min(self._limits.read_seconds, left_seconds)
        connect_seconds = min(self._limits.connect_seconds, left_seconds)
        timeout = httpx.Timeout(read_seconds, connect=connect_seconds)
        try:
            file.seek(0)
            file.truncate()
            with self._http.stream("GET", url, timeout=timeout) as response:
                broken = self._save(response, call, file, deadline)
                if isinstance(broken, Failure):
                    return broken
                redirect = addresses.host_of(response.headers.get("Location", "nowhere"))
                return Reply(response.status_code, redirect, broken)
        except httpx.RequestError as error:
            return Failure(self._told(error))
        except OSError as error:
            return Failure(f"the statement cannot be written: {error.strerror}", passing=False)

    def _save(
        self, response: httpx.Response, call: _Call, file: BinaryIO, deadline: float
    ) -> str | Failure:
        """Write the body; return what went wrong with it, which is nothing where all is there."""
        size_bytes = 0
        try:
            for piece in response.iter_bytes():
                size_bytes += len(piece)
                if size_bytes > call.bytes_max:
                    cause = f"the answer is longer than {call.bytes_max:,} bytes"
                    return Failure(cause, passing=False)
                file.write(piece)
                # A trickle never lets the socket's own limit run out.
                if self._clock.monotonic() > deadline:
                    return f"the answer was not complete when the time was up, at byte {size_bytes}"
        except httpx.RequestError as error:
            return f"the answer broke off after {size_bytes:,} bytes: {self._told(error)}"
        file.flush()
        return ""

    def _told(self, error: httpx.RequestError) -> str:
        if isinstance(error, httpx.ConnectTimeout):
            return f"no connection within {_limit(error, 'connect')}"
        if isinstance(error, httpx.TimeoutException):
            return f"nothing came for {_limit(error, 'read')}"
        # What we ourselves would have sent wrongly is quoted in a LocalProtocolError.
        quoted = isinstance(error, httpx.LocalProtocolError)
        words = "" if quoted else self._token.blotted(str(error))
        return f"{type(error).__name__}{': ' if words else ''}{words}"


def _limit(error: httpx.TimeoutException, name: str) -> str:
    seconds = error.request.extensions["timeout"][name]
    return f"{round(seconds, 2):g} s"


def _waits() -> Iterator[int]:
    return chain(_WAITS_SECONDS, repeat(_LONGEST_WAIT_SECONDS))


def _refusal(call: _Call, failure: Failure) -> FlexError:
    advice = ADVICE.get(failure.code or "", "")
    what = f"query {call.query}: {call.name}: {failure.cause}{'. ' if advice else ''}{advice}"
    kind = TokenRefusedError if failure.code in ABOUT_TOKEN else RefusedError
    return kind(what, failure.code)
