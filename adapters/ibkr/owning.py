"""Whose a message is: of the account that it names, or of what it belongs to.

Two kinds name no account: a commission report has that of its execution, the status of an order
that of the order. They are linked by what identifies both in the log, never by an empty number or a
zero. Where the gateway shows several accounts, what has not been met yet is looked up in the log,
and waits if it is not there either; it is never guessed.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from adapters.ibkr.payloads import Message
from domain.ibkr import messages
from domain.kinds import BY_NAME, identity_of

STREAMS: Final = {
    messages.EXECUTION: "executions",
    messages.COMMISSION_REPORT: "executions",
    messages.POSITION: "positions",
    messages.OPEN_ORDER: "open_orders",
    messages.ORDER_STATUS: "open_orders",
    messages.ACCOUNT_VALUE: "account",
    messages.ACCOUNT_SUMMARY: "account",
    messages.PORTFOLIO_VALUE: "account",
}
"""Which stream each kind comes on."""

WAITING_MAX: Final = 1000
"""Messages that wait to be told whose they are; what is beyond is counted and not kept."""

_SHOWN_MAX: Final = 10
_OF: Final = {
    messages.COMMISSION_REPORT: messages.EXECUTION,
    messages.ORDER_STATUS: messages.OPEN_ORDER,
}
"""What names the account of a kind that does not."""
_NAMING: Final = frozenset(_OF.values())

Fields = dict[str, str]
Link = tuple[str, str]
"""A kind that names its account, and what identifies one of it."""


def link(kind: str, fields: Fields) -> Link | None:
    """Return what names the account of a message; None where nothing identifies it."""
    identity = identity_of(BY_NAME[kind], fields)
    # without an id of its own it is known by its content and a number
    return None if "|" in identity else (_OF.get(kind, kind), identity)


@dataclass(slots=True)
class Ownership:
    """Knows whose the messages of one connection are, and keeps those that wait to be told.

    in_log    looks up in the log whose an execution or an order is
    known     of this round: what is older is in the log
    fresh     what waits and was not told of yet, by stream
    unkept    what does not even wait and was not told of yet, by stream
    given_up  the same by kind, since the connection opened
    """

    in_log: Callable[[Link], str | None]
    accounts: tuple[str, ...] = ()
    known: dict[Link, str] = field(default_factory=dict)
    waiting: dict[Link, dict[tuple[str, ...], Message]] = field(default_factory=dict)
    waiting_count: int = 0
    fresh: defaultdict[str, set[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(set))
    unkept: Counter[str] = field(default_factory=Counter)
    given_up: Counter[str] = field(default_factory=Counter)

    def learn(self, kind: str, fields: Fields) -> list[Message]:
        """Remember whose an execution or an order is. Return what waited to be told that."""
        account = fields.get("account")
        place = link(kind, fields) if kind in _NAMING and account else None
        if place is None or not account:
            return []
        self.known[place] = account
        found = list(self.waiting.pop(place, {}).values())
        self.waiting_count -= len(found)
        for message in found:
            self.fresh[STREAMS[message.kind]].discard(message.fields)
        return found

    def account_of(self, kind: str, fields: Fields) -> str | None:
        """Return whose a message is; None where nobody has said it."""
        if account := fields.get("account"):
            return account
        place = link(kind, fields) if kind in _OF else None
        if place is not None and place in self.known:
            return self.known[place]
        if len(self.accounts) == 1:
            return self.accounts[0]
        # what waits already was not in the log
        if place is None or place in self.waiting:
            return None
        return self.in_log(place)

    def wait(self, message: Message, fields: Fields) -> None:
        """Keep a message until somebody says whose it is, if anybody can and there is room."""
        kind, stream = message.kind, STREAMS[message.kind]
        place = link(kind, fields) if kind in _OF else None
        alike = self.waiting.get(place, {}) if place is not None else {}
        if message.fields not in alike:
            if place is None or self.waiting_count >= WAITING_MAX:
                self.unkept[stream] += 1
                self.given_up[kind] += 1
                return
            self.waiting.setdefault(place, {})[message.fields] = message
            self.waiting_count += 1
        self.fresh[stream].add(message.fields)

    def unowned(self, stream: str) -> int:
        """Return how many messages came, since it was last told, whose account is not known."""
        return len(self.fresh[stream]) + self.unkept[stream]

    def told(self, stream: str) -> None:
        """Note that it was told how many messages of a stream nobody owns."""
        self.fresh.pop(stream, None)
        self.unkept.pop(stream, None)

    def left(self) -> str | None:
        """Return what was not recorded since the connection opened, for people."""
        ids = [
            f"{message.kind} {identity}"
            for (_, identity), alike in self.waiting.items()
            for message in alike.values()
        ]
        shown = ids[:_SHOWN_MAX]
        if len(ids) > _SHOWN_MAX:
            shown.append(f"{len(ids) - _SHOWN_MAX} more")
        shown += [f"{count} {kind}" for kind, count in sorted(self.given_up.items())]
        return ", ".join(shown) or None
