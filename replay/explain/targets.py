"""What the user may have meant: the words of `explain`, and how each finds what it names."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final, TypeAlias, get_args

from domain.results import CashCause
from replay.explain import cellnames
from replay.explain.actions import action_node
from replay.explain.alarms import canaries_node, canary_node, restatement_node, unreadable_node
from replay.explain.cash import cash_node, line_node
from replay.explain.cells import day_node, run_node
from replay.explain.evidence import owner_of
from replay.explain.executions import aside_node
from replay.explain.lots import fill_node, trade_node
from replay.explain.nodes import Node
from replay.explain.outcomes import decision_node
from replay.explain.sources import OWNER, Row, Sources
from replay.explain.walks import (
    holding_node,
    holdings_of,
    instrument_node,
    movement_node,
    order_node,
    position_node,
)

_POSITION_MAX: Final = 2**63 - 1
_DAY: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:/(.+))?")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that the user may have meant, and how to say that exactly."""

    label: str
    exact: str
    make: Callable[[], Node]


Finder: TypeAlias = Callable[[Sources, str], list[Candidate]]


def is_day(text: str) -> bool:
    """Tell whether a text has the form of a day, with or without a cell."""
    return _DAY.fullmatch(text) is not None


def _by_position(sources: Sources, text: str) -> list[Candidate]:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= _POSITION_MAX:
        return []
    position = int(text)
    event = sources.log.event(position)
    if event is None:
        return []
    label = f"log position {position}, {event.kind}"
    return [Candidate(label, f"position:{position}", partial(position_node, sources, position))]


def _by_key(sources: Sources, text: str) -> list[Candidate]:
    revisions = sources.log.revisions(text) if text else []
    if not revisions:
        return []
    newest = revisions[-1].position
    return [Candidate("event key", f"key:{text}", partial(position_node, sources, newest))]


def _by_id(
    sources: Sources, text: str, query: str, walk: Callable[[Sources, Row], Node], kind: str
) -> list[Candidate]:
    """Find rows by `ID` or, where several accounts use the same one, `venue/account/mode/ID`."""
    rows = sources.rows(f"{query} ORDER BY venue, account, mode", [text])
    *owner, own = text.split("/", 3)
    if not rows and len(owner) == len(OWNER):
        rows = [row for row in sources.rows(query, [own]) if owner_of(row) == "/".join(owner)]
        text = own
    return [
        Candidate(
            f"{kind} of {owner_of(row)}",
            f"{kind}:{owner_of(row)}/{text}",
            partial(walk, sources, row),
        )
        for row in rows
    ]


def _by_fill(sources: Sources, text: str) -> list[Candidate]:
    fills = _by_id(sources, text, "SELECT * FROM fill WHERE fill_id = ?", fill_node, "fill")
    aside = "SELECT * FROM set_aside WHERE fill_id = ?"
    return fills + _by_id(sources, text, aside, aside_node, "fill")


def _by_order(sources: Sources, text: str) -> list[Candidate]:
    """Find orders by the broker's id, or by the number that statements of IBKR give them."""
    query = """
        WITH known AS (
            SELECT venue, account, mode, order_id FROM order_state WHERE order_id = $1
            UNION
            SELECT venue, account, mode, order_id FROM order_life WHERE order_id = $1
        ),
        numbered AS (
            SELECT
                venue, account, mode,
                CASE WHEN count(DISTINCT order_id) = 1 THEN min(order_id) END AS order_id
            FROM fill
            WHERE statement_order_id = $1
            GROUP BY venue, account, mode
        )
        SELECT venue, account, mode, order_id, $1 AS asked
        FROM (FROM known UNION FROM numbered ANTI JOIN known USING (venue, account, mode))
    """
    return _by_id(sources, text, query, order_node, "order")


def _by_trade(sources: Sources, text: str) -> list[Candidate]:
    return _by_id(sources, text, "SELECT * FROM trade WHERE trade_id = ?", trade_node, "trade")


def _by_decision(sources: Sources, text: str) -> list[Candidate]:
    query = "SELECT * FROM decision_outcome WHERE decision_id = ?"
    return _by_id(sources, text, query, decision_node, "decision")


def _by_instrument(sources: Sources, text: str) -> list[Candidate]:
    """Find instruments by id, else by symbol, whose blanks do not count."""
    return [
        Candidate(
            f"instrument {row['symbol']} of {row['venue']}",
            f"instrument:{row['instrument_id']}",
            partial(instrument_node, sources, row),
        )
        for row in _instruments(sources, text)
    ]


