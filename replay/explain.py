"""From a figure back to the bytes: what the user named is found, then walked (`replay.walks`).

Nothing is guessed: a name that fits several things is refused with the list of them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

import duckdb

from domain.errors import UsageError
from replay import meta
from replay.actions import action_node
from replay.evidence import OWNER, Row, Sources, owner_of
from replay.executions import aside_node
from replay.lots import fill_node, trade_node
from replay.nodes import Node
from replay.outcomes import decision_node
from replay.ports import EventLog
from replay.walks import (
    day_node,
    instrument_node,
    movement_node,
    order_node,
    position_node,
)

LIMIT: Final = 10
_POSITION_MAX: Final = 2**63 - 1
_DAY: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:/(.+))?")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Something that the user may have meant, and how to say that exactly."""

    label: str
    exact: str
    make: Callable[[], Node]


def explain(
    connection: duckdb.DuckDBPyConnection, log: EventLog, target: str, limit: int = LIMIT
) -> Node:
    """Explain whatever has a name, down to the bytes that it came from.

    `target` is its id; a day is 2026-01-13 or 2026-01-13/strategy/family, an instrument may be
    called by its symbol. A kind in front says which is meant: position, key, fill, order, trade,
    decision, instrument, day, cash or action, as in `order:ID`. A trade needs that, because its id
    is that of its first fill. At most `limit` children are shown at each level.
    Raise UsageError if nothing, or more than one thing, is called so.
    """
    if limit < 1:
        message = f"limit {limit}: at least 1 must be shown"
        raise UsageError(message)
    sources = Sources(connection, log, limit, meta.read(connection).watermark)
    word, _, rest = target.partition(":")
    # A trade is called after the fill that opened it, so its id alone means the fill.
    finders = {name: _FINDERS[name] for name in _FINDERS if name != "trade"}
    if word in _FINDERS:
        finders = {word: _FINDERS[word]}
    text = (rest if word in _FINDERS else target).strip()
    found = [candidate for find in finders.values() for candidate in find(sources, text)]
    if not found:
        kinds = ", ".join(_NAMES[name] for name in finders)
        message = f"{text!r} was looked for and not found as: {kinds}"
        raise UsageError(message)
    if len(found) > 1:
        listed = "".join(f"\n  {one.exact}  ({one.label})" for one in found)
        message = f"{text!r} is not the name of one thing; say which:{listed}"
        raise UsageError(message)
    return found[0].make()


# --- what the user may have meant ----------------------------------------------------------------


def _by_position(sources: Sources, text: str) -> list[_Candidate]:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= _POSITION_MAX:
        return []
    position = int(text)
    event = sources.log.event(position)
    if event is None:
        return []
    label = f"log position {position}, {event.kind}"
    return [_Candidate(label, f"position:{position}", partial(position_node, sources, position))]


def _by_key(sources: Sources, text: str) -> list[_Candidate]:
    revisions = sources.log.revisions(text) if text else []
    if not revisions:
        return []
    newest = revisions[-1].position
    return [_Candidate("event key", f"key:{text}", partial(position_node, sources, newest))]


def _by_id(
    sources: Sources, text: str, query: str, walk: Callable[[Sources, Row], Node], kind: str
) -> list[_Candidate]:
    """Find rows by `ID` or, where several accounts use the same one, `venue/account/mode/ID`."""
    rows = sources.rows(f"{query} ORDER BY venue, account, mode", [text])
    *owner, own = text.split("/", 3)
    if not rows and len(owner) == len(OWNER):
        rows = [row for row in sources.rows(query, [own]) if owner_of(row) == "/".join(owner)]
        text = own
    return [
        _Candidate(
            f"{kind} of {owner_of(row)}",
            f"{kind}:{owner_of(row)}/{text}",
            partial(walk, sources, row),
        )
        for row in rows
    ]


def _by_fill(sources: Sources, text: str) -> list[_Candidate]:
    fills = _by_id(sources, text, "SELECT * FROM fill WHERE fill_id = ?", fill_node, "fill")
    aside = "SELECT * FROM set_aside WHERE fill_id = ?"
    return fills + _by_id(sources, text, aside, aside_node, "fill")


