"""From a path to the endpoint that answers it."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from tools.fake_kalshi import markets, portfolio
from tools.fake_kalshi.queries import Query, Refused
from tools.fake_kalshi.scenes import Scene, Told

Endpoint: TypeAlias = Callable[[Scene, Query], Told]

SERIES: Final = "/series/"
PUBLIC: Final[Mapping[str, Endpoint]] = {
    "/exchange/user_data_timestamp": markets.user_data_timestamp,
    "/historical/cutoff": markets.cutoff,
    "/historical/markets": markets.historical_markets,
    "/markets": markets.markets,
}
PRIVATE: Final[Mapping[str, Endpoint]] = {
    "/account/limits": markets.limits,
    "/historical/fills": portfolio.historical_fills,
    "/historical/orders": portfolio.historical_orders,
    "/historical/positions": portfolio.historical_positions,
    "/portfolio/balance": portfolio.balance,
    "/portfolio/deposits": portfolio.deposits,
    "/portfolio/fills": portfolio.fills,
    "/portfolio/orders": portfolio.orders,
    "/portfolio/positions": portfolio.positions,
    "/portfolio/settlements": portfolio.settlements,
    "/portfolio/subaccounts/balances": portfolio.subaccount_balances,
    "/portfolio/withdrawals": portfolio.withdrawals,
}


def is_private(path: str) -> bool:
    """Tell whether a path is answered only to the owner of a key."""
    return path in PRIVATE


def answer(scene: Scene, path: str, query: Query) -> Told:
    """Return what a path tells; raise Refused where it tells nothing."""
    if path.startswith(SERIES):
        return markets.series(scene, path.removeprefix(SERIES))
    endpoint = PUBLIC.get(path) or PRIVATE.get(path)
    if endpoint is None:
        raise Refused(404, "not_found", "not found")
    return endpoint(scene, query)
