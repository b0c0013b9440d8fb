"""Every task on replay runs, on a small log, and comes to the figures that the others come to."""

from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from tests.benchmarks import mixed
from tests.benchmarks.baselines import read_raw, replay_aggregates, replay_narrow, replay_wide
from tests.benchmarks.double_entry import write_ledger
from tests.benchmarks.per_event import Closed, Deal, Ledger, Lots
from tests.benchmarks.replaying import (
    advancing,
    closed_lots,
    comparing,
    explaining,
    floor,
    rebuilding,
)
from tests.benchmarks.replays import exponent
from tests.benchmarks.took import Took
from tests.books import NOW

COUNT: Final = 4_000


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("benchmark") / "mixed.sqlite"
    mixed.write_log(path, COUNT, 100)
    return str(path)


@pytest.fixture(scope="module")
def full(log: str) -> tuple[str, Took]:
    target = str(Path(log).with_name("full.duckdb"))
    return target, rebuilding(log, target)


def test_a_rebuild_and_the_baselines_come_to_the_same_closed_lots(
    log: str, full: tuple[str, Took]
) -> None:
    target, rebuilt = full
    ours, plain, library = closed_lots(target), replay_narrow(log), replay_aggregates(log)
    assert rebuilt.events == plain.events == COUNT
    assert ours.figures["closed_lots"] == plain.figures["closed_lots"]
    assert ours.figures["digest"] == plain.figures["digest"] == library.figures["digest"]
    assert library.events > int(ours.figures["fills"]), "settlements are events too"
    assert 0 < replay_wide(log).events < COUNT


def test_the_floor_and_a_raw_read_see_every_event(log: str) -> None:
    assert floor(log).events == read_raw(log).events == COUNT


def test_one_thread_and_less_memory_give_the_same(log: str, full: tuple[str, Took]) -> None:
    other = rebuilding(log, str(Path(log).with_name("o.duckdb")), memory="1GB", threads=1)
    assert other.figures["fingerprint"] == full[1].figures["fingerprint"]
    assert 0 < float(other.figures["fingerprints_seconds"]) < other.seconds


def test_what_came_behind_is_applied_to_a_copy(log: str, full: tuple[str, Took]) -> None:
    before, after = (str(Path(log).with_name(f"{name}.duckdb")) for name in ("before", "after"))
    rebuilding(log, before, until=COUNT - mixed.BEHIND)
    advanced = advancing(log, before, after)
    assert advanced.events == mixed.IN_ORDER
    assert advanced.figures["fingerprint"] == full[1].figures["fingerprint"]


def test_figures_of_every_sort_are_explained_and_other_rules_compared(
    log: str, full: tuple[str, Took]
) -> None:
    explained = explaining(log, full[0], 2)
    assert explained.events >= 10
    other = str(Path(log).with_name("other.duckdb"))
    rebuilding(log, other, "other")
    assert comparing(full[0], other).events == COUNT


def test_a_lot_is_closed_part_by_part_and_a_flip_opens_the_rest() -> None:
    lots = Lots()
    deals = [(Decimal(5), "0.40"), (Decimal(3), "0.50"), (Decimal(-10), "0.60")]
    rows = [
        row
        for number, (signed, price) in enumerate(deals)
        for row in lots.take(Deal(NOW, f"f{number}", signed, Decimal(price)))
    ]
    assert rows == [
        Closed("f0", "f2", *map(Decimal, ("5", "0.40", "0.60", "1.00"))),
        Closed("f1", "f2", *map(Decimal, ("3", "0.50", "0.60", "0.30"))),
    ]
    assert list(lots.settle("X", Decimal(0))) == [
        Closed("f2", "X", *map(Decimal, ("2", "0.60", "0", "1.20")))
    ]


def test_a_flip_is_two_postings_of_one_transaction(tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.deals["main", "X"] = [
        Deal(NOW, "f1", Decimal(5), Decimal("0.40")),
        Deal(NOW, "f2", Decimal(-8), Decimal("0.60")),
        Deal(NOW, "f3", Decimal(1), Decimal("0.30")),
    ]
    path = tmp_path / "made.beancount"
    written = write_ledger(path, ledger, 2, apart=False)
    assert [deal.fill_id for deal in written["main", "X"]] == ["f1", "f2"]
    assert path.read_text().splitlines()[-5:] == [
        f'{NOW:%Y-%m-%d} * "f2"',
        "  Assets:Lots  -5 I0 {} @ 0.60 USD",
        '  Assets:Lots  -3 I0 {0.60 USD, "f2"}',
        "  Assets:Cash  4.800000 USD",
        "  Income:PnL",
    ]


def test_the_exponent_is_the_slope_between_the_logarithms() -> None:
    sizes = (100, 1_000, 10_000)
    assert exponent(sizes, [1, 10, 100]) == pytest.approx(1)
    assert exponent(sizes, [1, 100, 10_000]) == pytest.approx(2)
