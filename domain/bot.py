"""What a bot records: a payload model for each kind, and the readers that come of the models.

A model is the one declaration of a kind: the spool checks lines with it, the readers require and
read its fields, the documentation lists them. Numbers are strings, so that no digit is lost on the
way, and fit the columns that are to hold them; times are ISO 8601 with seconds and a zone. A member
that no model names is kept, and reported as drift.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from domain.shapes import Reader
from domain.units import PRICE, QUANTITY, STATISTIC, Places

_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6}0*)?"
    r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)"
)


def _number(places: Places) -> Callable[[str], str]:
    pattern = re.compile(places.pattern)

    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            message = (
                f"{text[:40]!r} is no plain decimal number of at most {places.scale} places, such "
                "as '0.45'"
            )
            raise ValueError(message)
        return text

    return check


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC) if _TIME.fullmatch(text) else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        message = f"{text[:40]!r} is no ISO time with a zone, such as 2026-05-11T14:30:00Z"
        raise ValueError(message)
    return text


def _text(text: str) -> str:
    if "\0" in text:
        message = "a NUL character"
        raise ValueError(message)
    return text


Stated = Annotated[str, Field(max_length=1000), AfterValidator(_text)]
"""A text that may be empty: brokers say "" where they have none."""
Text = Annotated[Stated, Field(min_length=1)]
Price = Annotated[str, AfterValidator(_number(PRICE))]
Quantity = Annotated[str, AfterValidator(_number(QUANTITY))]
Statistic = Annotated[str, AfterValidator(_number(STATISTIC))]
Moment = Annotated[str, AfterValidator(_moment)]
Side = Literal["yes", "no", "buy", "sell"]


class Payload(BaseModel):
    """What the payloads of all kinds have in common: strict types, and room for more."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    kind: ClassVar[str]
    """Name of the kind."""
    moment: ClassVar[str]
    """The field that says when it happened."""


class OrderPosted(Payload):
    """An order that was just posted. Needs order_id, client_order_id, or both."""

    kind: ClassVar[str] = "bot.order_posted"
    moment: ClassVar[str] = "posted_at"

    strategy: Text
    instrument: Text
    posted_at: Moment
    order_id: Stated | None = None
    client_order_id: Stated | None = None
    side: Side | None = None
    quantity: Quantity | None = None
    price: Price | None = None
    decision_id: Stated | None = None

    @model_validator(mode="after")
    def _named(self) -> "OrderPosted":
        if not self.order_id and not self.client_order_id:
            message = "order_id and client_order_id are both missing"
            raise ValueError(message)
        return self


class Decided(Payload):
    """A decision, whether it led to an order or not."""

    kind: ClassVar[str] = "bot.decision"
    moment: ClassVar[str] = "decided_at"

    decision_id: Text
    strategy: Text
    instrument: Text
    side: Side
    outcome: Literal["posted", "shadow", "skipped"]
    decided_at: Moment
    reason: Stated | None = None
    probability: Statistic | None = None
    features: dict[str, Any] | None = None
    model_version: Stated | None = None
    price: Price | None = None
    quantity: Quantity | None = None
    stop_price: Price | None = None
    target_price: Price | None = None
    order_id: Stated | None = None
    client_order_id: Stated | None = None


class Exited(Payload):
    """The bot's word on leaving a position; `last` where it holds the position closed by it."""

    kind: ClassVar[str] = "bot.exit"
    moment: ClassVar[str] = "exited_at"

    instrument: Text
    exited_at: Moment
    reason: Text
    exit_id: Stated | None = None
    order_id: Stated | None = None
    client_order_id: Stated | None = None
    decision_id: Stated | None = None
    quantity: Quantity | None = None
    price: Price | None = None
    last: bool | None = None


class Quoted(Payload):
    """A quote; at least one of its prices."""

    kind: ClassVar[str] = "market.quote"
    moment: ClassVar[str] = "quoted_at"

    instrument: Text
    quoted_at: Moment
    bid: Price | None = None
    ask: Price | None = None
    mid: Price | None = None
    underlying: Price | None = None

    @model_validator(mode="after")
    def _priced(self) -> "Quoted":
        if all(price is None for price in (self.bid, self.ask, self.mid, self.underlying)):
            message = "bid, ask, mid and underlying are all missing"
            raise ValueError(message)
        return self


class Foretold(Payload):
    """A forecast as it was known at `forecast_at`."""

    kind: ClassVar[str] = "market.forecast"
    moment: ClassVar[str] = "forecast_at"

    subject: Text
    source: Text
    forecast_at: Moment
    target_at: Moment | None = None
    value: Statistic | None = None
    spread: Statistic | None = None
    unit: Stated | None = None
    features: dict[str, Any] | None = None


class Observed(Payload):
    """A measurement as it was known at `observed_at`."""

    kind: ClassVar[str] = "market.observation"
    moment: ClassVar[str] = "observed_at"

    subject: Text
    source: Text
    observed_at: Moment
    value: Statistic | None = None
    unit: Stated | None = None
    features: dict[str, Any] | None = None


PAYLOADS: Final[Mapping[str, type[Payload]]] = {
    model.kind: model for model in (OrderPosted, Decided, Exited, Quoted, Foretold, Observed)
}

REJECTED: Final = "bot.rejected_line"
CLAIMED: Final = "ledger.attribution_claimed"

_JSON: Final = {bool: "boolean", dict: "object"}


def _json_type(hint: Any) -> str:  # noqa: ANN401 - a type hint
    inner = [one for one in getattr(hint, "__args__", (hint,)) if one is not type(None)]
    found = {_JSON.get(getattr(one, "__origin__", one), "string") for one in inner}
    return found.pop() if len(found) == 1 else "string"


def readers_of(model: type[Payload]) -> tuple[Reader, ...]:
    """Return the reader that a payload model declares."""
    types = {name: _json_type(field.annotation) for name, field in model.model_fields.items()}
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    return (
        Reader(
            kind=model.kind,
            name="1",
            spoken="from version 0.2",
            required={name: types[name] for name in types if name in required},
            optional={name: types[name] for name in types if name not in required},
            opaque=frozenset(name for name in types if types[name] == "object"),
        ),
    )


REJECTED_READERS: Final = (
    Reader(
        kind=REJECTED,
        name="1",
        spoken="from version 0.2",
        required={
            "file": "string",
            "line": "integer",
            "reason": "string",
            "text": "string",
            "sha256": "string",
        },
    ),
)

CLAIMED_READERS: Final = (
    Reader(
        kind=CLAIMED,
        name="1",
        spoken="from version 0.2; without a strategy an earlier claim is withdrawn",
        required={
            "fill_id": "string",
            "reason": "string",
            "claimed_by": "string",
            "claimed_at": "string",
        },
        optional={"strategy": "string"},
    ),
)
