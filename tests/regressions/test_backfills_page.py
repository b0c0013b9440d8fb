"""docs/backfills.md is run: each command that it shows says what it shows."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.regressions.__main__ import write
from tests.tools.command import run

PAGE = Path(__file__).parents[2] / "docs" / "backfills.md"


def shown() -> Iterator[tuple[list[str], str]]:
    """Yield the words of each command with what the page shows of its output."""
    code = [line[4:] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("    ")]
    text = "\n".join(code)
    for block in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = block.partition("\n")
        while command.count('"') % 2:
            more, _, output = output.partition("\n")
            command += f"\n{more}"
        yield shlex.split(command), output


def test_every_command_of_the_walk_through_says_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = 0
    for (program, *words), output in shown():
        if program == "python":
            assert words[:2] == ["-m", "tests.regressions"]
            write(Path(words[2]))
        elif program == "cd":
            monkeypatch.chdir(words[0])
        elif program == "cp":
            copy(*words)
        else:
            assert program == "brokertruth"
            done = run(Path("book"), *words)
            assert done.code == 0
            plain = " ".join(done.out.split())
            for piece in output.split("…"):
                assert " ".join(piece.split()) in plain, words
            told += 1
    assert told > 10


def copy(*words: str) -> None:
    if words[0] == "-r":
        shutil.copytree(words[1], Path(words[2]) / words[1], dirs_exist_ok=True)
    else:
        shutil.copyfile(words[0], words[1])
