"""The fact tables: what readers make of the brokers' payloads.

Direction is always said in terms of one signed contract. On Kalshi that is the YES contract:
acquiring NO at p is selling YES at 1 - p, so `side` is `buy` for YES acquired and `sell` for NO
acquired, and `price` is the price of YES.

The tables of Interactive Brokers' statements alone are in `domain.statements`.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar, Literal

from domain.columns import Fact, column
from domain.recorded import RECORDED
from domain.statements import STATEMENTS
from domain.units import Fee, Money, Multiplier, Price, Quantity


class Fill(Fact):
    """An execution as the broker reports it."""

    table: ClassVar[str] = "fill"
    purpose: ClassVar[str] = "Executions: one row each, however often and in whatever shape told."
    cash_effect: ClassVar[str | None] = (
        "CASE WHEN asset_class = 'FUT' THEN coalesce(net_cash + fee, 0)"
        " ELSE -quantity::DECIMAL(38,8) * multiplier * CASE WHEN side = 'buy' THEN price"
        " WHEN venue = 'kalshi' THEN 1 - price ELSE -price END END"
        " - coalesce(fee, 0)"
    )
    happens_at: ClassVar[str | None] = "executed_at"

    fill_id: str = column(
        "The broker's id of the execution; transaction-N for what IBKR booked without one.",
        identity=True,
    )
    order_id: str | None = column(
        "The broker's id of the order; on IBKR the permanent id, which statements do not name.",
        inherited=True,
    )
    statement_order_id: str | None = column(
        "IBKR: the number of the order in statements.", inherited=True
    )
    client_order_id: str | None = column(
        "The id that the bot gave its order; newer renderings leave it out.", inherited=True
    )
    client_order_evidence: Literal["fill", "message"] | None = column(
        "Which rendering stated client_order_id: the fill, or a message of the live channel.",
        inherited=True,
        provenance=True,
    )
    client_order_position: int | None = column(
        "Log position of the rendering that stated client_order_id.",
        inherited=True,
        provenance=True,
    )
    subaccount: int | None = column(
        "Subaccount; empty where no rendering names one.", inherited=True
    )
    instrument_id: str = column("What was traded; on Kalshi the market ticker, on IBKR the conid.")
    asset_class: str = column(
        "EVENT (Kalshi); STK, OPT, FUT, FOP, CASH (currencies), BAG (a combination), … in IBKR's "
        "words."
    )
    symbol: str | None = column("The broker's name of the instrument.", inherited=True)
    underlying_id: str | None = column("IBKR: conid of the underlying.", inherited=True)
    underlying_symbol: str | None = column("Name of the underlying.", inherited=True)
    expires_on: date | None = column("Last day of an option or future.", inherited=True)
    strike: Price | None = column("Strike of an option, in the currency.", inherited=True)
    option_right: Literal["call", "put"] | None = column("call or put.", inherited=True)
    booking: Literal["execution", "cancel", "expiry", "exercise", "assignment", "booked"] = column(
        "execution: traded; cancel: takes an earlier row back; expiry, exercise, assignment: the "
        "end of an option, or the stock that came of it; booked: anything else that IBKR booked."
    )
    broker_trade_id: str | None = column(
        "IBKR: tradeID, which a re-booking shares with what it replaces.", inherited=True
    )
    cancels_trade_id: str | None = column(
        "IBKR: the tradeID that a cancel takes back.", inherited=True
    )
    open_close: Literal["open", "close", "both"] | None = column(
        "IBKR: whether it opened or closed a position, as stated.", inherited=True
    )
    side: Literal["buy", "sell"] = column("buy or sell, of the one signed contract.")
    outcome_side: Literal["yes", "no"] | None = column("Kalshi: the side that was acquired.")
    told_by: Literal["api", "message", "socket", "confirmation", "statement"] = column(
        "The most authoritative rendering so far: Kalshi's pages (api) over its messages; IBKR's "
        "activity statements over its confirmations over its socket.",
        provenance=True,
    )
    quantity: Quantity = column("How many contracts, always positive.")
    price: Price = column("Price of one contract (Kalshi: of YES), in the currency.")
    multiplier: Multiplier = column("Units of the underlying that one contract stands for.")
    fee: Fee | None = column(
        "Fee of the fill as stated, taxes included, in fee_currency; empty where the rendering "
        "states none.",
        inherited=True,
        money=True,
    )
    fee_currency: str | None = column(
        "ISO code of the currency of the fee; IBKR: empty where no fee is stated.",
        inherited=True,
    )
    currency: str = column("ISO code of the currency.")
    proceeds: Money | None = column(
        "IBKR: what the trade brought before fees, as stated, in the currency.", inherited=True
    )
    net_cash: Money | None = column(
        "IBKR: what it did to cash, fees included, as stated, in the currency; 0 for currencies.",
        inherited=True,
    )
    realized_reported: Money | None = column(
        "IBKR: its realized P&L after fees, as stated, in the currency.", inherited=True
    )
    rate_to_base: Price | None = column(
        "IBKR: units of the account's base currency for one of the currency.", inherited=True
    )
    executed_at: datetime = column("When it was executed (UTC).")
    report_date: date | None = column(
        "IBKR: the day (New York) whose statement shows it.", inherited=True
    )
    sequence: int | None = column(
        "IBKR: transactionID, which orders rows of one second.", inherited=True
    )
    liquidity: Literal["maker", "taker"] | None = column(
        "Whether it made or took liquidity.", inherited=True
    )
    exchange_index: int | None = column("Kalshi: exchange shard.", inherited=True)


class Settlement(Fact):
    """The end of an event contract as the broker reports it."""

    table: ClassVar[str] = "settlement"
    purpose: ClassVar[str] = "Settled markets: what the broker says and what the fills say."
    cash_effect: ClassVar[str | None] = "revenue_reported"
    happens_at: ClassVar[str | None] = "settled_at"

    instrument_id: str = column("The market that settled.", identity=True)
    result: Literal["yes", "no", "scalar", "void"] = column("How the market ended.")
    result_named: bool = column(
        "Whether the result was named; that of scalar markets was not until January 2026.",
        provenance=True,
    )
    payout: Price | None = column("What one YES pays, in the currency; empty for void.")
    yes_quantity: Quantity = column("YES contracts ever acquired (gross), as reported.")
    no_quantity: Quantity = column("NO contracts ever acquired (gross), as reported.")
    yes_cost: Money = column("What the YES contracts cost, as reported, in the currency.")
    no_cost: Money = column("What the NO contracts cost, as reported, in the currency.")
    revenue_reported: Money = column(
        "Cash that the broker says it paid at settlement, in the currency.", money=True
    )
    fee_reported: Fee | None = column(
        "Fees of all fills of the market, as reported, in the currency.",
        inherited=True,
        money=True,
    )
    currency: str = column("ISO code of the currency.")
    settled_at: datetime = column("When the market settled (UTC).")
    event: str | None = column("Ticker of the event.", inherited=True)
    exchange_index: int | None = column("Kalshi: exchange shard.", inherited=True)


class OrderState(Fact):
    """An order in its newest known state."""

    table: ClassVar[str] = "order_state"
    purpose: ClassVar[str] = "Orders in their newest known state."
    newest_by: ClassVar[str | None] = "updated_at"
    happens_at: ClassVar[str | None] = "coalesce(created_at, updated_at)"
    as_cut: ClassVar[Mapping[str, str]] = {
        name: f"CASE WHEN updated_at > $cut THEN NULL ELSE {name} END"
        for name in ("status", "filled_quantity", "remaining_quantity", "updated_at")
    }

    order_id: str = column("The broker's id of the order.", identity=True)
    client_order_id: str | None = column("The id that the bot gave the order.", inherited=True)
    subaccount: int | None = column(
        "Subaccount; empty where no rendering names one.", inherited=True
    )
    instrument_id: str | None = column(
        "What was to be traded; empty where only its status was told.", inherited=True
    )
    side: Literal["buy", "sell"] | None = column(
        "buy or sell, of the one signed contract; empty where it was not told.", inherited=True
    )
    outcome_side: Literal["yes", "no"] | None = column("Kalshi: the side that it acquires.")
    order_type: str | None = column("limit, market, …, in the broker's words.", inherited=True)
    status: str | None = column(
        "resting, executed, canceled, Submitted, Filled, …, in the broker's words; empty where "
        "only the order itself was told.",
        inherited=True,
    )
    price: Price | None = column("Limit price (Kalshi: of YES), in the currency.", inherited=True)
    initial_quantity: Quantity | None = column("Contracts asked for.", inherited=True)
    filled_quantity: Quantity | None = column("Contracts filled so far.", inherited=True)
    remaining_quantity: Quantity | None = column("Contracts still open.", inherited=True)
    created_at: datetime | None = column(
        "When the broker took the order (UTC); IBKR does not say.", inherited=True
    )
    updated_at: datetime | None = column(
        "When the broker last changed it (UTC); on IBKR when it was told."
    )


class Market(Fact):
    """An event contract as the exchange describes it."""

    table: ClassVar[str] = "market"
    purpose: ClassVar[str] = "Event contracts as the exchange describes them."
    newest_by: ClassVar[str | None] = "updated_at"

    instrument_id: str = column("The market ticker.", identity=True)
    event: str = column("Ticker of the event.")
    status: str = column("active, finalized, …, in the exchange's words.")
    result: str | None = column("yes, no, scalar; empty while undecided.")
    strike_type: str | None = column("greater, less, between, custom, …, in its words.")
    floor_strike: Price | None = column("Lower bound of the strike, in units of the underlying.")
    cap_strike: Price | None = column("Upper bound of the strike, in units of the underlying.")
    closes_at: datetime | None = column("When trading ends (UTC).")
    fee_waived_until: datetime | None = column("Until when no fee is charged (UTC).")
    updated_at: datetime | None = column("When the exchange last changed it (UTC).")


class Series(Fact):
    """A series of event contracts as the exchange describes it."""

    table: ClassVar[str] = "series"
    purpose: ClassVar[str] = "Series as the exchange describes them: what they charge."

    series_id: str = column("The series ticker.", identity=True)
    title: str | None = column("In the exchange's words.")
    fee_type: str = column(
        "quadratic, quadratic_with_maker_fees, quadratic_with_combo_maker_fees, flat, …, in its "
        "words."
    )
    fee_multiplier: Price = column("Factor on the fee formula; 0 charges nothing.")
    received_at: datetime = column("When it was told so (UTC).", provenance=True)


class PositionSnapshot(Fact):
    """A position as the broker stated it at one moment."""

    table: ClassVar[str] = "position_snapshot"
    purpose: ClassVar[str] = "Positions as the broker stated them, to reconcile with."
    happens_at: ClassVar[str | None] = "as_of"

    instrument_id: str = column("What is held.", identity=True)
    subaccount: int = column(
        "Subaccount that was asked for; 0 is the primary one, also where none was named.",
        identity=True,
    )
    as_of: datetime = column("The moment that the statement describes (UTC).", identity=True)
    quantity: Quantity = column("Signed contracts (Kalshi: of YES).")
    exposure: Money | None = column("Cost of the open position, in the currency.")
    realized_pnl: Money | None = column("Realized P&L before fees, in the currency.")
    average_price: Price | None = column(
        "IBKR: cost of one, fees included, in the currency; on the socket of one contract."
    )
    mark_price: Price | None = column("Price at which it is valued, in the currency.")
    market_value: Money | None = column("Value of the position, in the currency.")
    unrealized_pnl: Money | None = column("Unrealized P&L, in the currency.")
    symbol: str | None = column("The broker's name of the instrument.")
    asset_class: str | None = column("As in `fill`.")
    multiplier: Multiplier | None = column("Units of the underlying that one contract stands for.")
    told_by: Literal["api", "socket", "statement"] = column(
        "api: Kalshi; socket: IBKR live; statement: IBKR at the end of the day.", identity=True
    )
    fees_paid: Money | None = column("Fees, in the currency.")
    total_traded: Money | None = column("Cost of everything acquired, in the currency.")
    currency: str = column("ISO code of the currency.")
    exchange_index: int | None = column("Kalshi: exchange shard.")


class BalanceSnapshot(Fact):
    """A cash balance as the broker stated it at one moment."""

    table: ClassVar[str] = "balance_snapshot"
    purpose: ClassVar[str] = "Cash balances as the broker stated them, to reconcile with."
    happens_at: ClassVar[str | None] = "as_of"

    as_of: datetime = column("The moment that the statement describes (UTC).", identity=True)
    subaccount: int = column(
        "Subaccount; 0 is the primary one, also where none was named.", identity=True
    )
    shard: str = column(
        "Kalshi: the exchange shard, or all where the statement is of all of them.", identity=True
    )
    told_by: Literal["balance", "subaccount_balance"] = column(
        "Which statement: that of the balance, or the list of subaccounts.", identity=True
    )
    cash: Money = column("Cash, in the currency.")
    exact: bool = column("Whether it was told exactly, and not cut to whole cents.")
    portfolio_value: Money | None = column("Value of open positions, in the currency.")
    currency: str = column("ISO code of the currency.")
    received_at: datetime | None = column("When the statement came (UTC).", provenance=True)


CashCategory = Literal[
    "deposit",
    "withdrawal",
    "dividend",
    "payment_in_lieu",
    "withholding_tax",
    "interest",
    "bond_interest",
    "other_fee",
    "commission_adjustment",
    "advisor_fee",
    "other_income",
]


class CashMovement(Fact):
    """Money that came in or went out, apart from trading."""

    table: ClassVar[str] = "cash_movement"
    purpose: ClassVar[str] = (
        "Deposits, withdrawals, dividends, taxes, interest and fees in their newest known state."
    )
    newest_by: ClassVar[str | None] = "finalized_at"
    cash_effect: ClassVar[str | None] = (
        "CASE WHEN status <> 'applied' THEN 0 WHEN direction = 'deposit' THEN amount - fee"
        " ELSE -(amount + fee) END"
    )
    happens_at: ClassVar[str | None] = "coalesce(finalized_at, created_at)"

    movement_id: str = column("The broker's id.", identity=True)
    direction: Literal["deposit", "withdrawal"] = column(
        "Which way it went: into the account or out of it.", identity=True
    )
    category: CashCategory = column("What it was.")
    instrument_id: str | None = column("What paid it, or cost it.")
    action_id: str | None = column("IBKR: the corporate action behind it.")
    description: str | None = column("In the broker's words.")
    rate_to_base: Price | None = column(
        "IBKR: units of the account's base currency for one of the currency."
    )
    report_date: date | None = column("IBKR: the day (New York) whose statement shows it.")
    amount: Money = column("Gross amount, always positive, in the currency.", money=True)
    fee: Fee = column("What the broker kept of it, in the currency.", money=True)
    currency: str = column("ISO code of the currency.")
    status: str = column("applied is the only state that moves cash; in the broker's words.")
    method: str | None = column("ach, wire, crypto, debit, …, in the broker's words.")
    created_at: datetime = column("When it was asked for (UTC).")
    finalized_at: datetime | None = column("When it was applied, failed or returned (UTC).")


class ReportTransaction(Fact):
    """A closed lot in the broker's own tax export: to compare with, never a fill."""

    table: ClassVar[str] = "report_transaction"
    purpose: ClassVar[str] = "Closed lots and credits as the broker's tax export lists them."
    happens_at: ClassVar[str | None] = "closed_at"

    row_id: str = column("Digest of the row and its count among equal rows.", identity=True)
    row_type: str = column("trade, credit, … as exported.")
    instrument_id: str | None = column("The market ticker.")
    held_side: str | None = column("The side that was held: yes or no.")
    quantity: Quantity | None = column("Contracts; the cents export cuts fractions off.")
    entry_price: Price | None = column("Price of the side held, in the currency.")
    exit_price: Price | None = column("Price of the side held, in the currency.")
    open_fee: Money | None = column("Fee of opening, in the currency.")
    close_fee: Money | None = column("Fee of closing, in the currency.")
    realized_gross: Money | None = column("P&L before fees, in the currency.")
    realized_net: Money | None = column("P&L after fees, in the currency.")
    currency: str = column("ISO code of the currency.")
    opened_at: datetime | None = column("When it was opened (UTC).")
    closed_at: datetime = column("When it was closed or credited (UTC).")


