"""`brokertruth`: the command line. Every verb ends in one verdict line, or one JSON object."""

import sys
import traceback
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import UsageError
from tools import book as books
from tools.cli_fetch import fetching
from tools.cli_replay import replaying
from tools.outcome import FAILED, Outcome, moment
from tools.verb import Account, DryRun, Json, Mode, NoProject, On, run

app = typer.Typer(
    name="brokertruth",
    help="An event-sourced trading ledger: the database is a projection of broker truth.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.add_typer(replaying)
app.add_typer(fetching, name="fetch", help="Ask the broker itself, append what it says, project.")


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"brokertruth {metadata.version('brokertruth')}")
        raise typer.Exit


@app.callback()
def _global(
    context: typer.Context,
    book: Annotated[
        str | None,
        typer.Option(help="The ledger directory; else $BROKERTRUTH_BOOK, else ./book."),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_tell_version, is_eager=True),
    ] = False,
) -> None:
    """Keep what the brokers said, byte for byte, and compute everything else from it."""
    try:
        context.obj = books.find(book)
    except UsageError as error:
        raise typer.BadParameter(str(error)) from error


@app.command()
def init(
    context: typer.Context,
    account: Annotated[str, typer.Option(help="Your name for the account.")] = "main",
    mode: Annotated[str, typer.Option(help="live or paper.")] = "live",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make a book."""
    folder: Path = context.obj

    def work() -> Outcome:
        data = {"book": str(folder), "account": account, "mode": mode, "dry_run": dry_run}
        kept = f"; {books.RULES} was there and is kept" if books.has_rules(folder) else ""
        if dry_run:
            books.refuse_unless_new(folder, account=account, mode=mode)
            return Outcome(
                f"would make a book at {folder}{kept} (dry run: nothing was written)", data
            )
        books.create(folder, account=account, mode=mode)
        return Outcome(f"made a book at {folder} for account {account} ({mode}){kept}", data)

    run("init", work, as_json=as_json)


@app.command()
def ingest(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(help="Files, folders, or - for standard input.")],
    account: Account = None,
    mode: Mode = None,
    as_of: Annotated[
        str | None, typer.Option(help="The moment that positions and balances describe (ISO).")
    ] = None,
    no_project: NoProject = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take files in: Flex statements (XML), Kalshi JSON pages and lines, CSV, web exports."""
    from tools import ingest as taking

    def work() -> Outcome:
        book = books.load(context.obj)
        return taking.ingest(
            book,
            paths,
            owner=book.owner(account, mode),
            as_of=moment(as_of, "--as-of"),
            dry_run=dry_run,
            and_project=not no_project,
        )

    run("ingest", work, as_json=as_json)


@app.command()
def spool(
    context: typer.Context,
    no_project: NoProject = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take in what bots recorded into the book's folder `spool`."""
    from tools import spool as spooling

    run(
        "spool",
        lambda: spooling.spool(
            books.load(context.obj), dry_run=dry_run, and_project=not no_project
        ),
        as_json=as_json,
    )


@app.command()
def record(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="Such as bot.decision or market.quote.")],
    file: Annotated[
        str, typer.Argument(help="A JSON object, or one a line; - for standard input.")
    ] = "-",
    venue: Annotated[str, typer.Option(help="kalshi or ibkr.")] = "kalshi",
    key: Annotated[
        str | None, typer.Option(help="What makes it one of its kind, where its ids do not.")
    ] = None,
    account: Account = None,
    mode: Mode = None,
    no_project: NoProject = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Record an order, a decision, an exit, a quote, a forecast or an observation."""
    from tools import record as recording

    def work() -> Outcome:
        book = books.load(context.obj)
        wanted = recording.Wanted(
            kind=kind,
            file=file,
            venue=venue,
            owner=book.owner(account, mode),
            key=key,
            and_project=not no_project,
            dry_run=dry_run,
        )
        return recording.record(book, wanted)

    run("record", work, as_json=as_json)


@app.command()
def attribute(
    context: typer.Context,
    fill: Annotated[str, typer.Argument(help="Id of the fill.")],
    strategy: Annotated[str | None, typer.Option(help="Whose it is.")] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take an earlier claim back.")
    ] = False,
    reason: Annotated[str, typer.Option(help="How you know; kept with the claim.")] = "",
    by: Annotated[str | None, typer.Option(help="Who claims it; else your login name.")] = None,
    venue: Annotated[
        str | None, typer.Option(help="kalshi or ibkr, where the ledger does not tell.")
    ] = None,
    account: Account = None,
    mode: Mode = None,
    no_project: NoProject = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Claim for a strategy a fill that nothing else explains."""
    from tools import attribute as claiming

    def work() -> Outcome:
        if withdraw is (strategy is not None):
            message = "give --strategy NAME, or --withdraw"
            raise UsageError(message)
        book = books.load(context.obj)
        by_whom = claiming.login_name() if by is None else by
        wanted = claiming.Wanted(
            owner=book.owner(account, mode),
            venue=venue,
            and_project=not no_project,
            dry_run=dry_run,
        )
        return claiming.attribute(
            book, claiming.Claim(fill.strip(), strategy, reason, by_whom), wanted
        )

    run("attribute", work, as_json=as_json)


@app.command()
def verify(
    context: typer.Context,
    anchor: Annotated[
        Path | None,
        typer.Option(help="A file on another machine: check it, then note the head in it."),
    ] = None,
    new_anchor: Annotated[
        bool, typer.Option("--new-anchor", help="Make the file of --anchor; it must not be there.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Recompute every seal of the log; exit 3 if anything was changed."""
    from tools import integrity

    def work() -> Outcome:
        book = books.load(context.obj)
        return integrity.verify(book, anchor, new_anchor=new_anchor, dry_run=dry_run)

    run("verify", work, as_json=as_json)


@app.command()
def status(context: typer.Context, as_json: Json = False) -> None:
    """Tell what the book holds, how far the projection is, what needs a look."""
    from tools import state

    run("status", lambda: state.status(books.load(context.obj)), as_json=as_json)


@app.command()
def drift(
    context: typer.Context,
    spec: Annotated[
        Path | None,
        typer.Option(help="Compare the readers with a published specification; needs no book."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Census of payload shapes: which are known, which carry something new, what looks wrong."""
    from tools import findings

    def work() -> Outcome:
        if spec is not None:
            from tools import specification

            return specification.compare(spec)
        return findings.drift(books.load(context.obj))

    run("drift", work, as_json=as_json)


@app.command()
def unreadable(
    context: typer.Context,
    position: Annotated[int | None, typer.Argument(help="Show this one, raw payload and all.")] = (
        None
    ),
    as_json: Json = False,
) -> None:
    """Events that no reader could turn into a fact, with the reason."""
    from tools import findings

    run(
        "unreadable",
        lambda: findings.unreadable(books.load(context.obj), position),
        as_json=as_json,
    )


@app.command()
def query(
    context: typer.Context,
    sql: Annotated[
        str | None, typer.Argument(help="DuckDB SQL, or @name of a saved query.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="table, csv, json or parquet.")] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write (parquet needs one).")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the saved queries.")] = False,
    on: On = "current",
    as_json: Json = False,
) -> None:
    """Ask the projection: SQL, or a saved audit query such as @pnl-by-strategy."""
    from tools import asking

    def work() -> Outcome:
        if listing:
            return asking.saved_queries()
        if sql is None:
            message = "give SQL or @NAME; `brokertruth query --list` lists the saved queries"
            raise UsageError(message)
        return asking.ask(
            books.load(context.obj), sql, form=form, output=output, with_rows=as_json, on=on
        )

    run("query", work, as_json=as_json)


@app.command()
def explain(
    context: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            help="A day, a fill, order, instrument (or symbol), movement of cash, a key, a log "
            "position; with their word in front also trade:ID, holding:, strategy:, family:, "
            "cash: (a day, a cause), canary:, restatement:, unreadable:."
        ),
    ],
    limit: Annotated[int, typer.Option(min=1, help="Children shown at each level.")] = 10,
    on: On = "current",
    with_sql: Annotated[
        bool, typer.Option("--sql", help="Show the SELECT that finds each line.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write it as a page for a browser instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Walk a figure back to the bytes that it came from."""
    from tools import explaining

    def work() -> Outcome:
        book = books.load(context.obj)
        if html is None:
            return explaining.walk_back(book, target, limit=limit, on=on, with_sql=with_sql)
        # what draws pages is slow to import
        from tools import explaining_page

        return explaining_page.write(book, target, html, limit=limit, on=on)

    run("explain", work, as_json=as_json)


@app.command("lint-bot")
def lint_bot(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="The bot's source tree, or one file of it.")],
    posts: Annotated[
        list[str] | None,
        typer.Option("--post", help="Name of a function that posts; as often as needed."),
    ] = None,
    not_posts: Annotated[
        list[str] | None, typer.Option("--not-post", help="Name of one that posts nothing.")
    ] = None,
    records: Annotated[
        list[str] | None, typer.Option("--record", help="Name of a function that records a post.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", help="Pattern of paths to leave out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find the calls of a bot that post orders without recording them; nothing of it is run."""
    from tools.lintbot import findings as bot
    from tools.lintbot.names import Vocabulary

    def work() -> Outcome:
        vocabulary = Vocabulary(
            frozenset(posts or ()), frozenset(not_posts or ()), frozenset(records or ())
        )
        rules = bot.rules_of(context.obj)
        return bot.lint(path, rules=rules, vocabulary=vocabulary, exclude=exclude or ())

    run("lint-bot", work, as_json=as_json)


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Argument(help="Where to make the book; a new folder by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a book from made payloads and see what a hand-written database would have said."""
    from tools import demo as demonstration

    run("demo", lambda: demonstration.demo(folder), as_json=as_json)


@app.command("fake-kalshi")
def fake_kalshi(
    folder: Annotated[Path, typer.Argument(help="Where to keep its key.")] = Path("fake-kalshi"),
    seed: Annotated[int, typer.Option(help="Another seed is another account.")] = 0,
    days: Annotated[int, typer.Option(min=1, max=400, help="Days of trading, up to now.")] = 30,
    days_ahead: Annotated[
        int, typer.Option(min=0, max=30, help="Go on trading for so many days, in real time.")
    ] = 0,
    generation: Annotated[str, typer.Option(help="Generation of the API: 0 to 5.")] = "5",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 0,
    fault_rate: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of requests that fail.")
    ] = 0,
    drift: Annotated[
        str | None,
        typer.Option(help="Let answers drift, such as fill-key-renamed; 'list' names them all."),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="Write what a right ledger says, as JSON.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Serve a made Kalshi account on this machine, to try `fetch kalshi` with."""
    from tools import rehearsing

    run(
        "fake-kalshi",
        lambda: rehearsing.rehearsal(
            folder,
            seed=seed,
            days=days,
            generation=generation,
            port=port,
            fault_rate=fault_rate,
            days_ahead=days_ahead,
            drift=drift,
            truth=truth,
            aside=as_json,
        ),
        as_json=as_json,
    )


def main() -> None:
    """Run the command line. What nobody foresaw is a failure, not a finding: 3, not Python's 1."""
    try:
        app()
    except Exception:  # noqa: BLE001 - whatever it is, it is told in full
        traceback.print_exc()
        sys.exit(FAILED)
