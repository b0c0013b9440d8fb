"""The outside: event log stores, brokers, files."""