def _instruments(sources: Sources, text: str) -> list[Row]:
    query = "SELECT * FROM instrument WHERE {} = ? ORDER BY venue, instrument_id"
    symbol = "regexp_replace(symbol, ' +', ' ', 'g')"
    rows = sources.rows(query.format("instrument_id"), [text])
    return rows or sources.rows(query.format(symbol), [" ".join(text.split())])


def _by_holding(sources: Sources, text: str) -> list[Candidate]:
    """Find holdings by instrument or symbol, behind venue/account/mode, with or without number."""
    *owner, name = text.split("/", len(OWNER))
    if len(owner) < len(OWNER):
        owner, name = [], text
    number, slash, rest = name.partition("/")
    subaccount = int(number) if owner and slash and number.isascii() and number.isdigit() else None
    where = dict(zip(OWNER, owner, strict=bool(owner)))
    named = rest if subaccount is not None else name
    found = [
        row
        for instrument in _instruments(sources, named)
        for row in holdings_of(
            sources,
            {"instrument_id": instrument["instrument_id"], "venue": instrument["venue"]},
        )
        if all(row[column] == value for column, value in where.items())
        and subaccount in (None, row["subaccount"])
    ]
    return [
        Candidate(
            f"holding of {owner_of(row)}, subaccount {row['subaccount']}",
            f"holding:{owner_of(row)}/{row['subaccount']}/{row['instrument_id']}",
            partial(holding_node, sources, row, deep=True),
        )
        for row in found
    ]


def _by_movement(sources: Sources, text: str) -> list[Candidate]:
    query = "SELECT * FROM cash_movement WHERE movement_id = ?"
    return _by_id(sources, text, query, movement_node, "cash")


def _by_cash(sources: Sources, text: str) -> list[Candidate]:
    """Find a movement, a day's cash, a cause, or the lines that a fill or a market caused."""
    found = _by_movement(sources, text)
    match = _DAY.fullmatch(text)
    day = _day(match[1]) if match else None
    cause = match[2] if match else text
    if not found and (cause is None or cause in get_args(CashCause)) and (day or cause):
        conditions, parameters = [], list[object]()
        if day is not None:
            conditions.append('"at" >= ? AND "at" < ?')
            begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
            parameters += [begins, begins + timedelta(days=1)]
        if cause is not None:
            conditions.append("cause = ?")
            parameters.append(cause)
        condition = " AND ".join(conditions)
        known = sources.rows(f"SELECT 1 FROM cash_ledger WHERE {condition} LIMIT 1", parameters)
        make = partial(cash_node, sources, text, condition, parameters)
        found = [Candidate("cash", f"cash:{text}", make)] if known else []
    return found or _by_line(sources, text)


def _by_line(sources: Sources, text: str) -> list[Candidate]:
    """Find a line of cash_ledger by venue/account/mode/REFERENCE/cause/currency, or a part."""
    own, cause, currency = text, None, None
    rows = sources.find("cash_ledger", {"reference": own}, "ALL")
    if not rows and text.count("/") >= 2 + len(OWNER):
        own, cause, currency = text.rsplit("/", 2)
        *owner, reference = own.split("/", len(OWNER))
        where = {"reference": reference, **dict(zip(OWNER, owner, strict=True))}
        where |= {"cause": cause, "currency": currency}
        rows = sources.find("cash_ledger", where, "ALL")
    return [
        Candidate(
            f"{row['cause']} of {owner_of(row)}",
            f"cash:{owner_of(row)}/{row['reference']}/{row['cause']}/{row['currency']}",
            partial(line_node, sources, row, deep=True),
        )
        for row in rows
    ]


def _by_action(sources: Sources, text: str) -> list[Candidate]:
    """Find corporate actions by their id, or by that of one of their rows."""
    query = """
        SELECT * FROM corporate_action WHERE $1 IN (action_id, row_id)
        QUALIFY row_number() OVER (
            PARTITION BY venue, account, mode, coalesce(action_id, row_id) ORDER BY row_id
        ) = 1
    """
    return _by_id(sources, text, query, action_node, "action")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _by_day(sources: Sources, text: str) -> list[Candidate]:
    match = _DAY.fullmatch(text)
    day = _day(match[1]) if match else None
    if match is None or day is None:
        return []
    if match[2] is None:
        rows = sources.rows("SELECT * FROM daily_pnl WHERE day = ? ORDER BY ALL", [day])
        return [Candidate("day", f"day:{text}", partial(day_node, sources, text, rows))] * bool(
            rows
        )
    return [
        Candidate(
            one.label, f"day:{match[1]}/{one.exact}", partial(day_node, sources, text, one.rows)
        )
        for one in cellnames.of_day(sources, day, match[2])
    ]


