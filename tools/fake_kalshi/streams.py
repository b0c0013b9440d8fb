"""The WebSocket of the made exchange: the fill channel, told when the test says so."""

import contextlib
import json
import socket
import struct
import threading
from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from tools.fake_kalshi.keys import allow, verify
from tools.fake_kalshi.payloads.messages import fill_message_json, message_json, reply_json
from tools.fake_kalshi.payloads.spelling import before, string
from tools.fake_kalshi.queries import Refused
from tools.fake_kalshi.subscriptions import Command, CommandError, Subscription, read_command
from tools.fake_kalshi.truths import Execution

if TYPE_CHECKING:
    from tools.fake_kalshi.exchange import Exchange

STREAM_PATH: Final = "/trade-api/ws/v2"
JOIN_SECONDS: Final = 5.0
_RESET: Final = struct.pack("ii", 1, 0)


class FillStream:
    """Accepts signed connections and sends them the fills that they subscribed to."""

    def __init__(self, exchange: "Exchange", port: int) -> None:
        """Bind a port, any free one for 0; nothing is accepted before `start`."""
        self._exchange = exchange
        self._subscriptions: list[Subscription] = []
        self._connections: list[ServerConnection] = []
        self._next_sid = 1
        self._swallowed = 0
        self._announced = exchange.clock.now()
        self._changed = threading.Condition()
        self._server: Server = serve(
            self._serve,
            "127.0.0.1",
            port,
            process_request=self._admit,
            ping_interval=None,
            close_timeout=1,
        )
        self._loop = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        """The port that is bound."""
        bound: int = self._server.socket.getsockname()[1]
        return bound

    def start(self) -> None:
        """Accept connections in threads of its own."""
        self._loop.start()

    def stop(self) -> None:
        """Close every connection and accept no more."""
        self._server.shutdown()
        self._loop.join(JOIN_SECONDS)

    def wait_for_subscribers(self, count: int = 1, timeout_seconds: float = 10) -> None:
        """Wait until so many subscriptions are held; raise TimeoutError if they do not come."""
        with self._changed:
            if not self._changed.wait_for(
                lambda: len(self._subscriptions) >= count, timeout_seconds
            ):
                raise TimeoutError(f"{len(self._subscriptions)} subscriptions, not {count}")

    def wait_until_alone(self, timeout_seconds: float = 10) -> None:
        """Wait until nobody is connected any more; raise TimeoutError if somebody stays."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._connections, timeout_seconds):
                raise TimeoutError(f"{len(self._connections)} still connected")

    def announce(self, upto: datetime | None = None) -> int:
        """Send the fills between the last announcement and a moment; return how many there are.

        Whoever is not connected misses them, as does everybody while messages are swallowed.
        """
        moment = self._exchange.clock.now() if upto is None else upto
        rows = self._exchange.world.at(moment).executions
        low = bisect_right(rows, self._announced, key=lambda row: row.at)
        self._announced = max(self._announced, moment)
        for row in rows[low:]:
            self._tell(row)
        return len(rows[low:])

    def swallow(self, messages: int) -> None:
        """Lose the next fill messages on the way."""
        self._swallowed = messages

    def drop(self, *, reset: bool = False) -> None:
        """End every connection: with a farewell, or with a reset in the middle of it."""
        for connection in tuple(self._connections):
            if reset:
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                connection.close_socket()
            else:
                connection.close(1012)

    def say_unknown(self) -> None:
        """Send everybody a message of a type that nobody has heard of."""
        now = self._exchange.clock.now()
        for each in tuple(self._subscriptions):
            self._send(each, message_json("made_unknown", "{}", sid=each.sid, sent_at=now))

    def say_broken(self) -> None:
        """Send everybody half of a message."""
        for each in tuple(self._subscriptions):
            self._send(each, '{"type":"fill","sid":1,"msg":{"trade_id":"0000')

    def say(self, text: str) -> None:
        """Send everybody any text."""
        for each in tuple(self._subscriptions):
            self._send(each, text)

    def _tell(self, row: Execution) -> None:
        if self._swallowed:
            self._swallowed -= 1
            return
        exchange = self._exchange
        # The words of generation 4 are the oldest for messages.
        words = "4" if before(exchange.generation, "4") else exchange.generation
        for each in tuple(self._subscriptions):
            if each.wants(row.ticker):
                text = fill_message_json(
                    row,
                    words,
                    sid=each.sid,
                    sent_at=exchange.clock.now(),
                    post_position=exchange.world.step_after(row).net,
                )
                self._send(each, text)

    def _send(self, subscription: Subscription, text: str) -> None:
        # Whoever is gone hears nothing; its thread takes it off the list.
        with contextlib.suppress(ConnectionClosed):
            subscription.connection.send(text)

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        headers = {name.upper(): text for name, text in request.headers.raw_items()}
        path = request.path.partition("?")[0]
        exchange = self._exchange
        if path != STREAM_PATH:
            return connection.respond(HTTPStatus.NOT_FOUND, "not found\n")
        try:
            verify(exchange.key, headers, "GET", path, exchange.clock.now())
            allow(exchange.key, "read")
        except Refused as refused:
            return connection.respond(HTTPStatus(refused.status), f"{refused.message}\n")
        return None

    def _serve(self, connection: ServerConnection) -> None:
        self._connections.append(connection)
        try:
            for text in connection:
                for reply in self._replies(connection, text):
                    connection.send(reply)
        except ConnectionClosed:
            # The other side is gone, or was dropped.
            pass
        except Exception as error:
            self._exchange.fail(error)
            raise
        finally:
            with self._changed:
                self._connections.remove(connection)
                self._subscriptions = [
                    each for each in self._subscriptions if each.connection is not connection
                ]
                self._changed.notify_all()

    def _replies(self, connection: ServerConnection, text: str | bytes) -> Iterable[str]:
        now = self._exchange.clock.now()
        try:
            command = read_command(text)
        except CommandError as error:
            yield _error(error, now)
            return
        if command.name == "unsubscribe":
            yield from self._unsubscribe(connection, command, now)
            return
        for channel in command.channels:
            with self._changed:
                sid, self._next_sid = self._next_sid, self._next_sid + 1
            msg = f'{{"channel":{string(channel)},"sid":{sid}}}'
            yield reply_json("subscribed", msg, command=command.number, sent_at=now)
            if channel == "fill":
                # Only now, so that no fill comes before the reply.
                with self._changed:
                    self._subscriptions.append(Subscription(connection, sid, command.tickers))
                    self._changed.notify_all()

    def _unsubscribe(
        self, connection: ServerConnection, command: Command, now: datetime
    ) -> Iterable[str]:
        for sid in command.sids:
            with self._changed:
                gone = [
                    each
                    for each in self._subscriptions
                    if each.sid == sid and each.connection is connection
                ]
                self._subscriptions = [each for each in self._subscriptions if each not in gone]
                self._changed.notify_all()
            if gone:
                yield reply_json("unsubscribed", None, command=command.number, sent_at=now, sid=sid)
            else:
                yield _error(CommandError(7, "Unknown subscription ID", command.number), now)


def _error(error: CommandError, now: datetime) -> str:
    msg = json.dumps({"code": error.code, "msg": str(error)}, separators=(",", ":"))
    return reply_json("error", msg, command=error.command, sent_at=now)
