"""Kalshi, read only.

clock, errors    the one source of time; what can go wrong, and the words for it
sites, signing   production, demo, or an address of one's own; the key and what it makes
pacing, answers  no more requests than the exchange allows; what a reply means
client, paging   one GET: paced, signed, retried, judged; a list of pages, rows cut out verbatim
streams, lists   what there is to ask for; a list read from its start to its end
taking, telling  rows to events; what a fetch tells of each stream
snapshots, listings  balances and positions; markets and series
fetch, follow    one fetch of everything; fills as they happen
"""
