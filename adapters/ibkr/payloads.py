"""From the raw fields of a message to its payload: every field as the text that came."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.ibkr import messages
from domain.jsontext import Slice

KINDS: Final[Mapping[int, str]] = {
    3: messages.ORDER_STATUS,
    5: messages.OPEN_ORDER,
    6: messages.ACCOUNT_VALUE,
    7: messages.PORTFOLIO_VALUE,
    11: messages.EXECUTION,
    59: messages.COMMISSION_REPORT,
    61: messages.POSITION,
    63: messages.ACCOUNT_SUMMARY,
}
"""What the messages are that become events, by their id."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the gateway, as it came."""

    number: int
    """Its id, which says what it is."""
    fields: tuple[str, ...]
    """All of them, the id first."""
    server_version: int
    received_at: datetime

    @property
    def kind(self) -> str:
        """Return the kind of event that it becomes."""
        return KINDS[self.number]

    def named(self) -> dict[str, str]:
        """Return the fields behind the id by name; those without a name by their place."""
        names = messages.FIELDS[self.kind]
        if self.kind == messages.EXECUTION:
            revised = self.server_version >= messages.PRICE_REVISION_VERSION
            names += (messages.PRICE_REVISION,) if revised else ()
        behind = self.fields[1:]
        named = dict(zip(names, behind, strict=False))
        unnamed = enumerate(behind[len(names) :], len(names) + 1)
        return named | {f"field_{place}": text for place, text in unnamed}


def payload(named: Mapping[str, str], gateway_zone: str | None) -> Slice:
    """Return the payload: without the number of the request, with the gateway's zone if known."""
    members = {name: text for name, text in named.items() if name != messages.REQUEST}
    if gateway_zone is not None:
        members[messages.GATEWAY_ZONE] = gateway_zone
    return Slice(members, json.dumps(members, ensure_ascii=False, separators=(",", ":")))
