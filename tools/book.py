"""A book: one ledger directory, and the one place where its parts are put together.

book.toml         account, mode, where the brokers are
attribution.toml  rules: whose a fill is, when a trade is won
log.sqlite        the log: what the brokers said
ledger.duckdb     the current projection: everything computed from it
ledger.lock       held by whoever is projecting
statements/       Flex statements as they were fetched
spool/            what bots record, until it is taken in; then in spool/taken
"""

import fcntl
import os
import shutil
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
from domain.errors import BrokertruthError, CannotDoError, ProjectionError, UsageError
from domain.event import Owner
from domain.rules import Rules
from replay import meta
from replay.database import Resources, open_for_reading
from replay.plan import Plan, Progress, silent
from replay.rebuild import Rebuilt, rebuild

ENVIRONMENT: Final = "BROKERTRUTH_BOOK"
DEFAULT: Final = "book"
RULES: Final = "attribution.toml"
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
# Whose a fill is, and when a trade is won. Raise the version with every change; the next
# `brokertruth project` takes it up, `brokertruth rebuild --dry-run` says what it would move.

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

    def open_projection(self) -> duckdb.DuckDBPyConnection:
        """Open the current projection for reading.

        Raise ProjectionError where there is none, or one that was never finished or is damaged.
        """
        connection = open_for_reading(self.projection_path)
        try:
            meta.read(connection)
        except ProjectionError:
            connection.close()
            raise
        except duckdb.Error as error:
            connection.close()
            message = f"{self.projection_path}: {error}: run `brokertruth rebuild`"
            raise ProjectionError(message) from error
        return connection

    def projection_meta(self) -> meta.Meta | None:
        """Return what the current projection says about itself; None where none can be read."""
        try:
            with self.open_projection() as connection:
                return meta.read(connection)
        except CannotDoError:
            return None

    def stale_because(self, log: SQLiteLog, current: meta.Meta | None) -> str | None:
        """Say why a projection is not what a rebuild would give now; None where it is.

        `current` is what the projection that was asked says about itself: another process may
        have put a newer one in its place since then.
        """
        if current is None:
            return "there is no projection that can be read"
        if current.code_digest != meta.code_digest():
            return "the code has changed"
        try:
            if current.rules_digest != self.rules.digest:
                return f"{RULES} has changed"
        except BrokertruthError as error:
            return f"the rules cannot be read: {error}"
        if current.watermark != log.head():
            return f"it covers {current.watermark} of {log.head()} events"
        return None

    def rebuild(
        self,
        log: SQLiteLog,
        *,
        resources: Resources | None = None,
        progress: Progress = silent,
    ) -> Rebuilt:
        """Build a projection beside the current one and put it in its place, atomically.

        Whoever has the current file open keeps reading it undisturbed.
        """
        with self._projecting():
            fresh = self.projection_path.with_suffix(".new")
            for left_over in (fresh, fresh.with_name(f"{fresh.name}.wal")):
                left_over.unlink(missing_ok=True)
            # what a rebuild that was killed had spilled to disk
            shutil.rmtree(fresh.with_name(f"{fresh.name}.tmp"), ignore_errors=True)
            made = rebuild(
                log,
                fresh,
                Plan(
                    built_at=now(),
                    rules=self.rules,
                    resources=resources or Resources(),
                    progress=progress,
                ),
            )
            _put_in_place(fresh, self.projection_path)
        return made

    @contextmanager
    def _projecting(self) -> Iterator[None]:
        path = self.folder / "ledger.lock"
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                message = f"{self.folder}: another brokertruth is projecting; wait for it"
                raise CannotDoError(message) from error
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


def _put_in_place(fresh: Path, current: Path) -> None:
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.replace(current)
    directory = os.open(current.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
