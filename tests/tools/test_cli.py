"""The contract of the command line: verbs, one closing line, one JSON object, exit codes."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import typer

from tests.tools.command import (
    DAY,
    Ran,
    bytes_of,
    fills_page,
    finish,
    run,
    small_book,
    start,
    written,
)
from tools import cli

COLUMNS_MAX = 100
DOCS = Path(__file__).parents[2] / "docs"

# What a program may rely on, beside verb, verdict and exit_code.
META = "watermark fingerprint content_fingerprint seal_digest code_digest rules_version built_at"
PROJECTED = f"rebuilt {META}"
COUNTED = "events facts unreadable unknown_shapes additive_shapes from_segments segments_warning"
REBUILT = f"{PROJECTED} {COUNTED} new_canaries dry_run reason current gate"
MOVED = "moved fills_moved lots_reassigned lots_moved days_moved not_compared_because"
FOOTER = "watermark as_of lag_events unreadable drifted_shapes stale_because"
FIELDS: dict[str, str] = {
    "ingest pages": "dry_run files rows new revisions duplicates refused rows_left_out projection",
    "project": PROJECTED,
    "rebuild": f"{REBUILT} {MOVED}",
    "rebuild --as-of-position 3": f"{PROJECTED} {COUNTED} dry_run current as_of output",
    "switch --dry-run": f"{META} switched back dry_run",
    "switch --back": f"{META} switched back dry_run",
    "verify": "events seals head_digest problems anchor",
    "status": (
        "book account mode events watermark lag_events stale_because rules_version fingerprint "
        "content_fingerprint kinds streams strategies fills settlements open_positions "
        "fees_pending unattributed_fills unreadable drifted_shapes canaries "
        "openings_missing missing_revenue differing_revenue settlements_without_all_fills "
        "changed_facts completed_facts differing_cash differing_positions differing_realized "
        "lots_fee_pending lots_basis_missing realized"
    ),
    "drift": "shapes canaries impossible_values stale_because",
    "unreadable": "unreadable stale_because",
    "query @pnl-by-day": f"rows {FOOTER}",
    "query --list": "queries",
    f"explain {DAY}": f"explanation {FOOTER}",
}


@dataclass(frozen=True, slots=True)
class Made:
    """A small book and the folder that it lies in."""

    folder: Path
    book: Path

    def run(self, words: str, *more: str) -> Ran:
        """Run a verb, `pages` standing for the folder with the pages."""
        arguments = [self.folder / word if word == "pages" else word for word in words.split()]
        return run(self.book, *arguments, *more)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    book = small_book(folder)
    for verb in ("rebuild", "switch", "rebuild"):
        assert run(book, verb).code == 0
    return Made(folder, book)


@pytest.mark.parametrize("words", FIELDS)
def test_json_is_one_object_with_these_fields(made: Made, words: str) -> None:
    done = made.run(words, "--json")
    assert set(done.json) == {"verb", "verdict", "exit_code", *FIELDS[words].split()}
    assert done.json["verb"] == words.split(maxsplit=1)[0]
    assert done.json["exit_code"] == done.code == 0


@pytest.mark.parametrize("words", FIELDS)
def test_the_operating_guide_lists_these_fields(words: str) -> None:
    guide = (DOCS / "operating.md").read_text("utf-8")
    lines = [line for line in guide.splitlines() if line.startswith("|")]
    verb, _, option = words.partition(" ")
    listed = "\n".join(line for line in lines if f"`{verb}`" in line or f"`{option}`" in line)
    assert set(FIELDS[words].split()) <= set(re.findall(r"`(\w+)`", listed))


def test_the_readme_lists_every_verb() -> None:
    readme = (DOCS.parent / "README.md").read_text("utf-8")
    verbs = [command.name or "" for command in typer.main.get_group(cli.app).commands.values()]
    assert "ingest" in verbs
    for verb in verbs:
        assert re.search(rf"^\| `{verb}\b", readme, re.MULTILINE), verb


@pytest.mark.parametrize("words", FIELDS)
def test_people_see_at_most_100_columns_and_the_verdict_as_the_last_line(
    made: Made, words: str
) -> None:
    done = made.run(words)
    assert max(map(len, done.out.splitlines())) <= COLUMNS_MAX
    assert done.verdict == made.run(words, "--json").json["verdict"]
    assert (done.code, done.err) == (0, "")


def test_making_a_book_says_so_and_twice_is_wrong(tmp_path: Path) -> None:
    book = tmp_path / "book"
    first = run(book, "init", "--account", "weather", "--mode", "paper", "--json")
    assert first.json == {
        "verb": "init",
        "exit_code": 0,
        "verdict": f"made a book at {book} for account weather (paper)",
        "book": str(book),
        "account": "weather",
        "mode": "paper",
        "dry_run": False,
    }
    before = bytes_of(book)
    second = run(book, "init", "--json")
    assert second.json == {
        "verb": "init",
        "exit_code": 2,
        "verdict": f"{book} is a book already",
        "error": "UsageError",
    }
    assert bytes_of(book) == before


NEEDING_A_BOOK = (
    "ingest .",
    "fetch kalshi",
    "fetch kalshi --follow",
    "project",
    "rebuild",
    "rebuild --as-of-position 1",
    "switch",
    "switch --back",
    "verify",
    "status",
    "drift",
    "unreadable",
    "unreadable 1",
    "query @pnl-by-day",
    f"explain {DAY}",
)


@pytest.mark.parametrize("words", NEEDING_A_BOOK)
def test_without_a_book_every_verb_exits_2_and_names_init(tmp_path: Path, words: str) -> None:
    told = run(tmp_path / "none", *words.split())
    assert (told.code, told.out) == (2, "")
    assert f"no book at {tmp_path}/none: run `brokertruth --book" in told.err
    in_json = run(tmp_path / "none", *words.split(), "--json")
    assert (in_json.json["exit_code"], in_json.json["error"]) == (2, "UsageError")
    assert not (tmp_path / "none").exists()


NEEDING_A_PROJECTION = ("drift", "unreadable", "query @pnl-by-day", f"explain {DAY}")


@pytest.mark.parametrize("projection", ["missing", "unfinished"])
@pytest.mark.parametrize("words", NEEDING_A_PROJECTION)
def test_without_a_finished_projection_questions_exit_3_and_name_rebuild(
    tmp_path: Path, words: str, projection: str
) -> None:
    run(tmp_path, "init")
    if projection == "unfinished":
        duckdb.connect(str(tmp_path / "ledger.duckdb")).close()
    told = run(tmp_path, *words.split())
    assert told.code == 3
    assert "run `brokertruth rebuild`" in told.err
    assert (
        run(tmp_path, *words.split(), "--json").json["error"]
        == {
            "missing": "ProjectionError",
            "unfinished": "RebuildNeededError",
        }[projection]
    )
    assert run(tmp_path, "status").code == 0
    if projection == "unfinished":
        assert run(tmp_path, "project").code == 3
        assert run(tmp_path, "rebuild").code == run(tmp_path, "switch").code == 0
    else:
        assert run(tmp_path, "project", "--json").json["rebuilt"] is True
    assert run(tmp_path, "drift").code == 0


@pytest.mark.parametrize("words", NEEDING_A_PROJECTION)
def test_a_file_that_is_no_projection_exits_3_and_project_replaces_it(
    tmp_path: Path, words: str
) -> None:
    run(tmp_path, "init")
    (tmp_path / "ledger.duckdb").write_bytes(b"not a database" * 1000)
    told = run(tmp_path, *words.split())
    assert (told.code, told.out) == (3, "")
    assert "ledger.duckdb" in told.err
    in_json = run(tmp_path, "status", "--json").json
    assert in_json["stale_because"] == "there is no projection that can be read"
    assert run(tmp_path, "project").code == 0
    assert run(tmp_path, "status").code == 0


@pytest.mark.parametrize(
    "words",
    [
        "nonsense",
        "rebuild --threads -1",
        "rebuild --threads many",
        "rebuild --accept-below much",
        "rebuild --as-of-received 2026-05-11",
        "query @pnl-by-day --on nowhere",
        "ingest",
        "explain",
        f"explain {DAY} --limit 0",
        "unreadable one",
        "init --account a|b",
        "init --mode demo",
        "query",
        "query @pnl-by-day --format xml",
        "query @pnl-by-day --format parquet",
        "ingest pages --as-of yesterday",
        "ingest pages --account a/b",
        "ingest pages --mode demo",
        "ingest nowhere.json",
        "fetch",
        "fetch nobody",
        "fetch kalshi --since nonsense",
        "fetch kalshi --full --since 2026-01-01",
        "fetch kalshi --overlap-days -1",
        "fetch kalshi --overlap-days many",
        "drift --spec nowhere.yaml",
        "fake-kalshi --generation 9",
        "unreadable 1",
        "explain nothing-is-called-so",
    ],
)
def test_wrong_usage_exits_2_and_changes_nothing(made: Made, words: str) -> None:
    before = bytes_of(made.folder)
    done = made.run(words)
    assert (done.code, done.out) == (2, "")
    assert done.err
    assert bytes_of(made.folder) == before


@pytest.mark.parametrize(
    "words",
    ["ingest new", "project", "rebuild", "switch", "verify --anchor anchors --new-anchor"],
)
def test_a_dry_run_says_so_and_writes_nothing(tmp_path: Path, words: str) -> None:
    book = small_book(tmp_path)
    written(tmp_path / "new", fills=fills_page(generation="5"))
    more = fills_page().replace("fill-", "other-")
    assert run(book, "rebuild").code == 0
    run(book, "ingest", written(tmp_path / "more", fills=more), "--no-project")
    before = bytes_of(tmp_path)
    arguments = [tmp_path / word if word in ("new", "anchors") else word for word in words.split()]
    done = run(book, *arguments, "--dry-run")
    assert done.code == 0
    assert "(dry run: nothing was written)" in done.verdict
    assert bytes_of(tmp_path) == before


def test_a_dry_run_of_init_refuses_what_init_would_refuse(tmp_path: Path) -> None:
    good = run(tmp_path / "book", "init", "--dry-run")
    assert (good.code, list(tmp_path.iterdir())) == (0, [])
    assert run(tmp_path / "book", "init", "--account", "a|b", "--dry-run").code == 2
    run(tmp_path / "book", "init")
    assert run(tmp_path / "book", "init", "--dry-run").code == 2


def test_the_version_needs_no_verb_and_no_book(tmp_path: Path) -> None:
    done = finish(start("--version", folder=tmp_path))
    assert (done.code, done.out, done.err) == (0, "brokertruth 0.1.0\n", "")


def test_the_book_is_the_option_else_the_environment_else_the_folder_book(tmp_path: Path) -> None:
    for name in ("option", "environment", "book"):
        run(tmp_path / name, "init", "--account", name)
    environment = {"BROKERTRUTH_BOOK": "environment"}
    by_option = start(
        "--book", "option", "status", "--json", folder=tmp_path, environment=environment
    )
    by_environment = start("status", "--json", folder=tmp_path, environment=environment)
    by_default = start("status", "--json", folder=tmp_path)
    found = [finish(process).json["account"] for process in (by_option, by_environment, by_default)]
    assert found == ["option", "environment", "book"]


def test_the_whole_job_through_the_console_script(tmp_path: Path) -> None:
    written(tmp_path / "pages", fills=fills_page())
    assert finish(start("init", folder=tmp_path)).code == 0
    taken = finish(start("ingest", "pages", "--json", folder=tmp_path))
    assert (taken.code, taken.err, taken.json["new"]) == (0, "", 2)
    shown = finish(start("query", "@positions", folder=tmp_path))
    assert (shown.code, shown.verdict) == (0, "1 row, as of position 3")
    absent = finish(start("explain", "nothing", folder=tmp_path))
    assert (absent.code, absent.out) == (2, "")


def test_json_stays_whole_where_the_locale_is_plain(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    plain = {"LC_ALL": "C", "NO_COLOR": "1", "COLUMNS": "20"}
    question = "SELECT 'é ✓ \n' || chr(27) AS text"
    asked = start("--book", book, "query", question, "--json", folder=tmp_path, environment=plain)
    assert finish(asked).json["rows"] == [{"text": "é ✓ \n\x1b"}]


def test_what_nobody_foresaw_exits_3_with_its_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # A NUL in a path raises ValueError deep inside: nothing that the program raises on purpose.
    monkeypatch.setattr(sys, "argv", ["brokertruth", "--book", "a\0b", "status"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 3
    assert "Traceback" in capsys.readouterr().err


def test_a_book_may_have_any_name_that_a_folder_can_have(tmp_path: Path) -> None:
    book = tmp_path / "[red]é :x: 'quoted' \x1b[31m"
    assert run(book, "init").code == 0
    pages = written(tmp_path / "=[/b] pages", **{"[blue]@x": fills_page()})
    taken = run(book, "ingest", pages)
    assert (taken.code, "\x1b" in taken.out) == (0, False)
    assert "[blue]@x.json" in taken.out
    assert run(book, "status", "--json").json["fills"] == 2
    assert run(book, "verify").code == 0
