"""What things are: events, shapes, facts, units and rules.

Pure by law (`tests/test_tidy.py` enforces it): no I/O, no clock, no randomness, no environment,
and no imports but the standard library and pydantic.
"""
