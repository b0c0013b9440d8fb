"""Made orders, in the words of every generation. Side and action follow the order's matrix."""

from typing import Final

from tools.fake_kalshi.payloads import spelling as say
from tools.fake_kalshi.payloads.spelling import Members, before, cannot_say, since
from tools.fake_kalshi.truths import ZERO, Order

USER_ID: Final = "00000000-0000-4000-8000-000000000001"


def order_json(order: Order, generation: str) -> str:
    """Return the order as `GET /portfolio/orders` told it."""
    members: Members = {
        "action": say.string(order.action),
        "client_order_id": say.string(order.client_order_id),
        "created_time": say.moment(order.created_at),
        "last_update_time": say.moment(order.updated_at),
        "order_id": say.string(order.order_id),
        "side": say.string(order.side),
        "status": say.string(order.status),
        "ticker": say.string(order.ticker),
        "type": say.string(order.order_type),
        "user_id": say.string(USER_ID),
    }
    if before(generation, "4"):
        members["expiration_time"] = "null"
    if since(generation, "1") and before(generation, "4"):
        members["order_group_id"] = "null"
    if since(generation, "2"):
        members["subaccount_number"] = str(order.subaccount)
    elif order.subaccount:
        raise cannot_say(generation, f"subaccount {order.subaccount}")
    members |= _integers(order, generation)
    if since(generation, "1"):
        members |= _strings(order, generation)
    if since(generation, "4"):
        members["outcome_side"] = say.string(order.acquires)
        members["book_side"] = say.string("bid" if order.acquires == "yes" else "ask")
        members["self_trade_prevention_type"] = say.string("taker_at_cross")
    if since(generation, "5"):
        members["exchange_index"] = str(order.exchange_index)
    return say.render(members)


def _integers(order: Order, generation: str) -> Members:
    if before(generation, "4"):
        say.integer(100 * order.yes_price, generation, "a price in cents of")
    if since(generation, "3a"):
        return {}
    counts = {"initial": order.initial, "filled": order.filled, "remaining": order.remaining}
    exact = before(generation, "2-early")
    spelled = {
        name: say.integer(value, generation, "a quantity of") if exact else say.cut(value)
        for name, value in counts.items()
    }
    members: Members = {
        "yes_price": say.floored_cents(order.yes_price),
        "no_price": say.floored_cents(1 - order.yes_price),
        "remaining_count": spelled["remaining"],
        "queue_position": "0",
        "taker_fees": say.floored_cents(order.fees if order.taker else ZERO),
        "taker_fill_cost": say.floored_cents(order.fill_cost if order.taker else ZERO),
    }
    if before(generation, "1"):
        gone = order.initial - order.filled - order.remaining
        return members | {
            "place_count": spelled["initial"],
            "taker_fill_count": spelled["filled"] if order.taker else "0",
            "maker_fill_count": "0" if order.taker else spelled["filled"],
            "decrease_count": say.integer(gone, generation, "a quantity of"),
            "fcc_cancel_count": "0",
            "close_cancel_count": "0",
        }
    return members | {
        "initial_count": spelled["initial"],
        "fill_count": spelled["filled"],
        "maker_fees": say.floored_cents(ZERO if order.taker else order.fees),
        "maker_fill_cost": say.floored_cents(ZERO if order.taker else order.fill_cost),
    }


def _strings(order: Order, generation: str) -> Members:
    parts = {
        "taker": (order.fees, order.fill_cost) if order.taker else (ZERO, ZERO),
        "maker": (ZERO, ZERO) if order.taker else (order.fees, order.fill_cost),
    }
    members: Members = {
        "yes_price_dollars": say.price(order.yes_price),
        "no_price_dollars": say.price(1 - order.yes_price),
    }
    for who, (fees, cost) in parts.items():
        members[f"{who}_fill_cost_dollars"] = say.money(cost, generation)
        # The integer generations left a zero fee out.
        said = since(generation, "3a") or fees
        members[f"{who}_fees_dollars"] = say.money(fees, generation) if said else None
    if since(generation, "2-early"):
        members["initial_count_fp"] = say.count(order.initial)
        members["fill_count_fp"] = say.count(order.filled)
        members["remaining_count_fp"] = say.count(order.remaining)
    return members
