"""What a projection file says about itself: which log, which code, how far, and its digests."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable

import duckdb

from domain.errors import ProjectionError
from replay.fingerprint import Fingerprint, whole

DRIVERS = (
    "replay/blank.py",
    "replay/census.py",
    "replay/database.py",
    "replay/flow.py",
    "replay/intake.py",
    "replay/rebuild.py",
    "replay/rules.py",
)
LIBRARIES = ("duckdb", "eventsourcing", "pyarrow", "pydantic")

_TABLES = """
    CREATE TABLE projection_meta (
        watermark BIGINT NOT NULL,
        seal_digest VARCHAR,
        code_digest VARCHAR NOT NULL,
        rules_version VARCHAR NOT NULL,
        rules_digest VARCHAR NOT NULL,
        libraries VARCHAR NOT NULL,
        built_at TIMESTAMPTZ NOT NULL,
        fingerprint VARCHAR NOT NULL,
        content_fingerprint VARCHAR NOT NULL
    );
    CREATE TABLE table_fingerprint (
        table_name VARCHAR NOT NULL,
        rows BIGINT NOT NULL,
        fingerprint VARCHAR NOT NULL,
        content_fingerprint VARCHAR NOT NULL
    );
"""


@dataclass(frozen=True, slots=True)
class Meta:
    """One projection file's own account of itself."""

    watermark: int
    seal_digest: str | None
    code_digest: str
    rules_version: str
    rules_digest: str
    libraries: str
    built_at: datetime
    fingerprint: str
    content_fingerprint: str


def write(
    connection: duckdb.DuckDBPyConnection,
    parts: Sequence[Fingerprint],
    *,
    watermark: int,
    seal_digest: str | None,
    rules_version: str,
    rules_digest: str,
    built_at: datetime,
) -> Meta:
    """Stamp a projection file; this is the last thing that a rebuild writes."""
    full, content = whole(parts)
    meta = Meta(
        watermark=watermark,
        seal_digest=seal_digest,
        code_digest=code_digest(),
        rules_version=rules_version,
        rules_digest=rules_digest,
        libraries=", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES),
        built_at=built_at,
        fingerprint=full,
        content_fingerprint=content,
    )
    connection.execute(_TABLES)
    connection.executemany(
        "INSERT INTO table_fingerprint VALUES (?, ?, ?, ?)",
        [[part.table, part.rows, part.full, part.content] for part in parts],
    )
    connection.execute(
        "INSERT INTO projection_meta VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
        ],
    )
    return meta


def read(connection: duckdb.DuckDBPyConnection) -> Meta:
    """Return what the file says.

    Raise ProjectionError where it was never finished, or another version made it.
    """
    names = ", ".join(field.name for field in fields(Meta))
    try:
        row = connection.execute(f"SELECT {names} FROM projection_meta").fetchone()
    except duckdb.CatalogException:
        row = None
    except duckdb.BinderException as error:
        message = "the projection is of another version: run `brokertruth rebuild`"
        raise ProjectionError(message) from error
    if row is None:
        message = "the projection was never finished: run `brokertruth rebuild`"
        raise ProjectionError(message)
    return Meta(*row)


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
