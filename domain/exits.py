"""Why a position was left: one list of reasons, and every spelling of them that was ever met.

A spelling is compared as a whole, in capitals, with '-' and ' ' as '_': "STOP" is not looked for
inside of other words, and "TAKE_PROFIT" needs no "TP". A spelling that is not listed is
*undeclared*: kept as it was told, reported, and never guessed.
"""

from collections.abc import Mapping
from string import ascii_lowercase, ascii_uppercase
from typing import Final, Literal, get_args

ExitReason = Literal[
    "take_profit",
    "stop_loss",
    "trailing_stop",
    "time_out",
    "end_of_day",
    "signal",
    "risk",
    "manual",
    "settlement",
    "expiry",
    "exercise",
    "assignment",
    "corporate_action",
    "transfer",
    "undeclared",
    "not_told",
]

REASONS: Final[tuple[str, ...]] = get_args(ExitReason)
TOLD_BY_BOTS: Final = REASONS[: REASONS.index("undeclared")]
HEALED: Final = "HEALED_"
"""What repairs of the past put before a reason: it is left out before a spelling is looked up."""

_SPELLINGS: Final[Mapping[str, str]] = {
    "take_profit": "TP TP1 TP2 TP3 TAKE_PROFIT TAKEPROFIT PROFIT_TARGET TARGET TARGET_HIT TP_HIT "
    "PARTIAL_TP",
    "stop_loss": "SL STOP STOP_LOSS STOPLOSS STOP_HIT SL_HIT STOPPED_OUT HARD_STOP",
    "trailing_stop": "TRAIL TRAILING TRAILING_STOP TRAIL_STOP TSL",
    "time_out": "TIMEOUT TIME_OUT TIME_STOP TIME_EXIT MAX_HOLD",
    "end_of_day": "EOD END_OF_DAY EOD_CLOSE MARKET_CLOSE SESSION_END",
    "signal": "SIGNAL REVERSAL SIGNAL_EXIT EXIT_SIGNAL FLIP",
    "risk": "RISK KILL_SWITCH FORCE_CLOSE FORCED EMERGENCY MAX_LOSS DAILY_LOSS_LIMIT",
    "manual": "MANUAL MANUAL_CLOSE OPERATOR USER",
    "settlement": "SETTLED SETTLEMENT",
    "expiry": "EXPIRED EXPIRY EXPIRATION",
    "exercise": "EXERCISE EXERCISED",
    "assignment": "ASSIGNED ASSIGNMENT",
}

SPELLINGS: Final[Mapping[str, str]] = {
    spelling: reason for reason, told in _SPELLINGS.items() for spelling in told.split()
}
"""Spelling in capitals -> reason."""

_BLANKS: Final = " \t\n\v\f\r"
_CAPITALS: Final = str.maketrans(f"{ascii_lowercase}- ", f"{ascii_uppercase}__")


def normal(spelling: str) -> str:
    """Return the form of a spelling in which it is looked up; SQL has the same: normal_spelling."""
    return spelling.strip(_BLANKS).translate(_CAPITALS).removeprefix(HEALED)
