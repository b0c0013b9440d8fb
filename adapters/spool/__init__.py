"""The spool: files that bots write line by line, taken in whole lines at a time.

files  the folder: which files are there, whose writer lives, their lines, where they go
lines  one line -> one event, or the reason why not
"""
