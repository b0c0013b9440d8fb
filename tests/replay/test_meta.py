"""What a projection file says about itself."""

from pathlib import Path

import duckdb
import pytest

from domain.errors import ProjectionError
from domain.rules import Rules
from replay import meta
from replay.plan import AsOf, Plan
from replay.rebuild import rebuild
from tests.books import NOW, BookMaker, ledger

FILL = "A 10:00 yes 10 @ 0.62 fee 0.17"


def test_a_file_says_what_the_rebuild_returned(books: BookMaker) -> None:
    built = books.ledger(FILL, strategies={"bot": "bot"})
    read = meta.read(built.connection)
    assert read == built.rebuilt.meta
    assert read.watermark == 1
    assert read.built_at == NOW
    assert read.rules_digest == Rules.of_prefixes({"bot": "bot"}).digest
    assert read.rules_version == "1"
    assert "duckdb 2.0.0" in read.libraries


def test_the_seal_is_the_one_that_covers_the_watermark(books: BookMaker, tmp_path: Path) -> None:
    first, second = ledger(FILL + "\n" + FILL.replace("10:00", "10:01"))
    with books.log([first], [second]) as log:
        made = rebuild(log, tmp_path / "one.duckdb", Plan(NOW, as_of=AsOf(position=1)))
        seal = log.seal_of(1)
        assert seal is not None
        assert made.meta.seal_digest == seal.digest.hex()
        later = rebuild(log, tmp_path / "two.duckdb", Plan(NOW))
    assert later.meta.seal_digest != made.meta.seal_digest


def test_when_it_was_built_is_in_no_fingerprint(books: BookMaker, tmp_path: Path) -> None:
    with books.log(ledger(FILL)) as log:
        early = rebuild(log, tmp_path / "early.duckdb", Plan(NOW))
        late = rebuild(log, tmp_path / "late.duckdb", Plan(NOW.replace(year=2027)))
    assert early.meta.fingerprint == late.meta.fingerprint


def test_an_unfinished_file_is_refused() -> None:
    connection = duckdb.connect()
    with pytest.raises(ProjectionError, match="never finished"):
        meta.read(connection)


def test_rules_have_one_digest_whatever_their_order() -> None:
    of = Rules.of_prefixes
    assert of({"a": "x", "b": "y"}).digest == of({"b": "y", "a": "x"}).digest
    assert of({"a": "x"}).digest != of({"a": "y"}).digest
    assert of({"a": "x"}).digest != Rules().digest


def test_a_file_carries_the_version_of_the_rules_as_the_user_numbers_them(
    books: BookMaker,
) -> None:
    built = books.ledger(FILL, rules=Rules(version="2026-05 exits renamed"))
    assert meta.read(built.connection).rules_version == "2026-05 exits renamed"


def test_the_code_digest_is_stable_within_a_process() -> None:
    meta.code_digest.cache_clear()
    digest = meta.code_digest()
    meta.code_digest.cache_clear()
    assert meta.code_digest() == digest
    assert len(digest) == 64
