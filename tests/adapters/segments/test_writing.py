"""What is written is what the log holds, in however many pieces it comes."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from adapters.segments import writing
from adapters.segments.segment import file_name, folder_name, range_of, read
from adapters.segments.verify import verify
from domain.errors import CannotDoError, LogCorruptError
from tests.adapters.segments.lives import KINDS, hostile_log, rich_log, segmented
from tests.books import BookMaker


def test_pieces_and_row_groups_do_not_show(
    books: BookMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rich_log(books) as log:
        segmented(tmp_path / "whole", log)
        monkeypatch.setattr(writing, "_PIECE_EVENTS", 1)
        monkeypatch.setattr(writing, "ROW_GROUP_EVENTS", 3)
        monkeypatch.setattr("adapters.log.sqlite.BATCH_ROWS", 7)
        (made, *_) = segmented(tmp_path / "pieces", log)
        assert verify(tmp_path / "pieces", log, deep=True).problems == ()
    path = made.paths()["kalshi.fill"]
    assert pq.read_metadata(path).num_row_groups > 2
    whole = tmp_path / "whole" / made.folder.name / path.name
    assert pq.read_table(path).equals(pq.read_table(whole))
    assert pq.read_table(path)["position"].to_pylist() == sorted(
        pq.read_table(path)["position"].to_pylist()
    )


def test_a_state_that_is_no_text_is_kept_to_the_byte(books: BookMaker, tmp_path: Path) -> None:
    with hostile_log(books) as log:
        (made,) = segmented(tmp_path / "segments", log)
        rows = pq.read_table(made.paths()["odd"]).to_pylist()
        states = [log.event(row["position"]) for row in rows]
    for row, stored in zip(rows, states, strict=True):
        assert stored is not None
        assert (row["state"].encode() if row["raw"] is None else row["raw"]) == stored.state
    assert sum(row["raw"] is not None for row in rows) == 2


def test_every_kind_has_a_file_of_its_own_in_the_folder() -> None:
    names = [file_name(kind) for kind in (*KINDS, "kalshi.fill", "ibkr.flex.trade")]
    assert len({name.lower() for name in names}) == len(names)
    assert all(Path(name).name == name and len(name) < 255 for name in names)
    assert names[-2:] == ["kalshi.fill.parquet", "ibkr.flex.trade.parquet"]


@pytest.mark.parametrize("name", ["1-2", "000000000001-2", "a", "-", "0000000000001-000000000002"])
def test_what_is_not_named_like_a_segment_is_none(name: str) -> None:
    assert range_of(name) is None
    assert range_of(folder_name(1, 10**13)) == (1, 10**13)


def test_a_segment_that_does_not_end_at_a_seal_is_not_written(
    books: BookMaker, tmp_path: Path
) -> None:
    with rich_log(books) as log, pytest.raises(LogCorruptError, match="no seal"):
        writing.write(log, tmp_path, 1, 19, "")
    assert not list(tmp_path.glob("0*"))


def test_a_folder_that_cannot_be_written_to_is_told(books: BookMaker, tmp_path: Path) -> None:
    with rich_log(books) as log, pytest.raises(CannotDoError, match="cannot write"):
        writing.write(log, tmp_path / "none", 1, 20, "")


def test_what_was_written_reads_back(books: BookMaker, tmp_path: Path) -> None:
    with rich_log(books) as log:
        made = segmented(tmp_path / "segments", log)
    assert [read(one.folder) for one in made] == made
    assert [read(one.folder).digest for one in made] == [one.digest for one in made]
