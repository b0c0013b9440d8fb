"""The fact tables of what a bot records about itself, and of what an operator claims.

They come through the recorder's spool (`domain.bot`) or the command line. None of them moves money:
they say whose a fill is and why it was made.
"""

from datetime import datetime
from typing import ClassVar, Literal

from domain.columns import Fact, column
from domain.units import Price, Quantity, Statistic


class PostedOrder(Fact):
    """An order that the bot says it has posted."""

    table: ClassVar[str] = "posted_order"
    purpose: ClassVar[str] = "Orders that the bot says it has posted, each with its strategy."
    happens_at: ClassVar[str | None] = "posted_at"

    posted_id: str = column(
        "The broker's id of the order; client:ID where only the bot's own id was recorded.",
        identity=True,
    )
    order_id: str | None = column("The broker's id of the order.")
    client_order_id: str | None = column("The id that the bot gave it; IBKR: orderRef.")
    strategy: str = column("The strategy that posted it, as recorded.")
    instrument_id: str = column("What is to be traded.")
    side: Literal["buy", "sell"] | None = column(
        "buy or sell, of the one signed contract; empty where it was not recorded."
    )
    quantity: Quantity | None = column("Contracts asked for.")
    price: Price | None = column("Limit price as recorded, of the side named, in the currency.")
    decision_id: str | None = column("The decision behind it.")
    posted_at: datetime = column("When it was posted (UTC).")
    received_at: datetime = column("When the ledger took it in (UTC).", provenance=True)


class Decision(Fact):
    """What the bot decided, whether it traded or not."""

    table: ClassVar[str] = "decision"
    purpose: ClassVar[str] = "Decisions of the bot: posted, shadow and skipped alike."
    happens_at: ClassVar[str | None] = "decided_at"

    decision_id: str = column("The bot's id of the decision.", identity=True)
    strategy: str = column("The strategy that decided.")
    instrument_id: str = column("What the decision was about.")
    side: Literal["buy", "sell"] = column(
        "buy or sell, of the one signed contract (Kalshi: yes is buy, no is sell)."
    )
    outcome: Literal["posted", "shadow", "skipped"] = column(
        "posted: an order was sent; shadow: it would have been; skipped: it was vetoed."
    )
    reason: str | None = column("Why, in the bot's words.")
    probability: Statistic | None = column("Probability that it wins, as the model said.")
    features: str | None = column("What the model saw: a JSON object, as recorded.")
    model_version: str | None = column("The model.")
    price: Price | None = column("Price at which it was to be traded, in the currency.")
    quantity: Quantity | None = column("Contracts that it was to be.")
    stop_price: Price | None = column("Price at which to give up, in the currency.")
    target_price: Price | None = column("Price at which to take the profit, in the currency.")
    order_id: str | None = column("The broker's id of the order that came of it.")
    client_order_id: str | None = column("The bot's own id of that order.")
    decided_at: datetime = column("When it was decided (UTC).")
    received_at: datetime = column("When the ledger took it in (UTC).", provenance=True)


class BotExit(Fact):
    """What the bot says about leaving a position: why, and at what."""

    table: ClassVar[str] = "bot_exit"
    purpose: ClassVar[str] = (
        "Exits as the bot tells them: why it left. Whether it left is for the broker to say."
    )
    happens_at: ClassVar[str | None] = "exited_at"

    instrument_id: str = column("What was left.", identity=True)
    exited_at: datetime = column("When (UTC).", identity=True)
    exit_id: str = column(
        "The bot's id of the exit; else order_id, client_order_id, or - where it gave none.",
        identity=True,
    )
    reason: str = column("Why, in the bot's words, such as TP, STOP or HEALED_TP.")
    order_id: str | None = column("The broker's id of the order that left.")
    client_order_id: str | None = column("The bot's own id of that order.")
    decision_id: str | None = column("The decision that had gone in.")
    quantity: Quantity | None = column("Contracts that were left; empty for all of them.")
    price: Price | None = column("Price of one contract (Kalshi: of YES), in the currency.")
    is_last: bool = column("Whether the bot holds the position closed by it.")


class Quote(Fact):
    """What an instrument was quoted at one moment."""

    table: ClassVar[str] = "quote"
    purpose: ClassVar[str] = "Quotes as the bot saw them; on Kalshi of YES."
    happens_at: ClassVar[str | None] = "quoted_at"

    instrument_id: str = column("What was quoted.", identity=True)
    quoted_at: datetime = column("When (UTC).", identity=True)
    bid: Price | None = column("Best bid, in the currency; empty for a one-sided market.")
    ask: Price | None = column("Best ask, in the currency; empty for a one-sided market.")
    mid: Price | None = column("The middle as recorded, in the currency.")
    underlying: Price | None = column("Price of the underlying, in its currency.")


class Forecast(Fact):
    """What a source foretold."""

    table: ClassVar[str] = "forecast"
    purpose: ClassVar[str] = "Forecasts as they were known when they were recorded."
    happens_at: ClassVar[str | None] = "forecast_at"

    subject: str = column("What is foretold: a market, a station.", identity=True)
    source: str = column("Who foretells.", identity=True)
    forecast_at: datetime = column("When it was known (UTC).", identity=True)
    target_at: datetime | None = column("The time it is about (UTC).")
    value: Statistic | None = column("The value, in unit.")
    spread: Statistic | None = column("Standard deviation, in unit.")
    unit: str | None = column("In the words of the bot, such as degF.")
    features: str | None = column("All else: a JSON object, as recorded.")


class Observation(Fact):
    """What was measured."""

    table: ClassVar[str] = "observation"
    purpose: ClassVar[str] = "Measurements as they were known when they were recorded."
    happens_at: ClassVar[str | None] = "observed_at"

    subject: str = column("What was measured: a station, an index.", identity=True)
    source: str = column("Who measured.", identity=True)
    observed_at: datetime = column("When (UTC).", identity=True)
    value: Statistic | None = column("The value, in unit.")
    unit: str | None = column("In the words of the bot, such as degF.")
    features: str | None = column("All else: a JSON object, as recorded.")


class RejectedLine(Fact):
    """A line of the spool that is no record of a known kind."""

    table: ClassVar[str] = "rejected_line"
    purpose: ClassVar[str] = "Lines of the spool that could not be taken in, with the reason."

    file: str = column("Name of the spool file.", identity=True)
    line: int = column("Number of the line in it, from 1.", identity=True)
    reason: str = column("What is wrong with it.")
    text: str = column("The line, its bytes beyond UTF-8 escaped; cut where it is very long.")
    sha256: str = column("Digest of its bytes.")


class AttributionClaim(Fact):
    """An operator's claim that a fill belongs to a strategy."""

    table: ClassVar[str] = "attribution_claim"
    purpose: ClassVar[str] = "Claims of operators about fills that nothing else explains."

    fill_id: str = column("The fill.", identity=True)
    strategy: str | None = column("The strategy; empty where an earlier claim is withdrawn.")
    reason: str = column("Why, in the operator's words.")
    claimed_by: str = column("Who claims it.")
    claimed_at: datetime = column("When (UTC).")


RECORDED: tuple[type[Fact], ...] = (
    PostedOrder,
    Decision,
    BotExit,
    Quote,
    Forecast,
    Observation,
    RejectedLine,
    AttributionClaim,
)
