"""The tables that are computed from facts.

What was held is in `domain.holdings`, what compares the ledger with the broker's own statements in
`domain.comparisons`.
"""

from datetime import date, datetime
from typing import ClassVar, Literal

from domain.columns import Table, column
from domain.comparisons import COMPARISONS
from domain.facts import FACTS, Fill, Settlement
from domain.holdings import HOLDINGS, BasisState, Completeness
from domain.outcomes import OUTCOMES
from domain.units import Fee, Money, Multiplier, Price, Quantity

FeeState = Literal["stated", "reported", "from_settlement", "pending"]


class FillRow(Fill):
    """A fill with its fee settled as far as it is known."""

    subaccount: int = column("Subaccount; 0 is the primary one, also where none is named.")
    subaccount_named: bool = column("Whether any rendering names the subaccount.")
    fee: Fee | None = column("Fee in the currency; empty while pending.", money=True)
    fee_state: FeeState = column(
        "stated by the fill; reported: by a commission report of the socket; from_settlement: its "
        "share by quantity of the fee that the settlement states; pending: nobody has stated it "
        "yet."
    )


class SetAside(Table):
    """An execution that is told and does not count."""

    table: ClassVar[str] = "set_aside"
    purpose: ClassVar[str] = "Executions that do not count, because others stand for them."

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    fill_id: str = column("The execution.", identity=True)
    reason: Literal["combination", "replaced"] = column(
        "combination: its legs have executions of their own; replaced: a correction took its place "
        "before any statement told of either."
    )
    replaced_by: str | None = column("The execution that counts instead.")
    order_id: str | None = column("The broker's id of the order.")
    instrument_id: str = column("What was traded.")
    side: Literal["buy", "sell"] = column("buy or sell.")
    quantity: Quantity = column("How many contracts, always positive.")
    price: Price = column("Price of one contract, in the currency.")
    executed_at: datetime = column("When it was executed (UTC).")
    position: int = column("Log position of the execution.", provenance=True)


class SettlementRow(Settlement):
    """A settlement beside what the fills say."""

    yes_filled: Quantity | None = column("YES contracts acquired according to the fills.")
    no_filled: Quantity | None = column("NO contracts acquired according to the fills.")
    fills_state: Literal["complete", "incomplete", "none"] = column(
        "Whether the fills in the ledger add up to the reported counts."
    )
    revenue_computed: Money | None = column(
        "Cash due at settlement for the position that the fills leave; empty without fills.",
        money=True,
    )
    revenue_state: Literal["agrees", "netted", "missing", "differs", "unchecked"] = column(
        "Reported against due (by the fills where complete, else by the reported counts): agrees; "
        "netted: 0 because both sides were held in full; missing: 0 reported although a winning "
        "net position was held; differs; unchecked: void, and the fills are not complete."
    )


class Instrument(Table):
    """What can be held."""

    table: ClassVar[str] = "instrument"
    purpose: ClassVar[str] = "What was traded, with series, event and strike."

    venue: str = column("Broker or exchange.", identity=True)
    instrument_id: str = column("Market ticker; on IBKR the conid.", identity=True)
    asset_class: str = column("EVENT (Kalshi), STK, OPT, …; empty if nothing names it.")
    symbol: str = column("Its newest name; on Kalshi the ticker.")
    family: str = column("What P&L is grouped by: Kalshi's series, IBKR's underlying.")
    series: str = column("Kalshi: ticker of the series; IBKR: the underlying.")
    event: str = column("Kalshi: ticker of the event; IBKR: underlying and expiry.")
    strike_text: str = column("Kalshi: what the ticker says behind the event; IBKR: as 630 call.")
    strike_kind: Literal["threshold", "bracket", "call", "put", "other"] = column(
        "T and a number; B and a number (middle of the bracket); an option; anything else."
    )
    strike: Price | None = column("The number, in units of the underlying or the currency.")
    underlying_id: str | None = column("IBKR: conid of the underlying.")
    expires_on: date | None = column("IBKR: last day of an option or future.")
    multiplier: Multiplier | None = column("Units of the underlying that one contract stands for.")


