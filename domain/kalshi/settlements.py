"""Settlements: what `GET /portfolio/settlements` has returned, generation by generation.

Counts and costs are gross over the life of the position, `revenue` is net, always integer cents:
with both sides held, `revenue` 0 is netting and not a missing value. `fee_cost` is the sum of the
fees of the market's fills. Settlements did not change between generations 3b and 4.
"""

from collections.abc import Mapping
from typing import Final

from domain.shapes import Reader

KIND: Final = "kalshi.settlement"

_COMMON: Final[Mapping[str, str]] = {
    "ticker": "string",
    "market_result": "string",
    "revenue": "integer",
    "settled_time": "string",
}
_COUNTS: Final[Mapping[str, str]] = {"yes_count": "integer", "no_count": "integer"}
_COSTS: Final[Mapping[str, str]] = {"yes_total_cost": "integer", "no_total_cost": "integer"}
_POINT: Final[Mapping[str, str]] = {"yes_count_fp": "string", "no_count_fp": "string"}
_DOLLARS: Final[Mapping[str, str]] = {
    "yes_total_cost_dollars": "string",
    "no_total_cost_dollars": "string",
}
_FEE: Final[Mapping[str, str]] = {"fee_cost": "string"}
_LATER: Final[Mapping[str, str]] = {"value": "integer", "event_ticker": "string"}

READERS: Final = (
    Reader(
        kind=KIND,
        name="0",
        spoken="2022 to 12 Nov 2025",
        required={**_COMMON, **_COUNTS, **_COSTS},
        optional={"value": "integer"},
        absent=frozenset({"fee_cost", "event_ticker", "yes_count_fp", "yes_total_cost_dollars"}),
    ),
    Reader(
        kind=KIND,
        name="1",
        spoken="13 Nov 2025 to mid Jan 2026",
        required={**_COMMON, **_COUNTS, **_COSTS, **_FEE},
        optional=_LATER,
        absent=frozenset({"yes_count_fp", "yes_total_cost_dollars"}),
    ),
    Reader(
        kind=KIND,
        name="2",
        spoken="mid Jan to 9 Mar 2026",
        required={**_COMMON, **_COSTS, **_FEE, **_POINT},
        optional=_LATER,
        ignored=_COUNTS,
        absent=frozenset({"yes_total_cost_dollars"}),
    ),
    Reader(
        kind=KIND,
        name="3a",
        spoken="10 Mar to 1 Apr 2026",
        required={**_COMMON, **_FEE, **_POINT, **_DOLLARS, "yes_total_cost": "integer"},
        optional=_LATER,
        ignored={**_COUNTS, "no_total_cost": "integer"},
        absent=frozenset({"exchange_index"}),
    ),
    Reader(
        kind=KIND,
        name="3b",
        spoken="2 Apr to 19 Aug 2026",
        required={**_COMMON, **_FEE, **_POINT, **_DOLLARS},
        optional=_LATER,
        absent=frozenset({"yes_total_cost", "exchange_index"}),
    ),
    Reader(
        kind=KIND,
        name="5",
        spoken="from 20 Aug 2026",
        required={**_COMMON, **_FEE, **_POINT, **_DOLLARS, "exchange_index": "integer"},
        optional=_LATER,
        absent=frozenset({"yes_total_cost"}),
    ),
)
