"""Running the projections: from a log to a DuckDB file, and from a figure back to the bytes.

Knows logs only through the protocols in `replay.ports`. No clock, no randomness, no environment:
what depends on them is handed in.
"""
