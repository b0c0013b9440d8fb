"""What can go wrong between us and Kalshi.

CannotDoError
└── FetchError                nothing, or not all, could be fetched            exit 3
    ├── RefusedError              401: the exchange does not accept the key
    │   └── ForbiddenError            403: it does, but not for this
    ├── NotThereError             404: no such address, or no such thing
    ├── BadRequestError           400 and its like: the request is wrong
    ├── UnreachableError          no usable answer, after all attempts
    └── CursorLoopError           the pages have no end
UsageError
└── UnfitKeyError             the key cannot be used as it is                  exit 2

No message holds key material, a signature or a header of a request, and none of these errors
has a cause or a context: what httpx raises carries the signed request with it.
"""

from adapters.words import plain
from domain import jsontext
from domain.errors import CannotDoError, UsageError
from domain.jsontext import JsonTextError, Number


class FetchError(CannotDoError):
    """The exchange gave no usable answer."""


class RefusedError(FetchError):
    """The exchange does not accept the key."""


class ForbiddenError(RefusedError):
    """The key may not see this."""


class NotThereError(FetchError):
    """The exchange knows no such address or thing."""


class BadRequestError(FetchError):
    """The exchange finds the request itself wrong; repeating it cannot help."""


class UnreachableError(FetchError):
    """No answer, or none that is what the API promises, after all attempts."""


class CursorLoopError(FetchError):
    """The cursors lead in a circle, or on and on: the rows are not all there."""


class UnfitKeyError(UsageError):
    """The key is missing, cannot be read, lies open to others, or is of a wrong sort."""


def said(body: str) -> str:
    """Return the API's own words out of the body of an error answer."""
    try:
        value = jsontext.parse(body)
    except JsonTextError:
        # Some proxy answered, not the API: its pages begin with markup that says nothing.
        return "" if body.lstrip().startswith("<") else plain(body)
    return plain(_words(value))


def _words(value: object) -> str:
    if isinstance(value, dict):
        # {"error": "…"}, {"error": {"message": "…"}} and {"code": "…", "message": "…"} are seen.
        told = (_words(value.get(key)) for key in ("error", "message", "details", "code"))
        return ": ".join(dict.fromkeys(words for words in told if words))
    return value if isinstance(value, str) and not isinstance(value, Number) else ""
