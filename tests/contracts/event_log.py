"""What every store of the event log must do; `EventLogContract` is run once for each store."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeAlias

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.log.appending import Appended
from domain.errors import UsageError
from domain.event import (
    NewEvent,
    Origin,
    Owner,
    StoredEvent,
    escape,
    header,
    make_event,
    same_content,
)
from domain.seals import GENESIS, Seal, extend
from replay.ports import EVENT_SCHEMA, EventLog

RECEIVED = datetime(2026, 1, 13, 12, tzinfo=UTC)
KIND = "kalshi.fill"


class WritableLog(EventLog, Protocol):
    """A log as its store gives it."""

    def append(self, events: Sequence[NewEvent], *, dry_run: bool = False) -> Appended: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


MakeLog: TypeAlias = Callable[[], WritableLog]


def made(
    identity: str,
    payload: str = '{"count":1}',
    document: str = "page 1",
    kind: str = KIND,
    **more: str | int,
) -> NewEvent:
    """Make an event; none of this is a real payload. `more` is what its source says, too."""
    source: dict[str, str | int] = {"adapter": "made/1", "document": document, **more}
    origin = Origin(Owner("main", "live"), "kalshi", RECEIVED, source)
    return make_event(origin, kind, identity, "0123456789ab", payload)


def made_page(count: int, start: int = 0, document: str = "page 1") -> list[NewEvent]:
    """Make events with different keys."""
    return [
        made(f"20260113-{number:06d}", f'{{"count":{number}}}', document)
        for number in range(start, start + count)
    ]


def stored(log: EventLog) -> list[StoredEvent]:
    """Read the whole log through its batches."""
    table = log.batches(0, log.head()).read_all()
    return [StoredEvent(*row.values()) for row in table.to_pylist()]


def seals(log: EventLog) -> list[Seal]:
    """Walk the seals from the last one to the first; return them in the order of position."""
    found = []
    position = log.head()
    while position:
        seal = log.seal_of(position)
        assert seal is not None
        found.append(seal)
        position = seal.first - 1
    return found[::-1]


def assert_sound(log: EventLog) -> None:
    """Positions are dense, and the seals are those of the events."""
    events = stored(log)
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    previous = GENESIS
    for seal in seals(log):
        assert seal.digest == extend(previous, events[seal.first - 1 : seal.last])
        previous = seal.digest


def source_of(state: bytes) -> dict[str, str | int]:
    source = header(state)["source"]
    assert isinstance(source, dict)
    return source


def at_or_behind(row: StoredEvent, event: NewEvent) -> bool:
    """Tell whether a row is of an event's document, and no earlier line of it."""
    here, there = source_of(row.state), source_of(event.state)
    is_same = here["document"] == there["document"]
    return is_same and int(here.get("line", 0)) >= int(there.get("line", 0))


def recorded_later(row: StoredEvent, event: NewEvent) -> bool:
    """Tell whether a row is of another document, and was recorded behind an event."""
    here, there = source_of(row.state), source_of(event.state)
    later, earlier = str(here.get("recorded_at", "")), str(there.get("recorded_at", ""))
    return here["document"] != there["document"] and bool(earlier) and later > earlier


def append_to_model(model: list[StoredEvent], batch: Sequence[NewEvent]) -> None:
    """Apply the rule of idempotence to a plain list, as slowly and as clearly as possible."""
    before = len(model)
    for event in batch:
        said = [row for row in model if row.key == event.key]
        same = [row for row in said if same_content(row.state, event.state)]
        old = [row for row in said if row.position <= before]
        mine = [row for row in old if at_or_behind(row, event)]
        repeats = any(row.position <= later.position for row in same for later in mine)
        repeats |= bool(old) and recorded_later(old[-1], event) and any(row in old for row in same)
        if not (said and said[-1] in same) and not repeats:
            position = len(model) + 1
            model.append(StoredEvent(position, event.key, len(said) + 1, event.kind, event.state))


def cut(events: Sequence[NewEvent], sizes: Sequence[int]) -> Iterator[Sequence[NewEvent]]:
    """Cut a list into pieces of the given sizes, used again and again."""
    at = number = 0
    while at < len(events):
        size = sizes[number % len(sizes)]
        yield events[at : at + size]
        at, number = at + size, number + 1


