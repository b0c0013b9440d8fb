"""A made exchange: one truth, told over a real socket as Kalshi would have told it.

It serves rehearsals (`brokertruth fake-kalshi`) and the tests. Nothing here was recorded.
"""
