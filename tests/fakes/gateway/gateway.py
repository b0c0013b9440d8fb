"""The server: real sockets on the loopback, in a thread of its own."""

import asyncio
import socket
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, Thread
from types import TracebackType
from typing import Any, Final, Self

from tests.fakes.gateway.answers import Asking, Request, answer, matching, may_see_report
from tests.fakes.gateway.faults import Drop, Fault, Hold, Refuse, Rule, Silence
from tests.fakes.gateway.messages import CommissionReport, Error
from tests.fakes.gateway.wire import Asked, Fields, cut, frame, read_fields, read_greeting
from tests.fakes.gateway.world import Message, World

HOST: Final = "127.0.0.1"
PATIENCE_SECONDS: Final = 10

_ID_IN_USE: Final = Error(
    326, "Unable to connect as the client id is already in use. Retry with a unique client id."
)


@dataclass(eq=False)
class Client:
    """One connection, from its first byte to its last."""

    writer: asyncio.StreamWriter
    task: asyncio.Task[None] | None
    version: int = 0
    client_id: int | None = None
    ready: bool = False
    held: list[Fields] = field(default_factory=list)
    # Only one message is on its way at a time, however small the pieces.
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Gateway:
    """A gateway that serves a world; use it as a context manager.

    `pieces` are the sizes in bytes that all it sends is cut into, over and over; with none an
    answer is one write. The reports of `late_reports` (execution ids) are unknown to it until
    `release`, or until that many requests followed the answer that lacked them.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        pieces: Sequence[int] = (),
        late_reports: Collection[str] = (),
        late_after_requests: int = 0,
        reports_first: bool = False,
    ) -> None:
        self.world = world or World()
        self.pieces = tuple(pieces)
        self.late_reports = frozenset(late_reports)
        self.late_after_requests = late_after_requests
        self.reports_first = reports_first
        self.port = 0
        self.accepted = 0
        self._countdown = 0
        self._rules: list[Rule] = []
        self._requests: list[Request] = []
        self._clients: list[Client] = []
        self._failures: list[Exception] = []
        self._changed = Condition()
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._reserved = _bound(0)
        self.port = self._reserved.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="gateway", daemon=True)
        self._thread.start()
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._reserved.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()
        # A fake that failed must not pass for a broker that said nothing.
        for failure in self._failures:
            if error is None:
                raise failure
            error.add_note(f"the fake gateway failed: {failure!r}")

    # --- what a test sees ------------------------------------------------------------------------

    @property
    def requests(self) -> list[Request]:
        """All that clients asked, in order."""
        return list(self._requests)

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._clients)

    def asked(self, kind: int) -> list[Fields]:
        """Give the fields of all requests of a kind."""
        return [request.fields for request in self.requests if request.kind == kind]

    def wait_for(self, kind: int, count: int = 1) -> None:
        """Wait until clients have made so many requests of a kind; blocks the thread."""
        self._wait(lambda: len(self.asked(kind)) >= count, f"{count} requests of kind {kind}")

    def wait_for_connections(self, count: int) -> None:
        """Wait until so many clients are connected; blocks the thread."""
        self._wait(lambda: self.connections == count, f"{count} connections")

    def _wait(self, happened: Callable[[], bool], what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(happened, PATIENCE_SECONDS):
                raise TimeoutError(f"waited for {what}; requests {self._requests}")

    # --- what a test does ------------------------------------------------------------------------

    def start(self) -> None:
        """Accept connections, on the same port as before."""
        self._run(self._start())

    def stop(self) -> None:
        """Close all sockets and refuse connections; nobody else gets the port."""
        self._run(self._stop())

    def drop(self) -> None:
        """Close the sockets of all clients; they may connect again."""
        self._run(self._drop())

    def on(self, kind: int, fault: Fault, *, skip: int = 0, times: int | None = None) -> None:
        """Let a fault happen to requests of a kind from now on: after `skip`, `times` of them."""
        self._rules.append(Rule(kind, fault, skip, times))

    def push(
        self, *messages: Message | Fields, remember: bool = True, client_id: int | None = None
    ) -> None:
        """Send messages that nobody asked for, to all clients or to one.

        Later answers repeat what is remembered. Bare fields go out as they are.
        """
        if remember:
            self.world.keep(*(it for it in messages if not isinstance(it, tuple)))
        self._run(self._push(messages, client_id))

    def release(self) -> None:
        """Send the answers that are held, and the reports that were late."""
        self._run(self._release())

    # --- in the thread of the server -------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)

    async def _start(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=self._reserved)

    async def _stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        await self._drop()
        await self._server.wait_closed()
        self._server = None
        # Bound but not listening: connections are refused, and the port stays ours.
        self._reserved = _bound(self.port)

    async def _drop(self) -> None:
        tasks = [client.task for client in self._clients if client.task]
        for client in self._clients:
            client.writer.transport.abort()
        if tasks:
            await asyncio.wait(tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(writer, asyncio.current_task())
        self.accepted += 1
        self._clients.append(client)
        self._notify()
        try:
            await self._converse(client, reader)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The client went away, as it may.
        except Exception as failure:  # noqa: BLE001 - raised in the test's thread at the end
            self._failures.append(failure)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self._clients.remove(client)
            self._notify()

    def _notify(self, request: Request | None = None) -> None:
        with self._changed:
            if request is not None:
                self._requests.append(request)
            self._changed.notify_all()

    async def _converse(self, client: Client, reader: asyncio.StreamReader) -> None:
        lowest, highest = await read_greeting(reader)
        client.version = min(self.world.server_version, highest)
        greeting = Request(None, (str(int(Asked.HANDSHAKE)), str(lowest), str(highest)))
        connected_at = f"{self.world.now:%Y%m%d %H:%M:%S} GMT"
        goes_on = await self._answer(client, greeting, [(str(client.version), connected_at)])
        while goes_on:
            fields = await read_fields(reader)
            if int(fields[0]) == Asked.START_API:
                in_use = [other.client_id for other in self._clients]
                client_id = int(fields[2])
                if client_id in in_use:
                    self._notify(Request(client_id, fields))
                    await self._send(client, [_ID_IN_USE.fields(client.version)])
                    return
                client.client_id = client_id
            goes_on = await self._answer(client, Request(client.client_id, fields))

    async def _answer(
        self, client: Client, request: Request, messages: list[Fields] | None = None
    ) -> bool:
        """Answer a request, or let its fault happen; say whether the conversation goes on."""
        counting = self._countdown > 0
        if messages is None:
            late, reports_first = self.late_reports, self.reports_first
            messages = answer(Asking(self.world, request, client.version, late, reports_first))
        hit = [rule.fault for rule in self._rules if rule.hits(request.kind)]
        # Noted after the rules have counted it: a test that has seen it may set the next fault.
        self._notify(request)
        match hit[0] if hit else None:
            case Silence():
                return True
            case Hold():
                client.held += messages
                return True
            case Refuse(code, text):
                error = Error(code, text, request.request_id)
                await self._send(client, [error.fields(client.version)])
                return True
            case Drop(count, size):
                rest = b"".join(frame(message) for message in messages[count:])
                await self._send(client, messages[:count], rest[:size])
                return False
        await self._send(client, messages)
        client.ready |= request.kind == Asked.START_API
        await self._count_down(request, counting=counting)
        return True

    async def _count_down(self, request: Request, *, counting: bool) -> None:
        """Count the requests that follow an answer without its late reports."""
        if counting:
            self._countdown -= 1
            if self._countdown == 0:
                await self._release()
        elif request.kind == Asked.EXECUTIONS and self.late_after_requests:
            fills = matching(self.world, request.fields[3:])
            if any(fill.exec_id in self.late_reports for fill in fills):
                self._countdown = self.late_after_requests

    async def _send(self, client: Client, messages: Sequence[Fields], tail: bytes = b"") -> None:
        data = b"".join(frame(message) for message in messages) + tail
        async with client.lock:
            for piece in cut(data, self.pieces):
                client.writer.write(piece)
                # The piece goes out before the next one is written.
                await asyncio.sleep(0)
            await client.writer.drain()

    async def _push(
        self, messages: Sequence[Message | Fields], client_id: int | None = None
    ) -> None:
        for client in list(self._clients):
            if client.ready and client_id in {None, client.client_id}:
                told = [it for it in messages if self._tells(client, it)]
                with suppress(ConnectionError):
                    await self._send(
                        client,
                        [it if isinstance(it, tuple) else it.fields(client.version) for it in told],
                    )

    def _tells(self, client: Client, message: Message | Fields) -> bool:
        """Say whether the client is told: reports go to the owner of the fill or the master."""
        if not isinstance(message, CommissionReport):
            return True
        fills = [it for it in self.world.executions if it.exec_id == message.exec_id]
        return may_see_report(self.world, client.client_id, fills[-1] if fills else None)

    async def _release(self) -> None:
        late, self.late_reports, self._countdown = self.late_reports, frozenset(), 0
        for client in list(self._clients):
            held, client.held = client.held, []
            with suppress(ConnectionError):
                await self._send(client, held)
        known = [self.world.report_of(it.exec_id) for it in tuple(self.world.executions)]
        await self._push([it for it in known if it is not None and it.exec_id in late])


def _bound(port: int) -> socket.socket:
    """Take a port of the loopback without listening to it."""
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind((HOST, port))
    return taken
