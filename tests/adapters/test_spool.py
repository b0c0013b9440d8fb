"""The spool's folder and its lines: what is a record, what is rejected, what is none of ours."""

import errno
import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.spool import files
from adapters.spool.lines import LINE_BYTES_MAX, TEXT_BYTES_MAX, Raw, line_event, rejected_event
from domain.errors import CannotDoError, NotUnderstoodError
from domain.event import NewEvent, Owner, header, payload_bytes

NOW = datetime(2026, 5, 11, 15, tzinfo=UTC)
BOOK = Owner("main", "live")
QUOTE = {"instrument": "KXMADE", "quoted_at": "2026-05-11T14:30:00Z", "bid": "0.45"}
LINE = {
    "v": 1,
    "kind": "market.quote",
    "venue": "kalshi",
    "recorded_at": "2026-05-11T14:30:01Z",
    "payload": QUOTE,
}


def event(line: dict[str, object] | str | bytes) -> NewEvent:
    text = json.dumps(line) if isinstance(line, dict) else line
    data = text.encode() if isinstance(text, str) else text
    return line_event(Raw(7, data, len(data) + 1), "a.jsonl", BOOK, NOW)


def read(path: Path) -> list[Raw]:
    with files.held(path) as held:
        return list(files.lines(held))


# --- lines ---------------------------------------------------------------------------------------


def test_a_line_becomes_an_event_of_its_broker_with_its_payload_untouched() -> None:
    text = json.dumps(LINE).replace('"0.45"', ' "0.45" ')
    made = event(text)
    assert made.kind == "market.quote"
    assert made.key == "kalshi|main|live|market.quote|quoted-KXMADE-2026-05-11T14:30:00Z"
    assert payload_bytes(made.state) == json.dumps(QUOTE).replace('"0.45"', ' "0.45" ').encode()
    told = header(made.state)
    assert told["received_at"] == "2026-05-11T15:00:00.000000Z"
    assert told["source"] == {
        "adapter": "recorder/1",
        "document": "a.jsonl",
        "line": 7,
        "recorded_at": "2026-05-11T14:30:01Z",
    }


def test_account_mode_and_key_are_the_lines_own_where_it_tells_them() -> None:
    made = event(LINE | {"venue": "ibkr", "account": "U1", "mode": "paper", "key": "a|b c"})
    assert made.key == "ibkr|U1|paper|market.quote|a%7Cb%20c"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("hello", "no JSON object"),
        ("[]", "no JSON object"),
        ('{"v":1', "'}' is expected"),
        ('{"v":1} {"v":1}', "more text after"),
        (b'{"v":\xff}', "not UTF-8 text: byte 0xff"),
        (b'{"v":1,\0}', "not JSON"),
        ('{"v":1,"v":1}', "comes twice"),
        (json.dumps(LINE).replace('"bid"', '"bid":"0.4","bid"'), "a member comes twice"),
        (LINE | {"v": 2}, "v: "),
        (LINE | {"v": "1.0"}, "v: "),
        (LINE | {"v": "1"}, "v: "),
        (LINE | {"v": 1.0}, "v: "),
        (LINE | {"v": True}, "v: "),
        (LINE | {"acount": "other"}, "acount: Extra inputs"),
        (LINE | {"account": ""}, "account ''"),
        (LINE | {"mode": ""}, "mode ''"),
        (LINE | {"key": "k" * 501}, "key: "),
        (LINE | {"payload": QUOTE | {"note": "\ud800"}}, "half a character (\\ud800)"),
        (LINE | {"payload": QUOTE | {"\udfff": [1]}}, "half a character (\\udfff)"),
        (LINE | {"payload": QUOTE | {"note": [{"x": "a\ud83d"}]}}, "half a character"),
        (LINE | {"kind": "bot.thought"}, "kind 'bot.thought' is not known"),
        (LINE | {"kind": 1}, "kind: "),
        (LINE | {"venue": "bot"}, "venue: "),
        (LINE | {"account": "a b"}, "account 'a b'"),
        (LINE | {"mode": "demo"}, "mode 'demo'"),
        (LINE | {"key": ""}, "key: "),
        (LINE | {"recorded_at": "yesterday"}, "recorded_at: 'yesterday' is no ISO time"),
        (LINE | {"payload": None}, "payload: an object is expected"),
        (LINE | {"payload": []}, "payload: an object is expected"),
        ({name: LINE[name] for name in LINE if name != "payload"}, "payload: an object"),
        (LINE | {"payload": QUOTE | {"bid": 0.45}}, "bid: Input should be a valid string"),
        (LINE | {"payload": QUOTE | {"bid": None}}, "bid, ask, mid and underlying are all missing"),
        (LINE | {"payload": QUOTE | {"instrument": "\ud800"}}, "half a character"),
        (LINE | {"kind": "bot.order_posted"}, "strategy: Field required"),
        ('{"a":' * 100 + "1" + "}" * 100, "nested deeper"),
        ('{"a":' * 100_000, "nested too deep"),
        (b"x" * (LINE_BYTES_MAX + 1), "longer than 1,000,000 bytes"),
    ],
)
def test_a_line_that_is_no_record_is_rejected_with_the_reason(
    line: dict[str, object] | str | bytes, reason: str
) -> None:
    with pytest.raises(NotUnderstoodError) as refused:
        event(line)
    assert reason in str(refused.value)


def test_two_halves_make_a_character_and_stay_as_they_were_written() -> None:
    made = event(json.dumps(LINE | {"payload": QUOTE | {"note": "\U0001f600"}}))
    assert rb"\ud83d\ude00" in payload_bytes(made.state)


