"""A second opinion: the ledger replayed event by event, in plain Python.

Written from the reference and the meaning of the tables, not from the SQL, and kept simple rather
than fast: Decimals, deques, one fill after the other. Tests compare the projections with it row
for row; the benchmark runs it as "per-event replay".

    lots        fills and settlements of one holding -> lot matches, open lots, cash, payments
    tables      all holdings -> the published rows (without log positions), as dicts
    payloads    raw payloads of every generation -> fills and settlements (pydantic)
"""
