"""The truth as data, to grade a ledger by: its own arithmetic, straight from what happened."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path

from tools.fake_kalshi.payloads.spelling import moment as spelled
from tools.fake_kalshi.truths import Cash, Ending, Execution
from tools.fake_kalshi.world import World

ZERO = Decimal(0)


@dataclass(slots=True)
class Account:
    """One market's account: contracts of either side, oldest lot first, and what they brought."""

    lots: list[tuple[Decimal, Decimal]] = field(default_factory=list)
    held: Decimal = ZERO
    cash: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    revenue: Decimal = ZERO

    def fill(self, row: Execution) -> None:
        """Buy contracts; with those held of the other side they make pairs of one dollar."""
        signed = row.quantity if row.acquired == "yes" else -row.quantity
        price = row.yes_price if row.acquired == "yes" else 1 - row.yes_price
        self.cash -= row.quantity * price + row.fee
        self.fees += row.fee
        left = row.quantity
        if self.held * signed < 0:
            while left and self.lots:
                held, paid = self.lots.pop(0)
                pairs = min(held, left)
                self.cash += pairs
                self.realized += pairs * (1 - paid - price)
                left -= pairs
                if held > pairs:
                    self.lots.insert(0, (held - pairs, paid))
        if left:
            self.lots.append((left, price))
        self.held += signed

    def end(self, row: Ending) -> None:
        """Pay out what is held: whole cents, rounded down."""
        cost = sum((held * paid for held, paid in self.lots), ZERO)
        if row.result == "void":
            dollars = cost
        else:
            cents = {"yes": 100, "no": 0}.get(row.result, row.value_cents or 0)
            each = cents if self.held > 0 else 100 - cents
            dollars = abs(self.held) * each / 100
        self.revenue = (100 * dollars).to_integral_value(ROUND_FLOOR) / 100
        self.cash += self.revenue
        self.realized += self.revenue - cost
        self.held, self.lots = ZERO, []


def truth(world: World, moment: datetime) -> dict[str, object]:
    """Return what a right ledger says at a moment: amounts are dollars, as text."""
    fills = [row for row in world.history.executions if row.at <= moment]
    endings = [row for row in world.history.endings if row.settled_at <= moment]
    fills.sort(key=lambda row: (row.at, row.fill_id))
    accounts: dict[str, Account] = {}
    places: dict[str, tuple[int, int]] = {}
    counts: dict[str, int] = {}
    for row in fills:
        accounts.setdefault(row.ticker, Account()).fill(row)
        places[row.ticker] = (row.subaccount, row.exchange_index)
        counts[row.ticker] = counts.get(row.ticker, 0) + 1
    for ending in endings:
        accounts.setdefault(ending.ticker, Account()).end(ending)
    results = {row.ticker: row.result for row in endings}
    markets = [
        {
            "ticker": ticker,
            "subaccount": places.get(ticker, (0, 0))[0],
            "exchange_index": places.get(ticker, (0, 0))[1],
            "fills": counts.get(ticker, 0),
            "position": _text(account.held),
            "realized_gross": _text(account.realized),
            "fees": _text(account.fees),
            "revenue": _text(account.revenue),
            "result": results.get(ticker),
        }
        for ticker, account in sorted(accounts.items())
    ]
    return {
        "moment": json.loads(spelled(moment)),
        "fills": len(fills),
        "settlements": len(endings),
        "fill_ids": sorted(row.fill_id for row in fills),
        "positions": [
            {key: row[key] for key in ("subaccount", "ticker", "position")}
            for row in markets
            if row["position"] != "0"
        ],
        "markets": markets,
        "realized_gross": _sum(account.realized for account in accounts.values()),
        "fees": _sum(account.fees for account in accounts.values()),
        "cash": _cash(world, moment, accounts, places),
    }


def _cash(
    world: World,
    moment: datetime,
    accounts: dict[str, Account],
    places: dict[str, tuple[int, int]],
) -> dict[str, object]:
    deposited = sum(_applied(world.history.deposits, moment, fee_sign=-1), ZERO)
    withdrawn = sum(_applied(world.history.withdrawals, moment, fee_sign=1), ZERO)
    sums: dict[int, Decimal] = {0: deposited - withdrawn}
    for ticker, account in accounts.items():
        subaccount = places.get(ticker, (0, 0))[0]
        sums[subaccount] = sums.get(subaccount, ZERO) + account.cash
    return {
        "total": _sum(sums.values()),
        "by_subaccount": {str(name): _text(cash) for name, cash in sorted(sums.items())},
        "deposited": _text(deposited),
        "withdrawn": _text(withdrawn),
    }


def _applied(rows: Iterable[Cash], moment: datetime, *, fee_sign: int) -> Iterator[Decimal]:
    for row in rows:
        applied = row.status == "applied" and row.finalized_at is not None
        if applied and row.finalized_at is not None and row.finalized_at <= moment:
            yield Decimal(row.amount_cents + fee_sign * row.fee_cents) / 100


def _sum(amounts: Iterable[Decimal]) -> str:
    return _text(sum(amounts, ZERO))


def _text(amount: Decimal) -> str:
    text = f"{amount:f}"
    short = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if short in {"-0", ""} else short


def write_truth(world: World, moment: datetime, path: Path) -> None:
    """Write the truth at a moment as a JSON file."""
    text = json.dumps(truth(world, moment), indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
