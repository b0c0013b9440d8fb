"""Accounts of Interactive Brokers: live or paper, by their name."""

import re
from typing import Final

_PAPER: Final = re.compile(r"D[A-Z]{0,2}[0-9].*")


def mode_of(account: str) -> str:
    """Return `paper` for an account of paper money (DU1234567, DF123), else `live`."""
    return "paper" if _PAPER.fullmatch(account) else "live"
