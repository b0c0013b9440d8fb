"""From messages to events: whose they are, in their order, each at once and once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ibkr.owning import WAITING_MAX
from adapters.ibkr.payloads import Message
from adapters.ibkr.recording import Recorder
from adapters.log.appending import Appended
from adapters.log.sqlite import SQLiteLog
from adapters.taking import Census
from domain.errors import CannotDoError, UsageError
from domain.event import NewEvent, StoredEvent
from tests.adapters.ibkr.desk import ACCOUNT, NOON, OTHER, executed, reported
from tests.fakes.gateway import OrderStatus

AT = datetime(2026, 1, 5, 20, 30, tzinfo=UTC)


def message(*fields: str, seconds: int = 0) -> Message:
    return Message(int(fields[0]), fields, 176, AT + timedelta(seconds=seconds))


def recorder(log: SQLiteLog, *accounts: str) -> Recorder:
    made = Recorder(log, "paper", None, Census(), NOON)
    made.serve(accounts or (ACCOUNT,))
    return made


def stored(log: SQLiteLog) -> list[tuple[str, int]]:
    rows = [row for batch in log.batches(0, log.head()) for row in batch.to_pylist()]
    return [(row["key"], row["revision"]) for row in rows]


@pytest.fixture
def log(tmp_path: Path) -> SQLiteLog:
    return SQLiteLog.open(tmp_path / "log.sqlite", create=True)


def test_an_order_that_returns_to_an_earlier_state_has_a_revision_for_each(log: SQLiteLog) -> None:
    with log:
        writer = recorder(log)
        for status in ("Submitted", "PreSubmitted", "Submitted", "Submitted"):
            told = OrderStatus("1", status, "0", "100", perm_id="1001")
            writer.hear(message(*told.fields(176)))
            writer.flush()
        assert [revision for _, revision in stored(log)] == [1, 2, 3]


def test_a_report_in_front_of_its_execution_finds_its_account(log: SQLiteLog) -> None:
    with log:
        writer = recorder(log, ACCOUNT, OTHER)
        writer.hear(message(*reported(1).fields(176)))
        writer.flush()
        assert log.head() == 0
        assert writer.unowned("executions") == 1
        writer.hear(message(*executed(1, account=OTHER).fields(176)))
        writer.flush()
        assert writer.unowned("executions") == 0
        assert [key.split("|")[1] for key, _ in stored(log)] == [OTHER, OTHER]


def test_a_status_has_the_account_of_an_order_in_the_log(log: SQLiteLog) -> None:
    with log:
        first = recorder(log, ACCOUNT, OTHER)
        first.hear(order(1, OTHER, "1001"))
        first.flush()
        second = recorder(log, ACCOUNT, OTHER)
        second.hear(message(*OrderStatus("1", "Filled", "1", "0", perm_id="1001").fields(176)))
        second.flush()
        assert [key.split("|")[1] for key, _ in stored(log)] == [OTHER, OTHER]


def order(number: int, account: str, perm_id: str = "0", client_id: str = "7") -> Message:
    fields = ["5", str(number), *[""] * 24]
    fields[20], fields[24], fields[25] = account, client_id, perm_id
    return message(*fields)


def status(number: int, perm_id: str = "0", client_id: str = "7") -> Message:
    told = OrderStatus(str(number), "Submitted", "0", "1", perm_id=perm_id, client_id=client_id)
    return message(*told.fields(176))


@pytest.mark.parametrize("perm_id", ["0", ""])
def test_orders_without_a_permanent_id_keep_their_accounts_apart(
    log: SQLiteLog, perm_id: str
) -> None:
    with log:
        writer = recorder(log, ACCOUNT, OTHER)
        for told in (
            order(11, ACCOUNT, perm_id),
            order(12, OTHER, perm_id),
            status(11, perm_id),
            status(12, perm_id),
        ):
            writer.hear(told)
        writer.flush()
        told_of = {key for key, _ in stored(log) if "order_status" in key}
        assert told_of == {
            f"ibkr|{ACCOUNT}|paper|ibkr.order_status|order-7-11",
            f"ibkr|{OTHER}|paper|ibkr.order_status|order-7-12",
        }


def test_what_nothing_identifies_is_linked_to_nothing_and_counted(log: SQLiteLog) -> None:
    with log:
        writer = recorder(log, ACCOUNT, OTHER)
        writer.hear(order(11, ACCOUNT, "0", "0"))
        writer.hear(status(11, "0", "0"))
        writer.hear(message("59", "1", "", "1", "USD", "", "", ""))
        writer.flush()
        assert [key.split("|")[3] for key, _ in stored(log)] == ["ibkr.open_order"]
        assert (writer.unowned("open_orders"), writer.unowned("executions")) == (1, 1)
        assert writer.ownership.left() == "1 ibkr.commission_report, 1 ibkr.order_status"


def test_what_nobody_owns_is_bounded_and_looked_up_once(
    log: SQLiteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    found = SQLiteLog.revisions

    def looking(self: SQLiteLog, key: str) -> list[StoredEvent]:
        looked.append(key)
        return found(self, key)

    monkeypatch.setattr(SQLiteLog, "revisions", looking)
    with log:
        writer = recorder(log, ACCOUNT, OTHER)
        for number in range(WAITING_MAX + 5):
            for _ in range(2):
                writer.hear(message("59", "1", f"aa.{number}.01", "1", "USD", "", "", ""))
                writer.flush()
        assert writer.pending == []
        assert writer.ownership.waiting_count == WAITING_MAX
        # each of two accounts, and again where nothing waits
        assert len(looked) == 2 * (WAITING_MAX + 10)
        assert writer.unowned("executions") == WAITING_MAX + 10
        left = writer.ownership.left()
        assert left is not None
        assert left.startswith("ibkr.commission_report aa.0.01, ")
        assert left.endswith(f"{WAITING_MAX - 10} more, 10 ibkr.commission_report")
        writer.ownership.told("executions")
        assert writer.unowned("executions") == 0
        # there is room again as soon as somebody owns it
        fields = list(executed(1, account=OTHER, exec_id="aa.7.01").fields(176))
        writer.hear(message(*fields))
        writer.flush()
        assert writer.ownership.waiting_count == WAITING_MAX - 1
        assert [key.split("|")[1] for key, _ in stored(log)] == [OTHER, OTHER]


def test_what_cannot_be_appended_stays_pending(
    log: SQLiteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    appended = SQLiteLog.append

    def full(self: SQLiteLog, events: Sequence[NewEvent], *, dry_run: bool = False) -> Appended:
        if OTHER in events[0].key:
            raise CannotDoError("the disk is full")
        return appended(self, events, dry_run=dry_run)

    with log:
        writer = recorder(log, ACCOUNT, OTHER)
        for number, account in ((1, ACCOUNT), (2, OTHER), (3, OTHER)):
            writer.hear(message(*executed(number, account=account).fields(176)))
        with monkeypatch.context() as broken:
            broken.setattr(SQLiteLog, "append", full)
            with pytest.raises(CannotDoError, match="the disk is full"):
                writer.flush()
        assert len(stored(log)) == 1
        writer.flush()
        kept = [key.rpartition("|")[2] for key, _ in stored(log)]
        assert kept == [executed(number).exec_id for number in (1, 2, 3)]


def test_an_account_of_another_mode_is_refused_wherever_it_shows(log: SQLiteLog) -> None:
    with log:
        with pytest.raises(UsageError, match="--mode live"):
            recorder(log, "U1234567")
        writer = recorder(log)
        writer.hear(message(*executed(1, account="U1234567").fields(176)))
        for number in (2, 3):
            writer.hear(message(*executed(number, account="U1234567").fields(176)))
        writer.hear(message(*executed(4).fields(176)))
        with pytest.raises(UsageError, match=r"U1234567 is a live .* \(3 messages were not"):
            writer.flush()
        assert [key.rpartition("|")[2] for key, _ in stored(log)] == [executed(4).exec_id]
        assert writer.pending == []


def test_rows_of_one_answer_are_of_one_moment_and_later_ones_of_theirs(log: SQLiteLog) -> None:
    def position(conid: str, seconds: int) -> Message:
        fields = ["61", "3", ACCOUNT, conid, *[""] * 10, "1", "2"]
        return message(*fields, seconds=seconds)

    with log:
        writer = recorder(log)
        writer.begin_answer("ibkr.position")
        writer.hear(position("1", 1))
        writer.hear(position("2", 2))
        writer.flush()
        writer.end_answer("ibkr.position")
        writer.hear(position("1", 3))
        writer.flush()
        moments = [key.split("|")[4] for key, _ in stored(log)]
        assert moments == [
            "2026-01-05T20:30:01.000000Z",
            "2026-01-05T20:30:01.000000Z",
            "2026-01-05T20:30:03.000000Z",
        ]


MESSAGES = st.lists(
    st.tuples(st.integers(1, 4), st.booleans(), st.sampled_from(["1.0", "-1.0", "2.5"])),
    max_size=12,
)


@given(MESSAGES, st.sets(st.integers(0, 12)))
def test_however_messages_are_gathered_the_log_holds_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    told: list[tuple[int, bool, str]],
    flushes: set[int],
) -> None:
    """Batches change how often the disk is written to, and nothing else."""

    def keep(at: set[int]) -> list[tuple[str, int]]:
        folder = tmp_path_factory.mktemp("log")
        with SQLiteLog.open(folder / "log.sqlite", create=True) as log:
            writer = recorder(log)
            for place, (number, is_report, commission) in enumerate(told):
                if is_report:
                    writer.hear(message(*reported(number, commission=commission).fields(176)))
                else:
                    writer.hear(message(*executed(number).fields(176)))
                if place in at:
                    writer.flush()
            writer.flush()
            return stored(log)

    assert keep(flushes) == keep(set(range(13)))
