"""`status`: what the book holds, how far the projection is, what needs a look."""

from typing import Any, Final

import duckdb
from rich.console import RenderableType
from rich.table import Table

from domain.errors import CannotDoError
from domain.rules import UNATTRIBUTED
from replay import meta, query
from tools import lights, outcome, render, staleness, strategies
from tools.book import Book, now
from tools.outcome import Outcome, counted
from tools.staleness import Stale

_KINDS: Final = """
    SELECT kind, sum(events)::BIGINT AS events, max(last_position) AS last_position,
        count(*) FILTER (status <> 'known') AS drifted
    FROM drift GROUP BY kind ORDER BY kind
"""
_FIGURES: Final = """
    SELECT
        (SELECT count(*) FROM fill) AS fills,
        (SELECT count(*) FROM settlement) AS settlements,
        (SELECT count(*) FROM position) AS open_positions,
        (SELECT count(*) FROM fill WHERE fee_state = 'pending') AS fees_pending,
        (
            SELECT coalesce(sum(fills), 0)::BIGINT FROM strategy_status
            WHERE strategy = 'unattributed'
        ) AS unattributed_fills,
        (SELECT count(*) FROM unreadable) AS unreadable,
        (SELECT count(*) FROM drift WHERE status <> 'known') AS drifted_shapes,
        (SELECT count(*) FROM canary WHERE rule <> 'opening_missing') AS canaries,
        (SELECT count(*) FROM opening) AS openings_missing,
        (SELECT count(*) FROM settlement WHERE revenue_state = 'missing') AS missing_revenue,
        (SELECT count(*) FROM settlement WHERE revenue_state = 'differs') AS differing_revenue,
        (
            SELECT count(*) FROM settlement
            WHERE fills_state <> 'complete' AND yes_quantity + no_quantity > 0
        ) AS settlements_without_all_fills,
        (SELECT count(*) FROM restatement WHERE change = 'changed') AS changed_facts,
        (SELECT count(*) FROM restatement WHERE change = 'completed') AS completed_facts,
        (SELECT count(*) FROM cash_comparison WHERE state = 'differs') AS differing_cash,
        (SELECT count(*) FROM position_comparison WHERE state = 'differs') AS differing_positions,
        (SELECT count(*) FROM realized_comparison WHERE state = 'differs') AS differing_realized,
        (SELECT count(*) FROM lot_match WHERE fee_state = 'pending') AS lots_fee_pending,
        (SELECT count(*) FROM lot_match WHERE basis_state = 'missing') AS lots_basis_missing
"""
# amounts of two currencies are never added
_REALIZED: Final = """
    SELECT currency, coalesce(sum(realized_gross), 0) AS realized_gross,
        coalesce(sum(realized_net), 0) AS realized_net
    FROM lot_match GROUP BY currency ORDER BY currency
"""
_ALARMS: Final = (
    "unreadable",
    "drifted_shapes",
    "canaries",
    "settlements_without_all_fills",
    "changed_facts",
    "differing_cash",
    "differing_positions",
    "differing_realized",
)
_ONE: Final = {
    "drifted shapes": "drifted shape",
    "canaries": "canary",
    "settlements without all fills": "settlement without all fills",
    "changed facts": "changed fact",
    "differing positions": "differing position",
}


def status(book: Book) -> Outcome:
    """Describe the book. Exit code 1 if something needs a look."""
    with book.open_log() as log:
        connection = _projection(book)
        current = None if connection is None else meta.read(connection)
        head = log.head()
        stale = staleness.of(book, log, current)
    data = _about(book, head, current, stale)
    if connection is None or current is None:
        why = ": ".join(filter(None, (stale.because, stale.cure))) if stale else ""
        verdict = f"{counted(head, 'event')}, {why}"
        return Outcome(verdict, data, (), outcome.FOUND if head else outcome.GOOD)
    with connection:
        kinds = query.run(connection, _KINDS)
        figures = _row(connection)
        realized = render.as_rows(query.run(connection, _REALIZED))
        streams = lights.of_streams(connection, now())
        found = strategies.of_book(connection)
    data |= {"kinds": render.as_rows(kinds), "streams": streams, "strategies": found}
    data |= {**figures, "realized": realized}
    alarms = lights.needing_a_look(streams) + strategies.needing_a_look(found)
    alarms += [_counted(figures[name], name) for name in _ALARMS if figures[name]]
    if stale:
        alarms.insert(0, f"projection is stale: {stale.told()}")
    verdict = f"{counted(head, 'event')}, projection at {current.watermark:,}"
    verdict += (
        f"; {'; '.join(alarms)}; see `brokertruth drift`, `unreadable`, `query @streams`"
        if alarms
        else ", nothing needs a look"
    )
    shown = figures | {
        f"{name} {one['currency']}": one[name]
        for one in realized
        for name in ("realized_gross", "realized_net")
    }
    body: list[RenderableType] = [render.as_table(kinds, closing=False), _figures(shown)]
    if any(one["strategy"] != UNATTRIBUTED for one in found):
        body.insert(0, strategies.as_table(found))
    if streams:
        body.insert(0, lights.as_table(streams))
    return Outcome(verdict, data, body, outcome.FOUND if alarms else outcome.GOOD)


def _about(book: Book, head: int, current: meta.Meta | None, stale: Stale | None) -> dict[str, Any]:
    return {
        "book": str(book.folder),
        "account": book.configuration.account,
        "mode": book.configuration.mode,
        "events": head,
        "watermark": current.watermark if current else None,
        "lag_events": head - current.watermark if current else None,
        "stale_because": stale.because if stale else None,
        "fingerprint": current.fingerprint if current else None,
        "content_fingerprint": current.content_fingerprint if current else None,
        "rules_version": current.rules_version if current else None,
    }


def _counted(number: int, figure: str) -> str:
    words = figure.replace("_", " ")
    return f"{number} {_ONE.get(words, words) if number == 1 else words}"


def _projection(book: Book) -> duckdb.DuckDBPyConnection | None:
    try:
        return book.open_projection()
    except CannotDoError:
        return None


def _row(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    return render.as_rows(query.run(connection, _FIGURES))[0]


def _figures(figures: dict[str, Any]) -> Table:
    table = Table(box=None, show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), str(value))
    return table
