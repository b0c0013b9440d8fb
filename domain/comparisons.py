"""The tables that set the ledger beside what Interactive Brokers says of the same thing.

Nothing is adjusted to agree: a difference stays a row, with the reason where one is known.
"""

from datetime import date, datetime
from typing import ClassVar, Literal

from domain.columns import Table, column
from domain.units import Money, Price, Quantity


class OrderLife(Table):
    """What became of an order: its newest state beside its fills."""

    table: ClassVar[str] = "order_life"
    purpose: ClassVar[str] = (
        "Orders with what was filled of them: a partial fill stays filled, whatever became of the "
        "rest."
    )

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    order_id: str = column("The broker's id of the order.", identity=True)
    client_order_id: str | None = column("The id that the bot gave the order.")
    instrument_id: str | None = column("What was to be traded; empty if nothing names it.")
    status: str | None = column("Newest status, in the broker's words; empty if none was told.")
    state: Literal["working", "filled", "partly_filled", "ended_unfilled", "unknown"] = column(
        "working: not at its end; filled: in full; partly_filled: rejected, cancelled or expired "
        "behind some fills; ended_unfilled: without any; unknown: no status was told."
    )
    asked_quantity: Quantity | None = column("Contracts asked for.")
    filled_quantity: Quantity = column("Contracts filled, by the fills.")
    filled_reported: Quantity | None = column("Contracts filled, by the newest state.")
    agreement: Literal["agrees", "fills_missing", "state_behind", "unknown"] = column(
        "fills_missing: the state says more than the fills; state_behind: less, as it is older."
    )
    fills: int = column("How many fills (entries) it has.")
    average_price: Price | None = column("Average price of the fills, cut to 9 places.")
    cost: Money | None = column(
        "Signed sum of quantity * price * multiplier, buying positive, in the currency."
    )
    fees: Money | None = column("Fees of the fills; empty while one is pending.")
    currency: str | None = column("ISO code of the currency.")
    first_fill_at: datetime | None = column("First fill (UTC).")
    last_fill_at: datetime | None = column("Last fill (UTC).")


class BasePnl(Table):
    """Realized P&L of a lot in the account's base currency."""

    table: ClassVar[str] = "base_pnl"
    purpose: ClassVar[str] = (
        "Realized P&L in base currency, lot by lot, by the broker's own rate of the day of closing."
    )

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    subaccount: int = column("Subaccount; 0 is the primary one.", identity=True)
    instrument_id: str = column("What was held.", identity=True)
    open_fill_id: str = column("As in `lot_match`.", identity=True)
    close_id: str = column("As in `lot_match`.", identity=True)
    closed_at: datetime = column("When it was closed (UTC).")
    currency: str = column("ISO code of the lot's currency.")
    base_currency: str | None = column("ISO code; empty if nothing names it.")
    rate: Price | None = column("Units of base currency for one of the currency.")
    rate_source: Literal["same_currency", "closing_row", "daily_rate", "missing"] = column(
        "same_currency: it is the base currency; closing_row: the row that closed the lot states "
        "it; daily_rate: the conversion rate of the day in New York; missing: nobody states one."
    )
    realized_gross: Money | None = column("P&L before fees, in base currency, cut to 20 places.")
    realized_net: Money | None = column("P&L after fees, in base currency, cut to 20 places.")
    rate_position: int | None = column("Log position of the rate.", provenance=True)


class CashComparison(Table):
    """A statement's cash in one currency beside the ledger's."""

    table: ClassVar[str] = "cash_comparison"
    purpose: ClassVar[str] = (
        "Starting cash + the ledger's entries of the period - ending cash, by statement and "
        "currency."
    )

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    currency: str = column("ISO code of the currency.", identity=True)
    from_date: date = column("First day of the statement.", identity=True)
    to_date: date = column("Last day of the statement.", identity=True)
    starting_cash: Money = column("As stated.")
    entries: Money = column("Sum of `cash_ledger` over the days of the statement.")
    ending_cash: Money = column("As stated.")
    difference: Money = column("starting_cash + entries - ending_cash.")
    fx_commissions: Money = column(
        "Commissions of currency trades that the ledger books in this currency (negative)."
    )
    commissions_reported: Money | None = column("The statement's own line of commissions.")
    commissions_entered: Money = column("Commissions that the ledger books in this currency.")
    state: Literal["agrees", "fx_commission_currency", "rows_missing", "differs"] = column(
        "agrees: to the last place; fx_commission_currency: the difference is exactly that of the "
        "commissions, because a commission was debited in another currency than stated; "
        "rows_missing: the statement's own lines name cash of which it shows no rows; differs: "
        "for no known reason."
    )
    reason: str = column("What was compared, in words.")
    position: int = column("Log position of the statement's line.", provenance=True)


class PositionComparison(Table):
    """A position as a statement gives it beside the ledger's at that moment."""

    table: ClassVar[str] = "position_comparison"
    purpose: ClassVar[str] = "Positions of statements beside the ledger's at the same moment."

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    instrument_id: str = column("What is held.", identity=True)
    as_of: datetime = column("The moment that the statement describes (UTC).", identity=True)
    stated: Quantity = column("Signed contracts, as stated; 0 if the statement has no row.")
    by_rows: Quantity = column("Signed contracts by all rows of the ledger up to then.")
    opening: Quantity = column("Signed contracts from before the ledger's first row.")
    difference: Quantity = column("by_rows + opening - stated.")
    state: Literal["agrees", "opening_missing", "differs"] = column(
        "agrees: by rows alone; opening_missing: with what was there before the first row; "
        "differs: for no known reason."
    )
    position: int | None = column("Log position of the statement's row.", provenance=True)


class RealizedComparison(Table):
    """Realized P&L of one row as the broker states it beside the ledger's."""

    table: ClassVar[str] = "realized_comparison"
    purpose: ClassVar[str] = "Realized P&L after fees, row by row, beside the broker's own figure."

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    fill_id: str = column("The row.", identity=True)
    instrument_id: str = column("What was traded.")
    stated: Money = column("As the broker states it, in the currency.")
    computed: Money | None = column(
        "Sum of the lots that it closed, after fees; empty where one is unknown."
    )
    difference: Money | None = column("computed - stated.")
    state: Literal[
        "agrees",
        "rounded",
        "cancelled",
        "marked_daily",
        "commission_adjusted",
        "opening_missing",
        "pending",
        "differs",
    ] = column(
        "agrees: to the last place; rounded: the broker's figure is ours at its 6 places; "
        "cancelled: the row was taken back, its fee is all that the ledger counts; marked_daily: "
        "a future, whose P&L the broker pays day by day as variation; commission_adjusted: the "
        "difference is what the broker later paid back of a commission, in a cash movement of its "
        "own; opening_missing: it closes "
        "what was opened before the first row; pending: a fee is unknown; differs: for no known "
        "reason."
    )
    currency: str = column("ISO code of the currency.")
    position: int = column("Log position of the row.", provenance=True)


COMPARISONS: tuple[type[Table], ...] = (
    OrderLife,
    BasePnl,
    CashComparison,
    PositionComparison,
    RealizedComparison,
)
