"""The REST server: real sockets, HTTP/1.1 with connections that stay open, one thread each."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, urlsplit

from tools.fake_kalshi.faults import HTML, Fault
from tools.fake_kalshi.seen import Seen

BASE: Final = "/trade-api/v2"
JOIN_SECONDS: Final = 5.0
# No wait for data that were not sent yet: closing resets the connection.
_RESET: Final = struct.pack("ii", 1, 0)
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire, and how it is spoiled on the way."""

    status: int
    body: bytes
    fault: Fault | None = None


class Exchanging(Protocol):
    """What the server asks for the answers."""

    def begin(self, method: str, path: str, query: dict[str, str]) -> Seen:
        """Count a request."""
        ...

    def answer(self, seen: Seen, path: str, headers: dict[str, str]) -> Answer:
        """Answer it; `path` is the whole one, as it was signed."""
        ...

    def end(self, seen: Seen) -> None:
        """Hear that the answer is sent."""
        ...

    def fail(self, error: BaseException) -> None:
        """Hear what should not have happened."""
        ...

    def pause(self, seconds: float) -> None:
        """Let time go by in the middle of an answer."""
        ...


class Handler(BaseHTTPRequestHandler):
    """Reads requests and writes answers; what they say is decided by the exchange."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "RestServer"

    def do_GET(self) -> None:
        """Answer one request."""
        parts = urlsplit(self.path)
        exchange = self.server.exchange
        path = parts.path.removeprefix(BASE) if parts.path.startswith(BASE) else parts.path
        seen = exchange.begin(
            self.command, path, dict(parse_qsl(parts.query, keep_blank_values=True))
        )
        try:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = exchange.answer(
                seen, parts.path, {name.upper(): text for name, text in self.headers.items()}
            )
            self._send(seen, answer)
            exchange.end(seen)
        except ConnectionError:
            # The client went away, which is its right.
            self.close_connection = True
        except Exception as error:
            self.close_connection = True
            exchange.fail(error)
            raise

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET  # noqa: N815 - the names http.server calls

    def _send(self, seen: Seen, answer: Answer) -> None:
        fault = answer.fault or Fault("none")
        if fault.reset and not fault.midway:
            self._break()
            return
        body, kind = answer.body, _JSON
        if fault.html:
            body, kind = HTML, "text/html; charset=utf-8"
        if fault.empty:
            body = b""
        length = len(body)
        if fault.cut or fault.midway:
            body = body[: length // 2]
        if fault.cut and not fault.full_length:
            length = len(body)
        seen.status = (fault.status or 200) if fault.html else answer.status
        head = self._head(seen.status, kind, length)
        size = -(-len(body) // fault.parts) or 1
        pieces = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
        # In one piece, so that no delay of the network's making gets between.
        self.wfile.write(head + (b"" if fault.pause_seconds else pieces.pop(0)))
        for piece in pieces:
            self.server.exchange.pause(fault.pause_seconds)
            self.wfile.write(piece)
        if fault.midway:
            self._break()
        elif fault.full_length:
            self.close_connection = True

    def _head(self, status: int, kind: str, length: int) -> bytes:
        phrase = self.responses.get(status, ("made",))[0]
        lines = (
            f"HTTP/1.1 {status} {phrase}",
            f"Content-Type: {kind}",
            f"Content-Length: {length}",
            "",
            "",
        )
        return "\r\n".join(lines).encode()

    def _break(self) -> None:
        self.close_connection = True
        self.server.breaks(self.connection)

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""


class RestServer(ThreadingHTTPServer):
    """Listens on loopback; stopping it closes every connection and waits for the threads."""

    daemon_threads = True

    def __init__(self, exchange: Exchanging, port: int = 0) -> None:
        """Bind a port, any free one for 0; nothing is served before `start`."""
        self.exchange = exchange
        self._open: dict[socket.socket, threading.Thread] = {}
        self._broken: list[socket.socket] = []
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), Handler)
        self._loop = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def start(self) -> None:
        """Serve in threads of its own."""
        self._loop.start()

    def stop(self) -> None:
        """Serve no more."""
        self.shutdown()
        self._loop.join(JOIN_SECONDS)
        with self._lock:
            left = dict(self._open)
        for connection, thread in left.items():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(JOIN_SECONDS)
        self.server_close()

    def breaks(self, connection: socket.socket) -> None:
        """Close this connection, when its handler is done, with a reset instead of a farewell."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        with self._lock:
            self._broken.append(connection)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - theirs
        """Serve one connection in a thread."""
        work: Callable[[Any, Any], None] = self.process_request_thread
        thread = threading.Thread(target=work, args=(request, client_address), daemon=True)
        with self._lock:
            self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - theirs
        """Close one connection."""
        with self._lock:
            self._open.pop(request, None)
            broken = request in self._broken
            if broken:
                self._broken.remove(request)
        if broken:
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - theirs
        """Say nothing on the terminal: the exchange was told."""
