"""What a bot records and an operator claims, as events, in a line each."""

import json
from datetime import UTC, datetime
from typing import Any

from domain.event import NewEvent
from tests.books import event


def moment(text: str) -> str:
    """Return a time of 1 June 2026, or of another day of that year, as ISO text."""
    day, _, time = text.rpartition("T")
    at = datetime.fromisoformat(f"2026-{day or '06-01'}T{time}+00:00")
    return at.astimezone(UTC).isoformat()


def _event(kind: str, payload: dict[str, Any]) -> NewEvent:
    told = {name: value for name, value in payload.items() if value is not None}
    return event(kind, json.dumps(told))


def posted(
    strategy: str,
    instrument: str,
    at: str,
    *,
    order: str | None = None,
    client: str | None = None,
    side: str | None = None,
    decision: str | None = None,
) -> NewEvent:
    """Return an order that the bot recorded when it posted it."""
    payload = {
        "strategy": strategy,
        "instrument": instrument,
        "posted_at": moment(at),
        "order_id": order,
        "client_order_id": client,
        "side": side,
        "decision_id": decision,
    }
    return _event("bot.order_posted", payload)


def decision(
    decision_id: str,
    strategy: str,
    instrument: str,
    side: str,
    at: str,
    *,
    outcome: str = "posted",
    order: str | None = None,
    client: str | None = None,
) -> NewEvent:
    """Return a decision of the bot."""
    payload = {
        "decision_id": decision_id,
        "strategy": strategy,
        "instrument": instrument,
        "side": side,
        "outcome": outcome,
        "decided_at": moment(at),
        "order_id": order,
        "client_order_id": client,
    }
    return _event("bot.decision", payload)


def claim(fill_id: str, strategy: str | None, *, reason: str = "seen on the site") -> NewEvent:
    """Return an operator's claim; without a strategy it withdraws an earlier one."""
    payload = {
        "fill_id": fill_id,
        "strategy": strategy,
        "reason": reason,
        "claimed_by": "operator",
        "claimed_at": moment("12:00"),
    }
    return _event("ledger.attribution_claimed", payload)
