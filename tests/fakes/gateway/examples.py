"""A small day at a gateway, for tests that need some fills."""

from tests.fakes.gateway.messages import CommissionReport, Execution, future, option, stock
from tests.fakes.gateway.wire import Fields
from tests.fakes.gateway.world import World

FIRST = "0000e0d5.6a59af42.01.01"
SECOND = "0000e0d5.6a59af43.01.01"
THIRD = "0000e0d5.6a59af44.01.01"


def three_fills(server_version: int = 176) -> World:
    """Buy a share and a future, sell options, each with its commission."""
    world = World(server_version=server_version)
    world.fill(Execution(FIRST, stock()), CommissionReport(FIRST, "1.0049"))
    world.fill(Execution(SECOND, option(), "SLD", "2", "3.15", order_ref="spread-1"))
    world.fill(
        Execution(THIRD, future(), price="6951.25", shares="1"), CommissionReport(THIRD, "0.62")
    )
    return world


def ids(told: list[Fields], kind: str = "11") -> list[str]:
    """Give the execution ids of the messages of a kind, 11 or 59."""
    position = {"11": 14, "59": 2}[kind]
    return [fields[position] for fields in told if fields[0] == kind]
