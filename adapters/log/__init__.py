"""Stores of the event log, and what checks them.

Everything above this package opens a log with `sqlite.SQLiteLog.open`.
"""
