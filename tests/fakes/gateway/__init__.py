"""A gateway of Interactive Brokers that speaks its wire protocol to the real client libraries."""

from tests.fakes.gateway.faults import Drop, Hold, Refuse, Silence
from tests.fakes.gateway.gateway import Gateway
from tests.fakes.gateway.messages import (
    AccountSummary,
    AccountValue,
    CommissionReport,
    Contract,
    Error,
    Execution,
    PortfolioValue,
    Position,
    combo,
    currency,
    future,
    option,
    stock,
)
from tests.fakes.gateway.orders import Leg, OpenOrder, OrderStatus
from tests.fakes.gateway.wire import DASHED_UTC, EPOCH, UNSET_DOUBLE, Asked, time_text
from tests.fakes.gateway.world import Truth, World

__all__ = [
    "DASHED_UTC",
    "EPOCH",
    "UNSET_DOUBLE",
    "AccountSummary",
    "AccountValue",
    "Asked",
    "CommissionReport",
    "Contract",
    "Drop",
    "Error",
    "Execution",
    "Gateway",
    "Hold",
    "Leg",
    "OpenOrder",
    "OrderStatus",
    "PortfolioValue",
    "Position",
    "Refuse",
    "Silence",
    "Truth",
    "World",
    "combo",
    "currency",
    "future",
    "option",
    "stock",
    "time_text",
]
