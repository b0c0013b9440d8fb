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


def recorded(kind: str, **payload: Any) -> NewEvent:  # noqa: ANN401 - values of JSON
    """Return what the bot recorded; what is None is left out."""
    kept = {name: value for name, value in payload.items() if value is not None}
    return event(kind, json.dumps(kept))


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
    return recorded("bot.order_posted", **payload)


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
    return recorded("bot.decision", **payload)


def claim(fill_id: str, strategy: str | None, *, reason: str = "seen on the site") -> NewEvent:
    """Return an operator's claim; without a strategy it withdraws an earlier one."""
    payload = {
        "fill_id": fill_id,
        "strategy": strategy,
        "reason": reason,
        "claimed_by": "operator",
        "claimed_at": moment("12:00"),
    }
    return recorded("ledger.attribution_claimed", **payload)


def left(instrument: str, at: str, reason: str, **more: Any) -> NewEvent:  # noqa: ANN401
    """Return the bot's word on leaving."""
    return recorded("bot.exit", instrument=instrument, exited_at=moment(at), reason=reason, **more)


def quoted(instrument: str, at: str, **prices: str) -> NewEvent:
    """Return a quote."""
    return recorded("market.quote", instrument=instrument, quoted_at=moment(at), **prices)


def decided(decision_id: str, instrument: str, at: str, **more: Any) -> NewEvent:  # noqa: ANN401
    """Return a decision to buy that was posted, unless told otherwise."""
    told: dict[str, Any] = {"strategy": "alpha", "side": "yes", "outcome": "posted"} | more
    return recorded(
        "bot.decision",
        decision_id=decision_id,
        instrument=instrument,
        decided_at=moment(at),
        **told,
    )