IDENTITIES = st.text(min_size=1, max_size=12).filter(
    lambda text: not any(0xD800 <= ord(character) <= 0xDFFF for character in text)
)
PAYLOADS = st.sampled_from(['{"a":1,"b":[]}', '{"b":[],"a":1}', '{"a":1.0,"b":[]}', '"ü"', "null"])
DISTINCT = st.lists(st.tuples(IDENTITIES, PAYLOADS), unique_by=lambda pair: pair[0], max_size=12)
# Few keys, few contents, few documents: everything that can clash does.
PAGES = st.sampled_from(["page 1", "page 2", "page 3"])
MIXED = st.lists(st.builds(made, st.sampled_from("ab"), PAYLOADS, PAGES), max_size=8)
# Lines of files, of which one may be read while another grows.
TIMES = st.sampled_from([f"2026-01-13T12:00:0{second}Z" for second in range(4)])
LINES = st.lists(
    st.builds(
        made,
        st.sampled_from("ab"),
        PAYLOADS,
        PAGES,
        line=st.integers(1, 4),
        recorded_at=TIMES,
    ),
    max_size=8,
)
DOCUMENTS = PAGES.flatmap(
    lambda page: st.lists(st.builds(made, st.sampled_from("ab"), PAYLOADS, st.just(page)))
)
# Few letters, so that one is often the beginning of another; some sort as UTF-16 would not.
NEIGHBOURS = st.text(st.sampled_from("ab%|é\uffff\U00010000\U0010fffe"), min_size=1, max_size=4)
SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=3)
# Every example makes logs of its own; another store runs the same tests from another class.
ON_DISK = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class EventLogContract(ABC):
    """Derive, name the class Test…, and say how a new and empty log is made."""

    @abstractmethod
    def make(self, directory: Path, name: str) -> WritableLog:
        """Make a new log."""

    @pytest.fixture
    def make_log(self, tmp_path: Path) -> Iterator[MakeLog]:
        with ExitStack() as stack:
            yield lambda: stack.enter_context(
                self.make(tmp_path, f"log-{len(list(tmp_path.iterdir()))}")
            )

    @pytest.fixture
    def log(self, make_log: MakeLog) -> WritableLog:
        return make_log()

    # --- an empty log ----------------------------------------------------------------------------

    def test_an_empty_log_has_no_head_and_no_seal(self, log: WritableLog) -> None:
        assert log.head() == 0
        assert log.seal_head() is None
        assert log.seal_of(0) is None
        assert log.seal_of(1) is None
        assert log.event(1) is None
        assert log.events_at([1]).num_rows == 0
        assert log.revisions("nothing") == []
        assert log.last_under("kalshi|") is None

    def test_an_empty_log_gives_no_batches_but_their_schema(self, log: WritableLog) -> None:
        reader = log.batches(0, 10)
        assert reader.schema == EVENT_SCHEMA
        assert reader.read_all().num_rows == 0

    # --- appending -------------------------------------------------------------------------------

    def test_what_was_appended_comes_back_byte_for_byte(self, log: WritableLog) -> None:
        events = [made("a", ' {"price" : 1.10,\t"x":"\\u00e9é"}'), made("b", "[]")]
        assert log.append(events) == Appended(2, 0, 0, 1, 2)
        expected = [
            StoredEvent(position, event.key, 1, event.kind, event.state)
            for position, event in enumerate(events, 1)
        ]
        assert stored(log) == expected
        assert [log.event(position) for position in (0, 1, 2, 3)] == [None, *expected, None]
        assert log.revisions(events[0].key) == expected[:1]
        assert log.head() == 2

    def test_events_at_positions_are_those_of_the_stream(self, log: WritableLog) -> None:
        log.append(made_page(5))
        streamed = log.batches(0, 5).read_all()
        found = log.events_at([4, 2, 9, 4, 0])
        assert found.schema == EVENT_SCHEMA
        assert found.to_pylist() == [streamed.to_pylist()[place] for place in (1, 3)]

    def test_positions_go_on_where_the_last_append_ended(self, log: WritableLog) -> None:
        assert log.append(made_page(3)) == Appended(3, 0, 0, 1, 3)
        assert log.append(made_page(2, start=3)) == Appended(2, 0, 0, 4, 5)
        assert_sound(log)

    def test_the_empty_batch_changes_nothing(self, log: WritableLog) -> None:
        assert log.append([]) == Appended(0, 0, 0, None, None)
        assert log.head() == 0

    def test_a_batch_taken_in_again_writes_nothing_and_no_seal(self, log: WritableLog) -> None:
        log.append(made_page(3))
        before = log.seal_head()
        assert log.append(made_page(3, document="page 2")) == Appended(0, 0, 3, None, None)
        assert log.head() == 3
        assert log.seal_head() == before

    def test_only_what_is_new_in_an_overlapping_batch_is_written(self, log: WritableLog) -> None:
        log.append(made_page(3))
        assert log.append(made_page(5)) == Appended(2, 0, 3, 4, 5)
        assert_sound(log)

    def test_key_order_and_white_space_make_no_revision(self, log: WritableLog) -> None:
        log.append([made("a", '{"x":1,"y":2}')])
        assert log.append([made("a", '{ "y": 2, "x": 1 }', "page 2")]).duplicates == 1

    def test_the_text_of_a_number_makes_a_revision(self, log: WritableLog) -> None:
        log.append([made("a", '{"x":1.0}')])
        assert log.append([made("a", '{"x":1.00}', "page 2")]) == Appended(0, 1, 0, 2, 2)
        assert [event.revision for event in log.revisions(made("a").key)] == [1, 2]

    def test_a_broker_that_goes_back_to_what_it_said_makes_a_third_revision(
        self, log: WritableLog
    ) -> None:
        for number, payload in enumerate(("1", "2", "1")):
            log.append([made("a", payload, f"page {number}")])
        said = log.revisions(made("a").key)
        assert [(event.revision, event.state[-2:]) for event in said] == [
            (1, b"1}"),
            (2, b"2}"),
            (3, b"1}"),
        ]

    def test_a_document_with_two_versions_of_a_key_can_be_taken_in_again(
        self, log: WritableLog
    ) -> None:
        document = [made("a", "1"), made("b", "1"), made("a", "2")]
        assert log.append(document) == Appended(2, 1, 0, 1, 3)
        assert log.append(document) == Appended(0, 0, 3, None, None)
        assert log.append(document[:1]) == Appended(0, 0, 1, None, None)

    def test_a_document_that_overlaps_with_an_earlier_one_can_be_taken_in_again(
        self, log: WritableLog
    ) -> None:
        log.append([made("a", "1", "page 1")])
        later = [made("a", "1", "page 2"), made("a", "2", "page 2")]
        assert log.append(later) == Appended(0, 1, 1, 2, 2)
        assert log.append(later) == Appended(0, 0, 2, None, None)

    def test_a_document_whose_last_word_is_an_old_one_is_believed(self, log: WritableLog) -> None:
        log.append([made("a", "1", "page 1")])
        later = [made("a", "2", "page 2"), made("a", "1", "page 2")]
        assert log.append(later) == Appended(0, 2, 0, 2, 3)
        assert log.append(later) == Appended(0, 0, 2, None, None)

    def test_a_document_that_returns_to_its_first_word_is_three_revisions(
        self, log: WritableLog
    ) -> None:
        document = [made("a", "1"), made("a", "2"), made("a", "1")]
        assert log.append(document) == Appended(1, 2, 0, 1, 3)
        assert log.append(document) == Appended(0, 0, 3, None, None)

    @pytest.mark.parametrize("size", [1, 2, 3])
    def test_lines_of_a_file_that_say_a_b_a_are_three_revisions_however_they_come_in(
        self, log: WritableLog, size: int
    ) -> None:
        lines = [made("a", payload, line=number) for number, payload in enumerate("121", 1)]
        for batch in cut(lines, [size]):
            log.append(batch)
        assert [event.revision for event in stored(log)] == [1, 2, 3]
        # a file that grows is read again from its beginning
        assert log.append([*lines, made("a", "2", line=4)]) == Appended(0, 1, 3, 4, 4)

    def test_a_line_that_only_repeated_the_one_before_it_stays_nothing_when_read_again(
        self, log: WritableLog
    ) -> None:
        lines = [made("a", payload, line=number) for number, payload in enumerate("112", 1)]
        assert log.append(lines) == Appended(1, 1, 1, 1, 2)
        assert log.append(lines) == Appended(0, 0, 3, None, None)

    def test_an_old_file_read_again_takes_nothing_back_that_another_said_since(
        self, log: WritableLog
    ) -> None:
        first, second, third, fourth = (f"2026-01-13T12:00:0{second}Z" for second in range(4))
        old = [
            made("a", "1", "file 1", line=1, recorded_at=first),
            made("a", "1", "file 1", line=2, recorded_at=second),
        ]
        log.append(old)
        log.append([made("a", "2", "file 2", line=1, recorded_at=third)])
        assert log.append(old) == Appended(0, 0, 2, None, None)
        news = made("a", "1", "file 1", line=3, recorded_at=fourth)
        assert log.append([*old, news]) == Appended(0, 1, 2, 3, 3)

    def test_a_key_revised_thousands_of_times_is_read_once(self, log: WritableLog) -> None:
        lines = [made("a", str(number % 3000), line=number) for number in range(1, 6001)]
        assert log.append(lines[:3000]) == Appended(1, 2999, 0, 1, 3000)
        assert log.append(lines) == Appended(0, 3000, 3000, 3001, 6000)

    def test_a_key_twice_in_one_batch_with_one_content_is_one_event(self, log: WritableLog) -> None:
        assert log.append([made("a"), made("a")]) == Appended(1, 0, 1, 1, 1)

    def test_a_batch_can_hold_new_events_revisions_and_duplicates(self, log: WritableLog) -> None:
        log.append([made("a", "1"), made("b", "1")])
        batch = [made("c", "1", "page 2"), made("a", "2", "page 2"), made("b", "1", "page 2")]
        assert log.append(batch) == Appended(1, 1, 1, 3, 4)
        assert [(event.key[-1], event.revision) for event in stored(log)] == [
            ("a", 1),
            ("b", 1),
            ("c", 1),
            ("a", 2),
        ]
        assert_sound(log)

    @pytest.mark.parametrize(
        "wrong",
        [
            NewEvent(made("a").key, KIND, b"{}"),
            NewEvent(made("a", "1").key, KIND, made("a", "1").state[:-1]),
            NewEvent(made("a").key, "kalshi.settlement", made("a").state),
            NewEvent(made("a").key.replace("main", "other"), KIND, made("a").state),
            NewEvent(made("").key, KIND, made("").state),
            NewEvent(made("a").key + "\0", KIND, made("a").state),
            NewEvent(made("a").key + "\ud800", KIND, made("a").state),
            NewEvent(made("a").key, KIND, made("a").state.replace(b'"venue"', b'"revenue"')),
            NewEvent(made("a").key, KIND, made("a").state.replace(b'"adapter"', b'"adaptor"')),
            NewEvent(made("a").key, KIND, made("a").state.replace(b"{", b"[", 1)),
        ],
    )
    def test_a_malformed_event_is_refused_and_nothing_of_its_batch_is_written(
        self, log: WritableLog, wrong: NewEvent
    ) -> None:
        with pytest.raises(UsageError, match=r"event 2 of 3: .*nothing was written"):
            log.append([made("x"), wrong, made("y")])
        assert log.head() == 0

    def test_a_dry_run_counts_and_writes_nothing(self, log: WritableLog) -> None:
        log.append([made("a", "1"), made("b", "1")])
        batch = [made("c", "1", "page 2"), made("a", "2", "page 2"), made("b", "1", "page 2")]
        assert log.append(batch, dry_run=True) == Appended(1, 1, 1, None, None)
        assert log.head() == 2
        assert log.revisions(made("c").key) == []
        assert log.append(batch) == Appended(1, 1, 1, 3, 4)

    # --- the last key under a prefix -------------------------------------------------------------

    def test_the_newest_revision_of_the_last_key_under_a_prefix_is_found(
        self, log: WritableLog
    ) -> None:
        log.append([made("b", "1"), made("a", "1"), made("ba", "1"), made("c", "1")])
        log.append([made("ba", "2", "page 2"), made("a", "2", "page 2")])
        prefix = made("").key
        found = [log.last_under(f"{prefix}{end}") for end in ("b", "a", "ba", "bb", "")]
        assert [event and (event.key[len(prefix) :], event.revision) for event in found] == [
            ("ba", 2),
            ("a", 2),
            ("ba", 2),
            None,
            ("c", 1),
        ]

    def test_an_empty_prefix_is_refused(self, log: WritableLog) -> None:
        with pytest.raises(ValueError, match="empty prefix"):
            log.last_under("")

    @pytest.mark.parametrize("wild", ["%", "_", "*", "?", "[a]", "A"])
    def test_a_prefix_is_taken_letter_by_letter(self, log: WritableLog, wild: str) -> None:
        log.append([made("a")])
        assert log.last_under(made("").key + wild) is None

    # --- seals -----------------------------------------------------------------------------------

    def test_each_append_adds_one_seal_chained_to_the_one_before(self, log: WritableLog) -> None:
        log.append(made_page(3))
        log.append(made_page(1, start=3))
        log.append(made_page(2, start=4))
        assert [(seal.first, seal.last) for seal in seals(log)] == [(1, 3), (4, 4), (5, 6)]
        assert log.seal_head() == seals(log)[-1]
        assert_sound(log)

    def test_the_seal_of_a_position_covers_it(self, log: WritableLog) -> None:
        log.append(made_page(3))
        log.append(made_page(2, start=3))
        found = [log.seal_of(position) for position in range(-1, 7)]
        first, last = seals(log)
        assert found == [None, None, first, first, first, last, last, None]

    # --- batches ---------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("after", "until", "positions"),
        [
            (0, 5, [1, 2, 3, 4, 5]),
            (2, 4, [3, 4]),
            (4, 5, [5]),
            (0, 99, [1, 2, 3, 4, 5]),
            (5, 99, []),
            (3, 3, []),
            (4, 2, []),
            (-3, 1, [1]),
        ],
    )
    def test_batches_hold_what_is_behind_after_up_to_until(
        self, log: WritableLog, after: int, until: int, positions: list[int]
    ) -> None:
        log.append(made_page(5))
        table = log.batches(after, until).read_all()
        assert table.column("position").to_pylist() == positions

    def test_many_batches_fit_together(self, log: WritableLog) -> None:
        events = made_page(10_000)
        log.append(events)
        reader = log.batches(1, 9_999)
        read = pa.Table.from_batches(list(reader))
        assert read.column("position").to_pylist() == list(range(2, 10_000))
        assert read.column("state").to_pylist() == [event.state for event in events[1:-1]]

    def test_batches_end_at_the_head_of_the_moment_when_they_were_asked_for(
        self, log: WritableLog
    ) -> None:
        log.append(made_page(3))
        reader = log.batches(0, 99)
        log.append(made_page(3, start=3))
        assert reader.read_all().num_rows == 3

    def test_a_reader_that_is_read_in_part_or_dropped_disturbs_no_append(
        self, log: WritableLog
    ) -> None:
        log.append(made_page(9_000))
        reader = log.batches(0, 9_000)
        first = reader.read_next_batch().num_rows
        log.append(made_page(3, start=9_000))
        rest = reader.read_all().num_rows
        assert (first < 9_000, first + rest) == (True, 9_000)
        dropped = log.batches(0, 9_003)
        dropped.read_next_batch()
        del dropped
        assert log.append(made_page(1, start=9_003)).last_position == 9_004

    # --- for any events --------------------------------------------------------------------------

    @ON_DISK
    @given(DISTINCT, SIZES, SIZES)
    def test_the_batching_of_events_with_different_keys_does_not_show_in_the_rows(
        self,
        make_log: MakeLog,
        pairs: list[tuple[str, str]],
        sizes: list[int],
        other_sizes: list[int],
    ) -> None:
        events = [made(escape(identity), payload) for identity, payload in pairs]
        logs = []
        for chosen in (sizes, other_sizes):
            log = make_log()
            for batch in cut(events, chosen):
                log.append(batch)
            assert_sound(log)
            logs.append(log)
        assert stored(logs[0]) == stored(logs[1])
        assert [row.state for row in stored(logs[0])] == [event.state for event in events]

    @ON_DISK
    @given(st.lists(DOCUMENTS, max_size=5))
    def test_appending_a_document_twice_changes_nothing(
        self, make_log: MakeLog, documents: list[list[NewEvent]]
    ) -> None:
        log = make_log()
        for batch in documents:
            log.append(batch)
            before, seal = stored(log), log.seal_head()
            again = log.append(batch)
            assert (again.new, again.revisions, again.duplicates) == (0, 0, len(batch))
            assert (stored(log), log.seal_head()) == (before, seal)

    @ON_DISK
    @given(
        st.lists(st.tuples(NEIGHBOURS, PAYLOADS), min_size=1, max_size=12),
        st.lists(NEIGHBOURS, max_size=6),
    )
    def test_the_last_event_under_a_prefix_is_what_a_search_of_all_events_finds(
        self, make_log: MakeLog, pairs: list[tuple[str, str]], prefixes: list[str]
    ) -> None:
        log = make_log()
        for number, (identity, payload) in enumerate(pairs):
            log.append([made(escape(identity), payload, f"page {number}")])
        known = stored(log)
        for prefix in ("k", made("").key, *(made(escape(text)).key for text in prefixes)):
            under = [event for event in known if event.key.startswith(prefix)]
            # in the order of code points, which is that of UTF-8
            expected = max(under, key=lambda event: (event.key, event.revision), default=None)
            assert log.last_under(prefix) == expected

    @ON_DISK
    @given(st.lists(MIXED | LINES, max_size=5))
    def test_the_log_holds_what_a_plain_list_would(
        self, make_log: MakeLog, batches: list[list[NewEvent]]
    ) -> None:
        model: list[StoredEvent] = []
        log = make_log()
        for batch in batches:
            append_to_model(model, batch)
            log.append(batch)
        assert stored(log) == model
        assert_sound(log)
