"""What is to be said about a statement: rows that nobody reads, and rows that are not there."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from adapters.flex.sections import is_known
from domain.ibkr.cash import CASH_TRANSACTION
from domain.ibkr.flex import (
    CASH_TRANSACTION_SUMMARY,
    CLOSED_LOT,
    CORPORATE_ACTION_SUMMARY,
    OTHER,
    TRADE_SUMMARY,
)
from domain.ibkr.holdings import CORPORATE_ACTION
from domain.ibkr.statements import STATEMENT
from domain.ibkr.trades import TRADE, TRADE_CONFIRM

_SECTIONS_SHOWN: Final = 20
_NAME_SHOWN: Final = 80
# Section, what is read of it, what only repeats that, and what the user should do.
_LEVELS: Final = (
    (
        "Trades",
        TRADE,
        (TRADE_SUMMARY, CLOSED_LOT),
        "Trades has summaries or closed lots and no executions: tick Execution in the Flex query",
    ),
    (
        "TradeConfirms",
        TRADE_CONFIRM,
        (TRADE_SUMMARY,),
        "TradeConfirms has summaries and no executions: tick Execution in the Flex query",
    ),
    (
        "CashTransactions",
        CASH_TRANSACTION,
        (CASH_TRANSACTION_SUMMARY,),
        "CashTransactions has SUMMARY rows and no DETAIL rows: tick Detail in the Flex query",
    ),
    (
        "CorporateActions",
        CORPORATE_ACTION,
        (CORPORATE_ACTION_SUMMARY,),
        "CorporateActions has SUMMARY rows and no DETAIL rows: tick Detail in the Flex query",
    ),
)


def notes(tally: Mapping[tuple[str, str], int]) -> list[str]:
    """Return what the user should know, the loud things first; `tally` is by kind and section."""
    said = [
        remedy
        for section, finest, others, remedy in _LEVELS
        if (finest, section) not in tally and any((kind, section) in tally for kind in others)
    ]
    if all(kind != STATEMENT for kind, _ in tally):
        said.append("there is no statement in this file (FlexStatement)")
    kept: Counter[str] = Counter()
    for (kind, section), rows in tally.items():
        if kind == OTHER:
            kept[section] += rows
    # What nobody has heard of first.
    ordered = sorted(kept.items(), key=lambda one: is_known(one[0]))
    said += [_about_kept(section, rows) for section, rows in ordered[:_SECTIONS_SHOWN]]
    if len(ordered) > _SECTIONS_SHOWN:
        said.append(f"and so were those of {len(ordered) - _SECTIONS_SHOWN:,} more sections")
    return said


def _about_kept(section: str, rows: int) -> str:
    named = section[:_NAME_SHOWN]
    what = named if is_known(section) else f"{named}, an unknown section,"
    if rows == 1:
        return f"1 row of {what} was kept and is not read"
    return f"{rows:,} rows of {what} were kept and are not read"
