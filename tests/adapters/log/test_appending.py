"""What an append decides; that it decides right is a matter of the log's contract."""

from collections import Counter
from collections.abc import Iterator

from adapters.log.appending import decide
from tests.contracts.event_log import made

LINES = 3000


def test_however_often_a_key_is_revised_its_history_is_read_once() -> None:
    read: Counter[str] = Counter()
    stored = [(number, made("a", str(number), line=number).state) for number in range(1, LINES + 1)]

    def history(key: str) -> Iterator[tuple[int, bytes]]:
        for row in reversed(stored):
            read[key] += 1
            yield row

    again = [made("a", str(number), line=number) for number in range(1, 2 * LINES + 1)]
    decision = decide(again, history)
    assert (decision.revisions, decision.duplicates) == (LINES, LINES)
    assert sum(read.values()) <= LINES + 1


def test_a_key_that_says_what_it_said_last_costs_its_newest_revision_only() -> None:
    read: list[int] = []

    def history(_: str) -> Iterator[tuple[int, bytes]]:
        for number in range(LINES, 0, -1):
            read.append(number)
            yield number, made("a", str(number)).state

    assert decide([made("a", str(LINES), "page 2")] * 5, history).duplicates == 5
    assert read == [LINES]
