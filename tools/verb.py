"""What the verbs of the command line share: their options, and how one of them runs and ends."""

from collections.abc import Callable
from typing import Annotated

import typer
from rich.text import Text

from domain.errors import BrokertruthError
from tools.outcome import Outcome, safe, screen, show

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Write nothing, say what would be done.")]
Account = Annotated[
    str | None, typer.Option(help="Your name for the account, where it is not the book's.")
]
Mode = Annotated[str | None, typer.Option(help="live or paper, where it is not the book's.")]
On = Annotated[str, typer.Option("--on", help="current, candidate, previous, or a file.")]
NoProject = Annotated[bool, typer.Option("--no-project", help="Append only; project later.")]


def run(verb: str, work: Callable[[], Outcome], *, as_json: bool) -> None:
    """Run a verb, print its outcome, exit with its code. Known errors become outcomes."""
    try:
        done = work()
    except BrokertruthError as error:
        if not as_json:
            told = Text.assemble((f"{verb}:", "red"), " ", safe(str(error)))
            screen(stderr=True).print(told, soft_wrap=True)
            raise typer.Exit(error.exit_code) from error
        done = Outcome(str(error), {"error": type(error).__name__}, (), error.exit_code)
    show(verb, done, as_json=as_json)
    raise typer.Exit(done.exit_code)
