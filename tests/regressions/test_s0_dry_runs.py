"""Known failure S0-3: a dry run that wrote. Every verb with --dry-run is found, none is listed."""

import json
from pathlib import Path
from typing import Final

import pytest
import typer

from tests.tools.command import bytes_of, fills_page, run, small_book, written
from tools.cli import app

DECISION: Final = {
    "decision_id": "d1",
    "strategy": "maker",
    "instrument": "KXMADE-26JUN01-T71",
    "side": "yes",
    "outcome": "posted",
    "decided_at": "2026-06-01T09:59:58Z",
}
SPOOLED: Final = {
    "v": 1,
    "kind": "bot.decision",
    "venue": "kalshi",
    "recorded_at": "2026-06-01T09:59:58.000001Z",
    "payload": DECISION,
}
WORDS: Final[dict[str, tuple[str, ...]]] = {
    "init": (),
    "ingest": ("more",),
    "project": (),
    "rebuild": (),
    "switch": (),
    "verify": ("--anchor", "anchor.jsonl", "--new-anchor"),
    "spool": (),
    "record": ("bot.decision", "decision.json", "--venue", "kalshi"),
    "attribute": ("fill-2", "--strategy", "maker", "--reason", "mine"),
}
# groups of verbs whose dry runs are tried elsewhere: test_fetch*.py on real sockets,
# test_report.py, test_segments.py
GROUPS: Final = {"fetch", "report", "segments"}


def with_dry_run() -> set[str]:
    verbs = typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
    return {
        name
        for name, verb in verbs
        if any("--dry-run" in option.opts for option in verb.params)
        or any(
            "--dry-run" in o.opts for v in getattr(verb, "commands", {}).values() for o in v.params
        )
    }


def test_s0_3_every_verb_with_a_dry_run_is_tried() -> None:
    assert with_dry_run() == WORDS.keys() | GROUPS


@pytest.mark.parametrize("verb", WORDS)
def test_s0_3_a_dry_run_of_any_verb_changes_no_byte_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    book = small_book(tmp_path)
    if verb == "project":
        recent = written(tmp_path / "recent", fills=fills_page().replace("fill-", "new-"))
        assert run(book, "ingest", recent, "--no-project").code == 0
    if verb == "switch":
        assert run(book, "rebuild").code == 0
    spool = book / "spool"
    spool.mkdir(exist_ok=True)
    (spool / "20260601T095958.000001Z-0000001-abcdef01.jsonl").write_text(
        json.dumps(SPOOLED) + "\n", "utf-8"
    )
    written(tmp_path / "more", fills=fills_page(generation="5"))
    (tmp_path / "decision.json").write_text(json.dumps(DECISION), "utf-8")
    monkeypatch.chdir(tmp_path)
    before = bytes_of(tmp_path)
    target = tmp_path / "new" if verb == "init" else book
    done = run(target, verb, *WORDS[verb], "--dry-run")
    assert "(dry run: nothing was written)" in done.out, done
    assert bytes_of(tmp_path) == before
