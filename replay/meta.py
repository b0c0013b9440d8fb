"""What a projection file says about itself: which log, which code, how far, and its digests."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable

import duckdb

from domain.errors import RebuildNeededError
from projections.sql import literal
from replay.fingerprint import Fingerprint, Sums, whole

DRIVERS = (
    "replay/blank.py",
    "replay/census.py",
    "replay/database.py",
    "replay/fingerprint.py",
    "replay/flow.py",
    "replay/incremental/__init__.py",
    "replay/incremental/additions.py",
    "replay/incremental/applying.py",
    "replay/incremental/scopes.py",
    "replay/incremental/tables.py",
    "replay/intake.py",
    "replay/rebuild.py",
    "replay/rules.py",
)
LIBRARIES = ("duckdb", "eventsourcing", "pyarrow", "pydantic")

_TABLES = """
    CREATE OR REPLACE TABLE projection_meta (
        watermark BIGINT NOT NULL,
        seal_digest VARCHAR,
        code_digest VARCHAR NOT NULL,
        rules_version VARCHAR NOT NULL,
        rules_digest VARCHAR NOT NULL,
        libraries VARCHAR NOT NULL,
        built_at TIMESTAMPTZ NOT NULL,
        fingerprint VARCHAR NOT NULL,
        content_fingerprint VARCHAR NOT NULL,
        as_of VARCHAR NOT NULL
    );
    CREATE OR REPLACE TABLE table_fingerprint (
        table_name VARCHAR NOT NULL,
        rows BIGINT NOT NULL,
        fingerprint VARCHAR NOT NULL,
        content_fingerprint VARCHAR NOT NULL,
        row_hashes HUGEINT NOT NULL,
        content_hashes HUGEINT NOT NULL
    );
"""


@dataclass(frozen=True, slots=True)
class Meta:
    """One projection file's own account of itself.

    as_of   what of the log counts, see `replay.plan.AsOf`; empty where all up to the watermark does
    """

    watermark: int
    seal_digest: str | None
    code_digest: str
    rules_version: str
    rules_digest: str
    libraries: str
    built_at: datetime
    fingerprint: str
    content_fingerprint: str
    as_of: str = ""


def write(
    connection: duckdb.DuckDBPyConnection,
    parts: Sequence[Fingerprint],
    *,
    watermark: int,
    seal_digest: str | None,
    rules_version: str,
    rules_digest: str,
    built_at: datetime,
    as_of: str = "",
) -> Meta:
    """Stamp a projection file; this is the last thing that a rebuild writes."""
    full, content = whole(parts)
    meta = Meta(
        watermark=watermark,
        seal_digest=seal_digest,
        code_digest=code_digest(),
        rules_version=rules_version,
        rules_digest=rules_digest,
        libraries=libraries(),
        built_at=built_at,
        fingerprint=full,
        content_fingerprint=content,
        as_of=as_of,
    )
    connection.execute(_TABLES)
    _write_parts(connection, parts)
    connection.execute(
        "INSERT INTO projection_meta VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            meta.watermark,
            meta.seal_digest,
            meta.code_digest,
            meta.rules_version,
            meta.rules_digest,
            meta.libraries,
            meta.built_at,
            meta.fingerprint,
            meta.content_fingerprint,
            meta.as_of,
        ],
    )
    return meta


def _write_parts(connection: duckdb.DuckDBPyConnection, parts: Sequence[Fingerprint]) -> None:
    rows = ", ".join(
        f"({literal(part.table)}, {part.rows}, {literal(part.full)}, {literal(part.content)}, "
        f"{part.sums.full}, {part.sums.content})"
        for part in parts
    )
    connection.execute(f"INSERT INTO table_fingerprint VALUES {rows}")


def read_parts(connection: duckdb.DuckDBPyConnection) -> dict[str, Sums]:
    """Return the sums of the rows of each published table, as the file keeps them."""
    rows = connection.execute(
        "SELECT table_name, rows, row_hashes, content_hashes FROM table_fingerprint"
    ).fetchall()
    return {table: Sums(*sums) for table, *sums in rows}


def read(connection: duckdb.DuckDBPyConnection) -> Meta:
    """Return what the file says.

    Raise RebuildNeededError where it was never finished, or another version made it.
    """
    names = ", ".join(field.name for field in fields(Meta))
    try:
        row = connection.execute(f"SELECT {names} FROM projection_meta").fetchone()
    except duckdb.CatalogException:
        row = None
    except duckdb.BinderException as error:
        message = "the projection is of another version"
        raise RebuildNeededError(message) from error
    if row is None:
        message = "the projection was never finished"
        raise RebuildNeededError(message)
    return Meta(*row)


@lru_cache(maxsize=1)
def libraries() -> str:
    """Return the versions of the libraries that decide a result."""
    return ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Return the digest of all that decides a result.

    That is domain/, projections/, what drives them (DRIVERS), and DuckDB's version.
    """
    digest = hashlib.sha256(f"duckdb {metadata.version('duckdb')}".encode())
    for package in ("domain", "projections", "replay"):
        for name, file in _files(resources.files(package), package):
            if package == "replay" and name not in DRIVERS:
                continue
            digest.update(f"\n{name} ".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _files(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda found: found.name):
        name = f"{path}/{entry.name}"
        if entry.is_dir():
            yield from _files(entry, name)
        elif entry.name.endswith((".py", ".sql")):
            yield name, entry
