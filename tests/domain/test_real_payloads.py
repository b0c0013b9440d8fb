"""The real payloads that we have: each is known, but for the few rows that are known fragments."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from domain.jsontext import parse
from domain.kinds import BY_CONTAINER, BY_NAME, BY_SINGLE, Kind, column_types
from domain.shapes import choose, shape_entries
from tests.shared_data import SHARED, needs_shared_data

pytestmark = needs_shared_data

KALSHI = SHARED / "kalshi"
GOLDEN = "gen1_2026-01/golden_sanitized"


def restored(kind: Kind, row: dict[str, str]) -> dict[str, object]:
    """Return the API row that a line of a flat dump was made from; an empty cell is a lost key."""
    types = column_types(kind)
    return {
        key: cell if types[key] == "string" else parse(cell.lower())
        for key, cell in row.items()
        if cell
    }


def csv_rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the lines of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def page_rows(name: str) -> Iterator[tuple[Kind, object]]:
    """Yield the rows of an API answer with their kinds."""
    value = parse((KALSHI / "payloads" / name).read_text(encoding="utf-8"))
    assert isinstance(value, dict)
    answer = value.get("response", value)
    for key, inner in answer.items():
        if key in BY_CONTAINER:
            yield from ((BY_CONTAINER[key], row) for row in inner)
        elif key in BY_SINGLE:
            yield BY_SINGLE[key], inner
        elif key == "balance":
            yield BY_NAME["kalshi.balance"], answer


def census(rows: Iterable[tuple[Kind, object]]) -> dict[str, int]:
    """Count the rows by kind, status and reader."""
    counts: Counter[str] = Counter()
    for kind, row in rows:
        choice = choose(kind.readers, shape_entries(row))
        gone = f" without {' '.join(choice.keys_missing)}" if choice.keys_missing else ""
        counts[f"{kind.name} {choice.status} {choice.reader or choice.reason}{gone}"] += 1
    return dict(counts)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gen1_2026-01/kalshi_fills_2026-01-13.csv", {"kalshi.fill known 1": 269}),
        ("gen1_2026-01/kalshi_fills_2026-01-17.csv", {"kalshi.fill known 1": 553}),
        ("gen1_2026-01/kalshi_settlements_2026-01-13.csv", {"kalshi.settlement known 1": 93}),
        ("gen1_2026-01/kalshi_settlements_2026-01-17.csv", {"kalshi.settlement known 1": 89}),
        ("gen4_2026-03_to_2026-07/fills_oldest_rows.csv", {"kalshi.fill known 4": 17}),
        ("gen4_2026-03_to_2026-07/settlements_sample.csv", {"kalshi.settlement known 3b": 40}),
        ("gen5_2026-09/fills_btc15m_sample.csv", {"kalshi.fill known 5": 35}),
    ],
)
def test_every_line_of_a_real_dump_is_known(name: str, expected: dict[str, int]) -> None:
    kind = BY_CONTAINER["fills" if "fills" in name else "settlements"]
    lines = csv_rows(KALSHI / "payloads" / name)
    assert census((kind, restored(kind, line)) for line in lines) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (f"{GOLDEN}/portfolio_fills_response.json", {"kalshi.fill known 1": 5}),
        (f"{GOLDEN}/portfolio_settlements_response.json", {"kalshi.settlement known 1": 1}),
        (f"{GOLDEN}/portfolio_orders_response.json", {"kalshi.order known 1": 5}),
        (f"{GOLDEN}/portfolio_order_single_response.json", {"kalshi.order known 1": 1}),
        (f"{GOLDEN}/portfolio_balance_response.json", {"kalshi.balance known 1": 1}),
        (f"{GOLDEN}/market_single_response.json", {"kalshi.market known 1": 1}),
        (f"{GOLDEN}/markets_list_response.json", {"kalshi.market known 1": 5}),
        (f"{GOLDEN}/portfolio_positions_response.json",
         {"kalshi.position known 1": 12, "kalshi.event_position unknown unknown_kind": 11}),
        ("gen4_2026-03_to_2026-07/orders_demo_2026-07-18.json", {"kalshi.order known 4": 1}),
        ("gen4_2026-03_to_2026-07/positions_2026-07-25.json", {"kalshi.position known 3": 7}),
        ("gen4_2026-03_to_2026-07/market_settled_2026-07-07.json", {"kalshi.market known 3": 1}),
        ("gen5_2026-09/deposits_2026-09.json", {"kalshi.deposit known 1": 5}),
    ],
)  # fmt: skip
def test_every_row_of_a_real_answer_is_known(name: str, expected: dict[str, int]) -> None:
    assert census(page_rows(name)) == expected


def test_the_fragments_among_the_real_settlements_are_unknown_and_nothing_else_is() -> None:
    rows = list(page_rows("gen5_2026-09/settlements_scalar_and_netted.json"))
    choices = [choose(kind.readers, shape_entries(row)) for kind, row in rows]
    assert [choice.reader for choice in choices] == ["3b", "3b", None, None, "5", "5", "5", "5"]
    assert {choice.status for choice in choices if choice.reader} == {"known"}
    for choice in choices[2:4]:
        assert choice.reason == "unknown_shape"
        assert "fee_cost" in choice.keys_missing
    assert "settled_time" in choices[2].keys_missing
    assert "settled_time" not in choices[3].keys_missing


def test_the_cashed_out_fills_lack_their_ids_and_are_unknown() -> None:
    assert census(page_rows("gen5_2026-09/fills_settlement_cashout_2026-08-31.json")) == {
        "kalshi.fill unknown unknown_shape without fill_id is_taker order_id": 2,
        "kalshi.settlement known 3b": 1,
    }


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("crypto_may2026_Kalshi-Recent-Activity-All.csv", "activity", 795),
        ("weather_may2026_Kalshi-Recent-Activity-All.csv", "activity", 410),
        ("weather_may2026_Kalshi-Recent-Activity-Settlement.csv", "activity", 74),
        ("weather_may2026_Kalshi-Transactions-2026.csv", "transaction", 82),
        ("weather_jan_may2026_Kalshi-Transactions-2026.csv", "transaction", 14_244),
    ],
)
def test_every_line_of_a_real_export_is_known(name: str, kind: str, expected: int) -> None:
    report = BY_NAME[f"kalshi.report.{kind}"]
    lines = csv_rows(KALSHI / "exports" / name)
    assert census((report, line) for line in lines) == {
        f"{report.name} known {report.readers[0].name}": expected
    }
