"""What the public endpoints tell: markets, series, the archive's cutoff, how stale data are."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from tools.fake_kalshi.payloads import market_json
from tools.fake_kalshi.payloads.venue import (
    cutoff_json,
    limits_json,
    series_json,
    user_data_timestamp_json,
)
from tools.fake_kalshi.queries import Query, Refused, moment_of, names_of, one_of
from tools.fake_kalshi.scenes import Scene, Told, dated, paged
from tools.fake_kalshi.series import series_of
from tools.fake_kalshi.truths import Listing

# Tokens a second of each tier, for reading and for writing.
TOKENS: Final = {
    "basic": (200, 100),
    "advanced": (300, 300),
    "expert": (600, 600),
    "premier": (1000, 1000),
    "paragon": (2000, 2000),
    "prime": (4000, 4000),
    "prestige": (10_000, 8_000),
}
# The status that a request asks for, and the one that the rows say.
_STATUSES: Final = {
    "unopened": "initialized",
    "open": "active",
    "paused": "inactive",
    "closed": "closed",
    "settled": "finalized",
}
_TIMES: Final[dict[str, Callable[[Listing], datetime | None]]] = {
    "created": lambda row: row.opens_at,
    "updated": lambda row: row.updated_at,
    "close": lambda row: row.closes_at,
    "settled": lambda row: row.updated_at if row.result is not None else None,
}


def markets(scene: Scene, query: Query, *, archived: bool = False) -> Told:
    """Tell the markets that are open or were settled in the live window, or those before."""
    view = scene.market_view
    tickers, event = names_of(query, "tickers"), query.get("event_ticker") or None
    series = query.get("series_ticker") or None
    wish = None if archived else one_of(query, "status", tuple(_STATUSES))

    bound = view.bound(scene.cutoff)

    def wanted(final: Listing) -> bool:
        old = final.result is not None and final.updated_at < bound
        return (
            old is archived
            and (tickers is None or final.ticker in tickers)
            and event in {None, final.event_ticker}
            and series in {None, series_of(final.ticker)}
        )

    rows = [view.listing(row) for row in view.listings if wanted(row)]
    if wish is not None:
        rows = [row for row in rows if row.status == _STATUSES[wish]]
    if not archived:
        rows = [row for row in rows if _in_time(row, query)]
    return paged(
        scene,
        query,
        "markets",
        rows,
        lambda row: dated(row.opens_at, row.ticker),
        lambda row: market_json(row, scene.generation),
        least=0,
    )


def historical_markets(scene: Scene, query: Query) -> Told:
    """Tell the markets that were settled before the live window."""
    return markets(scene, query, archived=True)


def _in_time(row: Listing, query: Query) -> bool:
    for name, when in _TIMES.items():
        after, until = moment_of(query, f"min_{name}_ts"), moment_of(query, f"max_{name}_ts")
        if after is None and until is None:
            continue
        at = when(row)
        if at is None or (after and at <= after) or (until and at >= until):
            return False
    return True


def series(scene: Scene, ticker: str) -> Told:
    """Tell one series."""
    found = scene.market_view.world.series.get(ticker)
    if found is None:
        raise Refused(404, "not_found", "series not found")
    return Told([f'{{"series":{series_json(found, scene.generation)}}}'])


def cutoff(scene: Scene, query: Query) -> Told:
    """Tell before when rows are archived."""
    del query
    return Told([cutoff_json(scene.cutoff, scene.generation)])


def user_data_timestamp(scene: Scene, query: Query) -> Told:
    """Tell up to when the data of the account are true."""
    del query
    return Told([user_data_timestamp_json(scene.as_of)])


def limits(scene: Scene, query: Query) -> Told:
    """Tell the rate limits of the account's tier."""
    del query
    return Told([limits_json(scene.tier, *TOKENS[scene.tier], scene.generation)])