def _by_run(sources: Sources, text: str, word: str) -> list[Candidate]:
    """Find P&L of all days by STRATEGY, STRATEGY/FAMILY or FAMILY."""
    return [
        Candidate(
            one.label,
            one.exact,
            partial(run_node, sources, f"{word} {text}", one.where, one.rows),
        )
        for one in cellnames.of_run(sources, word, text)
    ]


def _by_canary(sources: Sources, text: str) -> list[Candidate]:
    """Find canaries by RULE/SUBJECT, by the subject alone, or all of a rule."""
    name = "rule || '/' || subject"
    query = f"""
        SELECT * FROM canary
        WHERE ? IN ({name}, rule, subject, concat_ws('/', venue, account, mode, {name}))
        ORDER BY venue, account, mode, rule, subject
    """
    rows = sources.rows(query, [text])
    if len(rows) > 1 and all(row["rule"] == text for row in rows):
        make = partial(canaries_node, sources, text, rows)
        return [Candidate("rule", f"canary:{text}", make)]
    return [
        Candidate(
            f"canary of {owner_of(row)}",
            f"canary:{owner_of(row)}/{row['rule']}/{row['subject']}",
            partial(canary_node, sources, row),
        )
        for row in rows
    ]


def _by_restatement(sources: Sources, text: str) -> list[Candidate]:
    """Find restatements by id of the fact, or by either log position."""
    query = """
        SELECT * FROM restatement
        WHERE ? IN (
            fact_id,
            string_split(fact_id, '|')[-1],
            old_position::VARCHAR,
            new_position::VARCHAR,
            fact || '/' || fact_id || '/' || new_position
        )
        ORDER BY new_position, fact, fact_id
    """
    return [
        Candidate(
            f"{row['columns']} {row['change']} at log position {row['new_position']}",
            f"restatement:{row['fact']}/{row['fact_id']}/{row['new_position']}",
            partial(restatement_node, sources, row),
        )
        for row in sources.rows(query, [text])
    ]


def _by_unreadable(sources: Sources, text: str) -> list[Candidate]:
    """Find events that could not be read, by log position or key."""
    query = """
        SELECT * FROM unreadable WHERE ? IN (position::VARCHAR, key)
        QUALIFY row_number() OVER (PARTITION BY position ORDER BY reason, column_name) = 1
        ORDER BY position
    """
    return [
        Candidate(
            f"log position {row['position']}, {row['kind']}",
            f"unreadable:{row['position']}",
            partial(unreadable_node, sources, row),
        )
        for row in sources.rows(query, [text])
    ]


BY_WORD: Final[Mapping[str, Finder]] = {
    "position": _by_position,
    "key": _by_key,
    "fill": _by_fill,
    "order": _by_order,
    "trade": _by_trade,
    "decision": _by_decision,
    "instrument": _by_instrument,
    "holding": _by_holding,
    "day": _by_day,
    "strategy": partial(_by_run, word="strategy"),
    "family": partial(_by_run, word="family"),
    "movement": _by_movement,
    "cash": _by_cash,
    "action": _by_action,
    "canary": _by_canary,
    "restatement": _by_restatement,
    "unreadable": _by_unreadable,
}
NAMES: Final[Mapping[str, str]] = {
    "position": "log position",
    "key": "event key",
    "fill": "fill id",
    "order": "order id",
    "trade": "trade id",
    "decision": "decision id",
    "instrument": "instrument id or symbol",
    "holding": "instrument id or symbol that an account held",
    "day": "UTC day with closed lots, and a strategy or family of it",
    "strategy": "strategy with closed lots",
    "family": "family with closed lots",
    "movement": "id of a deposit, withdrawal, dividend or fee",
    "cash": "id of a deposit, withdrawal, dividend or fee; UTC day, cause or both; id of a fill or "
    "market that moved cash",
    "action": "id of a corporate action",
    "canary": "canary, by rule and subject",
    "restatement": "fact that was restated, by id or log position",
    "unreadable": "unreadable event, by log position or key",
}
ALONE: Final = (
    "position",
    "key",
    "fill",
    "order",
    "decision",
    "instrument",
    "day",
    "movement",
    "action",
)
"""The words that may be left out. A trade is called after the fill that opened it, so its id alone
means the fill; an instrument's name means all of its holdings."""
