"""The fact tables that only Interactive Brokers fills: statements, and what its socket adds.

Days are New York days, because statements are made there. A statement names no zone.
"""

from datetime import date, datetime
from typing import ClassVar, Literal

from domain.columns import Fact, column
from domain.units import Fee, Money, Multiplier, Price, Quantity


class Statement(Fact):
    """A statement: whose, for which days, with which sections."""

    table: ClassVar[str] = "statement"
    purpose: ClassVar[str] = "Flex statements that were taken in, with their days and sections."
    happens_at: ClassVar[str | None] = "new_york_end(to_date)"

    from_date: date = column("First day.", identity=True)
    to_date: date = column("Last day.", identity=True)
    generated_at: datetime = column("When IBKR made it (UTC).", identity=True)
    query_name: str = column("Name of the Flex query; - where it has none.", identity=True)
    period: str | None = column("LastMonth, Last365CalendarDays, …, in IBKR's words.")
    query_type: str | None = column("AF activity, TCF trade confirmations, in IBKR's words.")
    sections: str = column(
        "Sections that it has, empty ones included, in order, each between ';': ;Trades;CashReport;"
    )


class Commission(Fact):
    """A commission report of the socket: what one execution cost."""

    table: ClassVar[str] = "commission"
    purpose: ClassVar[str] = "Commission reports of the socket, which come behind the executions."
    cash_effect: ClassVar[str | None] = "-coalesce(fee, 0)"

    fill_id: str = column("The execution.", identity=True)
    fee: Fee | None = column(
        "What it cost, in fee_currency; empty while the broker says -1.0 or nothing, which both "
        "mean that it does not know yet.",
        inherited=True,
        money=True,
    )
    fee_currency: str | None = column("ISO code of the currency.", inherited=True)
    realized_reported: Money | None = column(
        "Realized P&L after fees, as stated; empty for an opening execution.", inherited=True
    )


class CorporateAction(Fact):
    """One row of a corporate action: what it did to one instrument."""

    table: ClassVar[str] = "corporate_action"
    purpose: ClassVar[str] = "Splits, mergers, changes of CUSIP: a row for each instrument."
    happens_at: ClassVar[str | None] = "happened_at"

    row_id: str = column("transactionID of the row.", identity=True)
    action_id: str | None = column("What the rows of one action share.")
    action_type: str | None = column(
        "FS forward split, RS reverse split, TC merger, IC change of CUSIP, SD stock dividend, …, "
        "in IBKR's words; empty in old statements."
    )
    instrument_id: str = column("conid of the instrument.")
    symbol: str | None = column("The broker's name of the instrument.")
    asset_class: str = column("STK, OPT, … in IBKR's words.")
    multiplier: Multiplier = column("Units of the underlying that one contract stands for.")
    quantity: Quantity = column("Units that came (positive) or went (negative); 0 for cash alone.")
    proceeds: Money = column("Cash that came with it, in the currency.")
    realized_reported: Money | None = column("Realized P&L, as stated, in the currency.")
    rate_to_base: Price | None = column(
        "Units of the account's base currency for one of the currency."
    )
    currency: str = column("ISO code of the currency.")
    description: str | None = column("In IBKR's words.")
    happened_at: datetime = column("When it took effect (UTC).")
    report_date: date = column("The day whose statement shows it.")


class CashReport(Fact):
    """A statement's own summary of cash in one currency."""

    table: ClassVar[str] = "cash_report"
    purpose: ClassVar[str] = "Cash of a statement by currency, as the broker sums it up."
    happens_at: ClassVar[str | None] = "new_york_end(to_date)"

    currency: str = column("ISO code; BASE_SUMMARY is all of it in base currency.", identity=True)
    from_date: date = column("First day of the statement.", identity=True)
    to_date: date = column("Last day of the statement.", identity=True)
    starting_cash: Money = column("Cash before the first day, in the currency.")
    ending_cash: Money = column("Cash after the last day, in the currency.")
    ending_settled_cash: Money | None = column("Settled part of it, in the currency.")
    commissions: Money | None = column("Commissions, negative, in the currency.")
    trade_sales: Money | None = column("Proceeds of sales, in the currency.")
    trade_purchases: Money | None = column("Proceeds of purchases, negative, in the currency.")
    cash_settling_mtm: Money | None = column("Variation margin of futures, in the currency.")
    deposits_withdrawals: Money | None = column("Deposits less withdrawals, in the currency.")
    account_transfers: Money | None = column("Cash moved from and to accounts, in the currency.")
    dividends: Money | None = column("Dividends, in the currency.")
    payment_in_lieu: Money | None = column("Payments in lieu of dividends, in the currency.")
    withholding_tax: Money | None = column("Withholding tax, negative, in the currency.")
    broker_interest: Money | None = column("Interest, in the currency.")
    other_fees: Money | None = column("Other fees, negative, in the currency.")
    other: Money | None = column("What stands under other, in the currency.")


