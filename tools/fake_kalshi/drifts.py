"""Drifts: an API that says the same in other words, or something else in the same words.

A drift works on rendered JSON. It knows the keys of the newest generation; rows that lack them are
left as they are.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final, TypeAlias

from tools.fake_kalshi.scenes import Told
from tools.fake_kalshi.seen import Seen
from tools.fake_kalshi.views import View

Object: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[Object, View], Object]

FILLS: Final = ("/portfolio/fills", "/historical/fills")
SETTLEMENTS: Final = ("/portfolio/settlements",)
BALANCE: Final = ("/portfolio/balance",)
SUBACCOUNTS: Final = ("/portfolio/subaccounts/balances",)
MARKETS: Final = ("/markets", "/historical/markets")


@dataclass(frozen=True, slots=True)
class Drift:
    """A named change of rows, of whole pages or of both, on some paths.

    `generation` is the newest one that it is a change for.
    """

    name: str
    paths: tuple[str, ...]
    row: Change | None = None
    whole: Change | None = None
    generation: str = "5"


@dataclass(slots=True)
class Drifting:
    """A drift that was switched on, from a request on and after so many rows."""

    drift: Drift
    paths: frozenset[str]
    from_request: int
    from_row: int
    served: int = field(default=0)

    def concerns(self, seen: Seen) -> bool:
        """Tell whether the answer to a request drifts."""
        return seen.path in self.paths and seen.number >= self.from_request

    def rows(self, told: Told, view: View) -> Told:
        """Return the answer with its rows changed."""
        change, start = self.drift.row, self.served
        self.served += len(told.rows)
        if change is None:
            return told
        rows = [
            _changed(text, change, view) if number >= self.from_row else text
            for number, text in enumerate(told.rows, start)
        ]
        return replace(told, rows=rows)

    def page(self, text: str, view: View) -> str:
        """Return the body with the page changed, once the rows before it are served."""
        begun = self.served > self.from_row or not self.from_row
        if self.drift.whole is None or not begun:
            return text
        return _changed(text, self.drift.whole, view)


def _changed(text: str, change: Change, view: View) -> str:
    return json.dumps(change(json.loads(text), view), separators=(",", ":"), ensure_ascii=False)


# --- ways to change ------------------------------------------------------------------------------


def renamed(key: str, new: str) -> Change:
    """Say a key by another name."""
    return lambda row, _: {new if name == key else name: value for name, value in row.items()}


def omitted(*keys: str) -> Change:
    """Say nothing of some keys."""
    return lambda row, _: {name: value for name, value in row.items() if name not in keys}


def turned(key: str, into: Callable[[Any], Any]) -> Change:
    """Say another value under the same key."""
    return lambda row, _: row | {key: into(row[key])} if key in row else row


def with_extra(key: str, value: object) -> Change:
    """Say one thing more."""
    return lambda row, _: row | {key: value}


def _as_number(text: Any) -> Any:  # noqa: ANN401 - any value of JSON
    """Turn "13.00" into a JSON number, as an API does that changes its mind."""
    return float(text) if isinstance(text, str) else text


def _dollars(text: str, factor: int) -> str:
    return f"{Decimal(text) * factor:.4f}"


def _false_revenue(row: Object, view: View) -> Object:
    """Tell a revenue of 0 where the net contracts won."""
    del view
    return row | {"revenue": 0} if row.get("revenue") else row


def _no_fee(row: Object, view: View) -> Object:
    del view
    return row | {"fee_cost": "0.000000"} if Decimal(row.get("fee_cost", "0")) else row


def _odd_prices(row: Object, view: View) -> Object:
    """Tell a price of NO that does not complete the price of YES to one dollar."""
    del view
    if "no_price_dollars" not in row:
        return row
    price = Decimal(row["no_price_dollars"])
    return row | {"no_price_dollars": f"{price + Decimal('0.0100'):f}"}


def _turned_book_side(row: Object, view: View) -> Object:
    del view
    other = {"bid": "ask", "ask": "bid"}
    return row | {"book_side": other[row["book_side"]]} if "book_side" in row else row


def _shifted_balance(row: Object, view: View) -> Object:
    """Tell 12.34 dollars more than anything accounts for."""
    del view
    changed = row | {"balance": row["balance"] + 1234}
    if "balance_dollars" in row:
        changed["balance_dollars"] = f"{Decimal(row['balance_dollars']) + Decimal('12.34'):f}"
    return changed


def _value_of_shard_0(row: Object, view: View) -> Object:
    """Tell the value of one shard under the name of the whole, as in August 2026."""
    value = view.value(0, 0)
    return row | {"portfolio_value": int(100 * value)}


def _other_units(row: Object, view: View) -> Object:
    """Tell centi-cents in the string that held dollars."""
    del view
    if not isinstance(row["balance"], str):
        return row
    return row | {"balance": _dollars(row["balance"], 10_000)}


DRIFTS: Final = (
    Drift("fill key renamed", FILLS, renamed("count_fp", "quantity_fp")),
    Drift("fill key omitted", FILLS, omitted("yes_price_dollars")),
    Drift("fill key null", FILLS, turned("fee_cost", lambda _: None)),
    Drift("fill number instead of string", FILLS, turned("count_fp", _as_number)),
    Drift("fill string instead of number", FILLS, turned("subaccount_number", str)),
    Drift("fill with an extra key", FILLS, with_extra("made_extra", "new")),
    Drift("page with an extra key", FILLS, whole=with_extra("made_extra", {"new": True})),
    Drift("fill without side and action", FILLS, omitted("side", "action")),
    Drift("fill without exchange_index", FILLS, omitted("exchange_index")),
    Drift("fill with exchange_index", FILLS, with_extra("exchange_index", 0), generation="4"),
    Drift("fill without subaccount_number", FILLS, omitted("subaccount_number")),
    Drift("fill with subaccount_number", FILLS, with_extra("subaccount_number", 0), generation="1"),
    Drift("container renamed", FILLS, whole=renamed("fills", "user_fills")),
    Drift("cursor renamed", FILLS, whole=renamed("cursor", "next_cursor")),
    Drift("fee of 0 where the series charges", FILLS, _no_fee),
    Drift("prices that are not 1 together", FILLS, _odd_prices),
    Drift("book_side against outcome_side", FILLS, _turned_book_side),
    Drift("settlement key renamed", SETTLEMENTS, renamed("revenue", "revenue_cents")),
    Drift("settlement key omitted", SETTLEMENTS, omitted("market_result")),
    Drift("revenue of 0 for a net winner", SETTLEMENTS, _false_revenue),
    Drift("settlement without a result", SETTLEMENTS, turned("market_result", lambda _: "")),
    Drift("market without a result", MARKETS, turned("result", lambda _: "")),
    Drift("balance shifted", BALANCE, _shifted_balance),
    Drift("portfolio_value of shard 0 only", BALANCE, _value_of_shard_0),
    Drift("subaccount balance in other units", SUBACCOUNTS, _other_units),
)


def slug(drift: Drift) -> str:
    """Return the name of a drift as it is typed: fill-key-renamed."""
    return drift.name.lower().replace("_", "-").replace(" ", "-")


BY_SLUG: Final[Mapping[str, Drift]] = {slug(drift): drift for drift in DRIFTS}
