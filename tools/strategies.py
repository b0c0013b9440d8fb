"""Strategies in `status`: whether their decisions, orders and fills go together.

A strategy needs a look where it has posted something and its fills are not known to flow. One that
has posted nothing is shown as unknown: nothing is known to be wrong with it.
"""

from typing import Any, Final

import duckdb
from rich.table import Table
from rich.text import Text

from replay import query
from tools import render

_STRATEGIES: Final = """
    SELECT venue, account, mode, strategy, state, decisions, posted_decisions, posted_orders, fills,
        posted_since_fill, last_decision_at, last_fill_at, known_until, currency, realized_net
    FROM strategy_status ORDER BY venue, account, mode, strategy
"""
_STYLES: Final = {
    "flowing": "green",
    "unknown": "yellow",
    "no_fills": "yellow",
    "fills_stopped": "red",
}

Row = dict[str, Any]


def of_book(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return every strategy of every account, fills that nothing explains among them."""
    return render.as_rows(query.run(connection, _STRATEGIES))


def needing_a_look(strategies: list[Row]) -> list[str]:
    """Return those that post and are not known to be filled."""
    several = _several_accounts(strategies)
    return [
        f"{one['strategy']}{f' of {_account(one)}' if several else ''} {one['state']}"
        for one in strategies
        if one["state"] != "flowing" and one["posted_decisions"] + one["posted_orders"] > 0
    ]


def as_table(strategies: list[Row]) -> Table:
    """Return the strategies as a table of at most 100 columns; what is not known is a dot."""
    several = _several_accounts(strategies)
    table = Table(box=None, header_style="bold")
    if several:
        table.add_column("account", overflow="fold")
    table.add_column("strategy", overflow="fold")
    table.add_column("state", no_wrap=True)
    for name in ("posted", "since fill", "orders", "fills"):
        table.add_column(name, justify="right")
    table.add_column("last fill", no_wrap=True)
    table.add_column("net", justify="right")
    for one in strategies:
        net = one["realized_net"]
        last = one["last_fill_at"]
        table.add_row(
            *([_account(one)] if several else []),
            one["strategy"],
            Text(one["state"], style=_STYLES[one["state"]]),
            f"{one['posted_decisions']:,}",
            f"{one['posted_since_fill']:,}",
            f"{one['posted_orders']:,}",
            f"{one['fills']:,}",
            "·" if last is None else f"{last[:16].replace('T', ' ')}Z",
            "·" if net is None else f"{net} {one['currency']}",
        )
    return table


def _several_accounts(strategies: list[Row]) -> bool:
    return len({_account(one) for one in strategies}) > 1


def _account(strategy: Row) -> str:
    return "/".join(strategy[name] for name in ("venue", "account", "mode"))