class FxRate(Fact):
    """The broker's rate between two currencies on one day."""

    table: ClassVar[str] = "fx_rate"
    purpose: ClassVar[str] = "The broker's daily conversion rates."

    day: date = column("The day of the rate.", identity=True)
    from_currency: str = column("ISO code.", identity=True)
    to_currency: str = column("ISO code; the base currency of the account.", identity=True)
    rate: Price = column("Units of to_currency for one of from_currency.")


class Transfer(Fact):
    """A position, or cash, that came from another account or went to one."""

    table: ClassVar[str] = "transfer"
    purpose: ClassVar[str] = "Positions and cash moved from and to other accounts."
    happens_at: ClassVar[str | None] = "moved_at"

    transfer_id: str = column("transactionID.", identity=True)
    transfer_type: str = column("ACATS, INTERNAL, FOP, …, in IBKR's words.")
    direction: Literal["in", "out"] = column("Into the account or out of it.")
    instrument_id: str | None = column("What was moved; empty for cash alone.")
    symbol: str | None = column("The broker's name of the instrument.")
    asset_class: str | None = column("STK, OPT, …, CASH, in IBKR's words.")
    multiplier: Multiplier | None = column("Units of the underlying that one contract stands for.")
    quantity: Quantity | None = column("Signed units of the instrument.")
    price: Price | None = column("Price at which it was moved; empty where none is stated.")
    cash: Money | None = column("Signed cash, in the currency.")
    currency: str = column("ISO code of the currency.")
    moved_at: datetime = column("When it was moved (UTC).")
    report_date: date | None = column("The day whose statement shows it.")


class Security(Fact):
    """An instrument as a statement describes it."""

    table: ClassVar[str] = "security"
    purpose: ClassVar[str] = "Instruments as IBKR's statements and socket describe them."

    instrument_id: str = column("conid.", identity=True)
    symbol: str = column("The broker's name.")
    asset_class: str = column("STK, OPT, … in IBKR's words.")
    description: str | None = column("In IBKR's words.", inherited=True)
    currency: str | None = column("ISO code of the currency.", inherited=True)
    multiplier: Multiplier | None = column(
        "Units of the underlying that one contract stands for.", inherited=True
    )
    isin: str | None = column("ISIN.", inherited=True)
    cusip: str | None = column("CUSIP.", inherited=True)
    underlying_id: str | None = column("conid of the underlying.", inherited=True)
    underlying_symbol: str | None = column("Name of the underlying.", inherited=True)
    expires_on: date | None = column("Last day of an option or future.", inherited=True)
    strike: Price | None = column("Strike of an option, in the currency.", inherited=True)
    option_right: Literal["call", "put"] | None = column("call or put.", inherited=True)


class AccountProfile(Fact):
    """What a statement says of the account itself."""

    table: ClassVar[str] = "account_profile"
    purpose: ClassVar[str] = "Base currency and sort of each account."

    base_currency: str = column("ISO code of the account's base currency.")
    account_type: str | None = column("In IBKR's words.", inherited=True)
    capabilities: str | None = column("Cash, Margin, …, in IBKR's words.", inherited=True)


class OptionEvent(Fact):
    """What a statement says of the end of an option: commentary, its trades are in `fill`."""

    table: ClassVar[str] = "option_event"
    purpose: ClassVar[str] = "Exercises, assignments, expirations and the trades that they made."

    trade_id: str = column("tradeID of the row of `fill` that it comments on.", identity=True)
    event_type: str = column(
        "Exercise, Assignment, Expiration, Buy, Sell, Cash Settlement, in IBKR's words.",
        identity=True,
    )
    instrument_id: str = column("conid of the option, or of what it was exercised into.")
    quantity: Quantity = column("Signed units.")
    price: Price | None = column("Price of one, in the currency.")
    mark_price: Price | None = column("What it was worth, in the currency.")
    realized_reported: Money | None = column("Realized P&L, as stated, in the currency.")
    currency: str = column("ISO code of the currency.")
    day: date = column("The day of the event.")


class AccountValue(Fact):
    """One value of an account as the socket told it at one moment."""

    table: ClassVar[str] = "account_value"
    purpose: ClassVar[str] = "Cash, equity and margins of an account, as the socket told them."
    happens_at: ClassVar[str | None] = "as_of"

    as_of: datetime = column("The moment that the statement describes (UTC).", identity=True)
    name: str = column("NetLiquidation, CashBalance, …, in IBKR's words.", identity=True)
    currency: str = column("ISO code, BASE, or - where it is no money.", identity=True)
    model: str = column("Model portfolio, - where there is none.", identity=True)
    value: str = column("As told.")
    amount: Money | None = column("The value, where it is a number.")


STATEMENTS: tuple[type[Fact], ...] = (
    Statement,
    Commission,
    CorporateAction,
    CashReport,
    FxRate,
    Transfer,
    Security,
    AccountProfile,
    OptionEvent,
    AccountValue,
)
