"""Cash in `explain`: lines of cash_ledger by day and cause, and what caused each of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from replay.explain.evidence import event_node, facts_of, fetch_events, instrument_name
from replay.explain.executions import fact_node
from replay.explain.nodes import Node, decimal_text, exact_sum, value_text
from replay.explain.sources import OWNER, Row, Sources, bound, equal

BOOK: Final = (*OWNER, "currency")
_CAUSES: Final = ("fill", "settlement", "cash_movement", "corporate_action", "transfer")
_TOLD: Final = ("attribution", "cash_ledger", "realized_comparison")
_SUMS: Final = "count(*) AS entries, coalesce(sum(amount), 0) AS amount"
_LARGEST: Final = (
    'ORDER BY abs(amount) DESC, "at", venue, account, mode, currency, cause, reference, position'
)
_LINE: Final = ("at", "cause", "instrument_id", "reference", "report_date", "position")


def cash_node(sources: Sources, text: str, condition: str, parameters: Sequence[object]) -> Node:
    """Explain the lines of cash_ledger that a condition picks; of one cause, down to the bytes."""
    query = (
        f"SELECT {', '.join(BOOK)}, cause, {_SUMS} FROM cash_ledger WHERE {condition}"
        " GROUP BY ALL ORDER BY ALL"
    )
    books: dict[tuple[object, ...], list[Row]] = {}
    rows = sources.rows(query, parameters)
    for row in rows:
        books.setdefault(tuple(row[name] for name in BOOK), []).append(row)
    nodes = []
    for book, causes in books.items():
        own, values = f"{condition} AND {equal(*BOOK)}", [*parameters, *book]
        children = [_cause(sources, row, own, values, deep=len(rows) == 1) for row in causes]
        (sums,) = sources.rows(f"SELECT {_SUMS} FROM cash_ledger WHERE {own}", values)
        *owner, currency = book
        title = f"{'/'.join(map(str, owner))} in {currency}"
        nodes.append(Node(title, "book", _sums(sums), tuple(children), sums.query))
    told = nodes[0].facts if len(nodes) == 1 else ()
    return Node(f"cash {text}", "cash_sum", told, tuple(nodes), bound(query, parameters))


def _sums(row: Row) -> tuple[tuple[str, str], ...]:
    return ("entries", str(row["entries"])), ("amount", decimal_text(row["amount"]))


def _cause(
    sources: Sources, sums: Row, condition: str, parameters: Sequence[object], *, deep: bool
) -> Node:
    """Explain one cause: the largest lines, and the sum of the others."""
    own, values = f"{condition} AND cause = ?", [*parameters, sums["cause"]]
    lines = f"SELECT * FROM cash_ledger WHERE {own} {_LARGEST}"
    rows = sources.rows(f"{lines} LIMIT ?", [*values, sources.limit])
    if deep:
        positions = [row["position"] for row in rows]
        sources.fetch((*_CAUSES, *_TOLD), "position", positions)
        fetch_events(sources, positions)
    nodes = [line_node(sources, row, deep=deep) for row in rows]
    if sums["entries"] > len(rows):
        shown = exact_sum(row["amount"] for row in rows)
        entries = sums["entries"] - len(rows)
        amount = exact_sum([sums["amount"], shown.copy_negate()])
        told = (("entries", str(entries)), ("amount", decimal_text(amount)))
        query = bound(f"SELECT {_SUMS} FROM ({lines} OFFSET ?)", [*values, sources.limit])
        nodes.append(Node(f"{entries} more entries", "more", told, query=query))
    query = bound(f"SELECT {_SUMS} FROM cash_ledger WHERE {own}", values)
    return Node(sums["cause"], "cause", _sums(sums), tuple(nodes), query)


def line_node(sources: Sources, line: Row, *, deep: bool) -> Node:
    """Explain one line of cash_ledger: the fact that caused it, and its bytes."""
    name = f" for {instrument_name(sources, line)}" if line["instrument_id"] else ""
    title = f"{line['cause']} {value_text(line['amount'])} {line['currency']}{name}"
    children: tuple[Node, ...] = ()
    if deep:
        children = _causes(sources, line)
    return Node(title, "cash_line", facts_of(line, _LINE), children, line.query)


def _causes(sources: Sources, line: Row) -> tuple[Node, ...]:
    where = {"position": line["position"], **{name: line[name] for name in OWNER}}
    found = [
        fact_node(sources, table, row) for table in _CAUSES for row in sources.find(table, where)
    ]
    assert found, f"nothing at log position {line['position']} caused {line['reference']}"
    event = event_node(sources, line["position"])
    return (replace(found[0], children=(event,)), *found[1:])