def test_a_mark_before_the_first_line_is_passed_over_and_no_other() -> None:
    text = b"\xef\xbb\xbf" + json.dumps(LINE).encode()
    made = line_event(Raw(1, text, len(text)), "a.jsonl", BOOK, NOW)
    assert payload_bytes(made.state) == json.dumps(QUOTE).encode()
    with pytest.raises(NotUnderstoodError, match="no JSON object"):
        event(text)


def test_a_reason_that_is_no_text_is_kept_all_the_same() -> None:
    line = json.dumps(LINE | {"\ud800\n\x1b[31m" + "x" * 5000: 1})
    with pytest.raises(NotUnderstoodError) as refused:
        event(line)
    raw = Raw(3, line.encode(), len(line))
    kept = json.loads(
        payload_bytes(rejected_event(raw, str(refused.value), "a.jsonl", BOOK, NOW).state)
    )
    assert kept["reason"].isprintable()
    assert len(kept["reason"]) <= 1000


def test_a_rejected_line_is_kept_with_what_is_no_text_escaped() -> None:
    raw = Raw(3, b"a\0\xff" + b"x" * TEXT_BYTES_MAX, 10)
    made = rejected_event(raw, "why", "a.jsonl", BOOK, NOW)
    payload = json.loads(payload_bytes(made.state))
    assert made.key.startswith("ledger|main|live|bot.rejected_line|")
    assert payload["text"].startswith("a\\x00\\xffx")
    assert (payload["file"], payload["line"], payload["reason"]) == ("a.jsonl", 3, "why")
    assert len(payload["sha256"]) == 64
    assert len(payload["text"]) < TEXT_BYTES_MAX + 10


# --- files ---------------------------------------------------------------------------------------


def test_files_are_listed_oldest_first_and_all_else_is_named(tmp_path: Path) -> None:
    for name in ("20260512.jsonl", "20260511.jsonl", "notes.txt", ".hidden.jsonl", "a b.jsonl"):
        (tmp_path / name).touch()
    for folder in ("taken", "folder.jsonl"):
        (tmp_path / folder).mkdir()
    (tmp_path / "link.jsonl").symlink_to("/etc/passwd")
    names, others = files.listed(tmp_path)
    assert names == ["20260511.jsonl", "20260512.jsonl"]
    assert set(others) == {"notes.txt", ".hidden.jsonl", "a b.jsonl", "folder.jsonl", "link.jsonl"}


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert files.listed(tmp_path / "spool") == ([], {})


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "spool").touch()
    with pytest.raises(CannotDoError, match="cannot be read: Not a directory"):
        files.listed(tmp_path / "spool")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jsonl")
    with pytest.raises(NotUnderstoodError, match="no plain file"):
        read(tmp_path / "a.jsonl")


def test_a_link_that_came_after_the_listing_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").symlink_to("/etc/passwd")
    with pytest.raises(CannotDoError, match="symbolic links"):
        read(tmp_path / "a.jsonl")


def test_lines_are_numbered_and_the_last_may_be_torn(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\n\ntwo\r\nthree")
    assert read(path) == [
        Raw(1, b"one", 4),
        Raw(2, b"", 1),
        Raw(3, b"two\r", 5),
        Raw(4, b"three", 5, ended=False),
    ]


def test_of_a_file_whose_writer_lives_the_torn_tail_waits(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\ntw")
    with path.open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert [raw.text for raw in read(path)] == [b"one"]
    assert [raw.text for raw in read(path)] == [b"one", b"tw"]


@pytest.mark.parametrize("end", [b"\n", b""])
def test_of_a_huge_line_only_the_beginning_is_held(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x" * (3 * LINE_BYTES_MAX) + end + b"next\n" * bool(end))
    first, *others = read(path)
    assert (len(first.text), first.size_bytes) == (TEXT_BYTES_MAX, 3 * LINE_BYTES_MAX + len(end))
    assert first.ended == bool(end)
    assert first.sha256 is not None
    assert [raw.text for raw in others] == [b"next"] * bool(end)


def test_a_line_of_just_the_length_allowed_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x" * LINE_BYTES_MAX + b"\n" + b"y" * (LINE_BYTES_MAX + 1) + b"\n")
    first, second = read(path)
    assert (len(first.text), first.sha256) == (LINE_BYTES_MAX, None)
    assert second.sha256 is not None


def test_a_file_is_put_away_under_a_name_of_its_own(tmp_path: Path) -> None:
    for content in ("one", "two", "three"):
        path = tmp_path / "a.jsonl"
        path.write_text(content)
        with files.held(path) as held:
            files.put_away(held)
    assert {path.name: path.read_text() for path in (tmp_path / "taken").iterdir()} == {
        "a.jsonl": "one",
        "a.jsonl.2": "two",
        "a.jsonl.3": "three",
    }


def test_another_file_that_came_under_the_name_is_not_put_away(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("one")
    with files.held(path) as held:
        path.rename(tmp_path / "elsewhere")
        path.write_text("two")
        assert files.put_away(held) is None
    assert path.read_text() == "two"
    assert not (tmp_path / "taken" / "a.jsonl").exists()


def test_a_file_that_is_cut_off_while_it_is_read_ends_there(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\n" * 10_000)
    with files.held(path) as held:
        found = files.lines(held)
        assert next(found).text == b"one"
        os.truncate(path, 4)
        assert 1 <= len(list(found)) < 9_999


def test_a_folder_where_nothing_can_be_locked_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(file: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    (tmp_path / "a.jsonl").write_text("one")
    monkeypatch.setattr(fcntl, "flock", unable)
    with pytest.raises(CannotDoError, match="the spool must be on a local disk"):
        read(tmp_path / "a.jsonl")


def test_a_socket_is_named_and_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # the name of a socket must be short
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.jsonl")
        assert files.listed(tmp_path) == ([], {"s.jsonl": "no plain file"})
