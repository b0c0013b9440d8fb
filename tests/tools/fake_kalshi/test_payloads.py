"""Made payloads have the keys that the API had: those of the SDK model of the day.

`present` is what the schema history says of the version in `SDK_VERSIONS`; the differences are
listed here, each with its reason.
"""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
import yaml

from domain.jsontext import parse
from tests.made.samples import AT, ENDING, FILL, HOLDING, ORDER, READER, RENDER, TICKER
from tests.shared_data import SHARED, needs_shared_data
from tools.fake_kalshi.payloads import (
    PHASES,
    SDK_VERSIONS,
    Ending,
    fill_json,
    order_json,
    position_json,
    settlement_json,
)
from tools.fake_kalshi.payloads.messages import fill_message_json
from tools.fake_kalshi.truths import Execution, Result

OBJECTS: Final = {
    "kalshi.fill": "fill",
    "kalshi.settlement": "settlement",
    "kalshi.order": "order",
    "kalshi.market": "market",
    "kalshi.position": "market_position",
    "kalshi.balance": "get_balance_response",
    "kalshi.deposit": "deposit",
    "kalshi.withdrawal": "withdrawal",
    "kalshi.series": "series",
    "kalshi.subaccount_balance": "subaccount_balance",
}
# Keys that a model has and no payload of the time on disk: optional, and left out when empty.
_ORDER_OPTIONAL: Final = "cancel_order_on_pause"
_MARKET_OPTIONAL: Final = (
    "early_close_condition fee_waiver_expiration_time functional_strike mve_collection_ticker "
    "mve_selected_legs primary_participant_key settlement_ts custom_strike settlement_value_dollars"
)
_SERIES_OPTIONAL: Final = "product_metadata volume_fp last_updated_ts"
LEFT_OUT: Final = {
    # Zero fees were not told as dollars while the integers were there (seen on real rows).
    ("kalshi.order", "1"): f"{_ORDER_OPTIONAL} self_trade_prevention_type maker_fees_dollars",
    ("kalshi.order", "2-early"): f"{_ORDER_OPTIONAL} self_trade_prevention_type maker_fees_dollars",
    ("kalshi.order", "2"): f"{_ORDER_OPTIONAL} self_trade_prevention_type maker_fees_dollars",
    ("kalshi.order", "3a"): f"{_ORDER_OPTIONAL} self_trade_prevention_type",
    ("kalshi.order", "3b"): f"{_ORDER_OPTIONAL} self_trade_prevention_type",
    # The real order of July 2026 has none of these.
    ("kalshi.order", "4"): f"{_ORDER_OPTIONAL} expiration_time order_group_id exchange_index",
    ("kalshi.order", "5"): f"{_ORDER_OPTIONAL} expiration_time order_group_id",
    ("kalshi.market", "1"): f"{_MARKET_OPTIONAL} settlement_value",
    ("kalshi.market", "2-early"): f"{_MARKET_OPTIONAL} settlement_value is_provisional",
    ("kalshi.market", "2"): f"{_MARKET_OPTIONAL} settlement_value is_provisional",
    # Generation 4 began without it (May to July 2026).
    ("kalshi.subaccount_balance", "4"): "exchange_index",
    # Optional, or asked for by a parameter.
    ("kalshi.series", "1"): "product_metadata",
    ("kalshi.series", "2-early"): "product_metadata volume volume_fp",
    ("kalshi.series", "2"): "product_metadata volume volume_fp last_updated_ts",
    ("kalshi.series", "3a"): _SERIES_OPTIONAL,
    ("kalshi.series", "3b"): _SERIES_OPTIONAL,
    ("kalshi.series", "4"): f"{_SERIES_OPTIONAL} exchange_index",
    ("kalshi.series", "5"): _SERIES_OPTIONAL,
    **{("kalshi.market", it): f"{_MARKET_OPTIONAL} is_provisional" for it in PHASES[4:]},
}
CASES = pytest.mark.parametrize(
    ("kind", "phase"),
    # The models of the REST API do not tell what the stream says.
    [pytest.param(*case, id="-".join(case)) for case in READER if case[0] in OBJECTS],
)


