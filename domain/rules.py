"""What the user decides about results: `attribution.toml` of a book.

The rules are versioned by the user and stamped into every projection with their digest; other rules
give other results from the same log, and a rebuild says what they moved.
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)

from domain.exits import SPELLINGS, TOLD_BY_BOTS, normal

UNATTRIBUTED: Final = "unattributed"
"""Where fills stand that nothing explains; no strategy may be called so."""


def _strategy_name(name: str) -> str:
    if name.strip().lower() == UNATTRIBUTED:
        message = f"no strategy may be called {UNATTRIBUTED!r}"
        raise ValueError(message)
    if name != name.strip() or any(unicodedata.category(one) == "Cc" for one in name):
        message = f"{name!r}: no control characters, and no white space at either end"
        raise ValueError(message)
    return name


def _number(told: object) -> object:
    if isinstance(told, bool) or not isinstance(told, Decimal | int):
        message = f"{told!r} is no number"
        raise ValueError(message)  # noqa: TRY004 - pydantic's own
    return told


_Name = Annotated[str, Field(min_length=1, max_length=200)]
_StrategyName = Annotated[_Name, AfterValidator(_strategy_name)]
_Seconds = Annotated[int, Field(strict=True, ge=0, le=366 * 86_400)]
_Count = Annotated[int, Field(strict=True, ge=1, le=10**9)]
_Share = Annotated[
    Decimal, BeforeValidator(_number), Field(ge=0, lt=1, max_digits=18, decimal_places=9)
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Strategy(_Section):
    """One strategy: by which prefixes of client_order_id or orderRef its orders are known.

    exit_of  the strategy whose positions it closes, and to which its P&L is rolled up
    """

    prefixes: tuple[_Name, ...] = ()
    exit_of: _StrategyName | None = None


class Profit(_Section):
    """Whose the P&L of a lot is: it follows the opening fill.

    exits  parent: a strategy with exit_of counts for that; own: it counts for itself
    """

    exits: Literal["parent", "own"] = "parent"


class Heuristics(_Section):
    """How fills are explained that carry no id and whose order nobody recorded.

    decisions, exits              whether the two rules are used at all
    decision_window_seconds       how far the posted decision may be from the fill, either way
    exit_price_max                price of YES, in the currency, up to which buying it is an exit
    exit_window_seconds           how long after the NO entry it may come
    """

    decisions: StrictBool = True
    decision_window_seconds: _Seconds = 60
    exits: StrictBool = True
    exit_price_max: Annotated[_Share, Field(gt=0)] = Decimal("0.15")
    exit_window_seconds: _Seconds = 12 * 3600


class Alarms(_Section):
    """From when on something looks wrong.

    decision_window_seconds       a manual fill this near to a posted decision is a drift
    order_grace_seconds           how long an order may take to show up at the broker
    decisions_without_fill        so many posted decisions since a strategy's last fill are too many
    fills_without_posted_order    so many fills since the last posted order are too many
    """

    decision_window_seconds: _Seconds = 600
    order_grace_seconds: _Seconds = 600
    decisions_without_fill: _Count = 5
    fills_without_posted_order: _Count = 3


class Outcomes(_Section):
    """When a trade is won or lost, and what the bot's words for an exit mean.

    breakeven_return  return up to which, either way and included, a trade is neither
    """

    breakeven_return: _Share = Decimal("0.005")
    exit_reasons: dict[_Name, _Name] = {}

    @model_validator(mode="after")
    def _known(self) -> Self:
        told: dict[str, str] = {}
        for spelling, reason in self.exit_reasons.items():
            if reason not in TOLD_BY_BOTS:
                message = f"{spelling!r} is {reason!r}: use one of {', '.join(TOLD_BY_BOTS)}"
                raise ValueError(message)
            looked_up = normal(spelling)
            if not looked_up:
                message = f"{spelling!r} is looked up as an empty word"
                raise ValueError(message)
            if told.setdefault(looked_up, reason) != reason:
                message = (
                    f"{spelling!r} is {reason!r}, and another spelling of {looked_up!r} is "
                    f"{told[looked_up]!r}"
                )
                raise ValueError(message)
        return self


class Rules(_Section):
    """All of it."""

    version: _Name = "1"
    strategies: dict[_StrategyName, Strategy] = {}
    profit: Profit = Profit()
    heuristics: Heuristics = Heuristics()
    alarms: Alarms = Alarms()
    outcomes: Outcomes = Outcomes()

    @classmethod
    def of_prefixes(cls, strategies: Mapping[str, str]) -> Self:
        """Return rules of nothing but prefixes, each with its strategy."""
        prefixes: dict[str, list[str]] = {}
        for prefix, strategy in strategies.items():
            prefixes.setdefault(strategy, []).append(prefix)
        return cls(
            strategies={name: Strategy(prefixes=tuple(told)) for name, told in prefixes.items()}
        )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        claimed: dict[str, str] = {}
        for name, strategy in self.strategies.items():
            for prefix in strategy.prefixes:
                if claimed.setdefault(prefix, name) != name:
                    message = f"prefix {prefix!r} is that of {claimed[prefix]!r} and of {name!r}"
                    raise ValueError(message)
            if strategy.exit_of is not None:
                self._check_parent(name, strategy.exit_of)
        return self

    def _check_parent(self, name: str, parent: str) -> None:
        if parent == name:
            wrong = "itself"
        elif parent not in self.strategies:
            wrong = f"{parent!r}, which the rules do not name"
        elif self.strategies[parent].exit_of is not None:
            wrong = f"{parent!r}, which is itself an exit of {self.strategies[parent].exit_of!r}"
        else:
            return
        message = f"{name!r} is an exit of {wrong}"
        raise ValueError(message)

    @cached_property
    def digest(self) -> str:
        """The digest that the projection file carries; the order of the file does not matter."""
        told = repr(sorted(_leaves((), self.model_dump())))
        return hashlib.sha256(told.encode()).hexdigest()

    def prefixes(self) -> list[tuple[str, str]]:
        """Return every prefix with its strategy, sorted."""
        return sorted((p, name) for name, s in self.strategies.items() for p in s.prefixes)

    def parents(self) -> list[tuple[str, str]]:
        """Return every strategy that closes another's positions, with that other one, sorted."""
        return sorted((name, s.exit_of) for name, s in self.strategies.items() if s.exit_of)

    def spellings(self) -> list[tuple[str, str]]:
        """Return every spelling of an exit reason, in capitals, with the reason, sorted."""
        own = {normal(spelling): reason for spelling, reason in self.outcomes.exit_reasons.items()}
        return sorted({**SPELLINGS, **own}.items())


def _leaves(path: tuple[str, ...], value: object) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves((*path, str(name)), inner)
    elif isinstance(value, tuple):
        yield path, repr(sorted(value))
    else:
        yield path, str(value.normalize()) if isinstance(value, Decimal) else repr(value)
