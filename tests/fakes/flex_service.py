"""A Flex web service on 127.0.0.1: two calls, one token, and a knob for everything that goes wrong.

    with running() as service:
        service.statements["123456"] = statement(...)
        service.slow = 3                        # 1019 three times, then the statement
        service.on_send = [error("1018")]       # what the next SendRequests are answered instead
        service.on_get = [cut(0.5), html()]     # likewise the next GetStatements

It behaves like the real one as far as that is published: a wrong token is 1015, a query that it
does not know 1014, a reference 1017, and, if it was given a clock, the eleventh request of a minute
and the second of a second are 1018.
"""

import gzip
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape, quoteattr

TOKEN: Final = "830745192046381957264018"
BASE: Final = "/AccountManagement/FlexWebService"
MESSAGES: Final = {
    "1001": "Statement could not be generated at this time. Please try again shortly.",
    "1012": "Token has expired.",
    "1014": "Query is invalid.",
    "1015": "Token is invalid.",
    "1017": "Reference code is invalid.",
    "1018": "Too many requests have been made from this token. Please try again shortly.",
    "1019": "Statement generation in progress. Please try again shortly.",
    "1020": "Invalid request or unable to validate request.",
}


class Asked(NamedTuple):
    call: str
    params: dict[str, str]
    headers: dict[str, str]
    at_seconds: float


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "FlexService"

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        params = {name: values[0] for name, values in parse_qs(split.query).items()}
        call = split.path.rpartition("/")[2]
        self.server.answer(call, params, self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the test's output clean."""


Reply: TypeAlias = Callable[[Handler], None]


class FlexService(ThreadingHTTPServer):
    """The service; its attributes are the knobs."""

    def __init__(self, now_seconds: Callable[[], float] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.token = TOKEN
        self.statements: dict[str, bytes] = {}
        self.slow = 0
        self.packed = False
        self.address: str | None = None
        self.on_send: list[Reply] = []
        self.on_get: list[Reply] = []
        self.asked: list[Asked] = []
        self.released = threading.Event()
        self._now_seconds = now_seconds
        self._orders: dict[str, tuple[str, int]] = {}
        self._current: tuple[str, str] = ("", "")

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a reset leaves a connection that nothing can be sent on."""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{BASE}"

    @property
    def calls(self) -> list[str]:
        return [asked.call for asked in self.asked]

    def answer(self, call: str, params: dict[str, str], handler: Handler) -> None:
        at_seconds = self._now_seconds() if self._now_seconds else 0.0
        self.asked.append(Asked(call, params, dict(handler.headers), at_seconds))
        self._current = (call, params.get("q", ""))
        faults = self.on_send if call == "SendRequest" else self.on_get
        reply = faults.pop(0) if faults else self._regular(call, params)
        reply(handler)

    def regular(self, handler: Handler) -> None:
        """Answer the request that is being answered as if nothing were wrong."""
        call, subject = self._current
        self._regular(call, {"t": self.token, "q": subject, "v": "3"})(handler)

    def body(self) -> bytes:
        """Return the statement that the request being answered asks for."""
        return self.statements[self._orders[self._current[1]][0]]

    def _regular(self, call: str, params: dict[str, str]) -> Reply:
        wrong = self._wrong(params)
        if wrong is not None:
            return error(wrong)
        if call == "SendRequest":
            return self._order(params["q"])
        if params["q"] not in self._orders:
            return error("1017")
        query, waits = self._orders[params["q"]]
        if waits:
            self._orders[params["q"]] = (query, waits - 1)
            return error("1019")
        return page(self.statements[query], packed=self.packed)

    def _wrong(self, params: dict[str, str]) -> str | None:
        if self._throttled():
            return "1018"
        if not self.asked[-1].headers.get("User-Agent") or params.get("v") != "3":
            return "1020"
        return None if params.get("t") == self.token else "1015"

    def _order(self, query: str) -> Reply:
        if query not in self.statements:
            return error("1014")
        reference = str(4_000_000_000 + len(self._orders))
        self._orders[reference] = (query, self.slow)
        return ticket(reference, self.address or f"{self.base}/GetStatement")

    def _throttled(self) -> bool:
        if self._now_seconds is None:
            return False
        ages = [self.asked[-1].at_seconds - asked.at_seconds for asked in self.asked]
        return sum(age < 60 for age in ages) > 10 or sum(age < 1 for age in ages) > 1


@contextmanager
def running(now_seconds: Callable[[], float] | None = None) -> Iterator[FlexService]:
    with FlexService(now_seconds) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()


# --- statements ----------------------------------------------------------------------------------


def statement(
    *trades: dict[str, str],
    account: str = "U1234567",
    days: tuple[str, str] = ("20250101", "20251231"),
    made: str = "20260221;133136",
    sort: str = "AF",
) -> bytes:
    """Return a statement with these trades: of the activity, or as confirmations (TCF)."""
    rows = "".join(
        f"<Trade {' '.join(f'{name}={quoteattr(text)}' for name, text in trade.items())} />\n"
        for trade in trades
    )
    return (
        f'<FlexQueryResponse queryName="made" type="{sort}">\n<FlexStatements count="1">\n'
        f'<FlexStatement accountId="{account}" fromDate="{days[0]}" toDate="{days[1]}" '
        f'period="" whenGenerated="{made}">\n<Trades>\n{rows}</Trades>\n</FlexStatement>\n'
        "</FlexStatements>\n</FlexQueryResponse>\n"
    ).encode()


def trade(number: int = 1, **changes: str) -> dict[str, str]:
    """Return the attributes of an execution."""
    return {
        "accountId": "U1234567",
        "currency": "USD",
        "fxRateToBase": "1",
        "assetCategory": "STK",
        "symbol": "MADE",
        "conid": "4815162",
        "multiplier": "1",
        "tradeID": str(7000 + number),
        "transactionID": str(9000 + number),
        "ibExecID": f"0000e0d5.{number:08x}.01.01",
        "ibOrderID": str(5000 + number),
        "dateTime": "20250303;103000",
        "tradeDate": "20250303",
        "reportDate": "20250303",
        "transactionType": "ExchTrade",
        "quantity": "10",
        "tradePrice": "20.5",
        "proceeds": "-205",
        "taxes": "0",
        "ibCommission": "-1",
        "ibCommissionCurrency": "USD",
        "netCash": "-206",
        "buySell": "BUY",
        "notes": "",
        "openCloseIndicator": "O",
        "levelOfDetail": "EXECUTION",
        **changes,
    }


# --- replies -------------------------------------------------------------------------------------


def page(
    body: bytes | str,
    status: int = 200,
    headers: dict[str, str] | None = None,
    *,
    packed: bool = False,
) -> Reply:
    raw = body.encode() if isinstance(body, str) else body
    sent = gzip.compress(raw) if packed else raw
    packing = {"Content-Encoding": "gzip"} if packed else {}

    def reply(handler: Handler) -> None:
        _head(handler, status, len(sent), {**packing, **(headers or {})})
        handler.wfile.write(sent)

    return reply


def _head(handler: Handler, status: int, length: int, headers: dict[str, str]) -> None:
    handler.send_response_only(status)
    handler.send_header("Content-Length", str(length))
    for name, value in {"Content-Type": "text/xml", **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()


def ticket(reference: str, address: str) -> Reply:
    return page(
        "<FlexStatementResponse timestamp='21 November, 2026 12:00 PM EST'>\n"
        f"<Status>Success</Status>\n<ReferenceCode>{reference}</ReferenceCode>\n"
        f"<Url>{escape(address)}</Url>\n</FlexStatementResponse>\n"
    )


def error(code: str, message: str | None = None, status: str = "Fail") -> Reply:
    told = MESSAGES.get(code, f"Message of {code}.") if message is None else message
    return page(
        "<FlexStatementResponse timestamp='21 November, 2026 12:00 PM EST'>\n"
        f"<Status>{status}</Status>\n<ErrorCode>{code}</ErrorCode>\n"
        f"<ErrorMessage>{escape(told)}</ErrorMessage>\n</FlexStatementResponse>\n"
    )


def html(status: int = 200, text: str = "We are sorry, the page is not available.") -> Reply:
    body = f"<!DOCTYPE html>\n<html><head><title>IBKR</title></head><body>{text}</body></html>"
    return page(body, status, {"Content-Type": "text/html"})


def cut(share: float) -> Reply:
    """Send a part of the statement as if it were all of it."""

    def reply(handler: Handler) -> None:
        body = handler.server.body()
        page(body[: int(len(body) * share)])(handler)

    return reply


def reset_within(share: float) -> Reply:
    """Promise the statement, send a part of it, and reset the connection."""

    def reply(handler: Handler) -> None:
        body = handler.server.body()
        _head(handler, 200, len(body), {})
        handler.wfile.write(body[: int(len(body) * share)])
        reset(handler)

    return reply


def reset(handler: Handler) -> None:
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def hang_up(handler: Handler) -> None:
    handler.close_connection = True


def never(handler: Handler) -> None:
    """Answer nothing until the test is over."""
    handler.server.released.wait()
    handler.close_connection = True


def echo(status: int = 200) -> Reply:
    """Show the request again, as servers do that did not like it."""

    def reply(handler: Handler) -> None:
        html(status, escape(handler.path))(handler)

    return reply


def echo_in(form: str, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Answer with the address of the request in place of ADDRESS, in body and headers."""

    def reply(handler: Handler) -> None:
        told = (headers or {}).items()
        filled = {name: text.replace("ADDRESS", handler.path) for name, text in told}
        page(form.replace("ADDRESS", escape(handler.path)), status, filled)(handler)

    return reply