def _by_order(sources: Sources, text: str) -> list[_Candidate]:
    """Find orders by the broker's id, or by the number that statements of IBKR give them."""
    query = """
        WITH known AS (
            SELECT venue, account, mode, order_id FROM order_state
            UNION
            SELECT venue, account, mode, order_id FROM order_life
        ),
        numbered AS (
            SELECT
                venue, account, mode, statement_order_id,
                CASE WHEN count(DISTINCT order_id) = 1 THEN min(order_id) END AS order_id
            FROM fill
            WHERE statement_order_id IS NOT NULL
            GROUP BY venue, account, mode, statement_order_id
        ),
        meant AS (
            SELECT * FROM known WHERE order_id = $1
            UNION
            SELECT venue, account, mode, order_id
            FROM numbered
            WHERE statement_order_id = $1
                AND (venue, account, mode, $1) NOT IN (FROM known)
        )
        SELECT
            m.*,
            coalesce(
                list(n.statement_order_id ORDER BY n.statement_order_id)
                    FILTER (n.statement_order_id IS NOT NULL),
                CASE WHEN m.order_id IS NULL THEN [$1::VARCHAR] ELSE []::VARCHAR[] END
            ) AS statement_order_ids
        FROM meant AS m
        LEFT JOIN numbered AS n USING (venue, account, mode, order_id)
        GROUP BY m.venue, m.account, m.mode, m.order_id
    """
    return _by_id(sources, text, query, order_node, "order")


def _by_trade(sources: Sources, text: str) -> list[_Candidate]:
    return _by_id(sources, text, "SELECT * FROM trade WHERE trade_id = ?", trade_node, "trade")


def _by_decision(sources: Sources, text: str) -> list[_Candidate]:
    query = "SELECT * FROM decision_outcome WHERE decision_id = ?"
    return _by_id(sources, text, query, decision_node, "decision")


def _by_instrument(sources: Sources, text: str) -> list[_Candidate]:
    """Find instruments by id, else by symbol, whose blanks do not count."""
    query = "SELECT * FROM instrument WHERE {} = ? ORDER BY venue, instrument_id"
    symbol = "regexp_replace(symbol, ' +', ' ', 'g')"
    rows = sources.rows(query.format("instrument_id"), [text])
    rows = rows or sources.rows(query.format(symbol), [" ".join(text.split())])
    return [
        _Candidate(
            f"instrument {row['symbol']} of {row['venue']}",
            f"instrument:{row['instrument_id']}",
            partial(instrument_node, sources, row),
        )
        for row in rows
    ]


def _by_cash(sources: Sources, text: str) -> list[_Candidate]:
    query = "SELECT * FROM cash_movement WHERE movement_id = ?"
    return _by_id(sources, text, query, movement_node, "cash")


def _by_action(sources: Sources, text: str) -> list[_Candidate]:
    """Find corporate actions by their id, or by that of one of their rows."""
    query = """
        SELECT * FROM corporate_action WHERE $1 IN (action_id, row_id)
        QUALIFY row_number() OVER (
            PARTITION BY venue, account, mode, coalesce(action_id, row_id) ORDER BY row_id
        ) = 1
    """
    return _by_id(sources, text, query, action_node, "action")


def _by_day(sources: Sources, text: str) -> list[_Candidate]:
    match = _DAY.fullmatch(text)
    if match is None:
        return []
    try:
        day = date.fromisoformat(match[1])
    except ValueError:
        return []
    query = "SELECT * FROM daily_pnl WHERE day = ?"
    parameters: list[object] = [day]
    if match[2]:
        query += " AND (strategy || '/' || family = ? OR strategy = ?)"
        parameters += [match[2], match[2]]
    rows = sources.rows(f"{query} ORDER BY ALL", parameters)
    return (
        [_Candidate("day", f"day:{text}", partial(day_node, sources, text, rows))] if rows else []
    )


_FINDERS: Final[dict[str, Callable[[Sources, str], list[_Candidate]]]] = {
    "position": _by_position,
    "key": _by_key,
    "fill": _by_fill,
    "order": _by_order,
    "trade": _by_trade,
    "decision": _by_decision,
    "instrument": _by_instrument,
    "day": _by_day,
    "cash": _by_cash,
    "action": _by_action,
}
_NAMES: Final = {
    "position": "log position",
    "key": "event key",
    "fill": "fill id",
    "order": "order id",
    "trade": "trade id",
    "decision": "decision id",
    "instrument": "instrument id or symbol",
    "day": "UTC day with closed lots",
    "cash": "id of a deposit, withdrawal, dividend or fee",
    "action": "id of a corporate action",
}
