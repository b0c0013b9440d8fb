"""What a person or a scheduler runs: the command line and what stands behind its verbs.

The rim: here are the clock, the environment, the terminal, and the one place where log, projection
and configuration are put together (`tools.book`).
"""
