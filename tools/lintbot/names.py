"""By which names and addresses a call is known to post an order, or to record one."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Final

KIND: Final = "bot.order_posted"
"""What a record says it is; see domain/bot.py."""

ID_NAMES: Final = frozenset({"client_order_id", "orderRef", "order_ref"})
"""Members and parameters that carry the id by which a strategy is known."""

UNKNOWN: Final = "\0"
"""Stands in a text for a part that only the running bot knows."""

CONSTANT: Final = "\1"
"""Stands in a text on both sides of the name of a constant, which any file may declare."""

_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_POST: Final = re.compile(
    r"(batch )?(create|place|post|submit|send)( (limit|market|stop|event|new|batch|batched))*"
    r" orders?( (v|[0-9]+|async|sync|batch|batched|with http info|without preload content))*"
)
_ADDRESS: Final = re.compile(r"(?:^|[/\0\1])orders(/batched|/batch)?/?(\?[^?]*)?\Z")
_SIGNS: Final = frozenset({"sign", "signature", "header", "headers", "auth"})
_GIVEN: Final = frozenset({"post", "send", "submit", "record"})
_VERBS: Final = frozenset({"GET", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the user adds to the names that are known."""

    posts: frozenset[str] = frozenset()
    not_posts: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()

    def is_post(self, name: str) -> bool:
        """Whether a function of this name sends an order to a broker. Classes do not."""
        return name not in self.not_posts and (name in self.posts or _is_post(name))

    def is_direct(self, name: str) -> bool:
        """Whether a name alone tells that a call posts or records."""
        return name in self.records or self.is_post(name)

    def sends(self, name: str, texts: Collection[str]) -> bool:
        """Whether a call is an HTTP POST of orders, by its name and by what it is given."""
        addresses = [text for text in texts if is_address(text)]
        told = set(words(name))
        verbs = {text.upper() for text in texts}
        if not addresses or name in self.not_posts or _SIGNS & told:
            return False
        if "POST" in verbs or verbs & _VERBS:
            return "POST" in verbs
        # "orders" alone may be a topic of any message
        is_path = any("/" in text for text in addresses)
        return "post" in told or (is_path and not told.isdisjoint({"send", "submit"}))

    def is_record(self, name: str, texts: Collection[str]) -> bool:
        """Whether a call records a posted order."""
        return name in self.records or (KIND in texts and "record" in words(name))


def words(name: str) -> list[str]:
    """Return the words of a name, whether it is written_so or writtenSo."""
    return [word.lower() for word in _WORD.findall(name)]


@cache
def may_be_given(name: str) -> bool:
    """Whether a call of this name posts or records by what it is given."""
    return not _GIVEN.isdisjoint(words(name))


@cache
def _is_post(name: str) -> bool:
    return (
        "rder" in name.lower()
        and not name[:1].isupper()
        and _POST.fullmatch(" ".join(words(name))) is not None
    )


def is_address(text: str) -> bool:
    """Whether an address is one that orders are sent to (or listed from)."""
    return "orders" in text and _ADDRESS.search(text) is not None


def is_verb(text: str) -> bool:
    """Whether a text is the verb of an HTTP request."""
    return text.upper() in _VERBS or text.upper() == "POST"


def asks(name: str, texts: Collection[str]) -> bool:
    """Whether a call is an HTTP request that posts nothing, or only signs one."""
    told = {word.upper() for word in words(name)}
    return bool(
        (told | {text.upper() for text in texts}) & _VERBS or {one.upper() for one in _SIGNS} & told
    )
