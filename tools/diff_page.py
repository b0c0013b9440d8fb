"""A difference between two projections as a page for a browser, with charts of the money."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Final

from markupsafe import Markup

from replay.diff import Difference
from replay.diff.lines import Line
from replay.explain.nodes import exact_sum
from tools.pages import chart_bars, chart_lines, page

_BARS: Final = 24


def as_page(found: Difference, names: tuple[str, str], verdict: str) -> str:
    """Return the page; it needs nothing but itself."""
    return page(
        "diff.html",
        found=found,
        money=found.money,
        names=names,
        verdict=verdict,
        charts=tuple(_charts(found, names)),
        days=[line for line in found.money.days if line.moved],
        kinds=[
            (title, list(getattr(found.money, title)), dict(found.money.moved).get(title, 0))
            for title in ("families", "cells", "trades")
        ],
        sums=[
            ("Cash by cause", [one for one in found.money.cash if one.moved]),
            ("Cost of open lots", [one for one in found.money.open_cost if one.moved]),
        ],
    )


def _charts(found: Difference, names: tuple[str, str]) -> Iterator[tuple[str, Markup]]:
    """Yield two charts for each account and currency that moved, with their titles."""
    for total in found.money.totals:
        whose = f"{total.account} in {total.currency}"
        own = [line for line in found.money.strategies if _same(line, total) and line.moved]
        if own:
            own.sort(key=lambda line: (-abs(line.moved.net), line.names))
            bars = [(line.names[0][1], line.moved.net) for line in own[:_BARS]]
            title = f"Net moved by strategy, {whose}"
            yield title, chart_bars(title, bars, unit=total.currency)
        days = [line for line in found.money.days if _same(line, total)]
        if any(line.moved for line in days):
            lines = [
                (names[0], _running(line.before.net for line in days)),
                (names[1], _running(line.after.net for line in days)),
                ("difference", _running(line.moved.net for line in days)),
            ]
            title = f"Net realized so far by day, {whose}"
            dates = [date.fromisoformat(line.names[0][1]) for line in days]
            yield title, chart_lines(title, dates, lines, unit=total.currency)


def _same(line: Line, total: Line) -> bool:
    return (line.account, line.currency) == (total.account, total.currency)


def _running(values: Iterable[Decimal]) -> list[Decimal]:
    sums: list[Decimal] = []
    for value in values:
        sums.append(exact_sum((*sums[-1:], value)))
    return sums
