"""Sealed segments: what is read of the log, kept as Parquet files for the next rebuild.

A cache, never the truth: it is checked against the log's seals before it is used, and can be
removed at any time.

segment  one range of positions: its files and what it says about itself
writing  events of the log -> a segment
kept     the segments of a folder: make, use, remove
verify   segments against what was written and against the log
"""
