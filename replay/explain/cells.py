"""P&L in `explain`: rows of daily_pnl, by day, strategy or family, down to their lots.

What daily_pnl says is asserted to be what the lots say, cell by cell, whatever a limit shows.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from replay.explain.lots import FIGURES, lot_figures, lot_nodes, ranked, rest_node
from replay.explain.nodes import ZERO, Figures, Node, total
from replay.explain.sources import OWNER, Row, Sources, bound, equal

_BOOK: Final = (*OWNER, "currency")
_OF_FAMILY: Final = (
    "instrument_id IN (SELECT instrument_id FROM instrument WHERE venue = ? AND family = ?)"
)


def day_node(sources: Sources, text: str, rows: Sequence[Row]) -> Node:
    """Explain the P&L of a UTC day from rows of daily_pnl; one cell alone down to the bytes."""
    books = _grouped(rows, _BOOK)
    cells = {book: _grouped(own, ("strategy", "family")) for book, own in books.items()}
    deep = sum(map(len, cells.values())) == 1
    nodes = [_day_of(sources, book, found, deep=deep) for book, found in sorted(cells.items())]
    told = nodes[0].facts if len(nodes) == 1 else ()
    query = rows[0].query
    return Node(f"day {text} (UTC)", "day", told, tuple(nodes), query)


def _day_of(
    sources: Sources,
    book: tuple[object, ...],
    cells: Mapping[tuple[object, ...], Sequence[Row]],
    *,
    deep: bool,
) -> Node:
    parts = [(_published(rows), rows) for _, rows in sorted(cells.items())]
    day = parts[0][1][0]["day"]
    shown, rest = ranked(parts, sources.limit)
    if rest:
        _assert_cells(sources, book, day, cells)
    nodes = [_cell(sources, figures, rows[0], deep=deep) for figures, rows in shown]
    others = f"{equal('day', *_BOOK)} AND (strategy, family) NOT IN (VALUES {_pairs(shown)})"
    nodes += rest_node(rest, "cells", _select(others, [day, *book]))
    whole = total(figures for figures, _ in parts)
    query = _select(equal("day", *_BOOK), [day, *book])
    *owner, currency = book
    title = f"{'/'.join(map(str, owner))} in {currency}"
    return Node(title, "book", whole.facts(), tuple(nodes), query)


def _pairs(shown: Iterable[tuple[Figures, Sequence[Row]]]) -> str:
    pairs = ((rows[0]["strategy"], rows[0]["family"]) for _, rows in shown)
    return ", ".join(bound("(?, ?)", pair) for pair in pairs)


def _select(condition: str, parameters: Sequence[object]) -> str:
    return bound(f"SELECT * FROM daily_pnl WHERE {condition} ORDER BY ALL", parameters)


def _assert_cells(
    sources: Sources,
    book: tuple[object, ...],
    day: date,
    cells: Mapping[tuple[object, ...], Sequence[Row]],
) -> None:
    """Assert that each cell of a day is the sum of its lots."""
    rows = sources.rows(
        f"SELECT strategy, family, {FIGURES}"
        " FROM lot_match INNER JOIN instrument USING (venue, instrument_id)"
        f" WHERE closed_at >= ? AND closed_at < ? AND {equal(*_BOOK)} GROUP BY strategy, family",
        [*_bounds(day), *book],
    )
    lots = {(row.pop("strategy"), row.pop("family")): Figures(**row) for row in rows}
    for name, published in cells.items():
        said, found = _published(published), lots.get((str(name[0]), str(name[1])))
        assert said == found, f"daily_pnl says {said} of {name}, its lots {found}"


def _bounds(day: date) -> tuple[datetime, datetime]:
    """Return when a UTC day begins and ends."""
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return begins, begins + timedelta(days=1)


def _cell(sources: Sources, published: Figures, row: Row, *, deep: bool) -> Node:
    """Explain one strategy and family of a day."""
    condition = f"closed_at >= ? AND closed_at < ? AND {equal(*_BOOK, 'strategy')} AND {_OF_FAMILY}"
    book = [row[name] for name in _BOOK]
    parameters = [*_bounds(row["day"]), *book, row["strategy"], row["venue"], row["family"]]
    whole, nodes = lot_nodes(sources, condition, parameters, deep=deep)
    assert whole == published, f"daily_pnl says {published}, its lots {whole}"
    own = ("day", *_BOOK, "strategy", "family")
    query = _select(equal(*own), [row[name] for name in own])
    title = f"{row['strategy']}/{row['family']}"
    return Node(title, "cell", published.facts(), nodes, query)


def run_node(sources: Sources, title: str, where: Mapping[str, str], rows: Sequence[Row]) -> Node:
    """Explain the P&L of a strategy or a family over all days, from rows of daily_pnl.

    `where` has the strategy, the family, or both.
    """
    nodes = [
        _run_of(sources, book, where, own) for book, own in sorted(_grouped(rows, _BOOK).items())
    ]
    told = nodes[0].facts if len(nodes) == 1 else ()
    return Node(title, "run", told, tuple(nodes), rows[0].query)


def _run_of(
    sources: Sources, book: tuple[object, ...], where: Mapping[str, str], rows: Sequence[Row]
) -> Node:
    days = _grouped(rows, ("day",))
    parts = [(_published(own), own) for _, own in sorted(days.items())]
    whole = total(figures for figures, _ in parts)
    _assert_lots(sources, book, where, whole)
    shown, rest = ranked(parts, sources.limit)
    own = equal(*_BOOK, *where)
    values = [*book, *where.values()]
    name = "/".join(where.values())
    nodes = [
        Node(
            f"day {found[0]['day']}/{name}",
            "cell",
            figures.facts(),
            query=_select(f"{own} AND day = ?", [*values, found[0]["day"]]),
        )
        for figures, found in shown
    ]
    days_shown = [found[0]["day"] for _, found in shown]
    others = _select(f"{own} AND day NOT IN (SELECT unnest(?::DATE[]))", [*values, days_shown])
    nodes += rest_node(rest, "days", others)
    *owner, currency = book
    title = f"{'/'.join(map(str, owner))} in {currency}"
    return Node(title, "book", whole.facts(), tuple(nodes), _select(own, values))


def _assert_lots(
    sources: Sources, book: tuple[object, ...], where: Mapping[str, str], published: Figures
) -> None:
    condition = equal(*_BOOK)
    parameters = list(book)
    if "strategy" in where:
        condition += " AND strategy = ?"
        parameters.append(where["strategy"])
    if "family" in where:
        condition += f" AND {_OF_FAMILY}"
        parameters += [book[0], where["family"]]
    lots = lot_figures(sources, condition, parameters)
    assert lots == published, f"daily_pnl says {published}, its lots {lots}"


def _grouped(rows: Iterable[Row], names: Sequence[str]) -> dict[tuple[object, ...], list[Row]]:
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


def _published(rows: Iterable[Row]) -> Figures:
    """Return rows of daily_pnl as figures: of each, all lots are known, or none."""
    parts = []
    for row in rows:
        pending, missing = row["fee_state"] == "pending", row["basis_state"] == "missing"
        figures = Figures(
            lots=row["lots"],
            pending=row["lots"] if pending else 0,
            missing=row["lots"] if missing else 0,
            unknown=row["lots"] if pending or missing else 0,
            gross=ZERO if missing else row["realized_gross"],
            fees=ZERO if pending or missing else row["fees"],
            net=ZERO if pending or missing else row["realized_net"],
            fees_without_basis=row["fees"] if missing and not pending else ZERO,
        )
        parts.append(figures)
    return total(parts)