def rendered(kind: str, phase: str) -> dict[str, Any]:
    """Return the sample of a kind in the words of a phase."""
    value = parse(RENDER[kind](phase))
    assert isinstance(value, dict)
    return value


def keys_of(text: str) -> set[str]:
    """Return the keys of a payload."""
    return set(json.loads(text))


@pytest.fixture(scope="module")
def history() -> dict[str, Any]:
    """Return the machine-readable history of the API's objects."""
    path = SHARED / "kalshi" / "openapi" / "schema_history.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def present(history: dict[str, Any], name: str, version: str) -> set[str]:
    """Return the fields that an object had in a version."""
    order = [each["version"] for each in history["versions"]]
    at = order.index(version)
    fields = history["objects"][name].items()
    return {
        field
        for field, life in fields
        if order.index(life["first"]) <= at <= order.index(life["last"])
    }


@needs_shared_data
@CASES
def test_a_made_payload_has_the_keys_of_its_model(
    history: dict[str, Any], kind: str, phase: str
) -> None:
    expected = present(history, OBJECTS[kind], SDK_VERSIONS[phase])
    left_out = set(LEFT_OUT.get((kind, phase), "").split())
    assert left_out <= expected
    assert rendered(kind, phase).keys() == expected - left_out


def real_keys(name: str, container: str) -> set[str]:
    """Return all keys of the rows of a real answer."""
    answer = json.loads((SHARED / "kalshi" / "payloads" / name).read_text(encoding="utf-8"))
    return set().union(*answer.get("response", answer)[container])


def header_of(name: str) -> set[str]:
    """Return the columns of a real dump."""
    with (SHARED / "kalshi" / "payloads" / name).open(encoding="utf-8") as file:
        return set(file.readline().strip().split(","))


@needs_shared_data
def test_made_rows_have_the_keys_of_the_real_rows_on_disk() -> None:
    gen1, gen4, gen5 = "gen1_2026-01", "gen4_2026-03_to_2026-07", "gen5_2026-09"
    assert keys_of(fill_json(FILL, "1")) == header_of(f"{gen1}/kalshi_fills_2026-01-13.csv")
    assert keys_of(fill_json(FILL, "4")) == header_of(f"{gen4}/fills_oldest_rows.csv")
    assert keys_of(fill_json(FILL, "5")) == header_of(f"{gen5}/fills_btc15m_sample.csv")
    settled = {phase: keys_of(settlement_json(ENDING, [FILL], phase)) for phase in PHASES}
    assert settled["1"] == header_of(f"{gen1}/kalshi_settlements_2026-01-13.csv")
    assert settled["4"] == header_of(f"{gen4}/settlements_sample.csv")
    golden = f"{gen1}/golden_sanitized"
    orders = real_keys(f"{golden}/portfolio_orders_response.json", "orders")
    assert keys_of(order_json(ORDER, "1")) == orders
    assert keys_of(order_json(ORDER, "4")) == real_keys(
        f"{gen4}/orders_demo_2026-07-18.json", "orders"
    )
    assert keys_of(position_json(HOLDING, "1")) == real_keys(
        f"{golden}/portfolio_positions_response.json", "market_positions"
    )
    assert keys_of(position_json(HOLDING, "4")) == real_keys(
        f"{gen4}/positions_2026-07-25.json", "market_positions"
    )


@needs_shared_data
def test_a_made_fill_message_has_the_keys_of_its_specification() -> None:
    path = SHARED / "kalshi" / "openapi" / "asyncapi_2.0.0_2026-10-26.yaml"
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    members = spec["components"]["schemas"]["fillPayload"]["properties"]
    told = json.loads(fill_message_json(FILL, "5", sid=1, sent_at=AT, post_position=Decimal(0)))
    assert told.keys() == members.keys()
    assert told["msg"].keys() == members["msg"]["properties"].keys()
    older = json.loads(fill_message_json(FILL, "4", sid=1, sent_at=AT, post_position=Decimal(0)))
    assert told["msg"].keys() - older["msg"].keys() == {"exchange_index"}


def test_there_was_no_fill_message_before_generation_4() -> None:
    with pytest.raises(ValueError, match="cannot say a fill message"):
        fill_message_json(FILL, "3b", sid=1, sent_at=AT, post_position=Decimal(0))