class ReportActivity(Fact):
    """A row of the broker's activity export: to compare with, never a fill."""

    table: ClassVar[str] = "report_activity"
    purpose: ClassVar[str] = "Rows of the broker's recent-activity export."
    happens_at: ClassVar[str | None] = '"at"'

    row_id: str = column("Digest of the row and its count among equal rows.", identity=True)
    row_type: str = column("Order, Trade, Settlement, Credit, … as exported.")
    status: str | None = column("As exported.")
    instrument_id: str | None = column("The market ticker.")
    market_id: str | None = column("The exchange's internal id.")
    held_side: str | None = column("Yes or No, as exported.")
    amount: Money | None = column("Contracts or money, depending on the row type, as exported.")
    fee: Money | None = column("Fee, in the currency.")
    yes_price: Price | None = column("Price of YES, in the currency.")
    yes_owned: Quantity | None = column("YES contracts; the export cuts fractions off.")
    no_owned: Quantity | None = column("NO contracts; the export cuts fractions off.")
    result: str | None = column("Of a settlement.")
    revenue: Money | None = column("Exported as profit; on settlements it is the revenue.")
    currency: str = column("ISO code of the currency.")
    at: datetime = column("When it happened (UTC).")


class Fetch(Fact):
    """One piece of input: what was asked for, what came, and whether it came whole."""

    table: ClassVar[str] = "fetch_log"
    purpose: ClassVar[str] = "What was taken in, from where, and whether it came whole."
    happens_at: ClassVar[str | None] = "coalesce(covered_from, started_at)"
    as_cut: ClassVar[Mapping[str, str]] = {
        "covered_until": "CASE WHEN covered_until > $cut THEN $cut ELSE covered_until END"
    }

    document: str = column("What identifies the piece of input.", identity=True)
    adapter: str = column("Who took it in, with its version.")
    pages: int = column("Answers of the API; 0 for rows that stand by themselves.")
    rows: int = column("Rows that it held.")
    cursor_ended: bool | None = column("Whether the last page said that it was the last.")
    broker: str | None = column("Who was asked; empty for files.")
    stream: str | None = column("What was asked for: fills, settlements, … of the broker.")
    state: Literal["complete", "incomplete"] | None = column(
        "complete: asked to its end; incomplete: broken off, it covers nothing."
    )
    started_at: datetime | None = column("When the fetch began (UTC).")
    ended_at: datetime | None = column("When the fetch ended (UTC).")
    covered_from: datetime | None = column("Beginning of the time whose rows all came (UTC).")
    covered_until: datetime | None = column("End of the time whose rows all came (UTC).")
    resume_from: datetime | None = column("Where the next fetch has to begin at the latest (UTC).")
    reason: str | None = column("Why it is incomplete.")


FACTS: tuple[type[Fact], ...] = (
    Fill,
    Settlement,
    OrderState,
    Market,
    Series,
    PositionSnapshot,
    BalanceSnapshot,
    CashMovement,
    ReportTransaction,
    ReportActivity,
    *STATEMENTS,
    *RECORDED,
    Fetch,
)
