"""The mixed corpus: nothing in it is spelled otherwise than real makers would."""

from collections import Counter
from itertools import accumulate
from pathlib import Path
from typing import Final

import pytest

from adapters.log.sqlite import SQLiteLog
from adapters.log.verify import verify
from domain import jsontext, kinds
from domain.event import NewEvent, header, payload_bytes
from domain.shapes import shape_of
from tests.benchmarks import mixed, per_event
from tests.benchmarks.aggregates import Holdings
from tests.books import BookMaker, Built
from tests.oracle.payloads import replay_payloads
from tests.projections.test_lots_oracle import normal

COUNT: Final = 6_000
INSTRUMENTS: Final = 150


def corpus() -> list[NewEvent]:
    return [event for page in mixed.pages(COUNT, INSTRUMENTS) for event in page]


@pytest.fixture(scope="module")
def built(shelf: BookMaker) -> Built:
    return shelf.build(*mixed.pages(COUNT, INSTRUMENTS), rules=mixed.RULES)


def test_keys_and_shapes_are_those_of_the_real_makers() -> None:
    for event in corpus():
        payload = jsontext.parse(payload_bytes(event.state).decode())
        assert event.key.endswith(f"|{kinds.identity_of(kinds.BY_NAME[event.kind], payload)}")
        assert header(event.state)["shape"] == shape_of(payload)


def test_everything_is_read_and_nothing_looks_wrong(built: Built) -> None:
    assert built.rows("unreadable") == []
    assert built.rows("canary") == []
    assert built.rows("SELECT DISTINCT status FROM drift") == [{"status": "known"}]
    assert built.rows("SELECT DISTINCT state FROM realized_comparison") == [{"state": "agrees"}]
    states = built.rows("SELECT DISTINCT revenue_state, fills_state FROM settlement")
    assert {row["revenue_state"] for row in states} <= {"agrees", "netted"}
    assert {row["fills_state"] for row in states} == {"complete"}


def test_the_parts_have_their_shares_and_every_generation_speaks(built: Built) -> None:
    kinds_told = Counter(event.kind for event in corpus())
    assert kinds_told.total() == COUNT
    assert kinds_told["kalshi.fill"] / COUNT == pytest.approx(0.62, abs=0.03)
    assert kinds_told["ibkr.execution"] / COUNT == pytest.approx(0.125, abs=0.02)
    assert abs(kinds_told["ibkr.execution"] - kinds_told["ibkr.commission_report"]) <= 20
    generations = built.rows("SELECT reader FROM drift WHERE kind = 'kalshi.fill'")
    assert sorted(row["reader"] for row in generations) == ["0", "1", "2", "3a", "3b", "4", "5"]


def test_positions_are_flat_again_and_again_and_many_strategies_trade(built: Built) -> None:
    trades = built.one("SELECT count(*) AS n, count(closed_at) AS closed FROM trade")
    assert trades["n"] > COUNT // 8
    assert trades["closed"] / trades["n"] > 0.8
    names = {row["strategy"] for row in built.rows("SELECT DISTINCT strategy FROM attribution")}
    assert names == {*mixed.STRATEGIES, "unattributed"}


def test_the_closed_lots_at_kalshi_are_the_oracles(built: Built) -> None:
    columns = "instrument_id open_fill_id close_id close_kind trade_id quantity open_price "
    columns += "close_price rounding realized_gross fee_state fees realized_net opened_at closed_at"
    payloads = [(event.kind, payload_bytes(event.state)) for event in corpus()]
    expected = replay_payloads(payloads)["lot_match"]
    wanted = Counter(normal({name: row[name] for name in columns.split()}) for row in expected)
    rows = built.rows(f"SELECT {columns.replace(' ', ', ')} FROM lot_match WHERE venue = 'kalshi'")
    assert Counter(map(normal, rows)) == wanted


def test_both_baselines_close_the_same_lots(built: Built, tmp_path: Path) -> None:
    ours = built.connection.execute(per_event.SUMS_OF_A_PROJECTION).fetchall()
    ledger = per_event.Ledger()
    for event in corpus():
        ledger.read(event.kind, payload_bytes(event.state))
    closed = ledger.closed()
    assert per_event.digest(per_event.sums_of(closed)) == per_event.digest(ours)
    with Holdings(tmp_path / "aggregates.sqlite") as holdings:
        assert holdings.write(ledger) > len(ledger.deals)
        assert dict(holdings.replay(list(ledger.deals))) == closed


def test_the_log_is_sound_and_ends_in_an_ordered_and_a_late_part(tmp_path: Path) -> None:
    path = tmp_path / "mixed.sqlite"
    mixed.write_log(path, COUNT, INSTRUMENTS)
    with SQLiteLog.open(path) as log:
        assert verify(log).problems == []
        assert log.head() == COUNT
        ends = [COUNT - mixed.BEHIND, COUNT - mixed.LATE, COUNT]
        assert [seal.last for seal in map(log.seal_of, ends) if seal] == ends
    times = [one.at for one in mixed.told(COUNT, INSTRUMENTS)]
    before, ordered, late = times[: ends[0]], times[ends[0] : ends[1]], times[ends[1] :]
    assert ordered == sorted(ordered)
    assert max(before) < ordered[0]
    assert max(late) < sorted(before)[-1000]
    assert 0 < sum(one < top for one, top in zip(before, accumulate(before, max), strict=True)) < 60


def test_a_seed_says_it_all_and_another_says_something_else() -> None:
    first = list(mixed.told(2_000, INSTRUMENTS))
    assert list(mixed.told(2_000, INSTRUMENTS)) == first
    assert list(mixed.told(2_000, INSTRUMENTS, seed=8)) != first
