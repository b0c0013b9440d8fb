"""One client of the REST API: every request is paced, signed, retried and its reply judged.

It only reads, so a request can be repeated without harm.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Final, Self, TypeAlias
from urllib.parse import quote, urlencode

import httpx
import tenacity

from adapters.clock import Clock
from adapters.kalshi.answers import OK, Answer, Failure, Question, Reply, judge
from adapters.kalshi.errors import BadRequestError, UnreachableError
from adapters.kalshi.signing import Credentials
from adapters.kalshi.sites import Site
from adapters.pacing import Bucket
from adapters.words import plain

__all__ = ["DEFAULT", "Answer", "Client", "Limits", "Parameters"]

_BALANCE: Final = "/portfolio/balance"
# One is allowed; two that leave a second apart may arrive a little closer together.
_BALANCES_PER_SECOND: Final = 0.9
_BURST_SECONDS: Final = 0.8
_ERROR_BYTES_MAX: Final = 64 * 1024
_CURSOR: Final = "cursor"
# Half of a character, which JSON can spell, is still sent: the exchange says what it thinks of it.
_ERRORS: Final = "surrogatepass"

Parameters: TypeAlias = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, how often and how much.

    connect_seconds, read_seconds  for one connection; between two pieces of an answer
    total_seconds                  for one attempt, from the request to the last byte
    attempts                       how often one request is made before it is given up
    first_, longest_backoff_seconds  upper bound of a pause: it doubles, from the first on
    body_bytes_max                 the largest answer that is taken in, unpacked
    read_tokens_per_second         what the exchange grants; the default is the lowest tier's
    request_tokens                 what one request takes of it
    """

    connect_seconds: float = 10
    read_seconds: float = 30
    total_seconds: float = 120
    attempts: int = 6
    first_backoff_seconds: float = 1
    longest_backoff_seconds: float = 30
    body_bytes_max: int = 64 * 1024 * 1024
    read_tokens_per_second: float = 200
    request_tokens: float = 10


DEFAULT: Final = Limits()


@dataclass(slots=True)
class _Call:
    """One request on its way through its attempts."""

    question: Question
    url: httpx.URL
    bucket: Bucket
    tokens: float
    attempts: int = 0


def _be_quiet(_: str) -> None:
    """Tell nobody."""


