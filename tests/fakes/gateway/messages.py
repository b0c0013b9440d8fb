"""What a gateway tells, each message with its fields as they go over the wire, all of them text."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from tests.fakes.gateway.wire import UNSET_DOUBLE, Fields, time_text

ACCOUNT: Final = "DU1234567"
BAG: Final = "BAG"
MORNING: Final = datetime(2026, 1, 5, 15, 0, 1, tzinfo=UTC)
UNSOLICITED: Final = "-1"

_PRICE_REVISION_VERSION: Final = 178


@dataclass(frozen=True)
class Contract:
    """An instrument as the messages describe it."""

    con_id: str
    symbol: str
    sec_type: str
    last_trade_date: str = ""
    strike: str = "0.0"
    right: str = ""
    multiplier: str = ""
    exchange: str = "SMART"
    currency: str = "USD"
    local_symbol: str = ""
    trading_class: str = ""

    @property
    def terms(self) -> Fields:
        """What comes before the exchange, in the order of the wire."""
        return (
            *(self.con_id, self.symbol, self.sec_type, self.last_trade_date),
            *(self.strike, self.right, self.multiplier),
        )

    @property
    def names(self) -> Fields:
        """What comes after the exchange."""
        return self.currency, self.local_symbol, self.trading_class


def stock(symbol: str = "AAPL", con_id: str = "265598", **changes: str) -> Contract:
    """Describe a share."""
    made = Contract(con_id, symbol, "STK", local_symbol=symbol, trading_class="NMS")
    return replace(made, **changes)


def option(
    symbol: str = "AAPL",
    expiry: str = "20260116",
    strike: str = "250",
    right: str = "C",
    con_id: str = "712345601",
    **changes: str,
) -> Contract:
    """Describe an option on a share."""
    made = Contract(con_id, symbol, "OPT", expiry, strike, right, "100", trading_class=symbol)
    price = f"{int(Decimal(strike) * 1000):08}"
    return replace(made, local_symbol=f"{symbol:6}{expiry[2:]}{right}{price}", **changes)


def future(
    symbol: str = "MES", expiry: str = "20260320", con_id: str = "730283085", **changes: str
) -> Contract:
    """Describe a future."""
    made = Contract(con_id, symbol, "FUT", expiry, multiplier="5", exchange="CME")
    return replace(made, local_symbol=f"{symbol}H6", trading_class=symbol, **changes)


def currency(
    base: str = "EUR", quote: str = "USD", con_id: str = "12087792", **changes: str
) -> Contract:
    """Describe a pair of currencies."""
    pair = f"{base}.{quote}"
    made = Contract(con_id, base, "CASH", exchange="IDEALPRO", currency=quote)
    return replace(made, local_symbol=pair, trading_class=pair, **changes)


@dataclass(frozen=True)
class Execution:
    """A fill (11). `at` is the truth and not on the wire; without `time` it is what is written."""

    exec_id: str
    contract: Contract
    side: str = "BOT"
    shares: str = "100"
    price: str = "10.50"
    at: datetime = MORNING
    time: str = ""
    account: str = ACCOUNT
    order_id: str = "1"
    perm_id: str = "1001"
    client_id: str = "1"
    exchange: str = "NASDAQ"
    liquidation: str = "0"
    cum_qty: str = ""
    avg_price: str = ""
    order_ref: str = ""
    ev_rule: str = ""
    ev_multiplier: str = ""
    model_code: str = ""
    last_liquidity: str = "1"
    pending_price_revision: str = "0"
    extra: Fields = ()

    def fields(self, version: int, request_id: str = UNSOLICITED) -> Fields:
        """Write the message; trailing fields nobody expects come last."""
        contract = self.contract
        revision = (self.pending_price_revision,) if version >= _PRICE_REVISION_VERSION else ()
        return (
            *("11", request_id, self.order_id),
            *(*contract.terms, contract.exchange, *contract.names),
            *(self.exec_id, self.time or time_text(self.at), self.account, self.exchange),
            *(self.side, self.shares, self.price, self.perm_id, self.client_id, self.liquidation),
            *(self.cum_qty or self.shares, self.avg_price or self.price, self.order_ref),
            *(self.ev_rule, self.ev_multiplier, self.model_code, self.last_liquidity),
            *(*revision, *self.extra),
        )


def combo(
    exec_id: str,
    legs: Iterable[tuple[Contract, str, str, str]],
    *,
    symbol: str = "AAPL",
    shares: str = "1",
    price: str = "1.25",
    at: datetime = MORNING,
    **fields: str,
) -> list[Execution]:
    """Fill a combination: a row for the BAG, then one for each leg (contract, side, shares, price).

    All are of one order; the legs have the stem of the execution id and numbers of their own.
    """
    stem, _, correction = exec_id.rpartition(".")
    bag = Contract("28812380", symbol, BAG, local_symbol=symbol, trading_class="COMB")
    whole = Execution(exec_id, bag, "BOT", shares, price, at, **fields)  # type: ignore[arg-type]
    return [
        whole,
        *(
            replace(
                whole,
                exec_id=f"{stem[:-2]}{number:02}.{correction}",
                contract=contract,
                side=side,
                shares=leg_shares,
                price=leg_price,
            )
            for number, (contract, side, leg_shares, leg_price) in enumerate(legs, 2)
        ),
    ]


@dataclass(frozen=True)
class CommissionReport:
    """What a fill cost (59); it names neither the account nor the instrument."""

    exec_id: str
    commission: str = "1.00"
    currency: str = "USD"
    realized_pnl: str = UNSET_DOUBLE
    yield_: str = UNSET_DOUBLE
    yield_date: str = ""

    def fields(self, _version: int) -> Fields:
        """Write the message."""
        return (
            *("59", "1", self.exec_id, self.commission, self.currency),
            *(self.realized_pnl, self.yield_, self.yield_date),
        )


@dataclass(frozen=True)
class Position:
    """What an account holds of an instrument (61)."""

    contract: Contract
    position: str
    avg_cost: str
    account: str = ACCOUNT

    def fields(self, _version: int) -> Fields:
        """Write the message; a position names no exchange."""
        contract = self.contract
        return (
            *("61", "3", self.account, *contract.terms, "", *contract.names),
            *(self.position, self.avg_cost),
        )


@dataclass(frozen=True)
class PortfolioValue:
    """A position with its worth (7)."""

    contract: Contract
    position: str
    market_price: str
    market_value: str
    average_cost: str
    unrealized_pnl: str = "0.0"
    realized_pnl: str = "0.0"
    account: str = ACCOUNT

    def fields(self, _version: int) -> Fields:
        """Write the message."""
        contract = self.contract
        return (
            *("7", "8", *contract.terms, contract.exchange, *contract.names),
            *(self.position, self.market_price, self.market_value, self.average_cost),
            *(self.unrealized_pnl, self.realized_pnl, self.account),
        )


@dataclass(frozen=True)
class AccountValue:
    """One figure of an account (6, and 73 where several accounts are asked for)."""

    key: str
    value: str
    currency: str = "USD"
    account: str = ACCOUNT

    def fields(self, _version: int) -> Fields:
        """Write the message."""
        return "6", "2", self.key, self.value, self.currency, self.account


@dataclass(frozen=True)
class AccountSummary:
    """One figure of an account's summary (63)."""

    tag: str
    value: str
    currency: str = "USD"
    account: str = ACCOUNT

    def fields(self, _version: int, request_id: str = UNSOLICITED) -> Fields:
        """Write the message."""
        return "63", "1", request_id, self.account, self.tag, self.value, self.currency


@dataclass(frozen=True)
class Error:
    """An error, a warning or a mere notice (4)."""

    code: int
    text: str
    request_id: str = UNSOLICITED

    def fields(self, version: int) -> Fields:
        """Write the message; from version 166 on it ends with the reasons of a refused order."""
        reasons = ("",) if version >= 166 else ()
        return "4", "2", self.request_id, str(self.code), self.text, *reasons
