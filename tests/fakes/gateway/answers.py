"""What a gateway answers to one request: a pure function of the world and the request."""

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, time
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from tests.fakes.gateway.messages import (
    UNSOLICITED,
    AccountValue,
    CommissionReport,
    Error,
    Execution,
)
from tests.fakes.gateway.wire import Asked, Fields, read_time
from tests.fakes.gateway.world import World

_WITH_REQUEST_ID: Final = frozenset(
    {Asked.EXECUTIONS, Asked.ACCOUNT_SUMMARY, Asked.ACCOUNT_UPDATES_MULTI}
)
_KNOWN: Final = frozenset(Asked)
_SIDES: Final = {"BUY": "BOT", "SELL": "SLD"}
_EVERY_TAG: Final = "$LEDGER:ALL"


class Request(NamedTuple):
    """One thing that a client asked; the client has no number before it has said it."""

    client_id: int | None
    fields: Fields

    @property
    def kind(self) -> int:
        """The number of the request."""
        return int(self.fields[0])

    @property
    def request_id(self) -> str:
        """The id that an answer or an error repeats, -1 for requests that have none."""
        return self.fields[2] if self.kind in _WITH_REQUEST_ID else UNSOLICITED


class Asking(NamedTuple):
    """A request with what an answer depends on besides the world."""

    world: World
    request: Request
    version: int
    late: Collection[str] = ()  # executions whose report is not known yet
    reports_first: bool = False


def may_see_report(world: World, client_id: int | None, execution: Execution | None) -> bool:
    """Say whether a client is told the report of an execution: its own, or all to the master."""
    if world.master_client_id is None or client_id == world.master_client_id:
        return True
    return execution is not None and execution.client_id == str(client_id)


def answer(asking: Asking) -> list[Fields]:
    """Give the messages of the answer in order; none for a request that is never answered."""
    write = _ANSWERS.get(asking.request.kind)
    if write is not None:
        return write(asking)
    if asking.request.kind in _KNOWN:
        return []
    unknown = Error(505, f"Fatal Error: Unknown message id: {asking.request.kind}")
    return [unknown.fields(asking.version)]


def _start(asking: Asking) -> list[Fields]:
    notices = [notice.fields(asking.version) for notice in asking.world.notices]
    return [*_accounts(asking), *_next_id(asking), *notices]


def _accounts(asking: Asking) -> list[Fields]:
    return [("15", "1", ",".join(asking.world.accounts))]


def _next_id(asking: Asking) -> list[Fields]:
    return [("9", "1", asking.world.next_order_id)]


def _positions(asking: Asking) -> list[Fields]:
    told = [position.fields(asking.version) for position in asking.world.positions]
    return [*told, ("62", "1")]


def _open_orders(asking: Asking) -> list[Fields]:
    """Tell the client's own orders, or all; each is followed by its status."""
    world, request = asking.world, asking.request
    told: list[Fields] = []
    for order in world.open_orders:
        if request.kind == Asked.ALL_OPEN_ORDERS or order.client_id == str(request.client_id):
            statuses = [it for it in world.order_statuses if it.perm_id == order.perm_id]
            status = statuses[-1] if statuses else order.order_status
            told += [order.fields(asking.version), status.fields(asking.version)]
    return [*told, ("53", "1")]


def _account_updates(asking: Asking) -> list[Fields]:
    world = asking.world
    _, _, subscribe, account = asking.request.fields
    if subscribe != "1":
        return []
    account = account or world.accounts[0]
    return [
        *(it.fields(asking.version) for it in world.account_values if it.account == account),
        *(it.fields(asking.version) for it in world.portfolio if it.account == account),
        ("8", "1", f"{world.now.astimezone(ZoneInfo(world.zone)):%H:%M}"),
        ("54", "1", account),
    ]


def _account_updates_multi(asking: Asking) -> list[Fields]:
    _, _, request_id, account, model, *_ = asking.request.fields

    def write(it: AccountValue) -> Fields:
        return "73", "1", request_id, it.account, model, it.key, it.value, it.currency

    told = [write(it) for it in asking.world.account_values if it.account == account]
    return [*told, ("74", "1", request_id)]


def _account_summary(asking: Asking) -> list[Fields]:
    _, _, request_id, _, tags = asking.request.fields
    wanted = tags.split(",")
    return [
        *(
            row.fields(asking.version, request_id)
            for row in asking.world.account_summary
            if row.tag in wanted or _EVERY_TAG in wanted
        ),
        ("64", "1", request_id),
    ]


def matching(world: World, fields: Fields) -> list[Execution]:
    """Choose the executions that a filter asks for, none of them from before midnight."""
    client_id, account, since, symbol, sec_type, exchange, side = fields
    begin = _midnight(world) if world.since_midnight else datetime.min.replace(tzinfo=UTC)
    if since:
        begin = max(begin, read_time(since, world.zone))

    def wanted(it: Execution) -> bool:
        asked = (
            (client_id if client_id != "0" else "", it.client_id),
            (account, it.account),
            (symbol, it.contract.symbol),
            (sec_type, it.contract.sec_type),
            (exchange, it.exchange),
            (_SIDES.get(side, side), it.side),
        )
        return it.at >= begin and all(want in {"", has} for want, has in asked)

    return [it for it in tuple(world.executions) if wanted(it)]


def _midnight(world: World) -> datetime:
    zone = ZoneInfo(world.zone)
    return datetime.combine(world.now.astimezone(zone).date(), time.min, zone)


def _executions(asking: Asking) -> list[Fields]:
    """Tell all fills, then all that is known of their costs, then the end."""
    world, request, version = asking.world, asking.request, asking.version
    fills = matching(world, request.fields[3:])
    known = _known_reports(asking, fills)
    told = [fill.fields(version, request.request_id) for fill in fills]
    costs = [report.fields(version) for report in known]
    parts = [*costs, *told] if asking.reports_first else [*told, *costs]
    return [*parts, ("55", "1", request.request_id)]


def _known_reports(asking: Asking, fills: Iterable[Execution]) -> list[CommissionReport]:
    reports = []
    for fill in fills:
        report = asking.world.report_of(fill.exec_id)
        allowed = may_see_report(asking.world, asking.request.client_id, fill)
        if report is not None and allowed and fill.exec_id not in asking.late:
            reports.append(report)
    return reports


_ANSWERS: Final[dict[int, Callable[[Asking], list[Fields]]]] = {
    Asked.START_API: _start,
    Asked.MANAGED_ACCOUNTS: _accounts,
    Asked.IDS: _next_id,
    Asked.POSITIONS: _positions,
    Asked.OPEN_ORDERS: _open_orders,
    Asked.ALL_OPEN_ORDERS: _open_orders,
    Asked.COMPLETED_ORDERS: lambda _: [("102",)],
    Asked.ACCOUNT_UPDATES: _account_updates,
    Asked.ACCOUNT_UPDATES_MULTI: _account_updates_multi,
    Asked.ACCOUNT_SUMMARY: _account_summary,
    Asked.EXECUTIONS: _executions,
    Asked.CURRENT_TIME: lambda asking: [("49", "1", str(int(asking.world.now.timestamp())))],
}
