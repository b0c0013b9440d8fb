"""The tables of what was held: lots, round trips, positions, and what was there before.

A *holding* is one instrument in one subaccount of one account and mode: (venue, account, mode,
subaccount, instrument_id). Lots are matched first in, first out, within a holding.

Unknown is a state: a lot match with a fee that nobody has stated yet has `fee_state` pending and
empty `fees` and `realized_net`; its `realized_gross` is exact. One whose opening nobody has told
has `basis_state` missing, and no P&L at all.
"""

from datetime import datetime
from typing import ClassVar, Literal

from domain.columns import Table, column
from domain.units import Money, Multiplier, Price, Quantity

Completeness = Literal["complete", "pending"]
BasisState = Literal["known", "missing"]


class Opening(Table):
    """A position that was there before the first row that the ledger holds."""

    table: ClassVar[str] = "opening"
    purpose: ClassVar[str] = (
        "Positions from before the ledger's first row: statements show that they were there, and "
        "nobody has told what they cost."
    )

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    subaccount: int = column("Subaccount; 0 is the primary one.", identity=True)
    instrument_id: str = column("What was held.", identity=True)
    quantity: Quantity = column("Signed contracts, as counted before the first row.")
    evidence: Literal["statement", "closing"] = column(
        "statement: a later OpenPositions row says how much; closing: fills that the broker calls "
        "closing close at least so much."
    )
    before: datetime = column("Time of the first row of the instrument (UTC).")
    position: int = column("Log position of the evidence.", provenance=True)


class CarriedPremium(Table):
    """The premium of an option that moved into what it was exercised into."""

    table: ClassVar[str] = "carried_premium"
    purpose: ClassVar[str] = (
        "Premium and fees of options that exercise or assignment moved into the underlying: the "
        "option's own P&L is 0, as on IBKR's statements."
    )

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    fill_id: str = column("The row that ended the option.", identity=True)
    instrument_id: str = column("The option.")
    into_fill_id: str = column("The row of the underlying that took the premium over.")
    into_instrument_id: str = column("The underlying.")
    premium: Money | None = column(
        "Received positive, paid negative, in the currency; empty where the option's opening is "
        "missing.",
        money=True,
    )
    fees: Money | None = column(
        "Fees of the option's fills that moved with it, in the currency; empty while pending.",
        money=True,
    )
    currency: str = column("ISO code of the currency.")
    position: int = column("Log position of the row that ended the option.", provenance=True)


class LotMatch(Table):
    """A quantity that was opened by one fill and closed by another, or by settlement."""

    table: ClassVar[str] = "lot_match"
    purpose: ClassVar[str] = "Realized P&L, lot by lot: every other P&L figure sums these rows."

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    subaccount: int = column("Subaccount; 0 is the primary one.", identity=True)
    instrument_id: str = column("What was held.", identity=True)
    open_fill_id: str = column("The fill that opened it.", identity=True)
    close_id: str = column(
        "The fill, settled market or row of a corporate action that closed it.", identity=True
    )
    close_kind: Literal[
        "fill",
        "settlement",
        "cancel",
        "expiry",
        "exercise",
        "assignment",
        "corporate_action",
        "transfer",
    ] = column(
        "What closed it; cancel: the broker took the opening back, which costs its fee alone; "
        "transfer: it went to another account, at a result that nobody tells."
    )
    trade_id: str = column("The round trip that it belongs to: the fill that opened it.")
    strategy: str = column(
        "Whose the P&L is: the strategy of the opening fill, an exit rolled up to its parent "
        "unless the rules say otherwise."
    )
    open_strategy: str = column("Strategy of the opening fill, as in `attribution`.")
    close_strategy: str | None = column(
        "Strategy of the closing fill, as in `attribution`; empty where no fill closed it."
    )
    direction: Literal["long", "short"] = column("long or short of the one signed contract.")
    quantity: Quantity = column("Contracts, always positive, as counted at closing.")
    open_price: Price | None = column(
        "Price at opening, in the currency; cut to 9 places where a split or merger lies between; "
        "empty where the opening is missing."
    )
    close_price: Price | None = column(
        "Price at closing, or payout, in the currency; empty for a corporate action or transfer."
    )
    multiplier: Multiplier = column("Units of the underlying that one contract stands for.")
    rounding: Money = column(
        "What the exchange cut off when it paid whole cents; part of realized_gross.", money=True
    )
    premium: Money = column(
        "Premium of the options whose exercise or assignment opened or closed it; part of "
        "realized_gross, as on IBKR's statements. 0 for most.",
        money=True,
    )
    basis_state: BasisState = column(
        "known, or missing: it was opened before the first row that the ledger holds, or came from "
        "or went to another account."
    )
    realized_gross: Money | None = column(
        "P&L before fees, in the currency; empty where the basis is missing.", money=True
    )
    fee_state: Completeness = column("Whether both fees are known.")
    fees: Money | None = column("Shares of both fills' fees, in the currency.", money=True)
    realized_net: Money | None = column("P&L after fees, in the currency.", money=True)
    currency: str = column("ISO code of the currency.")
    opened_at: datetime = column("When it was opened (UTC).")
    closed_at: datetime = column("When it was closed (UTC).")
    open_position: int = column("Log position of the opening fill.", provenance=True)
    close_position: int = column("Log position of what closed it.", provenance=True)


