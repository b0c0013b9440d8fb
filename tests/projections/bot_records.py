"""What a bot records about itself, in one line each, everything made."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from domain.event import NewEvent, Owner, time_text
from tests.books import MAIN, event

DAY: Final = datetime(2026, 6, 1, tzinfo=UTC)


def at(hour: float, seconds: float = 0) -> datetime:
    """Return a moment of the first of June, the day of ledgers in text."""
    return DAY + timedelta(hours=hour, seconds=seconds)


def decision(
    decided_at: datetime,
    *,
    decision_id: str = "d1",
    strategy: str = "alpha",
    instrument: str = "A",
    side: str = "yes",
    outcome: str = "posted",
    received_at: datetime | None = None,
    owner: Owner = MAIN,
    venue: str = "kalshi",
    **more: Any,  # noqa: ANN401 - values of JSON
) -> NewEvent:
    """Return a decision, taken in at once."""
    row = {
        "decision_id": decision_id,
        "strategy": strategy,
        "instrument": instrument,
        "side": side,
        "outcome": outcome,
        "decided_at": time_text(decided_at),
    }
    taken_in_at = received_at or decided_at
    return event(
        "bot.decision",
        json.dumps(row | more),
        owner=owner,
        received_at=taken_in_at,
        venue=venue,
    )


def decisions(*hours: float, **said: Any) -> list[NewEvent]:  # noqa: ANN401 - those of decision
    """Return a posted decision at each hour."""
    prefix = said.pop("prefix", "d")
    return [decision(at(hour), decision_id=f"{prefix}{hour}", **said) for hour in hours]


def posted(
    posted_at: datetime,
    order_id: str | None,
    *,
    strategy: str = "alpha",
    instrument: str = "A",
    owner: Owner = MAIN,
    venue: str = "kalshi",
    received_at: datetime | None = None,
    **more: Any,  # noqa: ANN401 - values of JSON
) -> NewEvent:
    """Return an order that the bot says it has posted, taken in at once."""
    row: dict[str, Any] = {
        "strategy": strategy,
        "instrument": instrument,
        "posted_at": time_text(posted_at),
    }
    if order_id is not None:
        row["order_id"] = order_id
    return event(
        "bot.order_posted",
        json.dumps(row | more),
        owner=owner,
        received_at=received_at or posted_at,
        venue=venue,
    )


def claim(fill_id: str, strategy: str | None) -> NewEvent:
    """Return an operator's claim, or its withdrawal."""
    row = {
        "fill_id": fill_id,
        "reason": "seen in the bot's own files",
        "claimed_by": "operator",
        "claimed_at": time_text(at(20)),
    }
    if strategy is not None:
        row["strategy"] = strategy
    return event("ledger.attribution_claimed", json.dumps(row))
