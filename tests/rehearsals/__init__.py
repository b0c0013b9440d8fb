"""Rehearsals: whole fetches from the made exchange, whatever goes wrong on the way."""