def test_numbers_are_spelled_as_each_generation_spelled_them() -> None:
    first, fifth = fill_json(FILL, "1"), fill_json(FILL, "5")
    assert '"count":13,' in first
    assert '"price":0.24,' in first
    assert '"yes_price_fixed":"0.2400"' in first
    assert '"created_time":"2026-01-12T17:04:05.67042Z"' in first
    assert '"fee_cost":"0.1700"' in fill_json(FILL, "3b")
    assert '"fee_cost":"0.170000"' in fifth
    assert '"count_fp":"13.00"' in fifth
    assert '"no_price_dollars":"0.7600"' in fifth


def test_a_fill_tells_the_side_acquired_and_an_order_the_matrix() -> None:
    assert '"action":"sell"' in fill_json(FILL, "5")
    assert '"side":"no"' in fill_json(FILL, "5")
    assert '"side":"yes"' in order_json(ORDER, "5")
    assert '"outcome_side":"no"' in order_json(ORDER, "5")


def variant(**changes: Any) -> Execution:  # noqa: ANN401 - fields of a dataclass
    """Return the sample fill with other values."""
    fields = {name: getattr(FILL, name) for name in FILL.__dataclass_fields__}
    return Execution(**{**fields, **changes})


@pytest.mark.parametrize(
    ("fill", "mute"),
    [
        (variant(quantity=Decimal("0.16")), {"0", "1"}),
        (variant(yes_price=Decimal("0.245")), {"0", "1", "2-early", "2", "3a", "3b"}),
        (variant(subaccount=3), {"0", "1", "2-early"}),
        (variant(fee=Decimal("0.00012")), {"2", "3a", "3b"}),
        (variant(fee=Decimal("0.0000001")), {"2", "3a", "3b", "4", "5"}),
        (variant(yes_price=Decimal("0.2400001")), set(PHASES)),
        (variant(quantity=Decimal("0.001")), set(PHASES)),
        (variant(exchange_index=2, client_order_id=None), set()),
    ],
)
def test_a_generation_refuses_what_it_has_no_words_for(fill: Execution, mute: set[str]) -> None:
    for phase in PHASES:
        if phase in mute:
            with pytest.raises(ValueError, match=r"cannot say|places"):
                fill_json(fill, phase)
        else:
            fill_json(fill, phase)


def test_an_empty_client_order_id_leaves_its_key_out() -> None:
    assert "client_order_id" not in fill_json(variant(client_order_id=None), "1")
    assert "client_order_id" not in fill_json(FILL, "3b")


@pytest.mark.parametrize(
    ("result", "value", "yes", "no", "revenue"),
    [
        ("yes", None, "1", "1", 0),
        ("no", None, "1", "3", 200),
        ("yes", None, "16", "6", 1000),
        ("scalar", 45, "19.00", "18.86", 6),
        ("scalar", 45, "0", "1", 55),
        ("yes", None, "5.68", "5.00", 68),
        ("no", None, "33.63", "33.63", 0),
        ("void", None, "3", "1", 48),
        ("yes", None, "0", "0", 0),
    ],
)
def test_revenue_is_what_the_net_contracts_pay_floored_to_cents(
    result: Result,
    value: int | None,
    yes: str,
    no: str,
    revenue: int,
) -> None:
    pair = [
        variant(acquired="yes", quantity=Decimal(yes), fill_id="a"),
        variant(acquired="no", quantity=Decimal(no), fill_id="b"),
    ]
    rows = [row for row in pair if row.quantity]
    ending = Ending(TICKER, result, value, AT + timedelta(hours=9))
    told = json.loads(settlement_json(ending, rows, "5"))
    assert told["revenue"] == revenue
    assert (Decimal(told["yes_count_fp"]), Decimal(told["no_count_fp"])) == (
        Decimal(yes),
        Decimal(no),
    )


def test_a_settlement_is_refused_before_its_fills() -> None:
    with pytest.raises(ValueError, match="a fill after the settlement"):
        settlement_json(Ending(TICKER, "yes", None, AT - timedelta(seconds=1)), [FILL], "5")


def test_an_unknown_generation_is_refused() -> None:
    with pytest.raises(ValueError, match="no generation '6'"):
        fill_json(FILL, "6")
