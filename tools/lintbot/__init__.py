"""`lint-bot`: reads the source of a bot and finds the calls that post orders without a record.

names.py     which names and addresses post an order
sources.py   the files of a tree, and which of them matter
reading.py   from Python's syntax tree to functions, their calls and what runs behind each
duty.py      which function a call may mean, who must record, and who does not
findings.py  the verb
"""
