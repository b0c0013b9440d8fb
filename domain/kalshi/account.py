"""Positions, balances, deposits and withdrawals: the account as Kalshi states it."""

from collections.abc import Mapping
from typing import Final

from domain.shapes import Reader

POSITION: Final = "kalshi.position"
EVENT_POSITION: Final = "kalshi.event_position"
BALANCE: Final = "kalshi.balance"
SUBACCOUNT_BALANCE: Final = "kalshi.subaccount_balance"
DEPOSIT: Final = "kalshi.deposit"
WITHDRAWAL: Final = "kalshi.withdrawal"

_POSITION_CENTS: Final[Mapping[str, str]] = {
    "market_exposure": "integer",
    "realized_pnl": "integer",
    "fees_paid": "integer",
    "total_traded": "integer",
}
_POSITION_DOLLARS: Final[Mapping[str, str]] = {
    "market_exposure_dollars": "string",
    "realized_pnl_dollars": "string",
    "fees_paid_dollars": "string",
    "total_traded_dollars": "string",
}
_POSITION_IGNORED: Final[Mapping[str, str]] = {
    "resting_orders_count": "integer",
    "last_updated_ts": "string|null",
}
_MOVEMENT: Final[Mapping[str, str]] = {
    "id": "string",
    "status": "string",
    "type": "string",
    "amount_cents": "integer",
    "fee_cents": "integer",
    "created_ts": "integer",
}

POSITION_READERS: Final = (
    Reader(
        kind=POSITION,
        name="0",
        spoken="2022 to Nov 2025",
        required={"ticker": "string", "position": "integer", **_POSITION_CENTS},
        ignored=_POSITION_IGNORED,
        absent=frozenset({"market_exposure_dollars", "position_fp"}),
    ),
    Reader(
        kind=POSITION,
        name="1",
        spoken="Dec 2025 to mid Jan 2026",
        required={"ticker": "string", "position": "integer", **_POSITION_DOLLARS},
        ignored={**_POSITION_IGNORED, **_POSITION_CENTS},
        absent=frozenset({"position_fp"}),
    ),
    Reader(
        kind=POSITION,
        name="2",
        spoken="mid Jan to 11 Mar 2026",
        required={
            "ticker": "string",
            "position": "integer",
            "position_fp": "string",
            **_POSITION_DOLLARS,
        },
        ignored={**_POSITION_IGNORED, **_POSITION_CENTS},
    ),
    Reader(
        kind=POSITION,
        name="3",
        spoken="12 Mar to 19 Aug 2026",
        required={"ticker": "string", "position_fp": "string", **_POSITION_DOLLARS},
        ignored=_POSITION_IGNORED,
        absent=frozenset({"position", "exchange_index"}),
    ),
    Reader(
        kind=POSITION,
        name="5",
        spoken="from 20 Aug 2026",
        required={
            "ticker": "string",
            "position_fp": "string",
            "exchange_index": "integer",
            **_POSITION_DOLLARS,
        },
        ignored=_POSITION_IGNORED,
        absent=frozenset({"position"}),
    ),
)

BALANCE_READERS: Final = (
    Reader(
        kind=BALANCE,
        name="0",
        spoken="2022 to Nov 2025",
        required={"balance": "integer"},
        absent=frozenset({"portfolio_value", "balance_dollars"}),
    ),
    Reader(
        kind=BALANCE,
        name="1",
        spoken="Dec 2025 to 27 May 2026",
        required={"balance": "integer", "portfolio_value": "integer"},
        ignored={"updated_ts": "integer"},
        # a breakdown without balance_dollars would be read in whole cents, without a word
        absent=frozenset({"balance_dollars", "balance_breakdown"}),
    ),
    Reader(
        kind=BALANCE,
        name="4",
        spoken="from 28 May 2026",
        required={
            "balance": "integer",
            "balance_dollars": "string",
            "portfolio_value": "integer",
        },
        ignored={
            "updated_ts": "integer",
            "balance_breakdown": "array|null",
            "balance_breakdown[]": "object",
            "balance_breakdown[].exchange_index": "integer",
            "balance_breakdown[].balance": "string",
        },
    ),
)

_SUBACCOUNT: Final[Mapping[str, str]] = {"subaccount_number": "integer", "updated_ts": "integer"}

SUBACCOUNT_BALANCE_READERS: Final = (
    Reader(
        kind=SUBACCOUNT_BALANCE,
        name="2-early",
        spoken="mid to 26 Jan 2026; hundredths of a cent",
        required={**_SUBACCOUNT, "balance": "integer"},
        absent=frozenset({"exchange_index"}),
    ),
    Reader(
        kind=SUBACCOUNT_BALANCE,
        name="2",
        spoken="27 Jan to 19 Aug 2026; dollars under the same name",
        required={**_SUBACCOUNT, "balance": "string"},
        absent=frozenset({"exchange_index"}),
    ),
    Reader(
        kind=SUBACCOUNT_BALANCE,
        name="5",
        spoken="from 20 Aug 2026",
        required={**_SUBACCOUNT, "balance": "string", "exchange_index": "integer"},
    ),
)

DEPOSIT_READERS: Final = (
    Reader(
        kind=DEPOSIT,
        name="1",
        spoken="from 5 May 2026",
        required=_MOVEMENT,
        optional={"finalized_ts": "integer"},
    ),
)
WITHDRAWAL_READERS: Final = (
    Reader(
        kind=WITHDRAWAL,
        name="1",
        spoken="from 5 May 2026",
        required=_MOVEMENT,
        optional={"finalized_ts": "integer"},
    ),
)
