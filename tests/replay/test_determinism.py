"""The same log gives the same tables, however it is rebuilt; and whoever breaks that is noticed."""

from pathlib import Path
from typing import Final

import pytest

from domain.results import TABLES
from tests.books import event
from tests.projections.random_markets import markets
from tests.replay.determinism import IN_A_READER, IN_A_STEP, WHOLE, Way, build, differing
from tests.replay.test_skipping import RICH

WAYS: Final = {
    "one thread": Way(),
    "two threads": Way(threads=2, chunk_events=1000),
    "four threads in small pieces": Way(threads=4, morsels=True),
    "little memory": Way(threads=4, morsels=True, memory="150MB"),
    "chunks of 7": Way(chunk_events=7),
    "pages of 50": Way(page_events=50, chunk_events=64),
    "here": Way(
        environment={
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": "1",
        }
    ),
    "far east, bytes": Way(
        threads=2,
        environment={
            "TZ": "Pacific/Kiritimati",
            "LC_ALL": "C",
            "LANG": "de_DE.ISO-8859-1",
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
            "PYTHONHASHSEED": "2",
        },
    ),
    "New York, optimized": Way(
        environment={
            "TZ": "America/New_York",
            "LC_ALL": "POSIX",
            "PYTHONHASHSEED": "random",
            "PYTHONOPTIMIZE": "2",
        }
    ),
}
SMALL: Final = [
    event(kind, text) for payloads in markets(7, 60).values() for kind, text in payloads
]


# a fault, and two ways that must not come out the same with it
CANARIES: Final = {
    "first of groups": ("one thread", "four threads in small pieces"),
    "numbered without order": ("one thread", "two threads"),
    "numbered over ties": ("one thread", "two threads"),
    "threads": ("one thread", "two threads"),
    "memory": ("one thread", "little memory"),
    "hash seed": ("here", "far east, bytes"),
    "locale": ("here", "far east, bytes"),
    "time zone": ("here", "far east, bytes"),
    IN_A_READER: ("one thread", "chunks of 7"),
}


def test_a_rich_book_is_the_same_however_it_is_made(tmp_path: Path) -> None:
    assert differing(tmp_path / "made", RICH, WAYS) == {}


def test_a_small_book_is_the_same_where_every_event_is_a_chunk(tmp_path: Path) -> None:
    ways = {"at once": Way(), "one by one": Way(chunk_events=1, page_events=1)}
    assert differing(tmp_path / "made", RICH[::6], ways) == {}


@pytest.mark.parametrize("fault", CANARIES)
def test_a_planted_fault_is_noticed(tmp_path: Path, fault: str) -> None:
    """The canary of the test above: the ways and the comparison are its own."""
    some = {name: WAYS[name] for name in CANARIES[fault]}
    _, other = some
    found = differing(tmp_path / "made", SMALL, some, fault)
    assert list(found) == [other]
    assert {"fill" if fault == IN_A_READER else "instrument", WHOLE} <= set(found[other])


def test_every_fault_is_planted() -> None:
    assert CANARIES.keys() == {*IN_A_STEP, IN_A_READER}


def test_every_published_table_is_compared(tmp_path: Path) -> None:
    differing(tmp_path / "made", SMALL[:1], {"one": Way()})
    (tmp_path / "made" / "0" / "book.duckdb").unlink()
    prints = build(tmp_path / "made" / "0", Way(), "")
    assert prints.keys() == {WHOLE, *(model.table for model in TABLES)}
