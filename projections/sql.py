"""The SQL files of this package, by name. SQL is code: it is read from here and nowhere else."""

from functools import lru_cache
from importlib import resources


@lru_cache(maxsize=256)
def text(folder: str, name: str) -> str:
    """Return the text of `projections/<folder>/<name>.sql`."""
    path = resources.files(__package__).joinpath(folder, f"{name}.sql")
    return path.read_text(encoding="utf-8")


def names(folder: str) -> list[str]:
    """Return the names of the SQL files of a folder, sorted."""
    entries = resources.files(__package__).joinpath(folder).iterdir()
    return sorted(entry.name[:-4] for entry in entries if entry.name.endswith(".sql"))


def identifier(name: str) -> str:
    """Quote a name of our own as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """Quote a text of our own as an SQL string."""
    return "'" + value.replace("'", "''") + "'"
