"""`lint-bot`: reads the source of a bot and finds the calls that post orders without a record.

sources.py   the files of a tree
names.py     which names and addresses post an order
program.py   functions, their calls and what runs behind each
reading.py   from Python's syntax tree to such a program
texts.py     what a text in the source is, and how an order's id begins
tree.py      which functions a call may mean
duty.py      who must record, and who does not
findings.py  the verb
"""
