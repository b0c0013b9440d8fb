"""Frames of the gateway's protocol: a length of four bytes, then fields that each end in NUL."""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import IntEnum
from itertools import cycle
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Fields: TypeAlias = tuple[str, ...]

UNSET_DOUBLE: Final = "1.7976931348623157E308"
DASHED_UTC: Final = "dashed UTC"
EPOCH: Final = "epoch"
EASTERN: Final = "US/Eastern"

_LENGTH_BYTES: Final = 4
_GREETING: Final = b"API\0"
_VERSIONS: Final = re.compile(r"v(\d+)\.\.(\d+)")


class Asked(IntEnum):
    """The numbers of the requests that a gateway answers or knows to leave unanswered."""

    HANDSHAKE = 0
    OPEN_ORDERS = 5
    ACCOUNT_UPDATES = 6
    EXECUTIONS = 7
    IDS = 8
    AUTO_OPEN_ORDERS = 15
    ALL_OPEN_ORDERS = 16
    MANAGED_ACCOUNTS = 17
    CURRENT_TIME = 49
    POSITIONS = 61
    ACCOUNT_SUMMARY = 62
    CANCEL_ACCOUNT_SUMMARY = 63
    CANCEL_POSITIONS = 64
    START_API = 71
    ACCOUNT_UPDATES_MULTI = 76
    CANCEL_ACCOUNT_UPDATES_MULTI = 77
    COMPLETED_ORDERS = 99


def frame(fields: Fields) -> bytes:
    """Write one message as it goes over the socket."""
    body = "".join(f"{field}\0" for field in fields).encode()
    return len(body).to_bytes(_LENGTH_BYTES) + body


async def read_fields(reader: asyncio.StreamReader) -> Fields:
    """Read one message; raise IncompleteReadError where the client went away."""
    length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES))
    return tuple((await reader.readexactly(length)).decode().split("\0")[:-1])


async def read_greeting(reader: asyncio.StreamReader) -> tuple[int, int]:
    """Read what a client says first: the versions it speaks, lowest and highest."""
    greeting = await reader.readexactly(len(_GREETING))
    length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES))
    versions = _VERSIONS.match((await reader.readexactly(length)).decode())
    if greeting != _GREETING or versions is None:
        raise ValueError("a client's first words must be API and a range of versions")
    return int(versions[1]), int(versions[2])


def cut(data: bytes, sizes: tuple[int, ...]) -> Iterator[bytes]:
    """Cut bytes into pieces of the sizes, over and over; no sizes leave them whole."""
    start = 0
    for size in cycle(sizes or (max(len(data), 1),)):
        if start >= len(data):
            return
        yield data[start : start + size]
        start += size


def time_text(moment: datetime, zone: str = EASTERN) -> str:
    """Write a moment as gateways do: with a zone, without ("", in New York), dashed or as epoch.

    A zone that nobody knows, such as CEST, is written all the same, with New York's clock.
    """
    if zone == EPOCH:
        return str(int(moment.timestamp()))
    if zone == DASHED_UTC:
        return f"{moment.astimezone(UTC):%Y%m%d-%H:%M:%S}"
    try:
        known = ZoneInfo(zone or EASTERN)
    except ZoneInfoNotFoundError:
        known = ZoneInfo(EASTERN)
    local = moment.astimezone(known)
    return f"{local:%Y%m%d %H:%M:%S} {zone}" if zone else f"{local:%Y%m%d  %H:%M:%S}"


def read_time(text: str, zone: str) -> datetime:
    """Read the time of a client's filter; without a zone of its own it is local to `zone`."""
    if re.fullmatch(r"\d{8}-\d\d:\d\d:\d\d", text):
        return datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    day, clock, *named = text.split()
    local = datetime.strptime(f"{day} {clock}Z", "%Y%m%d %H:%M:%S%z")
    return local.replace(tzinfo=ZoneInfo(named[0] if named else zone))
