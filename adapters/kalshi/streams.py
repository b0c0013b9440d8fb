"""The streams of an account: what is asked for, where, and how it is known to be whole.

timed       asked from a moment on (`min_ts`); the others are read whole every time
archive     where rows go that the live data set gives up; None: they are gone for good
cutoff      the name, at /historical/cutoff, of the moment before which rows are archived
cursor_promised  whether the specification promises a cursor on every page, the last included
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.kalshi import account, fills, markets, messages, orders, series, settlements

BROKER: Final = "kalshi"
ADAPTER: Final = "kalshi/1"


@dataclass(frozen=True, slots=True)
class Stream:
    """One list of rows of the API."""

    name: str
    kind: str
    path: str
    container: str
    limit: int = 1000
    timed: bool = True
    archive: str | None = None
    cutoffs: tuple[str, ...] = ()
    cursor_promised: bool = False


FILLS: Final = Stream(
    name="fills",
    kind=fills.KIND,
    path="/portfolio/fills",
    container="fills",
    archive="/historical/fills",
    cutoffs=("trades_created_ts",),
    cursor_promised=True,
)
ORDERS: Final = Stream(
    name="orders",
    kind=orders.KIND,
    path="/portfolio/orders",
    container="orders",
    archive="/historical/orders",
    cutoffs=("orders_updated_ts",),
    cursor_promised=True,
)
SETTLEMENTS: Final = Stream(
    name="settlements",
    kind=settlements.KIND,
    path="/portfolio/settlements",
    container="settlements",
    # settlements go with their markets or with their positions: Kalshi does not say with which
    cutoffs=("market_settled_ts", "market_positions_last_updated_ts"),
)
DEPOSITS: Final = Stream(
    name="deposits",
    kind=account.DEPOSIT,
    path="/portfolio/deposits",
    container="deposits",
    limit=500,
    timed=False,
)
WITHDRAWALS: Final = Stream(
    name="withdrawals",
    kind=account.WITHDRAWAL,
    path="/portfolio/withdrawals",
    container="withdrawals",
    limit=500,
    timed=False,
)
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "balance": (account.BALANCE,),
    "deposits": (account.DEPOSIT,),
    "fills": (fills.KIND, messages.FILL_MESSAGE),
    "markets": (markets.KIND,),
    "orders": (orders.KIND,),
    "positions": (account.POSITION, account.EVENT_POSITION),
    "series": (series.KIND,),
    "settlements": (settlements.KIND,),
    "subaccount_balances": (account.SUBACCOUNT_BALANCE,),
    "withdrawals": (account.WITHDRAWAL,),
}
"""What comes on each stream."""

LISTS: Final = (SETTLEMENTS, FILLS, ORDERS, DEPOSITS, WITHDRAWALS)
"""In the order in which they are asked for: what may be gone tomorrow comes first."""
