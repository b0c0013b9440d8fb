"""`brokertruth fetch`: the verbs that ask a broker itself."""

from typing import Annotated

import typer

from tools import book as books
from tools.outcome import Outcome, moment
from tools.verb import DryRun, Json, NoProject, run

fetching = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


@fetching.command("kalshi")
def fetch_kalshi(
    context: typer.Context,
    full: Annotated[
        bool, typer.Option("--full", help="Everything again, from the very beginning.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(help="Begin at this moment (ISO) instead of at the last fetch.")
    ] = None,
    overlap_days: Annotated[
        int, typer.Option(min=0, max=3650, help="How far to reach back behind the last fetch.")
    ] = 3,
    follow: Annotated[
        bool, typer.Option("--follow", help="Stay: fills as they happen, the rest at times.")
    ] = False,
    no_project: NoProject = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Fetch fills, orders, settlements, cash, positions and balances, as far as they are new.

    Key and site come from book.toml or $BROKERTRUTH_KALSHI_KEY_ID, _KEY_FILE (or _KEY), _SITE.
    """
    from tools import fetch

    def work() -> Outcome:
        wanted = fetch.Wanted(
            full=full,
            since=moment(since, "--since"),
            overlap_days=overlap_days,
            and_project=not no_project,
            dry_run=dry_run,
        )
        book = books.load(context.obj)
        if follow:
            from tools import following

            return following.follow(book, wanted)
        return fetch.kalshi(book, wanted)

    run("fetch kalshi", work, as_json=as_json)


@fetching.command("ibkr")
def fetch_ibkr(
    context: typer.Context,
    follow: Annotated[
        bool, typer.Option("--follow", help="Stay: executions as they happen, the rest at times.")
    ] = False,
    no_project: NoProject = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Ask TWS or IB Gateway for executions, commissions, positions, open orders and the account.

    Where it is comes from book.toml or $BROKERTRUTH_IBKR_HOST, _PORT, _CLIENT_ID.
    """
    from tools import fetch_ibkr as asking_gateway

    def work() -> Outcome:
        wanted = asking_gateway.Wanted(and_project=not no_project, dry_run=dry_run)
        book = books.load(context.obj)
        if follow:
            from tools import following_ibkr

            return following_ibkr.follow(book, wanted)
        return asking_gateway.ibkr(book, wanted)

    run("fetch ibkr", work, as_json=as_json)


@fetching.command("flex")
def fetch_flex(
    context: typer.Context,
    queries: Annotated[
        list[str] | None, typer.Option("--query", help="Id of a Flex query, as often as needed.")
    ] = None,
    timeout: Annotated[
        int, typer.Option(min=1, max=86_400, help="Seconds to wait for each statement.")
    ] = 600,
    no_project: NoProject = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Fetch Flex statements of Interactive Brokers, keep them in the book and take them in.

    Queries and token come from book.toml or $BROKERTRUTH_IBKR_FLEX_QUERIES, _TOKEN_FILE, _TOKEN.
    """
    from tools import fetch_flex as fetching_flex

    def work() -> Outcome:
        wanted = fetching_flex.Wanted(
            queries=tuple(queries or ()),
            timeout_seconds=timeout,
            and_project=not no_project,
            dry_run=dry_run,
        )
        return fetching_flex.flex(books.load(context.obj), wanted)

    run("fetch flex", work, as_json=as_json)
