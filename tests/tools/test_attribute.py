"""`attribute`: a claim is kept, counts where nothing is stronger, and says what it moved."""

from pathlib import Path

import pytest

from adapters.log.sqlite import SQLiteLog
from tests.tools.command import BOUGHT, Ran, bytes_of, fills_page, run, small_book, take_up, written

RULES = '[strategies.maker]\nprefixes = ["bot-"]\n'
BY = ("--reason", "seen on the site", "--by", "operator")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book with a fill of the maker (fill-1) and one that nothing explains (fill-2)."""
    made = small_book(tmp_path)
    take_up(made, RULES)
    return made


def events(book: Path) -> int:
    with SQLiteLog.open(book / "log.sqlite") as log:
        return log.head()


def claim(book: Path, fill: str, *more: str) -> Ran:
    return run(book, "attribute", fill, *BY, *more)


def strategies(book: Path) -> list[str]:
    asked = "SELECT strategy FROM attribution ORDER BY fill_id"
    return [row["strategy"] for row in run(book, "query", asked, "--json").json["rows"]]


def test_a_claim_explains_a_fill_and_says_what_it_moved(book: Path) -> None:
    done = claim(book, "fill-2", "--strategy", "maker")
    assert done.code == 0
    assert (
        done.verdict == "fill fill-2 is claimed for maker: unattributed (manual) -> maker (claim)"
    )
    assert strategies(book) == ["maker", "maker"]
    row = run(book, "query", "SELECT * FROM attribution_claim", "--json").json["rows"][0]
    assert (row["reason"], row["claimed_by"], row["venue"]) == (*BY[1::2], "kalshi")


def test_the_same_claim_again_changes_nothing(book: Path) -> None:
    assert claim(book, "fill-2", "--strategy", "maker").code == 0
    count = events(book)
    done = claim(book, "fill-2", "--strategy", "maker", "--json").json
    assert (done["exit_code"], done["appended"], events(book)) == (0, False, count)
    assert done["verdict"] == "fill fill-2 is claimed already for maker"


def test_the_end_of_a_line_is_no_part_of_the_id_of_a_fill(book: Path) -> None:
    assert claim(book, "fill-2\r", "--strategy", "maker", "--json").json["fill_id"] == "fill-2"


def test_a_claim_that_is_withdrawn_already_is_not_withdrawn_again(book: Path) -> None:
    assert claim(book, "fill-2", "--strategy", "maker").code == 0
    assert claim(book, "fill-2", "--withdraw").code == 0
    count = events(book)
    done = claim(book, "fill-2", "--withdraw", "--reason", "another one", "--json").json
    assert (done["exit_code"], done["appended"], events(book)) == (0, False, count)
    assert done["verdict"] == "the claim for fill fill-2 is withdrawn already"
    assert claim(book, "fill-2", "--strategy", "maker", "--json").json["appended"]


def test_a_claim_stands_where_the_rules_cannot_be_read(book: Path) -> None:
    (book / "attribution.toml").write_text("version = ", "utf-8")
    count = events(book)
    done = claim(book, "fill-2", "--strategy", "maker", "--json").json
    assert (done["exit_code"], done["appended"], events(book)) == (3, True, count + 1)
    assert done["known_strategy"] is None
    assert done["verdict"].startswith(
        f"fill fill-2 is claimed for maker; projecting failed: {book}/attribution.toml: "
    )
    (book / "attribution.toml").write_text(RULES, "utf-8")
    assert run(book, "project").code == 0
    assert strategies(book) == ["maker", "maker"]


def test_a_claim_is_revised_withdrawn_and_made_again(book: Path) -> None:
    for more, strategy in (
        (("--strategy", "maker"), "maker"),
        (("--strategy", "other"), "other"),
        (("--strategy", "maker"), "maker"),
        (("--withdraw",), "unattributed"),
        (("--strategy", "maker"), "maker"),
    ):
        count = events(book)
        done = claim(book, "fill-2", *more, "--json").json
        assert (done["exit_code"], done["after"]["strategy"]) == (0, strategy)
        assert (events(book), strategies(book)) == (count + 1, ["maker", strategy])


def test_a_claim_against_a_stronger_rule_is_kept_and_exits_1(book: Path) -> None:
    done = claim(book, "fill-1", "--strategy", "other", "--json").json
    assert (done["exit_code"], done["appended"]) == (1, True)
    assert done["stronger"] == "maker by prefix 'bot-'"
    assert done["verdict"].startswith(
        "fill fill-1 is maker by prefix 'bot-', which is stronger; a claim without effect "
        "is kept for other, which attribution.toml does not know"
    )
    assert strategies(book) == ["maker", "unattributed"]


def test_what_was_unreadable_before_is_no_finding_about_a_claim(book: Path, tmp_path: Path) -> None:
    odd = fills_page([BOUGHT]).replace("fill-1", "fill-3").replace("count_fp", "contracts_fp")
    assert run(book, "ingest", written(tmp_path / "odd", fills=odd)).code == 1
    assert claim(book, "fill-2", "--strategy", "maker").code == 0
    done = claim(book, "fill-1", "--strategy", "other")
    assert (done.code, "DRIFT ALERT claim_overruled" in done.out) == (1, True)


def test_a_strategy_that_the_rules_do_not_know_is_allowed_and_said(book: Path) -> None:
    done = claim(book, "fill-2", "--strategy", "new one", "--json").json
    assert (done["exit_code"], done["known_strategy"]) == (0, False)
    assert done["verdict"] == (
        "fill fill-2 is claimed for new one, which attribution.toml does not know: "
        "unattributed (manual) -> new one (claim)"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("fill-9", "--strategy", "maker"), "no fill 'fill-9' in account main (live)"),
        (("fill-2",), "give --strategy NAME, or --withdraw"),
        (("fill-2", "--strategy", "maker", "--withdraw"), "give --strategy NAME, or --withdraw"),
        (("fill-2", "--strategy", "unattributed"), "use --withdraw"),
        (("fill-2", "--strategy", ""), "--strategy is empty"),
        (("fill-2", "--strategy", "maker", "--reason", " "), "--reason is empty"),
        (("fill-2", "--strategy", "maker", "--by", ""), "--by is empty"),
        (("fill-2", "--withdraw"), "no claim that could be withdrawn"),
        (("fill-2", "--strategy", "maker", "--account", "other"), "no fill 'fill-2'"),
        (("fill-2", "--strategy", "maker", "--venue", "ibkr"), "no fill 'fill-2'"),
        (("fill-2", "--strategy", "maker", "--venue", "kalchi"), "use one of ibkr, kalshi"),
    ],
)
def test_what_is_no_claim_exits_2_and_appends_nothing(
    book: Path, words: tuple[str, ...], told: str
) -> None:
    before = bytes_of(book)
    done = run(book, "attribute", words[0], *BY, *words[1:])
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert bytes_of(book) == before


@pytest.mark.parametrize(
    ("fill", "code", "told"),
    [
        ("fill-2", 0, "fill fill-2 is claimed for other"),
        ("fill-1", 1, "fill fill-1 is maker by prefix 'bot-', which is stronger"),
    ],
)
def test_a_dry_run_says_so_and_writes_nothing(book: Path, fill: str, code: int, told: str) -> None:
    before = bytes_of(book)
    done = claim(book, fill, "--strategy", "other", "--dry-run")
    assert done.code == code
    assert done.verdict.startswith(told)
    assert "(dry run: nothing was written)" in done.verdict
    assert bytes_of(book) == before


def test_without_a_current_projection_a_claim_is_taken_and_said(book: Path) -> None:
    (book / "ledger.duckdb").unlink()
    done = claim(book, "fill-9", "--strategy", "maker", "--no-project")
    assert done.code == 0
    assert done.verdict == (
        "fill fill-9 is claimed for maker (no projection knows the fill); run `brokertruth project`"
    )
    told = claim(book, "fill-2", "--strategy", "maker", "--json").json
    assert (told["before"], told["after"]["strategy"]) == (None, "maker")


def test_who_claims_is_the_login_name_unless_told(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "somebody")
    words = ("fill-2", "--strategy", "maker", "--reason", "mine", "--no-project", "--json")
    assert run(book, "attribute", *words).json["claimed_by"] == "somebody"
