"""Verbs that compute from the log: project, rebuild, switch, and what is asked of rebuilds."""

from pathlib import Path
from typing import Annotated

import typer

from replay.database import Resources
from tools import book as books
from tools.outcome import Outcome, zoned
from tools.verb import DryRun, Json, run

replaying = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

Threads = Annotated[int, typer.Option(min=0, help="0: all cores.")]
Memory = Annotated[str, typer.Option(help="Limit for the engine, such as 2GB.")]
Into = Annotated[
    Path | None, typer.Option(help="File for a projection of the past; else in as-of/.")
]
NoSegments = Annotated[
    bool, typer.Option("--no-segments", help="Read the log alone, not what is kept of it.")
]


@replaying.command()
def project(context: typer.Context, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Apply what is new in the log to the projection; make it where there is none."""
    from tools import project as projecting

    def work() -> Outcome:
        book = books.load(context.obj)
        with book.open_log() as log:
            return projecting.project(book, log, dry_run=dry_run)

    run("project", work, as_json=as_json)


@replaying.command()
def rebuild(
    context: typer.Context,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Exit 0 although events are unreadable.")
    ] = False,
    accept_below: Annotated[
        str | None,
        typer.Option(help="Switch if no closed day's money moved by more than this, such as 0.00."),
    ] = None,
    as_of_position: Annotated[
        int | None, typer.Option(min=1, help="What the log held at this position.")
    ] = None,
    as_of_received: Annotated[
        str | None, typer.Option(help="What had been received by this moment (ISO, with zone).")
    ] = None,
    as_of_happened: Annotated[
        str | None, typer.Option(help="What had happened by this moment (ISO, with zone).")
    ] = None,
    into: Into = None,
    no_segments: NoSegments = False,
    threads: Threads = 0,
    memory: Memory = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Compute everything anew, as a candidate beside the current projection, or as of the past."""
    from tools import past, rebuilding

    def work() -> Outcome:
        book = books.load(context.obj)
        wanted = rebuilding.Wanted(
            resources=Resources(threads, memory),
            lenient=lenient,
            accept_below=rebuilding.amount(accept_below),
            dry_run=dry_run,
            segments=not no_segments,
        )
        as_of = past.cut(
            as_of_position,
            zoned(as_of_received, "--as-of-received"),
            zoned(as_of_happened, "--as-of-happened"),
        )
        with book.open_log() as log:
            if as_of is None:
                past.refuse_into(into)
                return rebuilding.rebuild(book, log, wanted)
            return past.rebuild(book, log, wanted, as_of, into)

    run("rebuild", work, as_json=as_json)


@replaying.command()
def switch(
    context: typer.Context,
    back: Annotated[
        bool, typer.Option("--back", help="To what was current before the last switch.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make the candidate of the last rebuild the current projection."""
    from tools import switch as switching

    def work() -> Outcome:
        book = books.load(context.obj)
        with book.open_log() as log:
            return switching.switch(book, log, back=back, dry_run=dry_run)

    run("switch", work, as_json=as_json)


@replaying.command()
def diff(
    context: typer.Context,
    before: Annotated[
        str, typer.Argument(help="current, candidate, previous, or a file.")
    ] = "current",
    after: Annotated[str, typer.Argument(help="The other one.")] = "candidate",
    table: Annotated[str | None, typer.Option(help="Rows of this table alone.")] = None,
    limit: Annotated[
        int, typer.Option(min=0, max=10_000, help="Examples and positions of everything, at most.")
    ] = 20,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page for a browser too.")
    ] = None,
    threads: Threads = 0,
    memory: Memory = "",
    as_json: Json = False,
) -> None:
    """Say what differs between two projections, and which events explain it; exit 1 if any."""
    from tools import diff as diffing

    def work() -> Outcome:
        return diffing.diff(
            books.load(context.obj),
            before,
            after,
            table=table,
            limit=limit,
            html=html,
            resources=Resources(threads, memory),
        )

    run("diff", work, as_json=as_json)


@replaying.command()
def bisect(
    context: typer.Context,
    asked: Annotated[
        str | None,
        typer.Option("--query", help="SQL that should have no rows; @NAME: a saved one, a check."),
    ] = None,
    figure: Annotated[str | None, typer.Option(help="SQL that gives one value.")] = None,
    target: Annotated[
        str | None, typer.Option(help="Find where the figure becomes this, or ceases to be it.")
    ] = None,
    good: Annotated[int | None, typer.Option(min=0, help="Where it holds; 0: empty.")] = None,
    bad: Annotated[int | None, typer.Option(min=1, help="Where it fails; else the last.")] = None,
    threads: Threads = 0,
    memory: Memory = "",
    as_json: Json = False,
) -> None:
    """Find the first event after which a query is not empty, or a figure is another."""
    from tools import bisect as bisecting

    def work() -> Outcome:
        book = books.load(context.obj)
        question = bisecting.question(asked, figure, target)
        with book.open_log() as log:
            return bisecting.bisect(
                book, log, question, bisecting.Ends(good, bad), Resources(threads, memory)
            )

    run("bisect", work, as_json=as_json)


reporting = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
replaying.add_typer(
    reporting, name="report", help="Keep figures as they were told, and check them later."
)

ReportName = Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits, - _ and dots.")]


@reporting.command("save")
def report_save(
    context: typer.Context,
    name: ReportName,
    queries: Annotated[
        list[str] | None,
        typer.Option("--query", help="SQL or @NAME, repeatable; else P&L, cash and positions."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite one of that name.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Keep what the current projection answers, with watermark, seal and digests."""
    from tools import report

    run(
        "report save",
        lambda: report.save(
            books.load(context.obj), name, queries or (), replace=replace, dry_run=dry_run
        ),
        as_json=as_json,
    )


@reporting.command("check")
def report_check(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Without one: all reports.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Differing rows told of each figure.")] = 10,
    threads: Threads = 0,
    memory: Memory = "",
    as_json: Json = False,
) -> None:
    """Rebuild to a report's watermark under today's code and rules; exit 1 if a figure differs."""
    from tools import report_check as checking

    run(
        "report check",
        lambda: checking.check(
            books.load(context.obj), name, resources=Resources(threads, memory), limit=limit
        ),
        as_json=as_json,
    )


@reporting.command("list")
def report_list(context: typer.Context, as_json: Json = False) -> None:
    """List the reports of the book."""
    from tools import report

    run("report list", lambda: report.listed(books.load(context.obj)), as_json=as_json)


@reporting.command("show")
def report_show(context: typer.Context, name: ReportName, as_json: Json = False) -> None:
    """Show the figures of a report as they were saved."""
    from tools import report

    run("report show", lambda: report.shown(books.load(context.obj), name), as_json=as_json)


keeping = typer.Typer(
    invoke_without_command=True, rich_markup_mode=None, pretty_exceptions_enable=False
)
replaying.add_typer(
    keeping, name="segments", help="Keep what is read of the log, for faster rebuilds; list them."
)


@keeping.callback()
def segments(context: typer.Context, as_json: Json = False) -> None:
    """Keep what is read of the log, for faster rebuilds; without a verb: list them."""
    if context.invoked_subcommand is None:
        segments_list(context, as_json)


@keeping.command("list")
def segments_list(context: typer.Context, as_json: Json = False) -> None:
    """List the segments of the book; exit 1 if some cannot be used."""
    from tools import segments

    run("segments list", lambda: segments.listed(books.load(context.obj)), as_json=as_json)


@keeping.command("make")
def segments_make(
    context: typer.Context,
    until: Annotated[
        int | None, typer.Option(min=1, help="Up to the last seal at or before this position.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Write the segments that are missing or not good."""
    from tools import segments

    run(
        "segments make",
        lambda: segments.make(books.load(context.obj), until=until, dry_run=dry_run),
        as_json=as_json,
    )


@keeping.command("verify")
def segments_verify(
    context: typer.Context,
    deep: Annotated[
        bool, typer.Option("--deep", help="Compare every event with that of the log.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check files, chain and the log's seals; exit 1 if anything is wrong."""
    from tools import segments

    run(
        "segments verify",
        lambda: segments.check(books.load(context.obj), deep=deep),
        as_json=as_json,
    )


@keeping.command("drop")
def segments_drop(context: typer.Context, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Remove all segments; rebuilds then read the log."""
    from tools import segments

    run(
        "segments drop",
        lambda: segments.drop(books.load(context.obj), dry_run=dry_run),
        as_json=as_json,
    )
