"""Exits, quotes and decisions of a bot, as events, in a line each; times as in bot_events."""

import json
from typing import Any

from domain.event import NewEvent
from tests.books import event
from tests.projections.bot_events import moment


def recorded(kind: str, **payload: Any) -> NewEvent:  # noqa: ANN401 - values of JSON
    """Return what the bot recorded; what is None is left out."""
    kept = {name: value for name, value in payload.items() if value is not None}
    return event(kind, json.dumps(kept))


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
