from pathlib import Path

from adapters.log.sqlite import SQLiteLog
from tests.contracts.event_log import EventLogContract, WritableLog


class TestSQLiteLog(EventLogContract):
    def make(self, directory: Path, name: str) -> WritableLog:
        return SQLiteLog.open(directory / f"{name}.sqlite", create=True)
