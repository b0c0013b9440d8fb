"""A client that signs right, and worlds small enough to look through."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, Self

import httpx

from tools.fake_kalshi.clock import SimulatedClock
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.server import BASE
from tools.fake_kalshi.truths import Execution
from tools.fake_kalshi.world import World

START: Final = datetime(2026, 1, 5, tzinfo=UTC)
TICKER: Final = "KXHIGHNY-26JAN05-B43.5"


def fill(number: int, at: datetime, **changes: Any) -> Execution:  # noqa: ANN401 - fields
    """Return a fill of one YES at 40 cents, with other values where they are given."""
    values: dict[str, Any] = {
        "fill_id": f"fill-{number:04}",
        "order_id": f"order-{number:04}",
        "client_order_id": None,
        "ticker": TICKER,
        "acquired": "yes",
        "action": "buy",
        "quantity": Decimal(1),
        "yes_price": Decimal("0.40"),
        "taker": True,
        "fee": Decimal("0.02"),
        "at": at,
    }
    return Execution(**{**values, **changes})


def minutes(count: int, *, since: datetime = START) -> World:
    """Return a world with a fill a minute, the first one a minute after the start."""
    return World.by_hand(fill(n, since + timedelta(minutes=n)) for n in range(1, count + 1))


class Client:
    """Asks an exchange, signed by its key at the time of its clock."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._http = httpx.Client(timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def ask(self, path: str, method: str = "GET", /, **query: object) -> httpx.Response:
        """Send one request."""
        signed = self.exchange.key.headers(method, BASE + path, self.exchange.clock.now())
        return self.send(path, signed, method, **query)

    def send(
        self, path: str, headers: dict[str, str], method: str = "GET", /, **query: object
    ) -> httpx.Response:
        """Send one request with these headers."""
        params = {name: str(value) for name, value in query.items()}
        return self._http.request(method, self.exchange.url + path, params=params, headers=headers)

    def told(self, path: str, /, **query: object) -> dict[str, Any]:
        """Return an answer that has to be a good one."""
        response = self.ask(path, **query)
        assert response.status_code == 200, response.text
        told: dict[str, Any] = json.loads(response.text, parse_float=Decimal)
        return told

    def pages(self, path: str, container: str, /, **query: object) -> Iterator[list[Any]]:
        """Yield the rows of each page, to the end."""
        cursor = ""
        while True:
            page = self.told(path, **query, **({"cursor": cursor} if cursor else {}))
            yield page[container]
            cursor = page["cursor"]
            if not cursor:
                return

    def rows(self, path: str, container: str, /, **query: object) -> list[Any]:
        """Return the rows of all pages."""
        return [row for page in self.pages(path, container, **query) for row in page]


def clock_at(days: float) -> SimulatedClock:
    """Return a clock that stands so many days after the start of the made worlds."""
    return SimulatedClock(START + timedelta(days=days))
