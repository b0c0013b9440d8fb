"""Where the Flex web service is, and whom a token may be sent to."""

from typing import Final

import httpx

from adapters.addresses import is_loopback
from adapters.flex.tokens import shown
from domain.errors import UsageError

USUAL: Final = "https://ndcdyn.interactivebrokers.com/AccountManagement/FlexWebService"
# Requests go to one host of the broker and statements may come from another.
_BROKER: Final = "interactivebrokers.com"


def base(named: str | None) -> httpx.URL:
    """Return the base of the service, without a slash at its end; the usual one for None.

    Raise UsageError for an address that is not one, or to which a token must not be sent.
    """
    text = USUAL if named is None else named
    url = _url(text)
    if url is None or url.scheme not in ("https", "http") or not url.path.strip("/"):
        # An address may hold a password: it is not repeated before that was looked at.
        quoted = "" if "@" in text or "?" in text else f"{shown(text)}: "
        raise UsageError(f"{quoted}no address of a Flex web service; the usual one is {USUAL}")
    if url.userinfo or "?" in text or "#" in text:
        raise UsageError(
            f"the address at {url.host} holds more than a host and a path; leave out user, "
            f"password, '?' and '#': {USUAL}"
        )
    if url.scheme == "http" and not is_loopback(url.host):
        raise UsageError(
            f"{shown(text)}: http:// would send the token unencrypted; use https:// (http:// is "
            "for this machine only)"
        )
    return url.copy_with(path=url.path.rstrip("/"))


def within(service: httpx.URL, call: str) -> httpx.URL:
    """Return the address of a call of the service."""
    return service.copy_with(path=f"{service.path}/{call}")


def trusted(told: str, service: httpx.URL) -> httpx.URL | None:
    """Return the address that the service tells to go to; None for one of a stranger.

    No stranger is who answers where the request went to, and every host of the broker where it
    went to one of them, if what is sent is encrypted.
    """
    url = _url(told.strip())
    if url is None or url.userinfo:
        return None
    same = (url.scheme, url.host, url.port) == (service.scheme, service.host, service.port)
    both = _is_broker(url) and _is_broker(service)
    return url.copy_with(query=None, fragment=None) if same or both else None


def host_of(told: str) -> str:
    """Return the host of an address; what is written where it has none."""
    url = _url(told.strip())
    return told if url is None or not url.host else url.host


def _url(text: str) -> httpx.URL | None:
    try:
        url = httpx.URL(text)
        url.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        return None
    return url if url.host else None


def _is_broker(url: httpx.URL) -> bool:
    known = url.host == _BROKER or url.host.endswith(f".{_BROKER}")
    return known and url.scheme == "https" and url.port is None
