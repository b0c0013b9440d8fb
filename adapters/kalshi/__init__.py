"""Kalshi's REST API, read only.

clock     the one source of time
errors    what can go wrong, and the words for it
sites     production, demo, or an address of one's own
signing   the key, and the three headers that it makes
pacing    no more requests than the exchange allows
answers   what a reply means
client    one GET: paced, signed, retried, judged
paging    a stream of pages, rows cut out verbatim
"""
