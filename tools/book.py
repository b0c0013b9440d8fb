"""A book: one ledger directory, and the one place where its parts are put together.

book.toml         account, mode, where the brokers are
attribution.toml  rules: whose a fill is, when a trade is won
log.sqlite        the log: what the brokers said
ledger.duckdb     the current projection: everything computed from it
candidate.duckdb  a rebuild that is not current: to be looked at, then switched to
previous.duckdb   what was current before the last switch
standby.duckdb    of a large book: an older twin of the current one, brought up to date in turn
ledger.lock       held by whoever is projecting
as-of/            projections of the past
reports/          figures that were pinned
segments/         what was read of the log, kept for the next rebuild
statements/       Flex statements as they were fetched
spool/            what bots record, until it is taken in; then in spool/taken
"""

import fcntl
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

import duckdb
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.log.sqlite import SQLiteLog
from adapters.segments.kept import KeptSegments
from domain.errors import CannotDoError, ProjectionError, RebuildNeededError, UsageError
from domain.event import Owner
from domain.rules import Rules
from replay import meta
from replay.database import is_damage, open_for_reading
from tools import shelf

ENVIRONMENT: Final = "BROKERTRUTH_BOOK"
DEFAULT: Final = "book"
RULES: Final = "attribution.toml"
CURRENT: Final = "current"
CLIENT_ID_MAX: Final = 2**31 - 1
"""The greatest number by which a client of the gateway can call itself."""

_TEMPLATE: Final = """\
# A brokertruth book. The log beside this file is the truth; everything else is rebuilt from it.

account = "{account}"   # your name for the broker account; part of every key
mode = "{mode}"      # live or paper; the two never mix

# For `brokertruth fetch kalshi`. A key with read scope is enough.
[kalshi]
# site = "production"                # or "demo", or the base of a REST API
# key_id = "..."
# key_file = "~/.kalshi/key.pem"     # readable by you alone

# For `brokertruth fetch flex` and `fetch ibkr` (Interactive Brokers).
[ibkr]
# flex_queries = ["123456"]               # ids of Flex queries
# flex_token_file = "~/.ibkr/flex-token"  # readable by you alone
# port = 4001                             # of the gateway; 4002 for paper, where not said
# gateway_zone = "UTC"                    # of the times that the gateway tells
# day_zone = "America/New_York"           # at whose midnight it forgets the day's executions
"""

_RULES_TEMPLATE: Final = """\
# Whose a fill is, and when a trade is won. Raise the version with every change, then run
# `brokertruth rebuild`: it says what moves, and `brokertruth switch` takes it up.

version = "1"

# Strategies by prefix of client_order_id (IBKR: orderRef); the longest prefix wins.
# [strategies.cross_bracket]
# prefixes = ["mm_xb_"]

# One that closes the positions of another; its P&L counts for that one.
# [strategies.cross_bracket_exit]
# prefixes = ["mm_xb_exit_", "mm_xbexit_"]
# exit_of = "cross_bracket"
"""


class KalshiSettings(BaseModel):
    """Where Kalshi is and which key reads it; the environment has precedence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: str = "production"
    stream: str | None = None
    key_id: str | None = None
    key_file: Path | None = None


class IbkrSettings(BaseModel):
    """Flex queries and the gateway of Interactive Brokers; the environment has precedence.

    flex_site     base of the Flex web service, where it is not the usual one
    client_id     0 sees the orders of all clients
    remote        whether host may be another machine: the gateway speaks in clear
    gateway_zone  IANA name of the zone of the gateway's times
    day_zone      IANA name of the zone at whose midnight the gateway forgets executions; where
                  gateway_zone is another, its midnight counts too
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    flex_site: str | None = None
    flex_queries: list[str] = []
    flex_token_file: Path | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(gt=0, le=65535)] | None = None
    client_id: Annotated[int, Field(ge=0, le=CLIENT_ID_MAX)] = 0
    remote: bool = False
    gateway_zone: str | None = None
    day_zone: str = "America/New_York"