class Client:
    """Asks one site, with the key of one account or with none. For one thread.

    requests          attempts that were sent
    retries           those of them that repeated another
    transfer_seconds  spent on sending and receiving
    waiting_seconds   spent on waiting: for tokens, and between attempts
    """

    def __init__(
        self,
        site: Site,
        credentials: Credentials | None,
        clock: Clock,
        limits: Limits = DEFAULT,
        jitter: Callable[[], float] = random.random,
        *,
        on_retry: Callable[[str], None] = _be_quiet,
    ) -> None:
        """Connect at the first request. `on_retry` is told each cause, and what follows."""
        self.requests = 0
        self.retries = 0
        self.transfer_seconds = 0.0
        self._backoff_seconds = 0.0
        self._site = site
        self._credentials = credentials
        self._clock = clock
        self._limits = limits
        self._jitter = jitter
        self._on_retry = on_retry
        self._reads = Bucket(limits.read_tokens_per_second, self._burst(), clock)
        self._balances = Bucket(_BALANCES_PER_SECOND, 1, clock)
        self._ceiling_seconds = tenacity.wait_exponential(
            multiplier=limits.first_backoff_seconds, max=limits.longest_backoff_seconds
        )
        # Nothing comes from the environment: a proxy or a .netrc that was meant for other programs
        # would see signed requests, or add a password of its own. Redirects are not followed: the
        # signature is for this site.
        self._http = httpx.Client(
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "User-Agent": "brokertruth",
            },
            timeout=httpx.Timeout(limits.read_seconds, connect=limits.connect_seconds),
            follow_redirects=False,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        """Return the client itself."""
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

    @property
    def site(self) -> Site:
        """Whom it asks."""
        return self._site

    def now(self) -> datetime:
        """Return the time of the clock that requests are signed by."""
        return self._clock.now()

    def wait(self, seconds: float) -> None:
        """Let time go by; it counts as waiting."""
        self._back_off(seconds)

    @property
    def waiting_seconds(self) -> float:
        """Seconds spent on waiting for tokens and between attempts."""
        paced = self._reads.waited_seconds + self._balances.waited_seconds
        return paced + self._backoff_seconds

    def pace(self, tokens_per_second: float) -> None:
        """Go at another rate from now on: what the account's tier grants is learnt late."""
        self._limits = replace(self._limits, read_tokens_per_second=tokens_per_second)
        self._reads.change(tokens_per_second, self._burst())

    def get(self, path: str, params: Parameters) -> Answer:
        """Return the answer of `path` (below the base, not escaped) to these parameters.

        Raise FetchError: one of its kinds says what to do.
        """
        call = self._call(path, params)
        started = self._clock.monotonic()
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_result(_is_passing),
            stop=tenacity.stop_after_attempt(self._limits.attempts),
            wait=self._pause_seconds,
            before_sleep=lambda state: self._tell(call, state),
            sleep=self._back_off,
            retry_error_callback=_outcome,
        )
        outcome: Answer | Failure = retrying(self._attempt, call)
        if isinstance(outcome, Answer):
            return outcome
        tries = "1 attempt" if call.attempts == 1 else f"{call.attempts} attempts"
        seconds = self._clock.monotonic() - started
        raise UnreachableError(
            f"{plain(call.question.request)}: no usable answer from {self._site.rest} after "
            f"{tries} over {seconds:.0f} s; the last cause: {outcome.cause}"
        )

    def _call(self, path: str, params: Parameters) -> _Call:
        query = _query(params)
        address = quote(path, errors=_ERRORS)
        told = _query({name: params[name] for name in params if name != _CURSOR})
        request = f"GET {address}{told}"
        try:
            url = httpx.URL(f"{self._site.rest}{address}{query}")
        except httpx.InvalidURL:
            url = None
        if url is None:
            raise BadRequestError(f"{plain(request)}: no address can be as long as this one is")
        key = "" if self._credentials is None else self._credentials.shown
        question = Question(request, self._site.rest, key)
        if path == _BALANCE:
            return _Call(question, url, self._balances, tokens=1)
        return _Call(question, url, self._reads, tokens=self._limits.request_tokens)

    def _burst(self) -> float:
        """Return how many tokens may be taken at once: most of a second of them, or one request.

        The exchange counts when a request arrives, and some arrive closer together than they left.
        """
        tokens = _BURST_SECONDS * self._limits.read_tokens_per_second
        return max(tokens, self._limits.request_tokens)

    # --- one attempt -----------------------------------------------------------------------------

    def _attempt(self, call: _Call) -> Answer | Failure:
        call.bucket.take(call.tokens)
        self.requests += 1
        self.retries += call.attempts > 0
        call.attempts += 1
        reply = self._exchange(call.url)
        if isinstance(reply, Failure):
            return reply
        return judge(call.question, reply, call.attempts)

    def _exchange(self, url: httpx.URL) -> Reply | Failure:
        """Send a request, signed anew, and take in what comes back."""
        headers: dict[str, str] = {}
        if self._credentials is not None:
            path = url.raw_path.decode("ascii")
            headers = self._credentials.headers("GET", path, self._clock.now())
        started = self._clock.monotonic()
        deadline = started + self._limits.total_seconds
        try:
            with self._http.stream("GET", url, headers=headers) as response:
                body, broken = self._body(response, deadline)
                if response.status_code != OK:
                    # Some servers answer an error with the request that they did not like.
                    body = _without(body, headers.get("KALSHI-ACCESS-SIGNATURE", ""))
                now = self._clock.now()
                return Reply(response.status_code, response.headers, body, broken, now)
        except httpx.RequestError as error:
            return Failure(self._told(error))
        finally:
            self.transfer_seconds += self._clock.monotonic() - started

    def _body(self, response: httpx.Response, deadline: float) -> tuple[bytes, str]:
        """Return the body and, where that is not all of it, what went wrong."""
        ok = response.status_code == OK
        bytes_max = self._limits.body_bytes_max if ok else _ERROR_BYTES_MAX
        body = bytearray()
        try:
            for piece in response.iter_bytes():
                body += piece
                if len(body) > bytes_max:
                    return bytes(body[:bytes_max]), f"the answer is longer than {bytes_max} bytes"
                # A trickle never lets the socket's own limit run out.
                if self._clock.monotonic() > deadline:
                    seconds = self._limits.total_seconds
                    return bytes(body), f"the answer was not complete after {seconds:g} s"
        except httpx.RequestError as error:
            return bytes(body), f"the answer broke off: {self._told(error)}"
        return bytes(body), ""

    def _told(self, error: httpx.RequestError) -> str:
        if isinstance(error, httpx.ConnectTimeout):
            return f"no connection within {self._limits.connect_seconds:g} s"
        if isinstance(error, httpx.TimeoutException):
            return f"nothing came for {self._limits.read_seconds:g} s"
        # What we ourselves would have sent wrongly is quoted in a LocalProtocolError.
        quoted = isinstance(error, httpx.LocalProtocolError)
        words = "" if quoted else plain(str(error))
        return f"{type(error).__name__}{': ' if words else ''}{words}"

    # --- between two attempts --------------------------------------------------------------------

    def _pause_seconds(self, state: tenacity.RetryCallState) -> float:
        failure = _outcome(state)
        assert isinstance(failure, Failure), "only a failure is repeated"
        told_seconds = min(failure.retry_after_seconds, self._limits.longest_backoff_seconds)
        return max(self._ceiling_seconds(state) * self._jitter(), told_seconds)

    def _tell(self, call: _Call, state: tenacity.RetryCallState) -> None:
        failure = _outcome(state)
        assert isinstance(failure, Failure), "only a failure is repeated"
        self._on_retry(
            f"{plain(call.question.request)}: {failure.cause}; attempt {call.attempts + 1} of "
            f"{self._limits.attempts} follows in {state.upcoming_sleep:.1f} s"
        )

    def _back_off(self, seconds: float) -> None:
        self._backoff_seconds += seconds
        self._clock.sleep(seconds)


def _query(params: Parameters) -> str:
    pairs = [(name, str(params[name])) for name in sorted(params)]
    query = urlencode(pairs, safe=",", quote_via=quote, errors=_ERRORS)
    return f"?{query}" if query else ""


def _outcome(state: tenacity.RetryCallState) -> Answer | Failure:
    assert state.outcome is not None, "an attempt was made"
    outcome: Answer | Failure = state.outcome.result()
    return outcome


def _is_passing(outcome: Answer | Failure) -> bool:
    return isinstance(outcome, Failure) and outcome.passing


def _without(body: bytes, signature: str) -> bytes:
    if not signature:
        return body
    # escaped first: where it begins with a slash, the other spelling would leave the stroke
    for spelling in (signature.replace("/", r"\/"), signature):
        body = body.replace(spelling.encode(), b"[signature]")
    return body
