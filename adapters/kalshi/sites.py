"""Where the exchange is: production, demo, or an address of one's own."""

from dataclasses import dataclass
from typing import Final

import httpx

from adapters.addresses import is_loopback
from domain.errors import UsageError

_STREAM_PATH: Final = "/trade-api/ws/v2"
_PORT_LAST: Final = 65_535
# Everything of the demo exchange is under this name; production is under kalshi.com.
_PAPER_DOMAIN: Final = "kalshi.co"
_LIVE_DOMAIN: Final = "kalshi.com"


@dataclass(frozen=True, slots=True)
class Site:
    """The addresses of one exchange.

    rest    base of the REST API, without a slash at its end
    stream  address of the WebSocket
    paper   whether it trades play money
    """

    rest: str
    stream: str
    paper: bool

    @property
    def name(self) -> str:
        """What it is, whichever of its addresses is used: kalshi.com, kalshi.co, or the host."""
        host = httpx.URL(self.rest).host
        known = (_LIVE_DOMAIN, _PAPER_DOMAIN)
        return next((one for one in known if _is_under(host, one)), host)

    @property
    def live(self) -> bool:
        """Whether it trades real money."""
        return self.name == _LIVE_DOMAIN


PRODUCTION: Final = Site(
    rest="https://external-api.kalshi.com/trade-api/v2",
    stream="wss://external-api-ws.kalshi.com/trade-api/ws/v2",
    paper=False,
)
DEMO: Final = Site(
    rest="https://external-api.demo.kalshi.co/trade-api/v2",
    stream="wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
    paper=True,
)
_NAMED: Final = {"production": PRODUCTION, "demo": DEMO}


def site(named: str, stream: str | None = None) -> Site:
    """Return the site that the user named: "production", "demo" or the base of a REST API.

    `stream` is the address of its WebSocket, where that is not the usual one of that host. Raise
    UsageError for an address that is not one, or to which a key must not be sent.
    """
    known = _NAMED.get(named)
    if known is None:
        rest = _checked(named, ("https", "http"), '"production", "demo" or a URL such as')
        base = str(rest).rstrip("/")
        known = next((one for one in _NAMED.values() if one.rest == base), None)
    if known is None:
        scheme = "wss" if rest.scheme == "https" else "ws"
        usual = rest.copy_with(scheme=scheme, path=_STREAM_PATH)
        known = Site(base, str(usual), paper=_is_paper(rest.host))
    if stream is None:
        return known
    given = _checked(stream, ("wss", "ws"), "a URL such as")
    return Site(known.rest, str(given).rstrip("/"), known.paper)


def _checked(text: str, schemes: tuple[str, str], expected: str) -> httpx.URL:
    """Return the address; the first scheme is safe, the second only within this machine."""
    safe, unsafe = schemes
    example = PRODUCTION.rest if safe == "https" else PRODUCTION.stream
    try:
        url = httpx.URL(text)
        url.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        url = httpx.URL("")
    if url.scheme not in schemes or not url.host or url.path.strip("/") == "":
        # An address may hold a password: it is not repeated before that was looked at.
        shown = "" if "@" in text else f"{text[:80]!r} is no address of an exchange: "
        raise UsageError(f"{shown}expected is {expected} {example}")
    if url.userinfo or "?" in text or "#" in text:
        raise UsageError(
            f"the address at {url.host} holds more than a host and a path; leave out user, "
            f"password, '?' and '#': {example}"
        )
    if url.port is not None and not 0 < url.port <= _PORT_LAST:
        raise UsageError(f"{text[:80]!r}: a port is a number from 1 to {_PORT_LAST}")
    if url.scheme == unsafe and not is_loopback(url.host):
        raise UsageError(
            f"{text[:80]!r}: {unsafe}:// would send everything unencrypted; use {safe}:// "
            f"({unsafe}:// is for this machine only, such as {unsafe}://127.0.0.1:8000)"
        )
    return url


def _is_paper(host: str) -> bool:
    return _is_under(host, _PAPER_DOMAIN)


def _is_under(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")