class Attribution(Table):
    """Which strategy a fill belongs to, and why."""

    table: ClassVar[str] = "attribution"
    purpose: ClassVar[str] = "One row a fill: strategy, rule, evidence."

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    fill_id: str = column("The fill.", identity=True)
    position: int = column("Log position of the fill.", provenance=True)
    client_order_id: str | None = column("The bot's id of the order, wherever it was found.")
    strategy: str = column(
        "The strategy, or unattributed. P&L rolls exits up to their parent (`lot_match.strategy`)."
    )
    rule: Literal[
        "prefix",
        "recorded",
        "decision",
        "exit",
        "claim",
        "manual",
        "unknown_prefix",
        "ambiguous",
    ] = column(
        "What decided. prefix: the longest prefix of the rules that fits client_order_id; "
        "recorded: the strategy that the bot recorded with the posted order, or with the one "
        "decision that names the order; decision: a posted decision on the same instrument and "
        "side, near in time; exit: a cheap YES after a NO of a strategy; claim: an operator's. "
        "Unattributed are manual: nothing is known of its order; unknown_prefix: it has a "
        "client_order_id that no prefix fits; ambiguous: decisions of several strategies are "
        "equally near."
    )
    prefix: str | None = column("The prefix, where one decided.")
    evidence: Literal[
        "fill", "order", "posted_order", "message", "decision", "exit", "claim", "none"
    ] = column(
        "On what, the strongest first: a rendering of the fill, the broker's order, the order as "
        "the bot recorded it, a message of the live channel, a decision (before the message where "
        "it names the order: rule recorded), the entry that it leaves, a claim. A weaker one never "
        "overrides a stronger one."
    )
    confidence: Literal["certain", "strong", "likely", "guessed", "claimed", "none"] = column(
        "certain: the fill says so itself; strong: its order does, or who names it; likely: a "
        "decision fits; "
        "guessed: the price and the time fit; claimed: an operator says so."
    )
    decision_id: str | None = column("The decision behind it, where the evidence names one.")
    evidence_positions: tuple[int, ...] = column(
        "Log positions of the events that decided, the deciding one first.", provenance=True
    )


