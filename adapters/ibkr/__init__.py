"""Interactive Brokers, live: what TWS or IB Gateway tells on its socket, field by field.

library     finds the client library, ib_insync or ib_async, by name
connection  one connection: raw messages come out of it, and questions with a time limit
payloads    from the fields of a message to a payload
owning      whose account a message is of
recording   from messages to events of the log
asking      one round of questions, each stream told complete or not
following   stays connected, connects again, asks again
"""
