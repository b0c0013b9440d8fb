"""What a gateway knows, and what is true: exact figures that a test can grade a ledger by."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, TypeAlias

from tests.fakes.gateway.messages import (
    ACCOUNT,
    BAG,
    AccountSummary,
    AccountValue,
    CommissionReport,
    Error,
    Execution,
    PortfolioValue,
    Position,
)
from tests.fakes.gateway.orders import OpenOrder, OrderStatus

Message: TypeAlias = (
    Execution
    | CommissionReport
    | Position
    | PortfolioValue
    | AccountValue
    | AccountSummary
    | OpenOrder
    | OrderStatus
    | Error
)
Amounts: TypeAlias = dict[tuple[str, str], Decimal]

PENDING: Final = Decimal(-1)
_FARM: Final = Error(2104, "Market data farm connection is OK:usfarm")


@dataclass(frozen=True)
class Truth:
    """The end state: fills after corrections and without BAG rows, and what they add up to."""

    fills: dict[str, Execution]
    quantities: Amounts  # by account and con_id
    cash: Amounts  # by account and currency, without fees
    fees: Amounts  # by account and currency
    fees_unknown: frozenset[str]  # executions without a report that is final


@dataclass
class World:
    """What a gateway knows. A test may change it between two requests."""

    accounts: tuple[str, ...] = (ACCOUNT,)
    executions: list[Execution] = field(default_factory=list)
    reports: list[CommissionReport] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    portfolio: list[PortfolioValue] = field(default_factory=list)
    open_orders: list[OpenOrder] = field(default_factory=list)
    account_values: list[AccountValue] = field(default_factory=list)
    account_summary: list[AccountSummary] = field(default_factory=list)
    order_statuses: list[OrderStatus] = field(default_factory=list)
    next_order_id: str = "1"
    server_version: int = 176
    now: datetime = datetime(2026, 1, 5, 20, 30, tzinfo=UTC)
    zone: str = "America/New_York"
    since_midnight: bool = True
    master_client_id: int | None = None
    notices: list[Error] = field(default_factory=lambda: [_FARM])

    def fill(
        self, execution: Execution, report: CommissionReport | None = None
    ) -> tuple[Execution | CommissionReport, ...]:
        """Add an execution with what it cost; give back the messages, to push them as well."""
        told = (execution, report or CommissionReport(execution.exec_id))
        self.keep(*told)
        return told

    def keep(self, *messages: Message) -> None:
        """Remember what a message tells, so that a later answer tells it again."""
        for message in messages:
            match message:
                case Execution() if message not in self.executions:
                    self.executions.append(message)
                case CommissionReport() if message not in self.reports:
                    self.reports.append(message)
                case OpenOrder():
                    others = [it for it in self.open_orders if it.perm_id != message.perm_id]
                    self.open_orders = [*others, message]
                case OrderStatus():
                    others_told = [
                        it for it in self.order_statuses if it.perm_id != message.perm_id
                    ]
                    self.order_statuses = [*others_told, message]
                case _:
                    pass

    def report_of(self, exec_id: str) -> CommissionReport | None:
        """Give the last report of an execution."""
        told = [report for report in tuple(self.reports) if report.exec_id == exec_id]
        return told[-1] if told else None

    def truth(self) -> Truth:
        """Add up what happened; of a corrected execution only the last correction counts."""
        last: dict[str, Execution] = {}
        for execution in self.executions:
            stem = execution.exec_id.rpartition(".")[0]
            held = last.get(stem)
            if held is None or _correction(execution) >= _correction(held):
                last[stem] = execution
        fills = {it.exec_id: it for it in last.values() if it.contract.sec_type != BAG}
        quantities: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        cash: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        fees: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        unknown = set()
        for execution in fills.values():
            contract, account = execution.contract, execution.account
            sign = 1 if execution.side == "BOT" else -1
            signed = sign * Decimal(execution.shares)
            quantities[account, contract.con_id] += signed
            worth = signed * Decimal(execution.price) * Decimal(contract.multiplier or 1)
            cash[account, contract.currency] -= worth
            report = self.report_of(execution.exec_id)
            if report is None or Decimal(report.commission) == PENDING:
                unknown.add(execution.exec_id)
            else:
                fees[account, report.currency] += Decimal(report.commission)
        return Truth(fills, dict(quantities), dict(cash), dict(fees), frozenset(unknown))


def _correction(execution: Execution) -> int:
    return int(execution.exec_id.rpartition(".")[2])
