"""The hand-written database: what trading bots have, habits and all. Never use it.

Nothing here is a caricature: each habit is common, each reads well, each gives right numbers for
a while, and each has cost somebody their numbers when the API moved on.

    .get(key, default)      a field that is gone becomes 0 or "": 12 fills of a strategy were booked
                            as manual when client_order_id vanished; elsewhere filled counts were 0
    int(count)              the API replaced the integer by a decimal string, `count_fp`
    costs were patched      when costs became 0 somebody taught settlements to read dollars, and
                            forgot the fills
    revenue - cost          `revenue` is net and `cost` is gross: 13 hedges that had been redeemed
                            at 1.00 each were booked at a loss of about 0.90 each
    revenue is believed     should the API say 0 for a net winner, it is booked as a total loss
    fees are added up       from fills and from settlements, which state the same fees again
    last write wins         an old fill that is downloaded again in a newer shape, without
                            client_order_id, loses its strategy and its size
    float                   money that is not quite what it was
"""

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

PREFIXES: Final = {
    "mm_xb_exit_": "cross_bracket_exit",
    "mm_xb_": "cross_bracket",
    "mm_dir_": "directional",
}

_SCHEMA: Final = """
    CREATE TABLE fills (
        fill_id TEXT PRIMARY KEY, ticker TEXT, created TEXT, strategy TEXT, side TEXT,
        count INTEGER, price_cents INTEGER, fee REAL
    );
    CREATE TABLE settlements (ticker TEXT PRIMARY KEY, pnl REAL, fee REAL);
"""


class HandWritten:
    """A database that a program writes its conclusions into."""

    def __init__(self) -> None:
        """Start empty."""
        self.db = sqlite3.connect(":memory:")
        self.db.executescript(_SCHEMA)

    def take_page(self, page: Mapping[str, Any]) -> None:
        """Store what one answer of the API lists."""
        for fill in page.get("fills", []):
            self._record_fill(fill)
        for settlement in page.get("settlements", []):
            self._record_settlement(settlement)

    def _record_fill(self, fill: Mapping[str, Any]) -> None:
        yes_price = fill.get("yes_price", 0)
        row = (
            fill.get("fill_id", fill.get("trade_id")),
            fill.get("ticker", ""),
            fill.get("created_time", ""),
            strategy_of(fill.get("client_order_id", "")),
            fill.get("side", ""),
            int(fill.get("count", 0)),
            yes_price if fill.get("side") == "yes" else 100 - yes_price,
            float(fill.get("fee_cost", 0)),
        )
        self.db.execute("INSERT OR REPLACE INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def _record_settlement(self, settlement: Mapping[str, Any]) -> None:
        if "yes_total_cost_dollars" in settlement:  # the API dropped the cents, costs were 0
            cost = float(settlement["yes_total_cost_dollars"])
            cost += float(settlement["no_total_cost_dollars"])
        else:
            cost = (settlement.get("yes_total_cost", 0) + settlement.get("no_total_cost", 0)) / 100
        fee = float(settlement.get("fee_cost", 0))
        pnl = settlement.get("revenue", 0) / 100 - cost - fee
        row = (settlement.get("ticker", ""), pnl, fee)
        self.db.execute("INSERT OR REPLACE INTO settlements VALUES (?, ?, ?)", row)

    def figure(self, sql: str, *parameters: object) -> float:
        """Return one number."""
        (number,) = self.db.execute(sql, parameters).fetchone()
        return number or 0

    def pnl_of(self, ticker: str) -> float:
        """Return the P&L of a settled market."""
        return self.figure("SELECT pnl FROM settlements WHERE ticker = ?", ticker)

    def pnl_by_strategy(self) -> dict[str, float]:
        """Return the P&L of the settled markets by the strategy of their first fill."""
        found = self.db.execute(
            "SELECT strategy, sum(pnl) FROM settlements"
            " JOIN (SELECT ticker, strategy, min(created) FROM fills GROUP BY ticker)"
            " USING (ticker) GROUP BY strategy"
        )
        return dict(found.fetchall())


def strategy_of(client_order_id: str) -> str:
    """Return the strategy that the order's name begins with."""
    for prefix, strategy in PREFIXES.items():
        if client_order_id.startswith(prefix):
            return strategy
    return "manual"
