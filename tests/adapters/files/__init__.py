"""Tests of the file importers."""
