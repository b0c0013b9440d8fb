"""Projection files in one connection that reads them and can do nothing else.

A path may come from anywhere, and its file be of anything. So nothing but a DuckDB database is
attached, no extension is loaded or fetched for another one, and once all are attached the engine
touches no other file than those it spills to.
"""

import os
from pathlib import Path

import duckdb

from projections.sql import identifier
from replay.database import Config, Resources


def config_of(beside: Path, purpose: str, resources: Resources) -> Config:
    """Return the settings of such a connection, which spills to a folder beside a file."""
    config: Config = {
        "temp_directory": str(beside.with_name(f"{beside.name}.{os.getpid()}.{purpose}")),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if resources.threads:
        config["threads"] = resources.threads
    if resources.memory:
        config["memory_limit"] = resources.memory
    return config


def attach(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    """Attach a DuckDB file, to be read only. Raise duckdb.Error where it is none."""
    connection.execute(f"ATTACH ? AS {identifier(name)} (READ_ONLY, TYPE duckdb)", [str(path)])


def lock(connection: duckdb.DuckDBPyConnection) -> None:
    """Close a connection off from all other files, for good."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
