"""The exports that Kalshi's web site offers: the broker's own reports, all cells text.

They are compared with, never taken as fills. The cents export cuts fractions of contracts off
and gives prices of the side that was held.
"""

from collections.abc import Mapping
from typing import Final

from domain.shapes import Reader

TRANSACTION: Final = "kalshi.report.transaction"
ACTIVITY: Final = "kalshi.report.activity"


def _text(names: str) -> Mapping[str, str]:
    return dict.fromkeys(names.split(), "string")


TRANSACTION_READERS: Final = (
    Reader(
        kind=TRANSACTION,
        name="cents",
        spoken="2026",
        required=_text(
            "type quantity market_ticker side entry_price_cents exit_price_cents open_fees_cents "
            "close_fees_cents realized_pnl_without_fees_cents realized_pnl_with_fees_cents "
            "close_timestamp open_timestamp"
        ),
    ),
)

ACTIVITY_READERS: Final = (
    Reader(
        kind=ACTIVITY,
        name="1",
        spoken="May 2026",
        required=_text(
            "type Status Amount_In_Dollars Original_Date Fee_In_Dollars Market_Ticker Market_Id "
            "Direction Price_In_Cents No_Contracts_Owned Yes_Contracts_Owned Result "
            "Profit_In_Dollars"
        ),
        ignored=_text(
            "Traded_Time Last_Updated Deposit_Type Market_Title Filled Remaining Order_Type "
            "No_Contracts_Average_Price_In_Cents Yes_Contracts_Average_Price_In_Cents "
            "Credit_Reason Credit_Type Introducing_Broker"
        ),
    ),
)
