"""The made exchange, run from a test or a rehearsal: what it serves, and how it misbehaves."""

import threading
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias

from tools.fake_kalshi import answers
from tools.fake_kalshi.buckets import Buckets
from tools.fake_kalshi.clock import RealClock, Timepiece
from tools.fake_kalshi.drifts import Drift, Drifting
from tools.fake_kalshi.faults import FaultPlan
from tools.fake_kalshi.keys import Key, KeyKind, allow, process_key, verify
from tools.fake_kalshi.payloads.spelling import before
from tools.fake_kalshi.payloads.venue import error_json, too_many_requests_json
from tools.fake_kalshi.queries import Cursors, Refused
from tools.fake_kalshi.scenes import Scene, Told
from tools.fake_kalshi.seen import Seen
from tools.fake_kalshi.server import BASE, Answer, RestServer
from tools.fake_kalshi.streams import STREAM_PATH, FillStream
from tools.fake_kalshi.world import PLAIN, World

Phase: TypeAlias = Literal["before", "after"]
Hook: TypeAlias = Callable[[Phase, Seen], None]

LIVE_WINDOW: Final = timedelta(days=90)
TOO_MANY: Final = 429


class Exchange:
    """One world, served over HTTP and WebSocket while the `with` block runs.

    All that is public may be changed while it serves: `generation`, `faults`, `staleness`,
    `page_cap`, `cursors`, `closed`, `on_request`.
    """

    def __init__(
        self,
        world: World,
        *,
        clock: Timepiece | None = None,
        generation: str = "5",
        page_cap: int | None = None,
        cursors: Cursors = "offset",
        faults: FaultPlan | None = None,
        live_window: timedelta = LIVE_WINDOW,
        staleness: timedelta = timedelta(0),
        tier: str = "basic",
        rate_limits: bool = True,
        balance_apart: bool = True,
        key_kind: KeyKind = "rsa",
        key: Key | None = None,
        closed: Collection[str] = (),
        on_request: Hook | None = None,
        port: int = 0,
        stream_port: int = 0,
    ) -> None:
        """Serve a world; a page has at most `page_cap` rows, and `closed` paths answer 404."""
        self.world = world
        self.clock: Timepiece = RealClock() if clock is None else clock
        self.page_cap = page_cap
        self.cursors: Cursors = cursors
        self.faults = FaultPlan() if faults is None else faults
        self.live_window = live_window
        self.staleness = staleness
        self.tier = tier
        self.key = process_key(key_kind) if key is None else key
        self.closed = frozenset(closed)
        self.on_request = on_request
        self.requests: list[Seen] = []
        self.failures: list[BaseException] = []
        self.switch(generation)
        self._buckets = (
            Buckets(self.clock, tier, balance_apart=balance_apart) if rate_limits else None
        )
        self._drifts: list[Drifting] = []
        self._lock = threading.Lock()
        self._server = RestServer(self, port)
        try:
            self.stream = FillStream(self, stream_port)
        except OSError:
            self._server.server_close()
            raise

    def __enter__(self) -> Self:
        """Start to serve."""
        self._server.start()
        self.stream.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; raise what went wrong inside the exchange, unless something else is on its way."""
        self.stream.stop()
        self._server.stop()
        if self.failures and error is None:
            raise self.failures[0]

    @property
    def url(self) -> str:
        """The base of the REST paths."""
        return f"http://127.0.0.1:{self._server.server_port}{BASE}"

    @property
    def stream_url(self) -> str:
        """The address of the WebSocket."""
        return f"ws://127.0.0.1:{self.stream.port}{STREAM_PATH}"

    @property
    def key_id(self) -> str:
        """The name of the key."""
        return self.key.key_id

    @property
    def key_pem(self) -> str:
        """The private key as PEM text."""
        return self.key.pem

    @property
    def cutoff(self) -> datetime:
        """The moment before which rows are archived: a day's beginning."""
        moved = (self.clock.now() - self.live_window).astimezone(UTC)
        return moved.replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def as_of(self) -> datetime:
        """The moment up to which the account's data are told."""
        return self.clock.now() - self.staleness

    def switch(self, generation: str) -> None:
        """Speak another generation from the next answer on."""
        if before(generation, "4") and self.world.style != PLAIN:
            raise ValueError(f"generation {generation} has no words for such a world")
        self.generation = generation

    def drift(
        self,
        drift: Drift,
        *,
        paths: Collection[str] | None = None,
        from_request: int = 0,
        from_row: int = 0,
    ) -> None:
        """Let the answers drift, from a request on or after so many rows of the drift's paths."""
        self._drifts.append(
            Drifting(drift, frozenset(paths or drift.paths), from_request, from_row)
        )

    def stop_drifting(self) -> None:
        """Tell everything as it should be told."""
        self._drifts.clear()

    def announce(self, upto: datetime | None = None) -> int:
        """Send the fills up to a moment (now) that the stream has not sent; return how many."""
        return self.stream.announce(upto)

    def begin(self, method: str, path: str, query: dict[str, str]) -> Seen:
        """Count a request and call the hook."""
        with self._lock:
            seen = Seen(len(self.requests) + 1, method, path, query)
            self.requests.append(seen)
        if self.on_request is not None:
            self.on_request("before", seen)
        return seen

    def end(self, seen: Seen) -> None:
        """Call the hook again, now that the answer is sent."""
        if self.on_request is not None:
            self.on_request("after", seen)

    def fail(self, error: BaseException) -> None:
        """Keep what should not have happened for the end of the `with` block."""
        self.failures.append(error)

    def pause(self, seconds: float) -> None:
        """Let time go by."""
        self.clock.sleep(seconds)

    def answer(self, seen: Seen, path: str, headers: dict[str, str]) -> Answer:
        """Answer a request, with the fault that is planned for it."""
        fault = self.faults.fault(seen)
        if fault is not None and fault.status is not None:
            return Answer(fault.status, self._error(fault.status, fault.name), fault)
        try:
            self._admit(seen, path, headers)
            told = answers.answer(self._scene(), seen.path, seen.query)
        except Refused as refused:
            if refused.status == TOO_MANY:
                return Answer(TOO_MANY, too_many_requests_json().encode(), fault)
            body = error_json(refused.code, refused.message, self.generation)
            return Answer(refused.status, body.encode(), fault)
        if fault is not None and fault.same_cursor and told.cursor is not None:
            told = Told(told.rows, told.container, told.again, told.again, told.extra)
        return Answer(200, self._drifted(seen, told).encode(), fault)

    def _error(self, status: int, name: str) -> bytes:
        if status == TOO_MANY:
            return too_many_requests_json().encode()
        return error_json(name.replace(" ", "_"), "made to fail", self.generation).encode()

    def _admit(self, seen: Seen, path: str, headers: dict[str, str]) -> None:
        if not path.startswith(BASE + "/") or seen.path in self.closed:
            raise Refused(404, "not_found", "not found")
        if seen.method != "GET":
            raise Refused(405, "method_not_allowed", "this exchange only tells")
        if answers.is_private(seen.path):
            verify(self.key, headers, seen.method, path, self.clock.now())
            allow(self.key, "read")
        if self._buckets is not None and not self._buckets.admit(seen.path):
            raise Refused(TOO_MANY, "too_many_requests", "too many requests")

    def _scene(self) -> Scene:
        return Scene(
            view=self.world.at(self.as_of),
            market_view=self.world.at(self.clock.now()),
            as_of=self.as_of,
            cutoff=self.cutoff,
            generation=self.generation,
            tier=self.tier,
            cursors=self.cursors,
            page_cap=self.page_cap,
        )

    def _drifted(self, seen: Seen, told: Told) -> str:
        view = self.world.at(self.as_of)
        with self._lock:
            drifting = [each for each in self._drifts if each.concerns(seen)]
            for each in drifting:
                told = each.rows(told, view)
        text = told.text()
        for each in drifting:
            text = each.page(text, view)
        return text
