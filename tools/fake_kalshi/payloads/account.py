"""Made positions, balances, deposits and withdrawals, in the words of every generation."""

from tools.fake_kalshi.payloads import spelling as say
from tools.fake_kalshi.payloads.spelling import Members, before, cannot_say, since
from tools.fake_kalshi.truths import Balance, Cash, Holding


def position_json(holding: Holding, generation: str) -> str:
    """Return the position as a row of `market_positions`."""
    members: Members = {"ticker": say.string(holding.ticker)}
    amounts = {
        "market_exposure": holding.exposure,
        "realized_pnl": holding.realized_pnl,
        "fees_paid": holding.fees_paid,
        "total_traded": holding.total_traded,
    }
    if before(generation, "3a"):
        exact = before(generation, "1")
        for name, amount in amounts.items():
            members[name] = (
                say.integer(100 * amount, generation, f"{name} in cents of")
                if exact
                else say.floored_cents(amount)
            )
        members["position"] = (
            say.integer(holding.quantity, generation, "a position of")
            if before(generation, "2-early")
            else say.cut(holding.quantity)
        )
    if since(generation, "1"):
        members |= {f"{key}_dollars": say.money(amounts[key], generation) for key in amounts}
        members["last_updated_ts"] = say.moment(holding.updated_at)
    if since(generation, "2-early"):
        members["position_fp"] = say.count(holding.quantity)
    if before(generation, "4"):
        members["resting_orders_count"] = str(holding.resting_orders)
    if since(generation, "5"):
        members["exchange_index"] = str(holding.exchange_index)
    return say.render(members)


def balance_json(balance: Balance, generation: str) -> str:
    """Return the answer of `GET /portfolio/balance`; cents are floored beside exact dollars."""
    members: Members = {}
    if before(generation, "4"):
        members["balance"] = say.integer(100 * balance.cash, generation, "a balance in cents of")
    else:
        members["balance"] = say.floored_cents(balance.cash)
        members["balance_dollars"] = say.places(balance.cash, 4, 6)
        members["balance_breakdown"] = _shards(balance)
    if since(generation, "1"):
        members["portfolio_value"] = say.floored_cents(balance.portfolio_value)
        members["updated_ts"] = say.unix(balance.at)
    return say.render(members)


def _shards(balance: Balance) -> str | None:
    if not balance.shards:
        return None
    rows = (
        say.render({"exchange_index": str(index), "balance": say.places(cash, 4, 6)})
        for index, cash in balance.shards
    )
    return f"[{','.join(rows)}]"


def deposit_json(cash: Cash, generation: str = "5") -> str:
    """Return the row of `deposits`; the endpoint exists since generation 4 only."""
    return _movement(cash, generation)


def withdrawal_json(cash: Cash, generation: str = "5") -> str:
    """Return the row of `withdrawals`; the endpoint exists since generation 4 only."""
    return _movement(cash, generation)


def _movement(cash: Cash, generation: str) -> str:
    if before(generation, "4"):
        raise cannot_say(generation, "deposits and withdrawals")
    return say.render(
        {
            "id": say.string(cash.movement_id),
            "status": say.string(cash.status),
            "type": say.string(cash.method),
            "amount_cents": str(cash.amount_cents),
            "fee_cents": str(cash.fee_cents),
            "created_ts": say.unix(cash.created_at),
            "finalized_ts": None if cash.finalized_at is None else say.unix(cash.finalized_at),
        }
    )
