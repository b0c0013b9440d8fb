"""Commands of the WebSocket, read and checked, and what they subscribe to."""

import json
from dataclasses import dataclass
from typing import Any, Final, Literal

from websockets.sync.server import ServerConnection

CHANNELS: Final = (
    "fill",
    "market_positions",
    "market_lifecycle_v2",
    "orderbook_delta",
    "ticker",
    "trade",
    "user_orders",
)


class CommandError(Exception):
    """A command that is answered with an error message and its numeric code."""

    def __init__(self, code: int, message: str, command: int | None) -> None:
        """Name the code and the command that it answers."""
        super().__init__(message)
        self.code = code
        self.command = command


@dataclass(frozen=True, slots=True)
class Command:
    """A command that makes sense."""

    number: int | None
    name: Literal["subscribe", "unsubscribe"]
    channels: tuple[str, ...] = ()
    tickers: frozenset[str] | None = None
    sids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Subscription:
    """One connection that listens to the fills of some markets, or of all."""

    connection: ServerConnection
    sid: int
    tickers: frozenset[str] | None

    def wants(self, ticker: str) -> bool:
        """Tell whether fills of a market are for this subscription."""
        return self.tickers is None or ticker in self.tickers


def read_command(text: str | bytes) -> Command:
    """Return the command; raise CommandError where it is none."""
    try:
        said = json.loads(text)
    except ValueError:
        raise CommandError(1, "Unable to process message", None) from None
    if not isinstance(said, dict):
        raise CommandError(1, "Unable to process message", None)
    number = said.get("id") if isinstance(said.get("id"), int) else None
    name, params = said.get("cmd"), said.get("params")
    if name not in {"subscribe", "unsubscribe"}:
        raise CommandError(5, "Unknown command", number)
    if not isinstance(params, dict):
        raise CommandError(2, "Params required", number)
    if name == "subscribe":
        return _subscribe(params, number)
    sids = params.get("sids")
    if not isinstance(sids, list) or not sids:
        raise CommandError(4, "Subscription IDs required", number)
    return Command(number, "unsubscribe", sids=tuple(sids))


def _subscribe(params: dict[str, Any], number: int | None) -> Command:
    channels = params.get("channels")
    if not isinstance(channels, list) or not channels:
        raise CommandError(3, "Channels required", number)
    if any(channel not in CHANNELS for channel in channels):
        raise CommandError(8, "Unknown channel name", number)
    tickers = params.get("market_tickers")
    if tickers is None and "market_ticker" in params:
        tickers = [params["market_ticker"]]
    if tickers is not None and not all(isinstance(ticker, str) for ticker in tickers):
        raise CommandError(11, "Invalid parameter", number)
    return Command(
        number,
        "subscribe",
        channels=tuple(channels),
        tickers=None if tickers is None else frozenset(tickers),
    )
