"""What is promised about speed, measured: `make bench` prints ratios of one run.

Every figure is taken in a process of its own, in turns with what it is compared with, and the
median counts: a machine that is busy slows both sides.
"""