class Configuration(BaseModel):
    """What book.toml says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: str = "main"
    mode: Literal["live", "paper"] = "live"
    kalshi: KalshiSettings = KalshiSettings()
    ibkr: IbkrSettings = IbkrSettings()


@dataclass(frozen=True, slots=True)
class Book:
    """A ledger directory that exists."""

    folder: Path
    configuration: Configuration

    @property
    def rules(self) -> Rules:
        """What attribution.toml says now; only who makes or judges a projection asks.

        Raise UsageError where it is wrong: it never keeps evidence from being taken in.
        """
        return read_rules(self.folder / RULES)

    @property
    def log_path(self) -> Path:
        """The event log."""
        return self.folder / "log.sqlite"

    @property
    def projection_path(self) -> Path:
        """The current projection."""
        return self.folder / "ledger.duckdb"

    @property
    def candidate_path(self) -> Path:
        """The last rebuild that is not current."""
        return self.folder / "candidate.duckdb"

    @property
    def previous_path(self) -> Path:
        """What was current before the last switch."""
        return self.folder / "previous.duckdb"

    @property
    def standby_path(self) -> Path:
        """An older twin of the current projection, which nobody is meant to read."""
        return self.folder / "standby.duckdb"

    @property
    def as_of_path(self) -> Path:
        """The folder of projections of the past."""
        return self.folder / "as-of"

    @property
    def reports_path(self) -> Path:
        """The folder of figures that were pinned."""
        return self.folder / "reports"

    @property
    def segments_path(self) -> Path:
        """The folder of what was read of the log."""
        return self.folder / "segments"

    @property
    def statements_path(self) -> Path:
        """The folder of the statements that were fetched, each byte for byte."""
        return self.folder / "statements"

    @property
    def spool_path(self) -> Path:
        """The folder that bots record into."""
        return self.folder / "spool"

    def owner(self, account: str | None = None, mode: str | None = None) -> Owner:
        """Return whose events these are, unless the caller says otherwise."""
        return Owner(
            self.configuration.account if account is None else account,
            self.configuration.mode if mode is None else mode,
        )

    def open_log(self) -> SQLiteLog:
        """Open the event log."""
        return SQLiteLog.open(self.log_path)

    def segments_of(self, log: SQLiteLog) -> KeptSegments:
        """Return the segments that are kept of the log, for one rebuild."""
        return KeptSegments(self.segments_path, log)

    def named(self, projection: str) -> Path:
        """Return the file of 'current', 'candidate', 'previous', or of a path.

        A path is looked for here, then in the book. Raise UsageError where there is nothing; a
        current one that is missing is no wrong question, and said by whoever opens it.
        """
        known = {
            CURRENT: (self.projection_path, "run `brokertruth rebuild`"),
            "candidate": (self.candidate_path, "run `brokertruth rebuild`"),
            "previous": (self.previous_path, "nothing was switched yet"),
        }
        path, how = known.get(
            projection,
            (Path(projection), f"name a file, or one of {', '.join(known)}"),
        )
        if projection not in known and not path.is_file():
            path = self.folder / path
        if projection != CURRENT and not path.is_file():
            message = f"there is no projection {projection!r}: {how}"
            raise UsageError(message)
        return path

    def open_projection(self, path: Path | None = None) -> duckdb.DuckDBPyConnection:
        """Open the current projection, or another file, for reading.

        Raise ProjectionError where there is none, or one that is damaged for good,
        RebuildNeededError where it was never finished or is of another version, CannotDoError where
        it cannot be opened now. Not to be kept open while this process projects: locks of files
        hold between processes only.
        """
        path = path or self.projection_path
        try:
            connection = open_for_reading(path)
        except ProjectionError as error:
            if not path.exists():
                raise
            message = f"{error}: {self._cure(path)}"
            raise type(error)(message) from error
        try:
            meta.read(connection)
        except RebuildNeededError as error:
            connection.close()
            message = f"{path}: {error}: {self._cure(path)}"
            raise RebuildNeededError(message) from error
        except duckdb.Error as error:
            connection.close()
            message = f"{path}: {error}: {self._cure(path)}"
            kind = ProjectionError if is_damage(error) else RebuildNeededError
            raise kind(message) from error
        return connection

    def _cure(self, path: Path) -> str:
        """Say what to do about a projection file that cannot be used."""
        known = {
            self.projection_path: "run `brokertruth rebuild`, then `brokertruth switch`",
            self.candidate_path: "run `brokertruth rebuild`, which makes another one",
            self.previous_path: "there is no way back to it; delete it",
        }
        if path.parent == self.as_of_path:
            return "delete it, and make it again with `brokertruth rebuild --as-of-…`"
        return known.get(path, "name another file")

    def current_meta(self) -> meta.Meta | None:
        """Return what the current projection says about itself.

        None where one can be made in its place: there is none, or one that is damaged for good.
        Otherwise raise as `open_projection` does.
        """
        try:
            with self.open_projection() as connection:
                return meta.read(connection)
        except RebuildNeededError:
            raise
        except ProjectionError:
            return None

    def projection_meta(self, path: Path | None = None) -> meta.Meta | None:
        """Return what the current projection, or another file, says about itself.

        None where none can be read.
        """
        try:
            with self.open_projection(path) as connection:
                return meta.read(connection)
        except CannotDoError:
            return None

    @contextmanager
    def projecting(self) -> Iterator[None]:
        """Be the one process that changes projections; finish what one that was killed had begun.

        Raise CannotDoError where another one is.
        """
        path = self.folder / "ledger.lock"
        try:
            file = path.open("w")
        except OSError as error:
            message = f"cannot write in {self.folder}: {error.strerror}"
            raise CannotDoError(message) from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                message = f"{self.folder}: another brokertruth is projecting; wait for it"
                raise CannotDoError(message) from error
            shelf.settle(self.folder)
            yield


def now() -> datetime:
    """Return the time. The only clock of the program."""
    return datetime.now(UTC)


def find(named: str | None) -> Path:
    """Return the folder that the command line, the environment or the default names.

    Raise UsageError for an empty name on the command line, which is a script's missing variable.
    """
    if named == "":
        message = "--book is empty: name a folder, or leave the option out"
        raise UsageError(message)
    return Path(named or os.environ.get(ENVIRONMENT) or DEFAULT)


def create(folder: Path, *, account: str, mode: str) -> Book:
    """Make a book; rules that are there already are kept.

    Raise UsageError where there is a book, or where the names cannot be used.
    """
    refuse_unless_new(folder, account=account, mode=mode)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        SQLiteLog.open(folder / "log.sqlite", create=True).close()
        if not has_rules(folder):
            (folder / RULES).write_text(_RULES_TEMPLATE, "utf-8")
        (folder / "book.toml").write_text(_TEMPLATE.format(account=account, mode=mode), "utf-8")
    except OSError as error:
        message = f"cannot make a book at {folder}: {error.strerror}"
        raise CannotDoError(message) from error
    return load(folder)


def refuse_unless_new(folder: Path, *, account: str, mode: str) -> None:
    """Raise UsageError where a book is already, or where the names cannot be used."""
    Owner(account, mode)
    if (folder / "book.toml").exists():
        message = f"{folder} is a book already"
        raise UsageError(message)


def has_rules(folder: Path) -> bool:
    """Say whether rules are in a folder, of a book or not yet of one."""
    return os.path.lexists(folder / RULES)


def load(folder: Path) -> Book:
    """Open a book. Raise UsageError where there is none or its configuration is wrong."""
    path = folder / "book.toml"
    try:
        told = _read_toml(path)
    except FileNotFoundError:
        message = f"no book at {folder}: run `brokertruth --book {folder} init`"
        raise UsageError(message) from None
    if "strategies" in told:
        message = f"{path}: strategies stand in {RULES} now, see {_DOCUMENTATION}"
        raise UsageError(message)
    configuration = _checked(path, Configuration, told)
    Owner(configuration.account, configuration.mode)
    return Book(folder, configuration)


_DOCUMENTATION: Final = "docs/attribution.md"


def read_rules(path: Path) -> Rules:
    """Return the rules of a file; without one, those that explain nothing.

    Raise UsageError where they are wrong, with the place.
    """
    try:
        return _checked(path, Rules, _read_toml(path))
    except FileNotFoundError:
        return Rules()


def _read_toml(path: Path) -> dict[str, object]:
    try:
        # some editors put a byte order mark before UTF-8
        return tomllib.loads(path.read_text("utf-8-sig"), parse_float=Decimal)
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read {path}: {error}"
        raise CannotDoError(message) from error
    except tomllib.TOMLDecodeError as error:
        message = f"{path}: {error}"
        raise UsageError(message) from None


_Model = TypeVar("_Model", bound=BaseModel)


def _checked(path: Path, model: type[_Model], told: dict[str, object]) -> _Model:
    try:
        return model.model_validate(told)
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(str(part) for part in wrong["loc"])
        why = wrong["msg"].removeprefix("Value error, ")
        message = f"{path}: {where}: {why}" if where else f"{path}: {why}"
        raise UsageError(message) from None
