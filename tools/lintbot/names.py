"""By which names and addresses a call is known to post an order, or to record one."""

import re
from typing import Final

KIND: Final = "bot.order_posted"
"""What a record says it is; see domain/bot.py."""

ID_NAMES: Final = frozenset({"client_order_id", "clientOrderId", "orderRef", "order_ref"})
"""Members and parameters that carry the id by which a strategy is known."""

PAYLOAD_NAMES: Final = frozenset(
    {"json", "data", "body", "content", "payload", "order", "orders", "request", "params"}
)
"""Parameters in which a whole order is handed over."""

UNKNOWN: Final = "\0"
"""Stands in a text for a part that only the running bot knows."""

_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_POST: Final = re.compile(
    r"(batch )?(create|place|post|submit|send)( (limit|market|stop|event|new|batch|batched))*"
    r" orders?( (v|[0-9]+|async|sync|batch|batched|with http info|without preload content))*"
)
_ENDPOINT: Final = re.compile(r"(^|[/\0])orders(/batched|/batch)?/?(\?.*)?", re.DOTALL)
_ENDPOINT_IN_TEXT: Final = re.compile(
    r"/orders(/batched)?/?[\"'`?]"
    r"|\b(place|create|submit)_?Orders?\b|\b(place|create|submit)_orders?\b"
)
_SIGNS: Final = frozenset({"sign", "signature", "header", "headers", "auth"})
_VERBS: Final = frozenset({"GET", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS"})


def words(name: str) -> list[str]:
    """Return the words of a name, whether it is written_so or writtenSo."""
    return [word.lower() for word in _WORD.findall(name)]


def posts(name: str) -> bool:
    """Whether a function of this name sends an order to a broker. Classes do not."""
    return not name[:1].isupper() and _POST.fullmatch(" ".join(words(name))) is not None


def is_endpoint(text: str) -> bool:
    """Whether an address is one that orders are sent to (or listed from)."""
    found = _ENDPOINT.search(text)
    return found is not None and found.end() == len(text)


def mentions_orders(text: str) -> bool:
    """Whether a source in any language seems to send orders."""
    return _ENDPOINT_IN_TEXT.search(text) is not None


def sends(name: str, texts: set[str]) -> bool:
    """Whether a call is an HTTP POST, by its name or by what it is given."""
    told = words(name)
    verbs = {text.upper() for text in texts}
    if _SIGNS & set(told):
        return False
    return "POST" in verbs or ("post" in told and not verbs & _VERBS)


def asks(name: str, texts: set[str]) -> bool:
    """Whether a call is an HTTP request that posts nothing, or only signs one."""
    verbs = {verb.lower() for verb in _VERBS}
    told = set(words(name))
    return bool(told & (verbs | _SIGNS) or {text.lower() for text in texts} & verbs)