class OpenLot(Table):
    """A quantity that was opened and not closed yet."""

    table: ClassVar[str] = "open_lot"
    purpose: ClassVar[str] = "What is still open, lot by lot."

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    subaccount: int = column("Subaccount; 0 is the primary one.", identity=True)
    instrument_id: str = column("What is held.", identity=True)
    open_fill_id: str = column("The fill that opened it.", identity=True)
    trade_id: str = column("The round trip that it belongs to: the fill that opened it.")
    strategy: str = column("Strategy of the opening fill, rolled up as in `lot_match`.")
    direction: Literal["long", "short"] = column("long or short of the one signed contract.")
    quantity: Quantity = column("Contracts, always positive.")
    open_price: Price | None = column(
        "Price at opening, in the currency; cut to 9 places where a split or merger lies between; "
        "empty where the opening is missing."
    )
    multiplier: Multiplier = column("Units of the underlying that one contract stands for.")
    basis_state: BasisState = column("known, or missing, as in `lot_match`.")
    cost: Money | None = column(
        "Cash paid for it, before fees, premium of exercised options included, in the currency; "
        "empty where the basis is missing.",
        money=True,
    )
    fee_state: Completeness = column("Whether the fee is known.")
    fees: Money | None = column("Share of the opening fill's fee, in the currency.", money=True)
    currency: str = column("ISO code of the currency.")
    opened_at: datetime = column("When it was opened (UTC).")
    open_position: int = column("Log position of the opening fill.", provenance=True)


class Position(Table):
    """What is held now."""

    table: ClassVar[str] = "position"
    purpose: ClassVar[str] = "Open positions; a holding that is flat has no row."

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    subaccount: int = column("Subaccount; 0 is the primary one.", identity=True)
    instrument_id: str = column("What is held.", identity=True)
    quantity: Quantity = column("Signed contracts (Kalshi: of YES).")
    average_price: Price | None = column(
        "Average opening price, cut to 9 places, in the currency; empty where a basis is missing."
    )
    cost: Money | None = column(
        "Cash paid for it, before fees, in the currency; empty where a basis is missing.",
        money=True,
    )
    currency: str = column("ISO code of the currency.")


class Trade(Table):
    """One round trip of a holding, from flat to flat."""

    table: ClassVar[str] = "trade"
    purpose: ClassVar[str] = "Round trips from flat to flat; closed_at is empty while open."

    trade_id: str = column("The fill that opened it.", identity=True)
    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    subaccount: int = column("Subaccount; 0 is the primary one.")
    instrument_id: str = column("What was held.")
    strategy: str = column("Strategy of the first fill, rolled up as in `lot_match`.")
    direction: Literal["long", "short"] = column("long or short of the one signed contract.")
    quantity: Quantity = column("Contracts opened over the round trip.")
    opened_at: datetime = column("First opening (UTC).")
    closed_at: datetime | None = column("When it was flat again (UTC).")
    cancelled: bool = column("Whether it is only an execution that the broker took back.")
    basis_state: BasisState = column(
        "missing if a lot of the closed part was opened before the first row of the ledger."
    )
    realized_gross: Money | None = column(
        "P&L before fees, in the currency; empty where a basis is missing.", money=True
    )
    fee_state: Completeness = column("Whether all fees of the closed part are known.")
    fees: Money | None = column("Fees of the closed part, in the currency.", money=True)
    realized_net: Money | None = column("P&L after fees, in the currency.", money=True)
    currency: str = column("ISO code of the currency.")


HOLDINGS: tuple[type[Table], ...] = (
    Opening,
    CarriedPremium,
    LotMatch,
    OpenLot,
    Position,
    Trade,
)
