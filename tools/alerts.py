"""DRIFT ALERT lines: one wording, whoever finds the drift and whenever.

kind, endpoint where it was just fetched, number of events, first position; what is missing, what
is new; the nearest known generation; what is unaffected.
"""

from collections.abc import Iterable
from typing import Any, Final

from tools.outcome import counted

ALERT: Final = "DRIFT ALERT"
SHOWN: Final = 3
"""How many canaries of one rule are told line by line."""


def of_shape(shape: dict[str, Any]) -> str:
    """Return the alert for a shape that is new or not understood.

    Needs kind, status, events, first_position, reason, nearest, keys_added and keys_missing (texts,
    empty where there are none); `endpoint` where it was just fetched.
    """
    place = f" at {shape['endpoint']}" if shape.get("endpoint") else ""
    events = counted(shape["events"], "event")
    where = f" from position {shape['first_position']} on" if shape["first_position"] else ""
    told = [f"{ALERT} {shape['kind']}{place}: {events}{where}"]
    if shape["keys_missing"]:
        told.append(f"missing or of another type: {shape['keys_missing']}")
    if shape["keys_added"]:
        told.append(f"new: {shape['keys_added']}")
    if shape["nearest"]:
        told.append(f"nearest generation: {shape['nearest']}")
    if shape["status"] == "additive":
        told.append("read as before; nothing is affected until somebody lists the new keys")
    else:
        told.append(f"not read ({shape['reason']}); every other shape is unaffected")
    return "; ".join(told)


def of_canary(canary: dict[str, Any]) -> str:
    """Return the alert for what looks wrong although its shape is known."""
    told = [f"{ALERT} {canary['rule']} {canary['subject']} at position {canary['position']}"]
    if canary["found"] is not None:
        told.append(f"stated {canary['found']}")
    if canary["expected"] is not None:
        told.append(f"expected {canary['expected']}")
    return f"{', '.join(told)}: {canary['detail']}"


def of_canaries(canaries: Iterable[dict[str, Any]]) -> list[str]:
    """Return the alerts of all, a few of each rule: one cause can concern hundreds of markets."""
    by_rule: dict[str, list[dict[str, Any]]] = {}
    for canary in canaries:
        by_rule.setdefault(canary["rule"], []).append(canary)
    lines: list[str] = []
    for rule, found in by_rule.items():
        lines += map(of_canary, found[:SHOWN])
        if len(found) > SHOWN:
            lines.append(f"{ALERT} {rule}: {len(found) - SHOWN} more, see `query @canaries`")
    return lines


def of_values(unreadable: dict[str, Any]) -> str:
    """Return the alert for events whose shape is known and whose values cannot be true."""
    column = f" in {unreadable['column_name']}" if unreadable["column_name"] else ""
    told = f", such as {unreadable['offending']}" if unreadable["offending"] else ""
    return (
        f"{ALERT} {unreadable['kind']}: {counted(unreadable['events'], 'event')} from position "
        f"{unreadable['first_position']} on; not read ({unreadable['reason']}{column}{told}); "
        "every other event is unaffected"
    )
