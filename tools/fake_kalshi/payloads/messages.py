"""Made messages of the WebSocket, as the fill channel sends them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tools.fake_kalshi.payloads import spelling as say
from tools.fake_kalshi.payloads.spelling import Members, before, cannot_say, since
from tools.fake_kalshi.truths import Execution


def fill_message_json(
    execution: Execution,
    generation: str,
    *,
    sid: int,
    sent_at: datetime,
    post_position: Decimal,
) -> str:
    """Return a whole fill message.

    `side` and `action` follow the order, unlike those of the REST fill: selling NO acquires YES.
    `post_position` is the signed number of YES contracts after the fill.
    """
    if before(generation, "4"):
        raise cannot_say(generation, "a fill message")
    acquired = say.string(execution.acquired)
    named = execution.client_order_id
    members: Members = {
        "trade_id": say.string(execution.fill_id),
        "order_id": say.string(execution.order_id),
        "client_order_id": say.string(named) if named else None,
        "market_ticker": say.string(execution.ticker),
        "is_taker": say.boolean(execution.taker),
        "side": say.string(order_side(execution)),
        "action": say.string(execution.action),
        "yes_price_dollars": say.price(execution.yes_price),
        "count_fp": say.count(execution.quantity),
        "fee_cost": say.money(execution.fee, generation),
        "outcome_side": acquired,
        "book_side": say.string("bid" if execution.acquired == "yes" else "ask"),
        "purchased_side": acquired,
        "ts": say.unix(execution.at),
        "ts_ms": unix_milliseconds(execution.at),
        "post_position_fp": say.count(post_position),
        "subaccount": str(execution.subaccount),
    }
    if since(generation, "5"):
        members["exchange_index"] = str(execution.exchange_index)
    return message_json("fill", say.render(members), sid=sid, sent_at=sent_at)


def order_side(execution: Execution) -> str:
    """Return the side that the order named: selling one side acquires the other."""
    if execution.action == "buy":
        return execution.acquired
    return "no" if execution.acquired == "yes" else "yes"


def message_json(kind: str, msg: str, *, sid: int | None, sent_at: datetime) -> str:
    """Return an envelope around a message."""
    return say.render(
        {
            "type": say.string(kind),
            "sid": None if sid is None else str(sid),
            "sending_ts_ms": unix_milliseconds(sent_at),
            "msg": msg,
        }
    )


def reply_json(
    kind: str, msg: str | None, *, command: int | None, sent_at: datetime, sid: int | None = None
) -> str:
    """Return the answer to a command, which it names by its id."""
    return say.render(
        {
            "id": None if command is None else str(command),
            "sid": None if sid is None else str(sid),
            "type": say.string(kind),
            "sending_ts_ms": unix_milliseconds(sent_at),
            "msg": msg,
        }
    )


def unix_milliseconds(at: datetime) -> str:
    """Spell a time as whole milliseconds since 1970."""
    return str((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1))