CashCause = Literal[
    "fill",
    "fee",
    "redemption",
    "settlement",
    "transfer_fee",
    "conversion",
    "variation",
    "corporate_action",
    "transfer",
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


class CashEntry(Table):
    """One effect on cash."""

    table: ClassVar[str] = "cash_ledger"
    purpose: ClassVar[str] = "Every cash effect with its cause; the sum is the expected balance."

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    subaccount: int = column("Subaccount; 0 is the primary one.", identity=True)
    currency: str = column("ISO code of the currency.", identity=True)
    at: datetime = column("When (UTC).")
    amount: Money = column("Into the account positive, in the currency.", money=True)
    cause: CashCause = column(
        "fill: what was paid for the side acquired, or received; redemption: pairs of YES and NO "
        "turned into 1.00 each; settlement: payout of what was left; transfer_fee: of a deposit or "
        "withdrawal; conversion: the other side of an exchange of currencies; variation: what a "
        "future made up to the close of its day; corporate_action, transfer: cash that came with "
        "one; anything else as in `cash_movement.category`.",
        identity=True,
    )
    instrument_id: str | None = column("What it was for.")
    reference: str = column("Id of the fill, market or movement that caused it.", identity=True)
    report_date: date | None = column("IBKR: the day (New York) whose statement shows it.")
    position: int = column("Log position of the cause.", provenance=True)


class DailyPnl(Table):
    """Realized P&L of a day."""

    table: ClassVar[str] = "daily_pnl"
    purpose: ClassVar[str] = (
        "Realized P&L by day of closing, strategy and family. Lots with unknown fees, or with a "
        "missing basis, stand in rows of their own, so that sums of the known rows are exact."
    )

    day: date = column("UTC day on which lots were closed.", identity=True)
    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    strategy: str = column("Strategy of the opening fill.", identity=True)
    family: str = column("Family of the instrument.", identity=True)
    currency: str = column("ISO code of the currency.", identity=True)
    fee_state: Completeness = column("Whether the fees of the row are known.", identity=True)
    basis_state: BasisState = column("Whether the openings of the row are known.", identity=True)
    lots: int = column("Lot matches in the row.")
    realized_gross: Money | None = column(
        "P&L before fees, in the currency; empty where the basis is missing.", money=True
    )
    fees: Money | None = column("Fees of the closed lots, in the currency.", money=True)
    realized_net: Money | None = column("P&L after fees, in the currency.", money=True)


class StreamCoverage(Table):
    """A stretch of time of which all rows of a stream were fetched."""

    table: ClassVar[str] = "stream_coverage"
    purpose: ClassVar[str] = (
        "For which time a stream is complete: complete fetches whose times touch make one row."
    )

    venue: str = column("Who was asked.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    stream: str = column("fills, settlements, … of the broker.", identity=True)
    covered_from: datetime = column("Beginning of the stretch (UTC).", identity=True)
    covered_until: datetime = column("End of the stretch (UTC).")


class StreamStatus(Table):
    """How far a stream is to be trusted."""

    table: ClassVar[str] = "stream_status"
    purpose: ClassVar[str] = (
        "One row for each stream that was ever fetched: how its newest fetch ended, and for which "
        "time it is complete."
    )

    venue: str = column("Who was asked.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    stream: str = column("fills, settlements, … of the broker.", identity=True)
    state: Literal["complete", "incomplete"] = column("How the newest fetch ended.")
    reason: str | None = column("Why the newest fetch is incomplete.")
    rows: int = column("Rows that the newest fetch held.")
    last_fetch_at: datetime = column("When the newest fetch began (UTC).")
    last_complete_at: datetime | None = column(
        "When the newest complete fetch began (UTC); empty if there was none."
    )
    covered_from: datetime | None = column("Beginning of the newest covered stretch (UTC).")
    covered_until: datetime | None = column("End of the newest covered stretch (UTC).")
    gaps: int = column("Gaps between covered stretches.")


class Canary(Table):
    """Something that looks wrong although every shape is known."""

    table: ClassVar[str] = "canary"
    purpose: ClassVar[str] = "What looks wrong although every shape is known."

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    rule: Literal[
        "revenue_missing",
        "revenue_differs",
        "result_missing",
        "market_result_missing",
        "subaccount_missing",
        "settlement_missing",
        "fee_zero",
        "balance_unexplained",
        "balance_parts",
        "subaccount_balance_differs",
        "portfolio_value_scoped",
        "opening_missing",
        "exercise_unpaired",
        "cancel_unmatched",
        "action_unread",
        "worth_differs",
        "position_socket_differs",
        "execution_in_two_accounts",
        "manual_beside_decision",
        "order_not_seen",
        "fills_stopped",
        "posted_orders_stopped",
        "decision_in_future",
        "posted_order_differs",
        "claim_of_unknown_fill",
        "claim_overruled",
        "exit_undeclared",
        "exit_without_executions",
    ] = column(
        "revenue_missing, revenue_differs: as in `settlement.revenue_state`; result_missing: a "
        "settlement without yes or no that pays like one; market_result_missing: a final market "
        "without a result that settled yes or no; subaccount_missing: fills that name no "
        "subaccount although the account has several; settlement_missing: a position that is open "
        "by the fills in a market that has ended; fee_zero: fills without a fee in a series that "
        "charges one; balance_unexplained: the balance moved otherwise than the cash ledger; "
        "balance_parts: the shards do not add up to the balance; subaccount_balance_differs: the "
        "list of subaccounts says another balance; portfolio_value_scoped: the portfolio value is "
        "that of one shard alone; opening_missing: a position from before the ledger's first row, "
        "whose cost nobody has told; exercise_unpaired: an exercised or assigned option without "
        "the row of its underlying; cancel_unmatched: a cancel whose original is not in the "
        "ledger; action_unread: a corporate action of a sort that the ledger has no rule for; "
        "worth_differs: what a row brought is not its quantity times its price times its "
        "multiplier; position_socket_differs: the newest position that the socket told is not the "
        "ledger's at that moment; execution_in_two_accounts: the same execution in an account and "
        "in a segment of it, counted twice; manual_beside_decision: a fill that nothing explains "
        "beside a posted decision on the same instrument and side; order_not_seen: an order that "
        "the bot posted and that the broker, asked since, does not know; fills_stopped: a strategy "
        "posts decisions and has no fills any more; posted_orders_stopped: fills go on and the bot "
        "records no posted orders any more; decision_in_future: a decision that was taken in "
        "before it was made; posted_order_differs: a posted order of the same id is of another "
        "instrument or side than the fill; claim_of_unknown_fill, claim_overruled: a claim that "
        "has no effect; exit_undeclared: an exit reason in a spelling that is in no list; "
        "exit_without_executions: the bot holds a position closed that the broker's rows leave "
        "open or never opened.",
        identity=True,
    )
    subject: str = column(
        "The market, the instrument, the row, the series and day, the moment of a balance, the "
        "fill, the posted order, the decision, the strategy; the venue where orders go unrecorded.",
        identity=True,
    )
    found: Money | None = column("What is stated, in the currency; of a position its contracts.")
    expected: Money | None = column("What was to be expected, likewise.")
    detail: str = column("What was compared.")
    position: int = column("Log position of what is stated.", provenance=True)


class Unreadable(Table):
    """An event that no reader could turn into a fact."""

    table: ClassVar[str] = "unreadable"
    purpose: ClassVar[str] = "Events that no reader could turn into a fact, with the reason."

    position: int = column("Log position of the event.", identity=True, provenance=True)
    kind: str = column("Kind of the event.")
    key: str = column("Key of the event.", identity=True)
    shape: str | None = column("Shape of the payload.")
    reader: str | None = column("The reader that tried; empty where no reader accepts the shape.")
    reason: str = column(
        "unknown_kind, unknown_page (a page with something on it that no importer knows), "
        "unknown_shape, ambiguous_shape, wrong_shape, repeated_key, not_json, missing_value, "
        "bad_number, bad_time, bad_value, contradiction"
    )
    column_name: str | None = column("Column of the fact, or keys of the payload, at fault.")
    offending: str | None = column("The text at fault.")


class Drift(Table):
    """One shape of one kind, and what is known of it."""

    table: ClassVar[str] = "drift"
    purpose: ClassVar[str] = "Census of shapes: which are known, which carry something new."

    kind: str = column("Kind of event.", identity=True)
    shape: str = column("Shape of the payload.", identity=True)
    reader: str | None = column("The reader that accepts it.")
    status: Literal["known", "additive", "unknown"] = column("See domain/shapes.py.")
    reason: str | None = column("Why it is unknown.")
    nearest: str | None = column("The reader that comes nearest.")
    keys_added: str | None = column("Keys (path:type) that are new, joined by ', '.")
    keys_missing: str | None = column("Required keys that are gone or of another type.")
    first_position: int = column("First event of the shape.", provenance=True)
    last_position: int = column("Last event of the shape.", provenance=True)
    events: int = column("How many events have it.")


class FactCount(Table):
    """How often the facts of a table were told."""

    table: ClassVar[str] = "fact_count"
    purpose: ClassVar[str] = "For each fact table how often its facts were told, and how many."

    fact: str = column("Table of the facts.", identity=True)
    tellings: int = column("Renderings that could be read.", provenance=True)
    facts: int = column("Facts that they tell of.")


class ShapeMonth(Table):
    """How often a shape came in a month."""

    table: ClassVar[str] = "shape_month"
    purpose: ClassVar[str] = "Events by kind, shape and month of arrival."

    kind: str = column("Kind of event.", identity=True)
    shape: str = column("Shape of the payload.", identity=True)
    month: str = column("Month (UTC) in which the events were taken in, as 2026-05.", identity=True)
    events: int = column("How many events.")


class Restatement(Table):
    """A later rendering that reads differently."""

    table: ClassVar[str] = "restatement"
    purpose: ClassVar[str] = "Renderings that changed a fact: old, new, and the money between."

    fact: str = column("Table of the fact.", identity=True)
    fact_id: str = column("What identifies it, joined by '|'.", identity=True)
    change: Literal["completed", "changed"] = column(
        "completed: said for the first time what nobody had stated; changed: said otherwise."
    )
    columns: str = column("Columns that changed, joined by ', '.")
    old_values: str = column("Their values before, as JSON.")
    new_values: str = column("Their values after, as JSON.")
    cash_difference: Money | None = column(
        "What the change does to cash, in the currency.", money=True
    )
    old_position: int = column("Log position of the rendering before.", provenance=True)
    new_position: int = column("Log position of the later one.", identity=True, provenance=True)


class Retelling(Table):
    """From where a fact was read that was told several times."""

    table: ClassVar[str] = "retelling"
    purpose: ClassVar[str] = "For each fact that was told several times all of its renderings."

    fact: str = column("Table of the fact.", identity=True)
    position: int = column(
        "Log position of the newest rendering, which is that of the fact.",
        identity=True,
        provenance=True,
    )
    positions: tuple[int, ...] = column(
        "Log positions of all of its renderings, ascending.", provenance=True
    )


REPLACED: dict[str, type[Table]] = {"fill": FillRow, "settlement": SettlementRow}

TABLES: tuple[type[Table], ...] = (
    *(REPLACED.get(fact.table, fact) for fact in FACTS),
    SetAside,
    Instrument,
    Attribution,
    *HOLDINGS,
    CashEntry,
    DailyPnl,
    *COMPARISONS,
    *OUTCOMES,
    StreamCoverage,
    StreamStatus,
    Canary,
    Unreadable,
    Drift,
    FactCount,
    ShapeMonth,
    Restatement,
    Retelling,
)
