"""How Kalshi spells values, generation by generation. Made payloads are spelled the same way.

A rendered member is kept as JSON text, because a float would not keep its zeros.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Final, TypeAlias

GENERATIONS: Final = ("0", "1", "2", "3a", "3b", "4", "5")
# Generation 2 began without fee_cost and subaccount_number on fills (before 28 Jan 2026).
PHASES: Final = ("0", "1", "2-early", "2", "3a", "3b", "4", "5")

Members: TypeAlias = dict[str, str | None]


def since(generation: str, first: str) -> bool:
    """Tell whether the generation is `first` or a later one."""
    if generation not in PHASES:
        raise ValueError(f"no generation {generation!r}: use one of {', '.join(PHASES)}")
    return PHASES.index(generation) >= PHASES.index(first)


def before(generation: str, first: str) -> bool:
    """Tell whether the generation is older than `first`."""
    return not since(generation, first)


def cannot_say(generation: str, what: str) -> ValueError:
    """Return the error for a truth that a generation has no words for."""
    return ValueError(f"generation {generation} cannot say {what}")


def render(members: Mapping[str, str | None]) -> str:
    """Return the JSON object of the members, sorted by key; a None leaves its key out."""
    said = sorted((key, text) for key, text in members.items() if text is not None)
    return "{" + ",".join(f"{json.dumps(key)}:{text}" for key, text in said) + "}"


def string(text: str) -> str:
    """Spell a text."""
    return json.dumps(text, ensure_ascii=False)


def boolean(value: bool) -> str:
    """Spell a truth value."""
    return "true" if value else "false"


def places(value: Decimal, least: int, most: int) -> str:
    """Spell a decimal as a string of at least and at most so many places, never rounded."""
    exact = value.normalize().as_tuple().exponent
    needed = max(0, -exact) if isinstance(exact, int) else 0
    if needed > most:
        raise ValueError(f"{value} needs more than {most} places")
    return string(f"{value:.{max(least, needed)}f}")


def count(value: Decimal) -> str:
    """Spell a number of contracts: "13.00"."""
    return places(value, 2, 2)


def price(value: Decimal) -> str:
    """Spell a price: "0.6200"; up to six places where the market has finer ticks."""
    return places(value, 4, 6)


def money(value: Decimal, generation: str) -> str:
    """Spell an amount: "0.1600" before generation 4, "0.160000" from then on."""
    digits = 6 if since(generation, "4") else 4
    return places(value, digits, digits)


def integer(value: Decimal, generation: str, what: str) -> str:
    """Spell a whole number; refuse a fraction, which this generation has no other word for."""
    if value != value.to_integral_value():
        raise cannot_say(generation, f"{what} {value}")
    return str(int(value))


def cut(value: Decimal) -> str:
    """Spell the whole part of a number that the same payload also spells exactly."""
    return str(int(value))


def floored_cents(value: Decimal) -> str:
    """Spell dollars as whole cents, rounded down, beside an exact spelling."""
    return str(int((100 * value).to_integral_value(ROUND_FLOOR)))


def bare_dollars(value: Decimal) -> str:
    """Spell the old `price` field, a JSON number: 0.62, 0.6."""
    return f"{value.normalize():f}"


def moment(at: datetime) -> str:
    """Spell a time: UTC, trailing zeros of the second cut off, as Go does."""
    utc = at.astimezone(UTC)
    fraction = f".{utc.microsecond:06d}".rstrip("0").rstrip(".")
    return string(utc.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z")


def unix(at: datetime) -> str:
    """Spell a time as whole seconds since 1970."""
    return str(int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 1))
