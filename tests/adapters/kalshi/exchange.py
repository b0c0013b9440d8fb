"""A real server on 127.0.0.1 that answers what a test has written down, and a clock for both."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from adapters.clock import Clock
from adapters.kalshi.client import Client, Limits
from adapters.kalshi.signing import Credentials
from adapters.kalshi.sites import Site, site

START: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY_ID: Final = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c"


class SimulatedClock:
    """Stands still, except that sleeping takes no time and counts as if it had."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []
        self.clock = Clock(now=self.now, monotonic=lambda: self.seconds, sleep=self.sleep)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.seconds += seconds


@cache
def rsa_key(bits: int = 2048) -> RSAPrivateKey:
    return generate_private_key(65537, bits)


@cache
def ed25519_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def pem_of(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


class Asked(NamedTuple):
    path: str
    params: dict[str, list[str]]
    headers: dict[str, str]
    connection: int


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        params = parse_qs(split.query, keep_blank_values=True)
        port = self.client_address[1]
        self.server.asked.append(Asked(split.path, params, dict(self.headers), port))
        script = self.server.script
        reply = script.pop(0) if len(script) > 1 else script[0]
        reply(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the test's output clean."""


Reply: TypeAlias = Callable[[Handler], None]


class Server(ThreadingHTTPServer):
    """Gives its replies in order; the last one again and again."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[Asked] = []
        self.script: list[Reply] = []
        self.released = threading.Event()

    @property
    def site(self) -> Site:
        return site(f"http://127.0.0.1:{self.server_address[1]}/trade-api/v2")

    def says(self, *replies: Reply | str) -> None:
        self.script = [page(reply) if isinstance(reply, str) else reply for reply in replies]


@contextmanager
def running() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()


def client_of(
    server: Server,
    simulated: SimulatedClock,
    credentials: Credentials | None = None,
    limits: Limits | None = None,
    told: list[str] | None = None,
) -> Client:
    return Client(
        server.site,
        credentials,
        simulated.clock,
        limits or Limits(),
        jitter=lambda: 1.0,
        on_retry=(told if told is not None else []).append,
    )


# --- replies -------------------------------------------------------------------------------------


def page(text: str | bytes, status: int = 200, **headers: str) -> Reply:
    body = text.encode() if isinstance(text, str) else text

    def reply(handler: Handler) -> None:
        _head(handler, status, len(body), headers)
        handler.wfile.write(body)

    return reply


def _head(handler: Handler, status: int, length: int, headers: dict[str, str]) -> None:
    handler.send_response_only(status)
    handler.send_header("Content-Length", str(length))
    for name, value in {"Content_Type": "application/json", **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def cut(text: str, length: int) -> Reply:
    """Promise so many bytes, send fewer, and hang up."""

    def reply(handler: Handler) -> None:
        _head(handler, 200, length, {})
        handler.wfile.write(text.encode())
        handler.close_connection = True

    return reply


def drip(text: str, simulated: SimulatedClock, seconds_a_piece: float) -> Reply:
    """Send a few bytes at a time, and let that much time go by before each."""

    def reply(handler: Handler) -> None:
        body = text.encode()
        _head(handler, 200, len(body), {})
        try:
            for at in range(0, len(body), 8):
                simulated.seconds += seconds_a_piece
                handler.wfile.write(body[at : at + 8])
        except OSError:
            # The client has had enough, which is what the test is about.
            handler.close_connection = True

    return reply


def echo(status: int, form: str) -> Reply:
    """Answer with the headers of the request, as servers do that show what they did not like."""

    def reply(handler: Handler) -> None:
        signature = handler.headers["KALSHI-ACCESS-SIGNATURE"]
        page(form.replace("SIGNATURE", signature), status)(handler)

    return reply


def reset(handler: Handler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def hang_up(handler: Handler) -> None:
    handler.close_connection = True


def never(handler: Handler) -> None:
    """Answer nothing until the test is over."""
    assert isinstance(handler.server, Server)
    handler.server.released.wait()
    handler.close_connection = True


def garbage(handler: Handler) -> None:
    handler.wfile.write(b"220 mail.example.org ESMTP\r\n\r\n")
    handler.close_connection = True
